// Only integers have bits to fold; Triton refuses floats too.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.xor_sum(tl.load(x + tl.arange(0, 8)), 0));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([8], 'f32') });
}
