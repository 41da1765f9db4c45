// The attention backend of vLLM's v1/attention/backends/triton_attn.py.

export { TritonAttentionBackend } from './backend.ts';
export { type AttentionLayer, AttentionType, TritonAttentionImpl, type TritonAttentionImplArgs } from './impl.ts';
export {
  type CommonAttentionMetadata,
  TritonAttentionMetadata,
  TritonAttentionMetadataBuilder,
  type VllmConfig,
} from './metadata.ts';
