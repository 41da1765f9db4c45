// What Triton offers under tl.extra.libdevice, as rows of their own: mathematics that `tl` itself lacks, rounding, classification,
// and functions of bits. f32 (and f64 on the interpreter), integers where the name says so. Where WGSL's built-in functions are
// coarse or wrong near special values, a helper stands in (src/lower/wgsl/mathHelpers.ts).

import { copysign, pow, rint, roundAway, signbit } from '../functions.ts';
import { TL } from '../messages.ts';
import { convert } from '../numerics.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr, withElem } from '../types.ts';
import { fn } from './math.ts';
import { checkArguments } from './precise.ts';
import { asUser, type Num, op, type Row, type Ulp } from './row.ts';
import { type Binary, binary, isWideFloat, same, unaryApi } from './rules.ts';

const { bool, f64, i32, i64, u32, u64 } = DTYPES;
const FLOATS = 'f32 or f64 (cast other dtypes with tl.cast first, as in Triton)';

/** A function of two floats of one dtype. */
const fn2 = (
  name: string,
  doc: string,
  f: (x: number, y: number) => number,
  wgsl: string,
  ulp: Ulp,
  samples: readonly (readonly number[])[],
) =>
  op({
    doc,
    args: ['x', 'y'],
    traits: ['pure', 'elementwise'],
    type: same(`tl.${name}`, FLOATS, isWideFloat),
    eval: binary(f),
    wgsl: (v, cx) => `${wgsl.startsWith('#') ? cx.helper(wgsl.slice(1)) : wgsl}(${v.join(', ')})`,
    ulp,
    samples,
    api:
      (t): Binary =>
      (x, y) => {
        checkArguments(t, `tl.${name}`, [x, y], isWideFloat, FLOATS);
        return asUser(t.one(name, t.promote(`tl.${name}`, x, y)));
      },
  });

/** A question about a float: bool, or another dtype of the answer. */
const ask = <T extends number | boolean>(name: string, doc: string, to: DType, f: (x: number) => Num | boolean, helper: string) =>
  op({
    doc,
    args: ['x'],
    traits: ['pure', 'elementwise', 'cheap'],
    type: (ts, _a, fail) => {
      if (isPtr(ts[0])) fail(TL.pointerElement, `tl.${name}`, ts[0]);
      if (!isWideFloat(ts[0].elem as DType)) fail(TL.unary, `tl.${name}`, ts[0], FLOATS);
      return [withElem(ts[0], to)];
    },
    eval: ([x]) => {
      const r = f(Number(x));
      return typeof r === 'boolean' ? Number(r) : r;
    },
    wgsl: (v, cx) => `${cx.helper(helper)}(${v[0]})`,
    samples: [[0], [1.5], [-2.5], [Infinity], [-Infinity], [NaN]],
    api:
      (t) =>
      (x: number): T =>
        asUser(t.one(name, [t.value(x, `tl.${name}`)])),
  });

/** A float rounded to an integer of 64 bits. */
const toLong = (name: string, doc: string, f: (x: number) => number, rounding: string): Row<(x: number) => number> => ({
  ...ask<number>(name, doc, i64, (x) => convert(f64, i64, f(x)), ''),
  wgsl: (v, cx) => `${cx.helper('cast_f32_i64')}(${rounding.startsWith('#') ? cx.helper(rounding.slice(1)) : rounding}(${v[0]}))`,
});

const isWord = (d: DType): boolean => [i32, u32, i64, u64].includes(d);
const bitsOf = (x: Num, d: DType): string => BigInt.asUintN(d.bits, BigInt(x)).toString(2).padStart(d.bits, '0');
/** A function of the bits of an integer of 32 or 64 bits; the WGSL of 64 is made of the words a.x (low) and a.y. */
const ofBits = (name: string, doc: string, sameDtype: boolean, f: (bits: string) => bigint, wgsl: (x: string) => string) =>
  op({
    doc,
    args: ['x'],
    traits: ['pure', 'elementwise'],
    type: (ts, _a, fail) => {
      if (isPtr(ts[0]) || !isWord(ts[0].elem as DType)) fail(TL.unary, `tl.${name}`, ts[0], 'i32, u32, i64 or u64');
      return [sameDtype ? ts[0] : withElem(ts[0], i32)];
    },
    eval: ([x], d) => {
      const r = f(bitsOf(x, d));
      return sameDtype && d.bits === 64 ? BigInt.asUintN(64, r) : Number(r);
    },
    wgsl: (v, cx) => {
      const d = dtypeOf(cx.operands[0]);
      if (d.bits === 64) return `${cx.helper(`tl_${name}_u64`)}(${v[0]})`;
      return sameDtype || d === i32 ? wgsl(v[0]) : `bitcast<${cx.spell(cx.type)}>(${wgsl(v[0])})`;
    },
    samples: [[0], [1], [96], [-1], [2147483647]],
    api: unaryApi(name),
  });

const grows = (x: number): number => 4 + 3 * Math.abs(x);

export const LIBDEVICE = {
  /** Tangent of radians, however large. */
  tan: fn('tan', 'Tangent of an angle in radians.', Math.tan, '#tl_tan', 8, [0, 1, -2, 50, 1e6]),
  /** Arc sine in radians; NaN outside -1..1. */
  asin: fn('asin', 'Arc sine; NaN outside -1..1.', Math.asin, '#tl_asin', 6, [0, 0.3, -0.7, 1, -1]),
  /** Arc cosine in radians; NaN outside -1..1. */
  acos: fn('acos', 'Arc cosine; NaN outside -1..1.', Math.acos, '#tl_acos', 8, [0, 0.3, -0.7, 1, -1]),
  /** Arc tangent in radians, of infinity too. */
  atan: fn('atan', 'Arc tangent.', Math.atan, '#tl_atan', 6, [0, 0.3, -0.7, 1, -20, Infinity]),
  /** Angle in radians of the point whose y is the first operand and x the second. */
  atan2: fn2(
    'atan2',
    'Angle of the point (y, x), y being the first operand, from -π to π; the signs of zeros count.',
    Math.atan2,
    '#tl_atan2',
    6,
    [
      [0, 1],
      [1, -2],
      [-3, -0.5],
      [0, -1],
      [1e-30, 1e30],
    ],
  ),
  /** Hyperbolic sine, without loss near zero. */
  sinh: fn('sinh', 'Hyperbolic sine.', Math.sinh, '#tl_sinh', grows, [0, 0.3, -1.5, 20, -89]),
  /** Hyperbolic cosine; inf where f32 ends. */
  cosh: fn('cosh', 'Hyperbolic cosine.', Math.cosh, '#tl_cosh', grows, [0, 0.3, -1.5, 20, -89]),
  /** Hyperbolic tangent, between -1 and 1. */
  tanh: fn('tanh', 'Hyperbolic tangent.', Math.tanh, '#tl_tanh', 8, [0, 0.3, -0.7, 1.5, -20, 100, Infinity]),
  /** Inverse of the hyperbolic sine. */
  asinh: fn('asinh', 'Inverse hyperbolic sine.', Math.asinh, '#tl_asinh', 8, [0, 0.3, -1.5, 2000, -1e30]),
  /** Inverse of the hyperbolic cosine; NaN below 1. */
  acosh: fn('acosh', 'Inverse hyperbolic cosine; NaN below 1.', Math.acosh, '#tl_acosh', 8, [1, 1.001, 2, 2000, 1e30]),
  /** Inverse of the hyperbolic tangent; NaN beyond -1..1. */
  atanh: fn('atanh', 'Inverse hyperbolic tangent; ±inf at ±1, NaN beyond.', Math.atanh, '#tl_atanh', 8, [0, 0.3, -0.99, 1, -1]),
  /**
   * 10 raised to each element.
   * @cost as much as tl.pow: tl.exp2 of a multiple is cheaper and less precise.
   */
  exp10: fn(
    'exp10',
    '10 raised to each element.',
    (x) => 10 ** x,
    '#tl_exp10',
    (x) => 4 + 8 * Math.abs(x),
    [0, 1, -20, 30],
  ),
  /** exp(x) - 1 without loss near zero. */
  expm1: fn('expm1', 'exp(x) - 1, precise near zero.', Math.expm1, '#tl_expm1', grows, [0, 1e-10, 0.3, -0.4, 3, -20]),
  /** log(1 + x) without loss near zero. */
  log1p: fn(
    'log1p',
    'log(1 + x), precise near zero; -inf at -1, NaN below.',
    Math.log1p,
    '#tl_log1p',
    8,
    [0, 1e-10, 0.3, -0.4, 3, 1e20],
  ),
  /** Base-10 logarithm; -inf at 0, NaN below. */
  log10: fn('log10', 'Base-10 logarithm; -inf at 0, NaN below.', Math.log10, '#tl_log10', 8, [1, 10, 0.5, 1e30]),
  /**
   * x to the power of y.
   * @cost an emulation in more than f32, tens of operations an element: prefer products, tl.exp2 or tl.sqrt where they do.
   */
  pow: fn2(
    'pow',
    'x to the power of y, as C has it: a negative x takes whole y only, x^0 and 1^y are 1 whatever the other is.',
    pow,
    '#tl_pow',
    (x, y) => 8 + 4 * Math.abs(y * Math.log2(Math.abs(x) || 1)),
    [
      [2, 10],
      [0.3, -2.5],
      [-2, 3],
      [-8, 0.5],
      [0, -1],
      [10, 30],
      [1, 1e30],
    ],
  ),
  /** Cube root, of negative numbers too. */
  cbrt: fn('cbrt', 'Cube root, of negative numbers too.', Math.cbrt, '#tl_cbrt', 4, [0, 1, 27, -8, 1e-40, 1e38]),
  /** Length of the vector (x, y), without overflow on the way. */
  hypot: fn2('hypot', 'sqrt(x² + y²) without overflow on the way.', (x, y) => Math.hypot(x, y), '#tl_hypot', 8, [
    [3, 4],
    [0, -2],
    [1e30, 1e30],
    [1e-30, 1e-30],
  ]),
  /**
   * Remainder with the sign of x, exact.
   * @cost a loop over the difference of the exponents.
   */
  fmod: fn2('fmod', 'Remainder of x / y with the sign of x, exact.', (x, y) => x % y, '#fmod', 0, [
    [7.5, 2],
    [-7.5, 2],
    [1e20, 3],
    [1, Infinity],
  ]),
  /** The integer part: rounds toward zero. */
  trunc: fn('trunc', 'The integer part: rounds toward zero.', Math.trunc, 'trunc', 0, [1.5, -1.5, 2, 1e30]),
  /** The nearest integer, ties to even. */
  rint: fn('rint', 'The nearest integer, ties to even.', rint, 'round', 0, [0.5, 1.5, -2.5, 2.4, 1e30]),
  /** The nearest integer, ties to even: the same as `tl.rint`. */
  nearbyint: fn('nearbyint', 'The nearest integer, ties to even: the same as tl.rint.', rint, 'round', 0, [0.5, 1.5, -2.5, 2.4]),
  /** Nearest integer, ties away from zero: `tl.round`. */
  round_away: op({
    doc: 'The nearest integer, ties away from zero. `tl.round(x)`.',
    args: ['x'],
    traits: ['pure', 'elementwise'],
    type: same('tl.round', FLOATS, isWideFloat),
    eval: ([x]) => roundAway(Number(x)),
    wgsl: (v, cx) => `${cx.helper('tl_round_away')}(${v[0]})`,
    samples: [[0.5], [1.5], [-2.5], [2.4], [0.49999997]],
  }),
  /** The nearest integer, ties to even, as i64. */
  llrint: toLong('llrint', 'The nearest integer, ties to even, as i64.', rint, 'round'),
  /** The nearest integer, ties away from zero, as i64. */
  llround: toLong('llround', 'The nearest integer, ties away from zero, as i64.', roundAway, '#tl_round_away'),
  /** The magnitude of one, the sign of the other. */
  copysign: fn2('copysign', 'The magnitude of x with the sign of y.', copysign, '#tl_copysign', 0, [
    [1.5, -0],
    [-2, 3],
    [-2, -3],
  ]),
  /** x - y where x is larger, else 0. */
  fdim: fn2(
    'fdim',
    'x - y where x is larger, else 0.',
    (x, y) => (x > y ? x - y : Number.isNaN(x) || Number.isNaN(y) ? NaN : 0),
    '#tl_fdim',
    0,
    [
      [3, 1],
      [1, 3],
    ],
  ),
  /** Limits x to 0..1; NaN becomes 0. */
  saturatef: fn(
    'saturatef',
    'x limited to 0..1; NaN becomes 0.',
    (x) => (x > 0 ? Math.min(x, 1) : 0),
    '#tl_saturate',
    0,
    [-1, 0.25, 3],
  ),
  /**
   * 1 / x, correctly rounded.
   * @cost integer arithmetic, tens of operations an element; `1 / x` is one and within 2.5 ulp.
   */
  rcp_rn: fn('rcp_rn', '1 / x, correctly rounded.', (x) => 1 / x, '#tl_rcp_rn', 0, [1, 3, -7, 1e-40, 3e38]),
  /** True where x is NaN. */
  isnan: ask<boolean>('isnan', 'True where x is NaN.', bool, Number.isNaN, 'is_nan'),
  /** True where x is infinite, of either sign. */
  isinf: ask<boolean>('isinf', 'True where x is inf or -inf.', bool, (x) => Math.abs(x) === Infinity, 'tl_is_inf'),
  /** True where x is neither infinite nor NaN. */
  finitef: ask<boolean>('finitef', 'True where x is neither infinite nor NaN.', bool, Number.isFinite, 'tl_is_finite'),
  /** 1 (i32) where the sign bit is set, else 0; that of -0.0 is set. */
  signbit: ask<number>('signbit', '1 (i32) where the sign bit of x is set, else 0; -0.0 has it.', i32, signbit, 'tl_sign_bit'),
  /**
   * Number of zero bits above the highest one (i32).
   * @differs One name for both widths: Triton’s libdevice too chooses by the dtype, but takes signed integers only.
   */
  clz: ofBits(
    'clz',
    'Number of leading zero bits (i32).',
    false,
    (b) => BigInt(b.indexOf('1') < 0 ? b.length : b.indexOf('1')),
    (x) => `countLeadingZeros(${x})`,
  ),
  /** Number of one bits (i32). */
  popc: ofBits(
    'popc',
    'Number of one bits (i32).',
    false,
    (b) => BigInt(b.replaceAll('0', '').length),
    (x) => `countOneBits(${x})`,
  ),
  /** Place of the lowest one bit, counted from 1 (i32); 0 if there is none. */
  ffs: ofBits(
    'ffs',
    'Place of the lowest one bit, counted from 1 (i32); 0 if there is none.',
    false,
    (b) => BigInt(b.lastIndexOf('1') < 0 ? 0 : b.length - b.lastIndexOf('1')),
    (x) => `(firstTrailingBit(${x}) + 1)`,
  ),
  /** The bits in reverse order. */
  brev: ofBits(
    'brev',
    'The bits in reverse order.',
    true,
    (b) => BigInt(`0b${[...b].reverse().join('')}`),
    (x) => `reverseBits(${x})`,
  ),
};

export const LIBDEVICE_FNS = {
  /**
   * The nearest integer, ties away from zero (tl.rint takes the even one).
   * @cost one expression an element, vectors of up to four
   */
  round:
    (t: Trace) =>
    (x: number): number =>
      asUser(t.one('round_away', [t.value(x, 'tl.round')])),
};
