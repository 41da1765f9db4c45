// Reductions and scans with functions of the kernel, on every device against plain JavaScript loops: every axis of many shapes,
// 1 to 8 warps, functions that do not commute, several operands and dtypes.

import { expect, it } from 'vitest';
import { fromBits } from '../../src/dsl/numerics.ts';
import { type Device, kernel, type Tensor, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

// ---- functions that are combined
/** x → a·x + b, first the left one: associative, not commutative, exact in integers that wrap. */
const compose = tl.fn(function compose(a0: number, b0: number, a1: number, b1: number) {
  return [a0 * a1, b0 * a1 + b1];
});
const composeJs = ([a0, b0]: readonly number[], [a1, b1]: readonly number[]): number[] => [
  Math.imul(a0, a1),
  (Math.imul(b0, a1) + b1) | 0,
];

type Shape = readonly number[];
interface Buffers {
  a: tl.ptr<tl.i32>;
  b: tl.ptr<tl.i32>;
  p: tl.ptr<tl.i32>;
  q: tl.ptr<tl.i32>;
  SHAPE: tl.constexpr<Shape>;
  AXIS: tl.constexpr<number | null>;
}
/** Row-major offsets of a tile of any rank. */
const offsets = tl.fn(function offsets(shape: Shape) {
  return tl.reshape(
    tl.arange(
      0,
      shape.reduce((x, y) => x * y, 1),
    ),
    shape,
  );
});

const reducePairs = kernel(function reducePairs({ a, b, p, q, SHAPE, OUT, AXIS }: Buffers & { OUT: tl.constexpr<Shape> }) {
  const at = offsets(SHAPE);
  const [r, s] = tl.reduce([tl.load(a + at), tl.load(b + at)], AXIS, compose);
  const to = offsets(OUT);
  tl.store(p + to, tl.reshape(r, OUT));
  tl.store(q + to, tl.reshape(s, OUT));
});
const reduceToScalars = kernel(function reduceToScalars({ a, b, p, q, SHAPE, AXIS }: Buffers) {
  const at = offsets(SHAPE);
  const [r, s] = tl.reduce([tl.load(a + at), tl.load(b + at)], AXIS, compose);
  tl.store(p, r);
  tl.store(q, s);
});
const scanPairs = kernel(function scanPairs({ a, b, p, q, SHAPE, AXIS, REVERSE }: Buffers & { REVERSE: tl.constexpr<boolean> }) {
  const at = offsets(SHAPE);
  const [r, s] = tl.associative_scan([tl.load(a + at), tl.load(b + at)], AXIS as number, compose, { reverse: REVERSE });
  tl.store(p + at, r);
  tl.store(q + at, s);
});

// ---- the same in JavaScript
const size = (shape: Shape): number => shape.reduce((x, y) => x * y, 1);
/** For every line along the axis: the flat places of its elements. */
function lines(shape: Shape, axis: number): number[][] {
  const inner = size(shape.slice(axis + 1));
  const len = shape[axis];
  const out: number[][] = [];
  for (let o = 0; o < size(shape) / (len * inner); o++)
    for (let i = 0; i < inner; i++) out.push(Array.from({ length: len }, (_, k) => (o * len + k) * inner + i));
  return out;
}
const ints = (n: number, seed: number): Int32Array =>
  Int32Array.from({ length: n }, (_, i) => ((Math.imul(i + seed, 0x9e3779b1) >>> 7) % 7) - 3 || 5);

const SHAPES: readonly Shape[] = [[1], [2], [8], [64], [1024], [4, 16], [16, 4], [32, 64], [64, 1], [2, 8, 4], [8, 2, 16]];
const WARPS: readonly number[] = [1, 2, 4, 8];

/** Runs one of the kernels above; its two results. */
async function pairs(
  dev: Device,
  shape: Shape,
  axis: number | null,
  num_warps: number,
  what: { readonly scan: boolean } | { readonly reduceTo: Shape },
): Promise<number[][]> {
  const [a, b] = [ints(size(shape), 1), ints(size(shape), 77)].map((x) => dev.tensor(x));
  const n = 'reduceTo' in what ? size(what.reduceTo) : size(shape);
  const [p, q] = [dev.empty([n], 'i32'), dev.empty([n], 'i32')];
  const args = { a, b, p, q, SHAPE: shape, AXIS: axis };
  if ('scan' in what) scanPairs.launch(dev, [1], { ...args, REVERSE: what.scan }, { num_warps });
  else if (what.reduceTo.length) reducePairs.launch(dev, [1], { ...args, OUT: what.reduceTo }, { num_warps });
  else reduceToScalars.launch(dev, [1], args, { num_warps });
  return Promise.all([p, q].map(async (t) => [...((await t.download()) as Int32Array)]));
}

onEachDevice('functions of the kernel along an axis', (dev) => {
  it.each(SHAPES.map((s, i) => [s.join('x'), s, WARPS[i % 4]] as const))(
    'reduces and scans %s in order',
    async (_name, shape, warps) => {
      const [a, b] = [ints(size(shape), 1), ints(size(shape), 77)];
      for (let axis = 0; axis < shape.length; axis++) {
        const places = lines(shape, axis);
        for (const num_warps of [warps]) {
          const rest = shape.filter((_, i) => i !== axis);
          const reduced = await pairs(dev(), shape, axis, num_warps, { reduceTo: rest });
          const want = places.map((line) => line.map((i) => [a[i], b[i]]).reduce(composeJs));
          expect(reduced, `reduce, axis ${axis}, ${num_warps} warps`).toEqual([0, 1].map((k) => want.map((w) => w[k])));
          for (const reverse of [false, true]) {
            const scanned = await pairs(dev(), shape, axis, num_warps, { scan: reverse });
            const expected = [new Array<number>(a.length), new Array<number>(a.length)];
            for (const line of places) {
              let acc: number[] | undefined;
              for (const i of reverse ? [...line].reverse() : line) {
                acc = acc ? composeJs(acc, [a[i], b[i]]) : [a[i], b[i]];
                expected[0][i] = acc[0];
                expected[1][i] = acc[1];
              }
            }
            expect(scanned, `scan, axis ${axis}, ${num_warps} warps, reverse ${reverse}`).toEqual(expected);
          }
        }
      }
      expect(dev().stats.wgslMessages).toEqual([]);
    },
  );

  it('reduces everything without an axis', async () => {
    const shape = [8, 32];
    const [a, b] = [ints(256, 1), ints(256, 77)];
    const want = Array.from(a, (_, i) => [a[i], b[i]]).reduce(composeJs);
    expect(await pairs(dev(), shape, null, 4, { reduceTo: [] })).toEqual(want.map((x) => [x]));
  });
  it('reduces and scans 4096 elements', async () => {
    const [a, b] = [ints(4096, 1), ints(4096, 77)];
    const all = Array.from(a, (_, i) => [a[i], b[i]]);
    expect(await pairs(dev(), [4096], 0, 8, { reduceTo: [] })).toEqual(all.reduce(composeJs).map((x) => [x]));
    const [p] = await pairs(dev(), [4096], 0, 8, { scan: false });
    const expected: number[][] = [];
    for (const x of all) expected.push(expected.length ? composeJs(expected[expected.length - 1], x) : x);
    expect(p).toEqual(expected.map((e) => e[0]));
  });
});

// ---- dtypes and several operands
const N = 128;
interface Three {
  x: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  N: tl.constexpr;
}
const welford = kernel(function welford({ x, out, N }: Three) {
  const v = tl.load(x + tl.arange(0, N));
  const [mean, m2, count] = tl.reduce([v, tl.zeros([N], tl.f32), tl.full([N], 1.0, tl.f32)], 0, (ma, sa, na, mb, sb, nb) => {
    const delta = mb - ma;
    const n = na + nb;
    const share = nb / n;
    return [ma + delta * share, sa + sb + delta * delta * na * share, n];
  });
  tl.store(out, mean);
  tl.store(out + 1, m2 / count);
  tl.store(out + 2, count);
});
const segmented = kernel(function segmented({
  x,
  flag,
  out,
  N,
}: {
  x: tl.ptr<tl.i32>;
  flag: tl.ptr<tl.bool>;
  out: tl.ptr<tl.i32>;
  N: tl.constexpr;
}) {
  const at = tl.arange(0, N);
  const starts = tl.load(flag + at) !== 0;
  // A mask and integers side by side; the function restarts where a segment begins.
  const [sum] = tl.associative_scan([tl.load(x + at), starts], 0, (a, f, b, g) => [g ? b : a + b, f || g]);
  tl.store(out + at, sum);
});
interface Typed {
  x: tl.ptr;
  out: tl.ptr;
  scanned: tl.ptr;
  N: tl.constexpr;
  REVERSE: tl.constexpr<boolean>;
}
const largestAndSame = kernel(function largestAndSame({ x, out, scanned, N, REVERSE }: Typed) {
  const v = tl.load(x + tl.arange(0, N));
  tl.store(
    out,
    tl.reduce(v, 0, (a, b) => tl.where(a > b, a, b)),
  );
  tl.store(
    scanned + tl.arange(0, N),
    tl.associative_scan(v, 0, (_a, b) => b, { reverse: REVERSE }),
  );
});
const scaled = kernel(function scaled({ x, out, n, N }: { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; n: tl.i32; N: tl.constexpr }) {
  // A value of the program from outside of the function, and a branch inside.
  const limit = tl.load(x + n) + n;
  const v = tl.load(x + tl.arange(0, N));
  const capped = tl.reduce(v, 0, (a, b) => {
    let sum = a + b;
    if (sum > limit) sum = limit;
    return sum;
  });
  tl.store(out, capped);
});
const loops = kernel(function loops({ x, out, N }: { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; N: tl.constexpr }) {
  const v = tl.load(x + tl.arange(0, N));
  // Greatest common divisor by Euclid: a loop of its own for each element.
  tl.store(
    out,
    tl.reduce(v, 0, (a, b) => {
      let p = a;
      let q = b;
      while (q !== 0) {
        const r = p % q;
        p = q;
        q = r;
      }
      return p;
    }),
  );
});

async function numbers(t: Tensor): Promise<number[]> {
  const raw = (await t.download()) as ArrayLike<number | bigint>;
  return Array.from(raw, (x) => Number(t.dtype === tl.f16 ? fromBits(tl.f16, x) : x));
}

onEachDevice('functions of several operands and dtypes', (dev) => {
  it('computes mean and variance by Welford’s update', async () => {
    const x = Float32Array.from({ length: N }, (_, i) => 1000 + Math.sin(i * 7) * 3);
    const out = dev().empty([3], 'f32');
    for (const num_warps of [1, 4]) {
      welford.launch(dev(), [1], { x: dev().tensor(x), out, N }, { num_warps });
      const mean = x.reduce((a, b) => a + b, 0) / N;
      const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / N;
      const [m, v, n] = await numbers(out);
      expect(m).toBeCloseTo(mean, 2);
      expect(v).toBeCloseTo(variance, 3);
      expect(n).toBe(N);
    }
  });
  it('sums segments', async () => {
    const x = ints(512, 5);
    const flags = Array.from({ length: 512 }, (_, i) => i % 37 === 0 || i % 23 === 3);
    const out = dev().empty([512], 'i32');
    segmented.launch(dev(), [1], { x: dev().tensor(x), flag: dev().tensor(flags, { dtype: 'bool' }), out, N: 512 });
    let sum = 0;
    const want = Array.from(x, (v, i) => (sum = flags[i] ? v : sum + v));
    expect(await numbers(out)).toEqual(want);
  });
  it.each(['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'f16', 'f32'] as const)('keeps %s', async (dtype) => {
    const values = Array.from({ length: 64 }, (_, i) => (i * 5) % 64);
    const wide = dtype === 'i64';
    const x = dev().tensor(wide ? values.map(BigInt) : values, { dtype });
    const [out, scanned] = [dev().empty([1], dtype), dev().empty([64], dtype)];
    for (const REVERSE of [false, true]) {
      largestAndSame.launch(dev(), [1], { x, out, scanned, N: 64, REVERSE });
      expect(await numbers(scanned)).toEqual(values);
    }
    expect(await numbers(out)).toEqual([63]);
  });
  it('takes values of the program, and branches', async () => {
    const x = Int32Array.from({ length: 64 }, (_, i) => i + 1);
    const out = dev().empty([1], 'i32');
    scaled.launch(dev(), [1], { x: dev().tensor(x), out, n: 20, N: 64 });
    expect(await numbers(out)).toEqual([41]);
  });
  it('loops inside the function', async () => {
    const x = Int32Array.from({ length: 64 }, (_, i) => 12 * (i + 1) * (i % 5 === 0 ? 7 : 3));
    const out = dev().empty([1], 'i32');
    loops.launch(dev(), [1], { x: dev().tensor(x), out, N: 64 });
    const gcd = (a: number, b: number): number => (b ? gcd(b, a % b) : a);
    expect(await numbers(out)).toEqual([x.reduce(gcd)]);
    expect(dev().stats.wgslMessages).toEqual([]);
  });
});
