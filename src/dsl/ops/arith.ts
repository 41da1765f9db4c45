// Arithmetic, bitwise and comparison rows: what TS operators mean on tiles, and their `tl` spellings.
// Promotion and broadcasting happen before (../semantics.ts); here all operands have one type.

import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, dtypeOf, sameType } from '../types.ts';
import { type NanOptions, nanAttrs } from './nan.ts';
import { asUser, type Num, op, type WgslContext, type Widen } from './row.ts';
import { anyNumber, type Binary, binary, comparison, isFloat, isInt, same, sameShapes, unary, widenBf16 } from './rules.ts';

const wide = (cx: WgslContext): boolean => dtypeOf(cx.operands[0]).bits === 64;
const float = (cx: WgslContext): boolean => dtypeOf(cx.operands[0]).is_floating();
const signed = (cx: WgslContext): boolean => dtypeOf(cx.operands[0]).is_int_signed();
/** Integers modulo 2: what arithmetic and order mean on bool, which WGSL does not compute with. */
const BOOLEAN: { readonly [name: string]: (a: string, b: string) => string } = {
  add: (a, b) => `(${a} != ${b})`,
  sub: (a, b) => `(${a} != ${b})`,
  xor: (a, b) => `(${a} != ${b})`,
  mul: (a, b) => `(${a} & ${b})`,
  min: (a, b) => `(${a} & ${b})`,
  max: (a, b) => `(${a} | ${b})`,
  div: (a) => a,
  rem: (a) => `(${a} & !${a})`,
  shl: (a, b) => `(${a} & !${b})`,
  shr: (a, b) => `(${a} & !${b})`,
  neg: (a) => a,
  lt: (a, b) => `(!${a} & ${b})`,
  le: (a, b) => `(!${a} | ${b})`,
  gt: (a, b) => `(${a} & !${b})`,
  ge: (a, b) => `(${a} | !${b})`,
};
const isBool = (cx: WgslContext): boolean => dtypeOf(cx.operands[0]).is_bool();
/**
 * The WGSL of an op on 32-bit numbers, with what stands in for it elsewhere: a helper of the prelude for 64-bit integers (two
 * u32 words), logic for bool.
 */
const byWidth =
  (name: string, narrow: (v: readonly string[], cx: WgslContext) => string, signless = false) =>
  (v: readonly string[], cx: WgslContext): string =>
    isBool(cx) && BOOLEAN[name]
      ? BOOLEAN[name](v[0], v[1])
      : wide(cx)
        ? `${cx.helper(`${signless || signed(cx) ? 'i64' : 'u64'}_${name}`)}(${v.join(', ')})`
        : narrow(v, cx);
/** An infix operator of WGSL. */
const infix = (sign: string, name: string) => byWidth(name, (v) => `(${v[0]} ${sign} ${v[1]})`);
const nan = (x: number | bigint): boolean => typeof x === 'number' && Number.isNaN(x);

/** `tl.minimum` and `tl.maximum`: numbers become scalars of their own dtype and bf16 becomes f32 first, as in Triton. */
const extreme = (name: 'minimum' | 'maximum', doc: string, wgsl: 'min' | 'max', first: (a: Num, b: Num) => boolean) =>
  op({
    doc: `${doc} of two values. NaN loses against a number; with propagate_nan: tl.PropagateNan.ALL it wins.`,
    args: ['x', 'y'],
    attrs: ['propagate_nan'],
    traits: ['pure', 'elementwise', 'commutative', 'cheap', 'exact'],
    type: same(`tl.${name}`, 'numbers', anyNumber),
    eval: ([a, b], _d, _to, attrs) =>
      nan(a) || nan(b) ? (nan(a) === Boolean(attrs.propagate_nan) ? a : b) : first(a, b) ? a : b,
    wgsl: byWidth(wgsl, (v, cx) => {
      const text = `${wgsl}(${v.join(', ')})`;
      return cx.attrs.propagate_nan && float(cx) ? `${cx.helper('keep_nan')}(${[...v, text].join(', ')})` : text;
    }),
    samples: [
      [1, 2],
      [-1, -2],
    ],
    api:
      (t) =>
      (x: number, y: number, options: NanOptions = {}): number => {
        const [a, b] = [x, y].map((v) => widenBf16(t, t.value(v, `tl.${name}`)));
        return asUser(t.one(name, t.promote(`tl.${name}`, a, b), nanAttrs(t, name, options)));
      },
  });
/** `tl.add(x, y)`-like: the operator's own rules. */
const operatorApi =
  (name: string, divOrMod = false) =>
  (t: Trace): Binary =>
  (x, y) =>
    asUser(t.one(name, t.promote(`tl.${name}`, x, y, divOrMod)));

export const ARITH = {
  /**
   * Sum of two tiles.
   * @differs Has no `sanitize_overflow`: sums wrap.
   * @cost i64 and u64 are two words: three operations.
   */
  add: op({
    doc: 'Sum of two tiles. `x + y`.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'commutative', 'cheap', 'wraps'],
    type: same('+', 'numbers', anyNumber),
    eval: binary((a, b) => a + b),
    wgsl: infix('+', 'add'),
    samples: [
      [1, 2],
      [0.1, 0.2],
      [-5, 3],
    ],
    api: operatorApi('add'),
  }),
  /**
   * Difference of two tiles.
   * @differs Has no `sanitize_overflow`: differences wrap.
   * @cost i64 and u64 are two words: three operations.
   */
  sub: op({
    doc: 'Difference of two tiles. `x - y`.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'cheap', 'wraps'],
    type: same('-', 'numbers', anyNumber),
    eval: binary((a, b) => a - b),
    wgsl: infix('-', 'sub'),
    samples: [
      [1, 2],
      [0.3, 0.1],
      [-5, 3],
    ],
    api: operatorApi('sub'),
  }),
  /**
   * Product of two tiles.
   * @differs Has no `sanitize_overflow`: products wrap.
   * @cost i64 and u64 take about ten operations; the compiler narrows them to 32 bits where ranges allow.
   */
  mul: op({
    doc: 'Product of two tiles. `x * y`.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'commutative', 'cheap', 'wraps'],
    type: same('*', 'numbers', anyNumber),
    eval: binary((a, b, d) => (typeof a === 'number' && d.is_int() ? Math.imul(a, b) : a * b)),
    wgsl: infix('*', 'mul'),
    samples: [
      [3, 2],
      [0.3, 0.1],
      [-5, 3],
    ],
    api: operatorApi('mul'),
  }),
  /** Quotient of two floating-point tiles; integers are converted to f32 first. */
  div: op({
    doc: 'Quotient of two tiles. `x / y`. Integers are converted to f32 first and f16 divides in f32, as in Triton.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise'],
    type: same('/', 'floating-point numbers', isFloat),
    eval: binary((a, b) => a / b),
    wgsl: (v) => `(${v[0]} / ${v[1]})`,
    ulp: 2.5,
    samples: [
      [1, 3],
      [-7, 2],
      [1, 0],
      [0, 0],
    ],
  }),
  /**
   * Integer quotient, rounded toward zero (Triton's `//`).
   * @differs x // 0 is x, where Triton leaves it undefined.
   * @cost i64 and u64 beyond 32 bits divide bit by bit in a loop: cast to i32 where values allow.
   */
  floordiv: op({
    doc: 'Integer quotient rounded toward zero, as Triton computes `//` on the device. x // 0 is x.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'cheap', 'wraps'],
    type: same('tl.floordiv', 'integers', isInt),
    eval: binary((a, b) => (typeof a === 'bigint' ? (b === 0n ? a : a / b) : b === 0 ? a : Math.trunc(a / b))),
    wgsl: infix('/', 'div'),
    samples: [
      [7, 2],
      [-7, 2],
      [7, -2],
    ],
    api:
      (t) =>
      (x: number, y: number): number => {
        if (!t.isValue(x) && !t.isValue(y)) return Math.trunc(Number(x) / Number(y));
        const [a, b] = t.promote('tl.floordiv', x, y, true);
        return asUser(t.one('floordiv', [a, b]));
      },
  }),
  /**
   * Remainder with the sign of the dividend.
   * @differs x % 0 of integers is 0, where Triton leaves it undefined.
   * @cost i64 and u64 beyond 32 bits divide bit by bit in a loop; floats subtract in a loop over the difference of exponents.
   */
  mod: op({
    doc: 'Remainder with the sign of the dividend, as in C. `x % y`. x % 0 is 0 for integers.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'cheap'],
    type: same('%', 'numbers', anyNumber),
    eval: binary((a, b, d) => (d.is_int() && (b === 0 || b === 0n) ? (typeof a === 'bigint' ? 0n : 0) : a % b)),
    wgsl: (v, cx) => (float(cx) ? `${cx.helper('fmod')}(${v.join(', ')})` : infix('%', 'rem')(v, cx)),
    samples: [
      [7, 3],
      [-7, 3],
      [7.5, 2],
    ],
    api: operatorApi('mod', true),
  }),
  /** Bitwise and; logical and on bool. */
  and: op({
    doc: 'Bitwise and of integers, logical and of masks. `x & y`, `a && b`.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'commutative', 'cheap'],
    type: same('&', 'integers or bool', isInt),
    eval: binary((a, b) => a & b),
    wgsl: infix('&', 'and'),
    samples: [
      [12, 10],
      [-1, 7],
    ],
  }),
  /** Bitwise or; logical or on bool. */
  or: op({
    doc: 'Bitwise or of integers, logical or of masks. `x | y`, `a || b`.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'commutative', 'cheap'],
    type: same('|', 'integers or bool', isInt),
    eval: binary((a, b) => a | b),
    wgsl: infix('|', 'or'),
    samples: [
      [12, 10],
      [-8, 7],
    ],
  }),
  /** Bitwise exclusive or. */
  xor: op({
    doc: 'Bitwise exclusive or. `x ^ y`.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'commutative', 'cheap'],
    type: same('^', 'integers or bool', isInt),
    eval: binary((a, b) => a ^ b),
    wgsl: infix('^', 'xor'),
    samples: [
      [12, 10],
      [-8, 7],
    ],
  }),
  /** Shift left. */
  shl: op({
    doc: 'Shift left. `x << y`. The amount must be less than the width.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'cheap', 'wraps'],
    type: same('<<', 'integers', isInt),
    eval: binary((a, b) => (typeof a === 'bigint' ? a << (b & 63n) : a << b)),
    wgsl: byWidth('shl', (v, cx) => `(${v[0]} << ${unsignedAmount(v[1], cx)})`, true),
    samples: [
      [3, 4],
      [-3, 1],
    ],
  }),
  /** Shift right: arithmetic for signed, logical for unsigned integers. */
  shr: op({
    doc: 'Shift right, keeping the sign of signed integers. `x >> y`. The amount must be less than the width.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'cheap'],
    type: same('>>', 'integers', isInt),
    eval: binary((a, b, d) => (typeof a === 'bigint' ? a >> (b & 63n) : d.kind === 'uint' ? a >>> b : a >> b)),
    wgsl: byWidth('shr', (v, cx) => `(${v[0]} >> ${unsignedAmount(v[1], cx)})`),
    samples: [
      [48, 4],
      [-48, 4],
    ],
  }),
  /** Smaller of two values; a NaN loses, unless `propagate_nan` says otherwise. */
  minimum: extreme('minimum', 'Smaller', 'min', (a, b) => a < b),
  /** Larger of two values; a NaN loses, unless `propagate_nan` says otherwise. */
  maximum: extreme('maximum', 'Larger', 'max', (a, b) => a > b),
  /** Negation: 0 - x. */
  neg: op({
    doc: 'Negation, computed as 0 - x like Triton does (so -x of 0.0 is 0.0). `-x`.',
    args: ['x'],
    traits: ['pure', 'elementwise', 'cheap', 'exact', 'wraps'],
    type: same('-', 'numbers', anyNumber),
    eval: unary((a) => (typeof a === 'bigint' ? -a : 0 - a)),
    // Drivers make -x of a literal 0 - x, and that of 0.0 is -0.0: the zero comes from the uniform block.
    wgsl: byWidth(
      'neg',
      (v, cx) => {
        const type = cx.spell(cx.type);
        if (float(cx)) return `(${type}(${cx.zero}) - ${v[0]})`;
        return signed(cx) ? `(${type}(0) - ${v[0]})` : `(~${v[0]} + ${type}(1u))`;
      },
      true,
    ),
    samples: [[1], [-2.5], [0]],
  }),
  /** Bitwise complement; logical not on bool. */
  not: op({
    doc: 'Bitwise complement of integers, logical not of masks. `~x`, `!m`.',
    args: ['x'],
    traits: ['pure', 'elementwise', 'cheap', 'wraps'],
    type: same('~', 'integers or bool', isInt),
    eval: unary((a, d) => (d.is_bool() ? (a ? 0 : 1) : ~a)),
    wgsl: (v, cx) => (dtypeOf(cx.type).is_bool() ? `!(${v[0]})` : `(~${v[0]})`),
    samples: [[5], [-1]],
  }),
};

const unsignedAmount = (v: string, cx: WgslContext): string =>
  /^\d+$/.test(v) ? `${v}u` : cx.type.shape.length ? `vec${cx.type.shape[0]}<u32>(${v})` : `u32(${v})`;

const compare = (doc: string, sign: string, name: string, f: (a: number, b: number) => boolean, commutative = false) =>
  op({
    doc,
    args: ['x', 'y'],
    traits: commutative ? ['pure', 'elementwise', 'commutative', 'cheap'] : ['pure', 'elementwise', 'cheap'],
    type: comparison(sign),
    eval: binary(f),
    wgsl: byWidth(name, (v, cx) =>
      name === 'ne' && float(cx) ? `${cx.helper('fne')}(${v.join(', ')})` : `(${v[0]} ${sign} ${v[1]})`,
    ),
    samples: [
      [1, 2],
      [2, 1],
      [2, 2],
    ],
  });

export const COMPARE = {
  eq: compare('Equal; false if either is NaN. `x === y`.', '==', 'eq', (a, b) => a === b, true),
  ne: compare('Not equal; true if either is NaN (so `x !== x` finds NaN). `x !== y`.', '!=', 'ne', (a, b) => a !== b, true),
  lt: compare('Less than; false if either is NaN. `x < y`.', '<', 'lt', (a, b) => a < b),
  le: compare('Less or equal; false if either is NaN. `x <= y`.', '<=', 'le', (a, b) => a <= b),
  gt: compare('Greater than; false if either is NaN. `x > y`.', '>', 'gt', (a, b) => a > b),
  ge: compare('Greater or equal; false if either is NaN. `x >= y`.', '>=', 'ge', (a, b) => a >= b),
};

export const CHOICE = {
  /** Chooses between two tiles by a mask. */
  where: op({
    doc: 'Takes x where the condition is true and y elsewhere. `cond ? x : y` when cond is a tile.',
    args: ['condition', 'x', 'y'],
    traits: ['pure', 'elementwise', 'cheap', 'exact'],
    type: (ts, _a, fail) => {
      const [c, x, y] = ts;
      if (c.elem !== DTYPES.bool) fail(TL.maskNotBool, 'tl.where', c);
      if (!sameType(x, y)) fail(TL.operands, 'tl.where', ts, 'x and y of one type');
      sameShapes('tl.where', ts, fail);
      return [x];
    },
    eval: ([c, x, y]) => (c ? x : y),
    wgsl: (v) => `select(${v[2]}, ${v[1]}, ${v[0]})`,
    samples: [
      [1, 2, 3],
      [0, 2, 3],
    ],
    api:
      (t) =>
      <T extends number | boolean>(condition: boolean | number, x: T, y: T): Widen<T> => {
        const c = t.cast(t.value(condition, 'tl.where'), DTYPES.bool);
        const [a, b] = t.promote('tl.where', x, y);
        return asUser(t.one('where', t.broadcast('tl.where', [c, a, b])));
      },
  }),
};
