// `heuristics(kernel, { NAME: args => … })`: constexprs that follow from the other arguments of a launch. What it gives is a kernel
// again, so that `autotune` takes it: the config's constexprs are then among the arguments.

import { CompileError, diagnostic } from '../dsl/diagnostics.ts';
import { type Kernel, kernelObject, type LaunchArgs, type TensorArg } from '../dsl/kernel.ts';
import type { LaunchArg } from '../dsl/tl.ts';
import type { Autotuned, ToldArgs, TunedArgs } from './autotune.ts';
import { locOf } from './launch.ts';
import { TUNE } from './messages.ts';

/** A constexpr from the arguments of a launch, those that earlier heuristics made included. */
export type Heuristic<P = any, R = unknown> = (args: ToldArgs<P>) => R;
type Values<P, K extends keyof P> = { readonly [N in K]: Heuristic<P, LaunchArg<P[N], TensorArg>> };
/** Parameters of which some need not be given. */
type Filled<P, K extends keyof P> = Omit<P, K> & { [N in K]?: P[N] };

/**
 * Makes a kernel whose launches compute the named parameters; a value that the launch gives is replaced, as in Triton. Launch it
 * with its own `launch`: `Device.launch` takes the arguments as they are. Of an autotuned kernel it makes an autotuned kernel: its
 * functions then see no constexprs of configs, and what they compute may be in the key.
 * @throws CompileError TL4303 when a name is no parameter of the kernel.
 * Source: Triton's `triton.heuristics`.
 */
export function heuristics<P, const K extends keyof P & string>(kernel: Kernel<P>, values: Values<P, K>): Kernel<Filled<P, K>>;
export function heuristics<P, const K extends keyof P & string>(
  tuned: Autotuned<P>,
  values: Values<P, K>,
): Autotuned<Filled<P, K>>;
export function heuristics<P, const K extends keyof P & string>(
  inner: Kernel<P> | Autotuned<P>,
  values: Values<P, K>,
): Kernel<Filled<P, K>> | Autotuned<Filled<P, K>> {
  const { definition } = 'kernel' in inner ? inner.kernel : inner;
  const known = definition.params.map((p) => p.name);
  const bad = Object.keys(values).find((name) => !known.includes(name));
  if (bad !== undefined) throw new CompileError([diagnostic(locOf(definition), TUNE.heuristics, inner.name, bad, known)]);
  const filled = (args: object): LaunchArgs<P> => {
    const all: { [name: string]: unknown } = { ...args };
    for (const [name, f] of Object.entries(values as unknown as { readonly [name: string]: Heuristic })) all[name] = f(all);
    return all as LaunchArgs<P>;
  };
  if ('kernel' in inner) {
    const tuned = (args: object): TunedArgs<P> => filled(args);
    const made: Autotuned<P> = {
      name: inner.name,
      kernel: inner.kernel,
      best: (device, args) => inner.best(device, tuned(args)),
      tune: (device, grid, args) => inner.tune(device, grid, tuned(args)),
      launch: (device, grid, args) => inner.launch(device, grid, tuned(args)),
    };
    return made as unknown as Autotuned<Filled<P, K>>;
  }
  return kernelObject(
    inner.name,
    inner.options,
    () => definition,
    (device, grid, args, options) => inner.launch(device, grid, filled(args), options),
  );
}
