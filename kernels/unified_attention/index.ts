// Paged attention over ragged batches: the kernels of vLLM's v1/attention/ops/triton_unified_attention.py and their host function.

export { checkUnifiedAttention } from './arguments.ts';
export { apply_softcap, dequantize, find_seq_idx } from './helpers.ts';
export {
  type LaunchPlan,
  launchUnifiedAttention,
  planUnifiedAttention,
  type UnifiedAttentionArgs,
  unified_attention,
} from './host.ts';
export { kernel_unified_attention_2d } from './kernel_2d.ts';
export { kernel_unified_attention_3d } from './kernel_3d.ts';
export { reduce_segments } from './reduce_segments.ts';
