// How a batch is described to the attention of a layer, and who describes it (vLLM's v1/attention/backends/triton_attn.py). In: what all
// backends of a model are told. Out: a record that shares its tensors.

import type { Device, Tensor } from '../../src/index.ts';
import { Arguments } from '../check.ts';

/** What all backends of a model are told about a batch. */
export interface CommonAttentionMetadata {
  /** [num_seqs + 1], i32: the first token of each sequence, and num_actual_tokens. */
  query_start_loc: Tensor;
  /** [num_seqs], i32: all tokens of each sequence, the new ones included. */
  seq_lens: Tensor;
  /** The same on the host; needed where the batch has a common prefix. */
  seq_lens_cpu?: ArrayLike<number> | null;
  /** Tokens that are real; the buffers may be longer. */
  num_actual_tokens: number;
  max_query_len: number;
  max_seq_len: number;
  /** [num_seqs, blocks], i32 */
  block_table_tensor: Tensor;
  /** [num_actual_tokens or more], i32 or i64: where each token goes in the cache; negative: nowhere. */
  slot_mapping: Tensor;
}

type Fields<T> = { [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: T[K] };
type MetadataArgs = Omit<Fields<TritonAttentionMetadata>, 'scheduler_metadata' | 'prefix_scheduler_metadata'> & {
  scheduler_metadata?: Tensor | null;
  prefix_scheduler_metadata?: Tensor | null;
};

/** A batch as the impl takes it. Tensors are those of the common metadata, not copies. */
export class TritonAttentionMetadata {
  num_actual_tokens: number;
  max_query_len: number;
  query_start_loc: Tensor;
  max_seq_len: number;
  seq_lens: Tensor;
  block_table: Tensor;
  slot_mapping: Tensor;
  /** The batch has a common prefix. The impl refuses it: `use_cascade_attention` says no. */
  use_cascade: boolean;
  common_prefix_len: number;
  /** [2], i32: 0 and num_actual_tokens, with a common prefix. */
  cu_prefix_query_lens: Tensor | null;
  /** [1], i32: common_prefix_len, with a common prefix. */
  prefix_kv_lens: Tensor | null;
  /** [num_seqs], i32: the lengths without the prefix. */
  suffix_kv_lens: Tensor | null;
  scheduler_metadata: Tensor | null;
  prefix_scheduler_metadata: Tensor | null;

  constructor(fields: MetadataArgs) {
    this.num_actual_tokens = fields.num_actual_tokens;
    this.max_query_len = fields.max_query_len;
    this.query_start_loc = fields.query_start_loc;
    this.max_seq_len = fields.max_seq_len;
    this.seq_lens = fields.seq_lens;
    this.block_table = fields.block_table;
    this.slot_mapping = fields.slot_mapping;
    this.use_cascade = fields.use_cascade;
    this.common_prefix_len = fields.common_prefix_len;
    this.cu_prefix_query_lens = fields.cu_prefix_query_lens;
    this.prefix_kv_lens = fields.prefix_kv_lens;
    this.suffix_kv_lens = fields.suffix_kv_lens;
    this.scheduler_metadata = fields.scheduler_metadata ?? null;
    this.prefix_scheduler_metadata = fields.prefix_scheduler_metadata ?? null;
  }
}

/** What the builder asks of a model's configuration. */
export interface VllmConfig {
  readonly model_config: {
    get_num_attention_heads(parallel_config: unknown): number;
    get_num_kv_heads(parallel_config: unknown): number;
    get_head_size(): number;
  };
  readonly parallel_config?: unknown;
}

export class TritonAttentionMetadataBuilder {
  /** Every batch can be recorded (`device.record`) and replayed. */
  static readonly cudagraph_support = 'always';

  readonly device: Device;
  readonly layer_names: readonly string[];
  readonly block_size: number;
  readonly num_heads_q: number;
  readonly num_heads_kv: number;
  readonly headdim: number;

  constructor(
    kv_cache_spec: { readonly block_size: number },
    layer_names: readonly string[],
    vllm_config: VllmConfig,
    device: Device,
  ) {
    const { model_config, parallel_config } = vllm_config;
    this.device = device;
    this.layer_names = layer_names;
    this.block_size = kv_cache_spec.block_size;
    this.num_heads_q = model_config.get_num_attention_heads(parallel_config);
    this.num_heads_kv = model_config.get_num_kv_heads(parallel_config);
    this.headdim = model_config.get_head_size();
  }

  /**
   * Describes a batch. With a common prefix the prefix tensors are new (the caller frees them); everything else is shared.
   * `fast_build` is ignored, as in the original.
   * @throws ArgumentError for a prefix that is longer than a sequence, or without `seq_lens_cpu`.
   */
  build(common_prefix_len: number, common_attn_metadata: CommonAttentionMetadata, _fast_build = false): TritonAttentionMetadata {
    const common = common_attn_metadata;
    const check = new Arguments('TritonAttentionMetadataBuilder.build', this.device);
    check.integer('common_prefix_len', common_prefix_len, 0);

    const use_cascade = common_prefix_len > 0;
    let cu_prefix_query_lens: Tensor | null = null;
    let prefix_kv_lens: Tensor | null = null;
    let suffix_kv_lens: Tensor | null = null;
    if (use_cascade) {
      const lengths = common.seq_lens_cpu ?? common.seq_lens.hostValues();
      check.require(lengths !== null, 'seq_lens_cpu', 'the lengths on the host, for a common prefix', 'null');
      const suffixes = Int32Array.from(lengths as ArrayLike<number>, (n) => n - common_prefix_len);
      const shortest = suffixes.reduce((a, b) => Math.min(a, b), 0);
      const whole = shortest + common_prefix_len;
      check.require(shortest >= 0, 'common_prefix_len', 'at most the length of the shortest sequence', `a sequence of ${whole}`);
      cu_prefix_query_lens = this.device.tensor(Int32Array.of(0, common.num_actual_tokens));
      prefix_kv_lens = this.device.tensor(Int32Array.of(common_prefix_len));
      suffix_kv_lens = this.device.tensor(suffixes);
    }
    return new TritonAttentionMetadata({
      num_actual_tokens: common.num_actual_tokens,
      max_query_len: common.max_query_len,
      query_start_loc: common.query_start_loc,
      max_seq_len: common.max_seq_len,
      seq_lens: common.seq_lens,
      block_table: common.block_table_tensor,
      slot_mapping: common.slot_mapping,
      use_cascade,
      common_prefix_len,
      cu_prefix_query_lens,
      prefix_kv_lens,
      suffix_kv_lens,
    });
  }

  /**
   * Describes a batch whose launches are to be recorded. `seq_lens` is filled with 1, in place (it is the tensor of the common
   * metadata), so that a capture that runs is not slow; write the real lengths, slots and blocks before each replay:
   *
   *     const metadata = builder.build_for_cudagraph_capture(common);
   *     const step = device.record(() => impl.forward(device, { …, attn_metadata: metadata, output }));
   *     seq_lens.write(…); block_table.write(…); step.replay();
   */
  build_for_cudagraph_capture(common_attn_metadata: CommonAttentionMetadata): TritonAttentionMetadata {
    const attn_metadata = this.build(0, common_attn_metadata);
    attn_metadata.seq_lens.write(new Int32Array(attn_metadata.seq_lens.numel).fill(1));
    return attn_metadata;
  }
}
