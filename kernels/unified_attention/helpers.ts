// Device functions that the unified attention kernels share: which sequence a program works on, the soft cap, fp8 to the query's dtype.

import { tl } from '../../src/index.ts';

/**
 * Index of the sequence that owns `target_idx`: the last one whose key is not above it. In block mode the key of a sequence is
 * the first of its query blocks (every sequence owns one block more than its tokens fill, at the most, so that the keys grow also
 * over empty sequences); else it is the sequence's first token.
 */
export const find_seq_idx = tl.fn(function find_seq_idx(
  query_start_len_ptr: tl.ptr<tl.i32>,
  target_idx: number,
  num_seqs: number,
  BLOCK_Q: number,
  use_q_block_mode: boolean,
) {
  let left = 0;
  let right = num_seqs;
  while (left < right) {
    const mid = tl.floordiv(left + right, 2);
    const val = tl.load(query_start_len_ptr + mid);
    const mid_val = use_q_block_mode ? tl.floordiv(val, BLOCK_Q) + mid : val;
    if (mid_val <= target_idx) {
      left = mid + 1;
    } else {
      right = mid;
    }
  }
  return left - 1;
});

/** x · tanh(S / x) by two exponentials, as the original has it: NaN where |S / x| is above 88. */
export const apply_softcap = tl.fn(function apply_softcap(S: number, x: number) {
  const Sdiv = S / x;
  const p1 = tl.exp(Sdiv);
  const p2 = tl.exp(-Sdiv);
  return (x * (p1 - p2)) / (p1 + p2);
});

/**
 * A tile of the cache as an operand of a product with `Q`: fp8 becomes value · scale in the dtype of Q, unless Q is fp8 itself (then
 * the codes are multiplied as they are, without the scale).
 */
export const dequantize = tl.fn(function dequantize(cached: number, scale_ptr: tl.ptr<tl.f32> | null, Q: number) {
  if (scale_ptr !== null && tl.dtype_of(cached).is_fp8() && !tl.dtype_of(Q).is_fp8()) {
    return tl.cast(tl.cast(cached, tl.float32) * tl.load(scale_ptr), tl.dtype_of(Q));
  }
  return cached;
});
