// options of tl.range
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  for (const i of tl.range(0, n, 1, { num_stages: 2, flatten: 1 as unknown as boolean })) tl.store(x + i, 0);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([16], 'f32'), n: 16 });
}
