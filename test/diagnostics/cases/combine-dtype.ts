// A combining function returns the dtype that it takes.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i32> }) {
  const v = tl.load(x + tl.arange(0, 8));
  tl.store(
    x,
    tl.reduce(v, 0, (a, b) => (a + b) / 2),
  );
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'i32') });
}
