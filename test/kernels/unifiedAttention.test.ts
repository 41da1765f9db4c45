// Paged attention beyond the recorded cases: every option against float64 on every device, with sizes of tiles and programs that the
// recordings do not have, and the choices of the original for every recorded batch.

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { planUnifiedAttention, type UnifiedAttentionArgs, unified_attention } from '../../kernels/index.ts';
import { readManifest } from '../../scripts/golden/manifest.ts';
import { type Device, type DType, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';
import { type PagedBatch, PagedCase } from '../support/pagedReference.ts';

const plain = { heads: 4, kvHeads: 2, dim: 32, block: 16, dtype: 'f32' } as const;
const mixed = [
  [1, 40],
  [9, 9],
  [0, 5],
  [5, 60],
] as const;
const decodes = [
  [1, 1],
  [1, 70],
  [0, 0],
  [1, 33],
] as const;
const everything = { window: 20, softcap: 3, alibi: true, sinks: true, bias: true };

type Sizes = Partial<UnifiedAttentionArgs>;
const CASES: readonly (readonly [string, PagedBatch, Sizes])[] = [
  ['decodes', { ...plain, seqs: decodes }, {}],
  ['decodes over 4 segments of tiles of 32', { ...plain, seqs: decodes }, { tile_size: 32, num_segments: 4 }],
  ['decodes with every option', { ...plain, ...everything, seqs: decodes }, {}],
  ['decodes with every option, in one pass', { ...plain, ...everything, seqs: decodes }, { force: '2d' }],
  ['a mixed batch', { ...plain, seqs: mixed }, {}],
  ['a mixed batch with every option', { ...plain, ...everything, seqs: mixed }, {}],
  ['a mixed batch with every option, split', { ...plain, ...everything, seqs: mixed }, { force: '3d', num_segments: 2 }],
  ['programs of 32 rows', { ...plain, seqs: mixed, sinks: true }, { block_m: 32, tile_size: 16 }],
  ['programs of 4 rows', { ...plain, seqs: mixed, window: 7 }, { block_m: 4, tile_size: 64 }],
  ['groups of 3 heads', { ...plain, heads: 6, seqs: mixed, alibi: true }, {}],
  ['groups of 17 heads', { ...plain, heads: 17, kvHeads: 1, seqs: mixed.slice(1), bias: true }, {}],
  ['heads of 40', { ...plain, dim: 40, seqs: mixed }, {}],
  ['blocks of 4 slots', { ...plain, block: 4, seqs: mixed, window: 11 }, {}],
  ['blocks of 12 slots', { ...plain, block: 12, seqs: mixed }, { tile_size: 16 }],
  ['a window of 1', { ...plain, seqs: mixed, window: 1 }, {}],
  ['f16', { ...plain, ...everything, dtype: 'f16', seqs: mixed }, {}],
  ['bf16', { ...plain, ...everything, dtype: 'bf16', seqs: mixed }, {}],
  ['an f32 query over an e4m3 cache', { ...plain, cache: 'fp8e4nv', seqs: mixed, softcap: 5 }, {}],
  ['an f16 query over an e5m2 cache', { ...plain, dtype: 'f16', cache: 'fp8e5', seqs: decodes, sinks: true }, {}],
  ['no sequences', { ...plain, seqs: [] }, {}],
];
/** Rounding of the operands' products in the dtype, at values up to about 3; f32 dots add up 32 or 40 products. */
const TOLERANCE: { readonly [dtype: string]: number } = { f32: 5e-6, f16: 4e-3, bf16: 3e-2 };

function argsOf(c: PagedCase, sizes: Sizes): UnifiedAttentionArgs {
  const { tensors: t, batch } = c;
  const [k, v] = t.kv_cache.unbind(1);
  return {
    q: t.q,
    k,
    v,
    out: t.out,
    cu_seqlens_q: t.cu_seqlens_q,
    max_seqlen_q: Math.max(0, ...batch.seqs.map(([n]) => n)),
    seqused_k: t.seqused_k,
    max_seqlen_k: Math.max(0, ...batch.seqs.map(([, n]) => n)),
    softmax_scale: c.scale,
    causal: true,
    window_size: batch.window ? [batch.window - 1, 0] : [-1, -1],
    block_table: t.block_table,
    softcap: batch.softcap ?? 0,
    q_descale: null,
    k_descale: t.k_scale,
    v_descale: t.v_scale,
    alibi_slopes: t.alibi_slopes ?? null,
    sinks: t.sinks ?? null,
    qq_bias: t.qq_bias ?? null,
    ...sizes,
  };
}

onEachDevice('unified_attention', (dev) => {
  it.each(CASES)('%s', async (_title, batch, sizes) => {
    const c = await PagedCase.make(dev(), batch);
    const { buffers } = dev().stats;
    unified_attention(dev(), argsOf(c, sizes));
    expect(dev().stats.buffers).toBe(buffers);
    const got = await c.tensors.out.toNumbers();
    const want = c.expected();
    let worst = 0;
    for (const [i, w] of want.entries()) worst = Math.max(worst, Number.isNaN(got[i]) ? Infinity : Math.abs(got[i] - w));
    c.free();
    expect(worst).toBeLessThan(TOLERANCE[batch.dtype]);
    expect(dev().stats.wgslMessages).toEqual([]);
  });

  it('takes the scratch of the split path from the caller', async () => {
    const c = await PagedCase.make(dev(), { ...plain, seqs: decodes });
    const scratch = {
      segm_output: dev().empty([8, 4, 16, 32]),
      segm_max: dev().empty([8, 4, 16]),
      segm_expsum: dev().empty([8, 4, 16]),
    };
    const { buffers, peakBytes } = dev().stats;
    unified_attention(dev(), argsOf(c, scratch));
    expect(dev().stats.buffers).toBe(buffers);
    expect(dev().stats.peakBytes).toBe(peakBytes);
    const want = c.expected();
    const got = await c.tensors.out.toNumbers();
    expect(Math.max(...got.map((x, i) => Math.abs(x - want[i])))).toBeLessThan(TOLERANCE.f32);
    for (const t of Object.values(scratch)) t.free();
    c.free();
  });
});

describe('the plan of a batch', () => {
  const manifest = readManifest(fileURLToPath(new URL('../golden/kernels.json', import.meta.url)));
  const recorded = manifest.cases.filter((c) => c.kernel === 'unified_attention');
  const device = { info: { subgroupMatrices: [] as string[] } } as unknown as Device;
  /** As much of the arguments as the plan looks at. */
  const shaped = (c: (typeof recorded)[number]): UnifiedAttentionArgs => {
    const q = c.inputs.find((r) => r.name === 'q');
    const cache = c.inputs.find((r) => r.name === 'kv_cache' || r.name === 'key_cache');
    const seqs = c.inputs.find((r) => r.name === 'seq_lens');
    const { max_query_len, force } = c.params as { max_query_len: number; force?: '2d' | '3d' };
    const k = { shape: cache?.name === 'kv_cache' ? cache.shape.toSpliced(1, 1) : cache?.shape };
    const bytes = q?.dtype.startsWith('fp8') ? 1 : 2;
    const args = { q: { shape: q?.shape, dtype: { bytes } }, k, seqused_k: seqs, max_seqlen_q: max_query_len, force };
    return args as unknown as UnifiedAttentionArgs;
  };

  it('is the original’s for every recorded batch', () => {
    expect(recorded.length).toBeGreaterThan(15);
    for (const c of recorded) {
      const launch = c.params.launch as { [name: string]: number | string };
      const { path, BLOCK_M, BLOCK_Q, TILE_SIZE, HEAD_SIZE_PADDED, num_queries_per_kv, total_num_q_blocks } =
        planUnifiedAttention(device, shaped(c));
      const got = { path, BLOCK_M, BLOCK_Q, TILE_SIZE, HEAD_SIZE_PADDED, num_queries_per_kv, total_num_q_blocks };
      const want = Object.fromEntries(Object.keys(got).map((name) => [name, launch[name]]));
      expect({ id: c.id, ...got }).toEqual({ id: c.id, ...want });
    }
  });

  it('takes more rows on matrix units, as many as sequences have and workgroup memory holds', () => {
    const units = { info: { subgroupMatrices: ['f16 x f16 -> f32 16x16x16'] } } as unknown as Device;
    const rows = (dtype: DType, tokens: number, seqs: number, dim = 128): number => {
      const args = { q: { shape: [tokens, 32, dim], dtype }, k: { shape: [9, 16, 8, dim], dtype }, seqused_k: { shape: [seqs] } };
      return planUnifiedAttention(units, { ...args, max_seqlen_q: tokens } as unknown as UnifiedAttentionArgs).BLOCK_M;
    };
    expect(rows(tl.float16, 64, 64)).toBe(16); // decodes: 4 rows each
    expect(rows(tl.float16, 32, 4)).toBe(32);
    expect(rows(tl.float16, 4096, 4)).toBe(128);
    expect(rows(tl.float16, 4096, 4, 256)).toBe(64);
    expect(rows(tl.bfloat16, 4096, 4)).toBe(16); // no units for it
  });

  it('splits the keys of more fp8 decodes on matrix units', () => {
    const path = (dtype: DType, seqs: number, matrices = ['f16 x f16 -> f32 16x16x16']): string => {
      const dev = { info: { subgroupMatrices: matrices } } as unknown as Device;
      const args = { q: { shape: [seqs, 32, 128], dtype: tl.float16 }, k: { shape: [9, 16, 8, 128], dtype }, max_seqlen_q: 1 };
      return planUnifiedAttention(dev, { ...args, seqused_k: { shape: [seqs] } } as unknown as UnifiedAttentionArgs).path;
    };
    expect(path(tl.float16, 12)).toBe('3d');
    expect(path(tl.float16, 64)).toBe('2d');
    expect(path(tl.float8e4nv, 64)).toBe('3d');
    expect(path(tl.float8e4nv, 128)).toBe('2d');
    expect(path(tl.float8e4nv, 64, [])).toBe('2d');
  });
});
