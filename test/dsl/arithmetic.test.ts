// Integer arithmetic of every width, arithmetic of small floats, and stores of parts of words, on every device, against BigInt and
// a search among all codes (../support/formats.ts). 8-bit integers: every pair.

import { expect, it } from 'vitest';
import { DTYPES, type DType, type DTypeName } from '../../src/dsl/types.ts';
import { type Device, kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';
import { FORMATS, nearest, valuesOf } from '../support/formats.ts';

type Pair = { a: tl.ptr; b: tl.ptr; out: tl.ptr; N: tl.constexpr; DT: tl.constexpr<DType> };

const weak = kernel(function weak({ x, steps, out, C }: { x: tl.ptr; steps: tl.ptr; out: tl.ptr; C: tl.constexpr }) {
  const offs = tl.arange(0, 4);
  const sum = tl.load(x + offs) + C * 2;
  tl.static_assert(tl.dtype_of(sum) === tl.float32);
  tl.store(out + offs, sum);
  tl.store(out + 4 + offs, tl.load(x + 3 - tl.load(steps + offs)));
});
const integers = kernel(function integers({ a, b, out, N, DT }: Pair) {
  const offs = tl.program_id(0) * 256 + tl.arange(0, 256);
  const x = tl.load(a + offs);
  const y = tl.load(b + offs);
  const by = y & tl.cast(tl.full([256], DT.bits - 1, tl.int32), DT);
  const results = [
    x + y,
    x - y,
    x * y,
    tl.floordiv(x, y),
    x % y,
    x & y,
    x | y,
    x ^ y,
    x << by,
    x >> by,
    tl.minimum(x, y),
    tl.maximum(x, y),
    ~x,
    tl.abs(x),
    tl.cast(x < y, DT),
    tl.cast(x >= y, DT),
    tl.cast(x === y, DT),
    // Out of range in between: each step wraps.
    (x + y) >> tl.cast(tl.full([256], 1, tl.int32), DT),
    tl.floordiv(x * y, x | tl.cast(tl.full([256], 1, tl.int32), DT)),
    tl.where(x + y > y, x - y, y * y),
    // Amounts past the width: their low 5 bits count, of 64-bit integers 6.
    x << y,
    x >> y,
  ];
  for (const k of tl.static_range(results.length)) tl.store(out + k * N + offs, results[k]);
});
const NAMES = 'add sub mul div mod and or xor shl shr min max not abs lt ge eq sum>>1 product/odd where shl-any shr-any'.split(
  ' ',
);
const negation = kernel(function negation({ a, out }: { a: tl.ptr; out: tl.ptr }) {
  const offs = tl.arange(0, 256);
  tl.store(out + offs, -tl.load(a + offs));
});

/** What the kernel's rows are, by BigInt. x / 0 is x and x % 0 is 0. */
function exact(d: DType, x: bigint, y: bigint): bigint[] {
  const w = (v: bigint) => (d.is_int_signed() ? BigInt.asIntN(d.bits, v) : BigInt.asUintN(d.bits, v));
  const by = BigInt.asUintN(d.bits, y) & BigInt(d.bits - 1);
  const truth = (b: boolean) => (b ? 1n : 0n);
  const div = (p: bigint, q: bigint) => (q === 0n ? p : p / q);
  const any = BigInt.asUintN(d.bits === 64 ? 6 : 5, y);
  const [sum, product] = [w(x + y), w(x * y)];
  return [
    ...[sum, x - y, product, div(x, y), y === 0n ? 0n : x % y, x & y, x | y, x ^ y, x << by, x >> by],
    ...[x < y ? x : y, x > y ? x : y, ~x, x < 0n ? -x : x, truth(x < y), truth(x >= y), truth(x === y)],
    ...[sum >> 1n, div(product, w(x | 1n)), sum > y ? x - y : y * y, x << any, x >> any],
  ].map(w);
}

/** Pairs of operands: all of them for 8 bits, else edges with edges and random numbers of random length. */
function pairs(d: DType): [bigint, bigint][] {
  const bits = BigInt(d.bits);
  const w = (v: bigint) => (d.is_int_signed() ? BigInt.asIntN(d.bits, v) : BigInt.asUintN(d.bits, v));
  if (d.bits === 8) return Array.from({ length: 65536 }, (_, i) => [w(BigInt(i & 255)), w(BigInt(i >> 8))]);
  let s = 88172645463325252n;
  const random = () => {
    s ^= BigInt.asUintN(64, s << 13n);
    s ^= s >> 7n;
    s = BigInt.asUintN(64, s ^ (s << 17n));
    return s;
  };
  const half = 1n << (bits - 1n);
  const edges = [
    0n,
    1n,
    2n,
    3n,
    7n,
    -1n,
    -2n,
    half,
    half - 1n,
    half + 1n,
    half >> 1n,
    (1n << (bits / 2n)) - 1n,
    1n << (bits / 2n),
  ];
  const out = edges.flatMap((x) => edges.map((y): [bigint, bigint] => [w(x), w(y)]));
  while (out.length < 4096) out.push([w(random() >> (random() % bits)), w(random() >> (random() % bits))]);
  return out;
}

async function upload(dev: Device, d: DTypeName, xs: readonly bigint[]) {
  return dev.tensor((DTYPES[d].bits === 64 ? xs : xs.map(Number)) as number[], { dtype: d });
}

/** Codes of a small float, and memory with them. */
const memory = (d: DTypeName, codes: readonly number[]) => new (DTYPES[d].bytes === 1 ? Uint8Array : Uint16Array)(codes);
const floats = kernel(function floats({ a, b, out, N }: { a: tl.ptr; b: tl.ptr; out: tl.ptr; N: tl.constexpr }) {
  const offs = tl.program_id(0) * 256 + tl.arange(0, 256);
  const x = tl.load(a + offs);
  const y = tl.load(b + offs);
  const results = [x + y, x - y, x * y, tl.where(x < y, x, y), tl.abs(x), x * y + x];
  for (const k of tl.static_range(results.length)) tl.store(out + k * N + offs, results[k]);
});
const signs = kernel(function signs({ x, out, DT }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32>; DT: tl.constexpr<DType> }) {
  const offs = tl.arange(0, 4);
  const v = tl.cast(tl.load(x + offs), DT);
  tl.store(out + offs, tl.cast(-v, tl.f32));
  tl.store(out + 4 + offs, tl.cast(v, tl.f32));
  tl.store(out + 8 + offs, tl.cast(tl.where(offs < 2, v, v + v), tl.f32));
  tl.store(out + 12 + offs, tl.cast(tl.minimum(v, v), tl.f32));
});
/** Every program stores its elements where others store theirs, in turns: neighbours of a word are of different programs. */
const scatter = kernel(function scatter({ out, n, EVERY }: { out: tl.ptr; n: tl.i32; EVERY: tl.constexpr }) {
  const programs = tl.num_programs(0);
  const at = tl.arange(0, 64) * programs + tl.program_id(0);
  tl.store(out + at, at % 101, { mask: at < n && at % EVERY === 0 });
});

onEachDevice('arithmetic', (dev) => {
  for (const d of ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64'] as const)
    it(`${d}: every operator wraps and divides as in C`, async () => {
      const cases = pairs(DTYPES[d]);
      const n = cases.length;
      const a = await upload(
        dev(),
        d,
        cases.map(([x]) => x),
      );
      const b = await upload(
        dev(),
        d,
        cases.map(([, y]) => y),
      );
      const out = dev().empty([n * NAMES.length], d);
      integers.launch(dev(), [n / 256], { a, b, out, N: n, DT: DTYPES[d] } as never);
      const got = await out.download();
      const bad: string[] = [];
      cases.forEach(([x, y], i) => {
        exact(DTYPES[d], x, y).forEach((want, k) => {
          if (BigInt(got[k * n + i] as number) !== want) bad.push(`${NAMES[k]}(${x}, ${y}) is ${got[k * n + i]}, not ${want}`);
        });
      });
      expect(bad.slice(0, 5)).toEqual([]);
      for (const t of [a, b, out]) t.free();
    });
  for (const d of ['i8', 'i16', 'i32', 'i64'] as const)
    it(`-x of ${d}`, async () => {
      const xs = pairs(DTYPES[d])
        .slice(0, 256)
        .map(([x, y]) => x + y)
        .map((x) => BigInt.asIntN(DTYPES[d].bits, x));
      const a = await upload(dev(), d, xs);
      const out = dev().empty([256], d);
      negation.launch(dev(), [1], { a, out } as never);
      expect([...(await out.download())].map(BigInt)).toEqual(xs.map((x) => BigInt.asIntN(DTYPES[d].bits, -x)));
      for (const t of [a, out]) t.free();
    });
  for (const d of ['f16', 'bf16', 'fp8e4nv', 'fp8e5'] as const)
    it(`${d}: every result is rounded once`, async () => {
      const values = valuesOf(d);
      const count = values.length;
      const n = 16384;
      // Drivers may flush subnormal f32, and those of bf16 are subnormal in f32.
      const least = d === 'bf16' ? 2 ** -126 : 0;
      const codes = (mul: number, add: number) =>
        Array.from({ length: n }, (_, i) => (Math.imul(i, mul) + add + (i >> 8)) & (count - 1));
      const [p, q] = [codes(40503, 1), codes(30011, 7)];
      const a = dev().tensor(memory(d, p), { dtype: d });
      const b = dev().tensor(memory(d, q), { dtype: d });
      const out = dev().empty([n * 6], d);
      floats.launch(dev(), [n / 256], { a, b, out, N: n } as never);
      const got = await out.toNumbers();
      const bad: string[] = [];
      for (let i = 0; i < n; i++) {
        const [x, y] = [values[p[i]], values[q[i]]];
        // fp8e5 has infinities, but no operation of Triton makes them; arithmetic on them is left out.
        if (![x, y].every(Number.isFinite) && FORMATS[d].saturates) continue;
        const r = (v: number) => nearest(d, v);
        const want = [r(x + y), r(x - y), r(x * y), x < y ? x : y, Math.abs(x), r(r(x * y) + x)];
        const tiny = [x, y, ...want, x * y].some((v) => v !== 0 && Math.abs(v) < least);
        if (tiny) continue;
        want.forEach((w, k) => {
          if (!Object.is(got[k * n + i], w)) bad.push(`row ${k} of (${x}, ${y}) is ${got[k * n + i]}, not ${w}`);
        });
      }
      expect(bad.slice(0, 5)).toEqual([]);
      for (const t of [a, b, out]) t.free();
    });
  it('-0.0 stays -0.0, but -x is 0 - x', async () => {
    for (const d of ['f32', 'f16', 'bf16', 'fp8e4nv', 'fp8e5'] as const) {
      const x = dev().tensor(new Float32Array([0, -0, 1, -0]));
      const out = dev().empty([16], 'f32');
      signs.launch(dev(), [1], { x, out, DT: DTYPES[d] });
      const row = [0, -0, 1, -0];
      expect([d, ...(await out.toNumbers())]).toEqual([d, 0, 0, -1, 0, ...row, 0, -0, 2, -0, ...row]);
      for (const t of [x, out]) t.free();
    }
  });
  for (const d of ['u8', 'i8', 'bool', 'f16', 'bf16', 'u16', 'i16'] as const)
    it(`stores of single ${d} elements from many programs leave their neighbours alone`, async () => {
      for (const every of [1, 3]) {
        const [programs, n] = [64, 64 * 64 - 5];
        const out = dev().tensor(new Array(64 * 64).fill(1), { dtype: d });
        scatter.launch(dev(), [programs], { out, n, EVERY: every } as never);
        const want = Array.from({ length: 64 * 64 }, (_, i) =>
          i >= n || i % every ? 1 : d === 'bool' ? Number(i % 101 !== 0) : i % 101,
        );
        expect((await out.toNumbers()).map(Number)).toEqual(want);
        out.free();
      }
    });
  it('a constexpr float stays a float in arithmetic at compile time; an offset of u64 goes back from a pointer', async () => {
    const x = dev().tensor(new Int32Array([5, 6, 7, 8]));
    const steps = dev().tensor(new BigUint64Array([0n, 1n, 2n, 3n]));
    const out = dev().empty([8], 'f32');
    weak.launch(dev(), [1], { x, steps, out, C: 0.5 });
    expect(await out.toNumbers()).toEqual([6, 7, 8, 9, 8, 7, 6, 5]);
    for (const t of [x, steps, out]) t.free();
  });
  it('leaves no message of the WGSL compiler', () => expect(dev().stats.wgslMessages).toEqual([]));
});
