// Memory-efficient attention over ragged prompts (vLLM v1/attention/ops/triton_prefill_attention.py): the kernel, line by
// line as there, and its host function. In: packed q, k, v and the sequences' starts and lengths. Out: `o`, filled in place.

import { cdiv, type Device, type DType, kernel, next_power_of_2, type Tensor, tl } from '../src/index.ts';
import { Arguments } from './check.ts';

export const _fwd_kernel = kernel(function _fwd_kernel({
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
  const cur_batch = tl.program_id(0);
  const cur_head = tl.program_id(1);
  const start_m = tl.program_id(2);

  const cur_kv_head = tl.floordiv(cur_head, kv_group_num);

  const cur_batch_seq_len = tl.load(B_Seqlen + cur_batch);
  const cur_batch_in_all_start_index = tl.load(B_Start_Loc + cur_batch);

  const block_start_loc = BLOCK_M * start_m;

  // initialize offsets
  const offs_n = tl.arange(0, BLOCK_N);
  const offs_d = tl.arange(0, BLOCK_DMODEL);
  const offs_m = start_m * BLOCK_M + tl.arange(0, BLOCK_M);
  const off_q = (cur_batch_in_all_start_index + tl.col(offs_m)) * stride_qbs + cur_head * stride_qh + tl.row(offs_d);
  const off_k = tl.row(offs_n) * stride_kbs + cur_kv_head * stride_kh + tl.col(offs_d);
  const off_v = tl.col(offs_n) * stride_vbs + cur_kv_head * stride_vh + tl.row(offs_d);

  const mask_d = offs_d < Lk;

  const q = tl.load(Q + off_q, { mask: tl.col(offs_m) < cur_batch_seq_len && tl.row(mask_d), other: 0.0 });

  const k_ptrs = K + off_k;
  const v_ptrs = V + off_v;

  // initialize pointer to m and l
  let m_i = tl.zeros([BLOCK_M], tl.float32) - Infinity;
  let l_i = tl.zeros([BLOCK_M], tl.float32);
  let acc = tl.zeros([BLOCK_M, BLOCK_DMODEL], tl.float32);

  const block_mask = tl.where(block_start_loc < cur_batch_seq_len, 1, 0);

  // Calculate the end position for attention computation
  let end_n = cur_batch_seq_len;

  // Apply causal attention pruning and sliding window attention pruning
  end_n = IS_CAUSAL ? tl.minimum(end_n, (start_m + 1) * BLOCK_M) : end_n;

  // Calculate the start position for backward sliding window
  const start_n_limit = 0;
  const end_n_limit = block_mask * end_n;

  for (let start_n of tl.range(start_n_limit, end_n_limit, BLOCK_N)) {
    start_n = tl.multiple_of(start_n, BLOCK_N);
    // -- compute qk ----
    const k = tl.load(k_ptrs + (cur_batch_in_all_start_index + start_n) * stride_kbs, {
      mask: start_n + tl.row(offs_n) < cur_batch_seq_len && tl.col(mask_d),
      other: 0.0,
    });

    // Apply attention mask (causal + bidirectional sliding window)
    // Position indices in the sequence
    const pos_q = tl.col(offs_m); // Query positions [BLOCK_M, 1]
    const pos_k = start_n + tl.row(offs_n); // Key positions [1, BLOCK_N]

    // Valid sequence mask
    let mask = pos_k < cur_batch_seq_len;
    // Causal mask
    if (IS_CAUSAL) {
      mask = mask && pos_q >= pos_k;
    }

    // Bidirectional sliding window masks
    const sliding_mask_q = SLIDING_WINDOW_Q > 0 ? pos_q - pos_k <= SLIDING_WINDOW_Q : null;
    const sliding_mask_k = SLIDING_WINDOW_K > 0 ? pos_k - pos_q <= SLIDING_WINDOW_K : null;
    if (sliding_mask_q !== null) {
      mask = mask && sliding_mask_q;
    }
    if (sliding_mask_k !== null) {
      mask = mask && sliding_mask_k;
    }

    let qk = tl.zeros([BLOCK_M, BLOCK_N], tl.float32);
    qk += tl.where(mask, 0, -Infinity);
    qk += tl.dot(q, k);
    qk *= sm_scale;

    // -- compute m_ij, p, l_ij
    const m_ij = tl.max(qk, 1);
    // For sliding window there's a chance the max is -inf due to masking of
    // the entire row. In this case we need to set m_j 0 to avoid NaN
    const m_ij_valid_mask = m_ij > -Infinity;
    const m_ij_masked = tl.where(m_ij_valid_mask, m_ij, 0.0);
    // -- compute p and l_ij --
    let p = tl.exp(qk - tl.col(m_ij_masked));
    const l_ij = tl.sum(p, 1);
    // -- update m_i and l_i
    const m_i_new = tl.maximum(m_i, m_ij);
    const m_i_new_mask = m_i_new > -Infinity;
    let alpha = tl.exp(m_i - m_i_new);
    let beta = tl.exp(m_ij - m_i_new);
    // mask alpha and beta for sliding window
    alpha = tl.where(m_i_new_mask, alpha, 1.0);
    beta = tl.where(m_i_new_mask, beta, 0.0);
    const l_i_new = alpha * l_i + beta * l_ij;
    // -- update output accumulator --
    // scale p
    // For sliding window there's a chance the l_i_new is 0 due to masking
    // the entire row. We need to set l_i_new 1 to avoid zero division
    // (the second half compares a mask with -inf, as the original does: always true)
    const l_i_new_mask = l_i_new !== 0.0 && tl.cast(m_i_new_mask, tl.float32) > -Infinity;
    const l_i_new_safe = tl.where(l_i_new_mask, l_i_new, 1.0);
    const p_scale = beta / l_i_new_safe;
    p = p * tl.col(p_scale);
    // scale acc
    const acc_scale = (l_i / l_i_new_safe) * alpha;
    acc = acc * tl.col(acc_scale);
    // update acc
    const v = tl.load(v_ptrs + (cur_batch_in_all_start_index + start_n) * stride_vbs, {
      mask: start_n + tl.col(offs_n) < cur_batch_seq_len && tl.row(mask_d),
      other: 0.0,
    });

    p = tl.cast(p, tl.dtype_of(v));
    acc += tl.dot(p, v);
    // update m_i and l_i
    l_i = l_i_new;
    m_i = m_i_new;
  }
  // initialize pointers to output
  const off_o = (cur_batch_in_all_start_index + tl.col(offs_m)) * stride_obs + cur_head * stride_oh + tl.row(offs_d);
  const out_ptrs = Out + off_o;
  tl.store(out_ptrs, acc, { mask: tl.col(offs_m) < cur_batch_seq_len && tl.row(mask_d) });
});

/** Rows of q, and of k and v, that a program takes at a time (the original's choice for devices without CUDA's capability 8.0). */
export function get_block_size(dtype: DType): number {
  if (dtype === tl.float32) {
    return 32;
  } else {
    return 64;
  }
}

export interface ContextAttentionArgs {
  /** [b * s, head, head_dim]; the elements of a head are contiguous. */
  q: Tensor;
  /** [b * s, kv_head, head_dim]; head is a multiple of kv_head (grouped-query attention). */
  k: Tensor;
  /** [b * s, kv_head, head_dim] */
  v: Tensor;
  /** [b * s, head, head_dim]; written in place. Rows outside every sequence keep their contents. */
  o: Tensor;
  /** [b]: row of q, k and v at which each sequence starts; i32 or i64. */
  b_start_loc: Tensor;
  /** [b]: length of each sequence; i32 or i64. */
  b_seq_len: Tensor;
  /** At least the largest of b_seq_len: queries beyond it are left out. */
  max_input_len: number;
  is_causal?: boolean;
  /** Factor of q·k before the softmax, > 0; 1 / sqrt(head_dim) by default. */
  softmax_scale?: number | null;
  /** A query sees keys at most this far back; 0, negative or null: any distance. */
  sliding_window_q?: number | null;
  /** A query sees keys at most this far ahead; 0, negative or null: any distance. */
  sliding_window_k?: number | null;
  /** Not in the original: rows of q a program takes, a power of two; `get_block_size` by default. Results do not depend on it. */
  block_m?: number;
  /** Not in the original: rows of k and v a step takes, a power of two; `get_block_size` by default. */
  block_n?: number;
  /** Not in the original: whether sequences must lie within q: where the host knows it (undefined), always (true), not looked at (false). */
  checks?: boolean;
}

/**
 * Attention of each sequence of a ragged batch over itself, for prefill (page size 1).
 *
 * q, k, v: [b * s, head, head_dim], float, one dtype; b_start_loc, b_seq_len: [b]; out: [b * s, head, head_dim].
 * Accumulates in f32; a query that sees no key gives 0. Scores are scaled after masking, as in the original: a softmax_scale
 * that is not positive undoes the mask.
 *
 * Source: vLLM, v1/attention/ops/triton_prefill_attention.py, context_attention_fwd.
 * @throws ArgumentError when shapes, dtypes, strides or options do not fit, before anything is launched.
 */
export function context_attention_fwd(device: Device, args: ContextAttentionArgs): void {
  launchPrefill(device, 'context_attention_fwd', _fwd_kernel, args);
}

/** Checks the arguments of `context_attention_fwd` and launches one of the kernels that compute it. */
export function launchPrefill(
  device: Device,
  name: string,
  prefill: Pick<typeof _fwd_kernel, 'launch'>,
  {
    q,
    k,
    v,
    o,
    b_start_loc,
    b_seq_len,
    max_input_len,
    is_causal = true,
    softmax_scale = null,
    sliding_window_q = null,
    sliding_window_k = null,
    block_m,
    block_n,
    checks,
  }: ContextAttentionArgs,
): void {
  const check = new Arguments(name, device);
  check.tensor('q', q, ['b * s', 'head', 'head_dim']);
  check.dtype('q', q, [tl.float32, tl.float16, tl.bfloat16]);
  check.tensor('k', k, [q.shape[0], 'kv_head', q.shape[2]], 'tokens and head_dim of q');
  check.tensor('v', v, k.shape, 'that of k');
  check.tensor('o', o, q.shape, 'that of q');
  check.dtype('k', k, [q.dtype], 'that of q');
  check.dtype('v', v, [q.dtype], 'that of q');
  check.dtype('o', o, [tl.float32, tl.float16, tl.bfloat16]);
  for (const [name, t] of Object.entries({ q, k, v, o })) check.contiguous(name, t, 1);
  check.require(q.shape[1] % k.shape[1] === 0, 'q', `a multiple of k's ${k.shape[1]} heads`, `${q.shape[1]} heads`);
  check.tensor('b_seq_len', b_seq_len, ['b']);
  check.tensor('b_start_loc', b_start_loc, b_seq_len.shape, 'that of b_seq_len');
  for (const [name, t] of Object.entries({ b_seq_len, b_start_loc })) {
    check.dtype(name, t, [tl.int32, tl.int64]);
    check.contiguous(name, t);
  }
  check.integer('max_input_len', max_input_len, 0);
  check.once([b_start_loc, b_seq_len], [q.shape[0], checks], () => {
    const starts = check.values('b_start_loc', b_start_loc, checks);
    const lengths = check.values('b_seq_len', b_seq_len, checks);
    if (starts && lengths) checkSequences(check, starts, lengths, q.shape[0]);
  });
  if (block_m !== undefined) check.powerOfTwo('block_m', block_m);
  if (block_n !== undefined) check.powerOfTwo('block_n', block_n);

  const BLOCK = get_block_size(q.dtype);
  // Not in the original: on matrix units a subgroup takes 16 rows, and the tiles of 64 keys would not fit beside each other.
  const units = q.dtype === tl.float16 && q.shape[2] >= 16 && device.info.subgroupMatrices.length > 0;
  const BLOCK_M = block_m ?? (units ? 128 : BLOCK);
  const BLOCK_N = block_n ?? (units ? 32 : BLOCK);

  const [Lq, Lk] = [q.shape[2], k.shape[2]];

  const sm_scale = softmax_scale === null ? 1.0 / Lq ** 0.5 : softmax_scale;
  const [batch, head] = [b_seq_len.shape[0], q.shape[1]];
  const kv_group_num = q.shape[1] / k.shape[1];

  const grid = [batch, head, cdiv(max_input_len, BLOCK_M)];
  const num_warps = Lk <= 64 ? 4 : 8;

  prefill.launch(
    device,
    grid,
    {
      Q: q,
      K: k,
      V: v,
      sm_scale,
      B_Start_Loc: b_start_loc,
      B_Seqlen: b_seq_len,
      Out: o,
      stride_qbs: q.strides[0],
      stride_qh: q.strides[1],
      stride_kbs: k.strides[0],
      stride_kh: k.strides[1],
      stride_vbs: v.strides[0],
      stride_vh: v.strides[1],
      stride_obs: o.strides[0],
      stride_oh: o.strides[1],
      kv_group_num,
      BLOCK_M,
      BLOCK_DMODEL: next_power_of_2(Lk),
      BLOCK_N,
      IS_CAUSAL: is_causal,
      SLIDING_WINDOW_Q: sliding_window_q ?? 0,
      SLIDING_WINDOW_K: sliding_window_k ?? 0,
      Lk,
    },
    { num_warps, num_stages: 1 },
  );
}

/** Every sequence is a run of the `tokens` rows. */
function checkSequences(check: Arguments, starts: Float64Array, lengths: Float64Array, tokens: number): void {
  for (const [b, length] of lengths.entries()) {
    check.require(length >= 0, 'b_seq_len', 'no negative length', `${length} at ${b}`);
    const end = starts[b] + length;
    const inside = length === 0 || (starts[b] >= 0 && end <= tokens);
    check.require(inside, 'b_start_loc', `sequences within the ${tokens} rows of q`, `rows ${starts[b]} to ${end} at ${b}`);
  }
}
