// Where pointers point: the set of buffers that each pointer value may address, and which buffers a function reads and
// writes. Comes in: a tile-level function. Goes out: sets of buffer numbers (Param.buffer). Parameters of one number may
// overlap anywhere; different numbers never do. Offsets are not looked at.

import { type Block, type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { isPtr } from '../../dsl/types.ts';

export type Buffers = ReadonlySet<number>;
export interface Pointers {
  /** Buffers that a pointer may point into. */
  buffers(pointer: Value): Buffers;
  readonly read: Buffers;
  readonly written: Buffers;
  /** Buffers that the ops of a block (nested ones too) may write. */
  writtenIn(block: Block): Buffers;
}

/** Values that flow into the results and region arguments of a control op: pairs (from, to). */
export function flows(op: Op): readonly (readonly [Value, Value])[] {
  const [first, second] = op.regions;
  const end = (b: Block) => b.ops.at(-1)?.operands ?? [];
  const zip = (from: readonly Value[], to: readonly Value[]) => from.slice(0, to.length).map((f, i) => [f, to[i]] as const);
  switch (op.name) {
    case 'if':
      return [...zip(end(first), op.results), ...(second ? zip(end(second), op.results) : [])];
    case 'for': {
      const [, , , ...init] = op.operands;
      const carried = first.args.slice(1);
      return [...zip(init, carried), ...zip(end(first), carried), ...zip(carried, op.results)];
    }
    case 'while':
      return [
        ...zip(op.operands, first.args),
        ...zip(end(second), first.args),
        ...zip(first.args, second.args),
        ...zip(first.args, op.results),
      ];
    default:
      return [];
  }
}

/** Buffers behind every pointer of a tile-level function. */
export function analyzePointers(func: Func): Pointers {
  const sets = new Map<Value, Set<number>>();
  func.params.forEach((p, i) => {
    // A pointer without a buffer number has one of its own, below all given numbers.
    if (isPtr(p.value.type)) sets.set(p.value, new Set([p.buffer ?? -1 - i]));
  });
  let changed = true;
  const flow = (from: Value, to: Value): void => {
    if (!isPtr(to.type)) return;
    const target = sets.get(to) ?? new Set<number>();
    const before = target.size;
    for (const b of sets.get(from) ?? []) target.add(b);
    sets.set(to, target);
    if (target.size !== before) changed = true;
  };
  while (changed) {
    changed = false;
    walk(func.body, (op) => {
      for (const [from, to] of flows(op)) flow(from, to);
      if (!op.regions.length) for (const r of op.results) for (const o of op.operands) if (isPtr(o.type)) flow(o, r);
    });
  }
  const buffers = (v: Value): Buffers => sets.get(v) ?? new Set();
  const touched = (block: Block, trait: 'reads' | 'writes'): Buffers => {
    const out = new Set<number>();
    walk(block, (op) => {
      if (hasTrait(op.name, trait)) for (const b of buffers(op.operands[0])) out.add(b);
    });
    return out;
  };
  return {
    buffers,
    read: touched(func.body, 'reads'),
    written: touched(func.body, 'writes'),
    writtenIn: (b) => touched(b, 'writes'),
  };
}
