// fp8 is converted from and to floats alone
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, out }: { x: tl.ptr<tl.fp8e5>; out: tl.ptr<tl.u8> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.load(x + offs));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([32], 'fp8e5'), out: dev.empty([32], 'u8') });
}
