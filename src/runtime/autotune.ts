// `autotune(kernel, { configs, key })`: one kernel, several sets of constexprs and launch options, the fastest of which is kept for
// each device and each value of the key arguments. Measuring waits for the device, so it is a call of its own (`tune`);
// `launch` takes what is known. Results live in a store: files in Node (`tuneStore.ts`), memory elsewhere.

import { CompileError, diagnostic } from '../dsl/diagnostics.ts';
import type { Grid, Kernel, LaunchArgs, LaunchOptions, TensorArg } from '../dsl/kernel.ts';
import type { LaunchArg } from '../dsl/tl.ts';
import type { Device } from './core.ts';
import { locOf } from './launch.ts';
import { TUNE } from './messages.ts';
import { Tensor } from './tensor.ts';

/** One candidate: constexpr arguments and launch options. Triton's `triton.Config`. */
export interface Config<A = { readonly [constexpr: string]: unknown }> extends LaunchOptions {
  readonly args: A;
  /** Called with all arguments before every launch with this config, measured or not. */
  readonly pre_hook?: (args: NamedArgs) => void;
}
type NamedArgs = { readonly [name: string]: unknown };
/** What functions of the host see of an argument: numbers as numbers, so that they can compute with them. */
export type Told<T, A = LaunchArg<Exclude<T, undefined>, TensorArg>> = 0 extends 1 & T ? any : [bigint] extends [A] ? number : A;
/** What a model, a filter or a hook sees of the arguments. */
export type ToldArgs<P> = { readonly [K in keyof P]-?: Told<P[K]> };
/** Triton's launch options, as a model sees them. */
type ToldOptions = { readonly num_warps: number; readonly num_stages: number; readonly num_ctas: number };
/** `Config({ BLOCK_M: 128 }, { num_warps: 8 })` */
export const Config = <A extends Config['args']>(args: A, options: Omit<Config, 'args'> = {}): Config<A> => ({
  args,
  ...options,
});

/** Where results are kept between processes. Keys and values are short texts. */
export interface TuneStore {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}
export interface TuneProgress {
  readonly kernel: string;
  readonly done: number;
  readonly total: number;
  readonly config: Config;
  /** Median milliseconds of the config that was just measured; null if it does not run on this device. */
  readonly ms: number | null;
}
export interface AutotuneOptions<P> {
  readonly configs: readonly Config<Partial<LaunchArgs<P>>>[];
  /** Arguments whose change asks for a new choice (tensors: dtype and shape count). Triton's `key`. */
  readonly key: readonly (keyof P & string)[];
  /** Leaves out candidates before they are measured. */
  readonly prune_configs_by?: {
    /** The candidates that are worth a look, given the arguments. */
    readonly early_config_prune?: (
      configs: readonly Config<Partial<LaunchArgs<P>>>[],
      args: ToldArgs<P>,
    ) => readonly Config<Partial<LaunchArgs<P>>>[];
    /** An estimate of the time of a launch, in any unit, from its arguments and options: the `top_k` lowest are measured. */
    readonly perf_model?: (args: ToldArgs<P> & ToldOptions) => number;
    /** How many candidates `perf_model` leaves: a number, or below 1 a part of all. All by default (Triton's `1.0`). */
    readonly top_k?: number;
  };
  /** Tensors that the kernel adds to: zeros before every measured launch. */
  readonly reset_to_zero?: readonly (keyof P & string)[];
  /** Tensors that the kernel changes and that every measurement must find as they were. Triton's `restore_value`. */
  readonly restore_value?: readonly (keyof P & string)[];
  /** Called before every measured launch, in place of what `reset_to_zero` and `restore_value` do. */
  readonly pre_hook?: (args: ToldArgs<P>) => void;
  /** Called after every measured candidate, with its error if it has one. */
  readonly post_hook?: (args: ToldArgs<P>, error: unknown) => void;
  /** Launches before those that are timed, and launches that are timed, for each candidate. */
  readonly warmup?: number;
  readonly rep?: number;
  /** Measures a launch in a way of its own; gives milliseconds. */
  readonly do_bench?: (launch: () => void) => number | Promise<number>;
  /** False keeps results in memory only, not where `tessera tune` keeps them. */
  readonly cache_results?: boolean;
}
/** Process-wide settings; `tessera tune` sets them. */
export const tuning: { store: TuneStore; force: boolean; onProgress: ((p: TuneProgress) => void) | null } = {
  store: new Map<string, string>(),
  force: false,
  onProgress: null,
};

/** Arguments without the constexprs that the configs give. */
export type TunedArgs<P> = Partial<LaunchArgs<P>>;
export interface Autotuned<P> {
  readonly name: string;
  readonly kernel: Kernel<P>;
  /** The config for these arguments on this device: the one that `tune` found, else the first. */
  best(device: Device, args: TunedArgs<P>): Config<Partial<LaunchArgs<P>>>;
  /** Measures the candidates unless the store knows the answer; resolves to the fastest. */
  tune(device: Device, grid: Grid, args: TunedArgs<P>): Promise<Config<Partial<LaunchArgs<P>>>>;
  /** Launches with the best config known. `grid` may be a function of the arguments, config included. */
  launch(device: Device, grid: Grid, args: TunedArgs<P>): void;
}

/** 32 bits of FNV-1a, enough to tell versions of one kernel apart. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}
const textOf = (x: unknown): string =>
  x instanceof Tensor ? `${x.dtype}[${x.shape}]` : typeof x === 'bigint' ? `${x}n` : JSON.stringify(x);
const median = (xs: readonly number[]): number => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];

/**
 * Makes a kernel tunable. All candidates must give the same results. Launches leave out what configs choose; to choose it oneself,
 * launch the `kernel` of what is returned.
 * @throws CompileError TL4301 when there are no configs, or one names a parameter that the kernel does not have; TL4304 from a launch
 * that gives what the config gives.
 * Source: Triton's `triton.autotune`.
 */
export function autotune<K extends Kernel>(kernel: K, options: AutotuneOptions<ParamsOf<K>>): Autotuned<ParamsOf<K>> {
  return tunable<ParamsOf<K>>(kernel, options);
}
/** The parameters of a kernel. */
type ParamsOf<K> = K extends Kernel<infer P> ? P : never;
function tunable<P>(kernel: Kernel<P>, options: AutotuneOptions<P>): Autotuned<P> {
  const { definition } = kernel;
  const known = definition.params.map((p) => p.name);
  const bad = options.configs
    .flatMap((c) => Object.keys(c.args))
    .concat(options.key)
    .find((name) => !known.includes(name));
  if (!options.configs.length || bad !== undefined) {
    throw new CompileError([diagnostic(locOf(definition), TUNE.configs, kernel.name, bad ?? null, known)]);
  }
  const source = hash(definition.text + JSON.stringify(options.configs));
  const keyOf = (device: Device, args: TunedArgs<P>): string => {
    const given = args as NamedArgs;
    const dtypes = definition.params.flatMap((p) =>
      given[p.name] instanceof Tensor ? [(given[p.name] as Tensor).dtype.name] : [],
    );
    return [
      device.info.description,
      kernel.name,
      source,
      dtypes.join(','),
      ...options.key.map((k) => `${k}=${textOf(given[k])}`),
    ].join('|');
  };
  const own = new Map<string, string>();
  const store = (): TuneStore => (options.cache_results === false ? own : tuning.store);
  type Candidate = Config<Partial<LaunchArgs<P>>>;
  const stored = (key: string): Candidate | undefined => {
    const text = store().get(key);
    return text === undefined ? undefined : options.configs.find((c) => JSON.stringify(c) === text);
  };
  const launchWith = (device: Device, grid: Grid, args: TunedArgs<P>, { args: chosen, pre_hook, ...launch }: Config): void => {
    const twice = Object.keys(chosen).find((name) => (args as NamedArgs)[name] !== undefined);
    if (twice !== undefined) throw new CompileError([diagnostic(locOf(definition), TUNE.conflict, kernel.name, twice)]);
    const all = { ...args, ...chosen };
    pre_hook?.(all);
    kernel.launch(device, grid, all as unknown as LaunchArgs<P>, launch);
  };

  return {
    name: kernel.name,
    kernel,
    best: (device, args) => stored(keyOf(device, args)) ?? options.configs[0],
    launch(device, grid, args) {
      launchWith(device, grid, args, this.best(device, args));
    },
    async tune(device, grid, args) {
      const key = keyOf(device, args);
      const before = stored(key);
      if (before && !tuning.force) return before;
      const candidates = pruned(options, args);
      if (!candidates.length)
        throw new CompileError([diagnostic(locOf(definition), TUNE.pruned, kernel.name, options.configs.length)]);
      const tensor = (name: string): Tensor => (args as { readonly [name: string]: unknown })[name] as Tensor;
      const saved = (options.restore_value ?? []).map((name) => [tensor(name), tensor(name).clone()] as const);
      let best: { config: Candidate; ms: number } | null = null;
      let failure: unknown = null;
      try {
        for (const [done, config] of candidates.entries()) {
          let ms: number | null = null;
          const all = { ...args, ...config.args } as unknown as ToldArgs<P>;
          const before = (): void => {
            if (options.pre_hook) {
              options.pre_hook(all);
              return;
            }
            for (const name of options.reset_to_zero ?? []) tensor(name).fill(0);
            for (const [to, from] of saved) to.copyFrom(from);
          };
          try {
            const launch = (): void => launchWith(device, grid, args, config);
            ms = options.do_bench
              ? await options.do_bench(() => {
                  before();
                  launch();
                })
              : await measure(device, launch, options.warmup ?? 1, options.rep ?? 10, before);
            options.post_hook?.(all, null);
          } catch (e) {
            options.post_hook?.(all, e);
            // A candidate that needs more than the device has is no candidate; if none is left, its error is the answer.
            if (!(e instanceof CompileError)) throw e;
            failure ??= e;
          }
          if (ms !== null && (!best || ms < best.ms)) best = { config, ms };
          tuning.onProgress?.({ kernel: kernel.name, done: done + 1, total: candidates.length, config, ms });
        }
      } finally {
        for (const [to, from] of saved) {
          to.copyFrom(from);
          from.free();
        }
      }
      if (!best) throw failure ?? new CompileError([diagnostic(locOf(definition), TUNE.configs, kernel.name, null, known)]);
      store().set(key, JSON.stringify(best.config));
      return best.config;
    },
  };
}

/** The candidates that are measured. */
function pruned<P>({ configs, prune_configs_by: by }: AutotuneOptions<P>, args: NamedArgs): AutotuneOptions<P>['configs'] {
  const left = by?.early_config_prune?.(configs, args as ToldArgs<P>) ?? configs;
  const model = by?.perf_model;
  const top = by?.top_k ?? configs.length;
  const count = top < 1 ? Math.floor(configs.length * top) : top;
  if (!model || left.length <= count) return left;
  // What Triton's Config says where nothing is said.
  const options = (c: Config): ToldOptions => ({
    num_warps: c.num_warps ?? 4,
    num_stages: c.num_stages ?? 3,
    num_ctas: c.num_ctas ?? 1,
  });
  const told = (c: Config<Partial<LaunchArgs<P>>>) =>
    ({ ...args, ...c.args, ...options(c) }) as unknown as ToldArgs<P> & ToldOptions;
  const times = new Map(left.map((c) => [c, model(told(c))]));
  return [...left].sort((a, b) => (times.get(a) as number) - (times.get(b) as number)).slice(0, count);
}

/** Median milliseconds of a launch, after some that compile and warm up. */
async function measure(device: Device, launch: () => void, warmup: number, rep: number, restore: () => void): Promise<number> {
  for (let i = 0; i < Math.max(1, warmup); i++) {
    restore();
    launch();
  }
  await device.sync();
  const times: number[] = [];
  for (let i = 0; i < rep; i++) {
    restore();
    await device.sync();
    const from = performance.now();
    if (device.info.features.includes('timestamp-query')) {
      const [t] = await device.profile(launch);
      times.push(t.nanoseconds / 1e6);
    } else {
      launch();
      await device.sync();
      times.push(performance.now() - from);
    }
  }
  // Timestamps may be rounded to 65 µs; many equal or zero times are then all there is to say.
  return median(times);
}
