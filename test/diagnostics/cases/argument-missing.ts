// An axis that is left out.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.sum((tl as any).expand_dims(tl.load(x + tl.arange(0, 8)))));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
