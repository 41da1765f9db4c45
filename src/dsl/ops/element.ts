// Ops with a function of the kernel inside: `tl.reduce`, `tl.associative_scan`, `tl.map_elementwise`. The function is traced once,
// on scalars, into the op's region. For k operands the region of a reduction or scan takes 2k scalars (k of the left part of
// the axis, k of the right) and yields k.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DTypeName, dtypeOf, isPtr, numel, scalar, type Type, withElem } from '../types.ts';
import { axisOf, drop, finish, folding, type KeepDims } from './reduceArgs.ts';
import { asUser, op, type Row, type TypeFail, type Widen } from './row.ts';
import { checkOptions, sameShapes } from './rules.ts';

export interface ScanOptions {
  /** From the last element to the first: the function's first arguments then stand for the elements behind. */
  readonly reverse?: boolean;
}
export interface MapOptions {
  /** Elements of each operand that one call of the function takes: neighbours along the last dimension. */
  readonly pack?: number;
}

type Elem = number | boolean;
type Widened<T extends readonly Elem[]> = { -readonly [K in keyof T]: Widen<T[K]> };
/** A combining function of several operands returns as many values as there are operands; the tracer checks it. */
type Combine<T extends readonly Elem[]> = (...args: [...Widened<T>, ...Widened<T>]) => readonly Elem[];

export interface Reduce {
  /** Folds an axis of a tile (all axes if null) with an associative function of two elements: `tl.reduce(x, 0, (a, b) => a + b)`. */
  (input: number, axis: number | null, combine_fn: (a: number, b: number) => number, options?: KeepDims): number;
  /** Folds an axis of a mask (all axes if null) with an associative function of two conditions: `tl.reduce(m, 0, (a, b) => a && b)`. */
  (input: boolean, axis: number | null, combine_fn: (a: boolean, b: boolean) => boolean, options?: KeepDims): boolean;
  /** Folds an axis of several tiles at once: the function takes an element of each from the left, then from the right, and returns as many. */
  <const T extends readonly Elem[]>(
    input: readonly [...T],
    axis: number | null,
    combine_fn: Combine<T>,
    options?: KeepDims,
  ): Widened<T>;
}
export interface Scan {
  /** Combines the elements up to each one along an axis with an associative function: `tl.associative_scan(x, 0, (a, b) => a + b)`. */
  (input: number, axis: number, combine_fn: (a: number, b: number) => number, options?: ScanOptions): number;
  /** Combines the conditions up to each one along an axis with an associative function: `tl.associative_scan(m, 0, (a, b) => a || b)`. */
  (input: boolean, axis: number, combine_fn: (a: boolean, b: boolean) => boolean, options?: ScanOptions): boolean;
  /** Scans several tiles at once: the function takes an element of each from the left, then from the right, and returns as many. */
  <const T extends readonly Elem[]>(
    input: readonly [...T],
    axis: number,
    combine_fn: Combine<T>,
    options?: ScanOptions,
  ): Widened<T>;
}
type Mapped<R> = R extends readonly Elem[] ? { -readonly [K in keyof R]: Widen<R[K]> } : Widen<R>;
type MapElementwise = <R extends Elem | readonly Elem[]>(
  scalar_fn: (...args: any[]) => R,
  ...args: readonly (Elem | MapOptions)[]
) => Mapped<R>;

const scalars = (ts: readonly Type[]): Type[] => ts.map((t) => scalar(t.elem));
const combining: Row['region'] = (ts) => ({ args: [...scalars(ts), ...scalars(ts)], yields: scalars(ts) });
const noPointers = (what: string, ts: readonly Type[], fail: TypeFail): void => {
  for (const t of ts) if (isPtr(t)) fail(TL.pointerElement, what, t);
  sameShapes(what, ts, fail);
};
const several = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : [x]);
/** One operand gives one result, a list gives a list. */
const likeInput = (input: unknown, results: readonly Value[]): any =>
  Array.isArray(input) ? results.map(asUser) : asUser(results[0]);

export const ELEMENT = {
  /** Folds an axis with a function. */
  reduce: op({
    doc: 'Folds one axis (all without one) of one tile or several with a function of two elements (two groups of elements) that is associative. Neighbours are combined, left before right, in no fixed grouping.',
    args: ['...inputs'],
    attrs: ['axis'],
    traits: ['pure', 'reduction', 'element'],
    type: (ts, { axis }, fail) => {
      noPointers('tl.reduce', ts, fail);
      return ts.map((t) => drop(t, Number(axis)));
    },
    region: combining,
    api: (t): Reduce =>
      ((input: unknown, axis: number | null, combine_fn: unknown, options: KeepDims = {}) => {
        checkOptions(t, 'reduce', options, ['keep_dims']);
        const f = folding(t, 'reduce', several(input), axis);
        const results = t.element('reduce', f.operands, { axis: f.axis }, combine_fn);
        return likeInput(
          input,
          results.map((r) => finish(t, r, f, options.keep_dims)),
        );
      }) as Reduce,
  }),
  /**
   * Combines the elements up to each one with a function.
   * @cost as `tl.cumsum`, with the function once an element and step.
   */
  associative_scan: op({
    doc: 'Combines the elements up to each one along an axis with a function of two elements (two groups of elements) that is associative, left before right.',
    args: ['...inputs'],
    attrs: ['axis', 'reverse'],
    traits: ['pure', 'scan', 'element'],
    type: (ts, _a, fail) => {
      noPointers('tl.associative_scan', ts, fail);
      return ts;
    },
    region: combining,
    api: (t): Scan =>
      ((input: unknown, axis: number, combine_fn: unknown, options: ScanOptions = {}) => {
        checkOptions(t, 'associative_scan', options, ['reverse']);
        const f = folding(
          t,
          'associative_scan',
          several(input),
          axisOf(t, 'associative_scan', axis, rankOf(t, several(input)[0])),
        );
        const attrs = { axis: f.axis, ...(options.reverse ? { reverse: true } : {}) };
        return likeInput(input, t.element('associative_scan', f.operands, attrs, combine_fn));
      }) as Scan,
  }),
  /**
   * Calls a function of scalars for each element.
   * @cost the function once an element; invocations of a subgroup that branch differently wait for one another.
   */
  map_elementwise: op({
    doc: 'Calls a function of scalars for each element of the operands (for `pack` neighbours of each at once). It may branch and loop for each element by itself.',
    args: ['...inputs'],
    attrs: ['to', 'pack'],
    traits: ['pure', 'element'],
    type: (ts, attrs, fail) => {
      noPointers('tl.map_elementwise', ts, fail);
      return (attrs.to as DTypeName[]).map((d) => withElem(ts[0], DTYPES[d]));
    },
    region: (ts, attrs) => {
      const each = <T>(xs: readonly T[]): T[] => xs.flatMap((x) => Array<T>(Number(attrs.pack ?? 1)).fill(x));
      return { args: each(scalars(ts)), yields: each((attrs.to as DTypeName[]).map((d) => scalar(DTYPES[d]))) };
    },
    api: (t): MapElementwise =>
      ((scalar_fn: unknown, ...args: readonly unknown[]) => {
        const last = args.at(-1);
        const options = isOptions(t, last) ? last : {};
        checkOptions(t, 'map_elementwise', options, ['pack']);
        const pack = options.pack === undefined ? 1 : t.constInt(options.pack, 'the pack of tl.map_elementwise');
        const inputs = isOptions(t, last) ? args.slice(0, -1) : args;
        if (!inputs.length) t.fail(TL.unsupportedArg, 'map_elementwise', 'the second argument', 'missing', 'one tile or more');
        return mapElements(t, scalar_fn, inputs, pack);
      }) as MapElementwise,
  }),
};

const isOptions = (t: Trace, x: unknown): x is MapOptions =>
  typeof x === 'object' && x !== null && !t.isValue(x) && !(x instanceof Number);

const rankOf = (t: Trace, x: unknown): number => t.value(x, 'tl.associative_scan').type.shape.length;

function mapElements(t: Trace, fn: unknown, inputs: readonly unknown[], pack: number): unknown {
  const what = 'tl.map_elementwise';
  const operands = t.broadcast(
    what,
    inputs.map((x) => t.value(x, what)),
  );
  const { shape } = operands[0].type;
  for (const v of operands) if (isPtr(v.type)) t.fail(TL.pointerElement, what, v.type);
  if (pack < 1 || (pack & (pack - 1)) !== 0 || pack > numel(shape))
    t.fail(TL.unsupportedArg, 'map_elementwise', 'pack', String(pack), `a power of two, at most the ${numel(shape)} elements`);
  // Neighbours are then neighbours of one dimension.
  const flat = pack > 1 && shape.length > 1;
  const lists = flat ? operands.map((v) => t.one('reshape', [v], { shape: [numel(shape)] })) : operands;
  const { results, list } = t.map(lists, pack, fn);
  const back = results.map((r) => asUser(flat ? t.one('reshape', [r], { shape }) : r));
  return list ? back : back[0];
}

/** Dtypes of the results of a mapped function: `pack` yielded values in a row are neighbours in one result. */
export const mappedTypes = (yields: readonly Value[], pack: number): string[] =>
  yields.filter((_, i) => i % pack === 0).map((v) => dtypeOf(v.type).name);
