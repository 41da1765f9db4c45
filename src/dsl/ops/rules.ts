// Type rules and meanings that many rows share, so that a row stays a few lines.

import { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, isPtr, sameShape, sameType, type Type, withElem } from '../types.ts';
import { type ApiFn, asUser, type Num, type Row, type TypeFail } from './row.ts';

type Rule = Row['type'];
const { bool, f32, f64 } = DTYPES;

/** All operands have one type, taken by `accepts`; the result has it too. */
export const same =
  (what: string, expected: string, accepts: (d: DType) => boolean): Rule =>
  (ts, _attrs, fail) => {
    for (const t of ts) {
      if (isPtr(t)) fail(TL.pointerElement, what, t);
      if (!accepts(t.elem as DType)) fail(TL.unary, what, t, expected);
      if (!sameType(t, ts[0])) fail(TL.operands, what, ts, 'operands of one type');
    }
    return [ts[0]];
  };

/** Two operands of one type (pointers too, if `ptr`); the result is bool of their shape. */
export const comparison =
  (what: string): Rule =>
  (ts, _attrs, fail) => {
    if (!sameType(ts[0], ts[1])) fail(TL.operands, what, ts, 'two operands of one type');
    return [withElem(ts[0], bool)];
  };

export const sameShapes = (what: string, ts: readonly Type[], fail: TypeFail): void => {
  if (!ts.every((t) => sameShape(t.shape, ts[0].shape))) fail(TL.operands, what, ts, 'operands of one shape');
};

/** Refuses options that a function does not have, and what is no object of options: Triton's positional spelling. */
export const checkOptions = (t: Trace, name: string, options: object, known: readonly string[]): void => {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || options instanceof Value)
    t.fail(TL.optionsByName, name, Array.isArray(options) ? 'an array' : String(options), known);
  for (const k of Object.keys(options)) if (!known.includes(k)) t.fail(TL.unknownArg, name, k, known);
};

export const anyNumber = (): boolean => true;
export const isFloat = (d: DType): boolean => d.is_floating();
export const isInt = (d: DType): boolean => d.is_int();
/** Triton's math functions take fp32 and fp64 only. */
export const isWideFloat = (d: DType): boolean => d === f32 || d === f64;

/** Numbers and bigints obey the same JS operators; rows are written once for both. */
export const binary = (f: (a: any, b: any, d: DType) => Num | boolean): Row['eval'] => {
  return ([a, b], d) => toNum(f(a, b, d));
};
export const unary = (f: (a: any, d: DType) => Num | boolean): Row['eval'] => {
  return ([a], d) => toNum(f(a, d));
};
const toNum = (x: Num | boolean): Num => (typeof x === 'boolean' ? Number(x) : x);

/** `tl.<name>(x)`: a unary math function; numbers become tiles' scalars as in Triton. */
export const unaryApi =
  (name: string): NonNullable<Row<(x: number) => number>['api']> =>
  (t) =>
  (x) =>
    asUser(t.one(name, [t.value(x, `tl.${name}`)]));

export type Unary = (x: number) => number;
export type Binary = (x: number, y: number) => number;
export type { ApiFn };

/** Triton computes these few functions of bf16 in f32. */
export const widenBf16 = (t: Trace, v: Value): Value => (!isPtr(v.type) && v.type.elem === DTYPES.bf16 ? t.cast(v, f32) : v);

/** Narrow dtypes are folded in 32 bits, as in Triton. */
export const widen = (d: DType): DType => (d.bits >= 32 ? d : d.is_floating() ? f32 : DTYPES.i32);
