// A combining function of two tiles returns two values.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const v = tl.load(x + tl.arange(0, 8));
  const [sum] = tl.reduce([v, v], 0, (a, b, c, d) => [a + b + c + d]);
  tl.store(x, sum);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
