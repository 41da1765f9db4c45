// other without mask
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const offs = tl.arange(0, 16);
  tl.store(x + offs, tl.load(x + offs, { other: 0 }));
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32) });
}
