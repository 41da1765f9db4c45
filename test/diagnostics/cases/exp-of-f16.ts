// exp of f16
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.f16>; out: tl.ptr<tl.f16> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.exp(tl.load(x + offs)));
});

export default function run(dev: Device): void {
  const f16 = (n: number) => dev.empty([n], 'f16');
  k.launch(dev, [1], { x: f16(32), out: f16(32) });
}
