// branch changes shape
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let v = tl.load(x + tl.arange(0, 16));
  if (n > 4) {
    v = tl.load(x + tl.arange(0, 32));
  }
  tl.store(x, tl.sum(v, 0));
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32), n: 8 });
}
