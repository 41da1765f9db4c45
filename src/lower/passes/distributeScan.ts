// Scans, tile to lane. Every element keeps the combination of the elements up to it inside its stretch of the axis; every stretch
// has a total. Taking up one index bit joins stretches by pairs: the elements of the later one get the total of the earlier
// one in front. Register bits cost no communication, invocation bits one shuffle, or one round through workgroup memory for up
// to four of them; what moves is totals only. With `reverse` the later element stands for the earlier one.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import type { Distributor } from './distribute.ts';
import { fromPartner } from './exchange.ts';
import { type Combine, choose, combineOf, exchanges, inOrder, orderedSteps, pick, type State, type Step } from './folding.ts';
import { countOf } from './lane.ts';
import { isReg } from './layout.ts';
import type { Lowering } from './lowerings.ts';

export const SCAN: Lowering = {
  place: (p, op) => {
    const from = p.best(op.operands) ?? p.fallback(op.operands[0].type.shape);
    const home = { layout: inOrder(from.layout, Number(op.attrs.axis)), rank: from.rank };
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
/** What a step needs besides the state. */
interface Scan {
  readonly d: Distributor;
  readonly combine: Combine;
  readonly reverse: boolean;
}
type LaneStep = Exclude<Step, { readonly kind: 'registers' }>;

function emitScan(d: Distributor, op: Op): void {
  const layout = d.plan.working(op);
  const cx: Scan = { d, combine: combineOf(d, op), reverse: op.attrs.reverse === true };
  let scan: State = op.operands.map((x) => d.get(x, layout));
  const left = layout.dims
    .flat()
    .filter(isReg)
    .sort((p, q) => p - q);
  let totals: Totals = { state: scan, left };
  const steps = orderedSteps(d, layout.dims[Number(op.attrs.axis)]);
  while (steps.length) {
    const step = steps.shift() as Step;
    if (step.kind === 'registers') {
      [scan, totals] = joinRegisters(cx, scan, totals, step.bit);
      continue;
    }
    const run: LaneStep[] = [step];
    while (steps.length && steps[0].kind !== 'registers') run.push(steps.shift() as LaneStep);
    [scan, totals] = joinInvocations(cx, scan, totals, run);
  }
  op.results.forEach((r, i) => void d.hold(r, layout, scan[i]));
}

/** The total's register for register `r` of the elements. */
const totalOf = (r: number, left: readonly number[]): number => left.reduce((acc, bit, i) => acc | (((r >> bit) & 1) << i), 0);

function joinRegisters({ d, combine, reverse }: Scan, scan: State, t: Totals, bit: number): [State, Totals] {
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

/** Where an invocation stands behind another one in the bits `lanes`: it is not the first of them. */
function behind({ d, reverse }: Scan, lanes: readonly number[]): Value {
  const { b } = d;
  if (!reverse) return b.scalarOp('not', [b.pure('lane_is_zero', [d.tid], { bits: lanes.reduce((m, l) => m | (1 << l), 0) })]);
  return b.scalarOp('ne', [place(d, lanes), b.i32((1 << lanes.length) - 1)]);
}
/** Bits of the invocation's id as a number. */
const place = (d: Distributor, lanes: readonly number[]): Value => d.gather(lanes.map((l, i) => [l, i] as const))!;

/** Joins stretches that invocations hold, step by step, and puts what came before in front of the elements once at the end. */
function joinInvocations(cx: Scan, scan: State, t: Totals, run: readonly LaneStep[]): [State, Totals] {
  const { d, combine } = cx;
  let total = t.state;
  // The combination of all earlier invocations; of no meaning in the first one.
  let before: State | undefined;
  const done: number[] = [];
  for (const step of run) {
    const lanes = step.kind === 'shuffle' ? [step.lane] : step.lanes;
    const joined = step.kind === 'shuffle' ? neighbours(cx, total, step.lane) : exchanged(cx, total, step.lanes);
    const { earlier } = joined;
    total = joined.total;
    if (before) {
      const both = pick(d, behind(cx, done), combine(earlier, before), earlier);
      before = pick(d, behind(cx, lanes), both, before);
    } else before = earlier;
    done.push(...lanes);
  }
  const which = Array.from({ length: countOf(scan[0]) }, (_, r) => totalOf(r, t.left));
  const out = pick(d, behind(cx, done), combine(choose(d, before as State, which), scan), scan);
  return [out, { state: total, left: t.left }];
}

/** Totals of the invocations before this one in the step's bits (if it is not the first), and of all of them. */
interface Joined {
  readonly earlier: State;
  readonly total: State;
}
function neighbours(cx: Scan, total: State, lane: number): Joined {
  const { d } = cx;
  const other = total.map((s) => fromPartner(d, s, 1 << lane));
  const late = behind(cx, [lane]);
  return { earlier: other, total: cx.combine(pick(d, late, other, total), pick(d, late, total, other)) };
}
function exchanged({ d, combine, reverse }: Scan, state: State, lanes: readonly number[]): Joined {
  const { b } = d;
  const size = 1 << lanes.length;
  const order = Array.from({ length: size }, (_, c) => (reverse ? size - 1 - c : c));
  const me = place(d, lanes);
  const earlier: Value[][] = state.map(() => []);
  const total: Value[][] = state.map(() => []);
  exchanges(d, state, lanes, ({ count, part }) => {
    for (let r = 0; r < count; r++) {
      let acc = part(r, order[0]);
      let mine = acc;
      for (const c of order.slice(1)) {
        if (c !== order[1]) mine = pick(d, b.scalarOp('eq', [me, b.i32(c)]), acc, mine);
        acc = combine(acc, part(r, c));
      }
      mine.forEach((x, i) => void earlier[i].push(b.at(x, 0)));
      acc.forEach((x, i) => void total[i].push(b.at(x, 0)));
    }
  });
  const packed = (vals: readonly Value[][]): State => vals.map((v) => b.pack(v));
  return { earlier: packed(earlier), total: packed(total) };
}
