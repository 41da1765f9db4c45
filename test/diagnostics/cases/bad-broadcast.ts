// bad broadcast
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out, BLOCK }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32>; BLOCK: tl.constexpr }) {
  const a = tl.load(x + tl.arange(0, BLOCK));
  const b = tl.load(x + tl.arange(0, 2 * BLOCK));
  tl.store(out + tl.arange(0, BLOCK), a + b);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(128), out: f32(128), BLOCK: 64 });
}
