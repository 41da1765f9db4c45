// Mathematical functions on f32 (and f64), element by element.

import { erf } from '../functions.ts';
import { dtypeOf } from '../types.ts';
import { type NanOptions, nanAttrs } from './nan.ts';
import { asUser, op } from './row.ts';
import { anyNumber, isFloat, isWideFloat, same, unary, unaryApi, widenBf16 } from './rules.ts';

type Fn1 = (x: number) => number;

/** A function of one f32 tile: the usual case. `wgsl` is the built-in's name, or a helper of the prelude as `#name`. */
export const fn = (name: string, doc: string, f: Fn1, wgsl: string, ulp: number | ((x: number) => number), samples: number[]) =>
  op({
    doc,
    args: ['x'],
    traits: ['pure', 'elementwise'],
    type: same(`tl.${name}`, 'f32 (cast other dtypes with tl.cast first, as in Triton)', isWideFloat),
    eval: unary(f),
    wgsl: (v, cx) => `${wgsl.startsWith('#') ? cx.helper(wgsl.slice(1)) : cx.builtin(wgsl)}(${v[0]})`,
    ulp,
    samples: samples.map((x) => [x]),
    api: unaryApi(name),
  });

export const MATH = {
  /**
   * e raised to each element.
   * @differs WGSL’s own function: its error grows with |x|.
   */
  exp: fn('exp', 'e raised to each element.', Math.exp, 'exp', (x) => 3 + 2 * Math.abs(x), [0, 1, -20, 20]),
  /**
   * 2 raised to each element.
   * @differs WGSL’s own function: its error grows with |x|.
   */
  exp2: fn(
    'exp2',
    '2 raised to each element.',
    (x) => 2 ** x,
    'exp2',
    (x) => 3 + 2 * Math.abs(x),
    [0, 1, -20, 20],
  ),
  /** Natural logarithm; -inf at 0, NaN below. */
  log: fn('log', 'Natural logarithm; -inf at 0, NaN below.', Math.log, '#tl_log', 4, [1, 10, 0.5]),
  /** Base-2 logarithm; -inf at 0, NaN below. */
  log2: fn('log2', 'Base-2 logarithm; -inf at 0, NaN below.', Math.log2, '#tl_log2', 4, [1, 10, 0.5]),
  /**
   * Square root; NaN below 0.
   * @differs Within 4 ulp, as WGSL has it; `tl.sqrt_rn` rounds correctly.
   */
  sqrt: fn('sqrt', 'Square root; NaN below 0.', Math.sqrt, 'sqrt', 4, [0, 2, 1e10]),
  /** 1 / sqrt(x). */
  rsqrt: fn('rsqrt', 'Reciprocal of the square root.', (x) => 1 / Math.sqrt(x), 'inverseSqrt', 2, [1, 2, 100]),
  /**
   * Sine of radians.
   * @cost a reduction of large angles and a polynomial, since WGSL’s own function is good from -π to π only.
   */
  sin: fn('sin', 'Sine of an angle in radians, however large.', Math.sin, '#tl_sin', 4, [0, 1, -2, 3, 50, -1e4, 1e30]),
  /**
   * Cosine of radians.
   * @cost a reduction of large angles and a polynomial, since WGSL’s own function is good from -π to π only.
   */
  cos: fn('cos', 'Cosine of an angle in radians, however large.', Math.cos, '#tl_cos', 4, [0, 1, -2, 3, 50, -1e4, 1e30]),
  /** Largest integer not above. */
  floor: fn('floor', 'Largest integer that is not above x.', Math.floor, 'floor', 0, [1.5, -1.5, 2]),
  /** Smallest integer not below. */
  ceil: fn('ceil', 'Smallest integer that is not below x.', Math.ceil, 'ceil', 0, [1.5, -1.5, 2]),
  /**
   * Error function: the share of a normal distribution that lies within x·√2 of its mean, with the sign of x.
   * @cost a polynomial and an exponential an element: WGSL has no erf.
   */
  erf: fn('erf', 'Error function.', erf, '#erf', 8, [0, 0.5, -3]),
  /** Absolute value of integers and floats. */
  abs: op({
    doc: 'Absolute value of integers and floating-point numbers.',
    args: ['x'],
    traits: ['pure', 'elementwise', 'cheap', 'exact', 'wraps'],
    type: same('tl.abs', 'numbers', anyNumber),
    eval: unary((a: any) => (a < 0 || Object.is(a, -0) ? -a : a)),
    wgsl: (v, cx) =>
      !dtypeOf(cx.type).is_floating() && !dtypeOf(cx.type).is_int_signed()
        ? v[0]
        : dtypeOf(cx.type).bits === 64
          ? `${cx.helper('i64_abs')}(${v[0]})`
          : `abs(${v[0]})`,
    samples: [[1], [-2.5]],
    api: unaryApi('abs'),
  }),
  /** Limits x to [lo, hi]; NaN becomes lo, unless `propagate_nan` says otherwise. */
  clamp: op({
    doc: 'Limits x to lo..hi. NaN becomes lo; with propagate_nan: tl.PropagateNan.ALL it stays NaN.',
    args: ['x', 'lo', 'hi'],
    attrs: ['propagate_nan'],
    traits: ['pure', 'elementwise', 'cheap', 'exact'],
    type: same('tl.clamp', 'floating-point numbers (use tl.minimum and tl.maximum for integers)', isFloat),
    eval: ([x, lo, hi], _d, _to, attrs) => {
      if (attrs.propagate_nan && x !== x) return x;
      // A number wins against NaN on either side.
      const low = x > lo || lo !== lo ? x : lo;
      return low < hi || hi !== hi ? low : hi;
    },
    wgsl: (v, cx) => {
      const text = `min(max(${v[0]}, ${v[1]}), ${v[2]})`;
      return cx.attrs.propagate_nan ? `${cx.helper('keep_nan')}(${v[0]}, ${v[0]}, ${text})` : text;
    },
    samples: [
      [0.5, 0, 1],
      [-3, 0, 1],
      [7, 0, 1],
    ],
    api:
      (t) =>
      (x: number, min: number, max: number, options: NanOptions = {}): number => {
        const [v, low, high] = [x, min, max].map((o) => widenBf16(t, t.value(o, 'tl.clamp')));
        const [l, h] = t.promote('tl.clamp', low, high);
        const [a, l2] = t.promote('tl.clamp', v, l);
        const [a2, h2] = t.promote('tl.clamp', a, h);
        const operands = t.broadcast('tl.clamp', [a2, t.cast(l2, dtypeOf(a2.type)), h2]);
        return asUser(t.one('clamp', operands, nanAttrs(t, 'clamp', options)));
      },
  }),
};

/** A short description of a JS value for messages. */
export function describeJs(x: unknown): string {
  if (x === null) return 'null';
  if (x instanceof Number) return String(x);
  if (Array.isArray(x)) return `an array [${x.map(describeJs).join(', ')}]`;
  if (typeof x === 'string') return `the string ${JSON.stringify(x)}`;
  if (typeof x === 'function') return `the function ${x.name || '(anonymous)'}`;
  // Traced values and objects that hold them say what they are.
  if (typeof x === 'object' && Symbol.toPrimitive in x) return String(x);
  if (typeof x === 'object') return `an object ${(x as object).constructor?.name ?? ''}`.trim();
  return String(x);
}
