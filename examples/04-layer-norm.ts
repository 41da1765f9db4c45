// Layer norm, forward: a program normalises one row, which may be longer than a block, in three loops over its columns.
//   npm run -s tessera -- run examples/04-layer-norm.ts

import { type Device, kernel, tl } from 'tessera';
import { example, maxError, type Report, randn } from './support.ts';

export const _layer_norm_fwd_fused = kernel(function _layer_norm_fwd_fused({
  X, // pointer to the input
  Y, // pointer to the output
  W, // pointer to the weights
  B, // pointer to the biases
  Mean, // pointer to the mean
  Rstd, // pointer to the 1/std
  stride, // how much to increase the pointer when moving by 1 row
  N, // number of columns in X
  eps, // epsilon to avoid division by zero
  BLOCK_SIZE,
}: {
  X: tl.ptr<tl.f32>;
  Y: tl.ptr<tl.f32>;
  W: tl.ptr<tl.f32>;
  B: tl.ptr<tl.f32>;
  Mean: tl.ptr<tl.f32>;
  Rstd: tl.ptr<tl.f32>;
  stride: tl.i32;
  N: tl.i32;
  eps: tl.f32;
  BLOCK_SIZE: tl.constexpr;
}) {
  // Map the program id to the row of X and Y it should compute.
  const row = tl.program_id(0);
  Y += row * stride;
  X += row * stride;
  // Compute mean
  let _mean = tl.zeros([BLOCK_SIZE], tl.float32);
  for (const off of tl.range(0, N, BLOCK_SIZE)) {
    const cols = off + tl.arange(0, BLOCK_SIZE);
    const a = tl.cast(tl.load(X + cols, { mask: cols < N, other: 0.0 }), tl.float32);
    _mean += a;
  }
  const mean = tl.sum(_mean, 0) / N;
  // Compute variance
  let _var = tl.zeros([BLOCK_SIZE], tl.float32);
  for (const off of tl.range(0, N, BLOCK_SIZE)) {
    const cols = off + tl.arange(0, BLOCK_SIZE);
    let x = tl.cast(tl.load(X + cols, { mask: cols < N, other: 0.0 }), tl.float32);
    x = tl.where(cols < N, x - mean, 0.0);
    _var += x * x;
  }
  const variance = tl.sum(_var, 0) / N;
  const rstd = 1 / tl.sqrt(variance + eps);
  // Write mean / rstd
  tl.store(Mean + row, mean);
  tl.store(Rstd + row, rstd);
  // Normalize and apply linear transformation
  for (const off of tl.range(0, N, BLOCK_SIZE)) {
    const cols = off + tl.arange(0, BLOCK_SIZE);
    const mask = cols < N;
    const w = tl.load(W + cols, { mask });
    const b = tl.load(B + cols, { mask });
    const x = tl.cast(tl.load(X + cols, { mask, other: 0.0 }), tl.float32);
    const x_hat = (x - mean) * rstd;
    const y = x_hat * w + b;
    // Write output
    tl.store(Y + cols, y, { mask });
  }
});

export async function run(device: Device): Promise<Report> {
  const [M, N] = [151, 1000];
  const eps = 1e-5;
  const data = randn(M * N, 1).map((v) => 3 * v + 2);
  const [weight, bias] = [randn(N, 2), randn(N, 3)];

  const x = device.tensor(data, { shape: [M, N] });
  const w = device.tensor(weight);
  const b = device.tensor(bias);
  const [y, mean, rstd] = [device.empty([M, N], 'f32'), device.empty([M], 'f32'), device.empty([M], 'f32')];
  _layer_norm_fwd_fused.launch(device, [M], {
    X: x,
    Y: y,
    W: w,
    B: b,
    Mean: mean,
    Rstd: rstd,
    stride: x.strides[0],
    N,
    eps,
    BLOCK_SIZE: 256,
  });
  const got = [await y.toFloat32(), await mean.toFloat32(), await rstd.toFloat32()];
  for (const t of [x, w, b, y, mean, rstd]) t.free();

  const want = reference(data, weight, bias, eps);
  const error = Math.max(...want.map((r, i) => maxError(got[i], r)));
  return { size: `layer norm of ${M} × ${N} f32`, error, tolerance: 1e-5 };
}

function reference(
  data: Float32Array,
  w: Float32Array,
  b: Float32Array,
  eps: number,
): [Float64Array, Float64Array, Float64Array] {
  const N = w.length;
  const M = data.length / N;
  const [y, mean, rstd] = [new Float64Array(M * N), new Float64Array(M), new Float64Array(M)];
  for (let m = 0; m < M; m++) {
    const row = data.subarray(m * N, (m + 1) * N);
    mean[m] = row.reduce((a, v) => a + v, 0) / N;
    rstd[m] = 1 / Math.sqrt(row.reduce((a, v) => a + (v - mean[m]) ** 2, 0) / N + eps);
    row.forEach((v, n) => {
      y[m * N + n] = (v - mean[m]) * rstd[m] * w[n] + b[n];
    });
  }
  return [y, mean, rstd];
}

await example(import.meta.url, run);
