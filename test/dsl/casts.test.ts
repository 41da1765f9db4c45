// Casts on every device against references that share no code with the project: typed arrays and BigInt for integers, a search
// among all codes for small floats (../support/formats.ts). Every code of every dtype of 8 and 16 bits; edges of the others.

import { expect, it } from 'vitest';
import { DTYPES, type DType, type DTypeName } from '../../src/dsl/types.ts';
import { type Device, kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';
import { FORMATS, nearest, valuesOf } from '../support/formats.ts';

type Num = number | bigint;
type Options = { fp_downcast_rounding?: 'rtne' | 'rtz'; bitcast?: boolean };
const convert = kernel(function convert({
  x,
  out,
  TO,
  OPTIONS,
  BLOCK,
}: {
  x: tl.ptr;
  out: tl.ptr;
  TO: tl.constexpr<DType>;
  OPTIONS: tl.constexpr<Options>;
  BLOCK: tl.constexpr;
}) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  tl.store(out + offs, tl.cast(tl.load(x + offs), TO, OPTIONS));
});

const SMALL = ['f16', 'bf16', 'fp8e4nv', 'fp8e5'] as const;
const INTEGERS = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64'] as const;
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const intEdges = [
  0n,
  1n,
  2n,
  77n,
  127n,
  128n,
  255n,
  256n,
  257n,
  32767n,
  32768n,
  65504n,
  65519n,
  65520n,
  65535n,
  65536n,
  16777217n,
];
const wideEdges = [
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 60n + 2n ** 36n + 1n,
  2n ** 63n - 1n,
];
const floatEdges = [
  ...[0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 127.9, -128.9, 255.9, 300.7, -300.7, 448, 464, 465, 1e5, -1e5, 65503.99, 65519.9],
  ...[65520, 57344, 61440, 61441, 3e9, -3e9, 2147483520, 4294967040, 4294967296, 1e10, 9.2e18, -9.2e18, 1.8e19, 2e19, 3.4e38],
  ...[
    Infinity,
    -Infinity,
    NaN,
    2 ** -14,
    2 ** -16,
    2 ** -17,
    2 ** -24,
    1.5 * 2 ** -25,
    -(2 ** -9),
    2 ** -10,
    1.1 * 2 ** -10,
    2 ** -126,
  ],
].map(Math.fround);

/** All values of a dtype up to 16 bits, edges of a wider one. */
function samples(name: DTypeName): Num[] {
  if (name === 'bool') return [0, 1];
  if (name in FORMATS) return valuesOf(name);
  const d = DTYPES[name];
  if (d.is_floating()) return floatEdges;
  if (d.bits <= 16) return range(2 ** d.bits).map((i) => (d.is_int_signed() ? i - 2 ** (d.bits - 1) : i));
  const all = [...intEdges, ...wideEdges].flatMap((x) => [x, -x, -x - 1n]);
  const wrapped = all.map((x) => (d.is_int_signed() ? BigInt.asIntN(d.bits, x) : BigInt.asUintN(d.bits, x)));
  return d.bits === 64 ? wrapped : wrapped.map(Number);
}

/** An integer as the nearest f32, by BigInt. */
function f32OfInteger(x: bigint): number {
  const a = x < 0n ? -x : x;
  const shift = BigInt(Math.max(0, a.toString(2).length - 24));
  const [q, rest] = [a >> shift, a & ((1n << shift) - 1n)];
  const half = shift ? 1n << (shift - 1n) : 0n;
  const up = shift > 0n && (rest > half || (rest === half && q & 1n)) ? 1n : 0n;
  return Number((q + up) << shift) * (x < 0n ? -1 : 1);
}
/** What Triton's cast gives: see the PTX of `cvt` for saturation. */
function expected(from: DTypeName, to: DTypeName, x: Num): Num {
  const [f, t] = [DTYPES[from], DTYPES[to]];
  if (to === 'bool') return Number(x) !== 0 ? 1 : 0;
  if (t.is_floating()) {
    const v = f.is_floating() ? Number(x) : f32OfInteger(BigInt(x));
    return to === 'f32' ? Math.fround(v) : nearest(to, v);
  }
  const wrap = (b: bigint): Num => {
    const w = t.is_int_signed() ? BigInt.asIntN(t.bits, b) : BigInt.asUintN(t.bits, b);
    return t.bits === 64 ? w : Number(w);
  };
  if (!f.is_floating()) return wrap(BigInt(x));
  const v = Number(x);
  // Triton's PTX has cvt to 16, 32 and 64 bits; i8 and u8 are cut from 16.
  const wide = BigInt(Math.max(t.bits, 16));
  const [lo, hi] = t.is_int_signed() ? [-(1n << (wide - 1n)), (1n << (wide - 1n)) - 1n] : [0n, (1n << wide) - 1n];
  if (v !== v) return wrap(wide === 64n ? 1n << 63n : 0n);
  if (v === Infinity) return wrap(hi);
  if (v === -Infinity) return wrap(lo);
  const b = BigInt(Math.trunc(v));
  return wrap(b < lo ? lo : b > hi ? hi : b);
}

/** Memory with these codes of an 8- or 16-bit dtype. */
function raw(d: DTypeName, codes: readonly number[]) {
  if (DTYPES[d].is_int_signed()) return new (DTYPES[d].bytes === 1 ? Int8Array : Int16Array)(codes);
  return new (DTYPES[d].bytes === 1 ? Uint8Array : Uint16Array)(codes);
}
async function run(dev: Device, from: DTypeName, to: DTypeName, xs: readonly Num[], options: Options = {}): Promise<Num[]> {
  const n = Math.max(256, 2 ** Math.ceil(Math.log2(xs.length)));
  const padded = Array.from({ length: n }, (_, i) => xs[i % xs.length]);
  // Small floats go up as codes: `xs` is all of them, in order.
  const x = from in FORMATS ? dev.tensor(raw(from, range(n)), { dtype: from }) : dev.tensor(padded as number[], { dtype: from });
  const out = dev.empty([n], to);
  convert.launch(dev, [n / 256], { x, out, TO: DTYPES[to], OPTIONS: options, BLOCK: 256 } as never);
  const got = DTYPES[to].bits === 64 && to !== 'f64' ? [...((await out.download()) as BigInt64Array)] : await out.toNumbers();
  x.free();
  out.free();
  return got.slice(0, xs.length);
}
const same = (a: Num, b: Num) => Object.is(a, b) || (a !== a && b !== b);
const differences = (xs: readonly Num[], got: readonly Num[], want: readonly Num[]) =>
  xs
    .flatMap((x, i) => (same(got[i], want[i]) ? [] : [`${x}${Object.is(x, -0) ? ' (-0)' : ''}: ${got[i]}, not ${want[i]}`]))
    .slice(0, 4);

onEachDevice('casts', (dev) => {
  const floats: readonly DTypeName[] = ['f32', ...SMALL];
  for (const from of [...floats, ...INTEGERS, 'bool'] as const)
    it(`from ${from} to every dtype`, async () => {
      const fp8 = DTYPES[from].is_fp8();
      const targets = [...floats, ...INTEGERS, 'bool' as const].filter(
        (to) => to !== from && (DTYPES[from].is_floating() || !DTYPES[to].is_fp8()) && !(fp8 && DTYPES[to].is_int()),
      );
      const xs = samples(from);
      for (const to of targets) {
        const want = xs.map((x) => expected(from, to, x));
        expect([to, ...differences(xs, await run(dev(), from, to, xs), want)]).toEqual([to]);
      }
    });
  it('toward zero', async () => {
    for (const [from, to] of [
      ['f32', 'f16'],
      ['f32', 'bf16'],
      ['f32', 'fp8e5'],
      ['f16', 'fp8e5'],
    ] as const) {
      const xs = samples(from);
      const want = xs.map((x) => nearest(to, Number(x), true));
      const got = await run(dev(), from, to, xs, { fp_downcast_rounding: 'rtz' });
      expect([from, to, ...differences(xs, got, want)]).toEqual([from, to]);
    }
  });
  it('bits of every 8- and 16-bit code', async () => {
    const widths: readonly (readonly DTypeName[])[] = [
      ['u8', 'i8', 'fp8e4nv', 'fp8e5'],
      ['u16', 'i16', 'f16', 'bf16'],
    ];
    /** The value of a code in a dtype. */
    const meaning = (d: DTypeName, code: number): number => {
      if (d in FORMATS) return valuesOf(d)[code];
      return d === 'i8' ? (code << 24) >> 24 : d === 'i16' ? (code << 16) >> 16 : code;
    };
    for (const names of widths) {
      const codes = range(2 ** DTYPES[names[0]].bits);
      for (const from of names)
        for (const to of names.filter((n) => n !== from)) {
          // A NaN may lose its payload on the way through a float: such codes need only stay NaN.
          const usable = codes.filter((c) => from === names[0] || !Number.isNaN(meaning(from, c)));
          const x = dev().tensor(raw(from, codes), { dtype: from });
          const out = dev().empty([codes.length], to);
          convert.launch(dev(), [codes.length / 256], {
            x,
            out,
            TO: DTYPES[to],
            OPTIONS: { bitcast: true },
            BLOCK: 256,
          } as never);
          const got = await out.toNumbers();
          x.free();
          out.free();
          const bad = usable.filter((c) => !same(got[c], meaning(to, c))).map((c) => `${c}: ${got[c]}, not ${meaning(to, c)}`);
          expect([from, to, ...bad.slice(0, 4)]).toEqual([from, to]);
        }
    }
  });
  it('bits of 32- and 64-bit numbers', async () => {
    const xs = floatEdges.filter((x) => x === x);
    const bits = [...new Int32Array(Float32Array.from(xs).buffer)];
    expect(await run(dev(), 'f32', 'i32', xs, { bitcast: true })).toEqual(bits);
    expect(await run(dev(), 'f32', 'u32', xs, { bitcast: true })).toEqual(bits.map((b) => b >>> 0));
    expect(await run(dev(), 'i32', 'f32', bits, { bitcast: true })).toEqual(xs);
    const wide = samples('i64') as bigint[];
    expect(await run(dev(), 'i64', 'u64', wide, { bitcast: true })).toEqual(wide.map((x) => BigInt.asUintN(64, x)));
    if (dev().kind === 'interp') {
      const f64 = wide.map((x) => Number(x) / 3);
      const words = [...new BigInt64Array(Float64Array.from(f64).buffer)];
      expect(await run(dev(), 'f64', 'i64', f64, { bitcast: true })).toEqual(words);
      expect(await run(dev(), 'i64', 'f64', words, { bitcast: true })).toEqual(f64);
    }
  });
  it('leaves no message of the WGSL compiler', () => expect(dev().stats.wgslMessages).toEqual([]));
});
