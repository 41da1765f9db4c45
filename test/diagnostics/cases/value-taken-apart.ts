// the index of a maximum without return_indices
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, BLOCK }: { x: tl.ptr<tl.f32>; BLOCK: tl.constexpr }) {
  const v = tl.load(x + tl.arange(0, BLOCK));
  // @ts-expect-error the type checker says so too
  const [best, place] = tl.max(v, 0);
  tl.store(x + place, best);
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([16], 'f32'), BLOCK: 16 });
}
