// The CPU: the interpreter on the five small workloads of the reference, and a software Vulkan driver (or whatever adapter there is) on
// three jobs beside the same jobs in WGSL by hand.   npm run -s bench:cpu -- --reference triton.json

import chalk from 'chalk';
import { Command } from 'commander';
import { cdiv, type Device, device as openDevice, type Tensor } from 'tessera';
import { context_attention_fwd, correct_attn_out, pack_seq_triton, triton_reshape_and_cache_flash } from 'tessera/kernels';
import type { WgslProgram } from '../src/lower/program.ts';
import { add_kernel, matmul_kernel, softmax_kernel } from './kernels.ts';
import { hostTimes, type Timing } from './measure.ts';
import { defaultFile, deviceName, fixed, header, ratioText, ratioTo, readReference, table, writeResults } from './report.ts';
import { addVec4, matmulF32, softmaxRows } from './wgsl.ts';
import { Data, largestError } from './workload.ts';

const REPS = 7;
/** How many times faster than the reference the interpreter is to be. */
const TARGET = 20;

/** The host functions as the reference calls them, allocations included. */
function interpreted(data: Data): { readonly [name: string]: () => void | Promise<void> } {
  const { device } = data;
  const [q, k, v] = [0, 1, 2].map(() => data.randn([256, 2, 64], 'f32'));
  const o = data.empty([256, 2, 64], 'f32');
  const [b_start_loc, b_seq_len] = [data.ints([0], 'i32'), data.ints([256], 'i32')];
  const prefill = (is_causal: boolean): void =>
    context_attention_fwd(device, { q, k, v, o, b_start_loc, b_seq_len, max_input_len: 256, is_causal });
  const lengths = data.ints([100, 87, 113, 64], 'i32');
  const x = data.randn([364, 64], 'f32');
  const [out, lses] = [data.randn([16, 4, 64], 'f32'), data.randn([4, 16, 4], 'f32')];
  const [key, value] = [0, 1].map(() => data.randn([256, 4, 64], 'f32'));
  const [key_cache, value_cache] = [0, 1].map(() => data.empty([16, 16, 4, 64], 'f32'));
  const order = Array.from({ length: 256 }, (_, i) => (i * 77 + 5) % 256);
  const slot_mapping = data.ints(order, 'i64');
  const scales = { k_scale: data.one(), v_scale: data.one() };
  const cache = { key, value, key_cache, value_cache, slot_mapping, kv_cache_dtype: 'auto', ...scales };
  return {
    interpret_prefill_f32_b1_h2_d64_s256_causal: () => prefill(true),
    interpret_prefill_f32_b1_h2_d64_s256_full: () => prefill(false),
    interpret_pack_seq_f32_b4_d64: async () => (await pack_seq_triton(device, { x, lengths })).free(),
    interpret_correct_attn_out_f32_n4_b16_h4_d64: () => correct_attn_out(device, { out, lses, cp_rank: 1 })[1].free(),
    interpret_reshape_and_cache_f32_t256_h4_d64: () => triton_reshape_and_cache_flash(device, cache),
  };
}

interface Job {
  readonly name: string;
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
  readonly tessera: (device: Device, ins: readonly Tensor[], out: Tensor) => void;
  readonly program: WgslProgram;
  readonly groups: number;
}

function jobs(small: boolean): readonly Job[] {
  const n = small ? 1 << 16 : 1 << 24;
  const rows = small ? 32 : 4096;
  const m = small ? 128 : 512;
  return [
    {
      name: `vector_add_f32_${n}`,
      inputs: [[n], [n]],
      output: [n],
      tessera: (d, [x, y], out) => add_kernel.launch(d, [cdiv(n, 1024)], { x, y, out, n, BLOCK: 1024 }),
      program: addVec4(n),
      groups: n / 1024,
    },
    {
      name: `softmax_f32_${rows}x1024`,
      inputs: [[rows, 1024]],
      output: [rows, 1024],
      tessera: (d, [x], out) => softmax_kernel.launch(d, [rows], { x, out, n_cols: 1024, BLOCK: 1024 }),
      program: softmaxRows(),
      groups: rows,
    },
    {
      name: `matmul_f32_${m}`,
      inputs: [
        [m, m],
        [m, m],
      ],
      output: [m, m],
      tessera: (d, [a, b], out) =>
        matmul_kernel.launch(d, [(m / 64) ** 2], {
          a_ptr: a,
          b_ptr: b,
          c_ptr: out,
          ...{ M: m, N: m, K: m, sam: m, sak: 1, sbk: m, sbn: 1, scm: m, scn: 1 },
          ...{ BM: 64, BN: 64, BK: 32, GM: 8 },
        }),
      program: matmulF32(m),
      groups: (m / 64) ** 2,
    },
  ];
}

interface Beside {
  readonly name: string;
  readonly tessera: Timing;
  readonly wgsl: Timing;
  /** Our speed over that of the WGSL by hand. */
  readonly ratio: number;
  /** Largest difference between both results. */
  readonly difference: number;
}

async function beside(device: Device, job: Job, reps: number): Promise<Beside> {
  const data = new Data(device);
  const ins = job.inputs.map((shape) => data.randn(shape, 'f32'));
  const [ours, theirs] = [0, 1].map(() => data.empty(job.output, 'f32'));
  const names = job.program.bindings.map((b) => b.name);
  const args = Object.fromEntries(names.map((name, i) => [name, i < ins.length ? ins[i] : theirs]));
  const timed = (launch: () => void): Promise<Timing> =>
    hostTimes(async () => {
      launch();
      await device.sync();
    }, reps);
  const tessera = await timed(() => job.tessera(device, ins, ours));
  const wgsl = await timed(() => device.launchProgram(job.program, [job.groups], args));
  const want = await theirs.toFloat32();
  // Two empty results agree as well.
  const difference = want.some((x) => x !== 0) ? largestError(await ours.toFloat32(), want) : Infinity;
  data.free();
  return { name: job.name, tessera, wgsl, ratio: wgsl.median_ms / tessera.median_ms, difference };
}

async function main(o: { reference?: string; out?: string; small?: boolean }): Promise<void> {
  const reference = o.reference ? readReference(o.reference) : null;
  const interp = await openDevice({ prefer: 'interp' });
  const data = new Data(interp);
  const results = [];
  for (const [name, run] of Object.entries(interpreted(data))) {
    const t = await hostTimes(
      async () => {
        await run();
        await interp.sync();
      },
      o.small ? 2 : REPS,
    );
    results.push({ name, ...t, ratios: ratioTo(reference, [{ reference: name, target: TARGET }], t.median_ms) });
  }
  data.free();
  const rows = results.map((r) => [r.name, fixed(r.median_ms, 2), fixed(r.min_ms, 2), r.ratios.map(ratioText).join()]);
  console.log(table(['interpreter', 'median ms', 'min', 'speed / reference'], rows));

  const device = await openDevice();
  const compared: Beside[] = [];
  if (device.kind === 'webgpu')
    for (const job of jobs(o.small === true)) compared.push(await beside(device, job, o.small ? 2 : 9));
  const cells = compared.map((c) => [
    c.name,
    fixed(c.tessera.median_ms, 2),
    fixed(c.wgsl.median_ms, 2),
    ratioText({ reference: '', ratio: c.ratio, target: 1 }),
    c.difference.toExponential(1),
  ]);
  console.log(`\n${deviceName(device)}`);
  console.log(table(['job', 'Tessera ms', 'WGSL by hand ms', 'speed / by hand', 'difference'], cells));
  const wrong = compared.filter((c) => !(c.difference <= 1e-3));
  for (const c of wrong) console.log(chalk.red(`${c.name}: the two results differ by ${c.difference}`));
  if (wrong.length) process.exitCode = 1;
  const method =
    'Interpreter: host functions with their allocations, no hooks, one thread. Software Vulkan: wall clock of launch and wait. Medians ' +
    'after two warm rounds. The reference’s interpreter ran on its own machine unless it says otherwise.';
  const file = o.out ?? defaultFile('cpu', deviceName(device));
  writeResults(file, { ...header('cpu', deviceName(device), method), reference: reference?.device, results, compared });
  console.log(chalk.dim(`written to ${file}`));
  device.destroy();
}

const command = new Command('bench:cpu')
  .option('--reference <file>', "JSON of the original kernels' run, by name")
  .option('--out <file>', 'where the JSON goes')
  .option('--small', 'tiny sizes: to test the benchmark itself');
await main(command.parse().opts());
