// atomic of bytes
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i8> }) {
  tl.atomic_add(x + tl.arange(0, 4), 1);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'i8') });
}
