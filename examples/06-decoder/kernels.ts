// The kernels of a decoder beside attention. Activations between them are [tokens, columns]; the residual stream is f32, what goes into a
// product has the dtype of the weights. Sums are f32.

import { cdiv, type Device, kernel, next_power_of_2, type Tensor, tl } from 'tessera';

/** One row of the embedding for each token. Grid: [tokens]. */
const embed_kernel = kernel(function embed_kernel({
  ids,
  table,
  out,
  hidden,
  BLOCK,
}: {
  ids: tl.ptr<tl.i32>;
  table: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  hidden: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const token = tl.program_id(0);
  const cols = tl.arange(0, BLOCK);
  const mask = cols < hidden;
  const id = tl.load(ids + token);
  tl.store(out + token * hidden + cols, tl.load(table + id * hidden + cols, { mask }), { mask });
});

/** residual += x (if there is one); out = residual / rms(residual) · weight. Grid: [rows]. */
const add_rms_norm_kernel = kernel(function add_rms_norm_kernel({
  x,
  residual,
  weight,
  out,
  hidden,
  eps,
  BLOCK,
}: {
  x: tl.ptr | null;
  residual: tl.ptr<tl.f32>;
  weight: tl.ptr<tl.f32>;
  out: tl.ptr;
  hidden: tl.i32;
  eps: tl.f32;
  BLOCK: tl.constexpr;
}) {
  const row = tl.program_id(0) * hidden;
  const cols = tl.arange(0, BLOCK);
  const mask = cols < hidden;
  let r = tl.load(residual + row + cols, { mask, other: 0 });
  if (x !== null) {
    r += tl.cast(tl.load(x + row + cols, { mask, other: 0 }), tl.f32);
    tl.store(residual + row + cols, r, { mask });
  }
  const rstd = tl.rsqrt(tl.sum(r * r, 0) / hidden + eps);
  const w = tl.load(weight + cols, { mask, other: 0 });
  tl.store(out + row + cols, tl.cast(r * rstd * w, tl.dtype_of(out)), { mask });
});

/** out = x · weightᵀ: [M, K] and [N, K]. Grid: [cdiv(N, BN), cdiv(M, BM)]. */
const linear_kernel = kernel(function linear_kernel({
  x,
  weight,
  out,
  M,
  N,
  K,
  BM,
  BN,
  BK,
}: {
  x: tl.ptr;
  weight: tl.ptr;
  out: tl.ptr;
  M: tl.i32;
  N: tl.i32;
  K: tl.i32;
  BM: tl.constexpr;
  BN: tl.constexpr;
  BK: tl.constexpr;
}) {
  const n = tl.program_id(0) * BN + tl.arange(0, BN);
  const m = tl.program_id(1) * BM + tl.arange(0, BM);
  const k = tl.arange(0, BK);
  let acc = tl.zeros([BM, BN], tl.f32);
  for (const start of tl.range(0, K, BK)) {
    const inside = k < K - start;
    const a = tl.load(x + tl.col(m) * K + tl.row(k + start), { mask: tl.col(m) < M && tl.row(inside), other: 0 });
    const b = tl.load(weight + tl.row(n) * K + tl.col(k + start), { mask: tl.row(n) < N && tl.col(inside), other: 0 });
    acc = tl.dot(a, b, { acc });
  }
  tl.store(out + tl.col(m) * N + tl.row(n), tl.cast(acc, tl.dtype_of(out)), { mask: tl.col(m) < M && tl.row(n) < N });
});

/**
 * Rotary position embedding, in place, of the heads at the start of each row (queries, then keys): element i of a head and element
 * i + HALF turn by position · theta^(−i / HALF). Su et al. 2021, in Llama's order of elements. Grid: [tokens, heads].
 */
const rope_kernel = kernel(function rope_kernel({
  x,
  positions,
  row_stride,
  log2_theta,
  HALF,
  BLOCK,
}: {
  x: tl.ptr;
  positions: tl.ptr<tl.i32>;
  row_stride: tl.i32;
  log2_theta: tl.f32;
  HALF: tl.constexpr;
  BLOCK: tl.constexpr;
}) {
  const token = tl.program_id(0);
  const i = tl.arange(0, BLOCK);
  const mask = i < HALF;
  const angle = tl.load(positions + token) * tl.exp2((-log2_theta / HALF) * i);
  const [c, s] = [tl.cos(angle), tl.sin(angle)];
  const low = x + token * row_stride + tl.program_id(1) * (2 * HALF) + i;
  const a = tl.cast(tl.load(low, { mask, other: 0 }), tl.f32);
  const b = tl.cast(tl.load(low + HALF, { mask, other: 0 }), tl.f32);
  tl.store(low, tl.cast(a * c - b * s, tl.dtype_of(x)), { mask });
  tl.store(low + HALF, tl.cast(b * c + a * s, tl.dtype_of(x)), { mask });
});

/** out = silu(gate) · up, both halves of a row of x. Shazeer 2020. Grid: [tokens, cdiv(columns, BLOCK)]. */
const swiglu_kernel = kernel(function swiglu_kernel({
  x,
  out,
  columns,
  BLOCK,
}: {
  x: tl.ptr;
  out: tl.ptr;
  columns: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const row = tl.program_id(0);
  const i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK);
  const mask = i < columns;
  const gate = tl.cast(tl.load(x + row * 2 * columns + i, { mask, other: 0 }), tl.f32);
  const up = tl.cast(tl.load(x + row * 2 * columns + columns + i, { mask, other: 0 }), tl.f32);
  tl.store(out + row * columns + i, tl.cast(gate * tl.sigmoid(gate) * up, tl.dtype_of(out)), { mask });
});

/** Copies rows: out[i] = x[rows[i]]. Grid: [rows]. */
const gather_rows_kernel = kernel(function gather_rows_kernel({
  x,
  rows,
  out,
  columns,
  BLOCK,
}: {
  x: tl.ptr;
  rows: tl.ptr<tl.i32>;
  out: tl.ptr;
  columns: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const to = tl.program_id(0);
  const cols = tl.arange(0, BLOCK);
  const mask = cols < columns;
  tl.store(out + to * columns + cols, tl.load(x + tl.load(rows + to) * columns + cols, { mask }), { mask });
});

/**
 * One token for each row of logits: the largest (temperature 0), or a sample of softmax(logits / temperature) by adding Gumbel noise, which
 * needs no sum over the row. `seeds` differ by request and step, so a request gets the same tokens in any batch. Grid: [rows].
 */
const sample_kernel = kernel(function sample_kernel({
  logits,
  seeds,
  out,
  vocab,
  temperature,
  BLOCK,
  GREEDY,
}: {
  logits: tl.ptr<tl.f32>;
  seeds: tl.ptr<tl.i32>;
  out: tl.ptr<tl.i32>;
  vocab: tl.i32;
  temperature: tl.f32;
  BLOCK: tl.constexpr;
  GREEDY: tl.constexpr<boolean>;
}) {
  const row = tl.program_id(0);
  const cols = tl.arange(0, BLOCK);
  let score = tl.load(logits + row * vocab + cols, { mask: cols < vocab, other: -Infinity });
  if (!GREEDY) {
    // rand is in [0, 1); 1 - rand is never 0.
    const noise = -tl.log(-tl.log(1.0 - tl.rand(tl.load(seeds + row), cols)) + 1e-20);
    score = tl.where(cols < vocab, score / temperature + noise, -Infinity);
  }
  tl.store(out + row, tl.argmax(score, 0));
});

// ---- host functions: shapes in, launches out ----------------------------------------------------------------------------------------------

export function embed(device: Device, ids: Tensor, table: Tensor, out: Tensor): void {
  const hidden = table.shape[1];
  embed_kernel.launch(device, [ids.shape[0]], { ids, table, out, hidden, BLOCK: next_power_of_2(hidden) });
}
export function addRmsNorm(device: Device, x: Tensor | null, residual: Tensor, weight: Tensor, out: Tensor, eps: number): void {
  const [rows, hidden] = residual.shape;
  add_rms_norm_kernel.launch(device, [rows], { x, residual, weight, out, hidden, eps, BLOCK: next_power_of_2(hidden) });
}
export function linear(device: Device, x: Tensor, weight: Tensor, out: Tensor): void {
  const [M, K] = x.shape;
  const N = weight.shape[0];
  // A decode step has few rows: tall blocks would compute masked ones.
  const [BM, BN, BK] = [M <= 16 ? 16 : 32, 32, 32];
  linear_kernel.launch(device, [cdiv(N, BN), cdiv(M, BM)], { x, weight, out, M, N, K, BM, BN, BK });
}
export function rope(device: Device, x: Tensor, positions: Tensor, heads: number, head_dim: number, theta: number): void {
  const [tokens, row_stride] = x.shape;
  const HALF = head_dim / 2;
  const sizes = { HALF, BLOCK: next_power_of_2(HALF) };
  rope_kernel.launch(device, [tokens, heads], { x, positions, row_stride, log2_theta: Math.log2(theta), ...sizes });
}
export function swiglu(device: Device, x: Tensor, out: Tensor): void {
  const [rows, columns] = out.shape;
  const BLOCK = Math.min(1024, next_power_of_2(columns));
  swiglu_kernel.launch(device, [rows, cdiv(columns, BLOCK)], { x, out, columns, BLOCK });
}
export function gatherRows(device: Device, x: Tensor, rows: Tensor, out: Tensor): void {
  const columns = x.shape[1];
  gather_rows_kernel.launch(device, [rows.shape[0]], { x, rows, out, columns, BLOCK: next_power_of_2(columns) });
}
export function sample(device: Device, logits: Tensor, seeds: Tensor, out: Tensor, temperature: number): void {
  const [rows, vocab] = logits.shape;
  const BLOCK = next_power_of_2(vocab);
  sample_kernel.launch(device, [rows], { logits, seeds, out, vocab, temperature, BLOCK, GREEDY: temperature === 0 });
}
