// loop changes type
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let acc = 0;
  for (let i = 0; i < n; i++) {
    acc += tl.load(x + i);
  }
  tl.store(x, acc);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32), n: 32 });
}
