// Mathematical functions that JavaScript lacks, in double precision: the interpreter's meaning of `erf` and `fma`.

import type { DType } from './types.ts';

/**
 * Error function to about 1e-15. Below 3 the Maclaurin series of erf (Abramowitz & Stegun 7.1.6, all terms of one sign),
 * above it the continued fraction of erfc (7.1.14), evaluated backward.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    // erf(x) = 2/sqrt(pi) * exp(-x²) * sum over n of 2^n x^(2n+1) / (1·3·…·(2n+1))
    let term = a;
    let sum = a;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
  }
  let f = 0;
  for (let n = 60; n >= 1; n--) f = n / 2 / (a + f);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + f)));
}

const cell = new DataView(new ArrayBuffer(8));
/**
 * x * y + z with one rounding to f32 or narrower. The product of two f32 is exact in double; the sum is rounded to odd, so
 * that the caller's rounding to the dtype is the only one that counts (Boldo & Melquiond). f64 rounds twice.
 */
export function fmaRound(x: number, y: number, z: number, d: DType): number {
  const p = x * y;
  const s = p + z;
  if (d.bits === 64 || !Number.isFinite(s)) return s;
  const back = s - p;
  const error = p - (s - back) + (z - back);
  if (error === 0) return s;
  cell.setFloat64(0, s);
  const bits = cell.getBigUint64(0);
  if (bits & 1n) return s;
  // The exact sum lies strictly between s and a neighbour, away from or toward zero: the odd one of the two.
  cell.setBigUint64(0, error > 0 === s > 0 ? bits + 1n : bits - 1n);
  return cell.getFloat64(0);
}
