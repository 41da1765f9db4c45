// Triton’s attribute `shape`, out of habit.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const row = tl.load(x + tl.arange(0, 8)) as any;
  tl.store(x + tl.arange(0, row.shape[0]), row);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32') });
}
