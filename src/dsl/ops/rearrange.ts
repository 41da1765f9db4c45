// Rows that put tiles together, take them apart and pick their elements anew, and the functions of `tl` made of them.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { dtypeOf, isPtr, numel, sameShape, sameType, type Type, withElem, withShape } from '../types.ts';
import { asUser, op, type Widen } from './row.ts';
import { checkOptions } from './rules.ts';
import { normalizeAxis, reshapeTo } from './shape.ts';

export interface CatOptions {
  /** Must be true: what a tile of both looks like inside is the compiler's choice. */
  readonly can_reorder?: boolean;
}

const joined = (t: Trace, what: string, a: unknown, b: unknown): Value => {
  const [x, y] = t.broadcast(what, [t.value(a, what), t.value(b, what)]);
  return t.one('join', [x, y]);
};

export const REARRANGE = {
  /**
   * Two tiles as one with a last dimension of 2.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  join: op({
    doc: 'Two tiles (or scalars) of one type as one tile with a new last dimension of 2: `a` at index 0, `b` at index 1. The operands are broadcast to one shape. The inverse of `tl.split`.',
    args: ['a', 'b'],
    traits: ['pure'],
    type: ([a, b], _attrs, fail) => {
      if (!sameType(a, b)) fail(TL.operands, 'tl.join', [a, b], 'two operands of one type');
      return [withShape(a, [...a.shape, 2])];
    },
    api:
      (t) =>
      <T extends number | boolean>(a: T, b: T): Widen<T> =>
        asUser(joined(t, 'tl.join', a, b)),
  }),
  /**
   * The halves of a tile along its last dimension, which is 2.
   * @cost where both halves lie in one invocation a relabeling; else one round through workgroup memory
   */
  split: op({
    doc: 'The two halves of a tile whose last dimension is 2, as [lhs, rhs] without that dimension; of a tile of shape [2] they are scalars. The inverse of `tl.join`.',
    args: ['a'],
    traits: ['pure'],
    type: ([a], _attrs, fail) => {
      if (a.shape.at(-1) !== 2) fail(TL.splitLast, a);
      const half = withShape(a, a.shape.slice(0, -1));
      return [half, half];
    },
    api:
      (t) =>
      <T extends number | boolean>(a: T): [Widen<T>, Widen<T>] =>
        t.emit('split', [t.value(a, 'tl.split')]).map(asUser) as [Widen<T>, Widen<T>],
  }),
  /**
   * Turns the order along a dimension round.
   * @differs Without `dim` the last dimension is turned round, where Triton asks for one.
   * @cost inside an invocation nothing, inside a subgroup shuffles; else one round through workgroup memory
   */
  flip: op({
    doc: 'Turns the order of elements along a dimension (the last without one) round. The shape and the dtype stay.',
    args: ['x'],
    attrs: ['axis'],
    traits: ['pure'],
    type: ([x], _attrs, fail) => {
      if (isPtr(x)) fail(TL.pointerElement, 'tl.flip', x);
      return [x];
    },
    api:
      (t) =>
      <T extends number | boolean>(x: T, dim?: number | null): Widen<T> => {
        const v = t.value(x, 'tl.flip');
        const rank = v.type.shape.length;
        return asUser(t.one('flip', [v], { axis: normalizeAxis(t, 'tl.flip', dim ?? rank - 1, rank) }));
      },
  }),
  /**
   * Elements by index along an axis.
   * @cost one round through workgroup memory.
   */
  gather: op({
    doc: 'Element i of the result is `src` at i with its index along `axis` replaced by `index` at i. `index` is an integer tile of the rank of `src`, and of its size in all dimensions but `axis`; its shape is the shape of the result. An index outside of `src` is an error on the interpreter; on a GPU it gives some other element.',
    args: ['src', 'index'],
    attrs: ['axis'],
    traits: ['pure'],
    type: ([src, index], { axis }, fail) => {
      if (isPtr(src)) fail(TL.pointerElement, 'tl.gather', src);
      if (isPtr(index) || !dtypeOf(index).is_int()) fail(TL.unary, 'the index of tl.gather', index, 'an integer tile');
      const fits = index.shape.length === src.shape.length && index.shape.every((n, d) => d === axis || n === src.shape[d]);
      if (!fits) fail(TL.gatherShape, src, index, Number(axis));
      return [withElem(index, src.elem)];
    },
    api:
      (t) =>
      <T extends number | boolean>(src: T, index: number, axis: number): Widen<T> => {
        const v = t.value(src, 'tl.gather');
        const a = normalizeAxis(t, 'tl.gather', axis, v.type.shape.length);
        return asUser(t.one('gather', [v, t.value(index, 'tl.gather')], { axis: a }));
      },
  }),
};

const catType = (t: Trace, a: Type, b: Type): void => {
  if (a.shape.length !== 1 || !sameShape(a.shape, b.shape) || !sameType(a, b))
    t.fail(TL.operands, 'tl.cat', [a, b], 'two 1-D tiles of one type and length');
};

export const REARRANGE_FNS = {
  /**
   * One 1-D tile after another. `tl.cat(a, b, { can_reorder: true })`; here the order is kept.
   * @differs The order is kept; Triton promises none.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  cat:
    (t: Trace) =>
    <T extends number | boolean>(input: T, other: T, options: CatOptions = {}): Widen<T> => {
      checkOptions(t, 'cat', options, ['can_reorder']);
      if (options.can_reorder !== true) t.fail(TL.catOrder);
      const [a, b] = [t.value(input, 'tl.cat'), t.value(other, 'tl.cat')];
      catType(t, a.type, b.type);
      const pairs = t.one('trans', [t.one('join', [a, b])], { perm: [1, 0] });
      return asUser(reshapeTo(t, pairs, [2 * numel(a.type.shape)]));
    },
  /**
   * Elements of two tiles in turn along the last dimension.
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  interleave:
    (t: Trace) =>
    <T extends number | boolean>(a: T, b: T): Widen<T> => {
      const pair = joined(t, 'tl.interleave', a, b);
      const { shape } = pair.type;
      if (shape.length === 1) return asUser(pair);
      return asUser(reshapeTo(t, pair, [...shape.slice(0, -2), 2 * shape[shape.length - 2]]));
    },
};
