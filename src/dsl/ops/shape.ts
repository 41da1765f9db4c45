// Rows that move elements without changing them. Free of data movement where layouts allow it.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { numel, type Type, withShape } from '../types.ts';
import { asUser, op, type TypeFail, type Widen } from './row.ts';
import { checkOptions } from './rules.ts';

/** An axis counted from the front; an error if the tile has none such. */
export const normalizeAxis = (t: Trace, what: string, axis: number, rank: number): number => {
  const a = t.constInt(axis, `${what}: the axis`);
  if (a < -rank || a >= rank) t.fail(TL.axisRange, what, a, rank);
  return a < 0 ? a + rank : a;
};
const reshapeRule = ([x]: readonly Type[], to: readonly number[], fail: TypeFail): Type[] => {
  if (numel(x.shape) !== numel(to)) fail(TL.reshape, x, to);
  return [withShape(x, to)];
};
/** Dimensions of 1 so that the result has them at `axes`, whatever their order. */
const expand = (t: Trace, what: string, x: unknown, axes: readonly number[]): any => {
  let v = t.value(x, what);
  const rank = v.type.shape.length + axes.length;
  const places = axes.map((a) => normalizeAxis(t, what, a, rank));
  const twice = places.find((a, i) => places.indexOf(a) !== i);
  if (twice !== undefined) t.fail(TL.axisTwice, what, twice);
  for (const axis of [...places].sort((a, b) => a - b)) v = t.one('expand_dims', [v], { axis });
  return asUser(v);
};
export const reshapeTo = (t: Trace, v: Value, shape: readonly number[]): Value => t.one('reshape', [v], { shape });

export interface ReorderOptions {
  /** Allows any order of the elements; here it is kept. */
  readonly can_reorder?: boolean;
}
/** A shape as one list or several numbers, and the options after it. */
type ShapeArgs = readonly (number | readonly number[] | ReorderOptions)[];
const shapeArgs = (t: Trace, name: string, args: ShapeArgs): number[] => {
  const last = args.at(-1);
  const options = typeof last === 'object' && !Array.isArray(last) && !t.isValue(last) && !((last as object) instanceof Number);
  if (options) checkOptions(t, name, last, ['can_reorder']);
  return t.constShape((options ? args.slice(0, -1) : args).flat(), `tl.${name}: the shape`);
};
const order = (t: Trace, name: string, x: Value, dims: readonly number[]): any => {
  const n = x.type.shape.length;
  const perm = dims.map((p) => t.constInt(p, `tl.${name}: the order`));
  if ([...perm].sort((a, b) => a - b).join() !== [...Array(n).keys()].join()) t.fail(TL.permutation, `tl.${name}`, x.type, perm);
  return asUser(t.one('trans', [x], { perm }));
};

export const SHAPE = {
  /** Inserts a dimension of 1. */
  expand_dims: op({
    doc: 'Inserts a dimension of 1 at `axis` (or at several axes, one after another).',
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure', 'shape', 'cheap'],
    type: ([x], { axis }) => [withShape(x, [...x.shape.slice(0, Number(axis)), 1, ...x.shape.slice(Number(axis))])],
    api:
      (t) =>
      <T extends number | boolean>(input: T, axis: number | readonly number[]): Widen<T> =>
        expand(t, 'tl.expand_dims', input, Array.isArray(axis) ? axis : [axis as number]),
  }),
  /** Repeats dimensions of 1 (or a scalar) up to a shape. */
  broadcast_to: op({
    doc: 'Repeats dimensions of 1, or a scalar, up to `shape`.',
    args: ['x'],
    attrs: ['shape'],
    traits: ['pure', 'shape', 'cheap'],
    type: ([x], { shape }, fail) => {
      const to = shape as number[];
      const fits = x.shape.length === 0 || (x.shape.length === to.length && x.shape.every((n, i) => n === to[i] || n === 1));
      if (!fits) fail(TL.broadcastTo, x, to);
      return [withShape(x, to)];
    },
    api:
      (t) =>
      <T extends number | boolean>(input: T, ...shape: (number | readonly number[])[]): Widen<T> =>
        asUser(t.broadcastTo(t.value(input, 'tl.broadcast_to'), t.constShape(shape.flat(), 'tl.broadcast_to: the shape'))),
  }),
  /**
   * The same elements, in row-major order, in another shape.
   * @differs Keeps the order of elements whatever `can_reorder` says.
   */
  reshape: op({
    doc: 'The same elements, in row-major order, in another shape.',
    args: ['x'],
    attrs: ['shape'],
    traits: ['pure', 'shape'],
    type: (ts, { shape }, fail) => reshapeRule(ts, shape as number[], fail),
    api:
      (t) =>
      <T extends number | boolean>(input: T, ...shape: ShapeArgs): Widen<T> =>
        asUser(reshapeTo(t, t.value(input, 'tl.reshape'), shapeArgs(t, 'reshape', shape))),
  }),
  /** Reorders dimensions; without an order, swaps the last two. */
  trans: op({
    doc: 'Reorders dimensions: dimension i of the result is dimension perm[i] of x. Without an order the last two are swapped.',
    args: ['x'],
    attrs: ['perm'],
    traits: ['pure', 'shape'],
    type: ([x], { perm }, fail) => {
      const p = perm as number[];
      if ([...p].sort((a, b) => a - b).join() !== x.shape.map((_, i) => i).join()) fail(TL.permutation, 'tl.trans', x, p);
      return [
        withShape(
          x,
          p.map((i) => x.shape[i]),
        ),
      ];
    },
    api:
      (t) =>
      <T extends number | boolean>(input: T, ...dims: (number | readonly number[])[]): Widen<T> => {
        const v = t.value(input, 'tl.trans');
        const n = v.type.shape.length;
        const given = dims.flat();
        if (given.length === 0 && n < 2) t.fail(TL.permutation, 'tl.trans', v.type, [1, 0]);
        return order(t, 'trans', v, given.length ? given : [...Array(n - 2).keys(), n - 1, n - 2]);
      },
  }),
};

export const SHAPE_FNS = {
  /**
   * Reorders dimensions: dimension i of the result is dimension dims[i] of the input.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  permute:
    (t: Trace) =>
    <T extends number | boolean>(input: T, ...dims: (number | readonly number[])[]): Widen<T> =>
      order(t, 'permute', t.value(input, 'tl.permute'), dims.flat()),
  /**
   * The same elements in another shape; Triton may reorder them, here they keep their order.
   * @differs Keeps the order of elements; Triton may reorder them.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  view:
    (t: Trace) =>
    <T extends number | boolean>(input: T, ...shape: (number | readonly number[])[]): Widen<T> =>
      asUser(reshapeTo(t, t.value(input, 'tl.view'), t.constShape(shape.flat(), 'tl.view: the shape'))),
  /**
   * All elements of a tile in one dimension, in row-major order.
   * @differs Keeps the order of elements whatever `can_reorder` says.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  ravel:
    (t: Trace) =>
    <T extends number | boolean>(x: T, options: ReorderOptions = {}): Widen<T> => {
      checkOptions(t, 'ravel', options, ['can_reorder']);
      const v = t.value(x, 'tl.ravel');
      return asUser(reshapeTo(t, v, [numel(v.type.shape)]));
    },
  /**
   * `x[:, None]`: a 1-D tile as a column of shape [n, 1].
   * @differs Stands for the index expression `x[:, None]`, which TypeScript lacks.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  col:
    (t: Trace) =>
    <T extends number | boolean>(x: T): Widen<T> =>
      expand(t, 'tl.col', x, [t.value(x, 'tl.col').type.shape.length]),
  /**
   * `x[None, :]`: a 1-D tile as a row of shape [1, n].
   * @differs Stands for the index expression `x[None, :]`, which TypeScript lacks.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  row:
    (t: Trace) =>
    <T extends number | boolean>(x: T): Widen<T> =>
      expand(t, 'tl.row', x, [0]),
};
