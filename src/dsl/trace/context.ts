// The tracer as rows of the op table and the functions of `tl` see it, and the one that is at work now. This file holds no
// semantics: it exists so that rows need not import the tracer.

import type { Loc, Message } from '../diagnostics.ts';
import { fail, NO_LOC } from '../diagnostics.ts';
import type { Attrs, Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { DType } from '../types.ts';

/** A number written with a point or exponent (`2.0`): Python would call it a float, so it promotes integers to f32. */
export class FloatLit extends Number {}
export const isNumberLike = (x: unknown): x is number | FloatLit | bigint =>
  typeof x === 'number' || typeof x === 'bigint' || x instanceof FloatLit;

/** What rows and `tl` functions may ask of the tracer. */
export interface Trace {
  /** Place of the call that is being traced. */
  readonly loc: Loc;
  /** Emits an op; its row's type rule gives the results. */
  emit(name: string, operands: readonly Value[], attrs?: Attrs): readonly Value[];
  /** Emits an op with one result. */
  one(name: string, operands: readonly Value[], attrs?: Attrs): Value;
  /** A constant scalar or tile. */
  constant(value: number | bigint | boolean, dtype: DType, shape?: readonly number[]): Value;
  /** What a constant holds; undefined for a value that is none. */
  constantOf(v: Value): number | bigint | boolean | undefined;
  /** A traced value as it is; a number or boolean as a constant scalar of Triton's default dtype. `what` is for the error. */
  value(x: unknown, what: string): Value;
  isValue(x: unknown): x is Value;
  /** Converts to a dtype (no op if it has it). */
  cast(v: Value, to: DType): Value;
  /** Broadcasts all to their common shape, Triton's rules. `what` is for the error. */
  broadcast(what: string, values: readonly Value[]): Value[];
  /** Broadcasts one to a shape. */
  broadcastTo(v: Value, shape: readonly number[]): Value;
  /** Operands of a binary op, promoted and broadcast: Triton's binary_op_type_checking. */
  promote(what: string, a: unknown, b: unknown, divOrMod?: boolean): [Value, Value];
  /** An integer known at trace time (shape, axis), or a failure that says what it must be. */
  constInt(x: unknown, what: string): number;
  constShape(x: unknown, what: string): number[];
  /** Calls a function of the kernel (plain, or made by `tl.fn`) as the source would. */
  call(fn: unknown, args: readonly unknown[], what: string): unknown;
  /** Emits an op with trait `element` whose region is `fn`, traced on scalars. */
  element(name: string, operands: readonly Value[], attrs: Attrs, fn: unknown): readonly Value[];
  /** Emits `map_elementwise` of `fn`, whose results tell the dtypes; `list`: it returned a list. */
  map(operands: readonly Value[], pack: number, fn: unknown): { readonly results: readonly Value[]; readonly list: boolean };
  print(text: string): void;
  fail<A extends unknown[]>(m: Message<A>, ...args: A): never;
}

let current: Trace | null = null;
/** Runs `body` with `t` as the tracer at work; nested traces (there are none today) would restore the outer one. */
export function withTrace<T>(t: Trace, body: () => T): T {
  const outer = current;
  current = t;
  try {
    return body();
  } finally {
    current = outer;
  }
}
/** The tracer at work; outside a kernel, an error that names the function. */
export function trace(name: string): Trace {
  return current ?? fail(NO_LOC, TL.outsideKernel, name);
}
