// dot with less along K than matrix units take
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const a = tl.zeros([16, 8], tl.f32);
  const b = tl.zeros([8, 16], tl.f32);
  tl.store(x + tl.arange(0, 16), tl.sum(tl.dot(a, b), 1));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([16], 'f32') });
}
