// Times the kernels on a GPU beside the device's own ceilings and, with `--reference`, beside real Triton's figures.
//   npm run -s bench:gpu -- --reference triton.json --out results.json      (--list, --only RE, --small, --reps N)

import chalk from 'chalk';
import { Command } from 'commander';
import { type Device, device as openDevice } from 'tessera';
import { GpuTimer, type Timing } from './measure.ts';
import {
  defaultFile,
  deviceName,
  fixed,
  header,
  type Ratio,
  ratioText,
  ratioTo,
  readReference,
  table,
  writeResults,
} from './report.ts';
import { type Check, Data, type Variant, type Workload } from './workload.ts';
import { workloads } from './workloads/index.ts';
import { COPY_CEILING, FMA_CEILING, MATRIX_CEILING } from './workloads/matmul.ts';

interface Options {
  readonly only?: string;
  readonly reference?: string;
  readonly out?: string;
  readonly reps: string;
  readonly budget: string;
  readonly small?: boolean;
  readonly list?: boolean;
  readonly numWarps?: string;
}
interface Tried {
  readonly label: string;
  /** Trace, WGSL, pipeline and the first launch. */
  readonly first_ms?: number;
  readonly probe_ms?: number;
  readonly error?: string;
}
interface Result extends Partial<Timing> {
  readonly name: string;
  readonly variant?: string;
  readonly GB_per_s?: number;
  readonly TFLOP_per_s?: number;
  readonly ratios?: readonly Ratio[];
  readonly check?: Check;
  readonly tried?: readonly Tried[];
  readonly error?: string;
  readonly [more: string]: unknown;
}

const METHOD =
  'Device timestamps around each launch, on an idle queue; warm-up of 0.4 s; 256 MiB read before each repeat to evict the cache; ' +
  'median of the repeats. Of several variants the fastest in a probe is measured. Rows of every result are compared with float64.';
/** A variant that took this long to compile and run once is the last one tried. */
const SLOW_MS = 15_000;

const firstLine = (e: unknown): string => String((e as Error).message ?? e).split('\n')[0];

async function tryVariant(device: Device, timer: GpuTimer, v: Variant): Promise<Tried> {
  const from = performance.now();
  try {
    v.launch();
    await device.sync();
    const first_ms = performance.now() - from;
    return { label: v.label, first_ms, probe_ms: first_ms > SLOW_MS ? first_ms : await timer.probe(v.launch) };
  } catch (e) {
    return { label: v.label, first_ms: performance.now() - from, error: firstLine(e) };
  }
}

async function runOne(w: Workload, device: Device, timer: GpuTimer, small: boolean): Promise<Result> {
  const data = new Data(device);
  try {
    const missing = (w.needs ?? []).filter((f) => !device.info.features.includes(f));
    if (missing.length) return { name: w.name, error: `the device has no ${missing.join(', ')}` };
    const job = await w.setup(data, small);
    const tried: Tried[] = [];
    for (const v of job.variants) {
      tried.push(await tryVariant(device, timer, v));
      if ((tried.at(-1)?.first_ms ?? 0) > SLOW_MS) break;
    }
    const probes = tried.map((t) => t.probe_ms ?? Infinity);
    const best = probes.indexOf(Math.min(...probes));
    const about = { name: w.name, params: job.params, tried };
    if (tried[best].error) return { ...about, error: tried[best].error };
    const { label, launch } = job.variants[best];
    const check = await job.check?.(launch);
    if (check && !(check.error <= check.tolerance))
      return { ...about, variant: label, check, error: `wrong: off by ${check.error}, allowed ${check.tolerance}` };
    const time = await timer.measure(launch);
    const rate = (x: number): number => x / time.median_ms;
    return {
      ...about,
      variant: label,
      ...time,
      bytes: job.bytes,
      flops: job.flops,
      GB_per_s: rate(job.bytes) / 1e6,
      TFLOP_per_s: rate(job.flops) / 1e9,
      check,
    };
  } catch (e) {
    return { name: w.name, error: firstLine(e) };
  } finally {
    data.free();
  }
}

/** Percent of the ceiling that the job is up against: matrix units or multiply-adds where it computes, else the copy. */
function roof(r: Result, all: readonly Result[]): string {
  const of = (name: string, key: 'GB_per_s' | 'TFLOP_per_s', what: string): string => {
    const top = all.find((x) => x.name === name)?.[key];
    return top && r[key] ? `${fixed((100 * r[key]) / top, 0)}% ${what}` : '';
  };
  if (!r.flops) return of(COPY_CEILING, 'GB_per_s', 'copy');
  const half = /f16/.test(r.name) && !/fma/.test(r.name);
  return half ? of(MATRIX_CEILING, 'TFLOP_per_s', 'matrix') : of(FMA_CEILING, 'TFLOP_per_s', 'fma');
}

function show(results: readonly Result[]): string {
  const rows = results.map((r) =>
    r.error
      ? [r.name, '', '', '', '', '', '', chalk.red(r.error.slice(0, 70))]
      : [
          r.name,
          fixed(r.median_ms ?? NaN, 4),
          fixed(r.min_ms ?? NaN, 4),
          fixed(r.p90_ms ?? NaN, 4),
          r.GB_per_s ? fixed(r.GB_per_s, 0) : '',
          r.TFLOP_per_s ? fixed(r.TFLOP_per_s, 2) : '',
          roof(r, results),
          (r.ratios ?? []).map(ratioText).join(', '),
        ],
  );
  return table(['workload', 'median ms', 'min', 'p90', 'GB/s', 'TFLOP/s', 'of ceiling', 'speed / reference'], rows);
}

async function main(o: Options): Promise<void> {
  const only = new RegExp(o.only ?? '');
  const chosen = workloads.filter((w) => only.test(w.name) || (!o.list && w.name.startsWith('ceiling_')));
  if (o.list) {
    console.log(chosen.map((w) => w.name).join('\n'));
    return;
  }
  const reference = o.reference ? readReference(o.reference) : null;
  const device = await openDevice({ timestamps: true });
  const small = o.small === true;
  const name = deviceName(device);
  const num_warps = o.numWarps ? Number(o.numWarps) : undefined;
  if (num_warps) {
    const compile = device.backend.compile.bind(device.backend);
    device.backend.compile = (func, options) => compile(func, { ...options, num_warps });
  }
  const timer = new GpuTimer(device, {
    reps: Number(o.reps),
    warmUp: small ? 0.01 : 0.4,
    maxSeconds: small ? 0.2 : 2,
    evictBytes: small ? 1 << 20 : 256 << 20,
  });
  const file = o.out ?? defaultFile(small ? 'gpu-small' : 'gpu', name);
  const results: Result[] = [];
  const until = performance.now() + Number(o.budget) * 1000;
  const method = timer.timestamps ? METHOD : `${METHOD} NO TIMESTAMPS: wall clock around each launch.`;
  for (const w of chosen) {
    const late = performance.now() > until;
    const r: Result = late ? { name: w.name, error: 'not run: out of time' } : await runOne(w, device, timer, small);
    const done = { ...r, ...(r.median_ms ? { ratios: ratioTo(small ? null : reference, w.goals, r.median_ms) } : {}) };
    results.push(done);
    const ms = done.median_ms ? `${fixed(done.median_ms, 4)} ms (${done.variant})` : (done.error ?? '');
    console.error(chalk.dim(`${w.name}: ${ms}`));
    // After each one: a device that is lost does not take the rest along.
    writeResults(file, { ...header('gpu', name, method), reference: reference?.device, small, num_warps, results });
  }
  console.log(`${name}${reference ? `, beside ${reference.device}` : ''}`);
  console.log(show(results));
  console.log(chalk.dim(`written to ${file}`));
  if (results.some((r) => r.error?.startsWith('wrong'))) process.exitCode = 1;
  timer.free();
  device.destroy();
}

const command = new Command('bench:gpu')
  .option('--only <re>', 'workloads whose name matches (the ceilings always run)')
  .option('--reference <file>', "JSON of the original kernels' run, by name")
  .option('--out <file>', 'where the JSON goes')
  .option('--reps <n>', 'repeats', '50')
  .option('--budget <seconds>', 'start no workload after this time', '600')
  .option('--num-warps <n>', 'for every kernel, whatever its launch asks for: to see what the workgroup size does')
  .option('--small', 'tiny sizes: to test the benchmark itself')
  .option('--list', 'names only');
await main(command.parse().opts<Options>());
