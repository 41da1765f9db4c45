// Rounding and bits of every dtype against outside truth: JS's own typed arrays where they exist (f32, integers, BigInt),
// published limits of the small float formats, and exhaustive round trips of all 8- and 16-bit patterns.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitcast, convert, fromBits, round, toBits } from '../../src/dsl/numerics.ts';
import { DTYPES, type DType } from '../../src/dsl/types.ts';

const { bool, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, fp8e4nv, fp8e5 } = DTYPES;
const small: readonly DType[] = [f16, bf16, fp8e4nv, fp8e5];
const patterns = (d: DType) => Array.from({ length: 2 ** d.bits }, (_, i) => i);

/** The nearest value of `d` found by search over all of its finite values: rounding told without arithmetic. */
function nearest(d: DType): (x: number) => number {
  const values = patterns(d)
    .map((b) => ({ b, v: Number(fromBits(d, b)) }))
    .filter((p) => Number.isFinite(p.v) && p.v >= 0 && !(p.v === 0 && p.b !== 0))
    .sort((a, b) => a.v - b.v);
  return (x) => {
    let lo = 0;
    let hi = values.length - 1;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (values[mid].v <= x) lo = mid;
      else hi = mid;
    }
    const down = x - values[lo].v;
    const up = values[hi].v - x;
    if (down !== up) return down < up ? values[lo].v : values[hi].v;
    return values[lo].b % 2 === 0 ? values[lo].v : values[hi].v;
  };
}

describe('integers wrap as typed arrays do', () => {
  const arrays = [
    [i8, Int8Array],
    [i16, Int16Array],
    [i32, Int32Array],
    [u8, Uint8Array],
    [u16, Uint16Array],
    [u32, Uint32Array],
  ] as const;
  for (const [d, A] of arrays) {
    it(d.name, () => {
      fc.assert(fc.property(fc.maxSafeInteger(), (x) => void expect(round(d, x)).toBe(new A([x])[0])));
      fc.assert(
        fc.property(
          fc.bigInt(-(2n ** 80n), 2n ** 80n),
          (x) => void expect(round(d, x)).toBe(new A([Number(BigInt.asIntN(32, x))])[0]),
        ),
      );
    });
  }
  it('i64 and u64', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 80n), 2n ** 80n), (x) => {
        expect(round(i64, x)).toBe(new BigInt64Array([x])[0]);
        expect(round(u64, x)).toBe(new BigUint64Array([x])[0]);
      }),
    );
    expect(round(i64, 7)).toBe(7n);
  });
  it('bool keeps one bit', () => expect([round(bool, 2), round(bool, 3), round(bool, -1)]).toEqual([0, 1, 1]));
});

describe('floats round to nearest even', () => {
  it('f32 as Math.fround, f64 unchanged', () => {
    expect(round(f32, 0.1)).toBe(Math.fround(0.1));
    expect(round(f64, 0.1)).toBe(0.1);
  });
  it('i64 to f32 rounds once, not through f64', () => {
    // 2^60 + 2^36 is a tie between two f32; the 1 breaks it upwards, and is lost if the integer is rounded to f64 first.
    expect(round(f32, 2n ** 60n + 2n ** 36n + 1n)).toBe(2 ** 60 + 2 ** 37);
    expect(round(f32, 2n ** 60n + 2n ** 36n)).toBe(2 ** 60);
    expect(round(f32, -(2n ** 60n + 2n ** 36n + 1n))).toBe(-(2 ** 60 + 2 ** 37));
  });
  for (const d of small) {
    it(`${d.name}: every pattern is a fixed point and survives the bits`, () => {
      for (const b of patterns(d)) {
        const v = Number(fromBits(d, b));
        if (Number.isNaN(v)) expect(fromBits(d, toBits(d, v))).toBeNaN();
        else expect(toBits(d, v)).toBe(b);
        if (Number.isFinite(v)) expect(round(d, v)).toBe(v);
      }
    });
    it(`${d.name}: agrees with a search over all values, midpoints included`, () => {
      const near = nearest(d);
      const max = Number(round(d, d === f16 ? 65504 : d === bf16 ? 2 ** 127 * (2 - 2 ** -7) : 1e9));
      fc.assert(fc.property(fc.double({ min: 0, max, noNaN: true }), (x) => void expect(round(d, x)).toBe(near(x))));
      const positive = patterns(d).slice(0, 2 ** (d.bits - 1) - 1);
      for (let i = 1; i < positive.length; i += d.bits === 8 ? 1 : 97) {
        const a = Number(fromBits(d, i - 1));
        const b = Number(fromBits(d, i));
        if (!Number.isFinite(b)) break;
        expect(round(d, (a + b) / 2)).toBe(i % 2 ? a : b);
        expect(round(d, -(a + b) / 2)).toBe(i % 2 ? -a : -b);
      }
    });
  }
  it('limits', () => {
    expect([round(f16, 65519.99), round(f16, 65520), round(f16, -Infinity)]).toEqual([65504, Infinity, -Infinity]);
    expect(round(bf16, 3.4e38)).toBe(Infinity);
    expect(round(f16, -1e-9)).toBe(-0);
  });
  it('fp8 saturates as cvt.rn.satfinite', () => {
    const x = [Infinity, -Infinity, NaN, 460, 470, 1000, -1e6, 6e4, 62000, 1e9, 0.001, 1e-6, -1e-9, -0, 448, 57344].map(
      Math.fround,
    );
    const hex = (d: DType) => x.map((v) => toBits(d, round(d, v)).toString(16).padStart(2, '0')).join(' ');
    expect(hex(fp8e4nv)).toBe('7e fe 7f 7e 7e 7e fe 7e 7e 7e 01 00 80 80 7e 7e');
    expect(hex(fp8e5)).toBe('7b fb 7f 5f 5f 64 fb 7b 7b 7b 14 00 80 80 5f 7b');
  });
});

describe('convert', () => {
  it('truncates and saturates', () => {
    expect([1.9, -1.9, 3e9, -3e9, NaN, Infinity].map((x) => convert(f32, i32, x))).toEqual([
      1, -1, 2147483647, -2147483648, 0, 2147483647,
    ]);
    expect([1.9, -1.9, 3e9, 5e9, NaN].map((x) => convert(f32, u32, x))).toEqual([1, 0, 3000000000, 4294967295, 0]);
    expect([-1.9, 1e30, -1e30, NaN].map((x) => convert(f32, i64, x))).toEqual([-1n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n)]);
  });
  it('to bool is a test against zero', () => {
    expect([0, -0, 0.5, NaN].map((x) => convert(f32, bool, x))).toEqual([0, 0, 1, 1]);
    expect([0n, 2n ** 40n].map((x) => convert(i64, bool, x))).toEqual([0, 1]);
  });
  it('integers wrap', () =>
    expect([convert(i64, i32, 2n ** 31n), convert(i32, u64, -1), convert(u32, i8, 255)]).toEqual([
      -(2 ** 31),
      2n ** 64n - 1n,
      -1,
    ]));
});

it('bitcast reads the same bits', () => {
  expect(bitcast(f32, i32, -0)).toBe(-(2 ** 31));
  expect(bitcast(i32, f32, 0x3f800000)).toBe(1);
  expect(bitcast(u16, f16, 0x3c01)).toBe(1 + 2 ** -10);
});
