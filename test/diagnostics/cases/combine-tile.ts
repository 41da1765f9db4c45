// A combining function works on single elements.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const v = tl.load(x + tl.arange(0, 8));
  tl.store(
    x,
    tl.reduce(v, 0, (a, b) => tl.max(a + b + v, 0)),
  );
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
