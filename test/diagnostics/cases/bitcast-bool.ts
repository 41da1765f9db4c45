// a mask is one bit, not a byte
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ out }: { out: tl.ptr<tl.u8> }) {
  const offs = tl.arange(0, 32);
  tl.store(out + offs, tl.cast(offs < 7, tl.uint8, { bitcast: true }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { out: dev.empty([32], 'u8') });
}
