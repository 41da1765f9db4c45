// dot shape
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const a = tl.zeros([16, 32], tl.f32);
  const b = tl.zeros([16, 32], tl.f32);
  const c = tl.dot(a, b);
  tl.store(x + tl.arange(0, 16), tl.sum(c, 1));
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(16) });
}
