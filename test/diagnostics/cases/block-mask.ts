// a mask for a block pointer
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  const p = tl.make_block_ptr(x, { shape: [n, n], strides: [n, 1], offsets: [0, 0], block_shape: [16, 16], order: [1, 0] });
  tl.store(p, tl.load(p, { mask: tl.row(tl.arange(0, 16)) < n, other: 0 }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([256], 'f32'), n: 6 });
}
