// The shape of a row of the op table. One row is one operation: its documentation, its type rule, what it computes on the
// CPU, how WGSL spells it, and how precise WGSL is. Builder, verifier, interpreter, folder, emitter, reference and sweep
// tests read rows; none of them knows an op by name.

import type { Message } from '../diagnostics.ts';
import type { Attrs, Value } from '../ir/ir.ts';
import type { Trace } from '../trace/context.ts';
import type { DType, Type } from '../types.ts';

/**
 * What passes may assume of an op; they ask traits, never names.
 * - `pure`: no effect; may be removed, duplicated, merged, hoisted.
 * - `elementwise`: operands and result have one shape; element i of the result depends on elements i of the operands.
 * - `commutative`: both operands may be swapped.
 * - `cheap`: recomputing it costs less than moving its result between invocations (index arithmetic, splats).
 * - `exact`: floats: the result is a value of its dtype without rounding (an operand, or its bits changed).
 * - `wraps`: integers: the result can leave the range of its dtype. Without it, operands in range give results in range.
 * - `reads` / `writes`: touches memory behind its first operand.
 * - `atomic`: does both in one step, in order with what the program does before and after (unless attr `relaxed` is true).
 * - `reduction`: folds one axis (attr `axis`) with `combine`, or with the region of an `element` op.
 * - `scan`: like a reduction, but keeps every partial result, in the order of the axis (from its end with attr `reverse`).
 * - `element`: has one region that computes on single elements (`region` gives its types). It is no control flow: it has no
 *   effects and runs as often, and in the order, that the op needs.
 * - `shape`: moves elements without changing them (`expand_dims`, `reshape`, `trans`, `broadcast_to`).
 * - `control`: has regions.  `terminator`: ends a region.  `hint`: result is operand 0, with facts in attrs.
 * - `effect`: is kept even if unused (print, assert, store).
 */
export type Trait =
  | 'pure'
  | 'elementwise'
  | 'commutative'
  | 'cheap'
  | 'exact'
  | 'wraps'
  | 'reads'
  | 'writes'
  | 'atomic'
  | 'reduction'
  | 'scan'
  | 'element'
  | 'shape'
  | 'control'
  | 'terminator'
  | 'hint'
  | 'effect';

/** A number as the interpreter holds it: i64/u64 are bigint, bool is 0 or 1, everything else a number. */
export type Num = number | bigint;

/** What a type rule throws through: it names the message; the builder or verifier adds the location. */
export type TypeFail = <A extends unknown[]>(m: Message<A>, ...args: A) => never;

/** What `wgsl` may ask for while it spells one lane-level op. */
export interface WgslContext {
  /** Result type (lane level: scalar, or vector as shape [2] | [4]) and operand types. */
  readonly type: Type;
  readonly operands: readonly Type[];
  readonly attrs: Attrs;
  /** Declares that a helper function of the prelude is needed; returns its name. */
  helper(name: string): string;
  /** The built-in of that name, or the helper that does its work on a device whose built-in does not keep NaN. */
  builtin(name: string): string;
  /** WGSL spelling of a type, e.g. `vec4<f32>`. */
  spell(t: Type): string;
  /** Runtime expressions for values that WGSL refuses as constants, or that drivers fold against IEEE. */
  readonly inf: string;
  /** 0.0 as f32. */
  readonly zero: string;
  readonly nan: string;
}

/** How close two back ends must be: ulp of the result dtype, or a bound as a function of the operands. */
export type Ulp = number | ((...operands: number[]) => number);

/** A user-level function of `tl`. Tiles and scalars have the static type number, masks boolean, so that operators type-check. */
export type ApiFn = (...args: any[]) => any;

export interface Row<F extends ApiFn = ApiFn> {
  /** One paragraph for the reference; first sentence is the hover text. */
  readonly doc: string;
  /** Operand names in order; a trailing `?` marks an operand that may be absent (only at the end). `...` takes any number. */
  readonly args: readonly string[];
  readonly attrs?: readonly string[];
  readonly traits: readonly Trait[];
  /** Result types from operand types and attributes. */
  readonly type: (operands: readonly Type[], attrs: Attrs, fail: TypeFail) => readonly Type[];
  /**
   * Elementwise meaning on one element. Operands are exact values of their dtype; the caller rounds or wraps the result to
   * the result dtype, so `(a, b) => a + b` is right for every dtype. `dtype` is the dtype of operand 0, `to` of the result.
   */
  readonly eval?: (operands: readonly Num[], dtype: DType, to: DType, attrs: Attrs) => Num;
  /** Reductions and scans with a fixed combining step: the name of that step's row. For arg-reductions see `index`. */
  readonly combine?: string;
  /** Reductions that yield the best element and its index; `combine` says what is better. */
  readonly index?: boolean;
  /** Ops with trait `element`: the types of the region's arguments, and of what it yields. */
  readonly region?: (
    operands: readonly Type[],
    attrs: Attrs,
  ) => { readonly args: readonly Type[]; readonly yields: readonly Type[] };
  /** Atomics: what an element becomes, from what it held and the operands between pointer and mask; the caller rounds. */
  readonly update?: (old: Num, operands: readonly Num[], dtype: DType) => Num;
  /** WGSL expression for the op at lane level (scalars and vectors). */
  readonly wgsl?: (operands: readonly string[], cx: WgslContext) => string;
  readonly ulp?: Ulp;
  /** Operand tuples for the sweep test, per element. */
  readonly samples?: readonly (readonly number[])[];
  /** What `tl.<name>` does with its arguments; absent for ops that have only an operator or a statement. */
  readonly api?: (t: Trace) => F;
}

/** Identity that keeps the row's signature; every table is made of `op({...})`. */
export const op = <F extends ApiFn = never>(row: Row<F>): Row<F> => row;

/** Static type of a tile made from one of type T: masks stay boolean, everything else is number. */
export type Widen<T> = [T] extends [boolean] ? boolean : number;

/** A traced value in the clothes that the user's types expect. */
export const asUser = (v: Value): any => v;
