// rounding of a cast that does not round
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f16>; out: tl.ptr<tl.f32> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.cast(tl.load(x + offs), tl.float32, { fp_downcast_rounding: 'rtz' }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([32], 'f16'), out: dev.empty([32], 'f32') });
}
