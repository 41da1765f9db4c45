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

type Batch = Omit<Product, 'c'> & {
  B: tl.constexpr;
  ACC: tl.constexpr;
  OUT: tl.constexpr<tl.dtype>;
  TRANS: tl.constexpr<boolean>;
};

/** A batch of products, its left side transposed in memory where TRANS says so, plus ACC, twice: 2 (A B) + ACC. */
const batched = kernel(function batched({ a, b, out, B, M, N, K, ACC, OUT, TRANS }: Batch) {
  const q = tl.expand_dims(tl.arange(0, B), [1, 2]);
  const m = tl.expand_dims(tl.arange(0, M), [0, 2]);
  const k = tl.expand_dims(tl.arange(0, K), [0, 1]);
  const x = TRANS
    ? tl.trans(tl.load(a + q * (M * K) + tl.trans(k, [0, 2, 1]) * M + tl.trans(m, [0, 2, 1])), [0, 2, 1])
    : tl.load(a + q * (M * K) + m * K + k);
  const n = tl.expand_dims(tl.arange(0, N), [0, 1]);
  const y = tl.load(b + q * (K * N) + tl.trans(k, [0, 2, 1]) * N + n);
  let acc = tl.full([B, M, N], ACC, OUT);
  for (let i = 0; i < 2; i++) acc = tl.dot(x, y, { acc, out_dtype: OUT });
  tl.store(out + q * (M * N) + m * N + n, acc);
});
const fourDims = kernel(function fourDims({ a, b, out, B, M, N, K }: Omit<Product, 'c'> & { B: tl.constexpr }) {
  const x = tl.reshape(tl.load(a + tl.arange(0, 2 * B * M * K)), [2, B, M, K]);
  const y = tl.reshape(tl.load(b + tl.arange(0, 2 * B * K * N)), [2, B, K, N]);
  tl.store(out + tl.arange(0, 2 * B * M * N), tl.reshape(tl.dot(x, y), [2 * B * M * N]));
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
  it.each([
    // dtype, result, B, M, N, K, left side transposed
    ['f16', 'f32', 2, 16, 16, 16, false],
    ['f16', 'f32', 8, 1, 4, 16, false],
    ['f16', 'f16', 2, 32, 8, 16, true],
    ['bf16', 'f32', 4, 16, 32, 64, false],
    ['f32', 'f32', 2, 64, 32, 16, true],
    ['i8', 'i32', 4, 8, 8, 32, true],
    ['f32', 'f32', 1, 16, 64, 16, false],
    ['fp8e5', 'f32', 2, 16, 16, 32, false],
    ['f32', 'f32', 8, 2, 2, 16, true],
  ] as const)('%s to %s, a batch of %i of %i x %i x %i (transposed: %s)', async (dtype, to, B, M, N, K, TRANS) => {
    const d = dev();
    // fp8e5 holds whole numbers up to 4.
    const small = (n: number, seed: number) => whole(n, seed).map((v) => (dtype === 'fp8e5' ? Math.trunc(v / 2) : v));
    const [a, b] = [small(B * M * K, 1), small(B * K * N, 2)];
    const stored = a.map((_, i) => {
      const [q, r] = [Math.floor(i / (M * K)), i % (M * K)];
      return TRANS ? a[q * M * K + (r % M) * K + Math.floor(r / M)] : a[i];
    });
    const [x, y, out] = [d.tensor(stored, { dtype }), d.tensor(b, { dtype }), d.full([B * M * N], -7, 'f32')];
    batched.launch(d, [1], { a: x, b: y, out, B, M, N, K, ACC: 3, OUT: tl[to], TRANS });
    const want = Array.from({ length: B }, (_, q) =>
      product(a.subarray(q * M * K, (q + 1) * M * K), b.subarray(q * K * N, (q + 1) * K * N), null, [M, N, K]),
    );
    expect([...((await out.download()) as Float32Array)]).toEqual(want.flat().map((v) => 2 * v + 3));
    for (const t of [x, y, out]) t.free();
  });
  it('takes more dimensions of a batch', async () => {
    const [B, M, N, K] = [2, 4, 8, 16];
    const [a, b] = [whole(2 * B * M * K, 1), whole(2 * B * K * N, 2)];
    const d = dev();
    const [x, y, out] = [d.tensor(a), d.tensor(b), d.full([2 * B * M * N], -7, 'f32')];
    fourDims.launch(d, [1], { a: x, b: y, out, B, M, N, K });
    const want = Array.from({ length: 2 * B }, (_, q) =>
      product(a.subarray(q * M * K, (q + 1) * M * K), b.subarray(q * K * N, (q + 1) * K * N), null, [M, N, K]),
    );
    expect([...((await out.download()) as Float32Array)]).toEqual(want.flat());
    for (const t of [x, y, out]) t.free();
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});
