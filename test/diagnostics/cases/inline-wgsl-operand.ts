// inline wgsl operand
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.inline_wgsl_elementwise('$0 + $2', [tl.load(x), 1.0], { dtype: tl.f32 }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
