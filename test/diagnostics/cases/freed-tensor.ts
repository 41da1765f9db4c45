// freed tensor
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x + tl.arange(0, 32), 0);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32', 'data');
  const x = f32(32);
  x.free();
  k.launch(dev, [1], { x });
}
