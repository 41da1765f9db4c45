// Memory formats: which array views a buffer of a dtype, and how a raw element becomes a register value and back. Narrow
// floats go through tables (reading) and exact integer code (writing). The values are those of ../../dsl/numerics.ts, which
// the tests compare over every bit pattern; this file only makes them fast.

import { fromBits, nanBits, round, toBits } from '../../dsl/numerics.ts';
import { DTYPES, type DType, type DTypeName } from '../../dsl/types.ts';
import { registerClass } from './values.ts';

const f64 = new Float64Array(1);
const words = new Uint32Array(f64.buffer);
const LITTLE = (() => {
  f64[0] = 1;
  return words[1] !== 0;
})();
const HI = LITTLE ? 1 : 0;

interface Narrow {
  readonly raw: typeof Uint8Array | typeof Uint16Array;
  readonly emin: number;
  readonly max: number;
}
const NARROW: { readonly [N in DTypeName]?: Narrow } = {
  f16: { raw: Uint16Array, emin: -14, max: 65504 },
  bf16: { raw: Uint16Array, emin: -126, max: 3.3895313892515355e38 },
  fp8e4nv: { raw: Uint8Array, emin: -6, max: 448 },
  fp8e5: { raw: Uint8Array, emin: -14, max: 57344 },
};

export interface Codec {
  /** Array class over the raw bytes. */
  readonly raw: {
    new (b: ArrayBufferLike, offset: number, n: number): ArrayLike<number | bigint> & { [i: number]: number | bigint };
    readonly BYTES_PER_ELEMENT: number;
  };
  /** Raw bits to value, where they differ from the array element; index by the bits. */
  readonly table?: Float32Array;
  /** Value to raw bits, where they differ. */
  readonly encode?: (x: number) => number;
  /** Rounds a double to the dtype, for dtypes whose register array does not do it by itself. */
  readonly round?: (x: number) => number;
}

/**
 * Rounding of a double to a narrow float by adding and subtracting 2^52 quanta: the sum has no room for bits below the
 * quantum, so the hardware rounds to nearest even there. One table look-up by the exponent, no branch but the overflow.
 */
function makeRound(d: DType, n: Narrow): (x: number) => number {
  const big = new Float64Array(2048);
  for (let e = 0; e < 2047; e++) {
    const exponent = Math.min(Math.max(e - 1023, n.emin), 200);
    big[e] = 2 ** (exponent - d.mantissa + 52);
  }
  const { max } = n;
  const over = round(d, Infinity) as number;
  return (x) => {
    f64[0] = x;
    const c = big[(words[HI] >>> 20) & 0x7ff];
    let r = Math.abs(x) + c - c;
    if (r > max) r = over;
    return words[HI] >>> 31 ? -r : r;
  };
}

/** Bits of a value that the dtype holds exactly. */
function makeEncode(d: DType, n: Narrow): (x: number) => number {
  const m = d.mantissa;
  const mask = (1 << m) - 1;
  const shift = d.bits - 1;
  const tiny = 2 ** n.emin;
  const perQuantum = 2 ** (m - n.emin);
  const nan = toBits(d, NaN) as number;
  const inf = toBits(d, Infinity) as number;
  return (x) => {
    if (x !== x) return nanBits(d, x) ?? nan;
    f64[0] = x;
    const hi = words[HI];
    const sign = (hi >>> 31) << shift;
    const a = Math.abs(x);
    if (a === Infinity) return sign | inf;
    if (a < tiny) return sign | (a * perQuantum);
    return sign | ((((hi >>> 20) & 0x7ff) - 1022 - n.emin) << m) | ((hi >>> (20 - m)) & mask);
  };
}

const cache = new Map<DType, Codec>();

/** The codec of a dtype; tables are built on first use (f16 and bf16: 256 KiB each). */
export function codec(d: DType): Codec {
  let c = cache.get(d);
  if (!c) {
    const n = NARROW[d.name];
    if (n) {
      const table = new Float32Array(2 ** d.bits);
      for (let i = 0; i < table.length; i++) table[i] = fromBits(d, i) as number;
      c = { raw: n.raw as unknown as Codec['raw'], table, encode: makeEncode(d, n), round: makeRound(d, n) };
    } else {
      c = { raw: (d === DTYPES.bool ? Uint8Array : registerClass(d)) as unknown as Codec['raw'] };
    }
    cache.set(d, c);
  }
  return c;
}
