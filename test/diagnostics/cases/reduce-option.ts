// Options of reductions are checked by name.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const options = { keepdims: true };
  tl.store(x, tl.sum(tl.load(x + tl.arange(0, 8)), 0, options as { keep_dims?: boolean }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
