// ?: on the device with two types.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  tl.store(x, n > 3 ? n : tl.load(x));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32'), n: 3 });
}
