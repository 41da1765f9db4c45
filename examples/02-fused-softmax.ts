// Softmax of each row of a matrix in one pass over memory: a program holds a whole row, padded to a power of two with -inf.
//   npm run -s tessera -- run examples/02-fused-softmax.ts

import { type Device, kernel, next_power_of_2, tl } from 'tessera';
import { example, maxError, type Report, randn } from './support.ts';

export const softmax_kernel = kernel(function softmax_kernel({
  output_ptr,
  input_ptr,
  input_row_stride,
  output_row_stride,
  n_rows,
  n_cols,
  BLOCK_SIZE,
}: {
  output_ptr: tl.ptr<tl.f32>;
  input_ptr: tl.ptr<tl.f32>;
  input_row_stride: tl.i32;
  output_row_stride: tl.i32;
  n_rows: tl.i32;
  n_cols: tl.i32;
  BLOCK_SIZE: tl.constexpr;
}) {
  // starting row of the program
  const row_start = tl.program_id(0);
  const row_step = tl.num_programs(0);
  for (const row_idx of tl.range(row_start, n_rows, row_step)) {
    // The stride represents how much we need to increase the pointer to advance 1 row
    const row_start_ptr = input_ptr + row_idx * input_row_stride;
    // The block size is the next power of two greater than n_cols, so we can fit each row in a single block
    const col_offsets = tl.arange(0, BLOCK_SIZE);
    const input_ptrs = row_start_ptr + col_offsets;
    // Load the row, using a mask since BLOCK_SIZE may be > than n_cols
    const mask = col_offsets < n_cols;
    const row = tl.load(input_ptrs, { mask, other: -Infinity });
    // Subtract maximum for numerical stability
    const row_minus_max = row - tl.max(row, 0);
    const numerator = tl.exp(row_minus_max);
    const denominator = tl.sum(numerator, 0);
    const softmax_output = numerator / denominator;
    // Write back output
    const output_row_start_ptr = output_ptr + row_idx * output_row_stride;
    const output_ptrs = output_row_start_ptr + col_offsets;
    tl.store(output_ptrs, softmax_output, { mask });
  }
});

export async function run(device: Device): Promise<Report> {
  const [n_rows, n_cols] = [183, 781];
  const data = randn(n_rows * n_cols);

  const x = device.tensor(data, { shape: [n_rows, n_cols] });
  const y = device.empty([n_rows, n_cols], 'f32');
  // Fewer programs than rows: each takes several.
  const num_programs = Math.min(n_rows, 64);
  softmax_kernel.launch(device, [num_programs], {
    output_ptr: y,
    input_ptr: x,
    input_row_stride: x.strides[0],
    output_row_stride: y.strides[0],
    n_rows,
    n_cols,
    BLOCK_SIZE: next_power_of_2(n_cols),
  });
  const got = await y.toFloat32();
  for (const t of [x, y]) t.free();

  return { size: `softmax of ${n_rows} × ${n_cols} f32`, error: maxError(got, reference(data, n_cols)), tolerance: 1e-6 };
}

function reference(data: Float32Array, n_cols: number): Float64Array {
  const out = new Float64Array(data.length);
  for (let at = 0; at < data.length; at += n_cols) {
    const row = data.subarray(at, at + n_cols);
    const max = row.reduce((a, v) => Math.max(a, v), -Infinity);
    const sum = row.reduce((a, v) => a + Math.exp(v - max), 0);
    row.forEach((v, i) => {
      out[at + i] = Math.exp(v - max) / sum;
    });
  }
  return out;
}

await example(import.meta.url, run);
