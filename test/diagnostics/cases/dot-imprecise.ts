// More imprecise sums than there are products.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, o }: { x: tl.ptr<tl.fp8e5>; o: tl.ptr<tl.f32> }) {
  const i = tl.arange(0, 32);
  const a = tl.load(x + tl.col(i) * 32 + tl.row(i));
  tl.store(o, tl.sum(tl.dot(a, a, { max_num_imprecise_acc: 64 })));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([1024], 'fp8e5'), o: dev.zeros([1], 'f32') });
}
