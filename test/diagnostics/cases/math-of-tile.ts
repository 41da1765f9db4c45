// a function of Math on a tile
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, BLOCK }: { x: tl.ptr<tl.f32>; BLOCK: tl.constexpr }) {
  const offs = tl.arange(0, BLOCK);
  tl.store(x + offs, Math.max(tl.load(x + offs), Math.sqrt(2)));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([16], 'f32'), BLOCK: 16 });
}
