// bitcast of unequal widths
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.i16> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.cast(tl.load(x + offs), tl.int16, { bitcast: true }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([32], 'f32'), out: dev.empty([32], 'i16') });
}
