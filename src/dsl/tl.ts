// `tl`: the language inside kernels. Functions come from the op table (and a few compositions); types say what a parameter
// is. Tiles and scalars are `number` to the type checker, masks `boolean`, pointers a number too, so that `a + b`,
// `p + offs` and `mask && x < n` type-check without a plugin.

import { TL } from './messages.ts';
import { BLOCK_FNS } from './ops/blocks.ts';
import { CREATE_FNS } from './ops/create.ts';
import { DESCRIPTOR_FNS } from './ops/descriptors.ts';
import { DOT_SCALED_FNS } from './ops/dotScaled.ts';
import { OPS } from './ops/index.ts';
import { INLINE_FNS } from './ops/inline.ts';
import { LIBDEVICE_FNS } from './ops/libdevice.ts';
import { PropagateNan } from './ops/nan.ts';
import { ORDER_FNS } from './ops/order.ts';
import { PRECISE_FNS } from './ops/precise.ts';
import { RANDOM_FNS } from './ops/random.ts';
import { REARRANGE_FNS } from './ops/rearrange.ts';
import { type ApiFn, asUser } from './ops/row.ts';
import { checkOptions } from './ops/rules.ts';
import { SHAPE_FNS } from './ops/shape.ts';
import { REDUCE_FNS } from './ops/softmax.ts';
import { type Trace, trace } from './trace/context.ts';
import { DEVICE_FN, type Definition } from './trace/definition.ts';
import { describe, RangeSpec } from './trace/tracer.ts';
import { DTYPES, type DType, type DTypeName, dtypeOf, isPtr, pointee } from './types.ts';

// ---- from rows to functions
type Factory = (t: Trace) => ApiFn;
type ApiOf<R> = R extends { readonly api?: (t: Trace) => infer F } ? F : never;
/** Rows that have a spelling in `tl`; `op` gives rows without one the signature `never`. */
type WithApi = { [K in keyof typeof OPS as [ApiOf<(typeof OPS)[K]>] extends [never] ? never : K]: ApiOf<(typeof OPS)[K]> };
type FactoriesOf<T extends { [k: string]: Factory }> = { [K in keyof T]: ReturnType<T[K]> };

/** Calls the factory with the tracer at work, at each call. */
const bind =
  (name: string, factory: Factory): ApiFn =>
  (...args) =>
    factory(trace(name))(...args);

const fromRows = Object.fromEntries(
  Object.entries(OPS).flatMap(([name, row]) => (row.api ? [[name, bind(name, row.api as Factory)]] : [])),
) as WithApi;

/** Integer arithmetic of Triton's constexprs, for numbers that no traced value takes part in. */
const PLAIN = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  floordiv: (a: number, b: number) => Math.floor(a / b),
  mod: (a: number, b: number) => a - Math.floor(a / b) * b,
  minimum: (a: number, b: number) => Math.min(a, b),
};

const RANGE_OPTIONS: { readonly [K in keyof RangeOptions]-?: 'count' | 'flag' } = {
  num_stages: 'count',
  loop_unroll_factor: 'count',
  disallow_acc_multi_buffer: 'flag',
  flatten: 'flag',
  warp_specialize: 'flag',
  disable_licm: 'flag',
};

/** Functions of `tl` that are no op and belong to no family: questions about values, loops, compile-time checks. */
const OWN_FNS = {
  /**
   * Smallest integer that is not below x / div, for positive integers.
   * @cost an addition, a subtraction and a division an element
   */
  cdiv:
    (t: Trace) =>
    (x: number, div: number): number => {
      if (!t.isValue(x) && !t.isValue(div)) return Math.floor((Number(x) + Number(div) - 1) / Number(div));
      // (x + (div - 1)) // div, each operator with its own promotion, as Triton computes it.
      const less = t.isValue(div) ? t.one('sub', t.promote('tl.cdiv', div, 1)) : Number(div) - 1;
      const sum = t.one('add', t.promote('tl.cdiv', x, less));
      return asUser(t.one('floordiv', t.promote('tl.cdiv', sum, div, true)));
    },
  /**
   * 1 / (1 + exp(-x)).
   * @cost an exponential and a division an element
   */
  sigmoid:
    (t: Trace) =>
    (x: number): number => {
      const v = t.value(x, 'tl.sigmoid');
      const e = t.one('exp', [t.one('neg', [v])]);
      const [one, sum] = t.promote('tl.sigmoid', 1, asUser(t.one('add', t.promote('tl.sigmoid', 1, e))));
      return asUser(t.one('div', [one, sum]));
    },
  /**
   * Dtype of a tile, scalar or (of a pointer) of what it points to: Triton's `x.dtype`.
   * @differs Stands for the attribute `x.dtype`, which numbers of TypeScript lack.
   * @cost nothing: it is settled when the kernel is compiled
   */
  dtype_of:
    (t: Trace) =>
    (x: number | boolean): DType => {
      const v = t.value(x, 'tl.dtype_of');
      return isPtr(v.type) ? pointee(v.type) : dtypeOf(v.type);
    },
  /**
   * Shape of a tile as numbers known at compile time: Triton's `x.shape`.
   * @differs Stands for the attribute `x.shape`, which numbers of TypeScript lack.
   * @cost nothing: it is settled when the kernel is compiled
   */
  shape_of:
    (t: Trace) =>
    (x: number | boolean): readonly number[] =>
      t.value(x, 'tl.shape_of').type.shape,
  /**
   * Broadcasts two tiles to their common shape: [input, other].
   * @cost a relabeling of which invocation holds what: nothing, unless a use wants another layout
   */
  broadcast:
    (t: Trace) =>
    (input: number, other: number): [number, number] =>
      t.broadcast('tl.broadcast', [t.value(input, 'tl.broadcast'), t.value(other, 'tl.broadcast')]) as unknown as [
        number,
        number,
      ],
  /**
   * Index (i, j) of a row-major matrix of size_i × size_j as an index in column-major order within groups of size_g rows: [i, j].
   * @cost two divisions and two remainders, of scalars as a rule
   */
  swizzle2d:
    (t: Trace) =>
    (i: number, j: number, size_i: number, size_j: number, size_g: number): [number, number] => {
      const two = (name: keyof typeof PLAIN, a: number, b: number): number =>
        t.isValue(a) || t.isValue(b)
          ? asUser(t.one(name, t.promote('tl.swizzle2d', a, b, name === 'floordiv' || name === 'mod')))
          : PLAIN[name](Number(a), Number(b));
      const flat = two('add', two('mul', i, size_j), j);
      const block = two('mul', size_g, size_j);
      const first = two('mul', two('floordiv', flat, block), size_g);
      // The last group may have fewer rows.
      const height = two('minimum', two('sub', size_i, first), size_g);
      const inside = two('mod', flat, block);
      return [two('add', first, two('mod', inside, height)), two('floordiv', inside, height)];
    },
  /**
   * A loop of the device: `for (const i of tl.range(start, stop, step))`. One argument is the stop.
   * @differs `num_stages`, `loop_unroll_factor` and the other options are accepted and have no effect: WGSL leaves pipelining
   * to the driver.
   * @cost a loop of WGSL; `tl.static_range` unrolls it
   */
  range:
    (t: Trace) =>
    (start: number, stop?: number, step: number = 1, options: RangeOptions = {}): Iterable<number> => {
      checkOptions(t, 'range', options, Object.keys(RANGE_OPTIONS));
      for (const [name, kind] of Object.entries(RANGE_OPTIONS)) {
        const x = options[name as keyof RangeOptions];
        if (x === undefined || x === null) continue;
        const ok = kind === 'flag' ? typeof x === 'boolean' : Number.isSafeInteger(x) && (x as number) >= 0;
        if (!ok)
          t.fail(
            TL.unsupportedArg,
            'range',
            name,
            describe(x),
            kind === 'flag' ? 'true or false' : 'a constant integer, 0 or more',
          );
      }
      return new RangeSpec(stop === undefined ? 0 : start, stop === undefined ? start : stop, step);
    },
  /**
   * A loop that is unrolled when the kernel is compiled; bounds are constexpr.
   * @cost as many copies of the body as there are steps: WGSL that takes longer to compile
   */
  static_range:
    (t: Trace) =>
    (start: number, stop?: number, step: number = 1): number[] => {
      const [a, b, s] = (stop === undefined ? [0, start, step] : [start, stop, step]).map((x) =>
        t.constInt(x, 'tl.static_range'),
      );
      if (s === 0) t.fail(TL.loopStep);
      const out: number[] = [];
      for (let i = a; s > 0 ? i < b : i > b; i += s) out.push(i);
      return out;
    },
  /**
   * Stops compilation with a message if a condition on constexpr values is false.
   * @cost nothing: it is settled when the kernel is compiled
   */
  static_assert:
    (t: Trace) =>
    (cond: boolean, msg: string = ''): void => {
      if (t.isValue(cond)) t.fail(TL.staticValue, 'the condition of tl.static_assert', describe(cond));
      if (typeof cond !== 'boolean') t.fail(TL.notBoolean, 'the condition of tl.static_assert', describe(cond));
      if (!cond) t.fail(TL.staticAssert, String(msg));
    },
  /**
   * Prints values when the kernel is compiled; tiles print as their type.
   * @differs Takes template strings in place of f-strings and `sep`.
   * @cost nothing: it is settled when the kernel is compiled
   */
  static_print:
    (t: Trace) =>
    (...values: unknown[]): void =>
      t.print(values.map((v) => (typeof v === 'string' ? v : describe(v))).join(' ')),
  /**
   * The condition of a `while` loop, with Triton's options: `while (tl.condition(x < n))`.
   * @differs `disable_licm` is accepted and has no effect.
   * @cost nothing
   */
  condition:
    (t: Trace) =>
    (condition: boolean, options: { readonly disable_licm?: boolean } = {}): boolean => {
      checkOptions(t, 'condition', options, ['disable_licm']);
      return condition;
    },
  /**
   * Smallest power of two that is not below n (constexpr).
   * @cost nothing: it is settled when the kernel is compiled
   */
  next_power_of_2:
    (t: Trace) =>
    (n: number): number => {
      const x = t.constInt(n, 'tl.next_power_of_2');
      return x <= 1 ? 1 : 2 ** Math.ceil(Math.log2(x));
    },
} satisfies { [name: string]: Factory };

/** Tables of functions that are not one op. Their types are named, not spread: so their comments reach editors. */
const COMPOSED: typeof CREATE_FNS &
  typeof PRECISE_FNS &
  typeof LIBDEVICE_FNS &
  typeof INLINE_FNS &
  typeof RANDOM_FNS &
  typeof SHAPE_FNS &
  typeof REARRANGE_FNS &
  typeof ORDER_FNS &
  typeof BLOCK_FNS &
  typeof DESCRIPTOR_FNS &
  typeof DOT_SCALED_FNS &
  typeof REDUCE_FNS &
  typeof OWN_FNS = {
  ...CREATE_FNS,
  ...PRECISE_FNS,
  ...LIBDEVICE_FNS,
  ...INLINE_FNS,
  ...RANDOM_FNS,
  ...SHAPE_FNS,
  ...REARRANGE_FNS,
  ...ORDER_FNS,
  ...BLOCK_FNS,
  ...DESCRIPTOR_FNS,
  ...DOT_SCALED_FNS,
  ...REDUCE_FNS,
  ...OWN_FNS,
};

/** Options of `tl.range` that steer NVIDIA's pipeliner; accepted so that kernels port unchanged. */
export interface RangeOptions {
  /** Depth of Triton's software pipeline; without effect. */
  readonly num_stages?: number;
  /** Iterations to unroll; without effect, unlike `tl.static_range`. */
  readonly loop_unroll_factor?: number;
  /** Keeps accumulators in one buffer; without effect. */
  readonly disallow_acc_multi_buffer?: boolean;
  /** Joins nested loops into one; without effect. */
  readonly flatten?: boolean;
  /** Gives warps different parts of the work; without effect. */
  readonly warp_specialize?: boolean;
  /** Keeps invariant code in the loop; without effect. */
  readonly disable_licm?: boolean;
}

const composed = Object.fromEntries(Object.entries(COMPOSED).map(([name, f]) => [name, bind(name, f as Factory)])) as FactoriesOf<
  typeof COMPOSED
>;

/** A device function: expanded where a kernel calls it. `tl.fn(function helper(x: number) { … })`. */
function fn<F extends ApiFn>(f: F | Definition): F {
  const def = typeof f === 'function' ? null : f;
  const name = def ? def.name : (f as F).name || 'helper';
  const call = (..._args: unknown[]): never => {
    const t = trace(name);
    // Reached only by plain JavaScript inside a trace; rewritten calls are expanded by the tracer.
    return t.fail(def ? TL.outsideFn : TL.untransformed, name);
  };
  Object.defineProperty(call, 'name', { value: name });
  return Object.assign(call, { [DEVICE_FN]: def }) as unknown as F;
}

/** Triton's long names of dtypes. */
const LONG_NAMES = {
  /** Triton's name of `tl.bool`. */
  int1: DTYPES.bool,
  /** Triton's name of `tl.i8`. */
  int8: DTYPES.i8,
  /** Triton's name of `tl.i16`. */
  int16: DTYPES.i16,
  /** Triton's name of `tl.i32`. */
  int32: DTYPES.i32,
  /** Triton's name of `tl.i64`. */
  int64: DTYPES.i64,
  /** Triton's name of `tl.u8`. */
  uint8: DTYPES.u8,
  /** Triton's name of `tl.u16`. */
  uint16: DTYPES.u16,
  /** Triton's name of `tl.u32`. */
  uint32: DTYPES.u32,
  /** Triton's name of `tl.u64`. */
  uint64: DTYPES.u64,
  /** Triton's name of `tl.f16`. */
  float16: DTYPES.f16,
  /** Triton's name of `tl.bf16`. */
  bfloat16: DTYPES.bf16,
  /** Triton's name of `tl.f32`. */
  float32: DTYPES.f32,
  /** Triton's name of `tl.f64`. */
  float64: DTYPES.f64,
  /** Triton's name of `tl.fp8e4nv`. */
  float8e4nv: DTYPES.fp8e4nv,
  /** Triton's name of `tl.fp8e5`. */
  float8e5: DTYPES.fp8e5,
} as const;

/** What options name. */
const CONSTANTS = {
  /** What `tl.maximum`, `tl.minimum` and `tl.clamp` make of NaN: `ALL` passes it on, `NONE` prefers the number. */
  PropagateNan,
} as const;

interface Functions {
  /** Makes a device function, which is expanded where a kernel calls it: `tl.fn(function helper(x: number) { … })`. */
  readonly fn: typeof fn;
}

/** The language inside kernels: functions, dtypes and (as `tl.ptr<…>` and the like) parameter types. */
export const tl: WithApi & FactoriesOf<typeof COMPOSED> & typeof DTYPES & typeof LONG_NAMES & typeof CONSTANTS & Functions = {
  ...fromRows,
  ...composed,
  ...DTYPES,
  ...LONG_NAMES,
  ...CONSTANTS,
  fn,
};

declare const POINTEE: unique symbol;
declare const SCALAR: unique symbol;
declare const NULLABLE: unique symbol;
type Scalar<N extends string> = number | (number & { readonly [SCALAR]: N });

/** Types of kernel parameters. All are numbers (or the constexpr's own type) to the type checker. */
export namespace tl {
  /** A pointer to a tensor's elements: `tl.ptr<tl.f32>`; `tl.ptr` takes any dtype; `| null` makes it optional. */
  export type ptr<T = unknown> = number | (number & { readonly [POINTEE]: T });
  /** A value known when the kernel is compiled: `tl.constexpr`, `tl.constexpr<boolean>`. */
  export type constexpr<T = number> = T | (T & { readonly [SCALAR]: 'constexpr' });
  /**
   * A parameter that a launch may pass `null` for, and that the body uses as if it were there: behind a constexpr that says whether it is.
   * Where the body compares it with `null` itself, `T | null` is the better type.
   */
  export type optional<T> = T | (T & { readonly [NULLABLE]: true });
  /** A scalar of dtype bool; the launch passes true or false. */
  export type bool = Scalar<'bool'>;
  /** A scalar of dtype i8; the launch passes a number. */
  export type i8 = Scalar<'i8'>;
  /** A scalar of dtype i16; the launch passes a number. */
  export type i16 = Scalar<'i16'>;
  /** A scalar of dtype i32; the launch passes a number. */
  export type i32 = Scalar<'i32'>;
  /** A scalar of dtype i64; the launch passes a number or bigint. */
  export type i64 = Scalar<'i64'>;
  /** A scalar of dtype u8; the launch passes a number. */
  export type u8 = Scalar<'u8'>;
  /** A scalar of dtype u16; the launch passes a number. */
  export type u16 = Scalar<'u16'>;
  /** A scalar of dtype u32; the launch passes a number. */
  export type u32 = Scalar<'u32'>;
  /** A scalar of dtype u64; the launch passes a number or bigint. */
  export type u64 = Scalar<'u64'>;
  /** A scalar of dtype f16; the launch passes a number. */
  export type f16 = Scalar<'f16'>;
  /** A scalar of dtype bf16; the launch passes a number. */
  export type bf16 = Scalar<'bf16'>;
  /** A scalar of dtype f32; the launch passes a number. */
  export type f32 = Scalar<'f32'>;
  /** A scalar of dtype f64; the launch passes a number. */
  export type f64 = Scalar<'f64'>;
  /** A scalar of dtype fp8e4nv; the launch passes a number. */
  export type fp8e4nv = Scalar<'fp8e4nv'>;
  /** A scalar of dtype fp8e5; the launch passes a number. */
  export type fp8e5 = Scalar<'fp8e5'>;
  /** A dtype as a value, e.g. a constexpr that a kernel casts to. */
  export type dtype = DType;
}

/** A tuple or an object argument: the same part by part. */
type PartArgs<P, T> = P extends DType | ((...args: never[]) => unknown)
  ? P
  : { readonly [K in keyof P]: LaunchArg<Exclude<P[K], undefined>, T> };
/** What a launch passes for a parameter of type P: a tensor for a pointer, a number for a scalar, the value for a constexpr. */
export type LaunchArg<P, T> =
  | ([Extract<P, { readonly [NULLABLE]: true }>] extends [never] ? never : null)
  | Passed<Exclude<P, { readonly [NULLABLE]: true }>, T>;
type Passed<P, T> = [Extract<P, { readonly [POINTEE]: unknown }>] extends [never]
  ? [Extract<P, { readonly [SCALAR]: 'constexpr' }>] extends [never]
    ? [Extract<P, { readonly [SCALAR]: DTypeName }>] extends [never]
      ? P extends readonly unknown[] | object
        ? PartArgs<P, T>
        : P
      : number | bigint | boolean
    : Exclude<P, { readonly [SCALAR]: 'constexpr' }>
  : T | Extract<P, null>;
