// Conversions between dtypes: by value (rounded to nearest even, or toward zero) and by bits. Three rows, one function of `tl`.
// Which pairs Triton converts stands here; what a converted number is stands in ../numerics.ts.

import { TL } from '../messages.ts';
import { bitcast, convert, truncate } from '../numerics.ts';
import { DTYPES, DType, type DTypeName, dtypeOf, isPtr, type Type, withElem } from '../types.ts';
import { describeJs } from './math.ts';
import { asUser, op, type TypeFail, type WgslContext } from './row.ts';

/** `tl.cast`'s options, as Triton names them. */
export interface CastOptions {
  /** Rounding of a float to a narrower float: to nearest even (default) or toward zero. Refused for every other cast. */
  readonly fp_downcast_rounding?: 'rtne' | 'rtz' | null;
  /** The same bits read as another dtype of the same width, instead of the same value. */
  readonly bitcast?: boolean;
}
const OPTIONS = ['fp_downcast_rounding', 'bitcast'];

const target = (attrs: { readonly to?: unknown }): DType => DTYPES[attrs.to as DTypeName];
const source = (x: Type, fail: TypeFail): DType => (isPtr(x) ? fail(TL.pointerElement, 'tl.cast', x) : dtypeOf(x));
/** A prelude helper for a pair of dtypes: `cast_f32_i32(x)`. */
const pair =
  (name: string) =>
  ([x]: readonly string[], cx: WgslContext): string =>
    `${cx.helper(`${name}_${dtypeOf(cx.operands[0])}_${dtypeOf(cx.type)}`)}(${x})`;
const narrows = (from: DType, to: DType): boolean => from.is_floating() && to.is_floating() && to.bits < from.bits;

export const CAST = {
  /**
   * Converts to another dtype.
   * @differs A float beyond an integer’s range saturates as CUDA’s conversion does, where Triton leaves it undefined.
   * @cost fp8, bf16 and 64-bit integers are converted by integer arithmetic, f16 too where the device has no shader-f16.
   */
  cast: op({
    doc: 'Converts to another dtype: floats round to nearest even (fp8 saturates), floats to integers truncate and saturate, integers wrap. `x.to(t)` in Triton.',
    args: ['x'],
    attrs: ['to'],
    traits: ['pure', 'elementwise', 'cheap', 'exact'],
    type: ([x], attrs, fail) => {
      const [from, to] = [source(x, fail), target(attrs)];
      if ((from.is_fp8() && to.is_int()) || (from.is_int() && to.is_fp8())) fail(TL.castThrough, from, to);
      return [withElem(x, to)];
    },
    eval: ([x], from, to) => convert(from, to, x),
    wgsl: pair('cast'),
    samples: [[1], [-2.5], [300]],
    api:
      (t) =>
      (input: number | boolean, dtype: DType, options: CastOptions = {}): number => {
        for (const k of Object.keys(options)) if (!OPTIONS.includes(k)) t.fail(TL.unknownArg, 'cast', k, OPTIONS);
        if (!(dtype instanceof DType)) t.fail(TL.notDtype, 'tl.cast', describeJs(dtype));
        // A plain boolean stays one, of the lowest rank in promotions: it stands for a number where TypeScript wants one.
        if (typeof input === 'boolean' && dtype === DTYPES.bool) return input as unknown as number;
        const v = t.value(input, 'tl.cast');
        const from = isPtr(v.type) ? t.fail(TL.pointerElement, 'tl.cast', v.type) : dtypeOf(v.type);
        const { bitcast: bits = false, fp_downcast_rounding: rounding = null } = options;
        if (typeof bits !== 'boolean') t.fail(TL.unsupportedArg, 'cast', 'bitcast', describeJs(bits), 'true or false');
        if (from === dtype) return asUser(v);
        if (bits) return asUser(t.one('reinterpret', [v], { to: dtype.name }));
        if (rounding !== null && rounding !== 'rtne' && rounding !== 'rtz')
          t.fail(TL.unsupportedArg, 'cast', 'fp_downcast_rounding', describeJs(rounding), "'rtne' or 'rtz'");
        if (rounding !== null && !narrows(from, dtype)) t.fail(TL.castRounding, rounding, from, dtype);
        return asUser(rounding === 'rtz' ? t.one('truncate', [v], { to: dtype.name }) : t.cast(v, dtype));
      },
  }),
  /** Converts a float to a narrower one, toward zero. */
  truncate: op({
    doc: 'Converts a float to a narrower float, rounding toward zero: `tl.cast(x, t, { fp_downcast_rounding: "rtz" })`. A finite number stays finite; infinity and NaN stay what they are.',
    args: ['x'],
    attrs: ['to'],
    traits: ['pure', 'elementwise', 'cheap', 'exact'],
    type: ([x], attrs, fail) => {
      const [from, to] = [source(x, fail), target(attrs)];
      if (!narrows(from, to)) fail(TL.castRounding, 'rtz', from, to);
      // Triton's compiler has no truncating conversion to fp8e4nv, and none from bf16 to fp8.
      if (to === DTYPES.fp8e4nv || (to.is_fp8() && from === DTYPES.bf16)) fail(TL.castNoTruncation, from, to);
      return [withElem(x, to)];
    },
    eval: ([x], _from, to) => truncate(to, Number(x)),
    wgsl: ([x], cx) => `${cx.helper(`${dtypeOf(cx.type)}_truncate`)}(${x})`,
    samples: [[1], [-2.5], [65519], [-1e-7], [0.1]],
  }),
  /** Reads the same bits as another dtype. */
  reinterpret: op({
    doc: 'The same bits read as another dtype of the same width: `tl.cast(x, t, { bitcast: true })`. A NaN stays a NaN, but may lose its payload.',
    args: ['x'],
    attrs: ['to'],
    traits: ['pure', 'elementwise', 'cheap', 'exact'],
    type: ([x], attrs, fail) => {
      const [from, to] = [source(x, fail), target(attrs)];
      if (from.bits !== to.bits) fail(TL.bitcastWidth, from, to);
      return [withElem(x, to)];
    },
    eval: ([x], from, to) => bitcast(from, to, x),
    wgsl: pair('bits_as'),
    samples: [[1], [-2.5], [77], [0]],
  }),
};
