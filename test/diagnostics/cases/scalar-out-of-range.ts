// scalar out of range
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.i32>; n: tl.i32 }) {
  tl.store(x, n);
});

export default function run(dev: Device): void {
  const i32 = (n: number) => dev.empty([n], 'i32');
  k.launch(dev, [1], { x: i32(1), n: 3_000_000_000 });
}
