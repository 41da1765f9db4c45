// `testing`: how long something takes on a device, after Triton's `triton.testing`.

import { CompileError, diagnostic, NO_LOC } from '../dsl/diagnostics.ts';
import type { Device } from './core.ts';
import { TUNE } from './messages.ts';

const MODES = ['mean', 'median', 'min', 'max', 'all'] as const;
export interface BenchOptions {
  /** Milliseconds to spend before measuring; at least one call is made. 25 by default. */
  readonly warmup?: number;
  /** Milliseconds to spend measuring; at least one call is measured. 100 by default. */
  readonly rep?: number;
  /** Gives these quantiles (0 to 1) instead of what `return_mode` says. */
  readonly quantiles?: readonly number[] | null;
  /** What of the measured times is given: 'mean' by default, 'all' gives a list. */
  readonly return_mode?: (typeof MODES)[number];
}
type Given<O extends BenchOptions> = O extends { readonly quantiles: readonly number[] }
  ? number[]
  : O extends { readonly return_mode: 'all' }
    ? number[]
    : number;

/** The quantile of sorted times, between two of them where it falls there. */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const [lo, hi] = [Math.floor(at), Math.ceil(at)];
  return sorted[lo] + (sorted[hi] - sorted[lo]) * (at - lo);
}
/** What a list of times comes down to. */
export function summarizeTimes(times: readonly number[], { quantiles, return_mode = 'mean' }: BenchOptions): number | number[] {
  const sorted = [...times].sort((a, b) => a - b);
  if (quantiles) return quantiles.map((q) => quantile(sorted, q));
  switch (return_mode) {
    case 'all':
      return [...times];
    case 'min':
      return sorted[0];
    case 'max':
      return sorted[sorted.length - 1];
    case 'median':
      return quantile(sorted, 0.5);
    case 'mean':
      return times.reduce((a, b) => a + b, 0) / times.length;
  }
}

function check({ warmup = 25, rep = 100, quantiles, return_mode = 'mean' }: BenchOptions): void {
  const bad = (name: string, got: unknown, expected: string): never => {
    throw new CompileError([diagnostic(NO_LOC, TUNE.bench, name, JSON.stringify(got) ?? String(got), expected)]);
  };
  for (const [name, ms] of Object.entries({ warmup, rep }))
    if (!(ms >= 0 && ms < Infinity)) bad(name, ms, 'milliseconds, 0 or more');
  if (quantiles?.some((q) => !(q >= 0 && q <= 1))) bad('quantiles', quantiles, 'numbers from 0 to 1');
  if (!MODES.includes(return_mode)) bad('return_mode', return_mode, MODES.join(', '));
}

/**
 * Milliseconds that a call of `fn` takes on a device: of its launches (the first 2048), by the device's own clock, where it has
 * timestamps, else from before the call until everything is done. Tensors that `fn` changes are changed by every call.
 * @throws CompileError TL4306 for an option that makes no sense, and what `fn` throws.
 * Source: Triton's `triton.testing.do_bench`; a cache is not emptied between calls, and `fn` may be asynchronous.
 */
async function do_bench<const O extends BenchOptions = BenchOptions>(
  device: Device,
  fn: () => void | Promise<void>,
  options?: O,
): Promise<Given<O>> {
  const given: BenchOptions = options ?? {};
  check(given);
  const clock = device.info.features.includes('timestamp-query');
  const once = async (): Promise<number> => {
    const from = performance.now();
    if (clock) {
      const launches = await device.profile(fn);
      if (launches.length) return launches.reduce((sum, l) => sum + l.nanoseconds, 0) / 1e6;
    } else await fn();
    await device.sync();
    return performance.now() - from;
  };
  // The first call compiles; the next ones tell how many fit into the time.
  await fn();
  await device.sync();
  const from = performance.now();
  for (let i = 0; i < 3; i++) await once();
  const estimate = Math.max((performance.now() - from) / 3, 1e-3);
  const calls = (ms: number): number => Math.max(1, Math.floor(ms / estimate));
  for (let i = calls(given.warmup ?? 25); i > 0; i--) await once();
  const times: number[] = [];
  for (let i = calls(given.rep ?? 100); i > 0; i--) times.push(await once());
  return summarizeTimes(times, given) as Given<O>;
}

/** Triton's `triton.testing`. */
export const testing = { do_bench } as const;
