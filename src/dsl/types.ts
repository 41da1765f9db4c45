// What a value can be: element types (Triton's dtypes), pointers, and tiles of them.
// Everything here is plain frozen data. This file refuses to know operations, memory and devices.

/** Names of the element types, as WGSL and the golden files spell them. */
export type DTypeName =
  | 'bool'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'f16'
  | 'bf16'
  | 'f32'
  | 'f64'
  | 'fp8e4nv'
  | 'fp8e5';

export type DTypeKind = 'bool' | 'int' | 'uint' | 'float';

/** An element type. `name` identifies it; compare with `===`. Methods carry Triton's names (`tl.dtype`). */
export class DType {
  readonly name: DTypeName;
  readonly kind: DTypeKind;
  /** Width in bits of a value; `bool` is 1 (but takes a byte in memory). */
  readonly bits: number;
  /** Bits of the significand without the hidden one; 0 for integers. */
  readonly mantissa: number;
  constructor(name: DTypeName, kind: DTypeKind, bits: number, mantissa = 0) {
    this.name = name;
    this.kind = kind;
    this.bits = bits;
    this.mantissa = mantissa;
    Object.freeze(this);
  }
  /** Bytes of one element in memory. */
  get bytes(): number {
    return Math.max(1, this.bits >> 3);
  }
  is_floating(): boolean {
    return this.kind === 'float';
  }
  is_int(): boolean {
    return this.kind !== 'float';
  }
  is_bool(): boolean {
    return this.kind === 'bool';
  }
  is_fp8(): boolean {
    return this.kind === 'float' && this.bits === 8;
  }
  is_int1(): boolean {
    return this.name === 'bool';
  }
  is_int8(): boolean {
    return this.name === 'i8';
  }
  is_int16(): boolean {
    return this.name === 'i16';
  }
  is_int32(): boolean {
    return this.name === 'i32';
  }
  is_int64(): boolean {
    return this.name === 'i64';
  }
  is_uint8(): boolean {
    return this.name === 'u8';
  }
  is_uint16(): boolean {
    return this.name === 'u16';
  }
  is_uint32(): boolean {
    return this.name === 'u32';
  }
  is_uint64(): boolean {
    return this.name === 'u64';
  }
  is_fp16(): boolean {
    return this.name === 'f16';
  }
  is_bf16(): boolean {
    return this.name === 'bf16';
  }
  is_fp32(): boolean {
    return this.name === 'f32';
  }
  is_fp64(): boolean {
    return this.name === 'f64';
  }
  is_fp8e4nv(): boolean {
    return this.name === 'fp8e4nv';
  }
  is_fp8e5(): boolean {
    return this.name === 'fp8e5';
  }
  /** Floats that are not fp8. */
  is_standard_floating(): boolean {
    return this.kind === 'float' && this.bits > 8;
  }
  is_int_unsigned(): boolean {
    return this.kind === 'uint' || this.kind === 'bool';
  }
  is_int_signed(): boolean {
    return this.kind === 'int';
  }
  toString(): string {
    return this.name;
  }
}

/** Every dtype by name. A dtype that a back end does not support yet is refused there, not left out here. */
export const DTYPES = Object.freeze({
  /** A mask: one bit. In memory a byte, 0 or 1. */
  bool: new DType('bool', 'bool', 1),
  /** Signed integers of 8 bits. */
  i8: new DType('i8', 'int', 8),
  /** Signed integers of 16 bits. */
  i16: new DType('i16', 'int', 16),
  /** Signed integers of 32 bits. */
  i32: new DType('i32', 'int', 32),
  /** Signed integers of 64 bits. Two words on WebGPU. */
  i64: new DType('i64', 'int', 64),
  /** Unsigned integers of 8 bits. */
  u8: new DType('u8', 'uint', 8),
  /** Unsigned integers of 16 bits. */
  u16: new DType('u16', 'uint', 16),
  /** Unsigned integers of 32 bits. */
  u32: new DType('u32', 'uint', 32),
  /** Unsigned integers of 64 bits. Two words on WebGPU. */
  u64: new DType('u64', 'uint', 64),
  /** Floats of 16 bits, 10 of them fraction. Computed in f32 where a device lacks them. */
  f16: new DType('f16', 'float', 16, 10),
  /** Floats of 16 bits with the range of f32 and 7 bits of fraction. Computed in f32 on WebGPU. */
  bf16: new DType('bf16', 'float', 16, 7),
  /** Floats of 32 bits. */
  f32: new DType('f32', 'float', 32, 23),
  /** Floats of 64 bits: on the interpreter only. */
  f64: new DType('f64', 'float', 64, 52),
  /** Floats of 8 bits: 4 of exponent, 3 of fraction, no infinity, up to 448 (e4m3fn). */
  fp8e4nv: new DType('fp8e4nv', 'float', 8, 3),
  /** Floats of 8 bits: 5 of exponent, 2 of fraction, with infinity (e5m2). */
  fp8e5: new DType('fp8e5', 'float', 8, 2),
} satisfies { [N in DTypeName]: DType });

/** The element of a pointer tile: an address of `to` elements. */
export interface PtrElem {
  readonly ptr: DType;
}
export type Elem = DType | PtrElem;

/** The type of an IR value: a scalar (`shape` empty) or a tile of elements. */
export interface Type {
  readonly elem: Elem;
  readonly shape: readonly number[];
}

export const scalar = (elem: Elem): Type => ({ elem, shape: [] });
export const tile = (elem: Elem, shape: readonly number[]): Type => ({ elem, shape });
export const ptrTo = (to: DType): PtrElem => ({ ptr: to });

export const isPtr = (t: Type): boolean => !(t.elem instanceof DType);
export const isTile = (t: Type): boolean => t.shape.length > 0;
/** The dtype of a non-pointer type; a caller that may see pointers asks `isPtr` first. */
export function dtypeOf(t: Type): DType {
  if (t.elem instanceof DType) return t.elem;
  throw new Error(`internal: ${printType(t)} is a pointer`);
}
/** The dtype that a pointer type points to. */
export function pointee(t: Type): DType {
  if (!(t.elem instanceof DType)) return t.elem.ptr;
  throw new Error(`internal: ${printType(t)} is not a pointer`);
}
export const numel = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
export const withShape = (t: Type, shape: readonly number[]): Type => ({ elem: t.elem, shape });
export const withElem = (t: Type, elem: Elem): Type => ({ elem, shape: t.shape });

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);
export const sameElem = (a: Elem, b: Elem): boolean => (a instanceof DType || b instanceof DType ? a === b : a.ptr === b.ptr);
export const sameType = (a: Type, b: Type): boolean => sameElem(a.elem, b.elem) && sameShape(a.shape, b.shape);

const printElem = (e: Elem): string => (e instanceof DType ? e.name : `ptr<${e.ptr.name}>`);
/** `f32`, `ptr<f16>`, `tile<128x64xf32>`: the one spelling used in IR text, messages and docs. */
export const printType = (t: Type): string =>
  t.shape.length === 0 ? printElem(t.elem) : `tile<${t.shape.join('x')}x${printElem(t.elem)}>`;

/** Reads what `printType` writes. Returns null for anything else. */
export function parseType(text: string): Type | null {
  const m = /^(?:tile<((?:\d+x)+)(.+)>|(.+))$/.exec(text.trim());
  if (!m) return null;
  const elemText = m[2] ?? m[3];
  const p = /^ptr<(\w+)>$/.exec(elemText);
  const dtype = DTYPES[(p ? p[1] : elemText) as DTypeName];
  if (!dtype) return null;
  const shape = m[1] ? m[1].slice(0, -1).split('x').map(Number) : [];
  return { elem: p ? ptrTo(dtype) : dtype, shape };
}
