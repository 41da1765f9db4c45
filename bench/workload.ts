// What the GPU benchmark runs. A workload makes its data on the device once and offers one or more ways to launch the same job; the
// harness takes the fastest, checks its result against float64 on the CPU, then measures it.

import type { Device, DTypeName, Tensor } from 'tessera';
import { randomize } from './kernels.ts';

/** A figure of the reference file to compare with, and how much of its speed is wanted. */
export interface Goal {
  readonly reference: string;
  readonly target: number | null;
}
export interface Check {
  /** Largest |got − want| over what was looked at. */
  readonly error: number;
  readonly tolerance: number;
}
export interface Variant {
  readonly label: string;
  launch(): void;
}
export interface Job {
  readonly variants: readonly Variant[];
  readonly bytes: number;
  readonly flops: number;
  readonly params: { readonly [name: string]: unknown };
  /** Runs the launch on cleared output and looks at some of it. */
  check?(launch: () => void): Promise<Check>;
}
export interface Workload {
  readonly name: string;
  readonly goals: readonly Goal[];
  /** Features of the device without which there is nothing to run. */
  readonly needs?: readonly string[];
  setup(data: Data, small: boolean): Job | Promise<Job>;
}

/** Makes a job's tensors and frees them with it. */
export class Data {
  readonly device: Device;
  private readonly tensors: Tensor[] = [];
  private seed = 0;
  constructor(device: Device) {
    this.device = device;
  }
  private keep(t: Tensor): Tensor {
    this.tensors.push(t);
    return t;
  }
  empty(shape: readonly number[], dtype: DTypeName, name?: string): Tensor {
    return this.keep(this.device.empty(shape, dtype, name));
  }
  /** Standard normal numbers, the same ones every time. */
  randn(shape: readonly number[], dtype: DTypeName, name?: string): Tensor {
    const t = this.empty(shape, dtype, name);
    randomize(this.device, t, ++this.seed);
    return t;
  }
  ints(values: readonly number[], dtype: 'i32' | 'i64'): Tensor {
    return this.keep(this.device.tensor(values, { dtype }));
  }
  table(values: readonly number[], shape: readonly number[]): Tensor {
    return this.keep(this.device.tensor(values, { dtype: 'i32', shape }));
  }
  one(): Tensor {
    return this.keep(this.device.tensor(Float32Array.of(1)));
  }
  free(): void {
    for (const t of this.tensors.splice(0)) t.free();
  }
}

/** Whole numbers below `n`, the same ones for the same seed; good enough to choose rows and to shuffle. */
export function randomInts(seed: number): (n: number) => number {
  let s = seed >>> 0;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor((s / 2 ** 32) * n);
  };
}

/** Largest difference; NaN and unequal infinities count as infinite, equal infinities as none. */
export function largestError(got: ArrayLike<number>, want: ArrayLike<number>, start = 0): number {
  let worst = start;
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || got[i] === want[i]) continue;
    const d = Math.abs(got[i] - want[i]);
    worst = Math.max(worst, Number.isNaN(d) ? Infinity : d);
  }
  return got.length === want.length ? worst : Infinity;
}
