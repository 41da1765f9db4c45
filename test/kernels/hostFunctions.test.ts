// What host functions refuse before anything is launched, with the message, and what they do beyond the golden cases: default
// options, i64 lengths, a context that is reused, empty batches. On the interpreter: none of it depends on the device.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ArgumentError,
  CPTritonContext,
  context_attention_fwd,
  correct_attn_out,
  get_block_size,
  pack_seq_triton,
  triton_reshape_and_cache_flash,
  triton_reshape_and_cache_flash_diffkv,
  unpack_seq_triton,
} from '../../kernels/index.ts';
import { CompileError, type Device, type DTypeName, type Tensor, tl } from '../../src/index.ts';
import { openKind } from '../support/devices.ts';

let device: Device;
let other: Device;
let launches = 0;
beforeAll(async () => {
  device = await openKind('interp');
  other = await openKind('interp');
});
afterAll(() => {
  device.destroy();
  other.destroy();
});
beforeEach(() => {
  launches = device.stats.launches;
});

const zeros = (shape: number[], dtype: DTypeName = 'f32'): Tensor => device.zeros(shape, dtype);
const ints = (...values: number[]): Tensor => device.tensor(Int32Array.from(values));

/** `call` throws an ArgumentError with exactly this text, and nothing was launched. */
async function refuses(call: () => unknown, text: string): Promise<void> {
  const error = await Promise.resolve()
    .then(call)
    .then(
      () => null,
      (e) => e,
    );
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.message).toBe(text);
  expect(device.stats.launches).toBe(launches);
}

describe('context_attention_fwd', () => {
  const args = () => ({
    q: zeros([10, 4, 16]),
    k: zeros([10, 2, 16]),
    v: zeros([10, 2, 16]),
    o: zeros([10, 4, 16]),
    b_start_loc: ints(0, 6),
    b_seq_len: ints(6, 4),
    max_input_len: 6,
  });
  type Args = Parameters<typeof context_attention_fwd>[1];
  const cases: [string, (a: Args) => Partial<Args>, string][] = [
    ['two dimensions', () => ({ q: zeros([10, 64]) }), "argument 'q': expected shape [b * s, head, head_dim], found [10, 64]"],
    [
      'other tokens',
      () => ({ k: zeros([9, 2, 16]) }),
      "argument 'k': expected shape [10, kv_head, 16] (tokens and head_dim of q), found [9, 2, 16]",
    ],
    ['v unlike k', () => ({ v: zeros([10, 4, 16]) }), "argument 'v': expected shape [10, 2, 16] (that of k), found [10, 4, 16]"],
    ['mixed dtypes', () => ({ v: zeros([10, 2, 16], 'f16') }), "argument 'v': expected dtype f32 (that of q), found f16"],
    ['integers', () => ({ q: zeros([10, 4, 16], 'i32') }), "argument 'q': expected dtype f32 or f16 or bf16, found i32"],
    [
      'heads that do not divide',
      () => ({ q: zeros([10, 3, 16]), o: zeros([10, 3, 16]) }),
      "argument 'q': expected a multiple of k's 2 heads, found 3 heads",
    ],
    [
      'elements of a head apart',
      () => ({ o: zeros([10, 16, 4]).transpose(1, 2) }),
      "argument 'o': expected contiguous elements in the last dimension, found strides [64, 1, 4] of shape [10, 4, 16]",
    ],
    [
      'starts of another batch',
      () => ({ b_start_loc: ints(0) }),
      "argument 'b_start_loc': expected shape [2] (that of b_seq_len), found [1]",
    ],
    ['float lengths', () => ({ b_seq_len: zeros([2]) }), "argument 'b_seq_len': expected dtype i32 or i64, found f32"],
    [
      'a sequence that ends after q',
      () => ({ b_seq_len: ints(6, 5) }),
      "argument 'b_start_loc': expected sequences within the 10 rows of q, found rows 6 to 11 at 1",
    ],
    [
      'a sequence that begins before q',
      () => ({ b_start_loc: ints(-1, 6) }),
      "argument 'b_start_loc': expected sequences within the 10 rows of q, found rows -1 to 5 at 0",
    ],
    ['a negative length', () => ({ b_seq_len: ints(6, -4) }), "argument 'b_seq_len': expected no negative length, found -4 at 1"],
    ['half a token', () => ({ max_input_len: 5.5 }), "argument 'max_input_len': expected an integer ≥ 0, found 5.5"],
    ['a block of 48', () => ({ block_m: 48 }), "argument 'block_m': expected a power of two, found 48"],
    [
      'host data',
      () => ({ q: new Float32Array(640) as unknown as Tensor }),
      "argument 'q': expected a tensor [b * s, head, head_dim], found object",
    ],
  ];
  it.each(cases)('refuses %s', async (_name, change, text) => {
    const a = args();
    await refuses(() => context_attention_fwd(device, { ...a, ...change(a) }), `context_attention_fwd: ${text}`);
  });
  it('refuses a tensor of another device', async () => {
    const text =
      "context_attention_fwd: argument 'v': expected a tensor of the device that was passed, found one of another device";
    await refuses(() => context_attention_fwd(device, { ...args(), v: other.zeros([10, 2, 16]) }), text);
  });
  it('leaves rows outside every sequence alone, and launches nothing over no tokens', async () => {
    const a = args();
    a.o.fill(7);
    context_attention_fwd(device, { ...a, max_input_len: 0 });
    context_attention_fwd(device, { ...a, b_seq_len: ints(2, 0), max_input_len: 2 });
    const rows = await a.o.toNumbers();
    expect(rows.slice(0, 2 * 64).every((x) => x === 0)).toBe(true);
    expect(rows.slice(2 * 64).every((x) => x === 7)).toBe(true);
  });
  it('takes the original block sizes', () => {
    expect([get_block_size(tl.float32), get_block_size(tl.float16)]).toEqual([32, 64]);
  });
});

describe('pack_seq_triton and unpack_seq_triton', () => {
  it('refuse lengths that do not fit', async () => {
    const x = zeros([5, 3]);
    const packed = zeros([2, 4, 3]);
    const pack = (lengths: Tensor) => () => pack_seq_triton(device, { x, lengths });
    const unpack = (lengths: Tensor) => () => unpack_seq_triton(device, { packed_tensor: packed, lengths });
    await refuses(
      pack(ints(3, 3)),
      "pack_seq_triton: argument 'lengths': expected lengths that together are at most the 5 rows of x, found 6",
    );
    await refuses(pack(ints(3, -1)), "pack_seq_triton: argument 'lengths': expected lengths from 0 to 2^31 - 1, found -1 at 1");
    await refuses(pack(zeros([2])), "pack_seq_triton: argument 'lengths': expected dtype i32 or i64, found f32");
    await refuses(
      unpack(ints(1, 2, 3)),
      "unpack_seq_triton: argument 'lengths': expected shape [2] (B of packed_tensor), found [3]",
    );
    await refuses(unpack(ints(5, 1)), "unpack_seq_triton: argument 'lengths': expected no length above Lmax = 4, found 5");
  });
  it('refuse shapes, strides and blocks that do not fit', async () => {
    const lengths = ints(2, 2);
    const pack =
      (x: Tensor, more = {}) =>
      () =>
        pack_seq_triton(device, { x, lengths, ...more });
    await refuses(pack(zeros([4])), "pack_seq_triton: argument 'x': expected shape [N, D], found [4]");
    await refuses(pack(zeros([4, 3]), { block_d: 60 }), "pack_seq_triton: argument 'block_d': expected a power of two, found 60");
    const unpack = () => unpack_seq_triton(device, { packed_tensor: zeros([2, 3]), lengths });
    await refuses(unpack, "unpack_seq_triton: argument 'packed_tensor': expected shape [B, Lmax, D], found [2, 3]");
  });
  it('go there and back with i64 lengths, and free what they made on the way', async () => {
    const x = device.tensor(
      Float32Array.from({ length: 5 * 6 }, (_, i) => i),
      { shape: [5, 2, 3] },
    );
    const lengths = device.tensor(BigInt64Array.of(2n, 0n, 3n));
    const before = device.stats.buffers;
    const packed = await pack_seq_triton(device, { x, lengths, pad_value: -1 });
    expect(packed.shape).toEqual([3, 3, 2, 3]);
    const rows = (from: number, to: number) => Array.from({ length: 6 * (to - from) }, (_, i) => 6 * from + i);
    const pad = (n: number) => Array(6 * n).fill(-1);
    expect(await packed.toNumbers()).toEqual([...rows(0, 2), ...pad(1), ...pad(3), ...rows(2, 5)]);
    const back = await unpack_seq_triton(device, { packed_tensor: packed, lengths });
    expect(back.shape).toEqual([5, 2, 3]);
    expect(await back.toNumbers()).toEqual(await x.toNumbers());
    expect(device.stats.buffers).toBe(before + 2);
  });
  it('take a strided tensor, and free the copy', async () => {
    const columns = device.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3] });
    const lengths = ints(1, 2);
    const before = device.stats.buffers;
    const packed = await pack_seq_triton(device, { x: columns.transpose(), lengths, pad_value: 0 });
    expect(await packed.toNumbers()).toEqual([1, 4, 0, 0, 2, 5, 3, 6]);
    const packed_tensor = zeros([2, 2, 4]).slice(2, 0, 4, 2);
    packed_tensor.write(await packed.toNumbers());
    const back = await unpack_seq_triton(device, { packed_tensor, lengths });
    expect(await back.toNumbers()).toEqual([1, 4, 2, 5, 3, 6]);
    expect(device.stats.buffers).toBe(before + 3);
  });
  it('give empty tensors for no tokens', async () => {
    const packed = await pack_seq_triton(device, { x: zeros([0, 4]), lengths: ints(0, 0) });
    expect(packed.shape).toEqual([2, 0, 4]);
    const back = await unpack_seq_triton(device, { packed_tensor: zeros([2, 3, 4]), lengths: ints(0, 0) });
    expect(back.shape).toEqual([0, 4]);
  });
});

describe('correct_attn_out', () => {
  const args = () => ({ out: zeros([2, 3, 8]), lses: zeros([4, 2, 3]), cp_rank: 1 });
  it('refuses what does not fit', async () => {
    const call = (change: object) => () => correct_attn_out(device, { ...args(), ...change });
    await refuses(call({ out: zeros([6, 8]) }), "correct_attn_out: argument 'out': expected shape [B, H, D], found [6, 8]");
    await refuses(
      call({ lses: zeros([4, 3, 2]) }),
      "correct_attn_out: argument 'lses': expected shape [N, 2, 3] (B and H of out), found [4, 3, 2]",
    );
    await refuses(call({ lses: zeros([4, 2, 3], 'f16') }), "correct_attn_out: argument 'lses': expected dtype f32, found f16");
    await refuses(call({ cp_rank: 4 }), "correct_attn_out: argument 'cp_rank': expected an integer from 0 to 3, found 4");
  });
  it('leaves sizes that are no power of two to the compiler, and frees the result', () => {
    const a = { ...args(), out: zeros([2, 3, 10]) };
    const before = device.stats.buffers;
    expect(() => correct_attn_out(device, a)).toThrow(CompileError);
    expect(device.stats.buffers).toBe(before);
  });
  it('reuses the compiled kernel of a context, and refuses other constants', async () => {
    const ctx = new CPTritonContext();
    correct_attn_out(device, { ...args(), ctx });
    const { compiles } = device.stats;
    const [out, lse] = correct_attn_out(device, { ...args(), out: device.full([2, 3, 8], 1), ctx });
    expect(device.stats.compiles).toBe(compiles);
    // Four equal lses of 0: the sum is log 4, and each rank's share a quarter.
    expect((await lse.toNumbers()).every((x) => Math.abs(x - Math.log(4)) < 1e-6)).toBe(true);
    expect((await out.toNumbers()).every((x) => Math.abs(x - 0.25) < 1e-6)).toBe(true);
    launches = device.stats.launches;
    const text =
      "CPTritonContext.call_kernel: argument 'HEAD_DIM': expected 8, with which the context compiled _correct_attn_cp_out_kernel, found 16";
    await refuses(() => correct_attn_out(device, { ...args(), out: zeros([2, 3, 16]), ctx }), text);
  });
  it('gives the lse the strides of lses[0]', async () => {
    const lses = device.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [1, 2, 3] }).transpose(1, 2);
    const [, lse] = correct_attn_out(device, { out: zeros([3, 2, 8]), lses, cp_rank: 0 });
    expect(lse.strides).toEqual([1, 3]);
    expect(await lse.toNumbers()).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

describe('triton_reshape_and_cache_flash', () => {
  const args = () => ({
    key: zeros([5, 2, 8]),
    value: zeros([5, 2, 8]),
    key_cache: zeros([3, 4, 2, 8]),
    value_cache: zeros([3, 4, 2, 8]),
    slot_mapping: device.tensor(BigInt64Array.of(0n, 1n, -1n, 5n)),
    kv_cache_dtype: 'auto',
    k_scale: device.full([1], 1),
    v_scale: device.full([1], 1),
  });
  type Args = ReturnType<typeof args>;
  const cases: [string, (a: Args) => Partial<Args>, string][] = [
    [
      'another cache dtype',
      () => ({ kv_cache_dtype: 'int8' }),
      "argument 'kv_cache_dtype': expected 'auto' or a name that starts with 'fp8', found 'int8'",
    ],
    [
      'a float cache for fp8',
      () => ({ kv_cache_dtype: 'fp8' }),
      "argument 'key_cache': expected dtype fp8e4nv or fp8e5 or u8 (for kv_cache_dtype 'fp8'), found f32",
    ],
    [
      'value unlike key',
      () => ({ value: zeros([5, 2, 4]) }),
      "argument 'value': expected shape [5, 2, 8] (that of key), found [5, 2, 4]",
    ],
    [
      'integer values',
      () => ({ value: zeros([5, 2, 8], 'i32') }),
      "argument 'value': expected dtype f32 or f16 or bf16 or u8 or fp8e4nv or fp8e5, found i32",
    ],
    [
      'caches of two dtypes',
      () => ({ value_cache: zeros([3, 4, 2, 8], 'f16') }),
      "argument 'value_cache': expected dtype f32 (that of key_cache), found f16",
    ],
    [
      'a cache of other heads',
      () => ({ key_cache: zeros([3, 4, 4, 4]) }),
      "argument 'key_cache': expected shape [num_blocks, block_size, 2, 8] (heads and head_size of key), found [3, 4, 4, 4]",
    ],
    [
      'a value cache with other strides',
      () => ({ value_cache: zeros([3, 8, 2, 8]).slice(1, 0, 4) }),
      "argument 'value_cache': expected stride 64 of dimension 0 (that of key_cache), found 128",
    ],
    [
      'more slots than tokens',
      () => ({ slot_mapping: ints(0, 1, 2, 3, 4, 5) }),
      "argument 'slot_mapping': expected at most 5 slots (tokens of key), found 6",
    ],
    ['float slots', () => ({ slot_mapping: zeros([5]) }), "argument 'slot_mapping': expected dtype i32 or i64, found f32"],
    ['a scale a head', () => ({ k_scale: zeros([2]) }), "argument 'k_scale': expected a tensor of one element, found shape [2]"],
    [
      'heads apart',
      () => ({ key: zeros([5, 8, 2]).transpose(1, 2) }),
      "argument 'key': expected contiguous elements in the last 2 dimensions, found strides [16, 1, 2] of shape [5, 2, 8]",
    ],
    [
      'a head-major value cache of other blocks',
      () => ({ key_cache: zeros([3, 2, 2, 4, 4]), value_cache: zeros([3, 2, 8, 8]) }),
      "argument 'value_cache': expected shape [3, 2, 8, 4] (that of key_cache), found [3, 2, 8, 8]",
    ],
  ];
  it.each(cases)('refuses %s', async (_name, change, text) => {
    const a = args();
    await refuses(
      () => triton_reshape_and_cache_flash(device, { ...a, ...change(a) }),
      `triton_reshape_and_cache_flash: ${text}`,
    );
  });
});

describe('triton_reshape_and_cache_flash_diffkv', () => {
  const args = () => ({
    key: zeros([5, 2, 8]),
    value: zeros([5, 2, 4]),
    kv_cache: zeros([3, 4, 2, 12]),
    slot_mapping: ints(0, 1, -1, 5, 11),
    kv_cache_dtype: 'auto',
    k_scale: device.full([1], 1),
    v_scale: device.full([1], 1),
  });
  it('refuses what does not fit', async () => {
    const f = 'triton_reshape_and_cache_flash_diffkv';
    const call = (change: object) => () => triton_reshape_and_cache_flash_diffkv(device, { ...args(), ...change });
    await refuses(
      call({ kv_cache: zeros([3, 4, 2, 16]) }),
      `${f}: argument 'kv_cache': expected shape [num_blocks, block_size, 2, 12] (heads and sizes of key and value), found [3, 4, 2, 16]`,
    );
    await refuses(
      call({ value: zeros([5, 3, 4]) }),
      `${f}: argument 'value': expected shape [5, 2, head_size_v] (tokens and heads of key), found [5, 3, 4]`,
    );
    await refuses(call({ v_scale: zeros([1], 'f16') }), `${f}: argument 'v_scale': expected dtype f32, found f16`);
  });
});
