// Attention over a ragged batch of prompts with a kernel that ships with Tessera: grouped-query heads, causal, f16.
//   npm run -s tessera -- run examples/05-prefill-attention.ts

import type { Device } from 'tessera';
import { context_attention_fwd } from 'tessera/kernels';
import { example, maxError, type Report, randn } from './support.ts';

export async function run(device: Device): Promise<Report> {
  // Three prompts, one after the other in the same tensors.
  const lengths = [70, 1, 33];
  const [tokens, heads, kv_heads, head_dim] = [104, 4, 2, 64];
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));

  const q = device.tensor(randn(tokens * heads * head_dim, 1), { dtype: 'f16', shape: [tokens, heads, head_dim] });
  const k = device.tensor(randn(tokens * kv_heads * head_dim, 2), { dtype: 'f16', shape: [tokens, kv_heads, head_dim] });
  const v = device.tensor(randn(tokens * kv_heads * head_dim, 3), { dtype: 'f16', shape: [tokens, kv_heads, head_dim] });
  const o = device.empty([tokens, heads, head_dim], 'f16');
  const b_start_loc = device.tensor(Int32Array.from(starts));
  const b_seq_len = device.tensor(Int32Array.from(lengths));
  context_attention_fwd(device, { q, k, v, o, b_start_loc, b_seq_len, max_input_len: Math.max(...lengths), is_causal: true });

  const [q64, k64, v64, got] = [await q.toFloat32(), await k.toFloat32(), await v.toFloat32(), await o.toFloat32()];
  for (const t of [q, k, v, o, b_start_loc, b_seq_len]) t.free();

  const want = reference(q64, k64, v64, { starts, lengths, heads, kv_heads, head_dim });
  const size = `causal attention, ${lengths.length} prompts of ${lengths.join(', ')} tokens, ${heads} heads on ${kv_heads}, f16`;
  return { size, error: maxError(got, want), tolerance: 5e-3 };
}

interface Batch {
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
  readonly heads: number;
  readonly kv_heads: number;
  readonly head_dim: number;
}

function reference(q: Float32Array, k: Float32Array, v: Float32Array, batch: Batch): Float64Array {
  const { starts, lengths, heads, kv_heads, head_dim } = batch;
  const out = new Float64Array(q.length);
  lengths.forEach((length, b) => {
    for (let head = 0; head < heads; head++) {
      const kv_head = Math.floor(head / (heads / kv_heads));
      const row = (token: number, h: number, of: number): number => ((starts[b] + token) * of + h) * head_dim;
      for (let i = 0; i < length; i++) {
        const q_row = row(i, head, heads);
        const scores = Float64Array.from({ length: i + 1 }, (_, j) => {
          const k_row = row(j, kv_head, kv_heads);
          let dot = 0;
          for (let d = 0; d < head_dim; d++) dot += q[q_row + d] * k[k_row + d];
          return dot / Math.sqrt(head_dim);
        });
        const max = scores.reduce((a, s) => Math.max(a, s), -Infinity);
        const weights = scores.map((s) => Math.exp(s - max));
        const sum = weights.reduce((a, w) => a + w, 0);
        weights.forEach((w, j) => {
          const v_row = row(j, kv_head, kv_heads);
          for (let d = 0; d < head_dim; d++) out[q_row + d] += (w / sum) * v[v_row + d];
        });
      }
    }
  });
  return out;
}

await example(import.meta.url, run);
