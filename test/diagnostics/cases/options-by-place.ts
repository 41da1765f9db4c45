// a mask by place, as Triton's load takes it too
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) {
  const offs = tl.arange(0, BLOCK);
  const mask = offs < n;
  // @ts-expect-error the type checker says so too
  tl.store(x + offs, tl.load(x + offs, mask));
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.empty([16], 'f32'), n: 3, BLOCK: 16 });
}
