// div rn of f16
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f16> }) {
  tl.store(x, tl.div_rn(tl.load(x), 3.0));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f16') });
}
