// The decoder example: right against float64, batched and paged the same tokens as alone and without a cache, blocks given back, files read.

import { afterEach, describe, expect, it } from 'vitest';
import { type ModelConfig, modelConfig, parameters } from '../../examples/06-decoder/config.ts';
import { Engine, type Request } from '../../examples/06-decoder/engine.ts';
import { randomPrompts } from '../../examples/06-decoder/main.ts';
import { Decoder } from '../../examples/06-decoder/model.ts';
import { KvCachePool } from '../../examples/06-decoder/pool.ts';
import { referenceLogits } from '../../examples/06-decoder/reference.ts';
import { readSafetensors, writeSafetensors } from '../../examples/06-decoder/safetensors.ts';
import { checkWeights, loadWeights, randomWeights } from '../../examples/06-decoder/weights.ts';
import type { DTypeName } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const TINY: ModelConfig = {
  vocab_size: 96,
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  head_dim: 16,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  eos_token_id: null,
};
const HOST = randomWeights(TINY, 7);
const alone = (ids: readonly number[]) => ({ ids, positions: ids.map((_, i) => i), lengths: [ids.length] });
const largest = (xs: readonly number[]): number => xs.indexOf(Math.max(...xs));

onEachDevice('decoder', (dev) => {
  const used: { free(): void }[] = [];
  const open = (dtype: DTypeName = 'f32', blocks = 64) => {
    const device = dev();
    const model = new Decoder(device, TINY, loadWeights(device, TINY, HOST, dtype), dtype);
    const pool = new KvCachePool(device, TINY, blocks, 4, dtype);
    used.push(model, pool);
    return { model, pool };
  };
  afterEach(() => {
    for (const u of used.splice(0)) u.free();
    expect(dev().stats.buffers).toBe(0);
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  const logitsOf = async (model: Decoder, ids: readonly number[]): Promise<number[]> => {
    const logits = model.forward(alone(ids), null);
    const values = await logits.toNumbers();
    logits.free();
    return values;
  };
  const PROMPTS = randomPrompts(8, 19, TINY.vocab_size, 3);

  it.each([
    ['f32', 1e-5],
    ['f16', 1e-2],
  ] as const)('logits of %s within %d of float64', async (dtype, tolerance) => {
    const { model, pool } = open(dtype);
    // Two prompts in one paged pass.
    const [a, b] = [PROMPTS[2], PROMPTS[5]];
    const blocks = [a, b].map((p) => pool.allocate(pool.blocksFor(p.length), 'test'));
    const both = { ids: [...a, ...b], positions: [a, b].flatMap((p) => p.map((_, i) => i)), lengths: [a.length, b.length] };
    const logits = model.forward(both, { pool, blocks });
    const got = await logits.toNumbers();
    logits.free();
    const want = [a, b].flatMap((p) => [...referenceLogits(TINY, HOST, p).at(-1)!]);
    const scale = Math.max(...want.map(Math.abs));
    expect(Math.max(...want.map((x, i) => Math.abs(x - got[i]))) / scale).toBeLessThan(tolerance);
  });

  it('eight prompts of different lengths, batched over pages: the tokens of each alone without a cache', async () => {
    const { model, pool } = open();
    const engine = new Engine(model, pool, { max_batched_tokens: 40 });
    const requests = PROMPTS.map((prompt, i) => engine.add({ prompt, max_tokens: 3 + (i % 4) }));
    const mixed: boolean[] = [];
    await engine.run((s) => void mixed.push(s.prefill_tokens > 0 && s.decode_tokens > 0));
    expect(mixed).toContain(true);
    for (const { request, tokens } of requests) {
      const ids = [...request.prompt];
      for (let n = 0; n < request.max_tokens; n++) ids.push(largest(await logitsOf(model, ids)));
      expect(tokens).toEqual(ids.slice(request.prompt.length));
    }
    expect(pool.free_blocks).toBe(pool.num_blocks);
  });

  it('a request that ends early frees its blocks, which lets another in', async () => {
    const { model, pool } = open('f32', 6);
    const first = await logitsOf(model, PROMPTS[0]);
    const engine = new Engine(model, pool);
    // 5 blocks for at most 18 tokens; but the first token that is made ends it.
    const early = engine.add({ prompt: PROMPTS[0], max_tokens: 17, eos_token_id: largest(first) });
    const other = engine.add({ prompt: PROMPTS[1], max_tokens: 3 });
    expect((await engine.step()).finished).toBe(1);
    expect([early.tokens.length, early.done, pool.free_blocks]).toEqual([1, true, 6]);
    expect((await engine.step()).prefill_tokens).toBe(PROMPTS[1].length);
    expect(pool.free_blocks).toBeLessThan(6);
    await engine.run();
    expect([other.tokens.length, pool.free_blocks]).toEqual([3, 6]);
  });

  it('more blocks than the pool has: an error that names its size, and no launch', () => {
    const { model, pool } = open('f32', 6);
    const before = dev().stats.launches;
    const engine = new Engine(model, pool);
    const long: Request = { prompt: PROMPTS[7], max_tokens: 30 };
    expect(() => engine.add(long)).toThrow(
      'request 0 (19 tokens of prompt and 30 new ones) needs 12 blocks; the KV cache pool has 6 blocks of 4 tokens',
    );
    pool.allocate(4, 'test');
    expect(() => pool.allocate(3, 'a test')).toThrow(
      'the KV cache pool has 6 blocks of 4 tokens, 2 of them free; a test needs 3',
    );
    expect(() => engine.add({ prompt: [], max_tokens: 1 })).toThrow('empty prompt');
    expect(() => engine.add({ prompt: [3, 96], max_tokens: 1 })).toThrow('token 1 is 96; the vocabulary has 96');
    expect(() => engine.add({ prompt: [3], max_tokens: 0 })).toThrow('max_tokens is 0');
    expect(dev().stats.launches).toBe(before);
  });

  it('samples with a temperature depend on the seed alone, not on the batch', async () => {
    const { model, pool } = open();
    const run = async (prompts: readonly (readonly number[])[], seeds: readonly number[]) => {
      const engine = new Engine(model, pool, { temperature: 1.5 });
      const requests = prompts.map((prompt, i) => engine.add({ prompt, max_tokens: 5, seed: seeds[i] }));
      await engine.run();
      return requests.map((r) => r.tokens);
    };
    const [a, b] = await run([PROMPTS[3], PROMPTS[3]], [1, 2]);
    expect(await run([PROMPTS[3]], [2])).toEqual([b]);
    expect(a).not.toEqual(b);
    expect([...a, ...b].every((t) => t >= 0 && t < TINY.vocab_size)).toBe(true);
  });
});

describe('files', () => {
  it('weights survive a safetensors file', () => {
    const back = checkWeights(TINY, readSafetensors(writeSafetensors(HOST)));
    expect([...back.keys()]).toEqual([...parameters(TINY).keys()]);
    for (const [name, t] of HOST) expect(back.get(name)).toEqual(t);
  });
  /** A file with one tensor of three elements, byte by byte. */
  const file = (
    dtype: string,
    data: Uint8Array,
    header = JSON.stringify({ t: { dtype, shape: [3], data_offsets: [0, data.length] } }),
  ) => {
    const bytes = new Uint8Array(8 + header.length + data.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    bytes.set(data, 8 + header.length);
    return bytes;
  };
  it('reads half precision of both kinds', () => {
    const f16 = Uint8Array.of(0x00, 0x3c, 0x00, 0xc5, 0x01, 0x00); // 1, -5, the smallest subnormal
    expect([...readSafetensors(file('F16', f16)).get('t')!.data]).toEqual([1, -5, 2 ** -24]);
    const bf16 = Uint8Array.of(0x80, 0x3f, 0xa0, 0xc0, 0x80, 0x7f); // 1, -5, infinity
    expect([...readSafetensors(file('BF16', bf16)).get('t')!.data]).toEqual([1, -5, Infinity]);
  });
  it('says what is wrong with a file', () => {
    expect(() => readSafetensors(new Uint8Array(4))).toThrow('no safetensors file, or it is cut off');
    expect(() => readSafetensors(file('F32', new Uint8Array(12)).subarray(0, 70))).toThrow(
      "tensor 't' of shape [3] needs 12 bytes",
    );
    expect(() => readSafetensors(file('I64', new Uint8Array(24)))).toThrow(
      "tensor 't' has dtype I64; expected one of F32, F16, BF16",
    );
    expect(() => readSafetensors(file('F32', new Uint8Array(0), '{'))).toThrow('is no JSON');
  });
  it('says which tensor does not fit the config; tied embeddings do', () => {
    const some = new Map(HOST);
    some.delete('lm_head.weight');
    expect(checkWeights(TINY, some).get('lm_head.weight')).toBe(HOST.get('model.embed_tokens.weight'));
    some.delete('model.norm.weight');
    expect(() => checkWeights(TINY, some)).toThrow("the file has no tensor 'model.norm.weight'");
    expect(() => checkWeights({ ...TINY, hidden_size: 64 }, HOST)).toThrow(
      "tensor 'model.embed_tokens.weight' has shape [96,48]; this config needs [96,64]",
    );
  });
  it('a config names the field that is wrong', () => {
    const { head_dim: _, num_key_value_heads: __, ...rest } = TINY;
    expect(modelConfig(rest)).toMatchObject({ head_dim: 8, num_key_value_heads: 6 });
    expect(() => modelConfig({ ...TINY, vocab_size: undefined })).toThrow("config: 'vocab_size' must be a positive integer");
    expect(() => modelConfig({ ...TINY, num_key_value_heads: 4 })).toThrow('6 query heads cannot share 4');
  });
});
