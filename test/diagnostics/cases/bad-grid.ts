// bad grid
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x + tl.program_id(0), 0);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [2.5], { x: f32(32) });
}
