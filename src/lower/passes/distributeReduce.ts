// Reductions, tile to lane: registers first (pairwise, so sums lose little), then invocations of a subgroup by shuffles where
// the device has them, the rest through workgroup memory in rounds of up to 16. The order is fixed, and every invocation ends
// with the same bits. Which op combines, and whether an index is carried along, is the row's knowledge.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { rowOf } from '../../dsl/ops/index.ts';
import { DTYPES, dtypeOf, isTile } from '../../dsl/types.ts';
import type { Distributor } from './distribute.ts';
import { subgroupBits } from './exchange.ts';
import { countOf, type Regs, widthFor } from './lane.ts';
import { dropDim, isLane, isReg, type Layout, laneBit, regCount, regOffset, SCALAR } from './layout.ts';

/** The carried registers of a reduction: the value, and the index where one is asked for. */
type State = readonly Regs[];
type Combine = (a: readonly Value[], b: readonly Value[]) => Value[];

export function emitReduction(d: Distributor, op: Op): void {
  const { b } = d;
  const [x] = op.operands;
  const [result] = op.results;
  const row = rowOf(op.name)!;
  const axis = Number(op.attrs.axis);
  const layout = d.plan.working(op);
  const bits = layout.dims[axis];
  const combine: Combine = row.index
    ? ([av, ai], [bv, bi]) => {
        const better = b.scalarOp(row.combine!.op, [bv, av]);
        const tie = b.scalarOp('and', [b.scalarOp('eq', [bv, av]), b.scalarOp('lt', [bi, ai])]);
        const take = b.scalarOp('or', [better, tie]);
        return [b.scalarOp('where', [take, bv, av]), b.scalarOp('where', [take, bi, ai])];
      }
    : ([p], [q]) => [b.scalarOp(row.combine!.op, [p, q])];

  let state: State = [d.get(x, layout)];
  if (row.index) state = [state[0], axisIndex(d, layout, axis)];
  const regBits = bits.filter(isReg).sort((p, q) => q - p);
  for (const bit of regBits) state = foldRegisters(d, state, bit, combine);
  // Whether a condition holds anywhere takes one flag.
  if (row.combine!.op === 'or' && !isTile(result.type) && bits.some(isLane)) {
    const [flag] = b.scalars(state[0]);
    d.hold(result, SCALAR, { width: 1, vals: [b.effect('any_uniform', [flag])] });
    return;
  }
  const lanes = bits
    .filter(isLane)
    .map(laneBit)
    .sort((p, q) => p - q);
  const inSubgroup = subgroupBits(d);
  for (const t of lanes.filter((l) => l < inSubgroup)) state = shuffle(d, state, 1 << t, combine);
  const rest = lanes.filter((l) => l >= inSubgroup);
  for (let i = 0; i < rest.length; i += 4) state = throughMemory(d, state, rest.slice(i, i + 4), combine);
  const out = state[state.length - 1];
  d.hold(result, isTile(result.type) ? dropDim(layout, axis).layout : SCALAR, out);
}

/** The index along the axis of every register's element. */
function axisIndex(d: Distributor, layout: Layout, axis: number): Regs {
  const n = regCount(layout);
  const lanes = d.laneIndex(layout, axis);
  const consts = d.b.pack(Array.from({ length: n }, (_, r) => d.b.i32(regOffset(layout, axis, r))));
  return lanes ? d.b.elementwise('add', [d.b.splat(lanes, n), consts], {}, DTYPES.i32) : consts;
}

/** Combines the registers that differ in one bit; higher registers move down. */
export function foldRegisters(d: Distributor, state: State, bit: number, combine: Combine): State {
  const n = countOf(state[0]);
  const width = Math.min(...state.map((r) => r.width));
  const without = Array.from({ length: n }, (_, r) => r).filter((r) => !((r >> bit) & 1));
  if (1 << bit >= width && state.every((r) => r.width === width)) {
    // Whole vectors pair up; the low bits of the register number are their components.
    const groups = without.filter((r) => r % width === 0).map((r) => r / width);
    const step = (1 << bit) / width;
    const parts = groups.map((g) =>
      combine(
        state.map((s) => s.vals[g]),
        state.map((s) => s.vals[g + step]),
      ),
    );
    return state.map((s, k) => regroup(d, { width: s.width, vals: parts.map((p) => p[k]) }));
  }
  const parts = without.map((r) =>
    combine(
      state.map((s) => d.b.at(s, r)),
      state.map((s) => d.b.at(s, r | (1 << bit))),
    ),
  );
  return state.map((_, k) => d.b.pack(parts.map((p) => p[k])));
}
/** A register count that no longer fills its vectors is a count of smaller ones. */
const regroup = (d: Distributor, r: Regs): Regs =>
  r.width === widthFor(dtypeOf(r.vals[0].type), countOf(r)) ? r : d.b.pack(d.b.scalars(r));

function shuffle(d: Distributor, state: State, mask: number, combine: Combine): State {
  const moved = state.map((s) => s.vals.map((v) => d.b.effect('shuffle_xor', [v], { mask })));
  const same = state.every((s) => s.width === state[0].width);
  if (same) {
    const parts = state[0].vals.map((_, g) =>
      combine(
        state.map((s) => s.vals[g]),
        moved.map((m) => m[g]),
      ),
    );
    return state.map((s, k) => ({ width: s.width, vals: parts.map((p) => p[k]) }));
  }
  const other = state.map((s, k): Regs => ({ width: s.width, vals: moved[k] }));
  return byScalars(d, state, other, combine);
}
function byScalars(d: Distributor, a: State, c: State, combine: Combine): State {
  const parts = Array.from({ length: countOf(a[0]) }, (_, r) =>
    combine(
      a.map((s) => d.b.at(s, r)),
      c.map((s) => d.b.at(s, r)),
    ),
  );
  return a.map((_, k) => d.b.pack(parts.map((p) => p[k])));
}

/** Folds invocation bits through workgroup memory: all write, all read the partial results that differ in those bits. */
function throughMemory(d: Distributor, state: State, lanes: readonly number[], combine: Combine): State {
  const { b } = d;
  const all = 1 << d.plan.lanes;
  const n = countOf(state[0]);
  const words = state.map((s) => (dtypeOf(s.vals[0].type).bits === 64 ? 2 : 1));
  const perReg = words.reduce((p, q) => p + q, 0) * all;
  // Batches of registers, so that the partial results fit.
  const batch = Math.max(1, Math.min(n, Math.floor(Math.min(d.smem.limitWords, 4096) / perReg)));
  const maskBits = lanes.reduce((m, l) => m | (1 << l), 0);
  const keptBits = Array.from({ length: d.plan.lanes }, (_, i) => i).filter((i) => !((maskBits >> i) & 1));
  const base = d.gather(keptBits.map((i) => [i, i] as const)) ?? b.i32(0);
  const out: Value[][] = state.map(() => []);
  for (let r0 = 0; r0 < n; r0 += batch) {
    const count = Math.min(batch, n - r0);
    const region = d.smem.allocate(perReg * count, b.loc, 'a reduction');
    const phase = d.smem.phase();
    for (let r = 0; r < count; r++) {
      let k = 0;
      for (const s of state)
        for (const w of d.toWords(b.at(s, r0 + r))) d.smem.store(b, region, phase, d.shift(d.tid, r * perReg + k++ * all), w);
    }
    for (let r = 0; r < count; r++) {
      let acc: Value[] | undefined;
      for (let c = 0; c < 1 << lanes.length; c++) {
        const from = lanes.reduce((m, l, i) => m | (((c >> i) & 1) << l), 0);
        let k = 0;
        const part = state.map((s, i) => {
          const ws = Array.from({ length: words[i] }, () =>
            d.smem.load(b, region, phase, d.shift(base, from + r * perReg + k++ * all)),
          );
          return d.fromWords(ws, dtypeOf(s.vals[0].type));
        });
        acc = acc ? combine(acc, part) : part;
      }
      acc!.forEach((v, i) => void out[i].push(v));
    }
  }
  return out.map((vals) => b.pack(vals));
}
