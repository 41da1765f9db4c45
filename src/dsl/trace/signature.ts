// One specialisation of a kernel: what is known of each argument when it is traced. The runtime derives it from launch
// arguments, the command line from `--signature`; the tracer turns it into parameters and constants.

import type { DType } from '../types.ts';

export type ArgSpec =
  /** A pointer. `buffer`: arguments with one number share a buffer. `divisibleBy`: of its first element's offset, in elements. */
  | { readonly kind: 'ptr'; readonly dtype: DType; readonly buffer: number; readonly divisibleBy: number }
  /** A runtime scalar. `divisibleBy` is 16 or 1. An integer that equals 1 is passed as `const`, as Triton does. */
  | { readonly kind: 'scalar'; readonly dtype: DType; readonly divisibleBy: number }
  /** A compile-time value: constexpr, `null` pointer, or an integer argument that equals 1. `dtype` is that of a scalar. */
  | { readonly kind: 'const'; readonly value: unknown; readonly dtype?: DType };

export type Signature = { readonly [param: string]: ArgSpec };
