// Scans, tile to lane. Every element keeps the combination of the elements up to it inside its stretch of the axis; every stretch
// has a total. Taking up one index bit joins stretches by pairs: the elements of the later one get the total of the earlier
// one in front. Register bits cost no communication, invocation bits one shuffle, or one round through workgroup memory for up
// to four of them; what moves is totals only. With `reverse` the later element stands for the earlier one.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import type { Distributor } from './distribute.ts';
import { fromPartner } from './exchange.ts';
import { type Combine, choose, combineOf, exchanges, orderedSteps, pick, type State } from './folding.ts';
import { countOf } from './lane.ts';
import { isReg } from './layout.ts';
import type { Lowering } from './lowerings.ts';

export const SCAN: Lowering = {
  place: (p, op) => {
    const home = p.best(op.operands) ?? p.fallback(op.operands[0].type.shape);
    p.works(op, home.layout);
    for (const r of op.results) p.set(r, home);
  },
  emit: emitScan,
};

/** Totals have a register for each stretch: the register bits `left` that no step has taken up. */
interface Totals {
  readonly state: State;
  readonly left: readonly number[];
}

function emitScan(d: Distributor, op: Op): void {
  const layout = d.plan.working(op);
  const bits = layout.dims[Number(op.attrs.axis)];
  const combine = combineOf(d, op);
  const reverse = op.attrs.reverse === true;
  let scan: State = op.operands.map((x) => d.get(x, layout));
  let totals: Totals = {
    state: scan,
    left: layout.dims
      .flat()
      .filter(isReg)
      .sort((p, q) => p - q),
  };
  for (const step of orderedSteps(d, bits)) {
    if (step.kind === 'registers') [scan, totals] = joinRegisters(d, scan, totals, step.bit, combine, reverse);
    else if (step.kind === 'shuffle') [scan, totals] = joinNeighbours(d, scan, totals, step.lane, combine, reverse);
    else [scan, totals] = joinInvocations(d, scan, totals, step.lanes, combine, reverse);
  }
  op.results.forEach((r, i) => void d.hold(r, layout, scan[i]));
}

/** The total's register for register `r` of the elements. */
const totalOf = (r: number, left: readonly number[]): number => left.reduce((acc, bit, i) => acc | (((r >> bit) & 1) << i), 0);

function joinRegisters(d: Distributor, scan: State, t: Totals, bit: number, combine: Combine, reverse: boolean): [State, Totals] {
  const n = countOf(scan[0]);
  const left = t.left.filter((x) => x !== bit);
  const at = t.left.indexOf(bit);
  const low = Array.from({ length: countOf(t.state[0]) }, (_, r) => r).filter((r) => !((r >> at) & 1));
  const [first, second] = [low, low.map((r) => r | (1 << at))].map((which) => choose(d, t.state, which));
  const [earlier, later] = reverse ? [second, first] : [first, second];
  const late = Array.from({ length: n }, (_, r) => r).filter((r) => (((r >> bit) & 1) === 1) !== reverse);
  const before = choose(
    d,
    earlier,
    late.map((r) => totalOf(r, left)),
  );
  const joined = combine(before, choose(d, scan, late));
  const out = scan.map((x, k) => {
    const vals = d.b.scalars(x);
    late.forEach((r, i) => void (vals[r] = d.b.at(joined[k], i)));
    return d.b.pack(vals);
  });
  return [out, { state: combine(earlier, later), left }];
}

/** Puts `before` in front of the elements of each stretch, in the invocations where `late` holds. */
function prepend(d: Distributor, scan: State, before: Totals, late: Value, combine: Combine): State {
  const which = Array.from({ length: countOf(scan[0]) }, (_, r) => totalOf(r, before.left));
  return pick(d, late, combine(choose(d, before.state, which), scan), scan);
}

function joinNeighbours(
  d: Distributor,
  scan: State,
  t: Totals,
  lane: number,
  combine: Combine,
  reverse: boolean,
): [State, Totals] {
  const other = t.state.map((s) => fromPartner(d, s, 1 << lane));
  const zero = d.b.pure('lane_is_zero', [d.tid], { bits: 1 << lane });
  const late = reverse ? zero : d.b.scalarOp('not', [zero]);
  const total = combine(pick(d, late, other, t.state), pick(d, late, t.state, other));
  return [prepend(d, scan, { state: other, left: t.left }, late, combine), { state: total, left: t.left }];
}

function joinInvocations(
  d: Distributor,
  scan: State,
  t: Totals,
  lanes: readonly number[],
  combine: Combine,
  reverse: boolean,
): [State, Totals] {
  const { b } = d;
  const size = 1 << lanes.length;
  const order = Array.from({ length: size }, (_, c) => (reverse ? size - 1 - c : c));
  // The place of this invocation among those that exchange.
  const me = d.gather(lanes.map((l, i) => [l, i] as const))!;
  const isMe = (c: number): Value => b.scalarOp('eq', [me, b.i32(c)]);
  const before: Value[][] = t.state.map(() => []);
  const total: Value[][] = t.state.map(() => []);
  exchanges(d, t.state, lanes, ({ count, part }) => {
    for (let r = 0; r < count; r++) {
      let acc = part(r, order[0]);
      let mine = acc;
      for (const c of order.slice(1)) {
        if (c !== order[1]) mine = pick(d, isMe(c), acc, mine);
        acc = combine(acc, part(r, c));
      }
      mine.forEach((x, i) => void before[i].push(b.at(x, 0)));
      acc.forEach((x, i) => void total[i].push(b.at(x, 0)));
    }
  });
  const late = b.scalarOp('not', [isMe(order[0])]);
  const packed = (vals: readonly Value[][]): State => vals.map((v) => b.pack(v));
  return [prepend(d, scan, { state: packed(before), left: t.left }, late, combine), { state: packed(total), left: t.left }];
}
