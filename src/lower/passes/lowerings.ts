// The table of what ops become at lane level, by name or by trait. Elementwise ops and ops with regions are not in it: the
// distributor does them from their rows. A family with lowerings of its own is a file distribute*.ts with a table like these,
// joined here.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { rowOf } from '../../dsl/ops/index.ts';
import type { Trait } from '../../dsl/ops/row.ts';
import { isTile } from '../../dsl/types.ts';
import type { Placement } from './assignLayouts.ts';
import type { Distributor } from './distribute.ts';
import { ATOMICS } from './distributeAtomic.ts';
import { emitDot } from './distributeDot.ts';
import { MAP } from './distributeElement.ts';
import { GATHERS } from './distributeGather.ts';
import { emitLog } from './distributeLog.ts';
import { emitLoad, emitStore } from './distributeMemory.ts';
import { REDUCTION } from './distributeReduce.ts';
import { SCAN } from './distributeScan.ts';
import { FLIPS, RELABELINGS, SOURCES } from './distributeShape.ts';
import { emitSort, placeSort } from './distributeSort.ts';
import type { Regs } from './lane.ts';
import type { Layout } from './layout.ts';

/** The registers of an operand in a layout. */
export type Get = (x: Value, layout: Layout) => Regs;

export interface Lowering {
  /** Chooses homes for the results and a working layout for the operands. Without it the layouts follow from traits. */
  readonly place?: (p: Placement, op: Op) => void;
  /** Emits the op once, where it stands, and holds its results. */
  readonly emit?: (d: Distributor, op: Op) => void;
  /** Makes a result on demand, in the layout that asks. */
  readonly make?: (d: Distributor, op: Op, layout: Layout, get: Get, result: Value) => Regs;
  /**
   * For ops that only say where elements are from now on: the home of a result, from the homes of the operands. Such a
   * result is never held; `make` asks for the operands in layouts that fit.
   */
  readonly relabel?: (op: Op, from: readonly (Layout | undefined)[], result: Value) => Layout | undefined;
}
export type Lowerings = { readonly [op: string]: Lowering };

const LOWERINGS: Lowerings = {
  ...SOURCES,
  ...RELABELINGS,
  ...FLIPS,
  ...GATHERS,
  sort: { place: placeSort, emit: emitSort },
  dot: { emit: emitDot },
  debug_barrier: { emit: (d) => void d.b.effect('barrier', [], { workgroup: true, storage: true }) },
  inline_wgsl: {
    place: (p, op) => {
      const [r] = op.results;
      if (isTile(r.type)) p.set(r, p.best(op.operands) ?? p.fallback(r.type.shape));
    },
  },
  // A fact for analyses.
  assume: { emit: () => undefined },
};

/** For ops without an entry of their own; the first trait that an op has counts. */
const BY_TRAIT: readonly (readonly [Trait, Lowering])[] = [
  ['atomic', ATOMICS],
  ['writes', { emit: emitStore }],
  [
    'reads',
    {
      emit: (d, op) => {
        const [r] = op.results;
        if (!isTile(r.type) || !d.plan.remat(r)) d.hold(r, d.layoutOf(r), emitLoad(d, op, d.layoutOf(r)));
      },
      make: emitLoad,
    },
  ],
  ['reduction', REDUCTION],
  ['scan', SCAN],
  ['element', MAP],
  // What talks to a person.
  ['effect', { emit: emitLog }],
  ['hint', { relabel: (_op, [x]) => x, make: (_d, op, layout, get) => get(op.operands[0], layout) }],
];
const NONE: Lowering = {};

/** How an op is lowered; empty for elementwise ops. */
export function loweringOf(op: Op): Lowering {
  const own = LOWERINGS[op.name];
  if (own) return own;
  const traits = rowOf(op.name)?.traits ?? [];
  return BY_TRAIT.find(([t]) => traits.includes(t))?.[1] ?? NONE;
}
