// The small float formats, told independently of the project's own arithmetic: a code is decoded from its fields, and rounding is
// a search among all codes.

/** Bits of exponent and significand; what is past the largest finite number: infinity, or (fp8, as Triton emits) that number. */
export interface Format {
  readonly exponent: number;
  readonly mantissa: number;
  readonly ieee: boolean;
  readonly saturates: boolean;
}
export const FORMATS: { readonly [name: string]: Format } = {
  f16: { exponent: 5, mantissa: 10, ieee: true, saturates: false },
  bf16: { exponent: 8, mantissa: 7, ieee: true, saturates: false },
  fp8e4nv: { exponent: 4, mantissa: 3, ieee: false, saturates: true },
  fp8e5: { exponent: 5, mantissa: 2, ieee: true, saturates: true },
};

/** Value of a code without its sign bit, from its fields. */
export function decode(f: Format, code: number): number {
  const e = code >> f.mantissa;
  const m = code & (2 ** f.mantissa - 1);
  const bias = 2 ** (f.exponent - 1) - 1;
  const top = 2 ** f.exponent - 1;
  if (f.ieee && e === top) return m ? NaN : Infinity;
  if (!f.ieee && e === top && m === 2 ** f.mantissa - 1) return NaN;
  return e ? (1 + m / 2 ** f.mantissa) * 2 ** (e - bias) : (m / 2 ** f.mantissa) * 2 ** (1 - bias);
}

const tables = new Map<string, number[]>();
/** Every code of a format as a number. */
export function valuesOf(name: string): number[] {
  let t = tables.get(name);
  if (!t) {
    const f = FORMATS[name];
    const sign = 2 ** (f.exponent + f.mantissa);
    t = Array.from({ length: 2 * sign }, (_, c) => (c & sign ? -1 : 1) * decode(f, c & (sign - 1)));
    tables.set(name, t);
  }
  return t;
}

/** The number of the format that `x` becomes: the nearest, of two the one with the even code, or (`down`) the next toward zero. */
export function nearest(name: string, x: number, down = false): number {
  const f = FORMATS[name];
  const t = valuesOf(name);
  const sign = t.length / 2;
  const a = Math.abs(x);
  if (x !== x || a === 0) return x;
  let last = sign - 1;
  while (!Number.isFinite(t[last])) last--;
  const signed = (v: number) => (x < 0 ? -v : v);
  if (a === Infinity && down && f.ieee) return x;
  if (a >= t[last]) {
    const over = a >= 1.5 * t[last] - 0.5 * t[last - 1];
    return signed(over && !f.saturates && !down ? Infinity : t[last]);
  }
  let lo = 0;
  let hi = last;
  while (hi - lo > 1) {
    const mid = (lo + hi) >> 1;
    if (t[mid] <= a) lo = mid;
    else hi = mid;
  }
  const [below, above] = [a - t[lo], t[hi] - a];
  if (down || below < above || (below === above && lo % 2 === 0)) return signed(t[lo]);
  return signed(t[hi]);
}
