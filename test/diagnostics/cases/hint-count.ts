// Two numbers for one dimension.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const offs = tl.multiple_of(tl.arange(0, 8), [8, 8]);
  tl.store(x + offs, 1.0);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32') });
}
