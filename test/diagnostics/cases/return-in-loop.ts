// A loop of a program runs to its end; returning from its middle is refused by the front end.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  for (let i = 0; i < n; i++) {
    if (tl.load(x + i) > 0) return;
    tl.store(x + i, 1);
  }
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2], { dtype: 'f32' }), n: 2 });
}
