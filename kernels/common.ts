// Context-parallel correction of attention outputs, and packing of ragged sequences (vLLM attention/ops/common.py): kernels
// line by line as there, and their host functions. In: device tensors. Out: device tensors; correct_attn_out works in place.

import { type AnyKernel, cdiv, type Device, type Kernel, kernel, type LaunchArgs, type Tensor, tl } from '../src/index.ts';
import { Arguments } from './check.ts';

/** Apply the all-gathered lses to correct each local rank's attention
 *  output. we still need perform a cross-rank reduction to obtain the
 *  final attention output.
 *
 *  - outputs_ptr: Pointer to input tensor of shape [ B, H, D ]
 *  - lses_ptr: Pointer to input tensor of shape [ N, B, H ]
 *  - new_output_ptr: Pointer to output tensor of shape [ B, H, D ]
 *  - vlse_ptr: Pointer to output tensor of shape [ B, H ]
 */
export const _correct_attn_cp_out_kernel = kernel(function _correct_attn_cp_out_kernel({
  outputs_ptr,
  new_output_ptr,
  lses_ptr,
  vlse_ptr,
  outputs_stride_B,
  outputs_stride_H,
  outputs_stride_D,
  lses_stride_N,
  lses_stride_B,
  lses_stride_H,
  lse_idx,
  HEAD_DIM,
  N_ROUNDED,
}: {
  outputs_ptr: tl.ptr;
  new_output_ptr: tl.ptr;
  lses_ptr: tl.ptr;
  vlse_ptr: tl.ptr;
  outputs_stride_B: tl.i32;
  outputs_stride_H: tl.i32;
  outputs_stride_D: tl.i32;
  lses_stride_N: tl.i32;
  lses_stride_B: tl.i32;
  lses_stride_H: tl.i32;
  lse_idx: tl.i32;
  HEAD_DIM: tl.constexpr;
  N_ROUNDED: tl.constexpr;
}) {
  const batch_idx = tl.cast(tl.program_id(0), tl.int64);
  const head_idx = tl.cast(tl.program_id(1), tl.int64);
  const d_offsets = tl.arange(0, HEAD_DIM);
  const num_n_offsets = tl.arange(0, N_ROUNDED);

  // shape = [N]
  let lse_offsets = num_n_offsets * lses_stride_N + batch_idx * lses_stride_B + head_idx * lses_stride_H;

  // calc final lse
  let lse = tl.load(lses_ptr + lse_offsets);
  lse = tl.where(lse !== lse || lse === Infinity, -Infinity, lse);
  const lse_max = tl.max(lse, 0);
  lse -= lse_max;
  const lse_exp = tl.exp(lse);
  const lse_acc = tl.sum(lse_exp, 0);
  lse = tl.log(lse_acc);
  lse += lse_max;

  lse_offsets = batch_idx * lses_stride_B + head_idx * lses_stride_H;
  tl.store(vlse_ptr + lse_offsets, lse);

  // shape = [D]
  const output_offsets = batch_idx * outputs_stride_B + head_idx * outputs_stride_H + d_offsets * outputs_stride_D;

  // correct output
  const lse_offset = lse_idx * lses_stride_N + batch_idx * lses_stride_B + head_idx * lses_stride_H;
  const lse_tmp = tl.load(lses_ptr + lse_offset);
  let lse_finally = lse_tmp - lse;
  lse_finally = tl.where(lse_finally !== lse_finally || lse_finally === Infinity, -Infinity, lse_finally);
  const factor = tl.exp(lse_finally);
  let output = tl.load(outputs_ptr + output_offsets);
  output = output * factor;

  tl.store(new_output_ptr + output_offsets, output);
});

export const _pack_seq_kernel = kernel(function _pack_seq_kernel({
  x_ptr, // [N, D]
  out_ptr, // [B, Lmax, D]
  lengths_ptr, // *i32, [B]
  // biome-ignore lint/correctness/noUnusedFunctionParameters: a parameter of the original
  N,
  D,
  Lmax,
  PAD_VALUE,
  BLOCK_T, // timesteps per program
  BLOCK_D, // features per program
}: {
  x_ptr: tl.ptr;
  out_ptr: tl.ptr;
  lengths_ptr: tl.ptr<tl.i32>;
  N: tl.constexpr;
  D: tl.constexpr;
  Lmax: tl.constexpr;
  PAD_VALUE: tl.constexpr;
  BLOCK_T: tl.constexpr;
  BLOCK_D: tl.constexpr;
}) {
  const pid_b = tl.program_id(0); // batch id
  const pid_t = tl.program_id(1); // block over time dimension
  const pid_d = tl.program_id(2); // block over feature dimension
  const off_t = pid_t * BLOCK_T + tl.arange(0, BLOCK_T); // [BLOCK_T]
  const off_d = pid_d * BLOCK_D + tl.arange(0, BLOCK_D); // [BLOCK_D]

  // Compute start index and sequence length from cumulative lengths
  let in_start = 0;
  for (const i of tl.range(pid_b)) {
    in_start += tl.load(lengths_ptr + i);
  }
  const seq_len = tl.load(lengths_ptr + pid_b);

  // valid time positions for this block
  const t_mask = off_t < Lmax;

  // compute input row indices for valid (b, t)
  const in_row = in_start + off_t;
  const valid_row = off_t < seq_len && t_mask;

  // Pointers
  // x_ptr: row-major [N, D]
  const x_row_ptr = x_ptr + tl.col(in_row) * D + tl.row(off_d);

  // out_ptr: row-major [B, Lmax, D]
  const out_row_ptr = out_ptr + tl.col(pid_b * Lmax + off_t) * D + tl.row(off_d);

  // Initialize with PAD (cast will occur as needed based on out_ptr dtype)
  const d_mask = tl.row(off_d) < D;
  const pad_vals = tl.full([BLOCK_T, BLOCK_D], PAD_VALUE, tl.float32);
  tl.store(out_row_ptr, pad_vals, { mask: tl.col(t_mask) && d_mask });

  // Load & write only where within seq_len
  const x_vals = tl.load(x_row_ptr, { mask: tl.col(valid_row) && d_mask });
  tl.store(out_row_ptr, x_vals, { mask: tl.col(valid_row) && d_mask });
});

export const _unpack_seq_triton_kernel = kernel(function _unpack_seq_triton_kernel({
  packed_ptr, // [B, Lmax, D]
  out_ptr, // [N, D]
  lengths_ptr, // *i32, [B]
  // biome-ignore lint/correctness/noUnusedFunctionParameters: a parameter of the original
  B,
  Lmax,
  D,
  BLOCK_T, // timesteps per program
  BLOCK_D, // features per program
}: {
  packed_ptr: tl.ptr;
  out_ptr: tl.ptr;
  lengths_ptr: tl.ptr<tl.i32>;
  B: tl.constexpr;
  Lmax: tl.constexpr;
  D: tl.constexpr;
  BLOCK_T: tl.constexpr;
  BLOCK_D: tl.constexpr;
}) {
  const pid_b = tl.program_id(0); // batch id
  const pid_t = tl.program_id(1); // block over time dimension
  const pid_d = tl.program_id(2); // block over feature dimension
  const off_t = pid_t * BLOCK_T + tl.arange(0, BLOCK_T); // [BLOCK_T]
  const off_d = pid_d * BLOCK_D + tl.arange(0, BLOCK_D); // [BLOCK_D]

  // bounds: compute start from cumulative lengths
  let in_start = 0;
  for (const i of tl.range(pid_b)) {
    in_start += tl.load(lengths_ptr + i);
  }
  const seq_len = tl.load(lengths_ptr + pid_b);

  // valid time positions for this block
  const t_mask = off_t < Lmax;
  const valid_row = off_t < seq_len && t_mask;

  // compute output row indices for valid (b, t)
  const out_row = in_start + off_t;

  // Pointers
  // packed_ptr: row-major [B, Lmax, D]
  const packed_row_ptr = packed_ptr + tl.col(pid_b * Lmax + off_t) * D + tl.row(off_d);

  // out_ptr: row-major [N, D]
  const out_row_ptr = out_ptr + tl.col(out_row) * D + tl.row(off_d);

  // Load from packed tensor and store to output
  const d_mask = tl.row(off_d) < D;
  const packed_vals = tl.load(packed_row_ptr, { mask: tl.col(valid_row) && d_mask });
  tl.store(out_row_ptr, packed_vals, { mask: tl.col(valid_row) && d_mask });
});

/**
 * The CPTritonContext is used to avoid recompilation of the Triton JIT: the first call keeps the kernel with its constants,
 * later calls pass the run-time arguments alone.
 *
 * The original passes a compiled kernel its arguments by position without the constants, which Triton 3.6 refuses ("function
 * takes exactly 26 arguments (24 given)"); here it works. A later call with other constants is refused: the kept kernel would
 * silently compute with the old ones.
 */
export class CPTritonContext {
  inner_kernel: ((device: Device, grid: readonly number[], regular_args: object) => void) | null = null;
  private kept: { readonly kernel: AnyKernel; readonly const_args: { readonly [name: string]: number } } | null = null;

  /** Launches `kernel` on `grid`. @throws ArgumentError when the context holds another kernel or other constants. */
  call_kernel<P, C extends keyof P>(
    device: Device,
    kernel: Kernel<P>,
    grid: readonly number[],
    regular_args: Omit<LaunchArgs<P>, C>,
    const_args: { readonly [K in C]: number },
  ): void {
    if (this.inner_kernel === null || this.kept === null) {
      this.kept = { kernel, const_args };
      this.inner_kernel = (dev, g, args) => kernel.launch(dev, g, { ...args, ...const_args } as unknown as LaunchArgs<P>);
    } else {
      const check = new Arguments('CPTritonContext.call_kernel', device);
      check.require(this.kept.kernel === kernel, 'kernel', `${this.kept.kernel.name}, which the context holds`, kernel.name);
      for (const [name, kept] of Object.entries(this.kept.const_args)) {
        const found = const_args[name as C];
        check.require(found === kept, name, `${kept}, with which the context compiled ${kernel.name}`, String(found));
      }
    }
    this.inner_kernel(device, grid, regular_args);
  }
}

/**
 * Correct the attention output using the all-gathered lses, in place.
 *
 * - out: Tensor of shape [ B, H, D ], float, any strides; D a power of two (a compile error otherwise, as in Triton)
 * - lses: Tensor of shape [ N, B, H ], f32, any strides; N a power of two
 * - cp_rank: Current rank in the context-parallel group, 0 to N - 1
 * - ctx: Context to avoid recompilation; null makes one
 *
 * Returns [out, lse]: the tensor that was passed, and the final log-sum-exp [ B, H ] with the strides of lses[0]. NaN and +inf
 * lses count as -inf. The whole of a row masked (all lses -inf) gives lse NaN and an output of 0.
 *
 * Source: vLLM, attention/ops/common.py, correct_attn_out.
 * @throws ArgumentError when shapes, dtypes or the rank do not fit; CompileError when N or D is no power of two.
 */
export function correct_attn_out(
  device: Device,
  { out, lses, cp_rank, ctx = null }: { out: Tensor; lses: Tensor; cp_rank: number; ctx?: CPTritonContext | null },
): [out: Tensor, lse: Tensor] {
  const check = new Arguments('correct_attn_out', device);
  check.tensor('out', out, ['B', 'H', 'D']);
  check.dtype('out', out, [tl.float32, tl.float16, tl.bfloat16]);
  check.tensor('lses', lses, ['N', out.shape[0], out.shape[1]], 'B and H of out');
  check.dtype('lses', lses, [tl.float32]);
  check.integer('cp_rank', cp_rank, 0, lses.shape[0] - 1);

  if (ctx === null) {
    ctx = new CPTritonContext();
  }

  const lse = empty_like(device, lses.select(0, 0));

  const grid = [out.shape[0], out.shape[1], 1];
  const regular_args = {
    outputs_ptr: out,
    new_output_ptr: out,
    lses_ptr: lses,
    vlse_ptr: lse,
    outputs_stride_B: out.strides[0],
    outputs_stride_H: out.strides[1],
    outputs_stride_D: out.strides[2],
    lses_stride_N: lses.strides[0],
    lses_stride_B: lses.strides[1],
    lses_stride_H: lses.strides[2],
    lse_idx: cp_rank,
  };
  const const_args = {
    HEAD_DIM: out.shape[2],
    N_ROUNDED: lses.shape[0],
  };

  orFree(lse, () => ctx.call_kernel(device, _correct_attn_cp_out_kernel, grid, regular_args, const_args));
  return [out, lse];
}

/** A new tensor of the shape, dtype and strides of `t`: the kernel writes it with the strides of `t`. */
function empty_like(device: Device, t: Tensor): Tensor {
  if (t.isContiguous) return device.empty(t.shape, t.dtype);
  const span = t.shape.reduce((last, n, axis) => last + (n - 1) * t.strides[axis], 1);
  return device.tensor(new Float32Array(span), { dtype: t.dtype, shape: t.shape, strides: t.strides });
}

/** Launches; frees the tensor that was made for the result when the launch is refused. `after` is done in any case. */
function orFree(result: Tensor, launch: () => void, after?: () => unknown): void {
  try {
    launch();
  } catch (e) {
    result.free();
    throw e;
  } finally {
    after?.();
  }
}

/** The values of `lengths`, checked. Waits for what was launched before, unless the host knows them. */
async function lengthsOf(check: Arguments, lengths: Tensor): Promise<number[]> {
  check.tensor('lengths', lengths, ['B']);
  check.dtype('lengths', lengths, [tl.int32, tl.int64]);
  check.contiguous('lengths', lengths);
  const values = [...(lengths.hostValues() ?? (await lengths.toNumbers()))];
  values.forEach((n, b) => {
    check.require(n >= 0 && n < 2 ** 31, 'lengths', 'lengths from 0 to 2^31 - 1', `${n} at ${b}`);
  });
  return values;
}

/** `lengths.int()`: itself, or an i32 copy, which the caller frees. */
const toInt = (device: Device, lengths: Tensor, values: readonly number[]): Tensor =>
  lengths.dtype === tl.int32 ? lengths : device.tensor(Int32Array.from(values));

/** Frees what `toInt` and `contiguous` had to copy. */
function freeCopies(...pairs: readonly (readonly [used: Tensor, given: Tensor])[]): void {
  for (const [used, given] of pairs) if (used !== given) used.free();
}

/**
 * Pack sequences of different lengths into a batched tensor.
 *
 * - x: [N, ...] - input tensor where N is total number of tokens; any dtype, copied first unless contiguous
 * - lengths: [B] - sequence lengths for each batch, i32 or i64; together at most N. Where the host does not know them they are read back (a wait).
 * - pad_value: value to use for padding, converted from f32 to x's dtype
 * - block_t, block_d: block size for time and for feature dimension, powers of two
 *
 * Returns packed: [B, Lmax, ...], new, of x's dtype; Lmax is the largest length.
 *
 * Source: vLLM, attention/ops/common.py, pack_seq_triton.
 * @throws ArgumentError (the promise rejects) when shapes, dtypes or lengths do not fit.
 */
export async function pack_seq_triton(
  device: Device,
  {
    x,
    lengths,
    pad_value = -Infinity,
    block_t = 64,
    block_d = 64,
  }: { x: Tensor; lengths: Tensor; pad_value?: number; block_t?: number; block_d?: number },
): Promise<Tensor> {
  const check = new Arguments('pack_seq_triton', device);
  const original_shape = x?.shape ?? [];
  check.tensor('x', x, ['N', 'D', ...original_shape.slice(2).map((_, i) => `D${i + 2}`)]);
  check.powerOfTwo('block_t', block_t);
  check.powerOfTwo('block_d', block_d);
  const values = await lengthsOf(check, lengths);

  // Handle multi-dimensional input by reshaping to (N, -1)
  const N = original_shape[0];
  const D = original_shape.slice(1).reduce((a, b) => a * b, 1);
  const total = values.reduce((a, b) => a + b, 0);
  check.require(total <= N, 'lengths', `lengths that together are at most the ${N} rows of x`, String(total));

  const B = values.length;
  const Lmax = Math.max(0, ...values);

  // Starts are computed inside the kernel from lengths

  const out = device.empty([B, Lmax, ...original_shape.slice(1)], x.dtype);
  const lengths_int = toInt(device, lengths, values);
  const x_reshaped = x.contiguous();

  const grid = [B, cdiv(Lmax, block_t), cdiv(D, block_d)];
  orFree(
    out,
    () =>
      _pack_seq_kernel.launch(
        device,
        grid,
        {
          x_ptr: x_reshaped,
          out_ptr: out,
          lengths_ptr: lengths_int,
          N,
          D,
          Lmax,
          PAD_VALUE: pad_value,
          BLOCK_T: block_t,
          BLOCK_D: block_d,
        },
        { num_warps: 4, num_stages: 2 },
      ),
    () => freeCopies([lengths_int, lengths], [x_reshaped, x]),
  );
  return out;
}

/**
 * Unpack a packed decode query tensor back to the original format.
 *
 * - packed_tensor: [B, Lmax, ...] - packed tensor from pack_seq_triton; any dtype, copied first unless contiguous
 * - lengths: [B] - sequence lengths for each batch, i32 or i64, none above Lmax. Where the host does not know them they are read back (a wait).
 * - block_t, block_d: block size for time and for feature dimension, powers of two
 *
 * Returns unpacked_tensor: [N, ...] where N = sum(lengths), new, of the packed tensor's dtype.
 *
 * Source: vLLM, attention/ops/common.py, unpack_seq_triton.
 * @throws ArgumentError (the promise rejects) when shapes, dtypes or lengths do not fit.
 */
export async function unpack_seq_triton(
  device: Device,
  {
    packed_tensor,
    lengths,
    block_t = 64,
    block_d = 64,
  }: { packed_tensor: Tensor; lengths: Tensor; block_t?: number; block_d?: number },
): Promise<Tensor> {
  const check = new Arguments('unpack_seq_triton', device);
  const original_shape = packed_tensor?.shape ?? [];
  check.tensor('packed_tensor', packed_tensor, ['B', 'Lmax', 'D', ...original_shape.slice(3).map((_, i) => `D${i + 2}`)]);
  check.powerOfTwo('block_t', block_t);
  check.powerOfTwo('block_d', block_d);
  const values = await lengthsOf(check, lengths);

  // Handle multi-dimensional input by reshaping to (B, Lmax, -1)
  const [B, Lmax] = original_shape;
  const D = original_shape.slice(2).reduce((a, b) => a * b, 1);
  check.require(values.length === B, 'lengths', `shape [${B}] (B of packed_tensor)`, `[${values.length}]`);
  const longest = Math.max(0, ...values);
  check.require(longest <= Lmax, 'lengths', `no length above Lmax = ${Lmax}`, String(longest));

  // Calculate total number of elements
  const N = values.reduce((a, b) => a + b, 0);

  const out = device.empty([N, ...original_shape.slice(2)], packed_tensor.dtype);
  const lengths_int = toInt(device, lengths, values);
  const packed_reshaped = packed_tensor.contiguous();

  const grid = [B, cdiv(Lmax, block_t), cdiv(D, block_d)];
  orFree(
    out,
    () =>
      _unpack_seq_triton_kernel.launch(
        device,
        grid,
        {
          packed_ptr: packed_reshaped,
          out_ptr: out,
          lengths_ptr: lengths_int,
          B,
          Lmax,
          D,
          BLOCK_T: block_t,
          BLOCK_D: block_d,
        },
        { num_warps: 4, num_stages: 2 },
      ),
    () => freeCopies([lengths_int, lengths], [packed_reshaped, packed_tensor]),
  );
  return out;
}
