// a runtime stride that is no multiple of 16 bytes: the interpreter finds it
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  const d = tl.make_tensor_descriptor(x, { shape: [n, n], strides: [n, 1], block_shape: [8, 8] });
  d.store([0, 0], d.load([0, 0]));
});

export const only = 'interp';

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([256], 'f32'), n: 6 });
}
