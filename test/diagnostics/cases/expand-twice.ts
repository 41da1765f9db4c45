// Two new dimensions cannot have one place.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const t = tl.load(x + tl.arange(0, 16));
  tl.store(x + tl.arange(0, 16), tl.ravel(tl.expand_dims(t, [0, -3])));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor(Array(16).fill(0), { dtype: 'f32' }) });
}
