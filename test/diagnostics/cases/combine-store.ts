// A combining function has no effects.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const v = tl.load(x + tl.arange(0, 8));
  const w = tl.associative_scan(v, 0, (a, b) => {
    tl.store(x, a);
    return a + b;
  });
  tl.store(x + tl.arange(0, 8), w);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
