// Tensor descriptors: a tensor in memory that blocks of one shape are loaded from and stored to. Every access stays inside the
// tensor: what lies outside is padding in a load and left alone by a store. Like block pointers they come out as pointers and masks.
// Source: Triton 3.6, `language/semantic.py` and `tl.tensor_descriptor`.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { type Trace, trace } from '../trace/context.ts';
import { STRUCTURE, type Structure, type Structured } from '../trace/structure.ts';
import { DTYPES, type DType, dtypeOf, isPtr, pointee, printType, sameShape, tile, withElem } from '../types.ts';
import {
  address,
  asText,
  basePointer,
  checkNames,
  checkPadding,
  type Layout,
  loadFrom,
  offsetsOf,
  type Padding,
  type PerDim,
  run,
  sameCount,
  scalars,
  storeTo,
} from './blocks.ts';
import { describeJs } from './math.ts';
import { asUser } from './row.ts';

const { i32, u32, i64, u64, f32 } = DTYPES;
const INTEGERS = [i32, u32, i64, u64];
/** Bytes that rows of a tensor and of a block are made of. */
const UNIT = 16;

export interface DescriptorOptions {
  /** Extent of the tensor, i32, one to five dimensions. */
  readonly shape: readonly number[];
  /** Distance of neighbours along each dimension, in elements: multiples of 16 bytes, the last one 1. */
  readonly strides: readonly number[];
  /** Shape of every block; constexpr, at least 16 bytes along the last dimension. */
  readonly block_shape: readonly number[];
  /** What a load gives outside the tensor: 'zero' (the default), or 'nan' for floats. */
  readonly padding_option?: Padding;
}
const OPTIONS = ['shape', 'strides', 'block_shape', 'padding_option'];

/** What `tl.make_tensor_descriptor` gives. */
export class TensorDescriptor implements Structured {
  readonly #at: Layout;
  readonly #block: readonly number[];
  readonly #padding: Padding;
  constructor(at: Layout, block: readonly number[], padding: Padding) {
    this.#at = at;
    this.#block = block;
    this.#padding = padding;
  }
  /** Dtype of the tensor. */
  get dtype(): DType {
    return pointee(this.#at.base.type);
  }
  /** Shape of the tiles that are loaded and stored. */
  get block_shape(): readonly number[] {
    return this.#block;
  }
  /** Extent of the tensor, i32 scalars. */
  get shape(): readonly number[] {
    return this.#at.shape.map((v) => asUser(trace('tensor_descriptor.shape').cast(v, i32)));
  }
  /** Strides of the tensor in elements, i64 scalars. */
  get strides(): readonly number[] {
    return this.#at.strides.map(asUser);
  }
  [STRUCTURE](): Structure {
    const { base, shape, strides } = this.#at;
    const n = this.#block.length;
    return {
      kind: `${printType(tile(this.dtype, this.#block)).replace('tile', 'tensor_descriptor')}${this.#padding === 'nan' ? ' padded with nan' : ''}`,
      parts: [
        ['.base', base],
        ...shape.map((v, i) => [`.shape[${i}]`, v] as const),
        ...strides.map((v, i) => [`.strides[${i}]`, v] as const),
      ],
      rebuild: (parts) => {
        const [b, ...rest] = parts as readonly Value[];
        return new TensorDescriptor({ base: b, shape: rest.slice(0, n), strides: rest.slice(n) }, this.#block, this.#padding);
      },
    };
  }
  [Symbol.toPrimitive](as: string): string {
    return asText(this, as);
  }

  /** The block whose first element is at `offsets`. */
  load(offsets: PerDim): number {
    const t = trace('tensor_descriptor.load');
    return asUser(loadFrom(t, this.#block_at(t, 'load', offsets), this.#padding));
  }
  /** Writes a tile of the block's shape at `offsets`, converted to the tensor's dtype. */
  store(offsets: PerDim, value: number | boolean): void {
    const t = trace('tensor_descriptor.store');
    const v = this.#value(t, 'store', value, this.#block);
    storeTo(t, this.#block_at(t, 'store', offsets), v);
  }
  /** Rows of a tensor of two dimensions, one for each of `x_offsets` (a tile [R]), from column `y_offset` on: [R, C]. */
  gather(x_offsets: number, y_offset: number): number {
    const t = trace('tensor_descriptor.gather');
    return asUser(loadFrom(t, this.#rows(t, 'gather', x_offsets, y_offset).at, this.#padding));
  }
  /** Writes the rows of a tile [R, C] to the rows `x_offsets` of a tensor of two dimensions, from column `y_offset` on. */
  scatter(value: number | boolean, x_offsets: number, y_offset: number): void {
    const t = trace('tensor_descriptor.scatter');
    const { at, shape } = this.#rows(t, 'scatter', x_offsets, y_offset);
    storeTo(t, at, this.#value(t, 'scatter', value, shape));
  }
  /** Adds a tile of the block's shape to the elements at `offsets`, each atomically: i32, u32, u64 or f32. */
  atomic_add(offsets: PerDim, value: number): void {
    this.#atomic('atomic_add', offsets, value, [i32, u32, u64, f32]);
  }
  /** Keeps the smaller of each element and the tile's: i32, u32, i64 or u64, as all that follow. */
  atomic_min(offsets: PerDim, value: number): void {
    this.#atomic('atomic_min', offsets, value, INTEGERS);
  }
  /** Keeps the larger. */
  atomic_max(offsets: PerDim, value: number): void {
    this.#atomic('atomic_max', offsets, value, INTEGERS);
  }
  /** Bitwise and. */
  atomic_and(offsets: PerDim, value: number): void {
    this.#atomic('atomic_and', offsets, value, INTEGERS);
  }
  /** Bitwise or. */
  atomic_or(offsets: PerDim, value: number): void {
    this.#atomic('atomic_or', offsets, value, INTEGERS);
  }
  /** Bitwise exclusive or. */
  atomic_xor(offsets: PerDim, value: number): void {
    this.#atomic('atomic_xor', offsets, value, INTEGERS);
  }

  #atomic(name: string, offsets: PerDim, value: unknown, dtypes: readonly DType[]): void {
    const what = `tensor_descriptor.${name}`;
    const t = trace(what);
    if (!dtypes.includes(this.dtype)) t.fail(TL.atomicDtype, what, this.dtype, dtypes.join(', '));
    const v = this.#value(t, name, value, this.#block);
    const { ptr, mask } = this.#block_at(t, name, offsets);
    t.emit(name, mask ? [ptr, v, mask] : [ptr, v], { relaxed: true });
  }
  #block_at(t: Trace, name: string, offsets: PerDim) {
    const what = `tensor_descriptor.${name}`;
    const at = offsetsOf(t, what, offsets);
    sameCount(t, what, this.#block.length, { offsets: at });
    return address(
      t,
      this.#at,
      at.map((o, d) => run(t, o, this.#block[d])),
      [...at.keys()],
    );
  }
  #rows(t: Trace, name: string, x_offsets: unknown, y_offset: unknown) {
    const what = `tensor_descriptor.${name}`;
    if (this.#block.length !== 2 || this.#block[0] !== 1) t.fail(TL.descriptorRows, what, this.#block);
    const x = t.value(x_offsets, what);
    if (isPtr(x.type) || x.type.shape.length !== 1 || x.type.shape[0] < 8 || !dtypeOf(x.type).is_int())
      t.fail(TL.descriptorRowOffsets, what, printType(x.type));
    const least = Math.floor(32 / this.dtype.bits) * 8;
    if (this.#block[1] < least) t.fail(TL.descriptorColumns, what, this.dtype, least, this.#block[1]);
    const [y] = offsetsOf(t, what, y_offset);
    const at = address(t, this.#at, [t.cast(x, i64), run(t, y, this.#block[1])], [0, 1]);
    return { at, shape: [x.type.shape[0], this.#block[1]] };
  }
  #value(t: Trace, name: string, x: unknown, shape: readonly number[]): Value {
    const v = t.value(x, `tensor_descriptor.${name}`);
    const want = tile(this.dtype, shape);
    if (isPtr(v.type) || !sameShape(v.type.shape, shape))
      t.fail(TL.blockValue, v.type, isPtr(v.type) ? want : withElem(want, v.type.elem));
    return t.cast(v, this.dtype);
  }
}

/** Strides that are known must be right now; the interpreter checks the others when the kernel runs. */
function checkStrides(t: Trace, strides: readonly Value[], bytes: number): void {
  const last = t.constantOf(strides[strides.length - 1]);
  if (last === undefined || BigInt(last) !== 1n)
    t.fail(TL.descriptorLastStride, last === undefined ? 'known only on the device' : String(last));
  const unit = BigInt(Math.max(1, UNIT / bytes));
  for (const [d, s] of strides.slice(0, -1).entries()) {
    const known = t.constantOf(s);
    if (known !== undefined) {
      if (BigInt(known) % unit !== 0n) t.fail(TL.descriptorStride, d, String(known), bytes);
      continue;
    }
    const rest = t.one('mod', [s, t.constant(unit, i64)]);
    t.emit('assume', [t.one('eq', [rest, t.constant(0, i64)])]);
  }
}

const descriptor = (t: Trace, name: string, x: unknown): TensorDescriptor =>
  x instanceof TensorDescriptor ? x : t.fail(TL.descriptorExpected, `tl.${name}`, describeJs(x));

export const DESCRIPTOR_FNS = {
  /**
   * Describes a tensor in memory, for loads and stores of blocks that may reach beyond it.
   * @differs Nothing is copied asynchronously: a descriptor is a pointer with bounds, and asks for no allocator.
   * @cost what masked pointers cost: every load and store compares indices with the bounds.
   */
  make_tensor_descriptor:
    (t: Trace) =>
    (base: number, options: DescriptorOptions): TensorDescriptor => {
      checkNames(t, 'make_tensor_descriptor', options, OPTIONS, OPTIONS.slice(0, 3));
      const what = 'tl.make_tensor_descriptor';
      const ptr = basePointer(t, what, base);
      const elem = pointee(ptr.type);
      const rank = Array.isArray(options.shape) ? options.shape.length : 1;
      if (rank < 1 || rank > 5)
        t.fail(TL.unsupportedArg, 'make_tensor_descriptor', 'shape', `of ${rank} dimensions`, '1 to 5 dimensions');
      const block = t.constShape(options.block_shape, `${what}: block_shape`);
      const strides = scalars(t, what, options.strides, i64);
      sameCount(t, what, rank, { strides, block_shape: block });
      const row = block[rank - 1];
      if (row * elem.bytes < UNIT) t.fail(TL.descriptorBlock, row, elem);
      checkStrides(t, strides, elem.bytes);
      const shape = scalars(t, what, options.shape, i32).map((v) => t.cast(v, i64));
      const padding = checkPadding(t, 'make_tensor_descriptor', options.padding_option ?? 'zero', elem) || 'zero';
      return new TensorDescriptor({ base: ptr, shape, strides }, block, padding);
    },
  /**
   * The block of a tensor whose first element is at `offsets`: `desc.load(offsets)`.
   * @cost as a masked `tl.load`: every index is compared with the bounds
   */
  load_tensor_descriptor:
    (t: Trace) =>
    (desc: TensorDescriptor, offsets: PerDim): number =>
      descriptor(t, 'load_tensor_descriptor', desc).load(offsets),
  /**
   * Writes a tile as the block whose first element is at `offsets`: `desc.store(offsets, value)`.
   * @cost as a masked `tl.store`: every index is compared with the bounds
   */
  store_tensor_descriptor:
    (t: Trace) =>
    (desc: TensorDescriptor, offsets: PerDim, value: number | boolean): void =>
      descriptor(t, 'store_tensor_descriptor', desc).store(offsets, value),
};
