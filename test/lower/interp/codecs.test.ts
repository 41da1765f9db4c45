// The fast rounding and memory formats against definitions written here: the value of a bit pattern by its fields, the nearest
// value with ties to the even pattern by comparing with both neighbours.
import { describe, expect, it } from 'vitest';
import { fromBits, round, toBits } from '../../../src/dsl/numerics.ts';
import { DTYPES, type DType } from '../../../src/dsl/types.ts';
import { codec } from '../../../src/lower/interp/codecs.ts';

interface Layout {
  readonly d: DType;
  readonly exponent: number;
  readonly bias: number;
  /** Largest bit pattern of a finite positive number. */
  readonly top: number;
  readonly saturates: boolean;
}
const LAYOUTS: Layout[] = [
  { d: DTYPES.f16, exponent: 5, bias: 15, top: 0x7bff, saturates: false },
  { d: DTYPES.bf16, exponent: 8, bias: 127, top: 0x7f7f, saturates: false },
  { d: DTYPES.fp8e4nv, exponent: 4, bias: 7, top: 0x7e, saturates: true },
  { d: DTYPES.fp8e5, exponent: 5, bias: 15, top: 0x7b, saturates: true },
];

/** Value of a finite positive pattern by its fields. */
const numberOf = ({ d, bias }: Layout, bits: number): number => {
  const field = bits >> d.mantissa;
  const fraction = bits % 2 ** d.mantissa;
  return field === 0 ? fraction * 2 ** (1 - bias - d.mantissa) : (1 + fraction / 2 ** d.mantissa) * 2 ** (field - bias);
};

/** `toBe` for loops over every bit pattern: fast, and silent unless it fails. */
const same = (got: number, want: number): void => {
  if (!Object.is(got, want)) expect(got).toBe(want);
};

describe.each(LAYOUTS.map((l) => [l.d.name, l] as const))('%s', (_name, l) => {
  const c = codec(l.d);
  const sign = 2 ** (l.d.bits - 1);

  it('reads every bit pattern as its fields say', () => {
    for (let bits = 0; bits <= l.top; bits++) {
      same(c.table![bits], numberOf(l, bits));
      same(c.table![bits + sign], -numberOf(l, bits));
    }
    const rest = [];
    for (let bits = l.top + 1; bits < sign; bits++) rest.push(c.table![bits]);
    // Above the finite numbers: infinity where the format has one, then NaN.
    if (l.d !== DTYPES.fp8e4nv) expect(rest.shift()).toBe(Infinity);
    expect(rest.every(Number.isNaN)).toBe(true);
  });

  it('writes every value back to its bits', () => {
    for (let bits = 0; bits <= l.top; bits++) {
      same(c.encode!(numberOf(l, bits)), bits);
      same(c.encode!(-numberOf(l, bits)), bits + sign);
    }
    const nan = c.encode!(NaN);
    expect(c.table![nan]).toBeNaN();
    if (l.d !== DTYPES.fp8e4nv) same(c.table![c.encode!(-Infinity)], -Infinity);
  });

  it('rounds to nearest, ties to the even pattern, at and beside every midpoint', () => {
    const step = l.d.bits === 8 ? 1 : 7;
    for (let bits = 0; bits < l.top; bits += step) {
      const [low, high] = [numberOf(l, bits), numberOf(l, bits + 1)];
      const middle = low + (high - low) / 2;
      const even = bits % 2 === 0 ? low : high;
      const ulp = (high - low) * 2 ** -30;
      for (const s of [1, -1]) {
        same(c.round!(s * low), s * low);
        same(c.round!(s * middle), s * even);
        same(c.round!(s * (middle - ulp)), s * low);
        same(c.round!(s * (middle + ulp)), s * high);
      }
    }
  });

  it('overflows as its conversion does', () => {
    const max = numberOf(l, l.top);
    const half = (max - numberOf(l, l.top - 1)) / 2;
    const over = l.saturates ? max : Infinity;
    same(c.round!(max + half * 0.99), max);
    for (const x of [max + half, max * 2, 1e300, Infinity]) {
      same(c.round!(x), over);
      same(c.round!(-x), -over);
    }
    expect(c.round!(NaN)).toBeNaN();
    same(c.round!(-0), -0);
    same(c.round!(-1e-300), -0);
  });

  it('agrees with the language’s own numerics on random doubles', () => {
    let seed = 12345;
    for (let i = 0; i < 20000; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      const exponent = (seed % 300) - 150;
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      const x = (1 + seed / 2 ** 32) * 2 ** exponent * (seed & 1 ? 1 : -1);
      const r = c.round!(x);
      same(r, Number(round(l.d, x)));
      if (l.d !== DTYPES.fp8e4nv || Number.isFinite(r)) same(c.encode!(r), Number(toBits(l.d, r)));
      same(c.table![c.encode!(r)], Number(fromBits(l.d, toBits(l.d, r))));
    }
  });
});
