// fp8e4nv toward zero
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.fp8e4nv> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.cast(tl.load(x + offs), tl.fp8e4nv, { fp_downcast_rounding: 'rtz' }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([32], 'f32'), out: dev.empty([32], 'fp8e4nv') });
}
