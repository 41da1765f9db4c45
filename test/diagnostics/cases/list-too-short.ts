// More names on the left than there are values.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const pairs = tl.reshape(tl.load(x + tl.arange(0, 16)), [8, 2]);
  const [a, b, c] = tl.split(pairs) as any;
  tl.store(x + tl.arange(0, 8), a + b + c);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32') });
}
