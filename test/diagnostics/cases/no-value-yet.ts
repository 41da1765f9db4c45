// A variable is read before it is set.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.i32>; n: tl.i32 }) {
  let y!: number;
  const z = y + 1;
  y = n;
  tl.store(x, z + y);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'i32'), n: 3 });
}
