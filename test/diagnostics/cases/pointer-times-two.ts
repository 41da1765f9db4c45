// pointer times two
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x * 2, 1);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32) });
}
