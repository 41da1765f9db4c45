// Matrix multiplication with grouped program order: programs that run together share rows of A and columns of B, which stay
// in the cache. f16 in, f32 accumulation, an optional activation fused in, f16 out.
//   npm run -s tessera -- run examples/03-matmul.ts

import { cdiv, type Device, kernel, tl } from 'tessera';
import { example, maxError, type Report, randn } from './support.ts';

/** We can fuse `leaky_relu` by providing it as an `ACTIVATION` meta-parameter in `matmul_kernel`. */
const leaky_relu = tl.fn(function leaky_relu(x: number) {
  return tl.where(x >= 0, x, 0.01 * x);
});

export const matmul_kernel = kernel(function matmul_kernel({
  // Pointers to matrices
  a_ptr,
  b_ptr,
  c_ptr,
  // Matrix dimensions
  M,
  N,
  K,
  // The stride variables represent how much to increase the ptr by when moving by 1
  // element in a particular dimension. E.g. `stride_am` is how much to increase `a_ptr`
  // by to get the element one row down (A has M rows).
  stride_am,
  stride_ak,
  stride_bk,
  stride_bn,
  stride_cm,
  stride_cn,
  // Meta-parameters
  BLOCK_SIZE_M,
  BLOCK_SIZE_N,
  BLOCK_SIZE_K,
  GROUP_SIZE_M,
  ACTIVATION,
}: {
  a_ptr: tl.ptr<tl.f16>;
  b_ptr: tl.ptr<tl.f16>;
  c_ptr: tl.ptr<tl.f16>;
  M: tl.i32;
  N: tl.i32;
  K: tl.i32;
  stride_am: tl.i32;
  stride_ak: tl.i32;
  stride_bk: tl.i32;
  stride_bn: tl.i32;
  stride_cm: tl.i32;
  stride_cn: tl.i32;
  BLOCK_SIZE_M: tl.constexpr;
  BLOCK_SIZE_N: tl.constexpr;
  BLOCK_SIZE_K: tl.constexpr;
  GROUP_SIZE_M: tl.constexpr;
  ACTIVATION: tl.constexpr<string>;
}) {
  // Map program ids `pid` to the block of C it should compute.
  // This is done in a grouped ordering to promote L2 data reuse.
  const pid = tl.program_id(0);
  const num_pid_m = tl.cdiv(M, BLOCK_SIZE_M);
  const num_pid_n = tl.cdiv(N, BLOCK_SIZE_N);
  const num_pid_in_group = GROUP_SIZE_M * num_pid_n;
  const group_id = tl.floordiv(pid, num_pid_in_group);
  const first_pid_m = group_id * GROUP_SIZE_M;
  const group_size_m = tl.minimum(num_pid_m - first_pid_m, GROUP_SIZE_M);
  const pid_m = first_pid_m + ((pid % num_pid_in_group) % group_size_m);
  const pid_n = tl.floordiv(pid % num_pid_in_group, group_size_m);

  // Create pointers for the first blocks of A and B.
  // We will advance this pointer as we move in the K direction and accumulate
  // `a_ptrs` is a block of [BLOCK_SIZE_M, BLOCK_SIZE_K] pointers
  // `b_ptrs` is a block of [BLOCK_SIZE_K, BLOCK_SIZE_N] pointers
  const offs_am = (pid_m * BLOCK_SIZE_M + tl.arange(0, BLOCK_SIZE_M)) % M;
  const offs_bn = (pid_n * BLOCK_SIZE_N + tl.arange(0, BLOCK_SIZE_N)) % N;
  const offs_k = tl.arange(0, BLOCK_SIZE_K);
  let a_ptrs = a_ptr + (tl.col(offs_am) * stride_am + tl.row(offs_k) * stride_ak);
  let b_ptrs = b_ptr + (tl.col(offs_k) * stride_bk + tl.row(offs_bn) * stride_bn);

  // Iterate to compute a block of the C matrix.
  // We accumulate into a `[BLOCK_SIZE_M, BLOCK_SIZE_N]` block
  // of fp32 values for higher accuracy.
  // `accumulator` will be converted back to fp16 after the loop.
  let accumulator = tl.zeros([BLOCK_SIZE_M, BLOCK_SIZE_N], tl.float32);
  for (const k of tl.range(0, tl.cdiv(K, BLOCK_SIZE_K))) {
    // Load the next block of A and B, generate a mask by checking the K dimension.
    // If it is out of bounds, set it to 0.
    const a = tl.load(a_ptrs, { mask: tl.row(offs_k) < K - k * BLOCK_SIZE_K, other: 0.0 });
    const b = tl.load(b_ptrs, { mask: tl.col(offs_k) < K - k * BLOCK_SIZE_K, other: 0.0 });
    // We accumulate along the K dimension.
    accumulator = tl.dot(a, b, { acc: accumulator });
    // Advance the ptrs to the next K block.
    a_ptrs += BLOCK_SIZE_K * stride_ak;
    b_ptrs += BLOCK_SIZE_K * stride_bk;
  }
  // You can fuse arbitrary activation functions here
  // while the accumulator is still in FP32!
  if (ACTIVATION === 'leaky_relu') {
    accumulator = leaky_relu(accumulator);
  }
  const c = tl.cast(accumulator, tl.float16);

  // Write back the block of the output matrix C with masks.
  const offs_cm = pid_m * BLOCK_SIZE_M + tl.arange(0, BLOCK_SIZE_M);
  const offs_cn = pid_n * BLOCK_SIZE_N + tl.arange(0, BLOCK_SIZE_N);
  const c_ptrs = c_ptr + stride_cm * tl.col(offs_cm) + stride_cn * tl.row(offs_cn);
  const c_mask = tl.col(offs_cm) < M && tl.row(offs_cn) < N;
  tl.store(c_ptrs, c, { mask: c_mask });
});

export async function run(device: Device): Promise<Report> {
  const [M, N, K] = [150, 130, 200];

  const a = device.tensor(randn(M * K, 1), { dtype: 'f16', shape: [M, K] });
  const b = device.tensor(randn(K * N, 2), { dtype: 'f16', shape: [K, N] });
  const c = device.empty([M, N], 'f16');
  matmul_kernel.launch(device, (meta) => [cdiv(M, meta.BLOCK_SIZE_M) * cdiv(N, meta.BLOCK_SIZE_N)], {
    a_ptr: a,
    b_ptr: b,
    c_ptr: c,
    M,
    N,
    K,
    stride_am: a.strides[0],
    stride_ak: a.strides[1],
    stride_bk: b.strides[0],
    stride_bn: b.strides[1],
    stride_cm: c.strides[0],
    stride_cn: c.strides[1],
    BLOCK_SIZE_M: 32,
    BLOCK_SIZE_N: 32,
    BLOCK_SIZE_K: 32,
    GROUP_SIZE_M: 8,
    ACTIVATION: 'leaky_relu',
  });
  // The reference starts from the same f16 numbers that the kernel read.
  const [a64, b64, got] = [await a.toFloat32(), await b.toFloat32(), await c.toFloat32()];
  for (const t of [a, b, c]) t.free();

  // c is rounded to f16: half a unit in the last place of the largest element, about 2^-11 × 64.
  const error = maxError(got, reference(a64, b64, [M, N, K]));
  return { size: `leaky_relu(A · B), ${M} × ${K} by ${K} × ${N}, f16`, error, tolerance: 4e-2 };
}

function reference(a: Float32Array, b: Float32Array, [M, N, K]: readonly [number, number, number]): Float64Array {
  const c = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) for (let n = 0; n < N; n++) c[m * N + n] += a[m * K + k] * b[k * N + n];
  }
  return c.map((v) => (v >= 0 ? v : 0.01 * v));
}

await example(import.meta.url, run);
