// Early returns under conditions that only the device knows, in a kernel and in a device function: what the front end makes of
// them, traced and run, against the same decisions in plain JavaScript.

import { kernel, tl } from 'tessera';
import { expect, it } from 'vitest';
import { onEachDevice } from '../../support/devices.ts';

const choose = tl.fn(function choose(v: number, n: number) {
  if (n > 4) {
    if (n > 8) return v * 2;
    v += 1;
  }
  if (n < 2) return v;
  return v + n;
});

const early = kernel(function early({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  let step = 1;
  if (n > 6) {
    if (n > 10) return;
    step = 100;
  }
  if (n === 3) {
    tl.store(x, -3);
    return;
  } else if (n === 0) {
    step = 1000;
  }
  // A scalar at first, a tile afterwards: nothing after the early returns sees both.
  let offs: number = 0;
  if (n === 5) return;
  offs = tl.arange(0, 4);
  tl.store(x + offs, choose(tl.load(x + offs), n) + step);
});

const expected = (n: number): number[] => {
  const x = [0, 10, 20, 30];
  if (n > 10 || n === 5) return x;
  if (n === 3) return [-3, 10, 20, 30];
  const step = n > 6 ? 100 : n === 0 ? 1000 : 1;
  return x.map((v) => (n > 8 ? v * 2 : n > 4 ? v + 1 + n : n < 2 ? v : v + n) + step);
};

onEachDevice('early returns', (dev) => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('n = %i', async (n) => {
    const x = dev().tensor([0, 10, 20, 30], { dtype: 'f32' });
    early.launch(dev(), [1], { x, n });
    expect([...(await x.download())]).toEqual(expected(n));
  });
});
