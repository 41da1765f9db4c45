// atomic sem
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i32> }) {
  tl.atomic_add(x, 1, { sem: 'sequential' as 'relaxed' });
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'i32') });
}
