// Continuous batching: requests come and go between steps, and one step takes the prompts of new requests and one token of each running one
// together. In: requests. Out: their tokens.

import type { Device, Tensor } from 'tessera';
import { sample } from './kernels.ts';
import type { Decoder } from './model.ts';
import { type KvCachePool, PoolError } from './pool.ts';

export interface Request {
  readonly prompt: readonly number[];
  /** Most tokens to make. */
  readonly max_tokens: number;
  /** Ends the request when it comes up (it is kept as the last token). */
  readonly eos_token_id?: number | null;
  /** For sampling with a temperature. */
  readonly seed?: number;
}
export interface Running {
  readonly request: Request;
  readonly name: string;
  readonly tokens: number[];
  blocks: readonly number[];
  /** Tokens whose keys and values are in the cache. */
  cached: number;
  done: boolean;
}
/** What one step did, for progress and speed. */
export interface Step {
  readonly prefill_tokens: number;
  readonly decode_tokens: number;
  readonly finished: number;
}
export interface EngineOptions {
  /** 0 takes the most likely token. */
  readonly temperature?: number;
  /** Most new tokens of a step: prompts wait when it is full. A longer prompt goes alone. */
  readonly max_batched_tokens?: number;
}

export class Engine {
  private readonly device: Device;
  private readonly model: Decoder;
  private readonly pool: KvCachePool;
  private readonly temperature: number;
  private readonly most: number;
  private readonly waiting: Running[] = [];
  private running: Running[] = [];
  private count = 0;

  constructor(model: Decoder, pool: KvCachePool, { temperature = 0, max_batched_tokens = 2048 }: EngineOptions = {}) {
    this.device = model.device;
    this.model = model;
    this.pool = pool;
    this.temperature = temperature;
    this.most = max_batched_tokens;
  }

  /**
   * Takes a request; it runs from the next step on that has room.
   * @throws PoolError if the pool could not hold it even alone; RangeError for an empty prompt, a token that the vocabulary does not have, or
   *   a count of tokens that is not positive.
   */
  add(request: Request): Running {
    const { prompt, max_tokens } = request;
    const name = `request ${this.count}`;
    const { vocab_size } = this.model.config;
    if (!prompt.length) throw new RangeError(`${name} has an empty prompt`);
    const bad = prompt.findIndex((t) => !(Number.isInteger(t) && t >= 0 && t < vocab_size));
    if (bad >= 0) throw new RangeError(`${name}: token ${bad} is ${prompt[bad]}; the vocabulary has ${vocab_size}`);
    if (!(Number.isInteger(max_tokens) && max_tokens > 0))
      throw new RangeError(`${name}: max_tokens is ${max_tokens}, expected a positive integer`);
    const need = this.blocksOf(request);
    if (need > this.pool.num_blocks) {
      const tokens = `${prompt.length} tokens of prompt and ${max_tokens} new ones`;
      const { num_blocks, block_size } = this.pool;
      throw new PoolError(
        `${name} (${tokens}) needs ${need} blocks; the KV cache pool has ${num_blocks} blocks of ${block_size} tokens`,
      );
    }
    const r: Running = { request, name, tokens: [], blocks: [], cached: 0, done: false };
    this.count++;
    this.waiting.push(r);
    return r;
  }
  get busy(): boolean {
    return this.running.length + this.waiting.length > 0;
  }
  /** The last token that is made is never put into the cache. */
  private blocksOf({ prompt, max_tokens }: Request): number {
    return this.pool.blocksFor(prompt.length + max_tokens - 1);
  }

  /** Admits what fits, runs the model once, appends a token to every request of the batch, and frees the blocks of those that are done. */
  async step(): Promise<Step> {
    const decoding = this.running.length;
    let tokens = decoding;
    while (this.waiting.length) {
      const [next] = this.waiting;
      const need = this.blocksOf(next.request);
      const fits = tokens + next.request.prompt.length <= this.most || tokens === 0;
      if (need > this.pool.free_blocks || !fits) break;
      next.blocks = this.pool.allocate(need, next.name);
      tokens += next.request.prompt.length;
      this.running.push(this.waiting.shift()!);
    }
    if (!this.running.length) return { prefill_tokens: 0, decode_tokens: 0, finished: 0 };

    const batch = this.running;
    const fresh = batch.map((r) => (r.cached === 0 ? r.request.prompt : [r.tokens.at(-1)!]));
    const logits = this.model.forward(
      {
        ids: fresh.flat(),
        positions: fresh.flatMap((ids, s) => ids.map((_, j) => batch[s].cached + j)),
        lengths: fresh.map((ids) => ids.length),
      },
      { pool: this.pool, blocks: batch.map((r) => r.blocks) },
    );
    const chosen = await this.choose(logits, batch);
    logits.free();
    let finished = 0;
    for (const [s, r] of batch.entries()) {
      r.cached += fresh[s].length;
      r.tokens.push(chosen[s]);
      r.done = r.tokens.length >= r.request.max_tokens || chosen[s] === r.request.eos_token_id;
      if (!r.done) continue;
      finished++;
      this.pool.release(r.blocks);
      r.blocks = [];
    }
    this.running = batch.filter((r) => !r.done);
    return { prefill_tokens: tokens - decoding, decode_tokens: decoding, finished };
  }

  private async choose(logits: Tensor, batch: readonly Running[]): Promise<readonly number[]> {
    const out = this.device.empty([batch.length], 'i32', 'tokens');
    const seeds = this.device.tensor(Int32Array.from(batch, (r) => (r.request.seed ?? 0) * 65537 + r.tokens.length));
    sample(this.device, logits, seeds, out, this.temperature);
    const tokens = await out.toNumbers();
    for (const t of [out, seeds]) t.free();
    return tokens;
  }

  /** Runs until nothing is left; `onStep` sees every step. */
  async run(onStep: (step: Step) => void = () => {}): Promise<void> {
    while (this.busy) onStep(await this.step());
  }
}
