// changing closure
import { type Device, kernel, tl } from 'tessera';

let factor = 2;
factor += 1;
const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.load(x) * factor);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [1], { x: f32(32) });
}
