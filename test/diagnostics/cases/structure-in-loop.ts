// a tuple that grows in a loop
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let state = [tl.load(x), tl.load(x + 1)];
  for (let i = 0; i < n; i++) {
    state = [state[1], state[0], state[0] + state[1]];
  }
  tl.store(x, state[0]);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2], { dtype: 'f32' }), n: 2 });
}
