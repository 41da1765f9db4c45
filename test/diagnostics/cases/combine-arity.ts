// A combining function of one value.
import { type Device, kernel, tl } from 'tessera';

const k = kernel(function k({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(
    x,
    tl.reduce(tl.load(x + tl.arange(0, 8)), 0, (a: number) => a),
  );
});

export default function run(dev: Device): void {
  k.launch(dev, [1], { x: dev.zeros([16], 'f32') });
}
