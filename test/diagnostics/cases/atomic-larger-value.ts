// atomic larger value
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i32> }) {
  tl.atomic_add(x, tl.arange(0, 8));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'i32') });
}
