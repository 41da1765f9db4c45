// The same decoder in float64 on the CPU, one sequence, no cache: slow and plain, to compare with.

import type { ModelConfig } from './config.ts';
import type { HostWeights } from './weights.ts';

type Vec = Float64Array;

/** Logits after each token of a sequence. */
export function referenceLogits(c: ModelConfig, weights: HostWeights, ids: readonly number[]): Vec[] {
  const w = (name: string): Float32Array => weights.get(`${name}.weight`)!.data;
  const multiply = (m: Float32Array, x: Vec): Vec => {
    const out = new Float64Array(m.length / x.length);
    for (let r = 0; r < out.length; r++) for (let i = 0; i < x.length; i++) out[r] += m[r * x.length + i] * x[i];
    return out;
  };
  const norm = (x: Vec, scale: Float32Array): Vec => {
    const rms = Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length + c.rms_norm_eps);
    return x.map((v, i) => (v / rms) * scale[i]);
  };
  const [heads, kv_heads, D] = [c.num_attention_heads, c.num_key_value_heads, c.head_dim];
  const rotate = (x: Vec, position: number): Vec => {
    const out = new Float64Array(x.length);
    for (let h = 0; h < x.length; h += D)
      for (let i = 0; i < D / 2; i++) {
        const angle = position * c.rope_theta ** ((-2 * i) / D);
        const [a, b] = [x[h + i], x[h + i + D / 2]];
        out[h + i] = a * Math.cos(angle) - b * Math.sin(angle);
        out[h + i + D / 2] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    return out;
  };
  const embedding = w('model.embed_tokens');
  const stream = ids.map((id) => Float64Array.from(embedding.subarray(id * c.hidden_size, (id + 1) * c.hidden_size)));
  const add = (t: number, y: Vec): void => {
    for (let i = 0; i < y.length; i++) stream[t][i] += y[i];
  };
  for (let l = 0; l < c.num_hidden_layers; l++) {
    const layer = `model.layers.${l}`;
    const x = stream.map((s) => norm(s, w(`${layer}.input_layernorm`)));
    const [q, k] = ['q', 'k'].map((p) => x.map((v, t) => rotate(multiply(w(`${layer}.self_attn.${p}_proj`), v), t)));
    const v = x.map((y) => multiply(w(`${layer}.self_attn.v_proj`), y));
    for (let t = 0; t < ids.length; t++) {
      const attended = new Float64Array(heads * D);
      for (let h = 0; h < heads; h++) {
        const [qh, kh] = [h * D, Math.floor(h / (heads / kv_heads)) * D];
        const scores = k.slice(0, t + 1).map((key) => {
          let s = 0;
          for (let i = 0; i < D; i++) s += q[t][qh + i] * key[kh + i];
          return s / Math.sqrt(D);
        });
        const most = Math.max(...scores);
        const p = scores.map((s) => Math.exp(s - most));
        const sum = p.reduce((a, b) => a + b, 0);
        for (let j = 0; j <= t; j++) for (let i = 0; i < D; i++) attended[qh + i] += (p[j] / sum) * v[j][kh + i];
      }
      add(t, multiply(w(`${layer}.self_attn.o_proj`), attended));
    }
    for (let t = 0; t < ids.length; t++) {
      const y = norm(stream[t], w(`${layer}.post_attention_layernorm`));
      const up = multiply(w(`${layer}.mlp.up_proj`), y);
      const gate = multiply(w(`${layer}.mlp.gate_proj`), y).map((g, i) => (g / (1 + Math.exp(-g))) * up[i]);
      add(t, multiply(w(`${layer}.mlp.down_proj`), gate));
    }
  }
  return stream.map((s) => multiply(w('lm_head'), norm(s, w('model.norm'))));
}
