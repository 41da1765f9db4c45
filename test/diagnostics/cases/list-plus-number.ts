// A list in arithmetic.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i32> }) {
  const pair = [1, 2] as any;
  tl.store(x, pair * 2);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'i32') });
}
