// Paged attention split over segments of the keys (kernel_unified_attention_3d of vLLM's v1/attention/ops/triton_unified_attention.py):
// for decodes of few sequences, whose programs would not fill a GPU. In: as in the 2D kernel. Out: what each segment gives
// by itself (unnormalised output, maximum, sum), which reduce_segments joins.

import { kernel, tl } from '../../src/index.ts';
import { apply_softcap, dequantize, find_seq_idx } from './helpers.ts';

export const kernel_unified_attention_3d = kernel(function kernel_unified_attention_3d({
  segm_output_ptr, // [num_tokens, num_query_heads, num_segments, head_size_padded]
  segm_max_ptr, // [num_tokens, num_query_heads, num_segments]
  segm_expsum_ptr, // [num_tokens, num_query_heads, num_segments]
  query_ptr, // [num_tokens, num_query_heads, head_size]
  key_cache_ptr, // [num_blks, blk_size, num_kv_heads, head_size]
  value_cache_ptr, // [num_blks, blk_size, num_kv_heads, head_size]
  sink_ptr, // [num_query_heads]
  block_tables_ptr, // [num_seqs, max_num_blocks_per_seq]
  seq_lens_ptr, // [num_seqs]
  alibi_slopes_ptr, // [num_query_heads]
  qq_bias_ptr, // [num_query_tokens, num_query_tokens]
  scale,
  k_scale, // float32
  v_scale, // float32
  softcap,
  num_query_heads,
  num_queries_per_kv,
  block_table_stride,
  query_stride_0,
  query_stride_1,
  qq_bias_stride_0,
  BLOCK_SIZE,
  TILE_SIZE,
  HEAD_SIZE,
  HEAD_SIZE_PADDED,
  USE_ALIBI_SLOPES,
  USE_QQ_BIAS,
  USE_SOFTCAP,
  USE_SINKS,
  SLIDING_WINDOW,
  stride_k_cache_0,
  stride_k_cache_1,
  stride_k_cache_2,
  stride_k_cache_3,
  stride_v_cache_0,
  stride_v_cache_1,
  stride_v_cache_2,
  stride_v_cache_3,
  query_start_len_ptr, // [num_seqs + 1]
  BLOCK_Q,
  num_seqs,
  BLOCK_M,
  NUM_SEGMENTS_PER_SEQ,
}: {
  segm_output_ptr: tl.ptr<tl.f32>;
  segm_max_ptr: tl.ptr<tl.f32>;
  segm_expsum_ptr: tl.ptr<tl.f32>;
  query_ptr: tl.ptr;
  key_cache_ptr: tl.ptr;
  value_cache_ptr: tl.ptr;
  sink_ptr: tl.ptr | null;
  block_tables_ptr: tl.ptr<tl.i32>;
  seq_lens_ptr: tl.ptr<tl.i32>;
  alibi_slopes_ptr: tl.ptr<tl.f32> | null;
  qq_bias_ptr: tl.ptr<tl.f32> | null;
  scale: tl.f32;
  k_scale: tl.ptr<tl.f32> | null;
  v_scale: tl.ptr<tl.f32> | null;
  softcap: tl.f32;
  num_query_heads: tl.constexpr;
  num_queries_per_kv: tl.constexpr;
  block_table_stride: tl.i64;
  query_stride_0: tl.i64;
  query_stride_1: tl.i64;
  qq_bias_stride_0: tl.i64;
  BLOCK_SIZE: tl.constexpr;
  TILE_SIZE: tl.constexpr;
  HEAD_SIZE: tl.constexpr;
  HEAD_SIZE_PADDED: tl.constexpr;
  USE_ALIBI_SLOPES: tl.constexpr<boolean>;
  USE_QQ_BIAS: tl.constexpr<boolean>;
  USE_SOFTCAP: tl.constexpr<boolean>;
  USE_SINKS: tl.constexpr<boolean>;
  SLIDING_WINDOW: tl.constexpr;
  stride_k_cache_0: tl.i64;
  stride_k_cache_1: tl.i64;
  stride_k_cache_2: tl.i64;
  stride_k_cache_3: tl.constexpr;
  stride_v_cache_0: tl.i64;
  stride_v_cache_1: tl.i64;
  stride_v_cache_2: tl.i64;
  stride_v_cache_3: tl.constexpr;
  query_start_len_ptr: tl.ptr<tl.i32>;
  BLOCK_Q: tl.constexpr;
  num_seqs: tl.i32;
  BLOCK_M: tl.constexpr;
  NUM_SEGMENTS_PER_SEQ: tl.constexpr;
}) {
  const q_block_global_idx = tl.program_id(0);
  const kv_head_idx = tl.program_id(1);
  const segm_idx = tl.program_id(2);

  // The sequence, and the block of queries within it.
  const seq_idx = find_seq_idx(query_start_len_ptr, q_block_global_idx, num_seqs, BLOCK_Q, true);
  const cur_batch_in_all_start_index = tl.load(query_start_len_ptr + seq_idx);
  const cur_batch_in_all_stop_index = tl.load(query_start_len_ptr + seq_idx + 1);
  const q_block_start_idx = tl.floordiv(cur_batch_in_all_start_index, BLOCK_Q) + seq_idx;
  const q_block_local_idx = q_block_global_idx - q_block_start_idx;
  const cur_batch_query_len = cur_batch_in_all_stop_index - cur_batch_in_all_start_index;
  if (q_block_local_idx * BLOCK_Q >= cur_batch_query_len) {
    // One of the superfluous programs of the grid.
    return;
  }

  // The segments of a sequence have the same number of tiles; the last ones may have none.
  const seq_len = tl.load(seq_lens_ptr + seq_idx);
  const tiles_per_segment = tl.cdiv(seq_len, NUM_SEGMENTS_PER_SEQ * TILE_SIZE);
  if (segm_idx * tiles_per_segment * TILE_SIZE >= seq_len) {
    return;
  }

  // Row m is query head m mod G of the kv head, of query token m div G of the block.
  const offs_m = tl.arange(0, BLOCK_M);
  const offs_d = tl.arange(0, HEAD_SIZE_PADDED);
  const offs_t = tl.arange(0, TILE_SIZE);
  const query_pos = q_block_local_idx * BLOCK_Q + tl.floordiv(offs_m, num_queries_per_kv);
  const query_offset_0 = cur_batch_in_all_start_index + query_pos;
  const query_offset_1 = kv_head_idx * num_queries_per_kv + (offs_m % num_queries_per_kv);
  const dim_mask = offs_d < HEAD_SIZE;
  const query_mask_0 = query_pos < cur_batch_query_len;
  const query_mask_1 = query_offset_1 < num_query_heads;
  const query_mask = query_mask_0 && query_mask_1;

  // [BLOCK_M, HEAD_SIZE_PADDED]
  const query_offset = tl.col(query_offset_0) * query_stride_0 + tl.col(query_offset_1) * query_stride_1 + tl.row(offs_d);
  const Q = tl.load(query_ptr + query_offset, { mask: tl.col(query_mask) && tl.row(dim_mask), other: 0.0 });

  const block_table_offset = seq_idx * block_table_stride;

  // The sink belongs to the first segment.
  let M = tl.full([BLOCK_M], -Infinity, tl.float32);
  if (USE_SINKS && sink_ptr !== null) {
    if (segm_idx === 0) {
      M = tl.cast(tl.load(sink_ptr + query_offset_1, { mask: query_mask_1, other: -Infinity }), tl.float32);
    }
  }
  let L = tl.full([BLOCK_M], 1.0, tl.float32);
  let acc = tl.zeros([BLOCK_M, HEAD_SIZE_PADDED], tl.float32);

  const context_len = seq_len - cur_batch_query_len;

  let alibi_slope: number | null = null;
  if (USE_ALIBI_SLOPES && alibi_slopes_ptr !== null) {
    alibi_slope = tl.load(alibi_slopes_ptr + query_offset_1, { mask: query_mask_1, other: 0.0 });
  }
  let qq_bias_row_ptrs: tl.ptr<tl.f32> | null = null;
  if (USE_QQ_BIAS && qq_bias_ptr !== null) {
    qq_bias_row_ptrs = qq_bias_ptr + tl.col(query_pos) * qq_bias_stride_0;
  }

  // Keys that any row of the block may see.
  let max_seq_prefix_len = context_len + q_block_local_idx * BLOCK_Q + tl.floordiv(BLOCK_M - 1, num_queries_per_kv) + 1;
  max_seq_prefix_len = tl.minimum(max_seq_prefix_len, seq_len);
  const num_tiles = tl.cdiv(max_seq_prefix_len, TILE_SIZE);

  for (const j of tl.range(segm_idx * tiles_per_segment, tl.minimum((segm_idx + 1) * tiles_per_segment, num_tiles))) {
    const seq_offset = j * TILE_SIZE + offs_t;
    const tile_mask = seq_offset < max_seq_prefix_len;

    // Unlike the original, which reads the table past the sequence's last block, for elements that it then masks.
    const physical_block_idx = tl.cast(
      tl.load(block_tables_ptr + block_table_offset + tl.floordiv(seq_offset, BLOCK_SIZE), { mask: tile_mask, other: 0 }),
      tl.int64,
    );
    const v_offset =
      tl.col(physical_block_idx) * stride_v_cache_0 +
      kv_head_idx * stride_v_cache_2 +
      tl.row(offs_d) * stride_v_cache_3 +
      tl.col(seq_offset % BLOCK_SIZE) * stride_v_cache_1;
    const k_offset =
      tl.row(physical_block_idx) * stride_k_cache_0 +
      kv_head_idx * stride_k_cache_2 +
      tl.col(offs_d) * stride_k_cache_3 +
      tl.row(seq_offset % BLOCK_SIZE) * stride_k_cache_1;

    // K: [HEAD_SIZE_PADDED, TILE_SIZE]
    const K_load = tl.load(key_cache_ptr + k_offset, { mask: tl.col(dim_mask) && tl.row(tile_mask), other: 0.0 });
    const K = dequantize(K_load, k_scale, Q);
    // V: [TILE_SIZE, HEAD_SIZE_PADDED]
    const V_load = tl.load(value_cache_ptr + v_offset, { mask: tl.row(dim_mask) && tl.col(tile_mask), other: 0.0 });
    const V = dequantize(V_load, v_scale, Q);

    // S: [BLOCK_M, TILE_SIZE]
    let S = scale * tl.dot(Q, K);
    if (USE_SOFTCAP) {
      S = apply_softcap(S, softcap);
    }

    // A query sees the keys up to its own, and of them those in its window.
    const seq_mask = tl.row(seq_offset) < context_len + tl.col(query_pos) + 1;
    S = tl.where(tl.col(query_mask) && seq_mask, S, -Infinity);
    if (SLIDING_WINDOW > 0) {
      S = tl.where(context_len + tl.col(query_pos) - tl.row(seq_offset) < SLIDING_WINDOW, S, -Infinity);
    }
    if (alibi_slope !== null) {
      S += tl.col(alibi_slope) * tl.row(seq_offset - context_len);
    }
    if (qq_bias_row_ptrs !== null) {
      const key_rel_pos = seq_offset - context_len;
      const is_query_key = key_rel_pos >= 0 && key_rel_pos < qq_bias_stride_0;
      S += tl.load(qq_bias_row_ptrs + tl.row(key_rel_pos), { mask: tl.row(is_query_key) && tl.col(query_mask_0), other: 0.0 });
    }

    // The running maximum; 0 for rows that have seen nothing yet, to avoid inf - inf.
    let m_j = tl.maximum(M, tl.max(S, 1));
    m_j = tl.where(m_j > -Infinity, m_j, 0.0);
    const P = tl.exp(S - tl.col(m_j));
    const l_j = tl.sum(P, 1);
    const alpha = tl.exp(M - m_j);
    acc = acc * tl.col(alpha);
    L = L * alpha + l_j;
    M = m_j;
    acc += tl.dot(tl.cast(P, tl.dtype_of(V)), V);
  }

  const segm_offset =
    tl.cast(query_offset_0, tl.int64) * (num_query_heads * NUM_SEGMENTS_PER_SEQ) +
    query_offset_1 * NUM_SEGMENTS_PER_SEQ +
    segm_idx;
  tl.store(segm_output_ptr + tl.col(segm_offset) * HEAD_SIZE_PADDED + tl.row(offs_d), acc, {
    mask: tl.col(query_mask) && tl.row(dim_mask),
  });
  tl.store(segm_max_ptr + segm_offset, M, { mask: query_mask });
  tl.store(segm_expsum_ptr + segm_offset, L, { mask: query_mask });
});
