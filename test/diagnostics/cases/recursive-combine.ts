// A function that is passed on may not lead back to itself.
import { type Device, kernel, tl } from 'tessera';

const loop: (a: number, b: number) => number = tl.fn(function loop(a: number, b: number): number {
  return a + loop(b, a);
});
const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.reduce(tl.load(x + tl.arange(0, 8)), 0, loop));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
