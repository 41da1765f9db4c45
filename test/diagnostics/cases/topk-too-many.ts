// More elements than there are.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i32> }) {
  const t = tl.load(x + tl.arange(0, 16));
  tl.store(x, tl.sum(tl.topk(t, 32)));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor(Array(16).fill(0), { dtype: 'i32' }) });
}
