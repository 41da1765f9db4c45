// What a kernel costs the host: trace → WGSL, first in a fresh process and then warm; the driver's pipeline; and a cached launch beside
// the same dispatch written by hand against WebGPU.   npm run -s bench:compile

import { spawnSync } from 'node:child_process';
import chalk from 'chalk';
import { Command } from 'commander';
import { device as openDevice } from 'tessera';
import { traceKernel } from '../src/dsl/trace/trace.ts';
import type { Target } from '../src/lower/program.ts';
import { compileWgsl } from '../src/lower/wgsl/compile.ts';
import type { WebGpuBackend } from '../src/runtime/webgpu/backend.ts';
import { launchCost } from './launchCost.ts';
import { hostTimes } from './measure.ts';
import { type Captured, capture } from './nullDevice.ts';
import { defaultFile, deviceName, fixed, header, table, writeResults } from './report.ts';
import { workloads } from './workloads/index.ts';

/** One workload for each kernel and dtype of interest; the last variant of each, with the largest tiles, is compiled. */
const SUBJECTS = [
  'prefill_f16_b4_h32_kv8_d128_s4096_causal_swq511',
  'prefill_f16_b16_h32_kv32_d64_s1024_causal',
  'prefill_f32_b4_h16_kv16_d64_s1024_causal',
  'reshape_and_cache_f16_t16384_h8_d128',
  'reshape_and_cache_diffkv_f16_t16384_h8_192_128',
  'pack_seq_f16_b32_l4096_d1024',
  'unpack_seq_f16_b32_l4096_d1024',
  'correct_attn_out_f16_n8_b4096_h32_d128',
  'matmul_f16_4096',
];

async function subject(name: string): Promise<Captured> {
  const w = workloads.find((x) => x.name === name);
  if (!w) throw new Error(`no workload ${name}`);
  return capture(w);
}

const compile = (c: Captured, target: Target): ReturnType<typeof compileWgsl> =>
  compileWgsl(traceKernel(c.definition, c.signature), target, {
    ...(c.options.num_warps ? { workgroupSize: Math.min(32 * c.options.num_warps, target.maxInvocations) } : {}),
  });

/** In a fresh process: the first compilation that it does, in milliseconds on stdout. */
async function cold(name: string, target: Target): Promise<void> {
  const c = await subject(name);
  const from = performance.now();
  compile(c, target);
  console.log(performance.now() - from);
}
function coldTimes(name: string, target: Target, times: number): number[] {
  return Array.from({ length: times }, () => {
    const args = [...process.execArgv, process.argv[1], '--cold', name, '--target', JSON.stringify(target)];
    const r = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (r.status !== 0) throw new Error(r.stderr);
    return Number(r.stdout.trim().split('\n').at(-1));
  }).sort((a, b) => a - b);
}

interface Options {
  readonly cold?: string;
  readonly target?: string;
  readonly out?: string;
  readonly rounds: string;
  readonly pipelines: boolean;
}

async function main(o: Options): Promise<void> {
  if (o.cold) return cold(o.cold, JSON.parse(o.target ?? '{}') as Target);
  const rounds = Number(o.rounds);
  const device = await openDevice({ timestamps: true });
  if (device.kind !== 'webgpu') throw new Error('there is no WebGPU device to measure');
  const { gpu, target } = device.backend as WebGpuBackend;
  const results = [];
  for (const name of SUBJECTS) {
    const c = await subject(name);
    const program = compile(c, target);
    const first = coldTimes(name, target, 3);
    const warm = await hostTimes(() => void compile(c, target), rounds, 5);
    // Dawn and drivers keep compiled programs: text that nobody has seen makes the first figure honest, but for the driver's disk cache.
    const code = `${program.code}\n// ${process.pid} ${performance.now()}`;
    let pipeline_ms: number | null = null;
    if (o.pipelines) {
      const from = performance.now();
      const module = gpu.createShaderModule({ code });
      await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: program.entryPoint } });
      pipeline_ms = performance.now() - from;
    }
    results.push({
      name,
      kernel: program.kernel,
      wgsl_bytes: program.code.length,
      cold_ms: first[1],
      warm_ms: warm.median_ms,
      warm_p90_ms: warm.p90_ms,
      pipeline_ms,
    });
    console.error(chalk.dim(name));
  }
  const launch = await launchCost(device, rounds);
  console.log(deviceName(device));
  const rows = results.map((r) => [
    r.name,
    `${fixed(r.wgsl_bytes / 1024, 1)} KiB`,
    fixed(r.cold_ms, 1),
    fixed(r.warm_ms, 1),
    fixed(r.pipeline_ms ?? NaN, 1),
  ]);
  console.log(table(['trace → WGSL', 'text', 'first ms', 'warm ms', 'pipeline ms'], rows));
  console.log(
    `\ncached launch: ${fixed(launch.tessera_us, 2)} µs; by hand, same ${launch.bindings} bindings: ${fixed(launch.webgpu_us, 2)} µs; ` +
      `ratio ${fixed(launch.ratio, 2)} (target ≤ 1.2); replayed: ${fixed(launch.replay_us, 2)} µs`,
  );
  const method =
    'Trace → WGSL of the workload’s largest variant: median of three fresh processes (kernel and compiler loaded, nothing compiled yet), ' +
    'and median of warm rounds. Pipeline: module and pipeline until ready, text new to Dawn. Launch: see launchCost.ts.';
  const file = o.out ?? defaultFile('compile', deviceName(device));
  writeResults(file, { ...header('compile', deviceName(device), method), results, launch });
  console.log(chalk.dim(`written to ${file}`));
  device.destroy();
}

const command = new Command('bench:compile')
  .option('--out <file>', 'where the JSON goes')
  .option('--rounds <n>', 'warm rounds', '30')
  .option('--no-pipelines', 'leave the driver out')
  .option('--cold <name>', 'internal: compile once in this process')
  .option('--target <json>', 'internal: the target of --cold');
await main(command.parse().opts<Options>());
