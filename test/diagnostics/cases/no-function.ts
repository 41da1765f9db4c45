// A function that tl does not have.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, (tl as any).gelu(tl.load(x)));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
