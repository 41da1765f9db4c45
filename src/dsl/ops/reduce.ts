// Reductions along one axis whose combining step is a row of the table. Reductions by a function of the kernel: element.ts.

import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr, withElem } from '../types.ts';
import {
  type ArgOptions,
  drop,
  dtypeOption,
  type ExtremeOptions,
  finish,
  folding,
  given,
  type ReduceOptions,
  type SumOptions,
  sumDtype,
} from './reduceArgs.ts';
import { type ApiFn, asUser, op } from './row.ts';
import { widen } from './rules.ts';

const { i32, f32, bf16 } = DTYPES;

/** A reduction that folds with the row `combine`, of dtypes that `fits` accepts. */
const value = <F extends ApiFn>(doc: string, combine: string, api: (t: Trace) => F, fits: (d: DType) => boolean = () => true) =>
  op({
    doc,
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure', 'reduction'],
    type: ([x], { axis }, fail) => {
      if (isPtr(x) || !fits(dtypeOf(x))) fail(TL.unary, `a reduction by '${combine}'`, x, 'integers or masks');
      return [drop(x, Number(axis))];
    },
    combine,
    api,
  });

/** `tl.max`: a value, or with `return_indices` the value and its index. */
export interface Extreme {
  /** The largest (`tl.max`) or smallest (`tl.min`) value along an axis and its index (i32): [value, index]. NaN loses; of equal values the first. */
  (
    input: number | boolean,
    axis: number | null | undefined,
    options: ExtremeOptions & { readonly return_indices: true },
  ): [number, number];
  /** The largest (`tl.max`) or smallest (`tl.min`) value along an axis and its index (i32): [value, index]. NaN loses; of equal values the first. */
  (input: number | boolean, options: ExtremeOptions & { readonly return_indices: true }): [number, number];
  /** The largest (`tl.max`) or smallest (`tl.min`) value along an axis, of all elements without one. NaN loses. */
  (input: number | boolean, axis?: number | null | ExtremeOptions, options?: ExtremeOptions): number;
}

const extremeApi =
  (name: 'max' | 'min') =>
  (t: Trace): Extreme =>
    ((x: unknown, axis?: number | null | ExtremeOptions, options: ExtremeOptions = {}) => {
      const g = given(t, name, axis, options, ['return_indices', 'return_indices_tie_break_left', 'keep_dims']);
      const f = folding(t, name, [x], g.axis);
      const [v] = f.operands;
      const d = dtypeOf(v.type);
      if (!g.o.return_indices) return asUser(finish(t, t.one(name, [t.cast(v, widen(d))], { axis: f.axis }), f, g.o.keep_dims));
      const both = t.emit(`arg${name}`, [t.cast(v, d === bf16 ? f32 : d)], { axis: f.axis });
      return both.map((r) => asUser(finish(t, r, f, g.o.keep_dims)));
    }) as Extreme;

const index = (name: 'argmax' | 'argmin', doc: string, better: 'gt' | 'lt') =>
  op({
    doc,
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure', 'reduction'],
    type: ([x], { axis }) => [drop(x, Number(axis)), withElem(drop(x, Number(axis)), i32)],
    index: true,
    combine: better,
    api:
      (t) =>
      (input: number | boolean, axis?: number | null | ArgOptions, options: ArgOptions = {}): number => {
        const g = given(t, name, axis, options, ['tie_break_left', 'keep_dims']);
        const f = folding(t, name, [input], g.axis);
        const [v] = f.operands;
        const d = dtypeOf(v.type);
        const [, i] = t.emit(name, [t.cast(v, d === bf16 ? f32 : d)], { axis: f.axis });
        return asUser(finish(t, i, f, g.o.keep_dims));
      },
  });

/** `tl.xor_sum` and `tl.reduce_or`: integers keep their dtype. */
const bitwise = (name: 'xor_sum' | 'reduce_or', doc: string, combine: 'xor' | 'or') =>
  value(
    doc,
    combine,
    (t) =>
      (input: number | boolean, axis?: number | null | ReduceOptions, options: ReduceOptions = {}): number => {
        const g = given(t, name, axis, options, ['keep_dims']);
        const f = folding(t, name, [input], g.axis);
        if (!dtypeOf(f.operands[0].type).is_int()) t.fail(TL.unary, `tl.${name}`, f.operands[0].type, 'integers or masks');
        return asUser(finish(t, t.one(name, f.operands, { axis: f.axis }), f, g.o.keep_dims));
      },
    (d) => d.is_int(),
  );

export const REDUCE = {
  /**
   * Sum along an axis.
   * @differs The order of the additions is fixed for a tile and a device, but not Triton’s: the last bits may differ.
   */
  sum: value(
    'Sum along an axis (all axes without one). Integers narrower than 32 bits are summed in 32.',
    'add',
    (t) =>
      (input: number | boolean, axis?: number | null | SumOptions, options: SumOptions = {}): number => {
        const g = given(t, 'sum', axis, options, ['keep_dims', 'dtype']);
        const f = folding(t, 'sum', [input], g.axis);
        const [v] = f.operands;
        const to = dtypeOption(t, 'sum', g.o.dtype) ?? sumDtype(dtypeOf(v.type));
        return asUser(finish(t, t.one('sum', [t.cast(v, to)], { axis: f.axis }), f, g.o.keep_dims));
      },
  ),
  /** Largest value along an axis, with `return_indices` also where it is. */
  max: value(
    'Largest value along an axis (all axes without one); NaN loses. With `return_indices` also its index, of equal values the first.',
    'maximum',
    extremeApi('max'),
  ),
  /** Smallest value along an axis, with `return_indices` also where it is. */
  min: value(
    'Smallest value along an axis (all axes without one); NaN loses. With `return_indices` also its index, of equal values the first.',
    'minimum',
    extremeApi('min'),
  ),
  /**
   * Index of the largest value.
   * @differs Ties always go to the lowest index; with `tie_break_left: false` Triton leaves it open.
   */
  argmax: index('argmax', 'Index of the largest value along an axis (i32); of equal values the first, and NaN loses.', 'gt'),
  /**
   * Index of the smallest value.
   * @differs Ties always go to the lowest index; with `tie_break_left: false` Triton leaves it open.
   */
  argmin: index('argmin', 'Index of the smallest value along an axis (i32); of equal values the first, and NaN loses.', 'lt'),
  /** Exclusive or of integers along an axis. */
  xor_sum: bitwise('xor_sum', 'Exclusive or along an axis (all axes without one), in the dtype of the integers.', 'xor'),
  /** Bitwise or of integers along an axis. */
  reduce_or: bitwise('reduce_or', 'Bitwise or along an axis (all axes without one), in the dtype of the integers.', 'or'),
  /** True if any element along the axis is. */
  any: op({
    doc: 'True if any element of a mask along an axis is. Made by the compiler for conditions that hold for the whole program.',
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure', 'reduction'],
    type: ([x], { axis }) => [drop(x, Number(axis))],
    combine: 'or',
  }),
};
