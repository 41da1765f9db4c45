// WGSL against the interpreter, one feature a kernel, at shapes that exercise layouts: tiles smaller and larger than the
// workgroup, replicated dims, odd masks. Integers and copies must agree in every bit, floats to a few ulp of the largest.
import { describe, expect, it } from 'vitest';
import { round, toBits } from '../../../src/dsl/numerics.ts';
import { DTYPES } from '../../../src/dsl/types.ts';
import { kernel, tl } from '../../../src/index.ts';
import {
  type Arg,
  differences,
  f16,
  f32,
  float,
  floats,
  i32,
  i64,
  int,
  ints,
  type Options,
  runBoth,
  seed,
  VARIANTS,
} from '../../support/bothBackEnds.ts';

type P = tl.ptr;
const K = {} as { [name: string]: any };

K.add = kernel(function add({ x, y, out, n, B }: { x: P; y: P; out: P; n: tl.i32; B: tl.constexpr }) {
  const offs = tl.program_id(0) * B + tl.arange(0, B);
  const mask = offs < n;
  tl.store(out + offs, tl.load(x + offs, { mask }) + tl.load(y + offs, { mask }), { mask });
});
K.math = kernel(function math({ x, y, out, B }: { x: P; y: P; out: P; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  const a = tl.load(x + o);
  const b = tl.load(y + o);
  let r = tl.exp(a) + tl.exp2(b) * tl.sqrt(tl.abs(a)) - tl.sin(b) + tl.cos(a) + tl.floor(a) * tl.ceil(b);
  r += tl.where(a < b, tl.minimum(a, 0.5), tl.maximum(b, -0.25)) + tl.log(tl.abs(a) + 1) + tl.log2(tl.abs(b) + 2);
  r += tl.erf(a) + tl.rsqrt(tl.abs(b) + 1) + tl.clamp(a, -0.5, 0.5) + tl.fma(a, b, a) + -a / (tl.abs(b) + 1);
  tl.store(out + o, r);
});
K.ints = kernel(function ints({ x, y, out, B }: { x: P; y: P; out: P; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  const a = tl.load(x + o);
  const b = tl.load(y + o);
  let r = (a & b) ^ (a | 5);
  r += tl.floordiv(a, b) * (a % b) - (a << 3) + (b >> 2) + ~a;
  r += tl.where(a > b !== a >= 7, a * b, -b) + tl.minimum(a, b) + tl.maximum(a, 3) + tl.abs(b);
  tl.store(out + o, r);
});
K.rowSum = kernel(function rowSum({
  x,
  out,
  M,
  N,
  AXIS,
}: {
  x: P;
  out: P;
  M: tl.constexpr;
  N: tl.constexpr;
  AXIS: tl.constexpr;
}) {
  const i = tl.arange(0, M);
  const j = tl.arange(0, N);
  const v = tl.load(x + tl.col(i) * N + tl.row(j));
  const L = AXIS === 1 ? M : N;
  const o = tl.arange(0, L);
  tl.store(out + o, tl.sum(v, AXIS));
  tl.store(out + L + o, tl.max(v, AXIS));
  tl.store(out + 2 * L + o, tl.min(v, AXIS));
});
K.arg = kernel(function arg({ x, out, M, N, AXIS }: { x: P; out: P; M: tl.constexpr; N: tl.constexpr; AXIS: tl.constexpr }) {
  const v = tl.load(x + tl.col(tl.arange(0, M)) * N + tl.row(tl.arange(0, N)));
  const L = AXIS === 1 ? M : N;
  const o = tl.arange(0, L);
  tl.store(out + o, tl.argmax(v, AXIS));
  tl.store(out + L + o, tl.argmin(v, AXIS));
});
K.total = kernel(function total({ x, out, B }: { x: P; out: P; B: tl.constexpr }) {
  const v = tl.load(x + tl.arange(0, B));
  const s = tl.sum(v);
  tl.store(out + tl.arange(0, B), v - s);
  tl.store(out + B, tl.max(v));
});
K.transpose = kernel(function transpose({ x, out, M, N }: { x: P; out: P; M: tl.constexpr; N: tl.constexpr }) {
  const i = tl.arange(0, M);
  const j = tl.arange(0, N);
  const v = tl.load(x + tl.col(i) * N + tl.row(j));
  tl.store(out + tl.col(j) * M + tl.row(i), tl.trans(v));
});
K.reshape = kernel(function reshape({ x, out, M, N }: { x: P; out: P; M: tl.constexpr; N: tl.constexpr }) {
  const o = tl.arange(0, M * N);
  const v = tl.exp(tl.load(x + o));
  const t = tl.reshape(v, [M, N]);
  const s = tl.sum(t, 0);
  tl.store(out + tl.col(tl.arange(0, M)) * N + tl.row(tl.arange(0, N)), t / tl.row(s));
});
K.dot = kernel(function dot({ a, b, out, M, N, KK }: { a: P; b: P; out: P; M: tl.constexpr; N: tl.constexpr; KK: tl.constexpr }) {
  const m = tl.arange(0, M);
  const n = tl.arange(0, N);
  const k = tl.arange(0, KK);
  const x = tl.load(a + tl.col(m) * KK + tl.row(k));
  const y = tl.load(b + tl.col(k) * N + tl.row(n));
  let acc = tl.dot(x, y);
  acc = tl.dot(x, y, acc * 0.5);
  tl.store(out + tl.col(m) * N + tl.row(n), acc);
});
K.matmul = kernel(function matmul({
  a,
  b,
  out,
  k,
  BM,
  BN,
  BK,
  N,
}: {
  a: P;
  b: P;
  out: P;
  k: tl.i32;
  BM: tl.constexpr;
  BN: tl.constexpr;
  BK: tl.constexpr;
  N: tl.constexpr;
}) {
  const m = tl.program_id(0) * BM + tl.arange(0, BM);
  const n = tl.program_id(1) * BN + tl.arange(0, BN);
  const kk = tl.arange(0, BK);
  let pa = a + tl.col(m) * k + tl.row(kk);
  let pb = b + tl.col(kk) * N + tl.row(n);
  let acc = tl.zeros([BM, BN], tl.f32);
  for (let i = 0; i < k; i += BK) {
    acc += tl.dot(tl.load(pa, { mask: tl.row(kk) < k - i, other: 0 }), tl.load(pb, { mask: tl.col(kk) < k - i, other: 0 }));
    pa += BK;
    pb += BK * N;
  }
  tl.store(out + tl.col(m) * N + tl.row(n), acc);
});
K.loops = kernel(function loops({ x, out, n, B }: { x: P; out: P; n: tl.i32; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  let acc = tl.zeros([B], tl.f32);
  let prev = tl.zeros([B], tl.f32);
  let count = 0;
  for (let i = 0; i < n; i++) {
    const v = tl.load(x + i * B + o);
    const t = acc;
    acc = prev + v;
    prev = t;
    if (tl.sum(v) > 0) {
      count += 1;
      acc = acc - tl.max(v);
    } else {
      prev = prev * 2;
    }
  }
  let k = n;
  while (k > 3) {
    k = tl.floordiv(k, 2);
    acc += k;
  }
  tl.store(out + o, acc + prev);
  tl.store(out + B, count);
});
K.ownWrites = kernel(function ownWrites({ x, tmp, out, M, N }: { x: P; tmp: P; out: P; M: tl.constexpr; N: tl.constexpr }) {
  const i = tl.arange(0, M);
  const j = tl.arange(0, N);
  for (let k = 0; k < 3; k++) {
    const v = tl.load(x + tl.col(i) * N + tl.row(j)) + k;
    tl.store(tmp + tl.col(i) * N + tl.row(j), v);
    const flat = tl.load(tmp + (M * N - 1 - tl.arange(0, M * N)));
    tl.store(out + k * M * N + tl.arange(0, M * N), flat);
  }
});
K.condition = kernel(function condition({ flags, x, out, n, B }: { flags: P; x: P; out: P; n: tl.i32; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  for (let i = 0; i < n; i++) {
    const f = tl.load(flags + i);
    if (f > 0) {
      const s = tl.sum(tl.load(x + o) * f);
      tl.store(out + i, s);
      tl.store(flags + i, f + 1);
    }
  }
});
K.copy = kernel(function copy({ x, out, n, B }: { x: P; out: P; n: tl.i32; B: tl.constexpr }) {
  const o = tl.program_id(0) * B + tl.arange(0, B);
  tl.store(out + o, tl.load(x + o, { mask: o < n }), { mask: o < n });
});
K.shifted = kernel(function shifted({ x, out, n, B }: { x: P; out: P; n: tl.i32; B: tl.constexpr }) {
  // Programs meet inside words: odd offsets and lengths.
  const o = tl.program_id(0) * 7 + tl.arange(0, B);
  const mask = tl.arange(0, B) < 7;
  tl.store(out + o, tl.load(x + o, { mask: mask && o < n }), { mask: mask && o < n });
});
K.half = kernel(function half({ x, y, out, B }: { x: P; y: P; out: P; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  const a = tl.load(x + o);
  const b = tl.load(y + o);
  tl.store(out + o, a * b + a / b - b);
});
K.wide = kernel(function wide({ x, y, out, s, B }: { x: P; y: P; out: P; s: tl.i64; B: tl.constexpr }) {
  const o = tl.cast(tl.arange(0, B), tl.i64);
  const a = tl.load(x + o * 1);
  const b = tl.load(y + o);
  let r = a * b + s - tl.floordiv(a, b) + (a % b) + (a << 3) + (b >> 5);
  r = tl.where(a < b, r, -r) + tl.minimum(a, b);
  tl.store(out + o, r);
});
K.nan = kernel(function nan({ x, out, s, B }: { x: P; out: P; s: tl.f32; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  const v = tl.load(x + o);
  const bad = v !== v || v === Infinity;
  tl.store(out + o, tl.where(bad, 1, 0));
  tl.store(out + B + o, tl.where(v !== 0, 1, 0));
  tl.store(out + 2 * B + o, tl.where(v > -Infinity, 1, 0));
  const d = v - v;
  tl.store(out + 3 * B + o, tl.where(d === d, 1, 0));
  const z = v * 0.0;
  tl.store(out + 4 * B + o, tl.where(z === z, 1, 0));
  tl.store(out + 5 * B + o, tl.where(tl.exp(v * s - Infinity) === 0, 1, 0));
});
K.mask3 = kernel(function mask3({ x, out, A, B, C }: { x: P; out: P; A: tl.constexpr; B: tl.constexpr; C: tl.constexpr }) {
  const i = tl.expand_dims(tl.arange(0, A), [1, 2]);
  const j = tl.expand_dims(tl.arange(0, B), [0, 2]);
  const k = tl.expand_dims(tl.arange(0, C), [0, 1]);
  const v = tl.load(x + i * (B * C) + j * C + k, { mask: (i + j + k) % 3 !== 0, other: -1 });
  const t = tl.trans(v, [2, 0, 1]);
  const s = tl.sum(t, 1);
  tl.store(out + tl.col(tl.arange(0, C)) * B + tl.row(tl.arange(0, B)), s);
});
K.bools = kernel(function bools({ x, m, out, B }: { x: P; m: P; out: P; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  const keep = tl.load(m + o);
  tl.store(out + o, tl.where(keep, tl.load(x + o), -1));
  tl.store(m + o, tl.load(x + o) > 0 && !keep);
});
K.grid = kernel(function grid({ out }: { out: P }) {
  const id = (tl.program_id(2) * tl.num_programs(1) + tl.program_id(1)) * tl.num_programs(0) + tl.program_id(0);
  tl.store(out + id, tl.load(out + id) + id + 1);
});
K.softmax = kernel(function softmax({ x, out, n, B }: { x: P; out: P; n: tl.i32; B: tl.constexpr }) {
  const o = tl.arange(0, B);
  const row = tl.program_id(0);
  const v = tl.load(x + row * n + o, { mask: o < n, other: -Infinity });
  const e = tl.exp(v - tl.max(v));
  tl.store(out + row * n + o, e / tl.sum(e), { mask: o < n });
});
K.gather = kernel(function gather({ table, x, out, M, N }: { table: P; x: P; out: P; M: tl.constexpr; N: tl.constexpr }) {
  const idx = tl.load(table + tl.arange(0, M));
  const v = tl.load(x + tl.col(idx) * N + tl.row(tl.arange(0, N)));
  const f = tl.sum(v, 1);
  tl.store(out + tl.col(tl.arange(0, M)) * N + tl.row(tl.arange(0, N)), v * tl.col(f));
});

const halves = (n: number, scale = 4) =>
  Uint16Array.from(floats(n, scale), (x) => Number(toBits(DTYPES.f16, round(DTYPES.f16, x))));
const check = async (k: unknown, args: { [name: string]: Arg }, tolerance = 0, options: Options = {}) => {
  const r = await runBoth(k, args, options);
  for (const [name, want] of Object.entries(r.want)) {
    const dtype = (args[name] as { dtype: 'f32' }).dtype;
    if (tolerance === 0) expect(r.got[name], `${name}\n${r.program.code}`).toEqual(want);
    else expect(differences(r.got[name], want, tolerance, dtype).slice(0, 4), r.program.code).toEqual([]);
  }
  return r;
};

describe.each(VARIANTS)('%s', (_name, target) => {
  const opt = { target };
  it.each([
    [1, 8],
    [3, 64],
    [4, 256],
    [2, 2048],
  ])('add: %i programs of %i', async (programs, B) => {
    seed(B);
    const n = programs * B - 3;
    await check(
      K.add,
      {
        x: f32(floats(programs * B)),
        y: f32(floats(programs * B)),
        out: f32(new Float32Array(programs * B).fill(7)),
        n: int(n),
        B,
      },
      0,
      { ...opt, grid: [programs] },
    );
  });
  it('add with aligned length uses vectors', async () => {
    const r = await check(
      K.add,
      { x: f32(floats(1024)), y: f32(floats(1024)), out: f32(new Float32Array(1024)), n: int(992, 16), B: 512 },
      0,
      { ...opt, grid: [2] },
    );
    expect(r.program.bindings.map((b) => b.wgslType)).toEqual(['vec4<f32>', 'vec4<f32>', 'vec4<f32>']);
  });
  // WGSL allows sin and cos an absolute error of 2^-11, and SwiftShader takes it.
  it.each([1, 2, 32, 1024])('math on %i elements', async (B) => {
    seed(B + 5);
    await check(K.math, { x: f32(floats(B, 3)), y: f32(floats(B, 3)), out: f32(new Float32Array(B)), B }, 1e-3, opt);
  });
  it.each([4, 128])('integers on %i elements', async (B) => {
    seed(B + 6);
    const y = ints(B, 1000);
    y[0] = 0;
    y[1] = -1;
    await check(K.ints, { x: i32(ints(B, 2 ** 30)), y: i32(y), out: i32(new Int32Array(B)), B }, 0, opt);
  });
  it.each([
    [1, 16, 1],
    [4, 4, 0],
    [32, 64, 1],
    [32, 64, 0],
    [128, 128, 1],
    [128, 128, 0],
    [2, 2048, 1],
    [1024, 2, 0],
  ])('sum, max, min of %ix%i along %i', async (M, N, AXIS) => {
    seed(M * N);
    await check(K.rowSum, { x: f32(floats(M * N)), out: f32(new Float32Array(3 * Math.max(M, N))), M, N, AXIS }, 1e-6, opt);
  });
  it('integer reductions are exact', async () => {
    await check(K.rowSum, { x: i32(ints(64 * 32, 2 ** 31)), out: i32(new Int32Array(3 * 64)), M: 64, N: 32, AXIS: 1 }, 0, opt);
    const big = BigInt64Array.from({ length: 32 * 64 }, (_, i) => BigInt(i) * 0x123456789abn * (i % 2 ? 1n : -1n));
    await check(K.rowSum, { x: i64(big), out: i64(new BigInt64Array(3 * 64)), M: 32, N: 64, AXIS: 0 }, 0, opt);
  });
  it.each([
    [8, 64, 1],
    [32, 8, 0],
  ])('argmax, argmin of %ix%i along %i', async (M, N, AXIS) => {
    seed(M);
    await check(K.arg, { x: i32(ints(M * N, 20)), out: i32(new Int32Array(2 * Math.max(M, N))), M, N, AXIS }, 0, opt);
  });
  it.each([16, 512, 4096])('sum of all %i', async (B) => {
    await check(K.total, { x: f32(floats(B)), out: f32(new Float32Array(B + 1)), B }, 1e-5, opt);
  });
  it.each([
    [8, 8],
    [16, 64],
    [64, 128],
  ])('transpose %ix%i', async (M, N) => {
    await check(K.transpose, { x: f32(floats(M * N)), out: f32(new Float32Array(M * N)), M, N }, 0, opt);
    await check(K.transpose, { x: f16(halves(M * N)), out: f16(new Uint16Array(M * N)), M, N }, 0, opt);
    await check(
      K.transpose,
      { x: i64(BigInt64Array.from(floats(M * N, 1e15), (v) => BigInt(Math.round(v)))), out: i64(new BigInt64Array(M * N)), M, N },
      0,
      opt,
    );
  });
  it.each([
    [4, 16],
    [32, 32],
  ])('reshape to %ix%i', async (M, N) => {
    await check(K.reshape, { x: f32(floats(M * N)), out: f32(new Float32Array(M * N)), M, N }, 1e-6, opt);
  });
  it.each([
    [16, 16, 16],
    [16, 64, 32],
    [64, 16, 64],
    [64, 64, 32],
    [32, 32, 16],
    [1, 16, 16],
  ])('dot %ix%ix%i', async (M, N, KK) => {
    seed(M + N + KK);
    await check(
      K.dot,
      { a: f32(floats(M * KK)), b: f32(floats(KK * N)), out: f32(new Float32Array(M * N)), M, N, KK },
      1e-6,
      opt,
    );
    await check(
      K.dot,
      { a: f16(halves(M * KK)), b: f16(halves(KK * N)), out: f32(new Float32Array(M * N)), M, N, KK },
      1e-6,
      opt,
    );
  });
  it('matmul with carried pointers, masked K', async () => {
    const [M, N, k] = [64, 128, 72];
    await check(
      K.matmul,
      {
        a: f32(floats(M * k + 64)),
        b: f32(floats((k + 32) * N)),
        out: f32(new Float32Array(M * N)),
        k: int(k),
        BM: 32,
        BN: 64,
        BK: 32,
        N,
      },
      1e-6,
      { ...opt, grid: [2, 2] },
    );
  });
  it('matmul needs chunks of K in 4 KiB', async () => {
    const [M, N, k] = [64, 64, 64];
    await check(
      K.matmul,
      {
        a: f32(floats(M * k)),
        b: f32(floats(k * N)),
        out: f32(new Float32Array(M * N)),
        k: int(k, 16),
        BM: 64,
        BN: 64,
        BK: 64,
        N,
      },
      1e-6,
      { target: { ...target, maxWorkgroupStorage: 4096 } },
    );
  });
  it.each([16, 256])('loops, branches, while with tiles of %i', async (B) => {
    seed(B);
    await check(K.loops, { x: f32(floats(B * 9)), out: f32(new Float32Array(B + 1)), n: int(9), B }, 1e-5, opt);
  });
  it('a program sees its own writes', async () => {
    const r = await check(
      K.ownWrites,
      { x: f32(floats(16 * 32)), tmp: f32(new Float32Array(16 * 32)), out: f32(new Float32Array(3 * 16 * 32)), M: 16, N: 32 },
      0,
      opt,
    );
    expect(r.program.code).toContain('storageBarrier()');
  });
  it('a barrier under a condition read from a written buffer', async () => {
    const r = await check(
      K.condition,
      { flags: i32(Int32Array.from([1, 0, 2, -1, 3])), x: i32(ints(64)), out: i32(new Int32Array(5)), n: int(5), B: 64 },
      0,
      { target, workgroupSize: 64 },
    );
    expect(r.program.code).toContain('workgroupUniformLoad');
  });
  it('aliased arguments share a binding', async () => {
    const data = floats(256);
    const r = await check(
      K.add,
      { x: f32(data, { buffer: 'a' }), y: f32(floats(256)), out: f32(data, { buffer: 'a' }), n: int(250), B: 256 },
      0,
      opt,
    );
    expect(r.program.bindings.map((b) => b.params)).toEqual([['x', 'out'], ['y']]);
  });
  it('views start at their base', async () => {
    await check(
      K.copy,
      { x: f32(floats(300), { base: 5, div: 1 }), out: f32(new Float32Array(300), { base: 17, div: 1 }), n: int(200), B: 256 },
      0,
      opt,
    );
    await check(
      K.copy,
      { x: f16(halves(300), { base: 5, div: 1 }), out: f16(new Uint16Array(300), { base: 17, div: 1 }), n: int(200), B: 256 },
      0,
      opt,
    );
  });
  it.each(['u8', 'i8', 'u16', 'i16', 'bf16', 'fp8e5', 'fp8e4nv', 'bool', 'u64'] as const)(
    'copies %s bit by bit',
    async (dtype) => {
      const bytes = DTYPES[dtype].bytes;
      // The interpreter does not keep NaN payloads, so floats avoid NaN patterns.
      const spare = DTYPES[dtype].is_floating() ? 0x3b : 0xff;
      const n = 1000;
      const make = (f: (i: number) => number) =>
        bytes === 1
          ? dtype === 'bool'
            ? Uint8Array.from({ length: n }, (_, i) => f(i) & 1)
            : Uint8Array.from({ length: n }, (_, i) => f(i) & spare)
          : bytes === 2
            ? Uint16Array.from({ length: n }, (_, i) => (f(i) & spare) * 257)
            : BigUint64Array.from({ length: n }, (_, i) => BigInt(f(i)) << 33n);
      for (const len of [n, 992, 7]) {
        await check(
          K.copy,
          {
            x: { data: make((i) => i * 7), dtype, div: 16 },
            out: { data: make(() => 0), dtype, div: 16 },
            n: int(len, len % 16 ? 1 : 16),
            B: 512,
          },
          0,
          { ...opt, grid: [2] },
        );
        await check(
          K.shifted,
          { x: { data: make((i) => i * 7), dtype, div: 1 }, out: { data: make(() => 1), dtype, div: 1 }, n: int(len), B: 8 },
          0,
          { ...opt, grid: [100] },
        );
      }
    },
  );
  it('f16 rounds after every operation', async () => {
    seed(3);
    await check(K.half, { x: f16(halves(512)), y: f16(halves(512)), out: f16(new Uint16Array(512)), B: 512 }, 1e-3, opt);
    await check(K.shifted, { x: f16(halves(512)), out: f16(new Uint16Array(512)), n: int(500), B: 8 }, 0, { ...opt, grid: [70] });
  });
  it('i64 is exact', async () => {
    const big = (f: number) =>
      BigInt64Array.from({ length: 64 }, (_, i) => BigInt(i + 1) * 0x1234_5678_9abcn * BigInt(i % 3 ? f : -f));
    await check(
      K.wide,
      {
        x: i64(big(77)),
        y: i64(big(13)),
        out: i64(new BigInt64Array(64)),
        s: { scalar: 0x7fff_ffff_ffffn, dtype: 'i64' },
        B: 64,
      },
      0,
      opt,
    );
  });
  it('NaN and infinity survive', async () => {
    const x = Float32Array.from([NaN, Infinity, -Infinity, 0, -0, 1, -1, 3e38]);
    await check(K.nan, { x: f32(x), out: i32(new Int32Array(48)), s: float(1), B: 8 }, 0, opt);
  });
  it('three dims, masks, permutation', async () => {
    await check(K.mask3, { x: i32(ints(4 * 8 * 16)), out: i32(new Int32Array(128)), A: 4, B: 8, C: 16 }, 0, opt);
  });
  it('bool in memory is a byte', async () => {
    await check(
      K.bools,
      {
        x: i32(ints(128)),
        m: { data: Uint8Array.from({ length: 128 }, (_, i) => (i * 5) & 1), dtype: 'bool', div: 16 },
        out: i32(new Int32Array(128)),
        B: 128,
      },
      0,
      opt,
    );
  });
  it('grids are decoded from a flat index, folded where a dimension is too long', async () => {
    await check(K.grid, { out: i32(new Int32Array(7 * 11 * 13)) }, 0, { ...opt, grid: [7, 11, 13], maxPerDimension: 16 });
  });
  it.each([7, 100, 1000])('softmax of rows of %i', async (n) => {
    await check(K.softmax, { x: f32(floats(n * 3, 5)), out: f32(new Float32Array(n * 3)), n: int(n), B: 1024 }, 1e-6, {
      ...opt,
      grid: [3],
    });
  });
  it('gathers rows through a table', async () => {
    await check(
      K.gather,
      {
        table: i32(Int32Array.from({ length: 16 }, (_, i) => (i * 7) % 16)),
        x: f32(floats(16 * 64)),
        out: f32(new Float32Array(16 * 64)),
        M: 16,
        N: 64,
      },
      1e-6,
      opt,
    );
  });
});

describe('workgroup sizes', () => {
  it.each([1, 2, 8, 64, 128])('%i invocations', async (workgroupSize) => {
    seed(workgroupSize);
    await check(K.rowSum, { x: f32(floats(4 * 16)), out: f32(new Float32Array(48)), M: 4, N: 16, AXIS: 1 }, 1e-6, {
      workgroupSize,
    });
    await check(K.dot, { a: f32(floats(256)), b: f32(floats(256)), out: f32(new Float32Array(256)), M: 8, N: 8, KK: 16 }, 1e-6, {
      workgroupSize,
    });
    await check(K.loops, { x: f32(floats(16 * 9)), out: f32(new Float32Array(17)), n: int(9), B: 16 }, 1e-5, { workgroupSize });
  });
});
