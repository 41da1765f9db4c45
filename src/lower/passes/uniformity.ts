// Uniformity analysis: which scalars WGSL's own uniformity analysis will accept as equal in all invocations of a workgroup.
// Comes in: a tile-level function. Goes out: for each value and each op, uniform or not. Arguments (uniform buffer), program
// ids, constants and loads from buffers that the kernel only reads are uniform at uniform addresses; loads from buffers that
// it also writes and everything reduced from a tile are not (workgroupUniformLoad makes them so; that is the back end's work).

import type { Block, Func, Op, Value } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { isTile } from '../../dsl/types.ts';
import { analyzePointers, flows } from './pointers.ts';

export interface Uniformity {
  /** The value is a scalar that WGSL sees as uniform. Tiles are spread over invocations and never are. */
  uniform(v: Value): boolean;
  /** The op stands in control flow that all invocations of the workgroup follow together: a barrier may stand beside it. */
  uniformControl(op: Op): boolean;
}

export interface UniformityOptions {
  /**
   * The back end broadcasts every condition and loop bound that is not uniform (`workgroupUniformLoad`): then all control flow
   * is uniform, and so are values that only depended on it.
   */
  readonly conditionsMadeUniform?: boolean;
}

/** Uniform values and control flow of a tile-level function. */
export function analyzeUniformity(func: Func, options: UniformityOptions = {}): Uniformity {
  const pointers = analyzePointers(func);
  const varying = new Set<Value>();
  const divergent = new Set<Op>();
  let changed = true;
  const mark = (v: Value): void => {
    if (!varying.has(v)) {
      varying.add(v);
      changed = true;
    }
  };

  /** A leaf's results vary if it mixes elements of a tile, reads what the kernel writes, or any operand varies. */
  function varies(op: Op): boolean {
    if (hasTrait(op.name, 'reads') && [...pointers.buffers(op.operands[0])].some((b) => pointers.written.has(b))) return true;
    return op.operands.some((o) => varying.has(o) || isTile(o.type));
  }
  function visit(block: Block, diverged: boolean): void {
    if (diverged) block.args.forEach(mark);
    for (const op of block.ops) {
      if (diverged) divergent.add(op);
      if (!op.regions.length) {
        if (diverged || varies(op) || op.results.some((r) => isTile(r.type))) op.results.forEach(mark);
        continue;
      }
      for (const [from, to] of flows(op)) if (varying.has(from) || isTile(to.type)) mark(to);
      const inside = diverged || (!options.conditionsMadeUniform && conditions(op).some((c) => varying.has(c)));
      if (inside) op.results.forEach(mark);
      for (const r of op.regions) visit(r, inside);
    }
  }
  while (changed) {
    changed = false;
    visit(func.body, false);
  }
  return { uniform: (v) => !varying.has(v), uniformControl: (op) => !divergent.has(op) };
}

/** The scalars that decide how often the regions of a control op run. */
function conditions(op: Op): readonly Value[] {
  if (op.name === 'if') return [op.operands[0]];
  if (op.name === 'for') return op.operands.slice(0, 3);
  return op.regions[0].ops.at(-1)?.operands ?? [];
}
