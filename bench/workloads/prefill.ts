// Prefill attention through the host functions: the faithful kernel in f16, bf16 and f32, as in the reference file, and the flash
// variant in f16. FLOPs are those of the allowed (query, key) pairs; a kernel that walks over masked blocks is not paid for them.

import { context_attention_fwd, context_attention_fwd_flash } from 'tessera/kernels';
import { type Goal, largestError, randomInts, type Workload } from '../workload.ts';

type Dtype = 'f16' | 'bf16' | 'f32';

export interface Shape {
  readonly dtype: Dtype;
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly dim: number;
  readonly seq: number;
  readonly causal: boolean;
  readonly window?: number;
}

/** (query, key) pairs that are allowed in one head of one sequence. */
export function pairs(seq: number, causal: boolean, window = 0): number {
  let n = 0;
  for (let i = 0; i < seq; i++) n += (causal ? i : seq - 1) - (window ? Math.max(0, i - window) : 0) + 1;
  return n;
}

/** One row of attention in float64. `k` and `v` are the [seq, dim] of one head. */
export function attend(q: ArrayLike<number>, k: Float32Array, v: Float32Array, row: number, s: Shape): Float64Array {
  const lo = s.window ? Math.max(0, row - s.window) : 0;
  const hi = s.causal ? row : s.seq - 1;
  const scores: number[] = [];
  for (let j = lo; j <= hi; j++) {
    let dot = 0;
    for (let d = 0; d < s.dim; d++) dot += q[d] * k[j * s.dim + d];
    scores.push(dot / Math.sqrt(s.dim));
  }
  const max = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const p = scores.map((x) => Math.exp(x - max));
  const sum = p.reduce((a, b) => a + b, 0);
  const out = new Float64Array(s.dim);
  p.forEach((w, j) => {
    for (let d = 0; d < s.dim; d++) out[d] += (w / sum) * v[(lo + j) * s.dim + d];
  });
  return out;
}

const SIZE = { f16: 2, bf16: 2, f32: 4 };
/** The largest error seen with exact arithmetic is half a step of the dtype at the values' size; this leaves it a factor of four. */
const TOLERANCE = { f16: 2e-3, bf16: 1.6e-2, f32: 2e-5 };
/**
 * BLOCK_M × BLOCK_N to try, the host function's own first for f16 and f32. Triton itself takes 128 × 128 for 16 bits and 32 × 32 for
 * f32 on this card.
 */
const BLOCKS: { readonly [dtype in Dtype]: readonly (readonly [number, number])[] } = {
  f16: [
    [128, 32],
    [64, 32],
    [64, 64],
  ],
  bf16: [
    [64, 32],
    [64, 64],
  ],
  f32: [
    [32, 32],
    [64, 32],
    [64, 64],
  ],
};

function prefill(name: string, full: Shape, goals: readonly Goal[], attention = context_attention_fwd): Workload {
  return {
    name,
    goals,
    setup(data, small) {
      const { device } = data;
      const group = full.heads / full.kvHeads;
      const s = small ? { ...full, batch: 1, heads: 2 * group, kvHeads: 2, seq: 160, window: full.window && 40 } : full;
      const tokens = s.batch * s.seq;
      const q = data.randn([tokens, s.heads, s.dim], s.dtype);
      const [k, v] = [0, 1].map(() => data.randn([tokens, s.kvHeads, s.dim], s.dtype));
      const o = data.empty([tokens, s.heads, s.dim], s.dtype);
      const starts = data.ints(
        Array.from({ length: s.batch }, (_, b) => b * s.seq),
        'i32',
      );
      const lengths = data.ints(new Array(s.batch).fill(s.seq), 'i32');
      const variants = BLOCKS[s.dtype].map(([block_m, block_n]) => ({
        label: `blocks of ${block_m} × ${block_n}`,
        launch: () =>
          attention(device, {
            q,
            k,
            v,
            o,
            b_start_loc: starts,
            b_seq_len: lengths,
            max_input_len: s.seq,
            is_causal: s.causal,
            sliding_window_q: s.window ?? null,
            block_m,
            block_n,
          }),
      }));
      return {
        variants,
        flops: 4 * s.batch * s.heads * s.dim * pairs(s.seq, s.causal, s.window),
        bytes: 2 * tokens * (s.heads + s.kvHeads) * s.dim * SIZE[s.dtype],
        params: { ...s },
        async check(launch) {
          o.fill(0);
          launch();
          const pick = randomInts(7);
          let error = 0;
          for (let i = 0; i < 4; i++) {
            const [b, h] = [pick(s.batch), pick(s.heads)];
            const kv = [k, v].map(
              (t) =>
              t.slice(0, b * s.seq, (b + 1) * s.seq).select(1, Math.floor(h / group)).toFloat32(), // biome-ignore format: one thing
            );
            const [kRows, vRows] = await Promise.all(kv);
            for (const row of [i, s.seq - 1 - i, pick(s.seq), pick(s.seq)]) {
              const at = [q, o].map((t) =>
                t
                  .select(0, b * s.seq + row)
                  .select(0, h)
                  .toFloat32(),
              );
              const [qRow, got] = await Promise.all(at);
              error = largestError(got, attend(qRow, kRows, vRows, row, s), error);
            }
          }
          return { error, tolerance: TOLERANCE[s.dtype] };
        },
      };
    },
  };
}

const long = { batch: 4, heads: 32, kvHeads: 8, dim: 128, seq: 4096, causal: true };
const many = { batch: 16, heads: 32, kvHeads: 32, dim: 64, seq: 1024 };
const plain = { dtype: 'f32', batch: 4, heads: 16, kvHeads: 16, dim: 64, seq: 1024 } as const;
const LONG = 'b4_h32_kv8_d128_s4096_causal';
const MANY = 'b16_h32_kv32_d64_s1024';
const PLAIN = 'b4_h16_kv16_d64_s1024';
/** What the faithful kernel, which rescales at every step, is to reach. */
const faithful = (name: string, target: number, shape: Shape): Workload => prefill(name, shape, [{ reference: name, target }]);
/** The variant beside the same figure of the reference. */
const flash = (name: string, target: number, shape: Shape): Workload =>
  prefill(`flash_${name}`, shape, [{ reference: name, target }], context_attention_fwd_flash);

export const prefillWorkloads: readonly Workload[] = [
  ...(['f16', 'bf16'] as const).flatMap((dtype) => [
    faithful(`prefill_${dtype}_${LONG}`, 0.5, { dtype, ...long }),
    faithful(`prefill_${dtype}_${MANY}_causal`, 0.6, { dtype, ...many, causal: true }),
    faithful(`prefill_${dtype}_${MANY}_full`, 0.6, { dtype, ...many, causal: false }),
  ]),
  faithful(`prefill_f16_${LONG}_swq511`, 0.8, { dtype: 'f16', ...long, window: 511 }),
  flash(`prefill_f16_${LONG}`, 0.8, { dtype: 'f16', ...long }),
  flash(`prefill_f16_${MANY}_causal`, 1, { dtype: 'f16', ...many, causal: true }),
  flash(`prefill_f16_${MANY}_full`, 0.8, { dtype: 'f16', ...many, causal: false }),
  flash(`prefill_f16_${LONG}_swq511`, 3, { dtype: 'f16', ...long, window: 511 }),
  prefill(`prefill_f32_${PLAIN}_causal`, { ...plain, causal: true }, [
    { reference: `prefill_f32_${PLAIN}_causal`, target: 0.5 },
    { reference: `prefill_f32ieee_${PLAIN}_causal`, target: 2.5 },
  ]),
  prefill(`prefill_f32_${PLAIN}_full`, { ...plain, causal: false }, [{ reference: `prefill_f32_${PLAIN}_full`, target: 0.5 }]),
];
