// unknown rounding of a cast
import { type Device, kernel, tl } from 'tessera';

const UP = 'up' as 'rtz';
const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f16> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.cast(tl.load(x + offs), tl.float16, { fp_downcast_rounding: UP }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([32], 'f32'), out: dev.empty([32], 'f16') });
}
