// number for tensor
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x + tl.arange(0, 32), 0);
});

export default function run(dev: Device): void {
  // @ts-expect-error a number is no tensor
  k.launch(dev, [1], { x: 3 });
}
