// The kernels that ship with Tessera, ports of vLLM's Triton kernels: `tessera/kernels`. Names are the originals'.

export { ArgumentError } from './check.ts';
export {
  _correct_attn_cp_out_kernel,
  _pack_seq_kernel,
  _unpack_seq_triton_kernel,
  CPTritonContext,
  correct_attn_out,
  pack_seq_triton,
  unpack_seq_triton,
} from './common.ts';
export { cp_lse_ag_out_rs, type GroupCoordinator, localGroup } from './context_parallel.ts';
export { _fwd_kernel, type ContextAttentionArgs, context_attention_fwd, get_block_size } from './prefill_attention.ts';
export { _flash_fwd_kernel, context_attention_fwd_flash } from './prefill_attention_flash.ts';
export {
  reshape_and_cache_kernel_flash,
  reshape_and_cache_kernel_flash_diffkv,
  triton_reshape_and_cache_flash,
  triton_reshape_and_cache_flash_diffkv,
} from './reshape_and_cache_flash.ts';
export {
  type AttentionLayer,
  AttentionType,
  type CommonAttentionMetadata,
  TritonAttentionBackend,
  TritonAttentionImpl,
  type TritonAttentionImplArgs,
  TritonAttentionMetadata,
  TritonAttentionMetadataBuilder,
  type VllmConfig,
} from './triton_attn/index.ts';
export {
  apply_softcap,
  find_seq_idx,
  kernel_unified_attention_2d,
  kernel_unified_attention_3d,
  type LaunchPlan,
  planUnifiedAttention,
  reduce_segments,
  type UnifiedAttentionArgs,
  unified_attention,
} from './unified_attention/index.ts';
