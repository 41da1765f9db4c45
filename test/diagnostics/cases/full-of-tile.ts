// A tile as the value of tl.full.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  const row = tl.load(x + tl.arange(0, 8));
  tl.store(x + tl.arange(0, 8), tl.full([8], row, tl.f32));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32') });
}
