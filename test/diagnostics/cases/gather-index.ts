// An index outside of the source; a GPU gives some other element.
import { type Device, kernel, tl } from 'tessera';

export const only = 'interp';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const t = tl.load(x + tl.arange(0, 16));
  tl.store(x + tl.arange(0, 16), tl.gather(t, tl.arange(1, 17), 0));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.tensor(Array(16).fill(0), { dtype: 'f32' }) });
}
