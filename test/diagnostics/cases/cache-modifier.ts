// a cache modifier of stores at a load
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.i32> }) {
  tl.store(x, tl.load(x, { cache_modifier: '.wb' as '.cg' }));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'i32') });
}
