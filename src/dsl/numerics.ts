// What a number of each dtype is: rounding, wrapping, conversion and bit patterns, the one place for all of them. The folder
// and the interpreter hold a value as a Num: bool is 0 or 1, i64/u64 are bigint, every other dtype a JS number that is
// exactly representable in the dtype. Host conversions use the same functions. This file refuses to know operations.

import type { Num } from './ops/row.ts';
import { DTYPES, type DType } from './types.ts';

const view = new DataView(new ArrayBuffer(8));

/** Limits of a float format that JS has no array for; f32 and f64 are JS's own. */
export interface FloatFormat {
  /** Exponent of the smallest normal number. */
  readonly emin: number;
  readonly max: number;
  readonly exponentBits: number;
  /** fp8 conversions clamp to the largest finite number, infinities included (`cvt.rn.satfinite`, as Triton emits). */
  readonly saturates: boolean;
  /** fp8e4nv has one NaN a sign and no infinity. */
  readonly hasInf: boolean;
  /** Bits of the NaN that a conversion makes. */
  readonly nan: number;
}
const FORMATS = new Map<DType, FloatFormat>([
  [DTYPES.f16, { emin: -14, max: 65504, exponentBits: 5, saturates: false, hasInf: true, nan: 0x7e00 }],
  [DTYPES.bf16, { emin: -126, max: 3.3895313892515355e38, exponentBits: 8, saturates: false, hasInf: true, nan: 0x7fc0 }],
  [DTYPES.fp8e4nv, { emin: -6, max: 448, exponentBits: 4, saturates: true, hasInf: false, nan: 0x7f }],
  [DTYPES.fp8e5, { emin: -14, max: 57344, exponentBits: 5, saturates: true, hasInf: true, nan: 0x7f }],
]);

/** Limits of f16, bf16 or an fp8 dtype. */
export function floatFormat(d: DType): FloatFormat {
  const f = FORMATS.get(d);
  if (!f) throw new Error(`internal: ${d} is not a small float`);
  return f;
}

/** Adding and subtracting 1.5·2^52 rounds a double below 2^51 to the nearest integer, ties to even. */
const MAGIC = 6755399441055744;

/** floor(log2(x)) of a normal positive double. */
function exponentOf(x: number): number {
  view.setFloat64(0, x);
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
}

function roundSmall(d: DType, f: FloatFormat, x: number): number {
  if (x === 0 || x !== x) return x;
  const a = Math.abs(x);
  let r: number;
  if (a === Infinity) r = f.saturates ? f.max : a;
  else {
    const quantum = 2 ** (Math.max(exponentOf(a), f.emin) - d.mantissa);
    r = (a / quantum + MAGIC - MAGIC) * quantum;
    if (r > f.max) r = f.saturates ? f.max : Infinity;
  }
  return x < 0 ? -r : r;
}

/**
 * The bigint as a double that rounds to a narrower float exactly as the integer itself would: bits past the 53rd are
 * gathered into the last one (round to odd), so that the second rounding is not misled by the first.
 */
function bigToOdd(x: bigint): number {
  const a = x < 0n ? -x : x;
  const extra = a.toString(2).length - 53;
  if (extra <= 0) return Number(x);
  let top = a >> BigInt(extra);
  if (top << BigInt(extra) !== a) top |= 1n;
  const r = Number(top) * 2 ** extra;
  return x < 0n ? -r : r;
}

/**
 * Brings the exact (or double precision) result of an operation into dtype `d`: floats are rounded to nearest even once,
 * integers wrap modulo 2^bits. A fractional number is truncated before it wraps; use `convert` for a cast, where floats
 * saturate. Returns the canonical Num of `d`.
 */
export function round(d: DType, x: Num): Num {
  if (d.kind === 'float') {
    if (d.bits === 32) return typeof x === 'bigint' ? Math.fround(bigToOdd(x)) : Math.fround(x);
    if (d.bits === 64) return Number(x);
    return roundSmall(d, FORMATS.get(d)!, typeof x === 'bigint' ? bigToOdd(x) : x);
  }
  if (d.bits === 64) {
    const b = typeof x === 'bigint' ? x : Number.isFinite(x) ? BigInt(Math.trunc(x)) : 0n;
    return d.kind === 'int' ? BigInt.asIntN(64, b) : BigInt.asUintN(64, b);
  }
  const w = typeof x === 'bigint' ? Number(BigInt.asIntN(32, x)) : x | 0;
  switch (d.bits) {
    case 32:
      return d.kind === 'int' ? w : w >>> 0;
    case 16:
      return d.kind === 'int' ? (w << 16) >> 16 : w & 0xffff;
    case 8:
      return d.kind === 'int' ? (w << 24) >> 24 : w & 0xff;
    default:
      return w & 1;
  }
}

/** Smallest and largest value of an integer dtype (bool: 0 and 1). Not for floats. */
export function intRange(d: DType): readonly [bigint, bigint] {
  const n = BigInt(d.bits);
  return d.kind === 'int' ? [-(1n << (n - 1n)), (1n << (n - 1n)) - 1n] : [0n, (1n << n) - 1n];
}

/**
 * A cast (`tl.cast`) of one element: float to integer truncates toward zero and saturates at 16, 32 and 64 bits as CUDA's
 * `cvt.rzi` does (8-bit integers take the low bits of the 16-bit result); NaN gives 0, for 64-bit targets and from f64 the
 * sign bit alone; anything to bool is `x != 0`; integers wrap; floats round to nearest even.
 * Source: PTX ISA, `cvt`, and the PTX that Triton 3.6 makes of each pair.
 */
export function convert(from: DType, to: DType, x: Num): Num {
  if (to.kind === 'bool') return x === 0 || x === 0n ? 0 : 1;
  // An integer becomes bf16 by way of f32, as Triton emits it; for narrower floats that makes no difference.
  if (from.kind !== 'float' && to === DTYPES.bf16) return round(to, round(DTYPES.f32, x));
  if (from.kind !== 'float' || to.kind === 'float') return round(to, x);
  const v = Number(x);
  if (to.bits === 64) {
    const [lo, hi] = intRange(to);
    if (v !== v) return to.kind === 'int' ? lo : 1n << 63n;
    if (!Number.isFinite(v)) return v > 0 ? hi : lo;
    const b = BigInt(Math.trunc(v));
    return b < lo ? lo : b > hi ? hi : b;
  }
  const [lo, hi] = cvtRange(to);
  if (v !== v) return from.bits < 64 ? 0 : round(to, to.kind === 'int' ? lo : (hi + 1) / 2);
  return round(to, Math.min(Math.max(Math.trunc(v), lo), hi));
}

/** Where a cast from a float to an integer of at most 32 bits saturates: PTX converts to 16 or 32 bits and cuts i8 and u8 from 16. */
export function cvtRange(to: DType): readonly [number, number] {
  const bits = Math.max(to.bits, 16);
  return to.kind === 'int' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

/**
 * A cast of a float to a narrower one that rounds toward zero (`fp_downcast_rounding: 'rtz'`). What is past the largest number
 * becomes that number; infinity stays infinity, where the dtype has one.
 */
export function truncate(d: DType, x: number): number {
  if (x !== x || x === 0 || d.bits === 64) return x;
  if (d.bits === 32) {
    const r = Math.fround(x);
    if (Math.abs(r) <= Math.abs(x)) return r;
    view.setFloat32(0, r);
    view.setUint32(0, view.getUint32(0) - 1);
    return view.getFloat32(0);
  }
  const f = floatFormat(d);
  const a = Math.abs(x);
  if (a === Infinity && f.hasInf) return x;
  const quantum = 2 ** (Math.max(exponentOf(a), f.emin) - d.mantissa);
  const r = Math.min(Math.floor(a / quantum) * quantum, f.max);
  return x < 0 ? -r : r;
}

/**
 * The NaN of some bits of a small float: a quiet NaN of f32 with the bits below its quiet bit, so that a copy and a bitcast
 * give them back (`nanBits`). NaNs that an operation makes have no such bits.
 */
function nanOf(d: DType, bits: number): number {
  view.setUint32(0, (((bits >> (d.bits - 1)) << 31) | 0x7fc00000 | ((bits & (2 ** d.mantissa - 1)) << (22 - d.mantissa))) >>> 0);
  return view.getFloat32(0);
}
/** The bits of a small float that a NaN was read from, if it was read. */
export function nanBits(d: DType, x: number): number | undefined {
  view.setFloat32(0, x);
  const w = view.getUint32(0);
  const mantissa = (w & 0x3fffff) >> (22 - d.mantissa);
  const exponent = ((1 << (d.bits - 1 - d.mantissa)) - 1) << d.mantissa;
  // fp8e4nv has one NaN a sign; fewer bits are those of a NaN of another dtype.
  return (FORMATS.get(d)!.hasInf ? mantissa : mantissa === 2 ** d.mantissa - 1)
    ? ((w >>> 31) << (d.bits - 1)) | exponent | mantissa
    : undefined;
}

/** Bit pattern of a value of `d`: a bigint for 64-bit dtypes, an unsigned number otherwise. Exact: `fromBits` undoes it. */
export function toBits(d: DType, x: Num): Num {
  if (d.kind !== 'float') {
    if (d.bits === 64) return BigInt.asUintN(64, BigInt(x));
    return d.bits === 32 ? Number(x) >>> 0 : Number(x) & (2 ** d.bits - 1);
  }
  const v = Number(x);
  if (d.bits === 64) {
    view.setFloat64(0, v);
    return view.getBigUint64(0);
  }
  if (d.bits === 32) {
    view.setFloat32(0, v);
    return view.getUint32(0);
  }
  const f = FORMATS.get(d)!;
  const m = d.mantissa;
  if (v !== v) return nanBits(d, v) ?? f.nan;
  const sign = v < 0 || Object.is(v, -0) ? 2 ** (d.bits - 1) : 0;
  const a = Math.abs(v);
  if (a === 0) return sign;
  if (a === Infinity) return sign | (((1 << f.exponentBits) - 1) << m);
  const e = Math.max(exponentOf(a), f.emin);
  const significand = a / 2 ** (e - m);
  const field = significand < 1 << m ? 0 : e - f.emin + 1;
  return sign | (field << m) | (significand & ((1 << m) - 1));
}

/** The value that a bit pattern of `d` stands for. Of small floats it keeps the bits of a NaN. */
export function fromBits(d: DType, bits: Num): Num {
  if (d.kind !== 'float') return round(d, bits);
  if (d.bits === 64) {
    view.setBigUint64(0, BigInt(bits));
    return view.getFloat64(0);
  }
  if (d.bits === 32) {
    view.setUint32(0, Number(bits));
    return view.getFloat32(0);
  }
  const f = FORMATS.get(d)!;
  const m = d.mantissa;
  const u = Number(bits);
  const sign = u >> (d.bits - 1) ? -1 : 1;
  const top = (1 << f.exponentBits) - 1;
  const field = (u >> m) & top;
  const fraction = u & ((1 << m) - 1);
  if (field === top) {
    if (f.hasInf) return fraction ? nanOf(d, u) : sign * Infinity;
    if (fraction === (1 << m) - 1) return nanOf(d, u);
  }
  const significand = field ? fraction + (1 << m) : fraction;
  return sign * significand * 2 ** (Math.max(field, 1) - 1 + f.emin - m);
}

/** Reads the same bits as another dtype of the same width (`x.to(t, bitcast=True)`). */
export const bitcast = (from: DType, to: DType, x: Num): Num => fromBits(to, toBits(from, x));
