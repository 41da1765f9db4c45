// not power of two
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, BLOCK }: { x: tl.ptr<tl.f32>; BLOCK: tl.constexpr }) {
  tl.store(x + tl.arange(0, BLOCK), 0);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(100), BLOCK: 100 });
}
