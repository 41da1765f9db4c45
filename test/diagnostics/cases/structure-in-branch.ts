// tuples of two lengths from the branches of an if
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let pair = [tl.load(x), tl.load(x + 1)];
  if (n > 2) pair = [tl.load(x + 2)];
  tl.store(x, pair[0]);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2, 3], { dtype: 'f32' }), n: 2 });
}
