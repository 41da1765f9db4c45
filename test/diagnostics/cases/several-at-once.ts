// Everything that the front end finds in a file is reported together.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let i = n >>> 1;
  do {
    tl.store(x + i, i++);
  } while (i < n);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2], { dtype: 'f32' }), n: 2 });
}
