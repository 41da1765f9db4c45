// Joins the segments of the split kernel (reduce_segments of vLLM's v1/attention/ops/triton_unified_attention.py). In: what each segment
// gave. Out: the attention of one query token and head a program.

import { kernel, tl } from '../../src/index.ts';
import { find_seq_idx } from './helpers.ts';

export const reduce_segments = kernel(function reduce_segments({
  output_ptr, // [num_tokens, num_query_heads, head_size]
  segm_output_ptr, // [num_tokens, num_query_heads, num_segments, head_size_padded]
  segm_max_ptr, // [num_tokens, num_query_heads, num_segments]
  segm_expsum_ptr, // [num_tokens, num_query_heads, num_segments]
  seq_lens_ptr, // [num_seqs]
  num_seqs,
  num_query_heads,
  out_scale_inv, // float32: the reciprocal of the output's scale
  output_stride_0,
  output_stride_1,
  // biome-ignore lint/correctness/noUnusedFunctionParameters: a parameter of the original
  block_table_stride,
  TILE_SIZE,
  HEAD_SIZE,
  HEAD_SIZE_PADDED,
  query_start_len_ptr, // [num_seqs + 1]
  BLOCK_Q,
  NUM_SEGMENTS_PER_SEQ,
  USE_FP8,
  FP8_MIN,
  FP8_MAX,
}: {
  output_ptr: tl.ptr;
  segm_output_ptr: tl.ptr<tl.f32>;
  segm_max_ptr: tl.ptr<tl.f32>;
  segm_expsum_ptr: tl.ptr<tl.f32>;
  seq_lens_ptr: tl.ptr<tl.i32>;
  num_seqs: tl.i32;
  num_query_heads: tl.constexpr;
  out_scale_inv: tl.ptr<tl.f32> | null;
  output_stride_0: tl.i64;
  output_stride_1: tl.i64;
  block_table_stride: tl.i64;
  TILE_SIZE: tl.constexpr;
  HEAD_SIZE: tl.constexpr;
  HEAD_SIZE_PADDED: tl.constexpr;
  query_start_len_ptr: tl.ptr<tl.i32>;
  BLOCK_Q: tl.constexpr;
  NUM_SEGMENTS_PER_SEQ: tl.constexpr;
  USE_FP8: tl.constexpr<boolean>;
  FP8_MIN: tl.constexpr<tl.f32>;
  FP8_MAX: tl.constexpr<tl.f32>;
}) {
  const query_token_idx = tl.program_id(0);
  const query_head_idx = tl.program_id(1);

  const seq_idx = find_seq_idx(query_start_len_ptr, query_token_idx, num_seqs, BLOCK_Q, false);
  const seq_len = tl.load(seq_lens_ptr + seq_idx);

  // Segments that were written.
  const tiles_per_segment = tl.cdiv(seq_len, NUM_SEGMENTS_PER_SEQ * TILE_SIZE);
  const act_num_segments = tl.cdiv(seq_len, tiles_per_segment * TILE_SIZE);
  const segm_idx = tl.arange(0, NUM_SEGMENTS_PER_SEQ);
  const segm_mask = segm_idx < act_num_segments;
  const offs_d = tl.arange(0, HEAD_SIZE_PADDED);
  const dim_mask = offs_d < HEAD_SIZE;

  // [NUM_SEGMENTS_PER_SEQ]
  const segm_offset =
    tl.cast(query_token_idx, tl.int64) * (num_query_heads * NUM_SEGMENTS_PER_SEQ) +
    query_head_idx * NUM_SEGMENTS_PER_SEQ +
    segm_idx;
  const segm_max = tl.load(segm_max_ptr + segm_offset, { mask: segm_mask, other: -Infinity });
  const overall_max = tl.max(segm_max, 0);

  const segm_weight = tl.exp(segm_max - overall_max);
  const segm_expsum = tl.load(segm_expsum_ptr + segm_offset, { mask: segm_mask, other: 0.0 });
  const overall_expsum = tl.sum(segm_expsum * segm_weight, 0);

  // [NUM_SEGMENTS_PER_SEQ, HEAD_SIZE_PADDED]
  const segm_output = tl.load(segm_output_ptr + tl.col(segm_offset) * HEAD_SIZE_PADDED + tl.row(offs_d), {
    mask: tl.col(segm_mask) && tl.row(dim_mask),
    other: 0.0,
  });
  const acc_sum = tl.sum(segm_output * tl.col(segm_weight), 0);
  let acc = tl.where(overall_expsum === 0.0, 0.0, acc_sum / overall_expsum);

  if (USE_FP8 && out_scale_inv !== null) {
    acc = acc * tl.load(out_scale_inv);
    acc = tl.clamp(acc, FP8_MIN, FP8_MAX);
  }

  const output_offset = query_token_idx * output_stride_0 + query_head_idx * output_stride_1 + offs_d;
  tl.store(output_ptr + output_offset, acc, { mask: dim_mask });
});
