// Removes lane ops whose results nobody uses. Comes in and goes out: lane IR. Loop-carried values stay, used or not: the tile
// passes have already removed those.

import { type Block, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { pass } from '../pass.ts';
import { laneRow } from './lane.ts';

export const laneDce = pass({
  name: 'laneDce',
  doc: 'No lane op is left whose result is unused.',
  run: (func) => ({ ...func, body: clean(func.body) }),
});

function clean(body: Block): Block {
  const makers = new Map<Value, Op>();
  const live = new Set<Op>();
  const work: Op[] = [];
  const keep = (op: Op): void => {
    if (live.has(op)) return;
    live.add(op);
    work.push(op);
  };
  walk(body, (op) => {
    for (const r of op.results) makers.set(r, op);
    const traits = laneRow(op.name)!.traits;
    const removable =
      traits.includes('pure') || (traits.includes('reads') && !traits.includes('effect')) || op.name === 'shuffle_xor';
    if (!removable) keep(op);
  });
  for (let op = work.pop(); op; op = work.pop())
    for (const o of op.operands) {
      const m = makers.get(o);
      if (m) keep(m);
    }
  const sweep = (b: Block): Block => ({
    args: b.args,
    ops: b.ops.filter((op) => live.has(op)).map((op) => (op.regions.length ? { ...op, regions: op.regions.map(sweep) } : op)),
  });
  return sweep(body);
}
