// What every example needs around its kernel: made-up data, the error against a float64 reference, and a main program. In: a
// function that runs on a device. Out: one line with device, size and largest error, and exit code 1 if the error is too large.

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Device, device as openDevice } from 'tessera';

export interface Report {
  /** What ran, in words: shapes and dtypes. */
  readonly size: string;
  /** Largest |got − reference|. */
  readonly error: number;
  /** The most that `error` may be. */
  readonly tolerance: number;
}

/** Normally distributed numbers, the same ones for the same seed. */
export function randn(n: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  // mulberry32 and the Box-Muller transform: short, and good enough to look at.
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** Largest |got − want|; NaN if any element is NaN on one side alone. */
export function maxError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) throw new Error(`${got.length} elements, expected ${want.length}`);
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    if (got[i] === want[i] || (Number.isNaN(got[i]) && Number.isNaN(want[i]))) continue;
    const d = Math.abs(got[i] - want[i]);
    if (!(d <= worst)) worst = d;
  }
  return worst;
}

/** Whether the module at `url` is the program (`node FILE`, `tessera run FILE`) and not imported by another. */
const isMain = (url: string): boolean => resolve(process.argv[1] ?? '') === fileURLToPath(url);

/** Runs the example if its file was asked to run. `--device interp` takes the interpreter even where there is a WebGPU device. */
export async function example(url: string, run: (device: Device) => Promise<Report>): Promise<void> {
  if (!isMain(url)) return;
  const { values } = parseArgs({ strict: false, options: { device: { type: 'string' } } });
  const device = await openDevice(values.device === 'interp' ? { prefer: 'interp' } : {});
  try {
    const { size, error, tolerance } = await run(device);
    const ok = error <= tolerance;
    console.log(`${device.kind} (${device.info.description})`);
    console.log(
      `${size}: largest error ${error.toExponential(2)} against float64, ${ok ? 'within' : 'MORE THAN'} ${tolerance.toExponential(0)}`,
    );
    if (!ok) process.exitCode = 1;
  } finally {
    device.destroy();
  }
}
