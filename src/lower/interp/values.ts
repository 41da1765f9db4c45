// How the interpreter holds an SSA value: one typed array per value (length 1 for a scalar), reused by every execution of the
// op that makes it. Stores into these arrays round f32 and wrap integers by themselves; narrow floats are rounded before.
// A pointer is one double: parameter number · 2^47 + offset in elements, so that provenance survives any arithmetic,
// `where` or loop. This file refuses to know operations and memory.

import type { Num } from '../../dsl/ops/row.ts';
import { DTYPES, type DType, isPtr, numel, type Type } from '../../dsl/types.ts';

export type Store =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
type StoreClass = { new (n: number): Store; new (b: ArrayBufferLike, offset: number, n: number): Store };

/** Distance between the address ranges of two pointer parameters, in elements. 62 parameters fit a double. */
export const PTR_SPAN = 2 ** 47;
export const MAX_PTR_PARAMS = 62;
/** Farther than this from its argument no pointer goes: out of bounds of any buffer, and still in its own range. */
const PTR_REACH = 2 ** 45;

export const ptrParam = (p: number): number => Math.floor((p + PTR_SPAN / 2) / PTR_SPAN);
export const ptrOffset = (p: number): number => p - ptrParam(p) * PTR_SPAN;
/** A pointer moved by a 64-bit offset; a sum out of reach stops at the edge, so that it cannot land on another argument. */
export const movePtr = (p: number, by: bigint): number => {
  const start = ptrParam(p) * PTR_SPAN;
  return start + Math.min(Math.max(p - start + Number(by), -PTR_REACH), PTR_REACH);
};

const REGISTER: { readonly [N in DType['name']]: unknown } = {
  bool: Uint8Array,
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  i64: BigInt64Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
  f16: Float32Array,
  bf16: Float32Array,
  f32: Float32Array,
  f64: Float64Array,
  fp8e4nv: Float32Array,
  fp8e5: Float32Array,
};
/** The array class that holds values of a dtype in the interpreter: narrow floats as f32 values. */
export const registerClass = (d: DType): StoreClass => REGISTER[d.name] as StoreClass;

/** Storage of one value: zeros. */
export function allocate(t: Type): Store {
  return isPtr(t) ? new Float64Array(numel(t.shape)) : new (registerClass(t.elem as DType))(numel(t.shape));
}

/** The dtype that a type's elements are computed in; addresses are doubles. */
export const computeDtype = (t: Type): DType => (isPtr(t) ? DTYPES.f64 : (t.elem as DType));

/** Copies `src` over `dst`: same class, same length. */
export function copy(dst: Store, src: Store): void {
  (dst as Float64Array).set(src as Float64Array);
}

export const fill = (s: Store, x: Num): void => {
  (s as Float64Array).fill(x as number);
};

/** Row-major coordinates of element `i` of a tile. */
export function coordinates(shape: readonly number[], i: number): number[] {
  const out = new Array<number>(shape.length);
  for (let d = shape.length - 1; d >= 0; d--) {
    out[d] = i % shape[d];
    i = Math.floor(i / shape[d]);
  }
  return out;
}
