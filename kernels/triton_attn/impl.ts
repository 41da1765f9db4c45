// A layer's attention (TritonAttentionImpl of vLLM's v1/attention/backends/triton_attn.py): the new keys and values into the cache, then
// attention over it. In: a layer's tensors and the metadata of the batch. Out: the output, filled in place.

import { type Device, type DType, type Tensor, tl } from '../../src/index.ts';
import { Arguments } from '../check.ts';
import { triton_reshape_and_cache_flash } from '../reshape_and_cache_flash.ts';
import { checkUnifiedAttention, launchUnifiedAttention } from '../unified_attention/index.ts';
import type { TritonAttentionMetadata } from './metadata.ts';

/** Who attends to what. The paged kernels are for decoders, and for a decoder's attention to an encoder. */
export const AttentionType = {
  DECODER: 'decoder',
  ENCODER: 'encoder',
  ENCODER_ONLY: 'encoder_only',
  ENCODER_DECODER: 'encoder_decoder',
} as const;
export type AttentionType = (typeof AttentionType)[keyof typeof AttentionType];

/** What a layer supplies: the scales of its fp8 cache, one element each. */
export interface AttentionLayer {
  readonly _k_scale: Tensor;
  readonly _v_scale: Tensor;
  readonly _q_scale?: Tensor | null;
  readonly _q_scale_float: number;
}

const KV_CACHE_DTYPES = ['auto', 'fp8', 'fp8_e4m3', 'fp8_e5m2'];

export interface TritonAttentionImplArgs {
  num_heads: number;
  head_size: number;
  scale: number;
  num_kv_heads: number;
  /** One a head. */
  alibi_slopes?: readonly number[] | null;
  /** Tokens that a query sees, its own included. */
  sliding_window?: number | null;
  /** 'auto', 'fp8', 'fp8_e4m3' or 'fp8_e5m2'. An fp8 cache holds e4m3, whatever the name is. */
  kv_cache_dtype: string;
  logits_soft_cap?: number | null;
  attn_type?: AttentionType;
  /** Set: an earlier layer of that name has written the keys and values, and this one only reads them. */
  kv_sharing_target_layer_name?: string | number | null;
  /** [num_heads], float */
  sinks?: Tensor | null;
}

/** @throws ArgumentError for heads of less than 32; any size from 32 on is supported. */
export function validate_head_size(head_size: number): void {
  const check = new Arguments('TritonAttentionBackend.validate_head_size');
  check.integer('head_size', head_size, 32);
}

export class TritonAttentionImpl {
  readonly num_heads: number;
  readonly head_size: number;
  readonly scale: number;
  readonly num_kv_heads: number;
  /** [num_heads], f32; the impl's own. */
  readonly alibi_slopes: Tensor | null;
  readonly sliding_window: readonly [number, number];
  readonly kv_cache_dtype: string;
  /** 0: off. */
  readonly logits_soft_cap: number;
  readonly attn_type: AttentionType;
  readonly kv_sharing_target_layer_name: string | number | null;
  readonly num_queries_per_kv: number;
  readonly sinks: Tensor | null;
  readonly fp8_dtype: DType = tl.float8e4nv;

  /** @throws ArgumentError when the numbers do not go together, or the kind of attention is not one that the kernels compute. */
  constructor(device: Device, args: TritonAttentionImplArgs) {
    const check = new Arguments('TritonAttentionImpl', device);
    const { alibi_slopes = null, sliding_window = null, logits_soft_cap = null, sinks = null } = args;
    const { num_heads, head_size, num_kv_heads, attn_type = AttentionType.DECODER } = args;
    check.integer('num_heads', num_heads, 1);
    check.integer('num_kv_heads', num_kv_heads, 1);
    check.require(num_heads % num_kv_heads === 0, 'num_heads', `a multiple of num_kv_heads = ${num_kv_heads}`, String(num_heads));
    validate_head_size(head_size);
    check.number('scale', args.scale);
    if (sliding_window !== null) check.integer('sliding_window', sliding_window, 1);
    if (logits_soft_cap !== null) check.number('logits_soft_cap', logits_soft_cap, 0);
    const known = KV_CACHE_DTYPES.includes(args.kv_cache_dtype);
    check.require(known, 'kv_cache_dtype', KV_CACHE_DTYPES.map((s) => `'${s}'`).join(' or '), `'${args.kv_cache_dtype}'`);
    const types: readonly string[] = [AttentionType.DECODER, AttentionType.ENCODER_DECODER];
    check.require(
      types.includes(attn_type),
      'attn_type',
      "'decoder' or 'encoder_decoder' (no other is implemented)",
      `'${attn_type}'`,
    );
    if (alibi_slopes !== null) {
      const n = alibi_slopes.length;
      check.require(n === num_heads, 'alibi_slopes', `${num_heads} slopes, one a head`, String(n));
    }
    if (sinks !== null) check.tensor('sinks', sinks, [num_heads], 'one a head');

    this.num_heads = num_heads;
    this.head_size = head_size;
    this.scale = args.scale;
    this.num_kv_heads = num_kv_heads;
    this.alibi_slopes = alibi_slopes === null ? null : device.tensor(Float32Array.from(alibi_slopes), { name: 'alibi_slopes' });
    this.sliding_window = sliding_window === null ? [-1, -1] : [sliding_window - 1, 0];
    this.kv_cache_dtype = args.kv_cache_dtype;
    this.logits_soft_cap = logits_soft_cap ?? 0;
    this.attn_type = attn_type;
    this.kv_sharing_target_layer_name = args.kv_sharing_target_layer_name ?? null;
    this.num_queries_per_kv = num_heads / num_kv_heads;
    this.sinks = sinks;
  }

  /** Whether `output_scale` may be given for a scheme of quantised outputs: one static scale for the tensor, symmetric, fp8. */
  fused_output_quant_supported(quant_key: {
    readonly dtype: DType;
    readonly static: boolean;
    readonly per_tensor: boolean;
    readonly symmetric: boolean;
  }): boolean {
    return quant_key.dtype === this.fp8_dtype && quant_key.static && quant_key.per_tensor && quant_key.symmetric;
  }

  /**
   * A layer's attention: writes key and value of the new tokens into the cache, then lets the queries attend to it.
   *
   * - query: [num_tokens, num_heads, head_size]; key, value: [num_tokens, num_kv_heads, head_size], or null where the cache is
   *   filled already (encoder_decoder)
   * - kv_cache: [num_blocks, 2, block_size, num_kv_heads, head_size]; of the query's dtype, for fp8 names e4m3 or u8
   * - attn_metadata: the batch; null (a run that only measures memory) fills the output with 0
   * - output: [num_tokens, num_heads * head_size] or [num_tokens, num_heads, head_size], filled in place. Rows beyond
   *   num_actual_tokens keep what they hold
   * - output_scale: [1], f32: output is fp8 e4m3 and holds the result divided by it
   * - checks: as in unified_attention, for slots too
   *
   * Returns output. An fp8 cache wants `_q_scale_float` 1: queries are not scaled.
   *
   * Source: vLLM, v1/attention/backends/triton_attn.py, TritonAttentionImpl.forward.
   * @throws ArgumentError when something does not fit, before anything is launched that it concerns.
   */
  forward(
    device: Device,
    {
      layer,
      query,
      key,
      value,
      kv_cache,
      attn_metadata,
      output,
      output_scale = null,
      output_block_scale = null,
      checks,
    }: {
      layer: AttentionLayer;
      query: Tensor;
      key: Tensor | null;
      value: Tensor | null;
      kv_cache: Tensor;
      attn_metadata: TritonAttentionMetadata | null;
      output: Tensor;
      output_scale?: Tensor | null;
      output_block_scale?: Tensor | null;
      checks?: boolean;
    },
  ): Tensor {
    const check = new Arguments('TritonAttentionImpl.forward', device);
    check.require(output !== null && output !== undefined, 'output', 'a tensor to fill', String(output));
    check.require(output_block_scale === null, 'output_block_scale', 'null (scales of blocks are not supported)', 'a tensor');

    if (attn_metadata === null) {
      // Profiling run.
      output.fill(0);
      return output;
    }
    const cascade = attn_metadata.use_cascade;
    check.require(!cascade, 'attn_metadata', 'a batch without cascade attention', 'use_cascade = true');

    const { num_actual_tokens } = attn_metadata;
    const { num_heads, num_kv_heads, head_size } = this;
    check.tensor('query', query, ['num_tokens', num_heads, head_size], 'heads of the impl');
    check.integer('num_actual_tokens', num_actual_tokens, 0, query.shape[0]);
    if (output.shape.length === 2) {
      check.tensor('output', output, [query.shape[0], num_heads * head_size], 'tokens and heads of query');
    } else check.tensor('output', output, query.shape, 'that of query');
    check.tensor('kv_cache', kv_cache, ['num_blocks', 2, 'block_size', num_kv_heads, head_size], 'heads of the impl');

    let [key_cache, value_cache] = kv_cache.unbind(1);
    const fp8 = this.kv_cache_dtype.startsWith('fp8');
    if (fp8) {
      check.dtype('kv_cache', kv_cache, [this.fp8_dtype, tl.uint8], `for kv_cache_dtype '${this.kv_cache_dtype}'`);
      key_cache = key_cache.view(this.fp8_dtype);
      value_cache = value_cache.view(this.fp8_dtype);
      check.require(layer._q_scale_float === 1, '_q_scale_float', '1 (queries are not scaled)', String(layer._q_scale_float));
    }

    const num_seqs = attn_metadata.seq_lens.shape[0];
    const attention = {
      q: query.slice(0, 0, num_actual_tokens),
      k: key_cache,
      v: value_cache,
      out: output.view(query.shape).slice(0, 0, num_actual_tokens),
      cu_seqlens_q: attn_metadata.query_start_loc,
      max_seqlen_q: attn_metadata.max_query_len,
      seqused_k: attn_metadata.seq_lens,
      max_seqlen_k: attn_metadata.max_seq_len,
      softmax_scale: this.scale,
      causal: true,
      alibi_slopes: this.alibi_slopes,
      window_size: this.sliding_window,
      block_table: attn_metadata.block_table,
      softcap: this.logits_soft_cap,
      q_descale: null,
      k_descale: layer._k_scale.expand(num_seqs, num_kv_heads),
      v_descale: layer._v_scale.expand(num_seqs, num_kv_heads),
      sinks: this.sinks,
      output_scale,
      checks,
    };
    const plan = checkUnifiedAttention(device, attention);

    if (this.kv_sharing_target_layer_name === null && key !== null && value !== null) {
      // Reshape the input keys and values and store them in the cache.
      triton_reshape_and_cache_flash(device, {
        key,
        value,
        key_cache,
        value_cache,
        slot_mapping: attn_metadata.slot_mapping,
        kv_cache_dtype: this.kv_cache_dtype,
        k_scale: layer._k_scale,
        v_scale: layer._v_scale,
        checks,
      });
    }

    launchUnifiedAttention(device, attention, plan);
    return output;
  }

  /** Frees what the impl made for itself. */
  free(): void {
    this.alibi_slopes?.free();
  }
}
