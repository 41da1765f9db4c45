// Arithmetic that is correctly rounded or exact whatever the device does by itself: IEEE division and square root, fused
// multiply-add, the high half of a product. The WGSL helpers compute with integers (src/lower/wgsl/exactHelpers.ts).

import { fmaRound } from '../functions.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr } from '../types.ts';
import { asUser, op } from './row.ts';
import { type Binary, binary, isFloat, same, unary, unaryApi } from './rules.ts';

const isF32 = (d: DType): boolean => d === DTYPES.f32;
const isWord = (d: DType): boolean => d.is_int() && d.bits >= 32;
const WORDS = 'i32, u32, i64 or u64';

/** What Triton checks before it promotes: every tile or scalar among the arguments has one of the dtypes. */
export function checkArguments(
  t: Trace,
  what: string,
  args: readonly unknown[],
  accepts: (d: DType) => boolean,
  expected: string,
): void {
  for (const a of args)
    if (t.isValue(a) && (isPtr(a.type) || !accepts(dtypeOf(a.type)))) t.fail(TL.unary, what, a.type, expected);
}

export interface FdivOptions {
  /** Round the quotient correctly (f32), instead of to 2.5 ulp. */
  readonly ieee_rounding?: boolean;
}

export const PRECISE = {
  /**
   * Quotient of two f32 tiles, rounded to nearest.
   * @cost integer arithmetic, tens of operations an element; `x / y` is one and within 2.5 ulp.
   */
  div_rn: op({
    doc: 'Quotient of two f32 tiles, correctly rounded (to nearest even), subnormal numbers included, on every device.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise'],
    type: same('tl.div_rn', 'f32', isF32),
    eval: binary((a, b) => a / b),
    wgsl: (v, cx) => `${cx.helper('tl_div_rn')}(${v.join(', ')})`,
    samples: [
      [1, 3],
      [-7, 2],
      [1, 0],
      [0, 0],
      [1e-38, 3e5],
      [3e38, 1e-3],
    ],
    api:
      (t): Binary =>
      (x, y) => {
        checkArguments(t, 'tl.div_rn', [x, y], isF32, 'f32');
        return asUser(t.one('div_rn', t.promote('tl.div_rn', t.value(x, 'tl.div_rn'), t.value(y, 'tl.div_rn'))));
      },
  }),
  /**
   * Square root of f32, rounded to nearest.
   * @cost integer arithmetic, tens of operations an element; `tl.sqrt` is one.
   */
  sqrt_rn: op({
    doc: 'Square root of f32, correctly rounded (to nearest even) on every device; NaN below 0.',
    args: ['x'],
    traits: ['pure', 'elementwise'],
    type: same('tl.sqrt_rn', 'f32', isF32),
    eval: unary(Math.sqrt),
    wgsl: (v, cx) => `${cx.helper('tl_sqrt_rn')}(${v[0]})`,
    samples: [[0], [2], [1e10], [1e-40], [-1]],
    api: unaryApi('sqrt_rn'),
  }),
  /**
   * x * y + z, rounded once.
   * @differs Rounded once on every device, which WGSL’s own `fma` does not promise.
   * @cost the driver’s `fma` where it rounds once, which is tried at run time; else tens of integer operations an element.
   */
  fma: op({
    doc: 'x * y + z rounded once, on every device: where the driver’s own `fma` rounds twice, by integer arithmetic.',
    args: ['x', 'y', 'z'],
    traits: ['pure', 'elementwise'],
    type: same('tl.fma', 'floating-point numbers', isFloat),
    eval: ([x, y, z], d) => fmaRound(Number(x), Number(y), Number(z), d),
    wgsl: (v, cx) => `${cx.helper(dtypeOf(cx.type).bits < 32 ? 'tl_fma_odd' : 'tl_fma_rn')}(${v.join(', ')})`,
    samples: [
      [2, 3, 4],
      [0.1, 0.2, 0.3],
      [1.000244140625, 1.000244140625, -1.00048828125],
      [3, 1e-30, -7e20],
      [-5, 0, 0],
    ],
    api:
      (t) =>
      (x: number, y: number, z: number): number => {
        // Numbers are scalars of their own dtype here, as in Triton: a tile of f16 and 2.0 give f32.
        const [v, w, last] = [x, y, z].map((o) => t.value(o, 'tl.fma'));
        const [a, b] = t.promote('tl.fma', v, w);
        const [c, d] = t.promote('tl.fma', a, last);
        return asUser(t.one('fma', t.broadcast('tl.fma', [c, t.cast(b, dtypeOf(d.type)), d])));
      },
  }),
  /**
   * High half of the product of two integers, taken as unsigned.
   * @cost four products of 16 bits for 32-bit integers, four of those for 64-bit ones: WGSL has no wide product.
   */
  umulhi: op({
    doc: 'The high 32 (64) bits of the 64-bit (128-bit) product of two integers, whose bits are taken as unsigned numbers.',
    args: ['x', 'y'],
    traits: ['pure', 'elementwise', 'commutative'],
    type: same('tl.umulhi', WORDS, isWord),
    eval: ([a, b], d) => (BigInt.asUintN(d.bits, BigInt(a)) * BigInt.asUintN(d.bits, BigInt(b))) >> BigInt(d.bits),
    wgsl: (v, cx) => {
      const d = dtypeOf(cx.type);
      return `${cx.helper(`tl_mulhi_${d.bits === 64 ? 'u64' : d.name}`)}(${v.join(', ')})`;
    },
    samples: [
      [2000000000, 2000000000],
      [-1, -1],
      [3, 5],
      [4294967295, 4294967295],
    ],
    api:
      (t): Binary =>
      (x, y) => {
        checkArguments(t, 'tl.umulhi', [x, y], isWord, WORDS);
        return asUser(t.one('umulhi', t.promote('tl.umulhi', t.value(x, 'tl.umulhi'), t.value(y, 'tl.umulhi'))));
      },
  }),
};

export const PRECISE_FNS = {
  /**
   * Quotient of two floating-point tiles of one dtype, which it keeps; correctly rounded with ieee_rounding (f32).
   * @cost with ieee_rounding as `tl.div_rn`; else one division.
   */
  fdiv:
    (t: Trace) =>
    (x: number, y: number, options: FdivOptions = {}): number => {
      for (const k of Object.keys(options)) if (k !== 'ieee_rounding') t.fail(TL.unknownArg, 'fdiv', k, ['ieee_rounding']);
      const [a, b] = [t.value(x, 'tl.fdiv'), t.value(y, 'tl.fdiv')];
      checkArguments(t, 'tl.fdiv', [a, b], isFloat, 'floating-point numbers');
      // Triton does not promote here: f16 divides as f16, where the operator `/` gives f32.
      if (dtypeOf(a.type) !== dtypeOf(b.type))
        t.fail(TL.operands, 'tl.fdiv', [a.type, b.type], 'two of one dtype (nothing is promoted)');
      const operands = t.broadcast('tl.fdiv', [a, b]);
      const exact = options.ieee_rounding && isF32(dtypeOf(operands[0].type));
      return asUser(t.one(exact ? 'div_rn' : 'div', operands));
    },
};
