// The decoder's forward pass: launches only, nothing is computed here. One pass takes a ragged batch: any mixture of prompts (prefill) and single
// new tokens (decode), over a paged cache; or whole sequences with no cache at all, to check the former against.

import type { Device, DTypeName, Tensor } from 'tessera';
import { context_attention_fwd, triton_reshape_and_cache_flash, unified_attention } from 'tessera/kernels';
import type { ModelConfig } from './config.ts';
import { addRmsNorm, embed, gatherRows, linear, rope, swiglu } from './kernels.ts';
import type { KvCachePool } from './pool.ts';
import type { DeviceWeights } from './weights.ts';

/** Sequences of a pass, one after another in `ids`. */
export interface Batch {
  /** New tokens of all sequences, and their positions in their sequences. */
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  /** New tokens of each sequence. */
  readonly lengths: readonly number[];
}
/** Where a batch's keys and values live. */
export interface Paging {
  readonly pool: KvCachePool;
  /** Blocks of each sequence, in order. */
  readonly blocks: readonly (readonly number[])[];
}

export class Decoder {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly dtype: DTypeName;
  private readonly weights: DeviceWeights;
  private readonly one: Tensor;

  constructor(device: Device, config: ModelConfig, weights: DeviceWeights, dtype: DTypeName) {
    this.device = device;
    this.config = config;
    this.weights = weights;
    this.dtype = dtype;
    this.one = device.full([1], 1, 'f32');
  }

  /**
   * Logits of the last new token of each sequence, or of the tokens at `rows`: f32 [sequences or rows, vocab_size]; the caller frees it. With `paging`, keys and values of the new
   * tokens go to the cache and attention reads it; without, every sequence must be given from its first token on.
   */
  forward(batch: Batch, paging: Paging | null, rows?: readonly number[]): Tensor {
    const { device, config, weights } = this;
    const { hidden_size, intermediate_size, num_attention_heads: heads, num_key_value_heads: kv_heads, head_dim } = config;
    const tokens = batch.ids.length;
    const made: Tensor[] = [];
    const keep = (t: Tensor): Tensor => {
      made.push(t);
      return t;
    };
    const empty = (columns: number, dtype: DTypeName = this.dtype): Tensor => keep(device.empty([tokens, columns], dtype));
    const i32 = (data: readonly number[]): Tensor => keep(device.tensor(Int32Array.from(data)));

    const positions = i32(batch.positions);
    const residual = empty(hidden_size, 'f32');
    embed(device, i32(batch.ids), weights.embedding, residual);
    const [normed, out] = [empty(hidden_size), empty(hidden_size)];
    const qkv = empty((heads + 2 * kv_heads) * head_dim);
    const [attended, gate_up, inner] = [empty(heads * head_dim), empty(2 * intermediate_size), empty(intermediate_size)];
    const part = (from: number, count: number): Tensor =>
      qkv
        .slice(1, from * head_dim, (from + count) * head_dim)
        .as([tokens, count, head_dim], [qkv.strides[0], head_dim, 1], from * head_dim);
    const [q, k, v] = [part(0, heads), part(heads, kv_heads), part(heads + kv_heads, kv_heads)];
    const attend = paging ? this.paged(batch, paging, i32, keep) : this.unpaged(batch, i32);

    let x: Tensor | null = null;
    for (const [i, layer] of weights.layers.entries()) {
      addRmsNorm(device, x, residual, layer.input_norm, normed, config.rms_norm_eps);
      linear(device, normed, layer.qkv_proj, qkv);
      rope(device, qkv, positions, heads + kv_heads, head_dim, config.rope_theta);
      attend(i, q, k, v, attended.reshape([tokens, heads, head_dim]));
      linear(device, attended, layer.o_proj, out);
      addRmsNorm(device, out, residual, layer.post_norm, normed, config.rms_norm_eps);
      linear(device, normed, layer.gate_up_proj, gate_up);
      swiglu(device, gate_up, inner);
      linear(device, inner, layer.down_proj, out);
      x = out;
    }
    addRmsNorm(device, x, residual, weights.norm, normed, config.rms_norm_eps);
    let end = 0;
    const wanted = rows ?? batch.lengths.map((n) => (end += n) - 1);
    const last = keep(device.empty([wanted.length, hidden_size], this.dtype));
    gatherRows(device, normed, i32(wanted), last);
    const logits = device.empty([wanted.length, config.vocab_size], 'f32', 'logits');
    linear(device, last, weights.lm_head, logits);
    for (const t of made) t.free();
    return logits;
  }

  /** Attention over the cache: vLLM's unified paged attention, after reshape_and_cache has put the new keys and values there. */
  private paged(batch: Batch, { pool, blocks }: Paging, i32: (data: readonly number[]) => Tensor, keep: (t: Tensor) => Tensor) {
    const { device, config, one } = this;
    const { block_size } = pool;
    const starts = [0];
    for (const n of batch.lengths) starts.push(starts.at(-1)! + n);
    const slots = batch.lengths.flatMap((n, s) =>
      Array.from({ length: n }, (_, j) => {
        const position = batch.positions[starts[s] + j];
        return blocks[s][Math.floor(position / block_size)] * block_size + (position % block_size);
      }),
    );
    const slot_mapping = keep(device.tensor(BigInt64Array.from(slots, BigInt)));
    const used = batch.lengths.map((n, s) => batch.positions[starts[s] + n - 1] + 1);
    const [cu_seqlens_q, seqused_k] = [i32(starts), i32(used)];
    const width = Math.max(...blocks.map((b) => b.length));
    const block_table = keep(
      device.tensor(Int32Array.from(blocks.flatMap((b) => Array.from({ length: width }, (_, j) => b[j] ?? 0))), {
        shape: [blocks.length, width],
      }),
    );
    return (layer: number, q: Tensor, key: Tensor, value: Tensor, out: Tensor): void => {
      const [key_cache, value_cache] = [pool.keys[layer], pool.values[layer]];
      const scales = { k_scale: one, v_scale: one };
      triton_reshape_and_cache_flash(device, {
        key,
        value,
        key_cache,
        value_cache,
        slot_mapping,
        kv_cache_dtype: 'auto',
        ...scales,
      });
      unified_attention(device, {
        q,
        k: key_cache,
        v: value_cache,
        out,
        cu_seqlens_q,
        max_seqlen_q: Math.max(...batch.lengths),
        seqused_k,
        max_seqlen_k: Math.max(...used),
        softmax_scale: config.head_dim ** -0.5,
        causal: true,
        window_size: [-1, -1],
        block_table,
        softcap: 0,
        q_descale: null,
        k_descale: null,
        v_descale: null,
      });
    };
  }

  /** Attention over the batch itself: vLLM's prefill kernel, which knows no cache. */
  private unpaged(batch: Batch, i32: (data: readonly number[]) => Tensor) {
    let end = 0;
    const starts = batch.lengths.map((n) => (end += n) - n);
    const [b_start_loc, b_seq_len] = [i32(starts), i32(batch.lengths)];
    const max_input_len = Math.max(...batch.lengths);
    return (_layer: number, q: Tensor, k: Tensor, v: Tensor, o: Tensor): void =>
      context_attention_fwd(this.device, { q, k, v, o, b_start_loc, b_seq_len, max_input_len, is_causal: true });
  }

  free(): void {
    this.one.free();
    const { embedding, norm, lm_head, layers } = this.weights;
    for (const t of [embedding, norm, lm_head, ...layers.flatMap((l) => Object.values(l) as Tensor[])]) t.free();
  }
}
