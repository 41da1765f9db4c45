// What each op without regions does on the machine: a closure over register numbers. Ops with an `eval`, `combine` or `region` in their
// row need nothing here; the table at the end holds the rest. Types have been checked; this file refuses to know regions.

import type { Op } from '../../dsl/ir/ir.ts';
import { round } from '../../dsl/numerics.ts';
import { hasTrait, rowOf } from '../../dsl/ops/index.ts';
import type { Num } from '../../dsl/ops/row.ts';
import { dtypeOf, numel, type Type } from '../../dsl/types.ts';
import { ATOMIC_MAKERS } from './atomicOps.ts';
import { checkDivision, checkOverflow } from './checks.ts';
import { stop } from './errors.ts';
import { fold } from './folds.ts';
import { INLINE_MAKERS } from './inlineOps.ts';
import { addptrLoop, elementLoop } from './loops.ts';
import type { Exec, Machine } from './machine.ts';
import { type Maker, type Makers, type SlotOf, unary } from './maker.ts';
import { memoryOp } from './memory.ts';
import { RUN } from './messages.ts';
import { ORDER_MAKERS } from './orderOps.ts';
import { printLine, printNum } from './print.ts';
import { SHAPE_MAKERS } from './shapeOps.ts';
import { dot, sameElements } from './tiles.ts';
import { coordinates, fill, type Store } from './values.ts';

/** Index of the first lane where `cond` is 0 and `mask` (if any) is not, or -1. */
function firstFalse(cond: Store, mask: Store | undefined): number {
  for (let i = 0; i < cond.length; i++) if (!cond[i] && (!mask || mask[i])) return i;
  return -1;
}
const countFalse = (cond: Store, mask: Store | undefined): number => {
  let n = 0;
  for (let i = 0; i < cond.length; i++) if (!cond[i] && (!mask || mask[i])) n++;
  return n;
};

const load: Maker = (op, slot) => {
  const [ptr, mask, other] = op.operands;
  const run = memoryOp('load', ptr.type, numel(ptr.type.shape), mask !== undefined, other !== undefined, op.loc);
  const [o, p] = [slot(op.results[0]), slot(ptr)];
  const m = mask && slot(mask);
  const x = other && slot(other);
  return ({ regs, regions, pid }) =>
    void run(regions, regs[o], regs[p], m === undefined ? undefined : regs[m], x === undefined ? undefined : regs[x], pid);
};
const store: Maker = (op, slot) => {
  const [ptr, value, mask] = op.operands;
  const run = memoryOp('store', ptr.type, numel(ptr.type.shape), mask !== undefined, false, op.loc);
  const [p, v] = [slot(ptr), slot(value)];
  const m = mask && slot(mask);
  return ({ regs, regions, pid }) => void run(regions, regs[v], regs[p], m === undefined ? undefined : regs[m], undefined, pid);
};

const print: Maker = (op, slot) => {
  const slots = op.operands.map(slot);
  const prefix = String(op.attrs.prefix ?? '');
  const hex = op.attrs.hex === true;
  const shape = op.operands[0]?.type.shape ?? [];
  const n = numel(shape);
  return (m) => {
    if (slots.length === 0) m.print(printLine(m.pid, [], prefix, ''));
    for (const [k, s] of slots.entries()) {
      const d = dtypeOf(op.operands[k].type);
      const which = slots.length > 1 ? k : undefined;
      for (let i = 0; i < n; i++) m.print(printLine(m.pid, coordinates(shape, i), prefix, printNum(d, m.regs[s][i], hex), which));
    }
    return undefined;
  };
};

const assert: Maker = (op, slot) => {
  const [c, k] = op.operands;
  const [cs, ks] = [slot(c), k && slot(k)];
  return ({ regs, pid }) => {
    const mask = ks === undefined ? undefined : regs[ks];
    const bad = firstFalse(regs[cs], mask);
    if (bad < 0) return undefined;
    const lane = coordinates(c.type.shape, bad);
    return stop(
      op.loc,
      pid,
      RUN.assertFailed,
      String(op.attrs.msg ?? ''),
      pid,
      lane,
      countFalse(regs[cs], mask),
      regs[cs].length,
      mask !== undefined,
    );
  };
};

const assume: Maker = (op, slot) => {
  const c = slot(op.operands[0]);
  return ({ regs, pid }) => {
    const bad = firstFalse(regs[c], undefined);
    if (bad >= 0) stop(op.loc, pid, RUN.assumeFailed, pid, coordinates(op.operands[0].type.shape, bad));
    return undefined;
  };
};

const dotOp: Maker = (op, slot) => {
  const [a, b, acc] = op.operands;
  const f = dot(a.type, b.type, op.results[0].type);
  const [o, x, y] = [slot(op.results[0]), slot(a), slot(b)];
  const z = acc && slot(acc);
  return ({ regs }) => void f(regs[o], regs[x], regs[y], z === undefined ? undefined : regs[z]);
};

const addptr: Maker = (op, slot) => {
  const f = addptrLoop(op.operands[1].type);
  const [o, p, x] = [op.results[0], ...op.operands].map(slot);
  const n = numel(op.results[0].type.shape);
  return ({ regs }) => void f(regs[o], regs[p], regs[x], regs[x], n);
};

const axisOf = (op: Op): number => Number(op.attrs.axis ?? 0);

const MAKERS: Makers = {
  program_id: (op, slot) => {
    const [o, axis] = [slot(op.results[0]), axisOf(op)];
    return ({ regs, pid }) => void ((regs[o] as Int32Array)[0] = pid[axis]);
  },
  ...SHAPE_MAKERS,
  ...ORDER_MAKERS,
  ...ATOMIC_MAKERS,
  ...INLINE_MAKERS,
  addptr,
  load,
  store,
  dot: dotOp,
  device_print: print,
  device_assert: assert,
  // A program's ops run one after another here.
  debug_barrier: () => () => undefined,
  assume,
};

/** Values that are the same in every program of a launch: made once. */
const PREPARED: { readonly [op: string]: (op: Op, out: Store, m: Machine) => void } = {
  constant: (op, out) => {
    const { value } = op.attrs;
    fill(out, round(dtypeOf(op.results[0].type), typeof value === 'boolean' ? Number(value) : (value as Num)));
  },
  num_programs: (op, out, m) => fill(out, m.grid[axisOf(op)]),
  arange: (op, out) => {
    for (let i = 0; i < out.length; i++) out[i] = Number(op.attrs.start) + i;
  },
};

/** Fills in the result of an op that is the same in every program, or null for other ops. */
export function prepared(op: Op, slot: SlotOf): ((m: Machine) => void) | null {
  const f = PREPARED[op.name];
  if (!f) return null;
  const o = slot(op.results[0]);
  return (m) => f(op, m.regs[o], m);
}

/** The closure of an op without regions; `addresses` are the ops that `addressOps` found. Errors: TL5010 for an op that is not of the tile level. */
export function execute(op: Op, slot: SlotOf, addresses: ReadonlySet<Op>): Exec {
  const maker = MAKERS[op.name];
  if (maker) return maker(op, slot);
  const row = rowOf(op.name);
  if (row?.combine || row?.region) return fold(op, slot);
  if (row?.eval) return elementwise(op, slot, addresses);
  if (hasTrait(op.name, 'hint')) return unary(op, slot, sameElements);
  if (op.name in PREPARED) return () => undefined;
  return stop(op.loc, [], RUN.unsupported, op.name);
}

function elementwise(op: Op, slot: SlotOf, addresses: ReadonlySet<Op>): Exec {
  const types: Type[] = op.operands.map((v) => v.type);
  const to = op.results[0].type;
  const f = elementLoop(op.name, rowOf(op.name)!, types, to, op.attrs);
  const o = slot(op.results[0]);
  const [a, b = a, c = a] = op.operands.map(slot);
  const n = numel(to.shape);
  const run = ({ regs }: Machine) => void f(regs[o], regs[a], regs[b], regs[c], n);
  if ((op.name === 'floordiv' || op.name === 'mod') && dtypeOf(to).is_int()) return checkDivision(op, b, run);
  return addresses.has(op) ? checkOverflow(op, { out: o, a, b }, run) : run;
}
