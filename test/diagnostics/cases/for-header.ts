// A `for` is a range: a header that multiplies its variable is none.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  for (let i = 1; i < n; i *= 2) {
    tl.store(x + i, 1);
  }
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2], { dtype: 'f32' }), n: 2 });
}
