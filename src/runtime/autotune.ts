// `autotune(kernel, { configs, key })`: one kernel, several sets of constexprs and launch options, the fastest of which is kept for
// each device and each value of the key arguments. Measuring waits for the device, so it is a call of its own (`tune`);
// `launch` takes what is known. Results live in a store: files in Node (`tuneStore.ts`), memory elsewhere.

import { CompileError, diagnostic } from '../dsl/diagnostics.ts';
import type { Grid, Kernel, KernelOptions, LaunchArgs } from '../dsl/kernel.ts';
import type { Device } from './core.ts';
import { locOf } from './launch.ts';
import { TUNE } from './messages.ts';
import { Tensor } from './tensor.ts';

/** One candidate: constexpr arguments and launch options. Triton's `triton.Config`. */
export interface Config {
  readonly args: { readonly [constexpr: string]: unknown };
  readonly num_warps?: number;
  readonly num_stages?: number;
}
/** `Config({ BLOCK_M: 128 }, { num_warps: 8 })` */
export const Config = (args: Config['args'], options: KernelOptions = {}): Config => ({ args, ...options });

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
  readonly configs: readonly Config[];
  /** Arguments whose change asks for a new choice (tensors: dtype and shape count). Triton's `key`. */
  readonly key: readonly (keyof P & string)[];
  /** Leaves out candidates that cannot win, given the arguments. Triton's `prune_configs_by`. */
  readonly prune?: (configs: readonly Config[], args: { readonly [name: string]: unknown }) => readonly Config[];
  /** Tensors that the kernel changes and that every measurement must find as they were. Triton's `restore_value`. */
  readonly restore_value?: readonly (keyof P & string)[];
  /** Launches that are timed for each candidate. */
  readonly rep?: number;
}
/** Process-wide settings; `tessera tune` sets them. */
export const tuning: { store: TuneStore; force: boolean; onProgress: ((p: TuneProgress) => void) | null } = {
  store: new Map<string, string>(),
  force: false,
  onProgress: null,
};

/** Arguments without the constexprs that the configs give. */
export type TunedArgs<P> = Partial<LaunchArgs<P>> & { readonly [name: string]: unknown };
export interface Autotuned<P> {
  readonly name: string;
  readonly kernel: Kernel<P>;
  /** The config for these arguments on this device: the one that `tune` found, else the first. */
  best(device: Device, args: TunedArgs<P>): Config;
  /** Measures the candidates unless the store knows the answer; resolves to the fastest. */
  tune(device: Device, grid: Grid, args: TunedArgs<P>): Promise<Config>;
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
 * Makes a kernel tunable. All candidates must give the same results.
 * @throws CompileError TL4301 when there are no configs, or one names a parameter that the kernel does not have.
 * Source: Triton's `triton.autotune`.
 */
export function autotune<P>(kernel: Kernel<P>, options: AutotuneOptions<P>): Autotuned<P> {
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
    const dtypes = definition.params.flatMap((p) =>
      args[p.name] instanceof Tensor ? [(args[p.name] as unknown as Tensor).dtype.name] : [],
    );
    return [
      device.info.description,
      kernel.name,
      source,
      dtypes.join(','),
      ...options.key.map((k) => `${k}=${textOf(args[k])}`),
    ].join('|');
  };
  const stored = (key: string): Config | undefined => {
    const text = tuning.store.get(key);
    return text === undefined ? undefined : options.configs.find((c) => JSON.stringify(c) === text);
  };
  const launchWith = (device: Device, grid: Grid, args: TunedArgs<P>, c: Config): void =>
    device.launch(kernel, grid, { ...args, ...c.args }, c);

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
      const candidates = options.prune?.(options.configs, args) ?? options.configs;
      const saved = (options.restore_value ?? []).map(
        (name) => [args[name] as unknown as Tensor, (args[name] as unknown as Tensor).clone()] as const,
      );
      let best: { config: Config; ms: number } | null = null;
      let failure: unknown = null;
      try {
        for (const [done, config] of candidates.entries()) {
          let ms: number | null = null;
          try {
            ms = await measure(
              device,
              () => launchWith(device, grid, args, config),
              options.rep ?? 10,
              () => {
                for (const [to, from] of saved) to.copyFrom(from);
              },
            );
          } catch (e) {
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
      tuning.store.set(key, JSON.stringify(best.config));
      return best.config;
    },
  };
}

/** Median milliseconds of a launch, after one that compiles and warms up. */
async function measure(device: Device, launch: () => void, rep: number, restore: () => void): Promise<number> {
  restore();
  launch();
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
