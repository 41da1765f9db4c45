// What the language means, feature by feature: small kernels on every device against plain JavaScript.

import { expect, it } from 'vitest';
import { type Kernel, kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const N = 64;
const ints = Int32Array.from({ length: N }, (_, i) => (i * 37) % 101);
const floats = Float32Array.from({ length: N }, (_, i) => Math.sin(i) * 10);

type Elementwise = { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32>; n: tl.i32 };
type Counting = { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; n: tl.i32 };

// ---- captured by kernels
const SCALE = 3;
const OFFSETS = [0, 5, 9];
const square = tl.fn(function square(x: number) {
  return x * x;
});
const clampTo = tl.fn(function clampTo(x: number, limit: number, low = -1) {
  if (limit > 100) return x;
  return tl.minimum(tl.maximum(x, low), limit);
});
const signOf = tl.fn(function signOf(n: number) {
  if (n > 0) {
    if (n > 10) return 2;
    return 1;
  }
  return -1;
});

const KERNELS = {
  earlyReturn: kernel(function earlyReturn({ x, out, n }: Counting) {
    const pid = tl.program_id(0);
    if (pid >= n) return;
    const v = tl.load(x + pid);
    if (v < 50) {
      tl.store(out + pid, 1);
      return;
    }
    tl.store(out + pid, v);
  }),
  runtimeFor: kernel(function runtimeFor({ x, out, n }: Counting) {
    let sum = 0;
    let last = -1;
    for (let i = 0; i < n; i += 3) {
      sum += tl.load(x + i);
      last = i;
    }
    tl.store(out, sum);
    tl.store(out + 1, last);
  }),
  countDown: kernel(function countDown({ x, out, n }: Counting) {
    let h = 7;
    for (let i = n - 1; i >= 2; i -= 2) h = h * 31 + tl.load(x + i);
    tl.store(out, h);
  }),
  nested: kernel(function nested({ x, out, n }: Counting) {
    let acc = tl.zeros([16], tl.i32);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) acc += tl.load(x + i) * j + tl.arange(0, 16);
    }
    tl.store(out + tl.arange(0, 16), acc);
  }),
  carriedPointer: kernel(function carriedPointer({ x, out, n }: Counting) {
    let p = x + tl.arange(0, 8);
    let acc = tl.zeros([8], tl.i32);
    for (let i = 0; i < n; i++) {
      acc += tl.load(p);
      p += 8;
    }
    tl.store(out + tl.arange(0, 8), acc);
  }),
  whileLoop: kernel(function whileLoop({ x, out, n }: Counting) {
    // Collatz steps of n, and a tile that doubles at each.
    let v = n;
    let steps = 0;
    let t = tl.load(x + tl.arange(0, 4));
    while (v !== 1) {
      v = v % 2 === 0 ? tl.floordiv(v, 2) : 3 * v + 1;
      steps += 1;
      t = t ^ steps;
    }
    tl.store(out, steps);
    tl.store(out + 1 + tl.arange(0, 4), t);
  }),
  branches: kernel(function branches({ x, out, n }: Counting) {
    let v = tl.load(x + tl.arange(0, 8));
    let tag = 0;
    if (n > 40) {
      v = v * 2;
      tag = 1;
    } else if (n > 20) {
      v = v + n;
    } else {
      tag = 3;
    }
    tl.store(out + tl.arange(0, 8), v);
    tl.store(out + 8, tag);
  }),
  unrolled: kernel(function unrolled({ x, out }: Pick<Counting, 'x' | 'out'>) {
    const parts = OFFSETS.map((o) => tl.load(x + o + tl.arange(0, 8)));
    let acc = tl.zeros([8], tl.i32);
    for (const p of parts) acc += p * SCALE;
    for (const i of tl.static_range(4)) acc += i * i;
    tl.store(out + tl.arange(0, 8), acc);
  }),
  lambdas: kernel(function lambdas({ x, out }: Pick<Counting, 'x' | 'out'>) {
    const offs = tl.arange(0, 16);
    const twice = (v: number) => v + v;
    const at = (base: number) => tl.load(x + base + offs);
    tl.store(out + offs, twice(at(0)) + twice(at(16)));
  }),
  deviceFunctions: kernel(function deviceFunctions({ x, out, n }: Elementwise) {
    const offs = tl.arange(0, 64);
    const v = tl.load(x + offs, { mask: offs < n, other: 0 });
    tl.store(out + offs, clampTo(square(v), 30, 2) + signOf(n));
  }),
  ternaries: kernel(function ternaries({ x, out, n }: Counting) {
    const offs = tl.arange(0, 16);
    const v = tl.load(x + offs);
    const tileChoice = v > 50 ? v : -v;
    const scalarChoice = n > 10 ? tl.load(x + 3) : tl.load(x + 4);
    tl.store(out + offs, tileChoice + scalarChoice);
  }),
  masks: kernel(function masks({ x, out, n }: Counting) {
    const offs = tl.arange(0, 64);
    const v = tl.load(x + offs);
    let m = offs < n && v !== 37;
    m &&= !(v > 90);
    const odd = (v & 1) === 1 || v === 0;
    tl.store(out + offs, tl.where(m, v, -1) + tl.where(odd, 1000, 0));
  }),
  constexprs: kernel(function constexprs({
    x,
    out,
    FLAG,
    extra = null,
    K = 2,
  }: Pick<Counting, 'x' | 'out'> & { FLAG: tl.constexpr<boolean>; extra?: tl.ptr<tl.i32> | null; K?: tl.constexpr }) {
    const offs = tl.arange(0, 8);
    let v = tl.load(x + offs) * K;
    if (FLAG) v = v + 1000;
    if (extra !== null) v = v + tl.load(extra + offs);
    tl.store(out + offs, v);
  }),
  shapes: kernel(function shapes({ x, out }: Pick<Counting, 'x' | 'out'>) {
    const rows = tl.arange(0, 4);
    const cols = tl.arange(0, 8);
    const t = tl.load(x + tl.col(rows) * 8 + tl.row(cols));
    const u = tl.trans(t) * 100 + tl.reshape(t, 8, 4);
    tl.store(out + tl.row(rows) + tl.col(cols) * 4, u);
  }),
  reductions: kernel(function reductions({ x, out }: Pick<Counting, 'x' | 'out'>) {
    const t = tl.load(x + tl.col(tl.arange(0, 4)) * 16 + tl.row(tl.arange(0, 16)));
    tl.store(out + tl.arange(0, 4), tl.sum(t, 1));
    tl.store(out + 4 + tl.arange(0, 16), tl.max(t, 0));
    tl.store(out + 20 + tl.arange(0, 4), tl.argmin(t, 1));
    tl.store(out + 24, tl.min(t));
    tl.store(out + 25 + tl.arange(0, 4), tl.reshape(tl.sum(t, { axis: 1, keep_dims: true }), 4));
    tl.store(out + 29, tl.argmax(tl.reshape(t, 64), 0));
  }),
  integerMath: kernel(function integerMath({ x, out, n }: Counting) {
    const offs = tl.arange(0, 64);
    const v = tl.load(x + offs) - 50;
    tl.store(out + offs, tl.floordiv(v, 7) * 1000 + (v % 7) + ((v << 3) ^ (v >> 1)) + tl.cdiv(n, 8) + ~v + tl.abs(v));
  }),
  widths: kernel(function widths({ x, out }: Pick<Counting, 'x' | 'out'>) {
    const offs = tl.arange(0, 64);
    const v = tl.cast(tl.load(x + offs), tl.i64) * 3_000_000_000 - 7;
    const hi = tl.cast(v >> 32, tl.i32);
    const lo = tl.cast(tl.cast(v, tl.u32) >> 1, tl.i32);
    tl.store(out + offs, tl.where(v > 100_000_000_000, hi, lo) + tl.cast(tl.floordiv(v, 1_000_003) % 97, tl.i32));
  }),
  floatMath: kernel(function floatMath({ x, out, n }: Elementwise) {
    const offs = tl.arange(0, 64);
    const v = tl.load(x + offs, { mask: offs < n, other: 0.5 });
    const a = tl.abs(v) + 0.25;
    const y = tl.exp(-a) + tl.log(a) + tl.sqrt(a) + tl.sigmoid(v) + tl.erf(v * 0.1) + tl.exp2(v * 0.1) + tl.log2(a);
    tl.store(out + offs, y + tl.floor(v) + tl.ceil(v) + tl.clamp(v, -1, 1) + tl.rsqrt(a) + tl.fma(v, 2.0, 1.0));
  }),
  angles: kernel(function angles({ x, out }: Pick<Elementwise, 'x' | 'out'>) {
    const offs = tl.arange(0, 64);
    const v = tl.load(x + offs) * 0.3;
    tl.store(out + offs, tl.sin(v) + 2 * tl.cos(v));
  }),
  halves: kernel(function halves({ x, out, n }: Elementwise) {
    const offs = tl.arange(0, 64);
    const h = tl.cast(tl.load(x + offs), tl.f16);
    tl.static_assert(tl.dtype_of(h * 2) === tl.f16, 'a number does not widen f16');
    tl.static_assert(tl.dtype_of(h / 3) === tl.f32, 'f16 divides in f32');
    tl.store(out + offs, h * h + h, { mask: offs < n });
  }),
  infinities: kernel(function infinities({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.i32> }) {
    const offs = tl.arange(0, 8);
    const v = tl.load(x + offs);
    const m = tl.max(v, 0);
    const isNan = v !== v;
    const big = v === Infinity || v === -Infinity;
    const diff = v - v;
    const ratio = v / v;
    tl.store(
      out + offs,
      tl.where(isNan, 1, 0) +
        tl.where(big, 2, 0) +
        tl.where(diff !== diff, 4, 0) +
        tl.where(v < m, 8, 0) +
        tl.where(tl.exp(v) === 0, 16, 0) +
        tl.where(ratio !== ratio, 32, 0),
    );
  }),
  programs: kernel(function programs({ out }: Pick<Counting, 'out'>) {
    const [i, j, k] = [tl.program_id(0), tl.program_id(1), tl.program_id(2)];
    const [ni, nj] = [tl.num_programs(0), tl.num_programs(1)];
    tl.store(out + i + ni * (j + nj * k), i + 10 * j + 100 * k + 1000 * tl.num_programs(2));
  }),
  many: kernel(function many({ out }: Pick<Counting, 'out'>) {
    const pid = tl.program_id(0);
    tl.store(out + pid, pid * 3);
  }),
  sameMemory: kernel(function sameMemory({ x, out }: Pick<Counting, 'x' | 'out'>) {
    // Reads what it wrote, through another shape.
    const r = tl.arange(0, 8);
    tl.store(out + tl.col(r) * 8 + tl.row(r), tl.load(x + tl.col(r) * 8 + tl.row(r)));
    const t = tl.load(out + tl.col(r) + tl.row(r) * 8);
    tl.store(out + tl.col(r) * 8 + tl.row(r), t + 1);
  }),
  product: kernel(function product({ x, out }: Pick<Elementwise, 'x' | 'out'>) {
    const r = tl.arange(0, 16);
    const a = tl.load(x + tl.col(r) + tl.row(r));
    const b = tl.load(x + tl.col(r) * 3 + tl.row(r));
    const acc = tl.dot(a, b, tl.full([16, 16], 1, tl.f32));
    tl.store(out + tl.col(r) * 16 + tl.row(r), acc);
  }),
};

const { abs, ceil, cos, exp, floor, log, log2, max, min, sin, sqrt, trunc } = Math;
const erf = (v: number): number => {
  // Simpson's rule on the definition, with 2000 intervals.
  const f = (t: number) => exp(-t * t);
  const h = v / 2000;
  let s = f(0) + f(v);
  for (let i = 1; i < 2000; i++) s += f(i * h) * (i % 2 ? 4 : 2);
  return ((2 / sqrt(Math.PI)) * s * h) / 3;
};

onEachDevice('the language', (dev, kind) => {
  const runInts = async (k: Kernel, grid: number[], args: object, size = N, fill = -7): Promise<number[]> => {
    const [x, out] = [dev().tensor(ints), dev().full([size], fill, 'i32')];
    k.launch(dev(), grid, { x, out, ...args });
    const got = (await out.download()) as Int32Array;
    x.free();
    out.free();
    return [...got];
  };
  const runFloats = async (k: Kernel, args: object, size = N): Promise<number[]> => {
    const [x, out] = [dev().tensor(floats), dev().full([size], -7, 'f32')];
    k.launch(dev(), [1], { x, out, ...args });
    const got = [...((await out.download()) as Float32Array)];
    x.free();
    out.free();
    return got;
  };
  const near = (got: number[], want: number[], relative: number): void => {
    const wrong = want.map((w, i) => [i, got[i], w]).filter(([, g, w]) => !(abs(g - w) <= relative * max(1, abs(w))));
    expect(wrong).toEqual([]);
  };
  const first = (list: number[], n: number) => list.slice(0, n);

  it('returns early', async () => {
    const got = await runInts(KERNELS.earlyReturn, [N], { n: 40 });
    expect(got).toEqual([...ints].map((v, i) => (i >= 40 ? -7 : v < 50 ? 1 : v)));
  });
  it.each([0, 1, 2, 17, 64])('runs a for over a runtime range (%i)', async (n) => {
    let [sum, last] = [0, -1];
    for (let i = 0; i < n; i += 3) [sum, last] = [sum + ints[i], i];
    expect(first(await runInts(KERNELS.runtimeFor, [1], { n }), 2)).toEqual([sum, last]);
  });
  it('counts down', async () => {
    let h = 7;
    for (let i = 20; i >= 2; i -= 2) h = (Math.imul(h, 31) + ints[i]) | 0;
    expect((await runInts(KERNELS.countDown, [1], { n: 21 }))[0]).toBe(h);
  });
  it('nests loops with a carried tile', async () => {
    const want = Array.from({ length: 16 }, (_, k) => {
      let acc = 0;
      for (let i = 0; i < 5; i++) for (let j = 0; j <= i; j++) acc += ints[i] * j + k;
      return acc;
    });
    expect(first(await runInts(KERNELS.nested, [1], { n: 5 }), 16)).toEqual(want);
  });
  it('carries a pointer', async () => {
    const want = Array.from({ length: 8 }, (_, k) => [0, 1, 2, 3, 4].reduce((a, i) => a + ints[i * 8 + k], 0));
    expect(first(await runInts(KERNELS.carriedPointer, [1], { n: 5 }), 8)).toEqual(want);
  });
  it('runs a while', async () => {
    let [v, steps] = [27, 0];
    const t = [...ints.slice(0, 4)];
    while (v !== 1) {
      v = v % 2 === 0 ? v / 2 : 3 * v + 1;
      steps++;
      for (let i = 0; i < 4; i++) t[i] ^= steps;
    }
    expect(first(await runInts(KERNELS.whileLoop, [1], { n: 27 }), 5)).toEqual([steps, ...t]);
  });
  it.each([50, 30, 10])('takes the branch of a runtime condition (%i)', async (n) => {
    const want = [...ints.slice(0, 8)].map((v) => (n > 40 ? v * 2 : n > 20 ? v + n : v));
    expect(first(await runInts(KERNELS.branches, [1], { n }), 9)).toEqual([...want, n > 40 ? 1 : n > 20 ? 0 : 3]);
  });
  it('unrolls loops over arrays and static ranges', async () => {
    const want = Array.from({ length: 8 }, (_, k) => OFFSETS.reduce((a, o) => a + ints[o + k] * SCALE, 0) + 14);
    expect(first(await runInts(KERNELS.unrolled, [1], {}), 8)).toEqual(want);
  });
  it('calls lambdas of the kernel', async () => {
    const want = Array.from({ length: 16 }, (_, k) => 2 * ints[k] + 2 * ints[k + 16]);
    expect(first(await runInts(KERNELS.lambdas, [1], {}), 16)).toEqual(want);
  });
  it.each([64, 5, -3])('expands device functions (%i)', async (n) => {
    const sign = n > 0 ? (n > 10 ? 2 : 1) : -1;
    const want = [...floats].map((v, i) => min(max((i < n ? v : 0) ** 2, 2), 30) + sign);
    near(await runFloats(KERNELS.deviceFunctions, { n }), want, 1e-6);
  });
  it.each([3, 30])('chooses with ?: on tiles and scalars (%i)', async (n) => {
    const want = [...ints.slice(0, 16)].map((v) => (v > 50 ? v : -v) + ints[n > 10 ? 3 : 4]);
    expect(first(await runInts(KERNELS.ternaries, [1], { n }), 16)).toEqual(want);
  });
  it('combines masks', async () => {
    const want = [...ints].map((v, i) => (i < 50 && v !== 37 && !(v > 90) ? v : -1) + (v % 2 === 1 || v === 0 ? 1000 : 0));
    expect(await runInts(KERNELS.masks, [1], { n: 50 })).toEqual(want);
  });
  it('specialises on constexprs, defaults and null pointers', async () => {
    const extra = dev().tensor(ints);
    expect(first(await runInts(KERNELS.constexprs, [1], { FLAG: false }), 8)).toEqual([...ints.slice(0, 8)].map((v) => v * 2));
    expect(first(await runInts(KERNELS.constexprs, [1], { FLAG: true, K: 5, extra }), 8)).toEqual(
      [...ints.slice(0, 8)].map((v) => v * 6 + 1000),
    );
    extra.free();
  });
  it('moves elements', async () => {
    const want = Array.from({ length: 32 }, (_, k) => ints[(k % 4) * 8 + floor(k / 4)] * 100 + ints[k]);
    expect(first(await runInts(KERNELS.shapes, [1], {}), 32)).toEqual(want);
  });
  it('reduces', async () => {
    const rows = [0, 1, 2, 3].map((r) => [...ints.slice(r * 16, r * 16 + 16)]);
    const sums = rows.map((r) => r.reduce((a, b) => a + b));
    const cols = Array.from({ length: 16 }, (_, c) => max(...rows.map((r) => r[c])));
    const want = [...sums, ...cols, ...rows.map((r) => r.indexOf(min(...r))), min(...ints), ...sums, ints.indexOf(max(...ints))];
    expect(first(await runInts(KERNELS.reductions, [1], {}), 30)).toEqual(want);
  });
  it('computes integers like C', async () => {
    const want = [...ints].map((x) => {
      const v = x - 50;
      return trunc(v / 7) * 1000 + (v % 7) + ((v << 3) ^ (v >> 1)) + ceil(50 / 8) + ~v + abs(v);
    });
    expect(await runInts(KERNELS.integerMath, [1], { n: 50 })).toEqual(want);
  });
  it('computes 64-bit integers exactly', async () => {
    const want = [...ints].map((x) => {
      const v = BigInt(x) * 3_000_000_000n - 7n;
      const [hi, lo] = [Number(BigInt.asIntN(32, v >> 32n)), Number(BigInt.asUintN(32, v) >> 1n)];
      return ((v > 100_000_000_000n ? hi : lo) + Number((v / 1_000_003n) % 97n)) | 0;
    });
    expect(await runInts(KERNELS.widths, [1], {})).toEqual(want);
  });
  it('computes functions of f32', async () => {
    const want = [...floats].map((x, i) => {
      const v = i < 60 ? x : 0.5;
      const a = abs(v) + 0.25;
      const y = exp(-a) + log(a) + sqrt(a) + 1 / (1 + exp(-v)) + erf(v * 0.1) + 2 ** (v * 0.1) + log2(a);
      return y + floor(v) + ceil(v) + min(max(v, -1), 1) + 1 / sqrt(a) + 2 * v + 1;
    });
    near(await runFloats(KERNELS.floatMath, { n: 60 }), want, 2e-5);
  });
  it('computes sine and cosine', async () => {
    // WGSL promises 2^-11 for each inside [-pi, pi] and no more.
    const want = [...floats].map((x) => sin(x * 0.3) + 2 * cos(x * 0.3));
    near(await runFloats(KERNELS.angles, {}), want, kind === 'interp' ? 1e-6 : 3 * 2 ** -11);
  });
  it('rounds f16 after every operation', async () => {
    const f16 = (x: number): number => {
      // Round to nearest even by scaling: 11 significant bits, smallest step 2^-24.
      const e = max(floor(log2(abs(x) || 1)), -14) - 10;
      const q = x / 2 ** e;
      const r = Math.round(q);
      return (abs(q - trunc(q)) === 0.5 ? 2 * Math.round(q / 2) : r) * 2 ** e;
    };
    const want = [...floats].map((x) => {
      const h = f16(x);
      return f16(f16(h * h) + h);
    });
    expect(await runFloats(KERNELS.halves, { n: 64 })).toEqual(want);
  });
  it('keeps NaN and infinities', async () => {
    const x = dev().tensor(Float32Array.of(1, Number.NaN, Infinity, -Infinity, 0, -5, 3, 7));
    const out = dev().empty([8], 'i32');
    KERNELS.infinities.launch(dev(), [1], { x, out });
    // is NaN 1, is infinite 2, v - v is NaN 4, below the maximum 8, exp is zero 16, v / v is NaN 32
    expect([...((await out.download()) as Int32Array)]).toEqual([
      8,
      1 + 4 + 32,
      2 + 4 + 32,
      2 + 4 + 8 + 16 + 32,
      8 + 32,
      8,
      8,
      8,
    ]);
    x.free();
    out.free();
  });
  it('numbers programs along three axes', async () => {
    const want = Array.from({ length: 24 }, (_, p) => (p % 2) + 10 * (floor(p / 2) % 3) + 100 * floor(p / 6) + 4000);
    const out = dev().empty([24], 'i32');
    KERNELS.programs.launch(dev(), [2, 3, 4], { out });
    expect([...((await out.download()) as Int32Array)]).toEqual(want);
    out.free();
  });
  it('runs more programs than one dimension of a dispatch holds', async () => {
    const n = 70_000;
    const out = dev().full([n], -1, 'i32');
    KERNELS.many.launch(dev(), [n], { out });
    const got = (await out.download()) as Int32Array;
    expect(got.findIndex((v, i) => v !== 3 * i)).toBe(-1);
    out.free();
  });
  it('sees its own writes', async () => {
    const want = Array.from({ length: 64 }, (_, k) => ints[(k % 8) * 8 + floor(k / 8)] + 1);
    expect(await runInts(KERNELS.sameMemory, [1], {})).toEqual(want);
  });
  it('multiplies matrices', async () => {
    const want = Array.from({ length: 256 }, (_, k) => {
      const [i, j] = [floor(k / 16), k % 16];
      return 1 + Array.from({ length: 16 }, (_, t) => floats[i + t] * floats[t * 3 + j]).reduce((a, b) => a + b, 0);
    });
    near(await runFloats(KERNELS.product, {}, 256), want, 1e-5);
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
  it('is the device that the suite asked for', () => expect(dev().kind).toBe(kind));
});
