// atomic max of f16
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f16> }) {
  tl.atomic_max(x + tl.arange(0, 4), 1.0);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f16') });
}
