// a part of a tuple that changes its type in a loop
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let state = { sums: [tl.zeros([16], tl.f32), tl.zeros([16], tl.i32)], trips: 0 };
  for (let i = 0; i < n; i++) {
    state = { sums: [state.sums[0], state.sums[1] + state.sums[0]], trips: state.trips + 1 };
  }
  tl.store(x + tl.arange(0, 16), state.sums[1]);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([16], 'f32'), n: 2 });
}
