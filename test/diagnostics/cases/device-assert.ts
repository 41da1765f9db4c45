// device assert
import { type Device, kernel, tl } from 'tessera';
export const only = 'interp';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i32> }) {
  const v = tl.load(x + tl.arange(0, 4));
  tl.device_assert(v > 0, 'all values must be positive');
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor(Int32Array.of(1, 2, -3, 4)) });
}
