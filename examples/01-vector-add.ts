// Vector addition, the first kernel: each program adds one block of elements, and a mask keeps it inside the vectors.
//   npm run -s tessera -- run examples/01-vector-add.ts

import { cdiv, type Device, kernel, tl } from 'tessera';
import { example, maxError, type Report, randn } from './support.ts';

export const add_kernel = kernel(function add_kernel({
  x_ptr, // Pointer to first input vector.
  y_ptr, // Pointer to second input vector.
  output_ptr, // Pointer to output vector.
  n_elements, // Size of the vector.
  BLOCK_SIZE, // Number of elements each program should process.
}: {
  x_ptr: tl.ptr<tl.f32>;
  y_ptr: tl.ptr<tl.f32>;
  output_ptr: tl.ptr<tl.f32>;
  n_elements: tl.i32;
  BLOCK_SIZE: tl.constexpr;
}) {
  // There are multiple 'programs' processing different data. We identify which program we are here:
  const pid = tl.program_id(0);
  // This program will process inputs that are offset from the initial data: for a vector of length 256 and a block
  // size of 64, the programs access the elements [0:64, 64:128, 128:192, 192:256].
  const block_start = pid * BLOCK_SIZE;
  const offsets = block_start + tl.arange(0, BLOCK_SIZE);
  // A mask guards memory operations against out-of-bounds accesses.
  const mask = offsets < n_elements;
  const x = tl.load(x_ptr + offsets, { mask });
  const y = tl.load(y_ptr + offsets, { mask });
  const output = x + y;
  tl.store(output_ptr + offsets, output, { mask });
});

export async function run(device: Device): Promise<Report> {
  const n = 98_432;
  const a = randn(n, 1);
  const b = randn(n, 2);

  const x = device.tensor(a);
  const y = device.tensor(b);
  const output = device.empty([n], 'f32');
  add_kernel.launch(device, (meta) => [cdiv(n, meta.BLOCK_SIZE)], {
    x_ptr: x,
    y_ptr: y,
    output_ptr: output,
    n_elements: n,
    BLOCK_SIZE: 1024,
  });
  const got = await output.toFloat32();
  for (const t of [x, y, output]) t.free();

  const want = Float64Array.from(a, (v, i) => v + b[i]);
  return { size: `x + y of ${n} f32`, error: maxError(got, want), tolerance: 1e-6 };
}

await example(import.meta.url, run);
