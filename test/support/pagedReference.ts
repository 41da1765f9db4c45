// Paged attention in float64, from its definition: what the kernels are compared with where no recorded result exists. In: a made-up batch.
// Out: its tensors on a device, and the result as numbers. Takes nothing from kernels/.

import type { Device, DTypeName, Tensor } from '../../src/index.ts';

export interface PagedBatch {
  /** New and all tokens of each sequence. */
  readonly seqs: readonly (readonly [queries: number, tokens: number])[];
  readonly heads: number;
  readonly kvHeads: number;
  readonly dim: number;
  readonly block: number;
  readonly dtype: DTypeName;
  readonly cache?: DTypeName;
  readonly window?: number;
  readonly softcap?: number;
  readonly alibi?: boolean;
  readonly sinks?: boolean;
  readonly bias?: boolean;
}

/** Numbers in [-1, 1), the same ones every time. */
function generator(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 31 - 1;
  };
}

export class PagedCase {
  readonly batch: PagedBatch;
  readonly tensors: { readonly [name: string]: Tensor };
  private readonly numbers: { [name: string]: number[] } = {};
  private readonly table: number[][];
  readonly scale: number;

  private constructor(batch: PagedBatch, tensors: { [name: string]: Tensor }, table: number[][]) {
    this.batch = batch;
    this.tensors = tensors;
    this.table = table;
    this.scale = 1 / Math.sqrt(batch.dim);
  }

  static async make(device: Device, batch: PagedBatch, seed = 1): Promise<PagedCase> {
    const random = generator(seed);
    const { seqs, heads, kvHeads, dim, block, dtype, cache = dtype } = batch;
    const tokens = seqs.reduce((a, [n]) => a + n, 0);
    const needed = seqs.map(([, n]) => Math.ceil(n / block));
    const blocks = needed.reduce((a, b) => a + b, 0) + 2;
    const free = Array.from({ length: blocks }, (_, i) => i).sort((a, b) => ((a * 7919) % blocks) - ((b * 7919) % blocks));
    const width = Math.max(1, ...needed);
    const table = needed.map((n) => free.splice(0, n));
    const floats = (shape: number[], d: DTypeName, size = 1): Tensor =>
      device.tensor(
        Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => size * random()),
        { dtype: d, shape },
      );
    const longest = Math.max(1, ...seqs.map(([n]) => n));
    const starts = [0];
    for (const [n] of seqs) starts.push(starts[starts.length - 1] + n);
    const tensors: { [name: string]: Tensor } = {
      q: floats([tokens, heads, dim], dtype, 2),
      kv_cache: floats([blocks, 2, block, kvHeads, dim], cache, 2),
      out: device.full([tokens, heads, dim], 9, dtype === 'fp8e4nv' ? 'f16' : dtype),
      cu_seqlens_q: device.tensor(Int32Array.from(starts)),
      seqused_k: device.tensor(Int32Array.from(seqs.map(([, n]) => n))),
      block_table: device.tensor(Int32Array.from(table.flatMap((r) => [...r, ...Array(width - r.length).fill(-1)])), {
        shape: [seqs.length, width],
      }),
      k_scale: device.tensor(Float32Array.of(0.5)),
      v_scale: device.tensor(Float32Array.of(1.5)),
      ...(batch.alibi && { alibi_slopes: floats([heads], 'f32', 0.25) }),
      ...(batch.sinks && { sinks: floats([heads], 'f32', 2) }),
      ...(batch.bias && { qq_bias: floats([longest, longest], 'f32') }),
    };
    const c = new PagedCase(batch, tensors, table);
    for (const name of ['q', 'kv_cache', 'alibi_slopes', 'sinks', 'qq_bias']) {
      if (tensors[name]) c.numbers[name] = await tensors[name].toNumbers();
    }
    return c;
  }

  /** Element `d` of the key (plane 0) or value (plane 1) of a token, as the kernel sees it. */
  private cached(plane: 0 | 1, s: number, position: number, kvHead: number, d: number): number {
    const { block, kvHeads, dim, cache = this.batch.dtype } = this.batch;
    const at = (this.table[s][Math.floor(position / block)] * 2 + plane) * block + (position % block);
    const scale = cache.startsWith('fp8') && !this.batch.dtype.startsWith('fp8') ? [0.5, 1.5][plane] : 1;
    return this.numbers.kv_cache[(at * kvHeads + kvHead) * dim + d] * scale;
  }

  /** The result, [tokens, heads, dim] flat. */
  expected(): Float64Array {
    const { seqs, heads, kvHeads, dim, window = 0, softcap = 0 } = this.batch;
    const { q, alibi_slopes, sinks, qq_bias } = this.numbers;
    const longest = this.tensors.qq_bias?.shape[0] ?? 0;
    const out = new Float64Array(q.length);
    let row = 0;
    for (const [s, [queries, tokens]] of seqs.entries()) {
      const context = tokens - queries;
      for (let i = 0; i < queries; i++, row++) {
        for (let h = 0; h < heads; h++) {
          const kv = Math.floor(h / (heads / kvHeads));
          const own = context + i;
          const first = window ? Math.max(0, own - window + 1) : 0;
          const scores: number[] = [];
          for (let p = first; p <= own; p++) {
            let x = 0;
            for (let d = 0; d < dim; d++) x += q[(row * heads + h) * dim + d] * this.cached(0, s, p, kv, d);
            x *= this.scale;
            if (softcap) x = softcap * Math.tanh(x / softcap);
            if (alibi_slopes) x += alibi_slopes[h] * (p - context);
            if (qq_bias && p >= context) x += qq_bias[i * longest + p - context];
            scores.push(x);
          }
          const max = scores.reduce((a, b) => Math.max(a, b), sinks ? sinks[h] : -Infinity);
          const weights = scores.map((x) => Math.exp(x - max));
          const sum = weights.reduce((a, b) => a + b, sinks ? Math.exp(sinks[h] - max) : 0);
          for (const [j, w] of weights.entries())
            for (let d = 0; d < dim; d++) out[(row * heads + h) * dim + d] += (w / sum) * this.cached(1, s, first + j, kv, d);
        }
      }
    }
    return out;
  }

  free(): void {
    for (const t of Object.values(this.tensors)) t.free();
  }
}
