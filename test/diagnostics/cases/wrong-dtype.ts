// wrong dtype
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  const offs = tl.arange(0, 32);
  tl.store(x + offs, 1, { mask: offs < n });
});

export default function run(dev: Device): void {
  const f16 = (n: number) => dev.empty([n], 'f16');
  k.launch(dev, [1], { x: f16(32), n: 32 });
}
