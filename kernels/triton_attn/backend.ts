// What a model needs to know of the backend before it has one (TritonAttentionBackend of vLLM's v1/attention/backends/triton_attn.py).

import { type DType, tl } from '../../src/index.ts';
import { Arguments } from '../check.ts';
import { TritonAttentionImpl, validate_head_size } from './impl.ts';
import { TritonAttentionMetadata, TritonAttentionMetadataBuilder } from './metadata.ts';

export const TritonAttentionBackend = {
  /** The caller allocates the output. */
  accept_output_buffer: true,

  get_supported_dtypes: (): readonly DType[] => [tl.float16, tl.bfloat16, tl.float32],

  validate_head_size,

  get_name: (): string => 'TRITON_ATTN',
  get_impl_cls: (): typeof TritonAttentionImpl => TritonAttentionImpl,
  get_metadata_cls: (): typeof TritonAttentionMetadata => TritonAttentionMetadata,
  get_builder_cls: (): typeof TritonAttentionMetadataBuilder => TritonAttentionMetadataBuilder,

  /**
   * [num_blocks, 2, block_size, num_kv_heads, head_size]: plane 0 of axis 1 holds the keys, plane 1 the values.
   * @throws ArgumentError unless block_size is a multiple of 16.
   */
  get_kv_cache_shape(
    num_blocks: number,
    block_size: number,
    num_kv_heads: number,
    head_size: number,
    _cache_dtype_str = 'auto',
  ): [number, number, number, number, number] {
    const check = new Arguments('TritonAttentionBackend.get_kv_cache_shape');
    for (const [name, n] of Object.entries({ num_blocks, num_kv_heads, head_size })) check.integer(name, n, 0);
    check.integer('block_size', block_size, 1);
    check.require(block_size % 16 === 0, 'block_size', 'a multiple of 16', String(block_size));
    return [num_blocks, 2, block_size, num_kv_heads, head_size];
  },

  use_cascade_attention: (..._: readonly unknown[]): boolean => false,
} as const;
