// Rows that move elements without changing them. Free of data movement where layouts allow it.

import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { numel, type Type, withShape } from '../types.ts';
import { asUser, op, type TypeFail, type Widen } from './row.ts';

const normalizeAxis = (t: Trace, what: string, axis: number, rank: number): number => {
  const a = t.constInt(axis, `${what}: the axis`);
  if (a < -rank || a >= rank) t.fail(TL.axisRange, what, a, rank);
  return a < 0 ? a + rank : a;
};
const reshapeRule = ([x]: readonly Type[], to: readonly number[], fail: TypeFail): Type[] => {
  if (numel(x.shape) !== numel(to)) fail(TL.reshape, x, to);
  return [withShape(x, to)];
};
const expand = (t: Trace, what: string, x: unknown, axes: readonly number[]): any => {
  let v = t.value(x, what);
  for (const a of axes) {
    const axis = normalizeAxis(t, what, a, v.type.shape.length + 1);
    v = t.one('expand_dims', [v], { axis });
  }
  return asUser(v);
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
      <T extends number | boolean>(x: T, axis: number | readonly number[]): Widen<T> =>
        expand(t, 'tl.expand_dims', x, Array.isArray(axis) ? axis : [axis as number]),
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
      <T extends number | boolean>(x: T, ...shape: (number | readonly number[])[]): Widen<T> =>
        asUser(t.broadcastTo(t.value(x, 'tl.broadcast_to'), t.constShape(shape.flat(), 'tl.broadcast_to: the shape'))),
  }),
  /** The same elements, in row-major order, in another shape. */
  reshape: op({
    doc: 'The same elements, in row-major order, in another shape.',
    args: ['x'],
    attrs: ['shape'],
    traits: ['pure', 'shape'],
    type: (ts, { shape }, fail) => reshapeRule(ts, shape as number[], fail),
    api:
      (t) =>
      <T extends number | boolean>(x: T, ...shape: (number | readonly number[])[]): Widen<T> => {
        const v = t.value(x, 'tl.reshape');
        const to = t.constShape(shape.flat(), 'tl.reshape: the shape');
        return asUser(t.one('reshape', [v], { shape: to }));
      },
  }),
  /** Reorders dimensions; without an order, swaps the last two. */
  trans: op({
    doc: 'Reorders dimensions: dimension i of the result is dimension perm[i] of x. Without an order the last two are swapped.',
    args: ['x'],
    attrs: ['perm'],
    traits: ['pure', 'shape'],
    type: ([x], { perm }, fail) => {
      const p = perm as number[];
      if ([...p].sort((a, b) => a - b).join() !== x.shape.map((_, i) => i).join()) fail(TL.permutation, x, p);
      return [
        withShape(
          x,
          p.map((i) => x.shape[i]),
        ),
      ];
    },
    api:
      (t) =>
      <T extends number | boolean>(x: T, ...perm: (number | readonly number[])[]): Widen<T> => {
        const v = t.value(x, 'tl.trans');
        const n = v.type.shape.length;
        const given = perm.flat().map((p) => t.constInt(p, 'tl.trans: the order'));
        if (given.length === 0 && n < 2) t.fail(TL.permutation, v.type, [1, 0]);
        const order = given.length
          ? given.map((p) => (p < 0 ? p + n : p))
          : [...v.type.shape.keys()].map((i) => (i === n - 1 ? n - 2 : i === n - 2 ? n - 1 : i));
        return asUser(t.one('trans', [v], { perm: order }));
      },
  }),
};

export const SHAPE_FNS = {
  /** `x[:, None]`: a 1-D tile as a column of shape [n, 1]. */
  col:
    (t: Trace) =>
    <T extends number | boolean>(x: T): Widen<T> =>
      expand(t, 'tl.col', x, [t.value(x, 'tl.col').type.shape.length]),
  /** `x[None, :]`: a 1-D tile as a row of shape [1, n]. */
  row:
    (t: Trace) =>
    <T extends number | boolean>(x: T): Widen<T> =>
      expand(t, 'tl.row', x, [0]),
};
