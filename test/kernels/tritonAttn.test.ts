// The attention backend: facts of the class, metadata of a batch, and the layer's forward, recorded and replayed as a decode loop would.

import { describe, expect, it } from 'vitest';
import {
  ArgumentError,
  AttentionType,
  type CommonAttentionMetadata,
  TritonAttentionBackend,
  TritonAttentionImpl,
  type TritonAttentionImplArgs,
  TritonAttentionMetadata,
  TritonAttentionMetadataBuilder,
} from '../../kernels/index.ts';
import type { Device, Tensor } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const [HEADS, KV_HEADS, DIM, BLOCK] = [4, 2, 32, 16];
const config = {
  model_config: {
    get_num_attention_heads: () => HEADS,
    get_num_kv_heads: () => KV_HEADS,
    get_head_size: () => DIM,
  },
};
const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (e) {
    expect(e).toBeInstanceOf(ArgumentError);
    return (e as Error).message;
  }
  return 'was not refused';
};

describe('TritonAttentionBackend', () => {
  it('has the facts of the original', () => {
    const b = TritonAttentionBackend;
    expect(b.accept_output_buffer).toBe(true);
    expect(b.get_name()).toBe('TRITON_ATTN');
    expect(b.get_supported_dtypes().map((d) => d.name)).toEqual(['f16', 'bf16', 'f32']);
    expect([b.get_impl_cls(), b.get_metadata_cls(), b.get_builder_cls()]).toEqual([
      TritonAttentionImpl,
      TritonAttentionMetadata,
      TritonAttentionMetadataBuilder,
    ]);
    expect(b.get_kv_cache_shape(10, 32, 2, 80)).toEqual([10, 2, 32, 2, 80]);
    expect(b.get_kv_cache_shape(10, 16, 2, 80, 'fp8')).toEqual([10, 2, 16, 2, 80]);
    expect(b.use_cascade_attention(100, [1, 2])).toBe(false);
    for (const size of [32, 80, 96, 256, 333]) b.validate_head_size(size);
  });
  it('refuses small heads and odd blocks', () => {
    expect(refusal(() => TritonAttentionBackend.validate_head_size(31))).toBe(
      "TritonAttentionBackend.validate_head_size: argument 'head_size': expected an integer ≥ 32, found 31",
    );
    expect(refusal(() => TritonAttentionBackend.get_kv_cache_shape(4, 24, 2, 64))).toBe(
      "TritonAttentionBackend.get_kv_cache_shape: argument 'block_size': expected a multiple of 16, found 24",
    );
  });
});

/** Numbers in [-1, 1) that depend on their place and a seed. */
const noise = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) * (seed + 1)));

/** Attention of one head over the tokens of a sequence, in float64. */
function attend(q: Float32Array, keys: readonly Float32Array[], values: readonly Float32Array[], scale: number): number[] {
  const scores = keys.map((k) => scale * k.reduce((sum, x, d) => sum + x * q[d], 0));
  const max = Math.max(...scores);
  const weights = scores.map((x) => Math.exp(x - max));
  const sum = weights.reduce((a, b) => a + b, 0);
  return Array.from({ length: q.length }, (_, d) => weights.reduce((a, w, j) => a + (w / sum) * values[j][d], 0));
}

function implOf(device: Device, more: Partial<TritonAttentionImplArgs> = {}): TritonAttentionImpl {
  return new TritonAttentionImpl(device, {
    num_heads: HEADS,
    head_size: DIM,
    scale: 0.25,
    num_kv_heads: KV_HEADS,
    alibi_slopes: null,
    sliding_window: null,
    kv_cache_dtype: 'auto',
    ...more,
  });
}

onEachDevice('the attention backend', (dev) => {
  const builder = (): TritonAttentionMetadataBuilder =>
    new TritonAttentionMetadataBuilder({ block_size: BLOCK }, ['layer.0'], config, dev());
  /** Two sequences that decode one token each; 2 rows of padding. */
  const common = (lengths: readonly number[] = [5, 18]): CommonAttentionMetadata => ({
    query_start_loc: dev().tensor(Int32Array.of(0, 1, 2)),
    seq_lens: dev().tensor(Int32Array.from(lengths)),
    num_actual_tokens: 2,
    max_query_len: 1,
    max_seq_len: 64,
    block_table_tensor: dev().tensor(Int32Array.of(2, 5, 1, 4), { shape: [2, 2] }),
    slot_mapping: dev().tensor(BigInt64Array.of(36n, 65n, -1n, -1n)),
  });
  const layer = () => ({ _k_scale: dev().full([1], 1), _v_scale: dev().full([1], 1), _q_scale_float: 1 });
  const batchTensors = () => ({
    query: dev().tensor(noise(4 * HEADS * DIM, 1), { shape: [4, HEADS, DIM] }),
    key: dev().tensor(noise(4 * KV_HEADS * DIM, 2), { shape: [4, KV_HEADS, DIM] }),
    value: dev().tensor(noise(4 * KV_HEADS * DIM, 3), { shape: [4, KV_HEADS, DIM] }),
    kv_cache: dev().tensor(noise(6 * 2 * BLOCK * KV_HEADS * DIM, 4), { shape: [6, 2, BLOCK, KV_HEADS, DIM] }),
    output: dev().full([4, HEADS * DIM], 9),
  });

  it('builds the metadata of a batch, with and without a common prefix', async () => {
    const b = builder();
    expect([b.block_size, b.num_heads_q, b.num_heads_kv, b.headdim]).toEqual([BLOCK, HEADS, KV_HEADS, DIM]);
    const c = common();
    const plain = b.build(0, c);
    expect(plain).toBeInstanceOf(TritonAttentionMetadata);
    expect(plain).toMatchObject({
      num_actual_tokens: 2,
      max_query_len: 1,
      max_seq_len: 64,
      use_cascade: false,
      common_prefix_len: 0,
      cu_prefix_query_lens: null,
      prefix_kv_lens: null,
      suffix_kv_lens: null,
      scheduler_metadata: null,
      prefix_scheduler_metadata: null,
    });
    // The tensors themselves, not copies.
    expect(plain.query_start_loc).toBe(c.query_start_loc);
    expect(plain.seq_lens).toBe(c.seq_lens);
    expect(plain.block_table).toBe(c.block_table_tensor);
    expect(plain.slot_mapping).toBe(c.slot_mapping);

    const cascade = b.build(4, { ...c, seq_lens_cpu: [5, 18] }, true);
    const read = async (t: Tensor | null): Promise<number[] | null> => (t ? t.toNumbers() : null);
    expect([cascade.use_cascade, cascade.common_prefix_len]).toEqual([true, 4]);
    expect(await read(cascade.cu_prefix_query_lens)).toEqual([0, 2]);
    expect(await read(cascade.prefix_kv_lens)).toEqual([4]);
    expect(await read(cascade.suffix_kv_lens)).toEqual([1, 14]);
    const impl = implOf(dev());
    const { output, ...rest } = batchTensors();
    expect(refusal(() => impl.forward(dev(), { layer: layer(), ...rest, attn_metadata: cascade, output }))).toBe(
      "TritonAttentionImpl.forward: argument 'attn_metadata': expected a batch without cascade attention, found use_cascade = true",
    );
    expect(refusal(() => b.build(6, { ...c, seq_lens_cpu: [5, 18] }))).toBe(
      "TritonAttentionMetadataBuilder.build: argument 'common_prefix_len': expected at most the length of the shortest sequence, found a sequence of 5",
    );
  });

  it('refuses what the kernels do not compute', () => {
    const f = 'TritonAttentionImpl: argument';
    const cases: [Partial<TritonAttentionImplArgs>, string][] = [
      [{ num_heads: 3 }, `${f} 'num_heads': expected a multiple of num_kv_heads = 2, found 3`],
      [{ head_size: 16 }, "TritonAttentionBackend.validate_head_size: argument 'head_size': expected an integer ≥ 32, found 16"],
      [{ kv_cache_dtype: 'int8' }, `${f} 'kv_cache_dtype': expected 'auto' or 'fp8' or 'fp8_e4m3' or 'fp8_e5m2', found 'int8'`],
      [
        { attn_type: AttentionType.ENCODER },
        `${f} 'attn_type': expected 'decoder' or 'encoder_decoder' (no other is implemented), found 'encoder'`,
      ],
      [{ alibi_slopes: [1, 2] }, `${f} 'alibi_slopes': expected 4 slopes, one a head, found 2`],
      [{ sinks: dev().zeros([2]) }, `${f} 'sinks': expected shape [4] (one a head), found [2]`],
      [{ sliding_window: 0 }, `${f} 'sliding_window': expected an integer ≥ 1, found 0`],
    ];
    for (const [more, text] of cases) expect(refusal(() => implOf(dev(), more))).toBe(text);
    const impl = implOf(dev(), { sliding_window: 8, logits_soft_cap: 30, attn_type: AttentionType.ENCODER_DECODER });
    expect(impl).toMatchObject({ sliding_window: [7, 0], logits_soft_cap: 30, num_queries_per_kv: 2 });
    const quant = { dtype: impl.fp8_dtype, static: true, per_tensor: true, symmetric: true };
    expect(impl.fused_output_quant_supported(quant)).toBe(true);
    expect(impl.fused_output_quant_supported({ ...quant, per_tensor: false })).toBe(false);
  });

  it('fills the output of a run that only measures, and refuses wrong tensors with nothing written', async () => {
    const impl = implOf(dev());
    const t = batchTensors();
    const cache = await t.kv_cache.toNumbers();
    const attn_metadata = builder().build(0, common());
    const forward = (change: object) => () => impl.forward(dev(), { layer: layer(), ...t, attn_metadata, ...change });
    const { launches } = dev().stats;
    const f = 'TritonAttentionImpl.forward: argument';
    const cases: [object, string][] = [
      [{ output: null }, `${f} 'output': expected a tensor to fill, found null`],
      [
        { output_block_scale: dev().zeros([1]) },
        `${f} 'output_block_scale': expected null (scales of blocks are not supported), found a tensor`,
      ],
      [
        { query: dev().zeros([4, 2, DIM]) },
        `${f} 'query': expected shape [num_tokens, 4, 32] (heads of the impl), found [4, 2, 32]`,
      ],
      [{ output: dev().zeros([4, 64]) }, `${f} 'output': expected shape [4, 128] (tokens and heads of query), found [4, 64]`],
      [
        { kv_cache: dev().zeros([6, BLOCK, KV_HEADS, DIM]) },
        `${f} 'kv_cache': expected shape [num_blocks, 2, block_size, 2, 32] (heads of the impl), found [6, 16, 2, 32]`,
      ],
      [
        { attn_metadata: builder().build(0, { ...common(), num_actual_tokens: 5 }) },
        `${f} 'num_actual_tokens': expected an integer from 0 to 4, found 5`,
      ],
      [
        { key: dev().zeros([4, KV_HEADS, DIM], 'i32') },
        "triton_reshape_and_cache_flash: argument 'key': expected dtype f32 or f16 or bf16 or u8 or fp8e4nv or fp8e5, found i32",
      ],
    ];
    for (const [change, text] of cases) expect(refusal(forward(change))).toBe(text);
    const fp8 = implOf(dev(), { kv_cache_dtype: 'fp8' });
    expect(refusal(() => fp8.forward(dev(), { layer: layer(), ...t, attn_metadata }))).toBe(
      `${f} 'kv_cache': expected dtype fp8e4nv or u8 (for kv_cache_dtype 'fp8'), found f32`,
    );
    const kv_cache = dev().zeros([6, 2, BLOCK, KV_HEADS, DIM], 'u8');
    expect(refusal(() => fp8.forward(dev(), { layer: { ...layer(), _q_scale_float: 2 }, ...t, kv_cache, attn_metadata }))).toBe(
      `${f} '_q_scale_float': expected 1 (queries are not scaled), found 2`,
    );
    expect(dev().stats.launches).toBe(launches);
    expect(await t.kv_cache.toNumbers()).toEqual(cache);
    forward({ attn_metadata: null })();
    expect((await t.output.toNumbers()).every((x) => x === 0)).toBe(true);
  });

  it('records a decode step once and replays it with new lengths, slots, blocks and tokens in one submit each', async () => {
    const impl = implOf(dev());
    const c = common();
    const metadata = builder().build_for_cudagraph_capture(c);
    expect(await c.seq_lens.toNumbers()).toEqual([1, 1]);
    const t = batchTensors();
    const own = layer();
    const step = dev().record(() => impl.forward(dev(), { layer: own, ...t, attn_metadata: metadata }));
    // The cache write, the split kernel and its reduction.
    expect(step.launches).toBe(3);
    const rows = (x: Float32Array, i: number): Float32Array => x.subarray(i * DIM, (i + 1) * DIM);

    // The cache as it should be, plane by plane: [block, slot, head] → element.
    const cache = await t.kv_cache.toFloat32();
    const tokenAt = (plane: number, block: number, slot: number, head: number): Float32Array =>
      rows(cache, ((block * 2 + plane) * BLOCK + slot) * KV_HEADS + head);
    const steps: { lengths: number[]; table: number[]; seed: number }[] = [
      { lengths: [5, 18], table: [2, 5, 1, 4], seed: 10 },
      { lengths: [6, 19], table: [2, 5, 1, 4], seed: 20 },
      { lengths: [17, 3], table: [2, 0, 3, 4], seed: 30 },
    ];
    for (const { lengths, table, seed } of steps) {
      const [query, key, value] = [HEADS, KV_HEADS, KV_HEADS].map((h, i) => noise(4 * h * DIM, seed + i));
      const slots = lengths.map((n, s) => BigInt(table[2 * s + Math.floor((n - 1) / BLOCK)] * BLOCK + ((n - 1) % BLOCK)));
      for (const [tensor, data] of [
        [t.query, query],
        [t.key, key],
        [t.value, value],
      ] as const) {
        tensor.write(data);
      }
      c.seq_lens.write(Int32Array.from(lengths));
      c.block_table_tensor.write(Int32Array.from(table));
      c.slot_mapping.write(BigInt64Array.of(...slots, -1n, -1n));
      await dev().sync();
      const before = { ...dev().stats };
      step.replay();
      const { stats } = dev();
      expect(stats.launches - before.launches).toBe(3);
      expect(stats.submits - before.submits).toBe(dev().kind === 'webgpu' ? 1 : 0);
      for (const counter of ['traces', 'compiles', 'hits', 'uploads', 'downloads', 'buffers'] as const) {
        expect([counter, stats[counter]]).toEqual([counter, before[counter]]);
      }

      for (const [s, slot] of slots.map(Number).entries()) {
        for (let h = 0; h < KV_HEADS; h++) {
          tokenAt(0, Math.floor(slot / BLOCK), slot % BLOCK, h).set(rows(key, s * KV_HEADS + h));
          tokenAt(1, Math.floor(slot / BLOCK), slot % BLOCK, h).set(rows(value, s * KV_HEADS + h));
        }
      }
      const got = await t.output.toNumbers();
      let worst = 0;
      for (const [s, n] of lengths.entries()) {
        for (let h = 0; h < HEADS; h++) {
          const planes = [0, 1].map((plane) =>
            Array.from({ length: n }, (_, p) =>
              tokenAt(plane, table[2 * s + Math.floor(p / BLOCK)], p % BLOCK, Math.floor(h / (HEADS / KV_HEADS))),
            ),
          );
          const want = attend(rows(query, s * HEADS + h), planes[0], planes[1], 0.25);
          for (const [d, w] of want.entries()) worst = Math.max(worst, Math.abs(got[(s * HEADS + h) * DIM + d] - w));
        }
      }
      expect(worst).toBeLessThan(2e-6);
      // Rows of padding keep what they held.
      expect(got.slice(2 * HEADS * DIM).every((x) => x === 9)).toBe(true);
      expect(await t.kv_cache.toFloat32()).toEqual(cache);
    }
    step.free();
    expect(dev().stats.wgslMessages).toEqual([]);
  });

  it('leaves the cache alone where an earlier layer wrote it, and where there are no keys', async () => {
    const t = batchTensors();
    const before = await t.kv_cache.toNumbers();
    const attn_metadata = builder().build(0, common());
    const sharing = implOf(dev(), { kv_sharing_target_layer_name: 'layer.0' });
    sharing.forward(dev(), { layer: layer(), ...t, attn_metadata });
    expect(await t.kv_cache.toNumbers()).toEqual(before);
    const shared = await t.output.toNumbers();
    expect(shared[0]).not.toBe(9);
    const cross = implOf(dev(), { attn_type: AttentionType.ENCODER_DECODER });
    t.output.fill(9);
    const out = cross.forward(dev(), { layer: layer(), ...t, key: null, value: null, attn_metadata });
    expect(out).toBe(t.output);
    expect(await t.kv_cache.toNumbers()).toEqual(before);
    expect(await t.output.toNumbers()).toEqual(shared);
  });
});
