// The host function of paged attention: what the kernels need to know of a batch, which of them computes it, and their launches.
// In: device tensors. Out: `out`, filled in place. The arguments are checked in arguments.ts.

import { type Device, kernel, next_power_of_2, type Tensor, tl } from '../../src/index.ts';
import { checkUnifiedAttention } from './arguments.ts';
import { kernel_unified_attention_2d } from './kernel_2d.ts';
import { kernel_unified_attention_3d } from './kernel_3d.ts';
import { reduce_segments } from './reduce_segments.ts';

export interface UnifiedAttentionArgs {
  /** [num_tokens, num_query_heads, head_size]: the new tokens of all sequences; f32, f16, bf16, or fp8 where the cache is fp8. */
  q: Tensor;
  /** [num_blocks, block_size, num_kv_heads, head_size], any strides: of q's dtype, or fp8 (e4m3 or e5m2). */
  k: Tensor;
  /** As k, with strides of its own. */
  v: Tensor;
  /** [num_tokens, num_query_heads, head_size]; written in place. f32, f16, bf16 or fp8 e4m3. */
  out: Tensor;
  /** [num_seqs + 1], i32: the first token of each sequence, and num_tokens. */
  cu_seqlens_q: Tensor;
  /** At least the most new tokens that a sequence has. 1 says that all are decodes. */
  max_seqlen_q: number;
  /** [num_seqs], i32: all tokens of each sequence, the new ones included. The new ones are the last. */
  seqused_k: Tensor;
  /** Not used. */
  max_seqlen_k: number;
  softmax_scale: number;
  /** Must be true. */
  causal: boolean;
  /** [tokens a query sees before its own, not used]; -1: all. */
  window_size: readonly [number, number];
  /** [num_seqs, blocks], i32: the physical block of each block_size tokens of a sequence; entries past a sequence's last are not used. */
  block_table: Tensor;
  /** Scores become softcap · tanh(score / softcap); 0: they stay as they are. */
  softcap: number;
  /** Must be null. */
  q_descale: Tensor | null;
  /** f32, of which the first element is used: factor of an fp8 key. May be null where the cache is not fp8. */
  k_descale: Tensor | null;
  /** f32, of which the first element is used: factor of an fp8 value. */
  v_descale: Tensor | null;
  /** [num_query_heads], f32: score + slope · (position of the key − first new position). */
  alibi_slopes?: Tensor | null;
  /** [1], f32: out holds the result divided by it, limited to what e4m3 holds. */
  output_scale?: Tensor | null;
  /** [n, n], f32, n ≥ the most new tokens of a sequence: added to the score of new token i with new token j. */
  qq_bias?: Tensor | null;
  /** [num_query_heads], float: score of a key without a value. */
  sinks?: Tensor | null;

  // ---- not in the original
  /** Takes the 2D kernel or the 3D kernel whatever the batch is. */
  force?: '2d' | '3d' | null;
  /** Rows of queries (tokens times the query heads of a kv head) that a program takes: a power of two, at least the heads. Results do not depend on it. */
  block_m?: number;
  /** Tokens of the cache that a step takes, a power of two from 16 (fp8 queries: 32). Results do not depend on it, but for rounding. */
  tile_size?: number;
  /** Segments of the 3D kernel, a power of two. */
  num_segments?: number;
  /** f32 [num_tokens or more, num_query_heads, num_segments, head_size to a power of two]: scratch of the 3D kernel, made (and freed) when it is not given. */
  segm_output?: Tensor | null;
  /** f32 [num_tokens or more, num_query_heads, num_segments] */
  segm_max?: Tensor | null;
  /** f32 [num_tokens or more, num_query_heads, num_segments] */
  segm_expsum?: Tensor | null;
  /** Range checks of lengths and block tables: those whose values the host knows (undefined), all (true: an error where it does not know them), none (false). */
  checks?: boolean;
}

/** Segments of the 3D kernel, unless the caller says otherwise. */
const NUM_SEGMENTS = 16;
const [FP8_MIN, FP8_MAX] = [-448, 448];

/** The constants that a call's kernels run with. */
export interface LaunchPlan {
  readonly path: '2d' | '3d';
  readonly BLOCK_M: number;
  readonly BLOCK_Q: number;
  readonly TILE_SIZE: number;
  readonly HEAD_SIZE_PADDED: number;
  readonly NUM_SEGMENTS: number;
  readonly num_queries_per_kv: number;
  /** At least the sum over sequences of ceil(new tokens / BLOCK_Q), found without a look at the lengths. */
  readonly total_num_q_blocks: number;
}

/** Whether a batch's products run on matrix units: a subgroup takes 16 rows there, so that more rows are more subgroups. */
const onMatrixUnits = ({ info }: Device, { q }: UnifiedAttentionArgs): boolean =>
  q.dtype === tl.float16 && q.shape[2] >= 16 && info.subgroupMatrices.some((m) => m.startsWith('f16 x f16 -> f32'));

/** The original's choices for a batch; on matrix units programs of up to 128 rows, if the sequences have as many on the average. */
export function planUnifiedAttention(device: Device, args: UnifiedAttentionArgs): LaunchPlan {
  const { q, k, seqused_k, max_seqlen_q, force = null, tile_size, num_segments = NUM_SEGMENTS } = args;
  const [num_tokens, num_query_heads, head_size] = q.shape;
  const num_seqs = seqused_k.shape[0];
  const num_kv_heads = k.shape[2];
  const num_queries_per_kv = num_query_heads / num_kv_heads;

  const fewest = num_queries_per_kv <= 16 ? 16 : next_power_of_2(num_queries_per_kv);
  const rows = Math.floor((num_tokens * num_queries_per_kv) / Math.max(num_seqs, 1));
  const HEAD_SIZE_PADDED = next_power_of_2(head_size);
  // 128 rows of 128 elements are what fits workgroup memory beside the tiles.
  const most = Math.min(128, 2 ** 14 / HEAD_SIZE_PADDED);
  const suits = onMatrixUnits(device, args) ? Math.min(most, next_power_of_2(rows)) : fewest;
  const BLOCK_M = args.block_m ?? Math.max(fewest, suits);
  const BLOCK_Q = Math.floor(BLOCK_M / num_queries_per_kv);
  const total_num_q_blocks = Math.floor(num_tokens / BLOCK_Q) + num_seqs;

  // A prefill in the batch, or programs enough without splitting the keys: more where a program of one subgroup decodes fp8 codes, which
  // is arithmetic that others' loads hide (measured: docs/decisions/021).
  const enough = onMatrixUnits(device, args) && BLOCK_M === 16 && k.dtype.is_fp8() ? 1024 : 128;
  const path = force ?? (max_seqlen_q > 1 || total_num_q_blocks * num_kv_heads > enough ? '2d' : '3d');
  // A subgroup that has a decode to itself holds a step's keys and values in registers: 16 of each leave room for the next ones.
  const few = path === '3d' || (onMatrixUnits(device, args) && BLOCK_M === 16);
  const TILE_SIZE = tile_size ?? (few && q.dtype.bytes >= 2 ? 16 : 32);
  return {
    path,
    BLOCK_M,
    BLOCK_Q,
    TILE_SIZE,
    HEAD_SIZE_PADDED,
    NUM_SEGMENTS: num_segments,
    num_queries_per_kv,
    total_num_q_blocks,
  };
}

const reciprocal_kernel = kernel(function reciprocal_kernel({ x, out }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32> }) {
  tl.store(out, 1.0 / tl.load(x));
});

/**
 * Causal attention of the new tokens of a ragged batch over a paged cache that already holds them: prefills, decodes and both
 * mixed, grouped query heads, sliding windows, ALiBi, soft cap, sinks, a bias between new tokens, fp8 caches and fp8 results.
 *
 * A batch of decodes that is too small to fill a GPU (at most 128 programs) has the keys of each sequence split over 16
 * segments (the 3D kernel and reduce_segments); every other batch takes the 2D kernel. Accumulates in f32. Sequences without new
 * tokens are fine, and write nothing.
 *
 * As the original, a tile that is masked as a whole at the start of a window sets a row's running maximum to 0: rows whose
 * scores are all below about -104 then give NaN (0 on the 3D path). The soft cap is NaN where |score / softcap| is above 88.
 *
 * Source: vLLM, v1/attention/ops/triton_unified_attention.py, unified_attention.
 * @throws ArgumentError when shapes, dtypes, strides or options do not fit, before anything is launched; also for lengths that do not add
 *   up and blocks outside the cache, where the host knows them (see `checks`).
 */
export function unified_attention(device: Device, args: UnifiedAttentionArgs): void {
  launchUnifiedAttention(device, args, checkUnifiedAttention(device, args));
}

/** The launches of a call whose arguments were checked. */
export function launchUnifiedAttention(device: Device, args: UnifiedAttentionArgs, plan: LaunchPlan): void {
  const { q, k, v, out, block_table, seqused_k, cu_seqlens_q, qq_bias = null, output_scale = null } = args;
  const { alibi_slopes = null, sinks = null } = args;
  const [num_tokens, num_query_heads, head_size] = q.shape;
  const num_seqs = seqused_k.shape[0];
  const num_kv_heads = k.shape[2];
  const { BLOCK_M, BLOCK_Q, TILE_SIZE, HEAD_SIZE_PADDED, num_queries_per_kv, total_num_q_blocks } = plan;

  const scratch: Tensor[] = [];
  const made = (shape: readonly number[], name: string): Tensor => {
    const t = device.empty(shape, 'f32', name);
    scratch.push(t);
    return t;
  };
  const shared = {
    query_ptr: q,
    key_cache_ptr: k,
    value_cache_ptr: v,
    sink_ptr: sinks,
    block_tables_ptr: block_table,
    seq_lens_ptr: seqused_k,
    alibi_slopes_ptr: alibi_slopes,
    qq_bias_ptr: qq_bias,
    scale: args.softmax_scale,
    k_scale: args.k_descale,
    v_scale: args.v_descale,
    softcap: args.softcap,
    num_query_heads,
    num_queries_per_kv,
    block_table_stride: block_table.strides[0],
    query_stride_0: q.strides[0],
    query_stride_1: q.strides[1],
    qq_bias_stride_0: qq_bias?.strides[0] ?? 0,
    BLOCK_SIZE: v.shape[1],
    TILE_SIZE,
    HEAD_SIZE: head_size,
    HEAD_SIZE_PADDED,
    USE_ALIBI_SLOPES: alibi_slopes !== null,
    USE_QQ_BIAS: qq_bias !== null,
    USE_SOFTCAP: args.softcap > 0,
    USE_SINKS: sinks !== null,
    SLIDING_WINDOW: 1 + args.window_size[0],
    stride_k_cache_0: k.strides[0],
    stride_k_cache_1: k.strides[1],
    stride_k_cache_2: k.strides[2],
    stride_k_cache_3: k.strides[3],
    stride_v_cache_0: v.strides[0],
    stride_v_cache_1: v.strides[1],
    stride_v_cache_2: v.strides[2],
    stride_v_cache_3: v.strides[3],
    query_start_len_ptr: cu_seqlens_q,
    BLOCK_Q,
    num_seqs,
    BLOCK_M,
  };
  try {
    let out_scale: Tensor | null = null;
    if (output_scale !== null) {
      out_scale = made([1], 'reciprocal of output_scale');
      reciprocal_kernel.launch(device, [1], { x: output_scale, out: out_scale });
    }
    const fp8 = { USE_FP8: output_scale !== null, FP8_MIN, FP8_MAX };
    const output = { output_ptr: out, output_stride_0: out.strides[0], output_stride_1: out.strides[1] };

    if (plan.path === '2d') {
      kernel_unified_attention_2d.launch(device, [total_num_q_blocks, num_kv_heads], { ...shared, ...output, out_scale, ...fp8 });
      return;
    }
    const segments = [num_tokens, num_query_heads, plan.NUM_SEGMENTS];
    const segm_output_ptr = args.segm_output ?? made([...segments, HEAD_SIZE_PADDED], 'segm_output');
    const segm_max_ptr = args.segm_max ?? made(segments, 'segm_max');
    const segm_expsum_ptr = args.segm_expsum ?? made(segments, 'segm_expsum');
    const segm = { segm_output_ptr, segm_max_ptr, segm_expsum_ptr, NUM_SEGMENTS_PER_SEQ: plan.NUM_SEGMENTS };
    kernel_unified_attention_3d.launch(device, [total_num_q_blocks, num_kv_heads, plan.NUM_SEGMENTS], { ...shared, ...segm });
    reduce_segments.launch(device, [num_tokens, num_query_heads], {
      ...segm,
      ...output,
      seq_lens_ptr: seqused_k,
      num_seqs,
      num_query_heads,
      out_scale_inv: out_scale,
      block_table_stride: block_table.strides[0],
      TILE_SIZE,
      HEAD_SIZE: head_size,
      HEAD_SIZE_PADDED,
      query_start_len_ptr: cu_seqlens_q,
      BLOCK_Q,
      ...fp8,
    });
  } finally {
    for (const t of scratch) t.free();
  }
}
