// The helper functions of the WGSL prelude, on the device, against BigInt and Math references.
import { describe, expect, it } from 'vitest';
import { convert, fromBits, round, toBits } from '../../../src/dsl/numerics.ts';
import type { Num } from '../../../src/dsl/ops/row.ts';
import { DTYPES, type DTypeName } from '../../../src/dsl/types.ts';
import { evaluate } from '../../support/helperRun.ts';

const rnd = (() => {
  let s = 12345;
  return () => (s = (Math.imul(s, 1664525) + 1013904223) >>> 0);
})();
const edges = [
  0n,
  1n,
  2n,
  3n,
  255n,
  65535n,
  65536n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffffn,
  0xfffffffffffffffen,
];
const pairs: [bigint, bigint][] = edges.flatMap((a) => edges.map((b): [bigint, bigint] => [a, b]));
for (let i = 0; i < 800; i++) {
  const a = (BigInt(rnd()) << 32n) | BigInt(rnd());
  const b = ((BigInt(rnd()) << 32n) | BigInt(rnd())) >> BigInt(rnd() % 64);
  pairs.push([a >> BigInt(rnd() % 40), b]);
}
const words = (xs: bigint[]) => new Uint32Array(xs.flatMap((x) => [Number(x & 0xffffffffn), Number((x >> 32n) & 0xffffffffn)]));

const div = (a: bigint, b: bigint) => (b === 0n ? a : a / b);
const rem = (a: bigint, b: bigint) => (b === 0n ? 0n : a % b);
const BIG: { [op: string]: (a: bigint, b: bigint) => bigint | boolean } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div,
  rem,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << (b & 63n),
  shr: (a, b) => a >> (b & 63n),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
};

describe('64-bit integers on two words', () => {
  for (const [op, f] of Object.entries(BIG))
    for (const s of ['i64', 'u64'] as const)
      it(`${s}_${op}`, async () => {
        const as = (x: bigint) => (s === 'i64' ? BigInt.asIntN(64, x) : x);
        const got = await evaluate(`${s}_${op}`, [words(pairs.map((p) => p[0])), words(pairs.map((p) => p[1]))], pairs.length);
        const bad = pairs.filter(([a, b], i) => {
          const want = f(as(a), as(b));
          if (typeof want === 'boolean') return got[i] !== Number(want);
          return ((BigInt(got[2 * i + 1]) << 32n) | BigInt(got[2 * i])) !== BigInt.asUintN(64, want);
        });
        expect(bad.slice(0, 3)).toEqual([]);
      });
  it('i64_neg and i64_abs', async () => {
    const xs = pairs.map((p) => p[0]);
    const join = (w: Uint32Array, i: number) => (BigInt(w[2 * i + 1]) << 32n) | BigInt(w[2 * i]);
    const neg = await evaluate('i64_neg', [words(xs)], xs.length);
    const abs = await evaluate('i64_abs', [words(xs)], xs.length);
    xs.forEach((x, i) => {
      const v = BigInt.asIntN(64, x);
      expect(join(neg, i)).toBe(BigInt.asUintN(64, -v));
      expect(join(abs, i)).toBe(BigInt.asUintN(64, v < 0n ? -v : v));
    });
  });
});

const floats = (() => {
  const f = new Float32Array(2048);
  const u = new Uint32Array(f.buffer);
  const special = [
    0,
    -0,
    1,
    -1,
    0.5,
    1.5,
    2.5,
    65504,
    65519,
    65520,
    -65520,
    1e30,
    -1e30,
    Infinity,
    -Infinity,
    NaN,
    2 ** -14,
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -25,
    2147483647,
    2147483648,
    -2147483648,
    4294967295,
    4294967296,
    9.3e18,
    -9.3e18,
    1.9e19,
    16777217,
    300.7,
    -300.7,
    3.4028234e38,
  ];
  f.set(special);
  for (let i = special.length; i < f.length; i++) {
    if (i % 3 === 0) f[i] = (rnd() / 2 ** 32 - 0.5) * 2 ** ((rnd() % 60) - 30);
    else if (i % 3 === 1) u[i] = rnd();
    else f[i] = fromBits(DTYPES.f16, rnd() & 0xffff) as number;
  }
  // Subnormal f32 are outside the promise: drivers flush them.
  for (let i = 0; i < f.length; i++) if (Math.abs(f[i]) < 2 ** -126) f[i] = 0;
  return f;
})();
const bits = new Uint32Array(floats.buffer);
const same = (a: number, b: number) => Object.is(a, b) || (a !== a && b !== b);

describe('narrow floats', () => {
  for (const d of ['f16', 'bf16', 'fp8e4nv', 'fp8e5'] as const)
    it(`${d}_round rounds to nearest even`, async () => {
      const got = new Float32Array((await evaluate(`${d}_round`, [bits], floats.length)).buffer);
      const bad = [...floats].flatMap((x, i) => (same(got[i], round(DTYPES[d], x) as number) ? [] : [[x, got[i]]]));
      expect(bad.slice(0, 3)).toEqual([]);
    });
  it('fne is true for NaN', async () => {
    const a = new Float32Array([1, NaN, 1, NaN, 0, Infinity]);
    const b = new Float32Array([1, 1, NaN, NaN, -0, Infinity]);
    const got = await evaluate('fne', [new Uint32Array(a.buffer), new Uint32Array(b.buffer)], 6);
    expect([...got]).toEqual([0, 1, 1, 1, 0, 0]);
  });
  it('fmod is exact', async () => {
    const xs = [7.5, -7.5, 1e30, 5, 0, 3, 1e-3, Infinity, 7, NaN];
    const ys = [2, 2, 7, -3, 3, Infinity, 7e-5, 2, 0, 1];
    const bitsOf = (v: number[]) => new Uint32Array(new Float32Array(v).buffer);
    const got = new Float32Array((await evaluate('fmod', [bitsOf(xs), bitsOf(ys)], xs.length)).buffer);
    for (const [i, x] of xs.entries()) expect(same(got[i], Math.fround(Math.fround(x) % Math.fround(ys[i])))).toBe(true);
  });
  it('erf is within 8 ulp', async () => {
    // Maclaurin series in double precision: more than enough below 3.
    const erf = (x: number) => {
      let s = x;
      let t = x;
      for (let n = 1; n < 120; n++) {
        t *= (-x * x) / n;
        s += t / (2 * n + 1);
      }
      return (s * 2) / Math.sqrt(Math.PI);
    };
    const xs = Float32Array.from({ length: 1200 }, (_, i) => (i - 600) / 200.7);
    const got = new Float32Array((await evaluate('erf', [new Uint32Array(xs.buffer)], xs.length)).buffer);
    const worst = Math.max(
      ...[...xs].map((x, i) => Math.abs(got[i] - erf(x)) / 2 ** (Math.floor(Math.log2(Math.abs(erf(x)) || 1)) - 23)),
    );
    expect(worst).toBeLessThan(8);
  });
});

describe('casts agree with convert()', () => {
  const names: DTypeName[] = [
    'bool',
    'i8',
    'i16',
    'i32',
    'i64',
    'u8',
    'u16',
    'u32',
    'u64',
    'f16',
    'bf16',
    'f32',
    'fp8e4nv',
    'fp8e5',
  ];
  const sample = (d: DTypeName): Num[] => {
    const t = DTYPES[d];
    if (t.is_floating()) return [...floats].filter((x) => same(round(t, x) as number, x));
    return pairs.slice(0, 600).map((p) => round(t, p[0]));
  };
  const toWords = (d: DTypeName, xs: Num[]): Uint32Array => {
    const t = DTYPES[d];
    if (t.bits === 64) return words(xs.map((x) => BigInt.asUintN(64, x as bigint)));
    if (t.is_floating()) return new Uint32Array(Float32Array.from(xs as number[]).buffer);
    return Uint32Array.from(xs as number[], (x) => x >>> 0);
  };
  for (const from of names)
    it(`from ${from}`, async () => {
      const xs = sample(from);
      for (const to of names) {
        const got = await evaluate(`cast_${from}_${to}`, [toWords(from, xs)], xs.length);
        const want = xs.map((x) => convert(DTYPES[from], DTYPES[to], x));
        const bad = want.flatMap((w, i) => {
          const g = DTYPES[to].bits === 64 ? (BigInt(got[2 * i + 1]) << 32n) | BigInt(got[2 * i]) : got[i];
          const t = DTYPES[to];
          const ok =
            t.bits === 64
              ? g === toBits(t, w)
              : t.is_floating()
                ? same(new Float32Array(new Uint32Array([Number(g)]).buffer)[0], w as number)
                : g === Number(w) >>> 0;
          return ok ? [] : [`${to}(${from} ${xs[i]}) is ${w}, got ${g}`];
        });
        expect(bad.slice(0, 3)).toEqual([]);
      }
    });
});
