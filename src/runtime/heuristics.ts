// `heuristics(kernel, { NAME: args => … })`: constexprs that follow from the other arguments of a launch. What it gives is a kernel
// again, so that `autotune` takes it: the config's constexprs are then among the arguments.

import { CompileError, diagnostic } from '../dsl/diagnostics.ts';
import { type Kernel, kernelObject, type LaunchArgs, type TensorArg } from '../dsl/kernel.ts';
import type { LaunchArg } from '../dsl/tl.ts';
import { locOf } from './launch.ts';
import { TUNE } from './messages.ts';

/** A constexpr from the arguments of a launch, those that earlier heuristics made included. */
export type Heuristic<P = any, R = unknown> = (args: { readonly [K in keyof P]-?: Told<P[K]> }) => R;
/** What a heuristic sees of an argument: numbers as numbers, so that it can compute with them. */
type Told<T, A = LaunchArg<Exclude<T, undefined>, TensorArg>> = 0 extends 1 & T ? any : [bigint] extends [A] ? number : A;

/**
 * Makes a kernel whose launches compute the named parameters; a value that the launch gives is replaced, as in Triton. Launch it
 * with its own `launch`: `Device.launch` takes the arguments as they are.
 * @throws CompileError TL4303 when a name is no parameter of the kernel.
 * Source: Triton's `triton.heuristics`.
 */
export function heuristics<P, const K extends keyof P & string>(
  kernel: Kernel<P>,
  values: { readonly [N in K]: Heuristic<P, LaunchArg<P[N], TensorArg>> },
): Kernel<Omit<P, K> & { [N in K]?: P[N] }> {
  const { definition } = kernel;
  const known = definition.params.map((p) => p.name);
  const bad = Object.keys(values).find((name) => !known.includes(name));
  if (bad !== undefined) throw new CompileError([diagnostic(locOf(definition), TUNE.heuristics, kernel.name, bad, known)]);
  return kernelObject(
    kernel.name,
    kernel.options,
    () => definition,
    (device, grid, args, options) => {
      const all: { [name: string]: unknown } = { ...args };
      for (const [name, f] of Object.entries(values as unknown as { readonly [name: string]: Heuristic })) all[name] = f(all);
      kernel.launch(device, grid, all as LaunchArgs<P>, options);
    },
  );
}
