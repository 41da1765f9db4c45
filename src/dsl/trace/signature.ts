// One specialisation of a kernel: what is known of each argument when it is traced. The runtime derives it from launch
// arguments, the command line from `--signature`; the tracer turns it into parameters and constants.

import type { DType } from '../types.ts';
import type { ParamInfo } from './definition.ts';

export type ArgSpec =
  /** A pointer. `buffer`: arguments with one number share a buffer. `divisibleBy`: of its first element's offset, in elements. */
  | { readonly kind: 'ptr'; readonly dtype: DType; readonly buffer: number; readonly divisibleBy: number }
  /** A runtime scalar. `divisibleBy` is 16 or 1. An integer that equals 1 is passed as `const`, as Triton does. */
  | { readonly kind: 'scalar'; readonly dtype: DType; readonly divisibleBy: number }
  /** A compile-time value: constexpr, `null` pointer, or an integer argument that equals 1. `dtype` is that of a scalar. */
  | { readonly kind: 'const'; readonly value: unknown; readonly dtype?: DType }
  /** A tuple, or an object with `keys`. A part that the launch leaves out has no `spec`. */
  | { readonly kind: 'tuple'; readonly keys: readonly string[] | null; readonly parts: readonly TuplePart[] };

export interface TuplePart {
  readonly param: ParamInfo;
  readonly spec: ArgSpec | null;
}

export type Signature = { readonly [param: string]: ArgSpec };

/** What is left of a signature when tuples are taken apart: each leaf with its name and the way to it from the launch's arguments. */
export function leafSpecs(signature: Signature): { name: string; way: readonly (string | number)[]; spec: ArgSpec }[] {
  const apart = (name: string, way: readonly (string | number)[], spec: ArgSpec): ReturnType<typeof leafSpecs> =>
    spec.kind === 'tuple'
      ? spec.parts.flatMap((p, i) => (p.spec ? apart(p.param.name, [...way, spec.keys?.[i] ?? i], p.spec) : []))
      : [{ name, way, spec }];
  return Object.entries(signature).flatMap(([name, spec]) => apart(name, [name], spec));
}
