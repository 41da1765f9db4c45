// Arrays live at trace time; a loop on the device cannot change their elements.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  const sums = [0, 0];
  for (let i = 0; i < n; i++) {
    sums[0] += tl.load(x + i);
  }
  tl.store(x, sums[0]);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2], { dtype: 'f32' }), n: 2 });
}
