// A device function is called without one of its values.
import { type Device, kernel, tl } from 'tessera';

const scaled = tl.fn(function scaled(a: number, factor: number) {
  return a * factor;
});
const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, (scaled as any)(tl.load(x)));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32') });
}
