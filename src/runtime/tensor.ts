// Tensors: a dtype, a shape and strides over a piece of device memory. Views share the memory; only free() of the tensor that
// was allocated releases it, at once. Everything here works the same on every back end. Refuses to know kernels and launches.

import { fail, NO_LOC } from '../dsl/diagnostics.ts';
import { type DType, type DTypeName, numel } from '../dsl/types.ts';
import type { Backend, DeviceStats, Memory, StridedRegion } from './backend.ts';
import {
  arrayOver,
  decode,
  decodeFloat32,
  dtypeFrom,
  encode,
  flatten,
  isTypedArray,
  type TensorData,
  type TypedArray,
} from './convert.ts';
import { type Copied, wroteFromHost } from './hostCopy.ts';
import { TENSOR } from './messages.ts';

/** Memory with its fate. One per allocated tensor, shared by its views. */
export interface Storage extends Copied {
  readonly memory: Memory;
  readonly name: string;
  /** Why it cannot be used any more, e.g. 'was freed'; null while it lives. */
  gone: string | null;
}
/** What a tensor needs of its device. */
export interface TensorHost {
  readonly kind: 'webgpu' | 'interp';
  readonly stats: DeviceStats;
  readonly backend: Backend;
  empty(shape: readonly number[], dtype: DType | DTypeName, name?: string): Tensor;
  release(storage: Storage): void;
  /** The device writes to the memory, in what is enqueued or recorded now. */
  wrote(storage: Storage): void;
  /** The device reads the memory, in what is enqueued or recorded now. */
  used(storage: Storage): void;
  /** Refuses while a sequence is recorded; `what` begins the sentence. */
  notRecording(what: string): void;
}

export function checkShape(shape: unknown): readonly number[] {
  const ok = Array.isArray(shape) && shape.every((x) => Number.isSafeInteger(x) && x >= 0) && Number.isSafeInteger(numel(shape));
  return ok ? shape : fail(NO_LOC, TENSOR.shape, JSON.stringify(shape) ?? String(shape));
}
/** Strides of a row-major array, in elements. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let i = shape.length - 1, s = 1; i >= 0; i--) {
    strides[i] = s;
    s *= Math.max(1, shape[i]);
  }
  return strides;
}
/** Elements from the first to the last, both included; 0 for an empty shape. */
export const spanOf = (shape: readonly number[], strides: readonly number[]): number =>
  numel(shape) === 0 ? 0 : shape.reduce((a, n, i) => a + (n - 1) * strides[i], 1);

/** Strides that show `shape` over a view without copying, or null where there are none. */
function viewStrides(from: readonly number[], strides: readonly number[], shape: readonly number[]): number[] | null {
  if (numel(shape) === 0) return rowMajor(shape);
  // Runs of dimensions that are contiguous among themselves; each new dimension must lie within one run.
  const runs: { size: number; stride: number }[] = [];
  for (let i = 0; i < from.length; i++) {
    if (from[i] === 1) continue;
    const last = runs[runs.length - 1];
    if (last && last.stride === strides[i] * from[i]) runs[runs.length - 1] = { size: last.size * from[i], stride: strides[i] };
    else runs.push({ size: from[i], stride: strides[i] });
  }
  const out = new Array<number>(shape.length);
  let at = shape.length - 1;
  for (const run of runs.reverse()) {
    let left = run.size;
    let stride = run.stride;
    for (; left > 1; at--) {
      if (at < 0 || left % shape[at]) return null;
      out[at] = stride;
      stride *= shape[at];
      left /= shape[at];
    }
  }
  for (; at >= 0; at--) out[at] = 1; // only dimensions of 1 are left
  return out;
}

/** An n-dimensional array on a device. Made by `device.tensor`, `empty`, `zeros`, `full`, and by the view methods here. */
export class Tensor {
  readonly device: TensorHost;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  /** First element, in elements of `dtype` from the start of the memory. */
  readonly offset: number;
  /** Name in error messages. */
  readonly name: string;
  readonly storage: Storage;
  readonly isView: boolean;

  constructor(
    device: TensorHost,
    storage: Storage,
    dtype: DType,
    shape: readonly number[],
    strides: readonly number[],
    offset = 0,
    isView = false,
  ) {
    this.device = device;
    this.storage = storage;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.strides = Object.freeze([...strides]);
    this.offset = offset;
    this.isView = isView;
    this.name = storage.name;
  }

  get numel(): number {
    return numel(this.shape);
  }
  get rank(): number {
    return this.shape.length;
  }
  /** Size in bytes of the elements (not of the memory, which is padded). */
  get nbytes(): number {
    return this.numel * this.dtype.bytes;
  }
  get isContiguous(): boolean {
    const want = rowMajor(this.shape);
    return this.numel === 0 || this.shape.every((n, i) => n === 1 || this.strides[i] === want[i]);
  }
  /** `scores (f16[4, 128])`, as messages name it. */
  toString(): string {
    return `${this.isView ? 'a view of ' : ''}${this.name} (${this.dtype}[${this.shape.join(', ')}])`;
  }
  /** @internal */
  get region(): StridedRegion {
    const { storage, offset, shape, strides, dtype } = this;
    return { memory: storage.memory, offset, shape, strides, elemBytes: dtype.bytes };
  }
  /** Why the tensor cannot be used any more, or null. */
  get gone(): string | null {
    return this.storage.gone;
  }
  private alive(): void {
    if (this.gone) fail(NO_LOC, TENSOR.useAfterFree, this.toString(), this.gone);
    if (this.device.backend.lost) throw this.device.backend.lost;
  }

  // ---- views: no data moves ------------------------------------------------------------------------------------------

  /** @internal */
  as(shape: readonly number[], strides: readonly number[], offset = this.offset, dtype = this.dtype): Tensor {
    return new Tensor(this.device, this.storage, dtype, shape, strides, offset, true);
  }
  private dim(d: number): number {
    const at = d < 0 ? d + this.rank : d;
    if (!Number.isInteger(d) || at < 0 || at >= this.rank)
      fail(NO_LOC, TENSOR.index, this.toString(), `there is no dimension ${d}`);
    return at;
  }
  /** Elements `start` (included) to `end` (excluded) along `dim`, every `step`-th. Negative ends count from the back. */
  slice(dim: number, start = 0, end?: number, step = 1): Tensor {
    const d = this.dim(dim);
    const n = this.shape[d];
    const clamp = (x: number): number => Math.min(Math.max(x < 0 ? x + n : x, 0), n);
    if (!Number.isInteger(step) || step < 1)
      fail(NO_LOC, TENSOR.index, this.toString(), `slice step ${step} is not a positive integer`);
    const lo = clamp(start);
    const length = Math.max(0, Math.ceil((clamp(end ?? n) - lo) / step));
    const shape = this.shape.with(d, length);
    return this.as(shape, this.strides.with(d, this.strides[d] * step), this.offset + (length ? lo * this.strides[d] : 0));
  }
  /** The elements at `index` along `dim`, which disappears. */
  select(dim: number, index: number): Tensor {
    const d = this.dim(dim);
    const at = index < 0 ? index + this.shape[d] : index;
    if (!Number.isInteger(index) || at < 0 || at >= this.shape[d]) {
      fail(NO_LOC, TENSOR.index, this.toString(), `index ${index} is outside dimension ${dim} of size ${this.shape[d]}`);
    }
    const without = (a: readonly number[]): number[] => a.filter((_, i) => i !== d);
    return this.as(without(this.shape), without(this.strides), this.offset + at * this.strides[d]);
  }
  /** All `select(dim, i)`. */
  unbind(dim = 0): Tensor[] {
    return Array.from({ length: this.shape[this.dim(dim)] }, (_, i) => this.select(dim, i));
  }
  /** Swaps two dimensions (the last two when none are named). */
  transpose(a = -2, b = -1): Tensor {
    const [i, j] = [this.dim(a), this.dim(b)];
    const swap = (x: readonly number[]): number[] => x.with(i, x[j]).with(j, x[i]);
    return this.as(swap(this.shape), swap(this.strides));
  }
  permute(...dims: number[]): Tensor {
    const order = dims.map((d) => this.dim(d));
    if (order.length !== this.rank || new Set(order).size !== this.rank) {
      fail(NO_LOC, TENSOR.index, this.toString(), `permute(${dims.join(', ')}) does not name each dimension once`);
    }
    return this.as(
      order.map((d) => this.shape[d]),
      order.map((d) => this.strides[d]),
    );
  }
  /** A new dimension of size 1 before `dim`. */
  unsqueeze(dim: number): Tensor {
    const d = dim < 0 ? dim + this.rank + 1 : dim;
    return this.as(this.shape.toSpliced(d, 0, 1), this.strides.toSpliced(d, 0, 1));
  }
  /** The same elements with another shape; one dimension may be -1. Never copies: TL4106 where it would have to. */
  reshape(...dims: number[] | [readonly number[]]): Tensor {
    const wanted = (Array.isArray(dims[0]) ? dims[0] : dims) as readonly number[];
    const text = `[${wanted.join(', ')}]`;
    const known = numel(wanted.filter((n) => n !== -1));
    const shape = checkShape(wanted.map((n) => (n === -1 ? Math.floor(this.numel / Math.max(known, 1)) : n)));
    if (wanted.filter((n) => n === -1).length > 1 || numel(shape) !== this.numel) {
      fail(NO_LOC, TENSOR.reshape, this.toString(), text, `it has ${this.numel} elements`);
    }
    const strides = viewStrides(this.shape, this.strides, shape);
    return strides
      ? this.as(shape, strides)
      : fail(NO_LOC, TENSOR.reshape, this.toString(), text, `its strides are [${this.strides.join(', ')}]`);
  }
  /** Repeats dimensions of 1 (and the whole, in new dimensions before it) without copying: their stride is 0. Not to be written through. */
  expand(...shape: number[]): Tensor {
    const added = shape.length - this.rank;
    const fits = added >= 0 && this.shape.every((n, i) => n === 1 || n === shape[added + i]);
    if (!fits) fail(NO_LOC, TENSOR.reshape, this.toString(), `[${shape.join(', ')}]`, 'only dimensions of 1 can be repeated');
    const strides = checkShape(shape).map((n, i) => (i < added || this.shape[i - added] !== n ? 0 : this.strides[i - added]));
    return this.as(shape, strides);
  }
  /** Another shape (as `reshape`), or the same bytes as another dtype: the last dimension grows or shrinks with the width. */
  view(to: DType | DTypeName | readonly number[]): Tensor {
    if (Array.isArray(to)) return this.reshape(to);
    const dtype = dtypeFrom(to as DType | DTypeName);
    const [from, width] = [this.dtype.bytes, dtype.bytes];
    if (from === width) return this.as(this.shape, this.strides, this.offset, dtype);
    const refuse = (why: string): never => fail(NO_LOC, TENSOR.viewDtype, this.toString(), dtype.name, why);
    const last = this.rank - 1;
    if (last < 0) return refuse('it has no dimension');
    if (this.strides[last] !== 1 && this.shape[last] > 1)
      return refuse(`the stride of its last dimension is ${this.strides[last]}`);
    const scaled = (x: number, what: string): number => {
      const y = (x * from) / width;
      return Number.isInteger(y) ? y : refuse(`${what} ${x} does not divide evenly`);
    };
    return this.as(
      this.shape.with(last, scaled(this.shape[last], 'size')),
      this.strides.map((s, i) => (i === last ? 1 : scaled(s, 'stride'))),
      scaled(this.offset, 'offset'),
      dtype,
    );
  }

  // ---- data ----------------------------------------------------------------------------------------------------------

  /** This tensor if its elements lie in row-major order without gaps, else a copy on the device (which the caller frees). */
  contiguous(): Tensor {
    return this.isContiguous ? this : this.clone();
  }
  /** A row-major copy on the device. */
  clone(name = `copy of ${this.name}`): Tensor {
    this.alive();
    const copy = this.device.empty(this.shape, this.dtype, name);
    if (!this.numel) return copy;
    this.device.used(this.storage);
    this.device.wrote(copy.storage);
    this.device.backend.copy(this.region, copy.region);
    return copy;
  }
  /**
   * Overwrites the elements with those of another tensor of the same device, dtype and shape, on the device.
   * @throws CompileError TL4114 when they differ.
   */
  copyFrom(from: Tensor): void {
    this.alive();
    from.alive();
    const same = from.device === this.device && from.dtype === this.dtype && from.shape.join() === this.shape.join();
    if (!same) fail(NO_LOC, TENSOR.copyFrom, String(this), String(from));
    if (!this.numel) return;
    this.device.used(from.storage);
    this.device.wrote(this.storage);
    this.device.backend.copy(from.region, this.region);
  }
  /**
   * Overwrites the elements, in row-major order of the view. Data as in `device.tensor`; one number fills.
   * @throws CompileError TL4101 when the lengths differ, TL4103 for a number that the dtype cannot hold.
   */
  write(data: TensorData): void {
    this.alive();
    if (typeof data !== 'object') {
      this.fill(data);
      return;
    }
    const flat = isTypedArray(data) ? data : flatten(data).flat;
    if (flat.length !== this.numel) fail(NO_LOC, TENSOR.length, this.toString(), flat.length, this.numel);
    this.device.notRecording('data for a tensor');
    const bytes = encode(flat, this.dtype, this.toString());
    if (!this.numel) return;
    const { backend, stats } = this.device;
    stats.uploads++;
    const at = this.offset * this.dtype.bytes;
    if (this.isContiguous && at % 4 === 0 && (bytes.length % 4 === 0 || !this.isView)) {
      backend.write(this.storage.memory, at, bytes);
      wroteFromHost(this.storage, this.dtype, at, bytes);
      return;
    }
    this.device.wrote(this.storage);
    const staging = this.device.empty(this.shape, this.dtype, `data for ${this.name}`);
    backend.write(staging.storage.memory, 0, bytes);
    backend.copy(staging.region, this.region);
    staging.free();
  }
  fill(value: number | bigint | boolean): void {
    this.alive();
    const element = encode([value], this.dtype, this.toString());
    if (!this.numel) return;
    this.device.wrote(this.storage);
    this.device.backend.fill(this.region, element);
  }
  /**
   * The elements as the host knows them, without a wait: on the interpreter always; on a GPU integers that came from the host,
   * until a launch or a copy writes to the memory, and what `readBack` fetched. Otherwise null.
   */
  hostValues(): Float64Array | null {
    this.alive();
    const { storage, dtype, shape, strides, offset } = this;
    const bytes = this.device.backend.peek(storage.memory) ?? storage.host;
    if (!bytes) return null;
    const span = spanOf(shape, strides) * dtype.bytes;
    const at = offset * dtype.bytes;
    const all = arrayOver(dtype, bytes.slice(at, at + span));
    if (this.isContiguous) return decode(all, dtype);
    const out = arrayOver(dtype, new Uint8Array(this.nbytes));
    offsetsOf(shape, strides).forEach((o, i) => {
      out[i] = all[o];
    });
    return decode(out, dtype);
  }
  /** Downloads the memory, so that `hostValues` has it until something writes there. Waits for every launch before it. */
  async readBack(): Promise<void> {
    this.alive();
    this.device.notRecording('a download');
    const { storage } = this;
    const { writes, memory, bytes } = storage;
    this.device.stats.downloads++;
    const host = bytes ? await this.device.backend.read(memory, 0, bytes) : new Uint8Array(0);
    if (storage.writes === writes) storage.host = host;
  }
  /**
   * The elements in row-major order of the view, in memory format: Float32Array for f32, BigInt64Array for i64, raw bits in a
   * Uint16Array for f16, a byte each for bool. Waits for every launch before it; rejects with the fault if one failed.
   */
  async download(): Promise<TypedArray> {
    this.alive();
    const { dtype, shape, strides } = this;
    this.device.notRecording('a download');
    const { backend, stats } = this.device;
    stats.downloads++;
    const span = spanOf(shape, strides);
    if (!span) return arrayOver(dtype, new Uint8Array(0));
    // A view with large gaps is gathered on the device first, so that only its own bytes travel.
    if (!this.isContiguous && span > 4 * this.numel && span * dtype.bytes > 1 << 16) {
      const copy = this.clone();
      try {
        return await copy.download();
      } finally {
        if (!copy.gone) copy.free();
      }
    }
    const bytes = await backend.read(this.storage.memory, this.offset * dtype.bytes, span * dtype.bytes);
    const all = arrayOver(dtype, bytes);
    if (this.isContiguous) return all;
    const out = arrayOver(dtype, new Uint8Array(this.nbytes));
    const offsets = offsetsOf(shape, strides);
    for (let i = 0; i < offsets.length; i++) out[i] = all[offsets[i]];
    return out;
  }
  /** Downloads as f32: f16, bf16 and fp8 exactly, integers and f64 rounded. */
  async toFloat32(): Promise<Float32Array> {
    return decodeFloat32(await this.download(), this.dtype);
  }
  /** Downloads as plain numbers, flat, in row-major order. i64 beyond 2^53 is rounded: use `download()` where that matters. */
  async toNumbers(): Promise<number[]> {
    return [...decode(await this.download(), this.dtype)];
  }

  /** Releases the memory, at once. Views of it become unusable. On a view it does nothing: the memory is its owner's. */
  free(): void {
    if (this.isView) return;
    if (this.gone) fail(NO_LOC, TENSOR.freedTwice, this.toString());
    this.device.release(this.storage);
  }
  declare [Symbol.dispose]: () => void;
}
// `using t = device.zeros(…)` where the platform has it; in a scope's end a tensor freed by hand is fine.
if (Symbol.dispose) {
  Object.defineProperty(Tensor.prototype, Symbol.dispose, {
    value(this: Tensor) {
      if (!this.gone) this.free();
    },
  });
}

/** Offset of each element in row-major order of the shape, in elements from the first. */
export function offsetsOf(shape: readonly number[], strides: readonly number[]): Float64Array {
  const out = new Float64Array(numel(shape));
  if (!out.length) return out;
  let filled = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    for (let i = 1; i < shape[d]; i++) {
      for (let j = 0; j < filled; j++) out[i * filled + j] = out[j] + i * strides[d];
    }
    filled *= shape[d];
  }
  return out;
}
