// f64 in a WebGPU kernel
import { type Device, kernel, tl } from 'tessera';

export const only = 'webgpu';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32> }) {
  const offs = tl.arange(0, 32);
  const wide = tl.cast(tl.load(x + offs), tl.float64);
  tl.store(out + offs, wide * wide);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([32], 'f32'), out: dev.empty([32], 'f32') });
}
