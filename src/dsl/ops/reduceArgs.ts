// What the reductions and scans of `tl` share: how their arguments are read, and what becomes of the axis afterwards.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, DType, isPtr, numel, type Type, withShape } from '../types.ts';
import { describeJs } from './math.ts';
import { checkOptions } from './rules.ts';

export interface KeepDims {
  /** Keep the reduced axis as a dimension of 1. */
  readonly keep_dims?: boolean;
}
export interface ReduceOptions extends KeepDims {
  /** The axis, for calls that leave it out in front of the options. */
  readonly axis?: number | null;
}
export interface SumOptions extends ReduceOptions {
  /** Dtype to sum in, and of the result. */
  readonly dtype?: DType;
}
export interface ArgOptions extends ReduceOptions {
  /** Of equal values, take the lowest index: what happens here either way, and Triton's default. */
  readonly tie_break_left?: boolean;
}
export interface ExtremeOptions extends ReduceOptions {
  /** Also give the index of the value: the result is [value, index]. */
  readonly return_indices?: boolean;
  /** Of equal values, the lowest index: what happens here either way, and Triton's default. */
  readonly return_indices_tie_break_left?: boolean;
}

/** The type without one dimension. */
export const drop = (t: Type, axis: number): Type =>
  withShape(
    t,
    t.shape.filter((_, i) => i !== axis),
  );
/** Triton sums integers narrower than 32 bits in 32 bits of the same sign. */
export const sumDtype = (d: DType): DType => (d.is_int() && d.bits < 32 ? (d.is_int_signed() ? DTYPES.i32 : DTYPES.u32) : d);

export const dtypeOption = (t: Trace, name: string, d: unknown): DType | undefined =>
  d == null || d instanceof DType ? (d ?? undefined) : t.fail(TL.notDtype, `tl.${name}`, describeJs(d));

/** Checks an axis of a tile; negative ones count from the end. */
export function axisOf(t: Trace, name: string, axis: unknown, rank: number): number {
  const a = t.constInt(axis, `tl.${name}: the axis`);
  if (a < -rank || a >= rank) t.fail(TL.axisRange, `tl.${name}`, a, rank);
  return a < 0 ? a + rank : a;
}

/** Operands of one shape and the axis to fold; `kept` is the shape of the result under `keep_dims`. */
export interface Folding {
  readonly operands: readonly Value[];
  readonly axis: number;
  readonly kept: readonly number[];
}
/** Reads operands and axis; no axis folds everything. */
export function folding(t: Trace, name: string, xs: readonly unknown[], axis: unknown): Folding {
  const operands = xs.map((x) => t.value(x, `tl.${name}`));
  for (const v of operands) {
    if (isPtr(v.type)) t.fail(TL.pointerElement, `tl.${name}`, v.type);
    if (v.type.shape.length === 0) t.fail(TL.reduceScalar, name, v.type);
  }
  const { shape } = operands[0].type;
  if (operands.some((v) => v.type.shape.join() !== shape.join()))
    t.fail(
      TL.operands,
      `tl.${name}`,
      operands.map((v) => v.type),
      'tiles of one shape',
    );
  if (axis == null) {
    const flat = shape.length > 1 ? operands.map((v) => t.one('reshape', [v], { shape: [numel(shape)] })) : operands;
    return { operands: flat, axis: 0, kept: shape.map(() => 1) };
  }
  const a = axisOf(t, name, axis, shape.length);
  return { operands, axis: a, kept: shape.map((n, i) => (i === a ? 1 : n)) };
}
/** A result as it is, or with the folded dimensions as 1. */
export function finish(t: Trace, r: Value, f: Folding, keep: boolean | undefined): Value {
  if (!keep) return r;
  if (r.type.shape.length === 0) return t.broadcastTo(r, f.kept);
  return t.one('expand_dims', [r], { axis: f.axis });
}

/** `tl.sum(x, 0, { … })` or `tl.sum(x, { axis: 0, … })`: the axis and the options. */
export function given<O extends ReduceOptions>(
  t: Trace,
  name: string,
  axis: number | null | undefined | O,
  options: O,
  known: readonly string[],
): { readonly axis: number | null | undefined; readonly o: O } {
  const object = typeof axis === 'object' && axis !== null && !t.isValue(axis) && !(axis instanceof Number);
  const o = object ? (axis as O) : options;
  checkOptions(t, name, o, ['axis', ...known]);
  return { axis: object ? o.axis : (axis as number | null | undefined), o };
}
