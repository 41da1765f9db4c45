// In Triton, `start_n = tl.multiple_of(start_n, BLOCK)` in a loop is a new name; here the loop variable cannot be assigned.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  for (let start = 0; start < n; start += 16) {
    start = tl.multiple_of(start, 16);
    tl.store(x + start, 1);
  }
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2], { dtype: 'f32' }), n: 2 });
}
