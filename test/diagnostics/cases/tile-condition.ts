// tile condition
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const v = tl.load(x + tl.arange(0, 16));
  if (v > 0) {
    tl.store(x, 1);
  }
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32) });
}
