// null pointer
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, y }: { x: tl.ptr<tl.f32>; y: tl.ptr<tl.f32> }) {
  const offs = tl.arange(0, 32);
  tl.store(x + offs, tl.load(y + offs));
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  // @ts-expect-error y is not optional
  k.launch(dev, [1], { x: f32(32), y: null });
}
