// A tile is no list of its elements.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const [a, b] = tl.load(x + tl.arange(0, 2)) as any;
  tl.store(x, a + b);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32') });
}
