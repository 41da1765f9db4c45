// a tuple that only a loop sets
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let last: number[] = null as never;
  let seen: number[] | undefined;
  for (let i = 0; i < n; i++) seen = [tl.load(x + i), i];
  if (n > 2) last = [tl.load(x), tl.load(x + 1)];
  tl.store(x, (seen as number[])[0]);
  tl.store(x, last[1]);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor([1, 2, 3], { dtype: 'f32' }), n: 2 });
}
