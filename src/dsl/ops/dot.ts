// The matrix product.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, DType, dtypeOf, isPtr, type Type, tile } from '../types.ts';
import { describeJs } from './math.ts';
import { asUser, op, type Row } from './row.ts';
import { checkOptions } from './rules.ts';

const { i8, i32, f32, f16, bf16, f64, fp8e4nv, fp8e5 } = DTYPES;

export interface DotOptions {
  /** Tile that the product is added to: [M, N] of `out_dtype`. */
  readonly acc?: number | null;
  /** f32 only. 'ieee', 'tf32' and 'tf32x3' all compute in full f32 here; Triton's default is 'tf32'. */
  readonly input_precision?: 'ieee' | 'tf32' | 'tf32x3' | null;
  /** Triton's older spelling: false means 'ieee'. */
  readonly allow_tf32?: boolean | null;
  /** f32 (the default) or f16 for f16 and fp8; other dtypes have one choice each. */
  readonly out_dtype?: DType;
  /** Hint for fp8 units that sum in less than f32; sums are always in f32 here. */
  readonly max_num_imprecise_acc?: number | null;
}
const DOT_OPTIONS = ['acc', 'input_precision', 'allow_tf32', 'out_dtype', 'max_num_imprecise_acc'];
const PRECISIONS = ['ieee', 'tf32', 'tf32x3'];
const INPUTS: readonly DType[] = [i8, f16, bf16, f32, f64, fp8e4nv, fp8e5];
/** Least K, as on the hardware that Triton compiles for. */
const leastK = (d: DType): number => (d.bits === 8 ? 32 : 16);
const batchOf = (t: Type): string => t.shape.slice(0, -2).join();

const dotRule: Row['type'] = (ts, attrs, fail) => {
  const [a, b, acc] = ts;
  const rank = a.shape.length;
  if (isPtr(a) || isPtr(b) || rank !== b.shape.length || (rank !== 2 && rank !== 3) || batchOf(a) !== batchOf(b))
    fail(TL.dotRank, a, b);
  const [da, db] = [dtypeOf(a), dtypeOf(b)];
  if ((da !== db && !(da.is_fp8() && db.is_fp8())) || !INPUTS.includes(da))
    fail(TL.dotDtype, a, b, 'both sides of one dtype: f16, bf16, f32, f64 or i8, or any two fp8 dtypes');
  if (a.shape.at(-1) !== b.shape.at(-2)) fail(TL.dotShape, a, b);
  const r = tile(DTYPES[(attrs.out_dtype as 'f32') ?? 'f32'], [...a.shape.slice(0, -1), b.shape.at(-1) as number]);
  if (acc && (acc.elem !== r.elem || acc.shape.join() !== r.shape.join())) fail(TL.dotAcc, acc, r);
  return [r];
};

/** Dtype of the product: what the operands allow of what was asked. */
function resultDtype(t: Trace, d: DType, asked: DType | undefined): DType {
  if (asked !== undefined && !(asked instanceof DType)) t.fail(TL.notDtype, 'tl.dot: out_dtype', describeJs(asked));
  if (asked === bf16) t.fail(TL.unsupportedArg, 'dot', 'out_dtype', 'bf16', 'f32 or f16 (cast the product to bf16 afterwards)');
  if (d.is_int()) return i32;
  if (d === f32 || d === bf16) return f32;
  if (d === f64) return f64;
  if (asked && asked !== f32 && asked !== f16) t.fail(TL.unsupportedArg, 'dot', 'out_dtype', `${asked}`, 'f32 or f16');
  return asked ?? f32;
}

function precision(t: Trace, o: DotOptions): string {
  if (o.input_precision == null) return o.allow_tf32 === false ? 'ieee' : 'tf32';
  if (o.allow_tf32 != null)
    t.fail(TL.unsupportedArg, 'dot', 'input_precision beside allow_tf32', `'${o.input_precision}'`, 'only one of the two');
  if (!PRECISIONS.includes(o.input_precision))
    t.fail(
      TL.unsupportedArg,
      'dot',
      'input_precision',
      describeJs(o.input_precision),
      PRECISIONS.map((p) => `'${p}'`).join(', '),
    );
  return o.input_precision;
}

/** More than one batch dimension becomes one. */
const flat = (t: Trace, v: Value): Value => {
  const s = v.type.shape;
  const batch = s.slice(0, -2).reduce((n, d) => n * d, 1);
  return s.length > 3 ? t.one('reshape', [v], { shape: [batch, ...s.slice(-2)] }) : v;
};

export const DOT = {
  /**
   * Matrix product of two tiles.
   * @differs f32 is always multiplied in full f32, whatever `input_precision` and `allow_tf32` say; `max_num_imprecise_acc` has
   * no effect.
   * @cost products run on matrix units where the device shows them to WebGPU, else as register tiles; f64 exists on the
   * interpreter only.
   */
  dot: op({
    doc: 'Matrix product of an [M, K] and a [K, N] tile (or of a batch of them: [B, M, K] and [B, K, N]), plus `acc`. Accumulates in f32 (i32 for integers).',
    args: ['a', 'b', 'acc?'],
    attrs: ['input_precision', 'out_dtype'],
    traits: ['pure'],
    type: dotRule,
    api:
      (t) =>
      (input: number, other: number, acc?: number | null | DotOptions, options: DotOptions = {}): number => {
        const given: DotOptions =
          acc !== null && typeof acc === 'object' && !t.isValue(acc)
            ? (acc as DotOptions)
            : { ...options, ...(acc != null ? { acc: acc as number } : {}) };
        checkOptions(t, 'dot', given, DOT_OPTIONS);
        const x = t.value(input, 'tl.dot');
        const y = t.value(other, 'tl.dot');
        const attrs = {
          input_precision: precision(t, given),
          out_dtype: resultDtype(t, isPtr(x.type) ? f32 : dtypeOf(x.type), given.out_dtype).name,
        };
        const shape = [...x.type.shape.slice(0, -1), y.type.shape.at(-1) as number];
        const sides = batchOf(x.type) === batchOf(y.type) ? [flat(t, x), flat(t, y)] : [x, y];
        const operands = given.acc != null ? [...sides, flat(t, t.value(given.acc, 'tl.dot'))] : sides;
        const product = t.one('dot', operands, attrs);
        const least = leastK(dtypeOf(x.type));
        const [k, imprecise] = [x.type.shape.at(-1) as number, given.max_num_imprecise_acc ?? 0];
        if (dtypeOf(x.type).bits === 8 && dtypeOf(x.type).is_floating() && imprecise > k) t.fail(TL.imprecise, imprecise, k);
        if ((x.type.shape.at(-1) as number) < least) t.fail(TL.dotSmall, x.type, y.type, least);
        return asUser(shape.length > 3 ? t.one('reshape', [product], { shape }) : product);
      },
  }),
};
