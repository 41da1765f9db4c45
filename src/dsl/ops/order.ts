// Sorting and counting. What `tl.sort`, `tl.topk` and `tl.bitonic_merge` do is one network of compare-exchange steps, given here as
// data; both back ends walk it, so that NaN and zeros of both signs go where Triton's own network takes them.

import type { Attrs, Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, dtypeOf, isPtr, sameShape, tile } from '../types.ts';
import { asUser, op } from './row.ts';
import { checkOptions, widen } from './rules.ts';

/**
 * One step on all elements of the last dimension; `bit` is a bit of their index.
 * - `exchange`: elements whose indices differ in that bit are compared. The one with the bit 0 becomes the other if it is greater;
 *   the one with the bit 1 becomes the other unless *it* is greater: both look for themselves, as in Triton, so that two
 *   elements that do not compare (NaN) or compare equal both become the lower one. `flip` turns this round: everywhere
 *   (boolean), or where that bit of the index is 1 (number).
 * - `fold`: of the two, the greater one (the lesser one when ascending) stays; the bit goes away, higher bits move down.
 */
export type NetworkStep =
  | { readonly kind: 'exchange'; readonly bit: number; readonly flip: number | boolean }
  | { readonly kind: 'fold'; readonly bit: number };

/** The steps of a `sort` op for a last dimension of n. Source: Triton's bitonic sort and top-k. */
export function network(n: number, attrs: Attrs): readonly NetworkStep[] {
  const k = (attrs.k as number | undefined) ?? n;
  const descending = Boolean(attrs.descending);
  const [logN, logK] = [Math.log2(n), Math.log2(k)];
  const steps: NetworkStep[] = [];
  const merge = (bits: number, flip: number | boolean): void => {
    for (let bit = bits - 1; bit >= 0; bit--) steps.push({ kind: 'exchange', bit, flip });
  };
  if (attrs.merge) merge(logN, descending);
  else {
    for (let i = 1; i <= logK; i++) merge(i, i < logN ? i : descending);
    for (let i = logK + 1; i <= logN; i++) {
      steps.push({ kind: 'fold', bit: logK });
      merge(logK, i < logN ? logK : descending);
    }
  }
  return steps;
}

export interface SortOptions {
  /** The only dimension that can be sorted is the last. */
  readonly dim?: number | null;
  /** From the greatest to the least; a number counts as true unless it is 0. */
  readonly descending?: boolean | number;
}
type Dim = number | null | SortOptions;

/** Operand and attributes of the three functions; `dim` may be left out before the options. */
function sorted(t: Trace, name: string, x: unknown, dim: Dim | undefined, options: SortOptions, attrs: Attrs): Value {
  const o: SortOptions = typeof dim === 'object' && dim !== null ? dim : { ...options, ...(dim == null ? {} : { dim }) };
  checkOptions(t, name, o, name === 'topk' ? ['dim'] : ['dim', 'descending']);
  const v = t.value(x, `tl.${name}`);
  if (isPtr(v.type)) t.fail(TL.pointerElement, `tl.${name}`, v.type);
  const rank = v.type.shape.length;
  if (!rank) t.fail(TL.rank, `tl.${name}`, v.type, 'a tile');
  if (o.dim != null && t.constInt(o.dim, `tl.${name}: dim`) !== rank - 1) t.fail(TL.lastDimOnly, name, Number(o.dim), v.type);
  return t.one('sort', [v], { ...attrs, ...(o.descending ? { descending: true } : {}) });
}

export const ORDER = {
  /**
   * Sorts along the last dimension.
   * @cost log2(n)·(log2(n)+1)/2 steps over the whole tile: free of communication inside an invocation, shuffles inside a
   * subgroup, workgroup memory beyond.
   */
  sort: op({
    doc: 'Sorts along the last dimension, ascending unless `descending`. Of elements that do not compare (NaN) or compare equal but differ (-0.0 and 0.0) some may be lost for others, as in Triton.',
    args: ['x'],
    attrs: ['descending', 'k', 'merge'],
    traits: ['pure'],
    type: ([x], { k }) => {
      const n = x.shape[x.shape.length - 1];
      return k === undefined || k === n ? [x] : [tile(widen(dtypeOf(x)), [...x.shape.slice(0, -1), Number(k)])];
    },
    api:
      (t) =>
      (x: number | boolean, dim?: Dim, options: SortOptions = {}): number =>
        asUser(sorted(t, 'sort', x, dim, options, {})),
  }),
  /**
   * Counts how often each integer occurs.
   * @differs Values outside of 0 … num_bins - 1 are not counted, where Triton leaves that undefined.
   * @cost one atomic operation an element in workgroup memory, where values that repeat wait for one another.
   */
  histogram: op({
    doc: 'Counts of the integers 0 … num_bins - 1 in a 1-D integer tile, where the mask holds: an i32 tile of shape [num_bins]. Other values are not counted.',
    args: ['x', 'mask?'],
    attrs: ['num_bins'],
    traits: ['pure'],
    type: ([x, mask], { num_bins }, fail) => {
      if (x.shape.length !== 1) fail(TL.rank, 'tl.histogram', x, 'a 1-D tile');
      if (isPtr(x) || !dtypeOf(x).is_int()) fail(TL.unary, 'tl.histogram', x, 'an integer tile');
      if (mask && mask.elem !== DTYPES.bool) fail(TL.maskNotBool, 'tl.histogram', mask);
      if (mask && !sameShape(mask.shape, x.shape)) fail(TL.operands, 'tl.histogram', [x, mask], 'a mask of the shape of x');
      return [tile(DTYPES.i32, [Number(num_bins)])];
    },
    api:
      (t) =>
      (input: number, num_bins: number, options: HistogramOptions = {}): number => {
        checkOptions(t, 'histogram', options, ['mask']);
        const v = t.value(input, 'tl.histogram');
        const [bins] = t.constShape([num_bins], 'tl.histogram: num_bins');
        const mask = options.mask == null ? undefined : t.value(options.mask, 'tl.histogram');
        return asUser(t.one('histogram', mask ? [v, t.broadcastTo(mask, v.type.shape)] : [v], { num_bins: bins }));
      },
  }),
};
export interface HistogramOptions {
  /** Elements where it is false are not counted. */
  readonly mask?: boolean | null;
}

const isPow2 = (n: number): boolean => n >= 1 && (n & (n - 1)) === 0;

export const ORDER_FNS = {
  /**
   * The k greatest elements along the last dimension, descending. Narrow dtypes become 32 bits wide, as in Triton.
   * @cost fewer steps than `tl.sort` the smaller k is: the tile is halved after every merge.
   */
  topk:
    (t: Trace) =>
    (x: number | boolean, k: number, dim?: number | null | Pick<SortOptions, 'dim'>): number => {
      const v = t.value(x, 'tl.topk');
      const n = t.constInt(k, 'tl.topk: k');
      if (v.type.shape.length && !(isPow2(n) && n <= (v.type.shape.at(-1) as number))) t.fail(TL.topk, n, v.type);
      return asUser(sorted(t, 'topk', v, dim, {}, { k: n, descending: true }));
    },
  /**
   * Sorts rows that are bitonic: first ascending, then descending (or the other way round).
   * @cost log2(n) steps over the whole tile.
   */
  bitonic_merge:
    (t: Trace) =>
    (x: number | boolean, dim?: Dim, options: SortOptions = {}): number =>
      asUser(sorted(t, 'bitonic_merge', x, dim, options, { merge: true })),
};
