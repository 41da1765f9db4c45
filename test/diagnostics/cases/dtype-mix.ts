// dtype mix
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, y, out }: { x: tl.ptr<tl.i32>; y: tl.ptr<tl.u32>; out: tl.ptr<tl.i32> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.floordiv(tl.load(x + offs), tl.load(y + offs)));
});

export default function run(dev: Device): void {
  const i32 = (n: number) => dev.empty([n], 'i32');
  const u32 = (n: number) => dev.empty([n], 'u32');
  k.launch(dev, [1], { x: i32(32), y: u32(32), out: i32(32) });
}
