// Tuples and objects of traced values through control flow and device functions, on every device against plain JavaScript.

import { expect, it } from 'vitest';
import { type Kernel, kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

type Args = { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; n: tl.i32 };

const pair = tl.fn(function pair(x: number, y: number) {
  if (x > 3) return { low: y, high: [x, y] };
  return { low: x, high: [y, x * 10] };
});
const swap = tl.fn(function swap([a, b]: number[]) {
  return [b, a];
});

const KERNELS = {
  fibonacci: kernel(function fibonacci({ out, n }: Omit<Args, 'x'>) {
    const r = tl.arange(0, 8);
    let state = [tl.zeros([8], tl.i32), r + 1];
    for (let i = 0; i < n; i++) state = [state[1], state[0] + state[1]];
    tl.store(out + r, state[0]);
    tl.store(out + 8 + r, state[1]);
  }),
  swapped: kernel(function swapped({ out, n }: Omit<Args, 'x'>) {
    let t = [1, 2];
    for (let i = 0; i < n; i++) t = swap(t);
    tl.store(out, t[0]);
    tl.store(out + 1, t[1]);
  }),
  nested: kernel(function nested({ x, out, n }: Args) {
    // A tuple of a pointer and a tuple of a tile and a number, in an object, through a while.
    const r = tl.arange(0, 4);
    let s = { at: [x + r, [tl.zeros([4], tl.i32), 0]] as [number, [number, number]], left: n };
    while (s.left > 0) {
      const [p, [sum, trips]] = s.at;
      s = { at: [p + 4, [sum + tl.load(p), trips + 1]], left: s.left - 1 };
    }
    tl.store(out + r, s.at[1][0]);
    tl.store(out + 4, s.at[1][1]);
  }),
  branches: kernel(function branches({ x, out, n }: Args) {
    let t = [tl.load(x), tl.load(x + 1), 7];
    const old = t;
    if (n > 3) t = [t[1], t[0], 7];
    else if (n > 1) t = [t[0] + 1, t[1], 8];
    tl.store(out, t[0]);
    tl.store(out + 1, t[1]);
    tl.store(out + 2, t[2]);
    tl.store(out + 3, old[0]);
  }),
  returned: kernel(function returned({ x, out, n }: Args) {
    const { low, high } = pair(n, tl.load(x + 2));
    const [a, b] = n > 5 ? [high[0], 1] : [high[1], 2];
    tl.store(out, low);
    tl.store(out + 1, high[0]);
    tl.store(out + 2, high[1]);
    tl.store(out + 3, a * 100 + b);
  }),
  constantPart: kernel(function constantPart({ out, n }: Omit<Args, 'x'>) {
    // What a branch leaves alone stays known at compile time, strings and all.
    let t = [n, 8, 'eight'] as [number, number, string];
    if (n > 3) t = [n * 2, 8, 'eight'];
    tl.static_assert(t[2] === 'eight');
    tl.store(out + tl.arange(0, t[1]), t[0]);
  }),
};

onEachDevice('structures', (dev) => {
  const input = Int32Array.from({ length: 64 }, (_, i) => (i * 37) % 101);
  const run = async (k: Kernel, n: number, size: number): Promise<number[]> => {
    const [x, out] = [dev().tensor(input), dev().full([size], -7, 'i32')];
    k.launch(dev(), [1], k.definition.params.some((p) => p.name === 'x') ? { x, out, n } : { out, n });
    const got = [...((await out.download()) as Int32Array)];
    x.free();
    out.free();
    return got;
  };

  it.each([0, 1, 9])('a tuple of tiles through a for (%i trips)', async (n) => {
    let [a, b] = [Array(8).fill(0), Array.from({ length: 8 }, (_, i) => i + 1)];
    for (let i = 0; i < n; i++) [a, b] = [b, a.map((v, k) => v + b[k])];
    expect(await run(KERNELS.fibonacci, n, 16)).toEqual([...a, ...b]);
  });
  it.each([0, 5])('numbers in a tuple, through a device function (%i trips)', async (n) => {
    expect(await run(KERNELS.swapped, n, 2)).toEqual(n % 2 ? [2, 1] : [1, 2]);
  });
  it.each([0, 3])('tuples in tuples in an object, through a while (%i trips)', async (n) => {
    const sums = [0, 1, 2, 3].map((k) => Array.from({ length: n }, (_, t) => input[4 * t + k]).reduce((a, b) => a + b, 0));
    expect(await run(KERNELS.nested, n, 5)).toEqual([...sums, n]);
  });
  it.each([1, 2, 4])('a tuple through branches (n = %i)', async (n) => {
    const [a, b] = input;
    expect(await run(KERNELS.branches, n, 4)).toEqual([...(n > 3 ? [b, a, 7] : n > 1 ? [a + 1, b, 8] : [a, b, 7]), a]);
  });
  it.each([2, 4, 6])('structures returned early, and chosen by ?: (n = %i)', async (n) => {
    const y = input[2];
    const [low, high] = n > 3 ? [y, [n, y]] : [n, [y, n * 10]];
    const last = n > 5 ? high[0] * 100 + 1 : high[1] * 100 + 2;
    expect(await run(KERNELS.returned, n, 4)).toEqual([low, ...high, last]);
  });
  it.each([2, 5])('parts that a branch does not change stay constant (n = %i)', async (n) => {
    expect(await run(KERNELS.constantPart, n, 8)).toEqual(Array(8).fill(n > 3 ? n * 2 : n));
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});
