// boundary_check names a dimension that the block lacks
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  const p = tl.make_block_ptr(x, { shape: [n, n], strides: [n, 1], offsets: [0, 0], block_shape: [16, 16], order: [1, 0] });
  tl.store(p, tl.load(p, { boundary_check: [0, 2] }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([256], 'f32'), n: 6 });
}
