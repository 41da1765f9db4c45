// Reductions, tile to lane: registers by pairs (so that sums lose little), invocations of a subgroup by shuffles where the device
// has them, the rest through workgroup memory in rounds of up to 16. The order is fixed, and every invocation ends with the
// same bits. A function of the kernel gets its arguments in the order of the axis; rows that combine commute.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { rowOf } from '../../dsl/ops/index.ts';
import { dtypeOf, isTile } from '../../dsl/types.ts';
import type { Distributor } from './distribute.ts';
import { fromPartner } from './exchange.ts';
import {
  axisIndex,
  type Combine,
  cheapestSteps,
  choose,
  combineOf,
  exchanges,
  inOrder,
  orderedSteps,
  pick,
  type State,
  type Step,
} from './folding.ts';
import { countOf, type Regs, widthFor } from './lane.ts';
import { dropDim, isLane, SCALAR } from './layout.ts';
import type { Lowering } from './lowerings.ts';

export const REDUCTION: Lowering = {
  place: (p, op) => {
    const from = p.best(op.operands) ?? p.fallback(op.operands[0].type.shape);
    const axis = Number(op.attrs.axis);
    const working = op.regions.length ? inOrder(from.layout, axis) : from.layout;
    p.works(op, working);
    const { layout } = dropDim(working, axis);
    for (const r of op.results) if (isTile(r.type)) p.set(r, { layout, rank: from.rank });
  },
  emit: emitReduction,
};

function emitReduction(d: Distributor, op: Op): void {
  const { b } = d;
  const [result] = op.results;
  const row = rowOf(op.name)!;
  const axis = Number(op.attrs.axis);
  const layout = d.plan.working(op);
  const bits = layout.dims[axis];
  const combine = combineOf(d, op);
  const ordered = op.regions.length > 0;
  let state: State = op.operands.map((x) => d.get(x, layout));
  if (row.index) state = [state[0], axisIndex(d, layout, axis)];
  const steps = ordered ? orderedSteps(d, bits) : cheapestSteps(d, bits);
  // Whether a condition holds anywhere takes one flag.
  const flag = row.combine === 'or' && dtypeOf(result.type).is_bool() && !isTile(result.type) && bits.some(isLane);
  // Register bits that are left; the registers of the state are numbered by them.
  let left = layout.dims
    .flat()
    .filter((x) => x < 64)
    .sort((p, q) => p - q);
  for (const step of steps) {
    if (step.kind === 'registers') {
      state = foldRegisters(d, state, left.indexOf(step.bit), combine);
      left = left.filter((x) => x !== step.bit);
    } else if (!flag)
      state = step.kind === 'shuffle' ? shuffle(d, state, step.lane, combine, ordered) : throughMemory(d, state, step, combine);
  }
  if (flag) {
    const [any] = b.scalars(state[0]);
    d.hold(result, SCALAR, { width: 1, vals: [b.effect('any_uniform', [any])] });
    return;
  }
  const home = isTile(result.type) ? dropDim(layout, axis).layout : SCALAR;
  op.results.forEach((r, i) => void d.hold(r, home, state[i]));
}

/** Combines the registers that differ in one bit; higher registers move down. */
export function foldRegisters(d: Distributor, state: State, bit: number, combine: Combine): State {
  const n = countOf(state[0]);
  const width = Math.min(...state.map((r) => r.width));
  const low = Array.from({ length: n }, (_, r) => r).filter((r) => !((r >> bit) & 1));
  // Whole vectors pair up; the low bits of the register number are their components.
  if (1 << bit >= width)
    return combine(
      choose(d, state, low),
      choose(
        d,
        state,
        low.map((r) => r | (1 << bit)),
      ),
    ).map((r) => regroup(d, r));
  const parts = low.map((r) => combine(choose(d, state, [r]), choose(d, state, [r | (1 << bit)])));
  return state.map((_, k) => d.b.pack(parts.map((p) => d.b.at(p[k], 0))));
}
/** A register count that no longer fills its vectors is a count of smaller ones. */
const regroup = (d: Distributor, r: Regs): Regs =>
  r.width === widthFor(dtypeOf(r.vals[0].type), countOf(r)) ? r : d.b.pack(d.b.scalars(r));

function shuffle(d: Distributor, state: State, lane: number, combine: Combine, ordered: boolean): State {
  const other = state.map((s) => fromPartner(d, s, 1 << lane));
  if (!ordered) return combine(state, other);
  const first = d.b.pure('lane_is_zero', [d.tid], { bits: 1 << lane });
  return combine(pick(d, first, state, other), pick(d, first, other, state));
}

/** All write, all read the partial results that differ in the step's bits, in order. */
function throughMemory(d: Distributor, state: State, step: Step & { readonly kind: 'memory' }, combine: Combine): State {
  const out: Value[][] = state.map(() => []);
  exchanges(d, state, step.lanes, ({ count, part }) => {
    for (let r = 0; r < count; r++) {
      let acc = part(r, 0);
      for (let c = 1; c < 1 << step.lanes.length; c++) acc = combine(acc, part(r, c));
      acc.forEach((x, i) => void out[i].push(d.b.at(x, 0)));
    }
  });
  return out.map((vals) => d.b.pack(vals));
}
