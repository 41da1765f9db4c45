// Registers of another invocation: the one whose id differs in given bits. By shuffles where those bits lie in a subgroup, else
// through workgroup memory.

import type { Value } from '../../dsl/ir/ir.ts';
import { dtypeOf } from '../../dsl/types.ts';
import type { Distributor } from './distribute.ts';
import { countOf, type Regs } from './lane.ts';

/** Invocation bits below this number stay inside a subgroup: 0 where shuffles cannot be relied on. */
export function subgroupBits(d: Distributor): number {
  // Partial subgroups may number their invocations as they like: shuffles only where every subgroup is full.
  const full = d.target.subgroups && 1 << d.plan.lanes >= d.target.subgroupMaxSize;
  return full ? Math.log2(Math.max(1, d.target.subgroupMinSize)) : 0;
}

/** The registers of the invocation whose id differs in the bits of `mask`. */
export function fromPartner(d: Distributor, regs: Regs, mask: number): Regs {
  const { b } = d;
  if (!mask) return regs;
  const dtype = dtypeOf(regs.vals[0].type);
  const shuffles = mask < 1 << subgroupBits(d);
  if (shuffles && !dtype.is_bool())
    return { width: regs.width, vals: regs.vals.map((v) => b.effect('shuffle_xor', [v], { mask })) };
  const words = b.scalars(regs).map((x) => d.toWords(x));
  const swap = (column: readonly Value[]): Value[] =>
    shuffles ? column.map((w) => b.effect('shuffle_xor', [w], { mask })) : throughMemory(d, column, mask);
  const moved = words[0].map((_, k) => swap(words.map((w) => w[k])));
  return b.pack(
    Array.from({ length: countOf(regs) }, (_, r) =>
      d.fromWords(
        moved.map((m) => m[r]),
        dtype,
      ),
    ),
  );
}

/** One word a register, as many registers at a time as workgroup memory holds. */
function throughMemory(d: Distributor, words: readonly Value[], mask: number): Value[] {
  const { b } = d;
  const all = 1 << d.plan.lanes;
  const partner = b.scalarOp('xor', [d.tid, b.i32(mask)]);
  const batch = Math.max(1, Math.floor(d.smem.limitWords / all));
  const out: Value[] = [];
  for (let from = 0; from < words.length; from += batch) {
    const part = words.slice(from, from + batch);
    const region = d.smem.allocate(part.length * all, b.loc, 'moving values between invocations');
    const phase = d.smem.phase();
    for (const [i, w] of part.entries()) d.smem.store(b, region, phase, d.shift(d.tid, i * all), w);
    for (const i of part.keys()) out.push(d.smem.load(b, region, phase, d.shift(partner, i * all)));
  }
  return out;
}
