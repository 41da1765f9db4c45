// Writes new keys and values into the paged cache (vLLM v1/attention/ops/triton_reshape_and_cache_flash.py): kernels line by
// line as there, and their host functions. In: one row of heads a token and its slot. Out: the cache, changed in place.

import { cdiv, type Device, type DType, kernel, next_power_of_2, type Tensor, tl } from '../src/index.ts';
import { Arguments } from './check.ts';

export const reshape_and_cache_kernel_flash = kernel(function reshape_and_cache_kernel_flash({
  key_ptr, // [num_tokens, num_heads, head_size]
  value_ptr, // [num_tokens, num_heads, head_size]
  key_cache_ptr, // [num_blocks, block_size, num_heads, head_size]
  value_cache_ptr, // [num_blocks, block_size, num_heads, head_size]
  slot_mapping_ptr, // [num_tokens]
  k_scale, // float32
  v_scale, // float32
  // strides
  key_stride,
  value_stride,
  block_stride,
  head_stride,
  dim_stride_k,
  dim_stride_v,
  page_stride,
  num_heads,
  head_size,
  block_size,
  x,
  USE_HEAD_MAJOR_LAYOUT,
  // FP8 flags
  FP8_KV_CACHE,
  // tune parameters
  TILE_SIZE,
}: {
  key_ptr: tl.ptr;
  value_ptr: tl.ptr;
  key_cache_ptr: tl.ptr;
  value_cache_ptr: tl.ptr;
  slot_mapping_ptr: tl.ptr;
  k_scale: tl.ptr<tl.f32>;
  v_scale: tl.ptr<tl.f32>;
  key_stride: tl.i64;
  value_stride: tl.i64;
  block_stride: tl.i64;
  head_stride: tl.i64;
  dim_stride_k: tl.i64;
  dim_stride_v: tl.i64;
  page_stride: tl.i64;
  num_heads: tl.constexpr;
  head_size: tl.constexpr;
  block_size: tl.constexpr;
  x: tl.constexpr;
  USE_HEAD_MAJOR_LAYOUT: tl.constexpr<boolean>;
  FP8_KV_CACHE: tl.constexpr<boolean>;
  TILE_SIZE: tl.constexpr;
}) {
  const token_idx = tl.program_id(0);
  const slot_idx = tl.cast(tl.load(slot_mapping_ptr + token_idx), tl.int64);
  if (slot_idx < 0) {
    // Padding token that should be ignored.
    return;
  }

  const block_idx = tl.floordiv(slot_idx, block_size);
  const block_offset = slot_idx % block_size;

  const tile_i = tl.program_id(1);
  const tile_offs = tl.arange(0, TILE_SIZE);
  const tile_pos = tile_i * TILE_SIZE + tile_offs;
  const src_key_idx = token_idx * key_stride;
  const src_value_idx = token_idx * value_stride;

  let tgt_idx_k: number;
  let tgt_idx_v: number;
  if (USE_HEAD_MAJOR_LAYOUT) {
    // Decompose the tile index back into head and dim coordinates.
    const cur_head = tl.floordiv(tile_pos, head_size);
    const cur_dim = tile_pos % head_size;
    // Value addressing (4D): [Block, Head, Dim, Slot]
    tgt_idx_v = block_idx * block_stride + cur_head * head_stride + cur_dim * dim_stride_v + block_offset * 1;
    // Key addressing (5D): [Block, Head, Dim//8, Slot, 8]
    tgt_idx_k =
      block_idx * block_stride +
      cur_head * head_stride +
      tl.floordiv(cur_dim, x) * dim_stride_k +
      block_offset * x +
      (cur_dim % x);
  } else {
    const tgt_base = block_idx * block_stride + block_offset * page_stride;
    tgt_idx_k = tgt_base + tile_pos;
    tgt_idx_v = tgt_base + tile_pos;
  }

  // [TILE_SIZE]
  const key_load = tl.load(key_ptr + src_key_idx + tile_pos, { mask: tile_pos < num_heads * head_size });
  let key_tile: number;
  if (FP8_KV_CACHE) {
    // tl.store will do the correct implicit cast to fp8,
    // based on the key_cache_ptr.dtype.element_ty
    key_tile = tl.dtype_of(key_load).is_fp8() ? key_load : key_load / tl.load(k_scale);
  } else {
    key_tile = key_load;
  }

  // [TILE_SIZE]
  const value_load = tl.load(value_ptr + src_value_idx + tile_pos, { mask: tile_pos < num_heads * head_size });
  let value_tile: number;
  if (FP8_KV_CACHE) {
    if (tl.dtype_of(value_load).is_fp8()) {
      value_tile = value_load;
    } else {
      // tl.store will do the correct implicit cast to fp8,
      //  based on the value_cache_ptr.dtype.element_ty
      value_tile = value_load / tl.load(v_scale);
    }
  } else {
    value_tile = value_load;
  }

  tl.store(key_cache_ptr + tgt_idx_k, key_tile, { mask: tile_pos < num_heads * head_size });
  tl.store(value_cache_ptr + tgt_idx_v, value_tile, { mask: tile_pos < num_heads * head_size });
  return;
});

export const reshape_and_cache_kernel_flash_diffkv = kernel(function reshape_and_cache_kernel_flash_diffkv({
  key_ptr, // [num_tokens, num_heads, head_size]
  value_ptr, // [num_tokens, num_heads, head_size_v]
  kv_cache_ptr, // [num_blocks, block_size, num_heads, head_size + head_size_v]
  slot_mapping_ptr, // [num_tokens]
  k_scale, // float32
  v_scale, // float32
  // strides
  key_stride,
  value_stride,
  block_stride,
  page_stride,
  // biome-ignore lint/correctness/noUnusedFunctionParameters: a parameter of the original
  num_heads,
  head_size_k,
  head_size_v,
  block_size,
  // FP8 flags
  FP8_KV_CACHE,
  // tune parameters
  TILE_SIZE,
}: {
  key_ptr: tl.ptr;
  value_ptr: tl.ptr;
  kv_cache_ptr: tl.ptr;
  slot_mapping_ptr: tl.ptr;
  k_scale: tl.ptr<tl.f32>;
  v_scale: tl.ptr<tl.f32>;
  key_stride: tl.i64;
  value_stride: tl.i64;
  block_stride: tl.i64;
  page_stride: tl.i64;
  num_heads: tl.constexpr;
  head_size_k: tl.constexpr;
  head_size_v: tl.constexpr;
  block_size: tl.constexpr;
  FP8_KV_CACHE: tl.constexpr<boolean>;
  TILE_SIZE: tl.constexpr;
}) {
  const token_idx = tl.program_id(0);
  const slot_idx = tl.cast(tl.load(slot_mapping_ptr + token_idx), tl.int64);
  if (slot_idx < 0) {
    // Padding token that should be ignored.
    return;
  }

  const tile_i = tl.program_id(1);
  const tile_offs = tl.arange(0, TILE_SIZE);

  const block_idx = tl.floordiv(slot_idx, block_size);
  const block_offset = slot_idx % block_size;

  const src_key_idx = token_idx * key_stride + tile_i * head_size_k;
  const src_value_idx = token_idx * value_stride + tile_i * head_size_v;

  const tgt_idx = block_idx * block_stride + block_offset * page_stride + tile_i * (head_size_k + head_size_v);

  // [TILE_SIZE]
  const key_load = tl.load(key_ptr + src_key_idx + tile_offs, { mask: tile_offs < head_size_k });
  let key_tile: number;
  if (FP8_KV_CACHE) {
    // tl.store will do the correct implicit cast to fp8,
    // based on the key_cache_ptr.dtype.element_ty
    key_tile = tl.dtype_of(key_load).is_fp8() ? key_load : key_load / tl.load(k_scale);
  } else {
    key_tile = key_load;
  }

  // [TILE_SIZE]
  const value_load = tl.load(value_ptr + src_value_idx + tile_offs, { mask: tile_offs < head_size_v });
  let value_tile: number;
  if (FP8_KV_CACHE) {
    if (tl.dtype_of(value_load).is_fp8()) {
      value_tile = value_load;
    } else {
      // tl.store will do the correct implicit cast to fp8,
      //  based on the value_cache_ptr.dtype.element_ty
      value_tile = value_load / tl.load(v_scale);
    }
  } else {
    value_tile = value_load;
  }

  tl.store(kv_cache_ptr + tgt_idx + tile_offs, key_tile, { mask: tile_offs < head_size_k });
  tl.store(kv_cache_ptr + tgt_idx + head_size_k + tile_offs, value_tile, { mask: tile_offs < head_size_v });
  return;
});

const CACHE_DTYPES: readonly DType[] = [tl.float32, tl.float16, tl.bfloat16, tl.uint8, tl.float8e4nv, tl.float8e5];
const FP8_DTYPES: readonly DType[] = [tl.float8e4nv, tl.float8e5, tl.uint8];

/**
 * Writes the key and value of each token into its slot of the paged cache, in place.
 *
 * - key, value: [num_tokens, num_heads, head_size], float; the heads of a token are contiguous
 * - key_cache, value_cache: [num_blocks, block_size, num_heads, head_size] each, or head-major
 *   [num_blocks, num_heads, head_size / x, block_size, x] and [num_blocks, num_heads, head_size, block_size]; both with the same
 *   block stride (the kernel addresses the values with the strides of key_cache), a slot's elements contiguous
 * - slot_mapping: [num_tokens or fewer], i32 or i64: slot of each token, block * block_size + place in the block; a token with a
 *   negative slot is skipped, tokens beyond its length too
 * - kv_cache_dtype: 'auto' stores key and value as the cache's dtype; 'fp8…' divides by the scale and stores fp8
 * - k_scale, v_scale: [1], f32; used for fp8 alone
 * - checks: slots beyond the cache are refused where the host knows them (undefined), always (true: an error where it does not), or
 *   not looked for (false)
 *
 * Source: vLLM, v1/attention/ops/triton_reshape_and_cache_flash.py, triton_reshape_and_cache_flash.
 * @throws ArgumentError when shapes, dtypes, strides or kv_cache_dtype do not fit, before anything is launched.
 */
export function triton_reshape_and_cache_flash(
  device: Device,
  {
    key, // [num_tokens, num_heads, head_size]
    value, // [num_tokens, num_heads, head_size]
    // [num_blocks, block_size, num_heads, head_size]
    key_cache,
    // [num_blocks, block_size, num_heads, head_size]
    value_cache,
    slot_mapping, // [num_tokens]
    kv_cache_dtype, // "auto", "fp8"
    k_scale, // float32
    v_scale, // float32
    checks,
  }: {
    key: Tensor;
    value: Tensor;
    key_cache: Tensor;
    value_cache: Tensor;
    slot_mapping: Tensor;
    kv_cache_dtype: string;
    k_scale: Tensor;
    v_scale: Tensor;
    checks?: boolean;
  },
): void {
  const check = new Arguments('triton_reshape_and_cache_flash', device);
  check.tensor('key', key, ['num_tokens', 'num_heads', 'head_size']);
  check.tensor('value', value, key.shape, 'that of key');
  check.contiguous('key', key, 2);
  check.contiguous('value', value, 2);

  const num_heads = key.shape[1];
  const head_size = key.shape[2];

  const use_head_major_layout = key_cache.shape.length === 5;
  let block_size: number;
  let x: number;
  let head_stride: number;
  let dim_stride_k: number;
  let dim_stride_v: number;
  if (use_head_major_layout) {
    block_size = key_cache.shape[3];
    x = key_cache.shape[4];
    check.tensor(
      'key_cache',
      key_cache,
      ['num_blocks', num_heads, head_size / x, block_size, x],
      'heads and head_size / x of key',
    );
    check.contiguous('key_cache', key_cache, 2);
    check.tensor('value_cache', value_cache, [key_cache.shape[0], num_heads, head_size, block_size], 'that of key_cache');
    check.contiguous('value_cache', value_cache, 1);
    head_stride = key_cache.strides[1];
    dim_stride_k = key_cache.strides[2];
    dim_stride_v = value_cache.strides[2];
  } else {
    check.tensor('key_cache', key_cache, ['num_blocks', 'block_size', num_heads, head_size], 'heads and head_size of key');
    check.contiguous('key_cache', key_cache, 2);
    check.tensor('value_cache', value_cache, key_cache.shape, 'that of key_cache');
    check.contiguous('value_cache', value_cache, 2);
    block_size = key_cache.shape[1];
    x = 1;
    dim_stride_k = 0;
    dim_stride_v = 0;
    head_stride = key_cache.strides[2];
  }
  const n = num_heads * head_size;
  const key_stride = key.strides[0];
  const value_stride = value.strides[0];
  const block_stride = key_cache.strides[0];
  const page_stride = key_cache.strides[1];
  for (const axis of [0, 1]) {
    const [ours, theirs] = [value_cache.strides[axis], key_cache.strides[axis]];
    check.require(ours === theirs, 'value_cache', `stride ${theirs} of dimension ${axis} (that of key_cache)`, String(ours));
  }
  checkSlots(check, { key, slot_mapping, k_scale, v_scale }, key_cache.shape[0] * block_size, checks);
  checkDtypes(check, { key, value }, { key_cache, value_cache }, kv_cache_dtype);

  const kv_cache_torch_dtype = fp8CacheDtype(kv_cache_dtype, key_cache.dtype);
  if (key_cache.dtype !== kv_cache_torch_dtype) {
    // to avoid an erroneous implicit cast in the kernel (tl.store to uint8)
    key_cache = key_cache.view(kv_cache_torch_dtype);
    value_cache = value_cache.view(kv_cache_torch_dtype);
  }

  const FP8_KV_CACHE = kv_cache_dtype.startsWith('fp8');

  // heuristics instead of autotuning
  const TILE_SIZE = Math.min(2048, next_power_of_2(n));
  const num_stages = 10;
  const num_warps = 16;

  reshape_and_cache_kernel_flash.launch(
    device,
    (meta) => [slot_mapping.shape[0], cdiv(n, meta.TILE_SIZE)],
    {
      key_ptr: key,
      value_ptr: value,
      key_cache_ptr: key_cache,
      value_cache_ptr: value_cache,
      slot_mapping_ptr: slot_mapping,
      k_scale,
      v_scale,
      // strides
      key_stride,
      value_stride,
      block_stride,
      head_stride,
      dim_stride_k,
      dim_stride_v,
      page_stride,
      num_heads,
      head_size,
      block_size,
      x,
      USE_HEAD_MAJOR_LAYOUT: use_head_major_layout,
      // FP8 flags
      FP8_KV_CACHE,
      TILE_SIZE,
    },
    { num_warps, num_stages },
  );
}

/**
 * Writes the key and value of each token into its slot of one paged cache that holds both side by side, in place; keys and
 * values may differ in size.
 *
 * - key: [num_tokens, num_heads, head_size_k], value: [num_tokens, num_heads, head_size_v], float, heads contiguous
 * - kv_cache: [num_blocks, block_size, num_heads, head_size_k + head_size_v], a slot's elements contiguous
 * - slot_mapping, kv_cache_dtype, k_scale, v_scale, checks: as in `triton_reshape_and_cache_flash`
 *
 * Source: vLLM, v1/attention/ops/triton_reshape_and_cache_flash.py, triton_reshape_and_cache_flash_diffkv.
 * @throws ArgumentError when shapes, dtypes, strides or kv_cache_dtype do not fit, before anything is launched.
 */
export function triton_reshape_and_cache_flash_diffkv(
  device: Device,
  {
    key, // [num_tokens, num_heads, head_size]
    value, // [num_tokens, num_heads, head_size_v]
    // [num_blocks, block_size, num_heads, head_size + head_size_v]
    kv_cache,
    slot_mapping, // [num_tokens]
    kv_cache_dtype, // "auto", "fp8"
    k_scale, // float32
    v_scale, // float32
    checks,
  }: {
    key: Tensor;
    value: Tensor;
    kv_cache: Tensor;
    slot_mapping: Tensor;
    kv_cache_dtype: string;
    k_scale: Tensor;
    v_scale: Tensor;
    checks?: boolean;
  },
): void {
  const check = new Arguments('triton_reshape_and_cache_flash_diffkv', device);
  check.tensor('key', key, ['num_tokens', 'num_heads', 'head_size_k']);
  check.tensor('value', value, [key.shape[0], key.shape[1], 'head_size_v'], 'tokens and heads of key');
  check.contiguous('key', key, 2);
  check.contiguous('value', value, 2);

  const num_heads = key.shape[1];
  const head_size_k = key.shape[2];
  const head_size_v = value.shape[2];
  const row = head_size_k + head_size_v;
  check.tensor('kv_cache', kv_cache, ['num_blocks', 'block_size', num_heads, row], 'heads and sizes of key and value');
  check.contiguous('kv_cache', kv_cache, 2);
  const block_size = kv_cache.shape[1];

  const k_stride = key.strides[0];
  const v_stride = value.strides[0];
  const block_stride = kv_cache.strides[0];
  const page_stride = kv_cache.strides[1];
  checkSlots(check, { key, slot_mapping, k_scale, v_scale }, kv_cache.shape[0] * block_size, checks);
  checkDtypes(check, { key, value }, { kv_cache }, kv_cache_dtype);

  const kv_cache_torch_dtype = fp8CacheDtype(kv_cache_dtype, kv_cache.dtype);
  if (kv_cache.dtype !== kv_cache_torch_dtype) {
    // to avoid an erroneous implicit cast in the kernel (tl.store to uint8)
    kv_cache = kv_cache.view(kv_cache_torch_dtype);
  }

  const FP8_KV_CACHE = kv_cache_dtype.startsWith('fp8');

  // heuristics instead of autotuning
  const TILE_SIZE = next_power_of_2(Math.max(head_size_k, head_size_v));
  const num_stages = 10;
  const num_warps = 16;

  reshape_and_cache_kernel_flash_diffkv.launch(
    device,
    [slot_mapping.shape[0], num_heads],
    {
      key_ptr: key,
      value_ptr: value,
      kv_cache_ptr: kv_cache,
      slot_mapping_ptr: slot_mapping,
      k_scale,
      v_scale,
      // strides
      key_stride: k_stride,
      value_stride: v_stride,
      block_stride,
      page_stride,
      num_heads,
      head_size_k,
      head_size_v,
      block_size,
      // FP8 flags
      FP8_KV_CACHE,
      TILE_SIZE,
    },
    { num_warps, num_stages },
  );
}

/** What both functions ask of the arguments that are not keys, values and caches. */
function checkSlots(
  check: Arguments,
  t: { key: Tensor; slot_mapping: Tensor; k_scale: Tensor; v_scale: Tensor },
  cacheSlots: number,
  checks?: boolean,
): void {
  check.tensor('slot_mapping', t.slot_mapping, ['num_tokens']);
  check.dtype('slot_mapping', t.slot_mapping, [tl.int32, tl.int64]);
  check.contiguous('slot_mapping', t.slot_mapping);
  const [slots, tokens] = [t.slot_mapping.shape[0], t.key.shape[0]];
  check.require(slots <= tokens, 'slot_mapping', `at most ${tokens} slots (tokens of key)`, String(slots));
  for (const [name, scale] of [
    ['k_scale', t.k_scale],
    ['v_scale', t.v_scale],
  ] as const) {
    check.require(scale.numel === 1, name, 'a tensor of one element', `shape [${scale.shape.join(', ')}]`);
    check.dtype(name, scale, [tl.float32]);
  }
  check.once([t.slot_mapping], [cacheSlots, checks], () => {
    const values = check.values('slot_mapping', t.slot_mapping, checks);
    const beyond = values?.findIndex((slot) => slot >= cacheSlots) ?? -1;
    if (values && beyond >= 0)
      check.require(false, 'slot_mapping', `slots below ${cacheSlots}`, `${values[beyond]} at ${beyond}`);
  });
}

type Named = { readonly [name: string]: Tensor };

/** The original's assertions on kv_cache_dtype and the dtypes; 'auto' stores what it reads as the cache's dtype. */
function checkDtypes(check: Arguments, sources: Named, caches: Named, kv_cache_dtype: string): void {
  const fp8 = kv_cache_dtype.startsWith('fp8');
  check.require(
    kv_cache_dtype === 'auto' || fp8,
    'kv_cache_dtype',
    "'auto' or a name that starts with 'fp8'",
    `'${kv_cache_dtype}'`,
  );
  for (const [name, t] of Object.entries(sources))
    check.dtype(name, t, fp8 ? CACHE_DTYPES.filter((d) => d !== tl.uint8) : CACHE_DTYPES);
  const [first] = Object.entries(caches);
  for (const [name, t] of Object.entries(caches)) {
    check.dtype(name, t, fp8 ? FP8_DTYPES : CACHE_DTYPES, fp8 ? `for kv_cache_dtype '${kv_cache_dtype}'` : '');
    check.dtype(name, t, [first[1].dtype], `that of ${first[0]}`);
  }
}

/** The dtype to see an fp8 cache as: a u8 cache holds e4m3 codes, whatever 'fp8…' is called. */
const fp8CacheDtype = (kv_cache_dtype: string, dtype: DType): DType =>
  kv_cache_dtype.startsWith('fp8') && dtype === tl.uint8 ? tl.float8e4nv : dtype;
