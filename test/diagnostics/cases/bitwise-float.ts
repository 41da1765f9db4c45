// bitwise float
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.load(x + offs) & 3);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32), out: f32(32) });
}
