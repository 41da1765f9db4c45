// boundary_check with ordinary pointers
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.load(x + tl.arange(0, 16), { boundary_check: [0] }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([256], 'f32') });
}
