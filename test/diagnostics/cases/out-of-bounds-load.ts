// out of bounds load
import { type Device, kernel, tl } from 'tessera';
export const only = 'interp';

const k = kernel(function k({ x, out, n }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32>; n: tl.i32 }) {
  const offs = tl.arange(0, 64);
  const v = tl.load(x + offs + 1, { mask: offs < n, other: 0 });
  tl.store(out + offs, v, { mask: offs < n });
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(60), out: f32(60), n: 60 });
}
