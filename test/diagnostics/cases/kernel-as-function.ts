// A kernel is launched, not called.
import { type Device, kernel, tl } from 'tessera';

const other = kernel(function other({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, 1.0);
});
const k = kernel(function k({ x, F }: { x: tl.ptr<tl.f32>; F: tl.constexpr<unknown> }) {
  tl.store(x, tl.reduce(tl.load(x + tl.arange(0, 8)), 0, F as (a: number, b: number) => number));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32'), F: other });
}
