// How a time is taken. GPU: the device's own timestamps around each launch, on an idle queue and an evicted cache, after the clocks
// have gone up. Host: performance.now around rounds of calls. Out: median, minimum and 90th percentile.

import type { Device, Tensor } from 'tessera';
import { evict_kernel } from './kernels.ts';

export interface Timing {
  readonly median_ms: number;
  readonly min_ms: number;
  readonly p90_ms: number;
  readonly reps: number;
}

export function summarize(ms: readonly number[]): Timing {
  const s = [...ms].sort((a, b) => a - b);
  const mid = s.length >> 1;
  const median = s.length % 2 ? s[mid] : (s[mid - 1] + s[mid]) / 2;
  return { median_ms: median, min_ms: s[0], p90_ms: s[Math.min(s.length - 1, Math.floor(0.9 * s.length))], reps: s.length };
}

export interface GpuOptions {
  readonly reps: number;
  /** Seconds of work before the first measurement: a card idles at a fraction of its clock. */
  readonly warmUp: number;
  /** Fewer repeats (but three) when they would take longer than this many seconds. */
  readonly maxSeconds: number;
  /** Bytes read between repeats to evict the cache; well above it. */
  readonly evictBytes: number;
}

const EVICT_BLOCK = 4096;

export class GpuTimer {
  readonly options: GpuOptions;
  readonly timestamps: boolean;
  private readonly device: Device;
  private readonly evicted: Tensor;
  private readonly sums: Tensor;

  constructor(device: Device, options: GpuOptions) {
    this.device = device;
    this.options = options;
    this.timestamps = device.info.features.includes('timestamp-query');
    const programs = Math.ceil(options.evictBytes / 4 / EVICT_BLOCK);
    this.evicted = device.empty([programs * EVICT_BLOCK], 'f32', 'evicts the cache');
    this.sums = device.empty([programs], 'f32');
  }
  private evict(): void {
    evict_kernel.launch(this.device, [this.sums.numel], { x: this.evicted, out: this.sums, BLOCK: EVICT_BLOCK });
  }

  /** Milliseconds of each of `reps` launches. */
  async times(launch: () => void, reps: number): Promise<number[]> {
    const { device } = this;
    if (!this.timestamps) {
      const out: number[] = [];
      for (let i = 0; i < reps; i++) {
        await device.sync();
        const from = performance.now();
        launch();
        await device.sync();
        out.push(performance.now() - from);
      }
      return out;
    }
    const mine: [from: number, to: number][] = [];
    let count = 0;
    const counted = (f: () => void): [number, number] => {
      const before = device.stats.launches;
      f();
      const from = count;
      count += device.stats.launches - before;
      return [from, count];
    };
    const all = await device.profile(async () => {
      for (let i = 0; i < reps; i++) {
        counted(() => this.evict());
        // Dawn writes the first timestamp of a pass at the top of the pipe: with work still running, its time would count too.
        await device.sync();
        mine.push(counted(launch));
        await device.sync();
      }
    });
    // From the first launch's begin to the last one's end: a launch behind another one counts that one's time, too.
    return mine.map(([from, to]) => {
      const own = all.slice(from, to);
      return (Math.max(...own.map((l) => l.began + l.nanoseconds)) - own[0].began) / 1e6;
    });
  }

  /** Launches until the clock is up; returns the milliseconds that one takes. */
  private async warm(launch: () => void, seconds: number): Promise<number> {
    const until = performance.now() + seconds * 1000;
    let [launches, took] = [1, 0];
    do {
      const from = performance.now();
      for (let i = 0; i < launches; i++) launch();
      await this.device.sync();
      took = (performance.now() - from) / launches;
      launches = Math.max(1, Math.min(64, Math.round(50 / took)));
    } while (performance.now() < until);
    return took;
  }
  /** The time of a launch that has been compiled: warm too, since clocks fall while the next variant compiles. */
  async probe(launch: () => void): Promise<number> {
    await this.warm(launch, this.options.warmUp / 2);
    return Math.min(...(await this.times(launch, 3)));
  }

  /** Warms up, then measures. */
  async measure(launch: () => void): Promise<Timing> {
    const { reps, warmUp, maxSeconds } = this.options;
    const took = await this.warm(launch, warmUp);
    const affordable = Math.floor((maxSeconds * 1000) / took);
    return summarize(await this.times(launch, Math.max(3, Math.min(reps, affordable))));
  }
  free(): void {
    this.evicted.free();
    this.sums.free();
  }
}

/** Medians of rounds of calls on the host, in milliseconds a round. */
export async function hostTimes(round: () => void | Promise<void>, rounds: number, warm = 2): Promise<Timing> {
  const times: number[] = [];
  for (let i = -warm; i < rounds; i++) {
    const from = performance.now();
    await round();
    if (i >= 0) times.push(performance.now() - from);
  }
  return summarize(times);
}
