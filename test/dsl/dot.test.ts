// tl.dot on every device against products in double precision.

import { expect, it } from 'vitest';
import { kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

type Product = {
  a: tl.ptr; b: tl.ptr; c: tl.ptr; out: tl.ptr;
  M: tl.constexpr; N: tl.constexpr; K: tl.constexpr;
}; // biome-ignore format: one line a group

const accumulate = kernel(function accumulate({ a, b, c, out, M, N, K }: Product) {
  const [m, n, k] = [tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)];
  const x = tl.load(a + tl.col(m) * K + tl.row(k));
  const y = tl.load(b + tl.col(k) * N + tl.row(n));
  const acc = tl.load(c + tl.col(m) * N + tl.row(n));
  tl.store(out + tl.col(m) * N + tl.row(n), tl.dot(x, y, acc));
});

/** Small whole numbers: every product and sum is exact in f32, whatever the order. */
const whole = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => ((i * 37 + seed * 11) % 17) - 8);
const product = (
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  c: ArrayLike<number> | null,
  [M, N, K]: readonly number[],
): number[] =>
  Array.from({ length: M * N }, (_, o) => {
    const [i, j] = [Math.floor(o / N), o % N];
    let sum = c ? c[o] : 0;
    for (let k = 0; k < K; k++) sum += a[i * K + k] * b[k * N + j];
    return sum;
  });

onEachDevice('tl.dot', (dev) => {
  // An accumulator that has to move takes workgroup memory of its own, beside the operands: the largest of these left too little.
  it.each([
    [16, 16, 16],
    [64, 64, 64],
    [32, 128, 32],
    [1, 64, 32],
    [64, 1, 16],
  ])('adds a loaded accumulator to %i x %i x %i of f16', async (M, N, K) => {
    const [a, b, c] = [whole(M * K, 1), whole(K * N, 2), whole(M * N, 3)];
    const d = dev();
    const [x, y] = [d.tensor(a, { dtype: 'f16', shape: [M, K] }), d.tensor(b, { dtype: 'f16', shape: [K, N] })];
    const [z, out] = [d.tensor(c), d.full([M * N], -7, 'f32')];
    accumulate.launch(d, [1], { a: x, b: y, c: z, out, M, N, K });
    expect([...((await out.download()) as Float32Array)]).toEqual(product(a, b, c, [M, N, K]));
    for (const t of [x, y, z, out]) t.free();
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});
