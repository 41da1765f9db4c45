// tile too large
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const tile = tl.zeros([2048, 1024], tl.f32);
  tl.store(x + tl.arange(0, 2048), tl.sum(tile, 1));
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(2048) });
}
