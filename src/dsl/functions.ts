// Mathematical functions that JavaScript lacks, in double precision: the interpreter's meaning of `erf`, `fma` and some of
// C's library.

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
/** An f64 as an integer and the power of two that it is multiplied by. */
function parts(x: number): [bigint, number] {
  cell.setFloat64(0, x);
  const bits = cell.getBigUint64(0);
  const e = Number((bits >> 52n) & 0x7ffn);
  const m = (bits & 0xfffffffffffffn) | (e ? 1n << 52n : 0n);
  return [bits >> 63n ? -m : m, Math.max(e, 1) - 1075];
}
/** x * y + z of f64, rounded once: the exact sum as one integer, cut to its 53 leading bits. */
function fma64(x: number, y: number, z: number): number {
  if (![x, y, z].every(Number.isFinite) || x === 0 || y === 0) return x * y + z;
  const [[mx, ex], [my, ey], [mz, ez]] = [x, y, z].map(parts);
  const e = Math.min(ex + ey, ez);
  const sum = ((mx * my) << BigInt(ex + ey - e)) + (mz << BigInt(ez - e));
  if (sum === 0n) return x * y + z;
  const a = sum < 0n ? -sum : sum;
  const cut = Math.max(a.toString(2).length - 53, -1074 - e, 0);
  let q = a >> BigInt(cut);
  const lost = (a - (q << BigInt(cut))) * 2n;
  const half = 1n << BigInt(cut);
  if (lost > half || (lost === half && q & 1n)) q++;
  // In two steps: a power of two below 2^-1074 or above 2^1023 is no number by itself.
  const by = e + cut;
  const scale = (v: number, k: number): number => v * 2 ** k;
  const r = scale(scale(Number(q), Math.trunc(by / 2)), by - Math.trunc(by / 2));
  return sum < 0n ? -r : r;
}
/**
 * x * y + z with one rounding to f32 or narrower. The product of two f32 is exact in double; the sum is rounded to odd, so
 * that the caller's rounding to the dtype is the only one that counts (Boldo & Melquiond).
 */
export function fmaRound(x: number, y: number, z: number, d: DType): number {
  if (d.bits === 64) return fma64(x, y, z);
  const p = x * y;
  const s = p + z;
  if (!Number.isFinite(s)) return s;
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

/** x rounded to an integer, ties to even. Numbers from 2^52 on are integers already. */
export function rint(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const r = Math.abs(x) + 2 ** 52 - 2 ** 52;
  return copysign(r, x);
}
/** x rounded to an integer, ties away from zero. */
export function roundAway(x: number): number {
  const a = Math.abs(x);
  const t = Math.trunc(a);
  return copysign(a - t >= 0.5 ? t + 1 : t, x);
}
/** The magnitude of x with the sign of y. */
export const copysign = (x: number, y: number): number =>
  y < 0 || Object.is(y, -0) || (Number.isNaN(y) && signOfNaN(y)) ? -Math.abs(x) : Math.abs(x);
function signOfNaN(x: number): boolean {
  cell.setFloat64(0, x);
  return cell.getUint8(0) >= 128;
}
export const signbit = (x: number): boolean => x < 0 || Object.is(x, -0) || (Number.isNaN(x) && signOfNaN(x));
/** x to the power of y as C has it: 1^y and x^0 are 1 whatever the other, and (-1)^±inf is 1. */
export const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);
