// Host data in and out of memory format. In: typed arrays, nested arrays, numbers. Out: the bytes that kernels see, little endian:
// i64 as two's complement, f16/bf16/fp8 as raw bits, bool as one byte. Refuses to know tensors' strides and devices.

import { fail, NO_LOC } from '../dsl/diagnostics.ts';
import { fromBits, intRange, round, toBits } from '../dsl/numerics.ts';
import { DTYPES, type DType, type DTypeName } from '../dsl/types.ts';
import { TENSOR } from './messages.ts';

export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;
export type NestedNumbers = readonly (number | bigint | boolean | NestedNumbers)[];
/** What a tensor is made from: a typed array, numbers (nested for more dimensions), or one number for a tensor of shape []. */
export type TensorData = TypedArray | NestedNumbers | number | bigint | boolean;

type ArrayType = { new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray; BYTES_PER_ELEMENT: number };
const ARRAYS: { readonly [N in DTypeName]: ArrayType } = {
  bool: Uint8Array,
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  i64: BigInt64Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  f32: Float32Array,
  f64: Float64Array,
  fp8e4nv: Uint8Array,
  fp8e5: Uint8Array,
};

/** The typed array that holds elements of `d` as they lie in memory: raw bits for f16, bf16 and fp8, one byte for bool. */
export const arrayOver = (d: DType, bytes: Uint8Array): TypedArray =>
  new ARRAYS[d.name](bytes.buffer, bytes.byteOffset, bytes.byteLength / d.bytes);
export const bytesOf = (a: TypedArray): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

export const isTypedArray = (x: unknown): x is TypedArray => ArrayBuffer.isView(x) && !(x instanceof DataView);

/** A dtype by name or as itself. */
export function dtypeFrom(x: DType | DTypeName): DType {
  const d = typeof x === 'string' ? DTYPES[x] : x;
  return d instanceof Object && DTYPES[d.name] === d ? d : fail(NO_LOC, TENSOR.dtype, JSON.stringify(x) ?? String(x));
}

/** The dtype that data has when none is given: that of the typed array; f32, i64 or bool for numbers, bigints or booleans. */
export function inferDtype(data: TensorData): DType {
  if (isTypedArray(data)) {
    const tag = data[Symbol.toStringTag] as string;
    const names: { [tag: string]: DTypeName } = {
      Int8Array: 'i8',
      Uint8Array: 'u8',
      Uint8ClampedArray: 'u8',
      Int16Array: 'i16',
      Uint16Array: 'u16',
      Int32Array: 'i32',
      Uint32Array: 'u32',
      Float16Array: 'f16',
      Float32Array: 'f32',
      Float64Array: 'f64',
      BigInt64Array: 'i64',
      BigUint64Array: 'u64',
    };
    return DTYPES[names[tag]];
  }
  let x: unknown = data;
  while (Array.isArray(x)) x = x[0];
  return typeof x === 'bigint' ? DTYPES.i64 : typeof x === 'boolean' ? DTYPES.bool : DTYPES.f32;
}

/** Shape of nested arrays, and their elements in row-major order. */
export function flatten(data: NestedNumbers): { shape: number[]; flat: (number | bigint | boolean)[] } {
  const shape: number[] = [];
  for (let x: unknown = data; Array.isArray(x); x = x[0]) shape.push(x.length);
  const flat: (number | bigint | boolean)[] = [];
  const visit = (x: unknown, depth: number): void => {
    if (!Array.isArray(x)) {
      if (depth < shape.length) fail(NO_LOC, TENSOR.ragged, `a number where dimension ${depth} has an array of ${shape[depth]}`);
      flat.push(x as number);
      return;
    }
    if (depth >= shape.length) fail(NO_LOC, TENSOR.ragged, `an array where dimension ${depth} has a number`);
    if (x.length !== shape[depth]) fail(NO_LOC, TENSOR.ragged, `dimension ${depth} has ${shape[depth]} and ${x.length} elements`);
    for (const e of x) visit(e, depth + 1);
  };
  visit(data, 0);
  return { shape, flat };
}

/**
 * Bytes of `data` as elements of `d`. A typed array of the dtype's memory format is taken as it is (so a Uint16Array is raw
 * bits for f16); other numbers are converted: floats rounded to nearest even, integers must be in range.
 * @throws CompileError TL4103 for a number that the dtype cannot hold, TL4112 for something that is no number.
 */
export function encode(data: TypedArray | readonly (number | bigint | boolean)[], d: DType, tensor: string): Uint8Array {
  if (isTypedArray(data)) {
    const same = inferDtype(data) === d || (data instanceof ARRAYS[d.name] && d.kind === 'float' && d.bits < 32);
    if (same || (d === DTYPES.u8 && data instanceof Uint8ClampedArray)) return bytesOf(data);
    if (d === DTYPES.f32 && data instanceof Float64Array) return bytesOf(new Float32Array(data));
  }
  const n = data.length;
  const bytes = new Uint8Array(n * d.bytes);
  const out = arrayOver(d, bytes);
  const isFloat = d.kind === 'float';
  const raw = isFloat && d.bits < 32;
  const [lo, hi] = isFloat ? [0n, 0n] : intRange(d);
  const [low, high] = [Number(lo), Number(hi)];
  for (let i = 0; i < n; i++) {
    const x = data[i];
    if (typeof x !== 'number' && typeof x !== 'bigint' && typeof x !== 'boolean')
      fail(NO_LOC, TENSOR.data, `element ${i} (${String(x)})`);
    const v = typeof x === 'boolean' ? Number(x) : x;
    if (d === DTYPES.bool) out[i] = v ? 1 : 0;
    else if (isFloat) {
      const r = round(d, v);
      out[i] = raw ? (toBits(d, r) as number) : (r as number);
    } else {
      const fits = typeof v === 'bigint' ? v >= lo && v <= hi : Number.isInteger(v) && v >= low && v <= high;
      if (!fits || (d.bits === 64 && typeof v === 'number' && v === high))
        fail(NO_LOC, TENSOR.value, tensor, i, String(x), d.name);
      (out as { [i: number]: number | bigint })[i] = d.bits === 64 ? BigInt(v) : Number(v);
    }
  }
  return bytes;
}

const tables = new Map<DType, Float64Array>();
/** The value of every bit pattern of an 8- or 16-bit float, made once: a lookup is ten times faster than the arithmetic. */
function valuesOf(d: DType): Float64Array {
  let t = tables.get(d);
  if (!t) tables.set(d, (t = Float64Array.from({ length: 2 ** d.bits }, (_, bits) => fromBits(d, bits) as number)));
  return t;
}

/** Elements in memory format as numbers: raw bits become the values they stand for, bool 0 or 1, i64 the nearest double. */
export function decode(a: TypedArray, d: DType): Float64Array {
  const out = new Float64Array(a.length);
  const table = d.kind === 'float' && d.bits < 32 ? valuesOf(d) : null;
  for (let i = 0; i < a.length; i++) out[i] = table ? table[Number(a[i])] : Number(a[i]);
  return out;
}

/** Like `decode`, in f32: exact for every dtype but f64 and integers beyond 2^24. */
export const decodeFloat32 = (a: TypedArray, d: DType): Float32Array =>
  a instanceof Float32Array ? a : new Float32Array(decode(a, d));
