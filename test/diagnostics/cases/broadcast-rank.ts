// broadcast rank
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32> }) {
  const tile = tl.broadcast_to(tl.load(x + tl.arange(0, 16)), [16, 16]);
  tl.store(out + tl.arange(0, 16), tl.sum(tile, 1));
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(16), out: f32(16) });
}
