// Attention over keys that are spread over ranks: each rank attends to its own part of every sequence, then the ranks join their results
// (cp_lse_ag_out_rs of `tessera/kernels`). Ranks are in one process here, or processes of their own over MPI:
//   npm run -s tessera -- run examples/08-context-parallel.ts
//   mpiexec -n 4 node --import ./scripts/register.mjs examples/08-context-parallel.ts --mpi

import { type Device, kernel, device as openDevice, type Tensor, tl } from 'tessera';
import { CPTritonContext, cp_lse_ag_out_rs, type GroupCoordinator, localGroup } from 'tessera/kernels';
import { example, maxError, type Report, randn } from './support.ts';

/**
 * Attention of one query a sequence to this rank's keys: out [B, H, D] and the log-sum-exp [B, H] of its scores, -inf where a
 * sequence has no keys here. Grid: [B, H].
 */
export const decode_lse_kernel = kernel(function decode_lse_kernel({
  q,
  k,
  v,
  lengths,
  out,
  lse,
  stride_b,
  scale,
  H,
  D,
  BLOCK,
}: {
  q: tl.ptr<tl.f32>;
  k: tl.ptr<tl.f32>;
  v: tl.ptr<tl.f32>;
  lengths: tl.ptr<tl.i32>;
  out: tl.ptr<tl.f32>;
  lse: tl.ptr<tl.f32>;
  stride_b: tl.i32;
  scale: tl.f32;
  H: tl.i32;
  D: tl.constexpr;
  BLOCK: tl.constexpr;
}) {
  const b = tl.program_id(0);
  const h = tl.program_id(1);
  const d = tl.arange(0, D);
  const length = tl.load(lengths + b);
  const query = tl.load(q + (b * H + h) * D + d) * scale;
  let m = -Infinity;
  let l = 0.0;
  let acc = tl.zeros([D], tl.f32);
  for (const start of tl.range(0, length, BLOCK)) {
    const n = start + tl.arange(0, BLOCK);
    const mask = tl.col(n < length);
    const at = b * stride_b + tl.col(n) * (H * D) + h * D + tl.row(d);
    const s = tl.where(n < length, tl.sum(tl.load(k + at, { mask, other: 0 }) * tl.row(query), 1), -Infinity);
    const m_new = tl.maximum(m, tl.max(s, 0));
    const p = tl.exp(s - m_new);
    const alpha = tl.exp(m - m_new);
    acc = acc * alpha + tl.sum(tl.col(p) * tl.load(v + at, { mask, other: 0 }), 0);
    l = l * alpha + tl.sum(p, 0);
    m = m_new;
  }
  tl.store(out + (b * H + h) * D + d, tl.where(l > 0, acc / l, 0));
  tl.store(lse + b * H + h, tl.where(l > 0, m + tl.log(l), -Infinity));
});

const [H, D] = [12, 32];
/** Tokens of each sequence; the last one is shorter than the number of ranks, so that some ranks have none of it. */
const LENGTHS = [37, 5, 64, 1, 130, 2];
const B = LENGTHS.length;
const SCALE = D ** -0.5;
/** Rank whose keys of sequence 2 are left out by a NaN log-sum-exp, as a rank that overflowed would report it. */
const LOST = { rank: 1, sequence: 2 };

/** First token and number of tokens of a sequence on a rank: even parts, the first ranks take what is left over. */
function part(length: number, rank: number, ranks: number): [from: number, count: number] {
  const [each, more] = [Math.floor(length / ranks), length % ranks];
  return [rank * each + Math.min(rank, more), each + (rank < more ? 1 : 0)];
}
const LONGEST = Math.max(...LENGTHS);
const Q = randn(B * H * D, 1);
const [K, V] = [2, 3].map((seed) => randn(B * LONGEST * H * D, seed));
const at = (b: number, t: number, h: number): number => ((b * LONGEST + t) * H + h) * D;

/** What one rank contributes: its part of the keys, attended to. With `lost` one log-sum-exp of one rank is NaN. */
function attend(device: Device, rank: number, ranks: number, lost: boolean): [out: Tensor, lse: Tensor] {
  const parts = LENGTHS.map((n) => part(n, rank, ranks));
  const most = Math.max(1, ...parts.map(([, n]) => n));
  const mine = (all: Float32Array): Float32Array => {
    const data = new Float32Array(B * most * H * D);
    for (const [b, [from, n]] of parts.entries()) data.set(all.subarray(at(b, from, 0), at(b, from + n, 0)), b * most * H * D);
    return data;
  };
  const [q, k, v] = [device.tensor(Q), device.tensor(mine(K)), device.tensor(mine(V))];
  const lengths = device.tensor(Int32Array.from(parts, ([, n]) => n));
  const [out, lse] = [device.empty([B, H, D]), device.empty([B, H])];
  decode_lse_kernel.launch(device, [B, H], { q, k, v, lengths, out, lse, stride_b: most * H * D, scale: SCALE, H, D, BLOCK: 32 });
  if (lost && rank === LOST.rank) lse.select(0, LOST.sequence).fill(Number.NaN);
  for (const t of [q, k, v, lengths]) t.free();
  return [out, lse];
}

/** float64 attention to every key, or to all but those of the lost part. */
export function expected(ranks: number, lost: boolean): Float64Array {
  const out = new Float64Array(B * H * D);
  for (let b = 0; b < B; b++) {
    const [from, count] = lost && b === LOST.sequence ? part(LENGTHS[b], LOST.rank, ranks) : [0, 0];
    const tokens = Array.from({ length: LENGTHS[b] }, (_, t) => t).filter((t) => t < from || t >= from + count);
    for (let h = 0; h < H; h++) {
      const o = (b * H + h) * D;
      const scores = tokens.map((t) => {
        let s = 0;
        for (let d = 0; d < D; d++) s += Q[o + d] * K[at(b, t, h) + d];
        return s * SCALE;
      });
      const most = Math.max(...scores);
      const sum = scores.reduce((a, s) => a + Math.exp(s - most), 0);
      for (const [i, t] of tokens.entries())
        for (let d = 0; d < D; d++) out[o + d] += (Math.exp(scores[i] - most) / sum) * V[at(b, t, h) + d];
    }
  }
  return out;
}

/** Heads of a rank out of [B, H, D]. */
const heads = (all: ArrayLike<number>, rank: number, ranks: number): number[] =>
  Array.from(LENGTHS, (_, b) =>
    Array.from(all).slice((b * H + (rank * H) / ranks) * D, (b * H + ((rank + 1) * H) / ranks) * D),
  ).flat();

/** One rank's share of the job; the largest error of its heads against float64. */
export async function rankError(
  device: Device,
  group: GroupCoordinator,
  lost: boolean,
  ctx = new CPTritonContext(),
): Promise<number> {
  const { rank_in_group: rank, world_size: ranks } = group;
  const [out, lse] = attend(device, rank, ranks, lost && ranks > 1);
  const joined = await cp_lse_ag_out_rs(device, { cp_attn_out: out, cp_attn_lse: lse, cp_group: group, ctx });
  const error = maxError(await joined.toNumbers(), heads(expected(ranks, lost && ranks > 1), rank, ranks));
  for (const t of new Set([out, lse, joined])) t.free();
  return error;
}

const TOLERANCE = 2e-6;

/** In one process: groups of 2, 3 and 4 ranks on one device. */
export async function run(device: Device): Promise<Report> {
  let error = 0;
  for (const ranks of [2, 3, 4])
    for (const lost of [false, true]) {
      const errors = await Promise.all(localGroup(device, ranks).map((g) => rankError(device, g, lost)));
      error = Math.max(error, ...errors);
    }
  return {
    size: `${B} sequences of 1 to ${LONGEST} keys, ${H} heads of ${D}, over 2, 3 and 4 ranks`,
    error,
    tolerance: TOLERANCE,
  };
}

/** A process a rank. Rank 0 prints; every rank's exit code says whether its heads are right. */
async function overMpi(interp: boolean): Promise<void> {
  const { mpiGroup } = await import('tessera/mpi');
  const device = await openDevice(interp ? { prefer: 'interp' } : {});
  const group = await mpiGroup(device);
  const ctx = new CPTritonContext();
  let error = 0;
  for (const lost of [false, true]) error = Math.max(error, await rankError(device, group, lost, ctx));
  const before = { ...device.stats };
  for (let i = 0; i < 10; i++) error = Math.max(error, await rankError(device, group, i % 2 === 1, ctx));
  const { stats } = device;
  // The largest error of all ranks, by the group's own means.
  const mine = device.tensor(Float32Array.of(error));
  const all = await group.all_gather(mine, 0);
  const worst = Math.max(...(await all.toNumbers()));
  if (group.rank_in_group === 0) {
    console.log(`${group.world_size} ranks over MPI, ${device.kind} (${device.info.description})`);
    console.log(
      `largest error ${worst.toExponential(2)} against float64, ${worst <= TOLERANCE ? 'within' : 'MORE THAN'} ${TOLERANCE.toExponential(0)}`,
    );
    const [launches, traces, compiles] = (['launches', 'traces', 'compiles'] as const).map((c) => stats[c] - before[c]);
    console.log(`ten more calls with one CPTritonContext: ${launches} launches, ${traces} traces, ${compiles} compilations`);
  }
  if (!(worst <= TOLERANCE)) process.exitCode = 1;
  group.finalize();
  device.destroy();
}

if (process.argv.includes('--mpi')) await overMpi(process.argv.includes('interp'));
else await example(import.meta.url, run);
