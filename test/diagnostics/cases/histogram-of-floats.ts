// Floats have no bins.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const t = tl.load(x + tl.arange(0, 16));
  tl.store(x, tl.sum(tl.histogram(t, 8)));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor(Array(16).fill(0), { dtype: 'f32' }) });
}
