// A Llama-style decoder whose every step on the device is a kernel of this project: continuous batching over a paged KV cache.
//   npm run -s decoder -- --prompts 8 --tokens 64

import { readFileSync, writeFileSync } from 'node:fs';
import chalk from 'chalk';
import { Command, InvalidArgumentError } from 'commander';
import { type Device, type DTypeName, device as openDevice } from 'tessera';
import { type ModelConfig, modelConfig, SMALL } from './config.ts';
import { Engine, type Running, type Step } from './engine.ts';
import { Decoder } from './model.ts';
import { KvCachePool } from './pool.ts';
import { referenceLogits } from './reference.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { checkWeights, type HostWeights, loadWeights, randomWeights } from './weights.ts';

interface Options {
  readonly prompts: number;
  readonly tokens: number;
  readonly promptLength: number;
  readonly dtype: DTypeName;
  readonly blocks?: number;
  readonly blockSize: number;
  readonly temperature: number;
  readonly seed: number;
  readonly device?: string;
  readonly config?: string;
  readonly weights?: string;
  readonly save?: string;
  readonly check: boolean;
}

/** Prompts of different lengths, up to `longest`: random tokens, as the weights are. */
export function randomPrompts(count: number, longest: number, vocab: number, seed: number): number[][] {
  let state = seed >>> 0;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: Math.max(1, Math.round((longest * (i + 1)) / count)) }, () => 3 + next(vocab - 3)),
  );
}

/** Time and tokens of steps that begin requests, and of those that only continue them. */
class Meter {
  readonly prefill = { tokens: 0, ms: 0 };
  readonly decode = { tokens: 0, ms: 0, steps: 0 };
  private last = performance.now();
  add(step: Step): void {
    const now = performance.now();
    const into = step.prefill_tokens ? this.prefill : this.decode;
    into.ms += now - this.last;
    into.tokens += step.prefill_tokens || step.decode_tokens;
    if (!step.prefill_tokens) this.decode.steps++;
    this.last = now;
  }
  text(): string {
    const rate = ({ tokens, ms }: { tokens: number; ms: number }): string =>
      `${tokens} tokens, ${((1000 * tokens) / ms).toFixed(1)} tokens/s`;
    return `prefill ${rate(this.prefill)}; decode ${rate(this.decode)} (${(this.decode.ms / this.decode.steps).toFixed(2)} ms a step)`;
  }
}

const WIDTH = 30;
/** A bar on a terminal, nothing elsewhere. */
function progress(done: number, total: number): void {
  if (!process.stderr.isTTY) return;
  const filled = Math.round((WIDTH * done) / total);
  process.stderr.write(
    `\r${chalk.green('█'.repeat(filled))}${chalk.gray('░'.repeat(WIDTH - filled))} ${done}/${total} tokens${done === total ? '\n' : ''}`,
  );
}

async function generate(model: Decoder, pool: KvCachePool, prompts: readonly number[][], o: Options, quiet: boolean) {
  const engine = new Engine(model, pool, { temperature: o.temperature });
  const eos_token_id = model.config.eos_token_id;
  const requests = prompts.map((prompt, i) => engine.add({ prompt, max_tokens: o.tokens, eos_token_id, seed: o.seed + i }));
  const meter = new Meter();
  await engine.run((step) => {
    meter.add(step);
    const open = requests.reduce((n, r) => n + (r.done ? o.tokens : r.tokens.length), 0);
    if (!quiet) progress(open, o.tokens * prompts.length);
  });
  return { requests, meter };
}

/** Logits of the first prompt against float64, and every request's tokens against the model without a cache. Returns what to print. */
async function check(model: Decoder, host: HostWeights, requests: readonly Running[]): Promise<{ text: string; ok: boolean }> {
  const { prompt } = requests[0].request;
  const logits = model.forward({ ids: prompt, positions: prompt.map((_, i) => i), lengths: [prompt.length] }, null);
  const got = await logits.toNumbers();
  logits.free();
  const want = referenceLogits(model.config, host, prompt).at(-1)!;
  const error = Math.max(...got.map((x, i) => Math.abs(x - want[i])));
  const scale = Math.max(...want.map(Math.abs));
  // Half of f32's digits, or of the dtype's, through all layers.
  const tolerance = scale * (model.dtype === 'f32' ? 1e-4 : 5e-2);
  let same = 0;
  let total = 0;
  for (const { request, tokens } of requests) {
    // One pass over a whole sequence without a cache: what is most likely after each of its tokens, which sees only those before it.
    const ids = [...request.prompt, ...tokens];
    const rows = tokens.map((_, n) => request.prompt.length + n - 1);
    const all = model.forward({ ids, positions: ids.map((_, i) => i), lengths: [ids.length] }, null, rows);
    const values = await all.toNumbers();
    all.free();
    const width = model.config.vocab_size;
    for (const [n, token] of tokens.entries()) {
      const row = values.slice(n * width, (n + 1) * width);
      if (row.indexOf(Math.max(...row)) === token) same++;
      total++;
    }
  }
  const text = `logits: largest error ${error.toExponential(2)} against float64, tolerance ${tolerance.toExponential(0)}; ${same} of ${total} tokens are those of the model without a cache`;
  return { text, ok: error <= tolerance && (same === total || model.dtype !== 'f32') };
}

async function open(o: Options): Promise<Device> {
  if (o.device === 'interp') return openDevice({ prefer: 'interp' });
  return openDevice(o.device ? { adapter: o.device } : {});
}

async function main(o: Options): Promise<void> {
  const config: ModelConfig = o.config ? modelConfig(JSON.parse(readFileSync(o.config, 'utf8'))) : SMALL;
  const host = o.weights ? checkWeights(config, readSafetensors(readFileSync(o.weights))) : randomWeights(config, o.seed);
  if (o.save) writeFileSync(o.save, writeSafetensors(host));
  const device = await open(o);
  const prompts = randomPrompts(o.prompts, o.promptLength, config.vocab_size, o.seed);
  const needed = prompts.reduce((n, p) => n + Math.ceil((p.length + o.tokens - 1) / o.blockSize), 0);
  const model = new Decoder(device, config, loadWeights(device, config, host, o.dtype), o.dtype);
  const pool = new KvCachePool(device, config, o.blocks ?? needed, o.blockSize, o.dtype);
  const size = [...host.values()].reduce((n, t) => n + t.data.length, 0);
  console.log(`${device.kind} (${device.info.description})`);
  console.log(
    `${(size / 1e6).toFixed(1)} M parameters, ${o.dtype}; ${prompts.length} prompts of ${prompts[0].length} to ${prompts.at(-1)!.length} tokens`,
  );

  // The first time compiles the kernels; tokens/s are of the second.
  await generate(model, pool, prompts, { ...o, tokens: Math.min(2, o.tokens) }, true);
  const { requests, meter } = await generate(model, pool, prompts, o, false);
  for (const r of requests)
    console.log(`${r.name}: ${r.request.prompt.length} + ${r.tokens.length} tokens: ${r.tokens.slice(0, 10).join(' ')} …`);
  console.log(meter.text());
  if (o.check && o.temperature === 0) {
    const { text, ok } = await check(model, host, requests);
    console.log(text);
    if (!ok) process.exitCode = 1;
  }
  pool.free();
  model.free();
  device.destroy();
}

const count = (text: string): number => {
  const n = Number(text);
  if (!(Number.isInteger(n) && n > 0)) throw new InvalidArgumentError('expected a positive integer');
  return n;
};
const command = new Command('decoder')
  .option('--prompts <n>', 'requests', count, 8)
  .option('--tokens <n>', 'most tokens to make for each', count, 64)
  .option('--prompt-length <n>', 'tokens of the longest prompt', count, 48)
  .option('--dtype <name>', 'f32, f16 or bf16: weights, activations and cache', 'f32')
  .option('--blocks <n>', 'blocks of the KV cache pool (default: as many as all requests need)', count)
  .option('--block-size <n>', 'tokens of a block', count, 16)
  .option('--temperature <t>', '0 takes the most likely token', Number, 0)
  .option('--seed <n>', 'of weights, prompts and samples', count, 1)
  .option('--device <name>', "'interp', or part of an adapter's name")
  .option('--config <file>', 'a config.json of a Llama model')
  .option('--weights <file>', 'a .safetensors file with that model’s tensors')
  .option('--save <file>', 'writes the weights as .safetensors')
  .option('--no-check', 'leaves out the comparison with float64 and with the model without a cache');
if (process.argv[1]?.endsWith('main.ts')) {
  try {
    await main(command.parse().opts<Options>());
  } catch (e) {
    console.error(chalk.red((e as Error).message));
    process.exitCode = 1;
  }
}
