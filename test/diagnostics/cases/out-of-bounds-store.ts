// out of bounds store
import { type Device, kernel, tl } from 'tessera';
export const only = 'interp';

const k = kernel(function k({ x, BLOCK }: { x: tl.ptr<tl.f32>; BLOCK: tl.constexpr }) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  tl.store(x + offs, offs);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  k.launch(dev, [2], { x: f32(100), BLOCK: 64 });
}
