// missing argument
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) {
  const offs = tl.arange(0, BLOCK);
  tl.store(x + offs, offs, { mask: offs < n });
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  // @ts-expect-error n is missing
  k.launch(dev, [1], { x: f32(32), BLOCK: 32 });
}
