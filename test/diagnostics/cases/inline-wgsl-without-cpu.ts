// inline wgsl without cpu
import { type Device, kernel, tl } from 'tessera';
export const only = 'interp';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.inline_wgsl_elementwise('sqrt($0)', [tl.load(x)], { dtype: tl.f32 }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
