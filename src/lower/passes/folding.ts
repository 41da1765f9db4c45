// What reductions and scans share at lane level: the state that is combined, the combining step on registers, and how the bits of
// the axis are taken up. An axis of 2^m elements has m index bits, each held by a register bit or an invocation bit. Taking them
// up from the lowest to the highest always combines neighbouring stretches, so that left stays left of right; a step that
// commutes may take them up in any order.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { rowOf } from '../../dsl/ops/index.ts';
import { DTYPES, dtypeOf } from '../../dsl/types.ts';
import type { Distributor } from './distribute.ts';
import { callRegion } from './distributeElement.ts';
import { subgroupBits } from './exchange.ts';
import { countOf, type Regs } from './lane.ts';
import { type Bit, isLane, isReg, type Layout, laneBit, regCount, regOffset } from './layout.ts';
import type { Region } from './workgroupMemory.ts';

/** The registers of what is combined: one entry an operand, all of one count. */
export type State = readonly Regs[];
/** `a` stands before `b` on the axis. */
export type Combine = (a: State, b: State) => State;

/** Steps over the bits of an axis. `bits` of a memory step are at most four. */
export type Step =
  | { readonly kind: 'registers'; readonly bit: number }
  | { readonly kind: 'shuffle'; readonly lane: number }
  | { readonly kind: 'memory'; readonly lanes: readonly number[] };

/** The combining step of an op: its region, or the row that its own row names. */
export function combineOf(d: Distributor, op: Op): Combine {
  const { b } = d;
  const row = rowOf(op.name)!;
  const [region] = op.regions;
  if (region) return (a, c) => callRegion(d, region, [...a, ...c]);
  const type = dtypeOf(op.operands[0].type);
  const name = row.combine!;
  if (!row.index) return ([p], [q]) => [b.elementwise(name, [p, q], {}, type)];
  const { bool, i32 } = DTYPES;
  const both = (op2: 'and' | 'or', x: Regs, y: Regs): Regs => b.elementwise(op2, [x, y], {}, bool);
  const test = (op2: string, x: Regs, y: Regs): Regs => b.elementwise(op2, [x, y], {}, bool);
  return ([av, ai], [bv, bi]) => {
    const lower = test('lt', bi, ai);
    let better = test(name, bv, av);
    let tie = both('and', test('eq', bv, av), lower);
    if (type.is_floating()) {
      // NaN is worse than any number; among NaN the first counts.
      const [an, bn] = [av, bv].map((x) => test('ne', x, x));
      better = both('or', better, both('and', an, b.elementwise('not', [bn], {}, bool)));
      tie = both('or', tie, both('and', both('and', an, bn), lower));
    }
    const take = both('or', better, tie);
    return [b.elementwise('where', [take, bv, av], {}, type), b.elementwise('where', [take, bi, ai], {}, i32)];
  };
}

/** The steps that take up the bits of an axis in their order. */
export function orderedSteps(d: Distributor, bits: readonly Bit[]): Step[] {
  const inSubgroup = subgroupBits(d);
  const steps: Step[] = [];
  for (const bit of bits) {
    const last = steps.at(-1);
    if (isReg(bit)) steps.push({ kind: 'registers', bit });
    else if (!isLane(bit)) continue;
    else if (laneBit(bit) < inSubgroup) steps.push({ kind: 'shuffle', lane: laneBit(bit) });
    else if (last?.kind === 'memory' && last.lanes.length < 4)
      steps[steps.length - 1] = { kind: 'memory', lanes: [...last.lanes, laneBit(bit)] };
    else steps.push({ kind: 'memory', lanes: [laneBit(bit)] });
  }
  return steps;
}
/**
 * A layout for taking up an axis in order: with its register bits below its invocation bits, so that an invocation exchanges one
 * total and not one for each of its stretches. Moving the tile there costs about two totals a register.
 */
export function inOrder(layout: Layout, axis: number): Layout {
  const bits = layout.dims[axis];
  const firstLane = bits.findIndex(isLane);
  const above = firstLane < 0 ? 0 : bits.slice(firstLane).filter(isReg).length;
  if (above < 2) return layout;
  const sorted = [...bits.filter(isReg), ...bits.filter((b) => !isReg(b))];
  return { dims: layout.dims.map((d, i) => (i === axis ? sorted : d)) };
}

/** The steps of a combination that commutes: first what costs least. */
export function cheapestSteps(d: Distributor, bits: readonly Bit[]): Step[] {
  const regs = bits.filter(isReg).sort((p, q) => q - p);
  const lanes = bits.filter(isLane).sort((p, q) => p - q);
  return [...regs.map((bit): Step => ({ kind: 'registers', bit })), ...orderedSteps(d, lanes)];
}

/** The index along the axis of every register's element. */
export function axisIndex(d: Distributor, layout: Layout, axis: number): Regs {
  const n = regCount(layout);
  const lanes = d.laneIndex(layout, axis);
  const consts = d.b.pack(Array.from({ length: n }, (_, r) => d.b.i32(regOffset(layout, axis, r))));
  return lanes ? d.b.elementwise('add', [d.b.splat(lanes, n), consts], {}, DTYPES.i32) : consts;
}

/** Some of the registers, in the order of `which`. */
export const choose = (d: Distributor, s: State, which: readonly number[]): State =>
  s.map((x) => d.b.pack(which.map((r) => d.b.at(x, r))));
/** `x` where the scalar condition holds, else `y`, register for register. */
export const pick = (d: Distributor, cond: Value, x: State, y: State): State =>
  x.map((regs, k) => ({ width: regs.width, vals: regs.vals.map((v, i) => d.b.pure('pick', [cond, v, y[k].vals[i]])) }));

/** Partial results of all invocations in workgroup memory, a batch of registers at a time. */
export interface Exchange {
  /** First register of the batch and how many it has. */
  readonly first: number;
  readonly count: number;
  /** Register r of the batch (as one-register state) of the invocation whose exchanged bits are `c`. */
  part(r: number, c: number): State;
}
/** Writes the state so that invocations that differ in `lanes` can read each other's, in batches that fit. */
export function exchanges(d: Distributor, state: State, lanes: readonly number[], use: (x: Exchange) => void): void {
  const { b } = d;
  const all = 1 << d.plan.lanes;
  const n = countOf(state[0]);
  const words = state.map((s) => (dtypeOf(s.vals[0].type).bits === 64 ? 2 : 1));
  const perReg = words.reduce((p, q) => p + q, 0) * all;
  const batch = Math.max(1, Math.min(n, Math.floor(Math.min(d.smem.limitWords, 4096) / perReg)));
  const maskBits = lanes.reduce((m, l) => m | (1 << l), 0);
  const keptBits = Array.from({ length: d.plan.lanes }, (_, i) => i).filter((i) => !((maskBits >> i) & 1));
  const base = d.gather(keptBits.map((i) => [i, i] as const)) ?? b.i32(0);
  for (let first = 0; first < n; first += batch) {
    const count = Math.min(batch, n - first);
    const region: Region = d.smem.allocate(perReg * count, b.loc, 'a reduction');
    const phase = d.smem.phase();
    for (let r = 0; r < count; r++) {
      let k = 0;
      for (const s of state)
        for (const w of d.toWords(b.at(s, first + r))) d.smem.store(b, region, phase, d.shift(d.tid, r * perReg + k++ * all), w);
    }
    use({
      first,
      count,
      part: (r, c) => {
        const from = lanes.reduce((m, l, i) => m | (((c >> i) & 1) << l), 0);
        let k = 0;
        return state.map((s, i): Regs => {
          const ws = Array.from({ length: words[i] }, () =>
            d.smem.load(b, region, phase, d.shift(base, from + r * perReg + k++ * all)),
          );
          return { width: 1, vals: [d.fromWords(ws, dtypeOf(s.vals[0].type))] };
        });
      },
    });
  }
}
