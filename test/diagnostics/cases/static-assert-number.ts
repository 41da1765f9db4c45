// A number as the condition of static_assert.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, N }: { x: tl.ptr<tl.f32>; N: tl.constexpr }) {
  tl.static_assert(N as any);
  tl.store(x, 1.0);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32'), N: 16 });
}
