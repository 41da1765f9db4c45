// atomic max of i64
import { type Device, kernel, tl } from 'tessera';
export const only = 'webgpu';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i64> }) {
  tl.atomic_max(x, 1);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'i64') });
}
