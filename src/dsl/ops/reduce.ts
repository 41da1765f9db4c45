// Reductions along one axis.

import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, DType, dtypeOf, isPtr, numel, type Type, withElem, withShape } from '../types.ts';
import { describeJs } from './math.ts';
import { asUser, type Num, op } from './row.ts';
import { widen } from './rules.ts';

export interface ReduceOptions {
  readonly axis?: number | null;
  /** Keep the reduced axis as a dimension of 1. */
  readonly keep_dims?: boolean;
  /** Dtype to sum in. */
  readonly dtype?: DType;
  /** Also return the index of the value: the result is [value, index]. */
  readonly return_indices?: boolean;
  /** Of equal values, take the lowest index (the only choice here, and Triton's default). */
  readonly return_indices_tie_break_left?: boolean;
  readonly tie_break_left?: boolean;
}

const { i32, u32, f32, bf16 } = DTYPES;
const drop = (t: Type, axis: number): Type =>
  withShape(
    t,
    t.shape.filter((_, i) => i !== axis),
  );
const isNan = (x: Num): boolean => typeof x === 'number' && x !== x;

/** Operand, axis and options of `tl.<reduction>(x, axis?, options?)`; `axis: null` folds everything. */
function parse(t: Trace, name: string, x: unknown, axis: number | null | ReduceOptions | undefined, options: ReduceOptions) {
  const o: ReduceOptions =
    typeof axis === 'object' && axis !== null ? axis : { ...options, axis: axis as number | null | undefined };
  let v = t.value(x, `tl.${name}`);
  if (isPtr(v.type)) t.fail(TL.pointerElement, `tl.${name}`, v.type);
  const rank = v.type.shape.length;
  if (rank === 0) t.fail(TL.reduceScalar, name, v.type);
  if (o.axis == null) {
    if (rank > 1) v = t.one('reshape', [v], { shape: [numel(v.type.shape)] });
    return { v, axis: 0, o, kept: v.type.shape.length === 1 && rank > 1 ? Array(rank).fill(1) : null };
  }
  const a = t.constInt(o.axis, `tl.${name}: the axis`);
  if (a < -rank || a >= rank) t.fail(TL.axisRange, `tl.${name}`, a, rank);
  return { v, axis: a < 0 ? a + rank : a, o, kept: null };
}
const finish = (t: Trace, r: ReturnType<Trace['one']>, p: ReturnType<typeof parse>) => {
  if (!p.o.keep_dims) return r;
  return p.kept ? t.broadcastTo(r, p.kept) : t.one('expand_dims', [r], { axis: p.axis });
};

const value = (
  name: 'sum' | 'max' | 'min',
  doc: string,
  init: (d: DType) => Num,
  step: (a: Num, b: Num, d: DType) => Num,
  combineOp: string,
) =>
  op({
    doc,
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure', 'reduction'],
    type: ([x], { axis }) => [drop(x, Number(axis))],
    combine: { init, step, op: combineOp },
    api:
      (t) =>
      (x: number | boolean, axis?: number | null | ReduceOptions, options: ReduceOptions = {}): number => {
        const p = parse(t, name, x, axis, options);
        const d = dtypeOf(p.v.type);
        if (p.o.dtype && !(p.o.dtype instanceof DType)) t.fail(TL.notDtype, `tl.${name}`, describeJs(p.o.dtype));
        if (p.o.return_indices) {
          if (name === 'sum') t.fail(TL.unknownArg, 'sum', 'return_indices', ['axis', 'keep_dims', 'dtype']);
          const both = [
            t.one(name, [t.cast(p.v, d === bf16 ? f32 : d)], { axis: p.axis }),
            t.one(`arg${name}`, [p.v], { axis: p.axis }),
          ];
          return both.map((r) => finish(t, r, p)) as unknown as number;
        }
        const to = p.o.dtype ?? (name === 'sum' ? (d.is_int() && d.bits < 32 ? (d.is_int_signed() ? i32 : u32) : d) : widen(d));
        return asUser(finish(t, t.one(name, [t.cast(p.v, to)], { axis: p.axis }), p));
      },
  });
const index = (name: 'argmax' | 'argmin', doc: string, better: (a: Num, b: Num) => boolean) =>
  op({
    doc,
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure', 'reduction'],
    type: ([x], { axis }) => [withElem(drop(x, Number(axis)), i32)],
    index: true,
    combine: { init: () => 0, step: (a, b) => (better(b, a) ? b : a), op: name === 'argmax' ? 'gt' : 'lt' },
    api:
      (t) =>
      (x: number, axis?: number | ReduceOptions, options: ReduceOptions = {}): number => {
        const p = parse(t, name, x, axis, options);
        return asUser(finish(t, t.one(name, [p.v], { axis: p.axis }), p));
      },
  });

export const REDUCE = {
  /** Sum along an axis. */
  sum: value(
    'sum',
    'Sum along an axis (all axes without one). Integers narrower than 32 bits are summed in 32.',
    (d) => (d.bits === 64 && d.is_int() ? 0n : 0),
    (a, b) => (a as number) + (b as number),
    'add',
  ),
  /** Largest value along an axis. */
  max: value(
    'max',
    'Largest value along an axis (all axes without one); NaN loses.',
    (d) => lowest(d),
    (a, b) => (isNan(a) ? b : isNan(b) ? a : a > b ? a : b),
    'maximum',
  ),
  /** Smallest value along an axis. */
  min: value(
    'min',
    'Smallest value along an axis (all axes without one); NaN loses.',
    (d) => highest(d),
    (a, b) => (isNan(a) ? b : isNan(b) ? a : a < b ? a : b),
    'minimum',
  ),
  /** Index of the largest value. */
  argmax: index('argmax', 'Index of the largest value along an axis (i32); of equal values the first.', (a, b) => a > b),
  /** Index of the smallest value. */
  argmin: index('argmin', 'Index of the smallest value along an axis (i32); of equal values the first.', (a, b) => a < b),
  /** True if any element along the axis is. */
  any: op({
    doc: 'True if any element of a mask along an axis is. Made by the compiler for conditions that hold for the whole program.',
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure', 'reduction'],
    type: ([x], { axis }) => [drop(x, Number(axis))],
    combine: { init: () => 0, step: (a, b) => Number(a || b), op: 'or' },
  }),
};

function lowest(d: DType): Num {
  if (d.is_floating()) return -Infinity;
  if (!d.is_int_signed()) return d.bits === 64 ? 0n : 0;
  return d.bits === 64 ? -(2n ** 63n) : -(2 ** (d.bits - 1));
}
function highest(d: DType): Num {
  if (d.is_floating()) return Infinity;
  const bits = d.is_int_signed() ? d.bits - 1 : d.bits;
  return d.bits === 64 ? 2n ** BigInt(bits) - 1n : 2 ** bits - 1;
}
