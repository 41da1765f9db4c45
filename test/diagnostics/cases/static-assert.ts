// static assert
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, BLOCK }: { x: tl.ptr<tl.f32>; BLOCK: tl.constexpr }) {
  tl.static_assert(BLOCK >= 64, 'BLOCK must be at least 64');
  tl.store(x + tl.arange(0, BLOCK), 0);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32), BLOCK: 32 });
}
