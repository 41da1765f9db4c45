// The index may differ from its source along the axis only.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const t = tl.load(x + tl.arange(0, 16));
  const index = tl.zeros([8, 2], tl.i32);
  tl.store(x, tl.sum(tl.gather(tl.reshape(t, 4, 4), index, 1)));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor(Array(16).fill(0), { dtype: 'f32' }) });
}
