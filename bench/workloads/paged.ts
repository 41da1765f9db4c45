// Paged attention through its host function: decodes of many and of few sequences, an fp8 cache, a window, prefills, and both mixed; the
// batches of the reference file. Bytes are the queries, the results and the keys and values that are seen; FLOPs those of allowed pairs.

import type { Tensor } from 'tessera';
import { type UnifiedAttentionArgs, unified_attention } from 'tessera/kernels';
import { largestError, randomInts, type Variant, type Workload } from '../workload.ts';

type Seq = readonly [newTokens: number, allTokens: number];

interface Batch {
  readonly dtype: 'f16' | 'bf16';
  readonly seqs: readonly Seq[];
  readonly cache?: 'fp8e4nv';
  readonly force?: '2d' | '3d';
  readonly window?: number;
}

const BLOCK = 16;
const [HEADS, KV_HEADS, DIM] = [32, 8, 128];
const SIZE = { f16: 2, bf16: 2, fp8e4nv: 1 };
/** Results are averages of many normal numbers, so small; a row that sees few keys rounds by half a step at 1 or 2. */
const TOLERANCE = { f16: 2e-3, bf16: 1.6e-2 };
type Sizes = Pick<UnifiedAttentionArgs, 'force' | 'block_m' | 'tile_size' | 'num_segments'>;
/** Ways to cut the work, to try beside the host function's own choice. Decodes gain from more programs, prefills from larger ones. */
const DECODES: readonly Sizes[] = [
  { force: '2d', tile_size: 32 },
  ...[4, 16].map((num_segments): Sizes => ({ force: '3d', tile_size: 16, num_segments })),
];
const PREFILLS: readonly Sizes[] = [64, 128].map((block_m) => ({ block_m }));
const label = (s: Sizes): string =>
  Object.entries(s)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ') || 'host function';

/** (query, key) pairs of a sequence, and the keys that its queries see. */
function seen([queries, tokens]: Seq, window = 0): { pairs: number; keys: number } {
  const context = tokens - queries;
  let pairs = 0;
  for (let j = 0; j < queries; j++) pairs += window ? Math.min(window, context + j + 1) : context + j + 1;
  return { pairs, keys: window ? Math.min(tokens, window - 1 + queries) : tokens };
}

/** Attention of one query row over keys `lo` to the end of `k`, in float64. */
function attend(q: ArrayLike<number>, k: Float32Array, v: Float32Array, lo: number): Float64Array {
  const out = new Float64Array(DIM);
  const scores: number[] = [];
  for (let j = lo; j < k.length / DIM; j++) {
    let dot = 0;
    for (let d = 0; d < DIM; d++) dot += q[d] * k[j * DIM + d];
    scores.push(dot / Math.sqrt(DIM));
  }
  const max = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const p = scores.map((x) => Math.exp(x - max));
  const sum = p.reduce((a, b) => a + b, 0);
  for (const [j, w] of p.entries()) for (let d = 0; d < DIM; d++) out[d] += (w / sum) * v[(lo + j) * DIM + d];
  return out;
}

function paged(name: string, full: Batch, target: number | null): Workload {
  return {
    name,
    goals: [{ reference: name, target }],
    async setup(data, small) {
      const { device } = data;
      const { dtype, cache = dtype, force, window = 0 } = full;
      const seqs = small ? full.seqs.slice(-3).map(([a, b]): Seq => [Math.min(a, 5), Math.min(b, 40)]) : full.seqs;
      const tokens = seqs.reduce((sum, [n]) => sum + n, 0);
      const starts = [0];
      for (const [n] of seqs) starts.push(starts[starts.length - 1] + n);

      // Blocks in random order: the pages of a sequence lie apart.
      const needed = seqs.map(([, n]) => Math.ceil(n / BLOCK));
      const blocks = needed.reduce((a, b) => a + b, 0);
      const order = Array.from({ length: blocks }, (_, i) => i);
      const pick = randomInts(3);
      for (let i = blocks - 1; i > 0; i--) {
        const j = pick(i + 1);
        [order[i], order[j]] = [order[j], order[i]];
      }
      const width = Math.max(...needed);
      const rows = needed.map((n) => order.splice(0, n));
      const table = rows.flatMap((row) => [...row, ...new Array<number>(width - row.length).fill(0)]);

      const q = data.randn([tokens, HEADS, DIM], dtype);
      const out = data.empty([tokens, HEADS, DIM], dtype);
      const kv_cache = data.randn([blocks, 2, BLOCK, KV_HEADS, DIM], cache);
      const [k, v] = kv_cache.unbind(1);
      const args: UnifiedAttentionArgs = {
        q,
        k,
        v,
        out,
        cu_seqlens_q: data.ints(starts, 'i32'),
        max_seqlen_q: Math.max(...seqs.map(([n]) => n)),
        seqused_k: data.ints(
          seqs.map(([, n]) => n),
          'i32',
        ),
        max_seqlen_k: Math.max(...seqs.map(([, n]) => n)),
        softmax_scale: 1 / Math.sqrt(DIM),
        causal: true,
        window_size: window ? [window - 1, 0] : [-1, -1],
        block_table: data.table(table, [seqs.length, width]),
        softcap: 0,
        q_descale: null,
        k_descale: data.one(),
        v_descale: data.one(),
        force,
      };
      const tried = full.force ? [] : args.max_seqlen_q > 1 ? PREFILLS : DECODES;
      // Made once, as a server does: what a launch makes and frees costs the host more than these kernels take.
      const segments = [tokens, HEADS, 16];
      const scratch = args.max_seqlen_q === 1 && {
        segm_output: data.empty([...segments, DIM], 'f32'),
        segm_max: data.empty(segments, 'f32'),
        segm_expsum: data.empty(segments, 'f32'),
      };
      const variants = [{}, ...(small ? [] : tried)].map(
        (sizes: Sizes): Variant => ({
          label: label(sizes),
          launch: () => unified_attention(device, { ...args, ...((sizes.num_segments ?? 16) === 16 && scratch), ...sizes }),
        }),
      );
      const each = seqs.map((s) => seen(s, window));
      const pairs = each.reduce((sum, s) => sum + s.pairs, 0);
      const keys = each.reduce((sum, s) => sum + s.keys, 0);
      const plane = async (s: number, of: Tensor, head: number, n: number): Promise<Float32Array> => {
        const pages = await Promise.all(rows[s].map((b) => of.select(0, b).select(1, head).toFloat32()));
        return Float32Array.from(pages.flatMap((p) => [...p])).subarray(0, n * DIM);
      };
      return {
        variants,
        flops: 4 * HEADS * DIM * pairs,
        bytes: 2 * tokens * HEADS * DIM * SIZE[dtype] + 2 * keys * KV_HEADS * DIM * SIZE[cache],
        params: {
          dtype,
          cache,
          heads: HEADS,
          kvHeads: KV_HEADS,
          dim: DIM,
          block: BLOCK,
          sequences: seqs.length,
          tokens,
          keys,
          window,
        },
        async check(launch) {
          out.fill(0);
          launch();
          const choose = randomInts(7);
          let error = 0;
          for (let i = 0; i < 4; i++) {
            const s = i === 0 ? seqs.length - 1 : choose(seqs.length);
            const h = choose(HEADS);
            const [n, total] = seqs[s];
            const j = i % 2 ? choose(n) : n - 1;
            const last = total - n + j;
            const kv = Math.floor(h / (HEADS / KV_HEADS));
            const [ks, vs] = await Promise.all([k, v].map((t) => plane(s, t, kv, last + 1)));
            const row = (t: Tensor): Promise<Float32Array> =>
              t
                .select(0, starts[s] + j)
                .select(0, h)
                .toFloat32();
            error = largestError(
              await row(out),
              attend(await row(q), ks, vs, window ? Math.max(0, last - window + 1) : 0),
              error,
            );
          }
          return { error, tolerance: TOLERANCE[dtype] };
        },
      };
    },
  };
}

const many = (n: number, s: Seq): Seq[] => new Array<Seq>(n).fill(s);
const decode64 = many(64, [1, 4096]);
const decode4 = many(4, [1, 4096]);
const mixed = [...many(32, [1, 2048]), ...many(4, [512, 2048])];

export const pagedWorkloads: readonly Workload[] = [
  paged('unified_decode_f16_64x4096_host_choice', { dtype: 'f16', seqs: decode64 }, 0.9),
  paged('unified_decode_f16_64x4096_forced_3d', { dtype: 'f16', seqs: decode64, force: '3d' }, null),
  paged('unified_decode_f16_4x4096_host_choice', { dtype: 'f16', seqs: decode4 }, 0.8),
  paged('unified_decode_f16_4x4096_forced_2d', { dtype: 'f16', seqs: decode4, force: '2d' }, null),
  paged('unified_decode_fp8cache_64x4096_host_choice', { dtype: 'f16', seqs: decode64, cache: 'fp8e4nv' }, 1.3),
  paged('unified_decode_f16_64x4096_window512', { dtype: 'f16', seqs: decode64, window: 512 }, null),
  paged('unified_mixed_f16_32dec2048_4x512of2048', { dtype: 'f16', seqs: mixed }, 1),
  paged('unified_mixed_bf16_32dec2048_4x512of2048', { dtype: 'bf16', seqs: mixed }, null),
  paged('unified_prefill_f16_4x2048', { dtype: 'f16', seqs: many(4, [2048, 2048]) }, 1),
];
