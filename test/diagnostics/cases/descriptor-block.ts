// a descriptor's block that is too narrow
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  const d = tl.make_tensor_descriptor(x, { shape: [n, n], strides: [16, 1], block_shape: [8, 2] });
  d.store([0, 0], d.load([8, 8]));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([256], 'f32'), n: 6 });
}
