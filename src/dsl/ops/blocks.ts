// Block pointers and tensor descriptors: a block of a tensor in memory, given by where the tensor begins, its shape and strides, and
// the block's offsets. They exist while a kernel is traced and come out as ordinary pointers and masks, with offsets in i64.
// Source: Triton 3.6, `language/semantic.py` (checks) and its pass RewriteTensorPointer (addresses and masks).

import { fail, NO_LOC } from '../diagnostics.ts';
import { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { STRUCTURE, type Structure, type Structured } from '../trace/structure.ts';
import { DTYPES, type DType, dtypeOf, isPtr, pointee, printType, sameShape, tile } from '../types.ts';
import { describeJs } from './math.ts';

const { i8, i32, i64, bool } = DTYPES;

/** One number a dimension; a single number for one dimension. */
export type PerDim = number | readonly number[];
const list = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : [x]);

/** Where a tensor lies: its first element, its extent and the distance of neighbours along each dimension (i64 scalars). */
export interface Layout {
  readonly base: Value;
  readonly shape: readonly Value[];
  readonly strides: readonly Value[];
}
/** What a load puts where there is no element. */
export type Padding = 'zero' | 'nan' | '';

// ---- arguments --------------------------------------------------------------------------------------------------------

/** Integer scalars of one dtype: numbers become constants, narrower integers are widened. */
export function scalars(t: Trace, what: string, xs: unknown, dtype: DType): Value[] {
  return list(xs).map((x) => {
    if (x instanceof Value ? x.type.shape.length || isPtr(x.type) || !dtypeOf(x.type).is_int() : !Number.isInteger(Number(x)))
      t.fail(TL.blockScalar, what, x instanceof Value ? printType(x.type) : describeJs(x));
    if (!(x instanceof Value)) return t.constant(typeof x === 'bigint' ? x : Number(x), dtype);
    if (dtype === i32 && dtypeOf(x.type).bits === 64) t.fail(TL.blockOffset64, what, x.type);
    return t.cast(x, dtype);
  });
}
/** Offsets are at most 32 bits wide, as Triton demands, and counted in 64. */
export const offsetsOf = (t: Trace, what: string, xs: unknown): Value[] => scalars(t, what, xs, i32).map((v) => t.cast(v, i64));

export function basePointer(t: Trace, what: string, x: unknown): Value {
  const v = t.value(x, what);
  if (!isPtr(v.type) || v.type.shape.length) t.fail(TL.blockBase, what, printType(v.type));
  return v;
}
export function sameCount(t: Trace, what: string, rank: number, lists: { readonly [name: string]: readonly unknown[] }): void {
  for (const [name, xs] of Object.entries(lists)) if (xs.length !== rank) t.fail(TL.blockRank, what, name, xs.length, rank);
}
export function checkPadding(t: Trace, what: string, padding: unknown, elem: DType): Padding {
  if (padding !== '' && padding !== 'zero' && padding !== 'nan')
    t.fail(TL.unsupportedArg, what, 'padding_option', describeJs(padding), "'zero' or 'nan'");
  if (padding === 'nan' && elem.is_int()) t.fail(TL.paddingNan, what, elem);
  return padding as Padding;
}
export function checkNames(t: Trace, name: string, options: unknown, known: readonly string[], needed: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    t.fail(TL.unsupportedArg, name, 'the options', describeJs(options), 'an object');
  for (const k of Object.keys(options as object)) if (!known.includes(k)) t.fail(TL.unknownArg, name, k, known);
  for (const k of needed) if (!(k in (options as object))) t.fail(TL.missingOption, name, k, needed);
}

// ---- addresses --------------------------------------------------------------------------------------------------------

/** An op of one result on operands brought to one shape. */
const op2 = (t: Trace, name: string, a: Value, b: Value): Value => t.one(name, t.broadcast(name, [a, b]));

/** A 1-D tile along dimension `d` of `rank`. */
function along(t: Trace, v: Value, d: number, rank: number): Value {
  let x = v;
  for (let i = 0; i < rank; i++) if (i !== d) x = t.one('expand_dims', [x], { axis: i });
  return x;
}
/** The offsets of a block's elements along one dimension: offset, offset + 1, … */
export const run = (t: Trace, offset: Value, n: number): Value =>
  op2(t, 'add', offset, t.cast(t.one('arange', [], { start: 0, end: n }), i64));

/**
 * Pointers to a block's elements, and where they lie inside the tensor, for the dimensions in `checked`. `places` holds the
 * offsets along each dimension, 1-D tiles of i64.
 */
export function address(
  t: Trace,
  at: Layout,
  places: readonly Value[],
  checked: readonly number[],
): { ptr: Value; mask?: Value } {
  const rank = places.length;
  let ptr = at.base;
  let mask: Value | undefined;
  places.forEach((place, d) => {
    ptr = op2(t, 'addptr', ptr, along(t, op2(t, 'mul', place, at.strides[d]), d, rank));
    if (!checked.includes(d)) return;
    const inside = op2(t, 'and', op2(t, 'ge', place, t.constant(0, i64)), op2(t, 'lt', place, at.shape[d]));
    const m = along(t, inside, d, rank);
    mask = mask ? op2(t, 'and', mask, m) : m;
  });
  const shape = places.map((p) => p.type.shape[0]);
  return { ptr: t.broadcastTo(ptr, shape), ...(mask ? { mask: t.broadcastTo(mask, shape) } : {}) };
}
export function loadFrom(t: Trace, { ptr, mask }: { ptr: Value; mask?: Value }, padding: Padding): Value {
  if (!mask) return t.one('load', [ptr]);
  if (padding === '') return t.one('load', [ptr, mask]);
  return t.one('load', [ptr, mask, t.constant(padding === 'nan' ? Number.NaN : 0, pointee(ptr.type), ptr.type.shape)]);
}
export const storeTo = (t: Trace, { ptr, mask }: { ptr: Value; mask?: Value }, value: Value): void =>
  void t.emit('store', mask ? [ptr, value, mask] : [ptr, value]);

/** What a structure shows of itself; as a number it is nothing. */
export function asText(x: Structured, as: string): string {
  const { kind } = x[STRUCTURE]();
  return as === 'string' ? kind : fail(NO_LOC, TL.tileAsJs, kind);
}

// ---- block pointers ---------------------------------------------------------------------------------------------------

export interface BlockPtrOptions {
  /** Extent of the tensor, one number a dimension. */
  readonly shape: PerDim;
  /** Distance of neighbours along each dimension, in elements. */
  readonly strides: PerDim;
  /** First element of the block, i32. */
  readonly offsets: PerDim;
  /** Shape of the tile that is loaded or stored; constexpr. */
  readonly block_shape: PerDim;
  /** Dimensions from the fastest to the slowest in memory; only checked, since strides say the same. */
  readonly order: PerDim;
}
const PTR_OPTIONS = ['shape', 'strides', 'offsets', 'block_shape', 'order'];

/** What `tl.make_block_ptr` gives: taken by `tl.load`, `tl.store` and `tl.advance`. */
export class BlockPointer implements Structured {
  readonly #at: Layout;
  readonly #offsets: readonly Value[];
  readonly #block: readonly number[];
  constructor(at: Layout, offsets: readonly Value[], block: readonly number[]) {
    this.#at = at;
    this.#offsets = offsets;
    this.#block = block;
  }
  /** Dtype of the tile that a load gives: i8 for a pointer to bool. */
  get dtype(): DType {
    const d = pointee(this.#at.base.type);
    return d === bool ? i8 : d;
  }
  get block_shape(): readonly number[] {
    return this.#block;
  }
  [STRUCTURE](): Structure {
    const { base, shape, strides } = this.#at;
    const n = this.#block.length;
    const part = (name: string, vs: readonly Value[]) => vs.map((v, i) => [`.${name}[${i}]`, v] as const);
    return {
      kind: printType(tile(this.dtype, this.#block)).replace('tile', 'block_ptr'),
      parts: [['.base', base], ...part('shape', shape), ...part('strides', strides), ...part('offsets', this.#offsets)],
      rebuild: (parts) => {
        const [b, ...rest] = parts as readonly Value[];
        return new BlockPointer(
          { base: b, shape: rest.slice(0, n), strides: rest.slice(n, 2 * n) },
          rest.slice(2 * n),
          this.#block,
        );
      },
    };
  }
  [Symbol.toPrimitive](as: string): string {
    return asText(this, as);
  }
  moved(t: Trace, by: unknown): BlockPointer {
    const steps = offsetsOf(t, 'tl.advance', by);
    sameCount(t, 'tl.advance', this.#block.length, { offsets: steps });
    return new BlockPointer(
      this.#at,
      this.#offsets.map((o, i) => t.one('add', [o, steps[i]])),
      this.#block,
    );
  }
  private address(t: Trace, checked: readonly number[]) {
    const places = this.#offsets.map((o, d) => run(t, o, this.#block[d]));
    return address(t, this.#at, places, checked);
  }
  load(t: Trace, checked: readonly number[], padding: Padding): Value {
    return t.cast(loadFrom(t, this.address(t, checked), padding), this.dtype);
  }
  store(t: Trace, x: unknown, checked: readonly number[]): void {
    let v = t.value(x, 'tl.store');
    if (!v.type.shape.length && !isPtr(v.type)) v = t.broadcastTo(v, this.#block);
    const want = tile(this.dtype, this.#block);
    if (v.type.elem !== want.elem || !sameShape(v.type.shape, want.shape)) t.fail(TL.blockValue, v.type, want);
    storeTo(t, this.address(t, checked), t.cast(v, pointee(this.#at.base.type)));
  }
}

/** Dimensions to check, each once. */
export function boundaryCheck(t: Trace, name: string, x: PerDim | undefined, rank: number): readonly number[] {
  if (x === undefined || x === null) return [];
  const dims = list(x).map((d) => t.constInt(d, `tl.${name}: boundary_check`));
  if (dims.some((d) => d < 0 || d >= rank) || new Set(dims).size < dims.length) t.fail(TL.boundaryCheck, name, dims, rank);
  return dims;
}

export const BLOCK_FNS = {
  /**
   * A pointer to a block of a tensor: `tl.load` and `tl.store` take it, `tl.advance` moves it.
   * @differs `order` is checked and has no effect: the strides say it.
   * @cost nothing: loads and stores compute addresses from its parts
   */
  make_block_ptr:
    (t: Trace) =>
    (base: number, options: BlockPtrOptions): BlockPointer => {
      checkNames(t, 'make_block_ptr', options, PTR_OPTIONS, PTR_OPTIONS);
      const what = 'tl.make_block_ptr';
      const ptr = basePointer(t, what, base);
      const block = t.constShape(options.block_shape, `${what}: block_shape`);
      const order = list(options.order).map((d) => t.constInt(d, `${what}: order`));
      const shape = scalars(t, what, options.shape, i64);
      const strides = scalars(t, what, options.strides, i64);
      const offsets = offsetsOf(t, what, options.offsets);
      sameCount(t, what, block.length, { shape, strides, offsets, order });
      if ([...order].sort((a, b) => a - b).join() !== [...block.keys()].join()) t.fail(TL.blockOrder, order, block.length);
      return new BlockPointer({ base: ptr, shape, strides }, offsets, block);
    },
  /**
   * A block pointer moved by `offsets`, one number a dimension; the old one stays as it is.
   * @cost one addition a dimension, of scalars
   */
  advance:
    (t: Trace) =>
    (base: BlockPointer, offsets: PerDim): BlockPointer => {
      if (!(base instanceof BlockPointer)) t.fail(TL.blockExpected, 'tl.advance', describeJs(base));
      return base.moved(t, offsets);
    },
};
