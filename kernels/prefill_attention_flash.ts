// The prefill attention of prefill_attention.ts with the algorithm of FlashAttention-2 (Dao, 2023): the sum of weights divides
// once, at the end, and blocks of keys that no query of the program may see are not visited. Same arguments, same results up
// to rounding. The faithful kernel stays beside it, as in vLLM.

import { type Device, kernel, tl } from '../src/index.ts';
import { type ContextAttentionArgs, launchPrefill } from './prefill_attention.ts';

/** Below every score; finite, so that a row without keys needs no case of its own. */
const LOWEST = -1e30;

export const _flash_fwd_kernel = kernel(function _flash_fwd_kernel({
  Q,
  K,
  V,
  sm_scale,
  B_Start_Loc,
  B_Seqlen,
  Out,
  stride_qbs,
  stride_qh,
  stride_kbs,
  stride_kh,
  stride_vbs,
  stride_vh,
  stride_obs,
  stride_oh,
  kv_group_num,
  BLOCK_M,
  BLOCK_DMODEL,
  BLOCK_N,
  IS_CAUSAL,
  SLIDING_WINDOW_Q,
  SLIDING_WINDOW_K,
  Lk,
}: {
  Q: tl.ptr;
  K: tl.ptr;
  V: tl.ptr;
  sm_scale: tl.f32;
  B_Start_Loc: tl.ptr;
  B_Seqlen: tl.ptr;
  Out: tl.ptr;
  stride_qbs: tl.i32;
  stride_qh: tl.i32;
  stride_kbs: tl.i32;
  stride_kh: tl.i32;
  stride_vbs: tl.i32;
  stride_vh: tl.i32;
  stride_obs: tl.i32;
  stride_oh: tl.i32;
  kv_group_num: tl.constexpr;
  BLOCK_M: tl.constexpr;
  BLOCK_DMODEL: tl.constexpr;
  BLOCK_N: tl.constexpr;
  IS_CAUSAL: tl.constexpr<boolean>;
  SLIDING_WINDOW_Q: tl.constexpr;
  SLIDING_WINDOW_K: tl.constexpr;
  Lk: tl.constexpr;
}) {
  const batch = tl.program_id(0);
  const head = tl.program_id(1);
  const start_m = tl.program_id(2);
  const kv_head = tl.floordiv(head, kv_group_num);
  const seq_len = tl.cast(tl.load(B_Seqlen + batch), tl.int32);
  const start = tl.cast(tl.load(B_Start_Loc + batch), tl.int32);

  const offs_n = tl.arange(0, BLOCK_N);
  const offs_d = tl.arange(0, BLOCK_DMODEL);
  const offs_m = start_m * BLOCK_M + tl.arange(0, BLOCK_M);
  const mask_d = offs_d < Lk;
  const mask_m = tl.col(offs_m) < seq_len && tl.row(mask_d);
  const q_ptrs = Q + (start + tl.col(offs_m)) * stride_qbs + head * stride_qh + tl.row(offs_d);
  const k_ptrs = K + tl.row(offs_n) * stride_kbs + kv_head * stride_kh + tl.col(offs_d);
  const v_ptrs = V + tl.col(offs_n) * stride_vbs + kv_head * stride_vh + tl.row(offs_d);
  const q = tl.load(q_ptrs, { mask: mask_m, other: 0.0 });

  // Keys that some query of the program may see.
  let lo = 0;
  let hi = seq_len;
  if (IS_CAUSAL) {
    hi = tl.minimum(hi, (start_m + 1) * BLOCK_M);
  }
  if (SLIDING_WINDOW_K > 0) {
    hi = tl.minimum(hi, (start_m + 1) * BLOCK_M + SLIDING_WINDOW_K);
  }
  if (SLIDING_WINDOW_Q > 0) {
    lo = tl.floordiv(tl.maximum(start_m * BLOCK_M - SLIDING_WINDOW_Q, 0), BLOCK_N) * BLOCK_N;
  }
  hi = tl.where(start_m * BLOCK_M < seq_len, hi, lo);

  // The last key that each query sees.
  let last = tl.full([BLOCK_M], 0, tl.int32) + (seq_len - 1);
  if (IS_CAUSAL) {
    last = tl.minimum(last, offs_m);
  }
  if (SLIDING_WINDOW_K > 0) {
    last = tl.minimum(last, offs_m + SLIDING_WINDOW_K);
  }

  // Scores in units of log2, so that the exponential is a power of two.
  const scale = sm_scale * Math.LOG2E;
  let m_i = tl.full([BLOCK_M], LOWEST, tl.float32);
  let l_i = tl.zeros([BLOCK_M], tl.float32);
  let acc = tl.zeros([BLOCK_M, BLOCK_DMODEL], tl.float32);
  for (let start_n of tl.range(lo, hi, BLOCK_N)) {
    start_n = tl.multiple_of(start_n, BLOCK_N);
    const inside = start_n + offs_n < seq_len;
    const k = tl.load(k_ptrs + (start + start_n) * stride_kbs, { mask: tl.row(inside) && tl.col(mask_d), other: 0.0 });
    const pos_k = start_n + tl.row(offs_n);
    let mask = pos_k <= tl.col(last);
    if (SLIDING_WINDOW_Q > 0) {
      mask = mask && pos_k >= tl.col(offs_m - SLIDING_WINDOW_Q);
    }
    const qk = tl.where(mask, tl.dot(q, k) * scale, -Infinity);
    const m_new = tl.maximum(m_i, tl.max(qk, 1));
    const p = tl.exp2(qk - tl.col(m_new));
    const alpha = tl.exp2(m_i - m_new);
    l_i = l_i * alpha + tl.sum(p, 1);
    const v = tl.load(v_ptrs + (start + start_n) * stride_vbs, { mask: tl.col(inside) && tl.row(mask_d), other: 0.0 });
    acc = acc * tl.col(alpha);
    acc += tl.dot(tl.cast(p, tl.dtype_of(v)), v);
    m_i = m_new;
  }
  const norm = 1.0 / tl.where(l_i > 0.0, l_i, 1.0);
  const o_ptrs = Out + (start + tl.col(offs_m)) * stride_obs + head * stride_oh + tl.row(offs_d);
  tl.store(o_ptrs, acc * tl.col(norm), { mask: mask_m });
});

/**
 * `context_attention_fwd` by another algorithm: the same arguments and results, faster where a row sees many keys, and with sliding
 * windows. A softmax_scale that is not positive is applied before the mask here.
 *
 * Source: Dao, "FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning", 2023.
 * @throws ArgumentError when shapes, dtypes, strides or options do not fit, before anything is launched.
 */
export function context_attention_fwd_flash(device: Device, args: ContextAttentionArgs): void {
  launchPrefill(device, 'context_attention_fwd_flash', _flash_fwd_kernel, args);
}
