// Weights: made up from a seed, or read from a safetensors file, and laid out on a device for the kernels.

import type { Device, DTypeName, Tensor } from 'tessera';
import { randn } from '../support.ts';
import { type ModelConfig, parameters } from './config.ts';
import type { HostTensor } from './safetensors.ts';

export type HostWeights = ReadonlyMap<string, HostTensor>;

/** Small random weights, the same ones for the same seed: matrices with entries of about 1/√columns, norms near 1. */
export function randomWeights(config: ModelConfig, seed = 1): HostWeights {
  const out = new Map<string, HostTensor>();
  for (const [name, shape] of parameters(config)) {
    const n = shape.reduce((a, b) => a * b, 1);
    const norm = shape.length === 1;
    // Embeddings are as large as what the layers add to them, so that tokens matter.
    const scale = norm ? 0.1 : name.includes('embed') ? 1 : 1 / Math.sqrt(shape[1]);
    out.set(name, { shape, data: randn(n, seed + out.size).map((x) => (norm ? 1 : 0) + scale * x) });
  }
  return out;
}

/**
 * Checks a file's tensors against a config: every parameter is there with its shape. Without `lm_head.weight` the embedding takes its
 * place (tied weights).
 * @throws Error that names the first tensor that is missing or has another shape.
 */
export function checkWeights(config: ModelConfig, weights: HostWeights): HostWeights {
  const all = new Map(weights);
  const tied = all.get('model.embed_tokens.weight');
  if (!all.has('lm_head.weight') && tied) all.set('lm_head.weight', tied);
  for (const [name, shape] of parameters(config)) {
    const t = all.get(name);
    if (!t) throw new Error(`the file has no tensor '${name}'`);
    if (t.shape.join() !== shape.join()) throw new Error(`tensor '${name}' has shape [${t.shape}]; this config needs [${shape}]`);
  }
  return all;
}

export interface LayerWeights {
  readonly input_norm: Tensor;
  /** [(query heads + 2 · key heads) · head_dim, hidden]: q, k and v one below the other, so that one product makes all three. */
  readonly qkv_proj: Tensor;
  readonly o_proj: Tensor;
  readonly post_norm: Tensor;
  /** [2 · intermediate, hidden]: gate above up. */
  readonly gate_up_proj: Tensor;
  readonly down_proj: Tensor;
}
export interface DeviceWeights {
  /** f32, whatever the others are: rows are looked up, not multiplied. */
  readonly embedding: Tensor;
  readonly layers: readonly LayerWeights[];
  readonly norm: Tensor;
  readonly lm_head: Tensor;
}

/** Weights on a device. Matrices have `dtype`, norms and the embedding are f32. */
export function loadWeights(device: Device, config: ModelConfig, weights: HostWeights, dtype: DTypeName): DeviceWeights {
  const stack = (names: readonly string[], as: DTypeName): Tensor => {
    const parts = names.map((n) => weights.get(n)!);
    const shape = [parts.reduce((rows, p) => rows + p.shape[0], 0), ...parts[0].shape.slice(1)];
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    let at = 0;
    for (const p of parts) {
      data.set(p.data, at);
      at += p.data.length;
    }
    return device.tensor([...data], { shape, dtype: as, name: names[0] });
  };
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i): LayerWeights => {
    const name = (s: string): string => `model.layers.${i}.${s}.weight`;
    return {
      input_norm: stack([name('input_layernorm')], 'f32'),
      qkv_proj: stack(
        ['q', 'k', 'v'].map((x) => name(`self_attn.${x}_proj`)),
        dtype,
      ),
      o_proj: stack([name('self_attn.o_proj')], dtype),
      post_norm: stack([name('post_attention_layernorm')], 'f32'),
      gate_up_proj: stack([name('mlp.gate_proj'), name('mlp.up_proj')], dtype),
      down_proj: stack([name('mlp.down_proj')], dtype),
    };
  });
  return {
    embedding: stack(['model.embed_tokens.weight'], 'f32'),
    layers,
    norm: stack(['model.norm.weight'], 'f32'),
    lm_head: stack(['lm_head.weight'], dtype),
  };
}
