// Attention over keys that are spread over several ranks (cp_lse_ag_out_rs of vLLM's attention/ops/common.py), and a group of ranks that
// live on one device. In: each rank's output and log-sum-exp. Out: the joined attention, every rank a slice of the heads.

import { cdiv, type Device, kernel, next_power_of_2, type Tensor, tl } from '../src/index.ts';
import { Arguments } from './check.ts';
import { CPTritonContext, correct_attn_out } from './common.ts';

/** What the function needs of a group of ranks. A tensor that a call returns is new; who called frees it. */
export interface GroupCoordinator {
  readonly world_size: number;
  readonly rank_in_group: number;
  /** The ranks' tensors joined along `dim`, the same for every rank. */
  all_gather(t: Tensor, dim: number): Tensor | Promise<Tensor>;
  /** The sum of the ranks' tensors; of it this rank's slice along `dim`. */
  reduce_scatter(t: Tensor, dim: number): Tensor | Promise<Tensor>;
}

/**
 * Corrects this rank's attention output by the log-sum-exps of all ranks, and adds the ranks' outputs up.
 *
 * - cp_attn_out: [ B, H, D ], float; changed in place (by correct_attn_out), unless the group has one rank
 * - cp_attn_lse: [ B, H ], f32
 * - cp_group: the ranks; its calls may wait for the others
 * - ctx: Context to avoid recompilation; null makes one
 *
 * Returns [ B, H / ranks, D ]: this rank's heads, new; with one rank the tensor that was passed.
 *
 * Source: vLLM, attention/ops/common.py, cp_lse_ag_out_rs.
 * @throws ArgumentError (the promise rejects) when shapes or dtypes do not fit.
 */
export async function cp_lse_ag_out_rs(
  device: Device,
  {
    cp_attn_out,
    cp_attn_lse,
    cp_group,
    ctx = null,
  }: { cp_attn_out: Tensor; cp_attn_lse: Tensor; cp_group: GroupCoordinator; ctx?: CPTritonContext | null },
): Promise<Tensor> {
  const { world_size } = cp_group;
  if (world_size === 1) {
    return cp_attn_out;
  }
  const check = new Arguments('cp_lse_ag_out_rs', device);
  check.tensor('cp_attn_out', cp_attn_out, ['B', 'H', 'D']);
  const [B, H] = cp_attn_out.shape;
  check.require(H % world_size === 0, 'cp_attn_out', `heads that ${world_size} ranks share evenly`, `${H} heads`);
  check.tensor('cp_attn_lse', cp_attn_lse, [B, H], 'B and H of cp_attn_out');
  check.dtype('cp_attn_lse', cp_attn_lse, [tl.float32]);

  if (ctx === null) {
    ctx = new CPTritonContext();
  }

  const contiguous = cp_attn_lse.contiguous();
  let padded: Tensor | null = null;
  const gathered = await cp_group.all_gather(contiguous, 0);
  try {
    // The kernel takes a power of two of ranks: ranks that have seen no keys (-inf) change nothing.
    const ranks = next_power_of_2(world_size);
    let all = gathered;
    if (ranks !== world_size) {
      padded = all = device.full([ranks * B, H], -Infinity, 'f32');
      all.slice(0, 0, world_size * B).copyFrom(gathered);
    }
    const lses = all.view([ranks, B, H]);
    const [out, lse] = correct_attn_out(device, { out: cp_attn_out, lses, cp_rank: cp_group.rank_in_group, ctx });
    lse.free();
    return await cp_group.reduce_scatter(out, 1);
  } finally {
    gathered.free();
    padded?.free();
    if (contiguous !== cp_attn_lse) contiguous.free();
  }
}

const add_kernel = kernel(function add_kernel({ x, sum, n, BLOCK }: { x: tl.ptr; sum: tl.ptr; n: tl.i32; BLOCK: tl.constexpr }) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const mask = offs < n;
  const total = tl.cast(tl.load(sum + offs, { mask }), tl.float32) + tl.cast(tl.load(x + offs, { mask }), tl.float32);
  tl.store(sum + offs, total, { mask });
});

/** Calls that wait for all ranks: each gives its tensor, and gets the result when the last one is there. */
class Meeting {
  private readonly size: number;
  private round: { readonly tensors: Tensor[]; readonly done: ((tensors: readonly Tensor[]) => void)[] } = {
    tensors: [],
    done: [],
  };
  constructor(size: number) {
    this.size = size;
  }
  meet(rank: number, t: Tensor): Promise<readonly Tensor[]> {
    const { round } = this;
    round.tensors[rank] = t;
    const all = new Promise<readonly Tensor[]>((resolve) => round.done.push(resolve));
    if (round.done.length === this.size) {
      this.round = { tensors: [], done: [] };
      for (const resolve of round.done) resolve(round.tensors);
    }
    return all;
  }
}

/**
 * A group whose ranks share one device: to try and to test what is written for several. The ranks' calls must run at the same
 * time (`Promise.all`), because each waits for the others.
 */
export function localGroup(device: Device, world_size: number): GroupCoordinator[] {
  const [gather, scatter] = [new Meeting(world_size), new Meeting(world_size)];
  return Array.from({ length: world_size }, (_, rank_in_group) => ({
    world_size,
    rank_in_group,
    async all_gather(t: Tensor, dim: number): Promise<Tensor> {
      const tensors = await gather.meet(rank_in_group, t);
      const n = t.shape[dim];
      const all = device.empty(t.shape.with(dim, n * world_size), t.dtype);
      for (const [r, from] of tensors.entries()) all.slice(dim, r * n, (r + 1) * n).copyFrom(from);
      return all;
    },
    async reduce_scatter(t: Tensor, dim: number): Promise<Tensor> {
      const tensors = await scatter.meet(rank_in_group, t);
      const n = t.shape[dim] / world_size;
      const [sum, ...rest] = tensors.map((x) => x.slice(dim, rank_in_group * n, (rank_in_group + 1) * n).clone());
      for (const x of rest) {
        add_kernel.launch(device, [cdiv(sum.numel, 1024)], { x, sum, n: sum.numel, BLOCK: 1024 });
        x.free();
      }
      return sum;
    },
  }));
}
