// Loop-invariant code motion. Needs: any level. Gives: what a loop computes from values of outside only is computed before
// it, once. Pure ops are always safe to run early. A load moves only out of a `for` loop that certainly runs, if the loop
// holds no store that may reach the same buffer. Never moves stores, prints, or anything out of an `if`.

import { type Block, type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { rebuild } from '../../dsl/ir/rewrite.ts';
import { type Pass, type PassContext, pass } from '../pass.ts';
import { analyzePointers, type Pointers } from './pointers.ts';
import { analyzeRanges, type Ranges } from './ranges.ts';

/** The loop's first round certainly runs. */
function certainlyRuns(loop: Op, ranges: Ranges): boolean {
  if (loop.name !== 'for') return false;
  const [lo, hi, step] = [0, 1, 2].map((i) => ranges.operand(loop, i));
  if (!lo || !hi || !step) return false;
  return step.lo > 0n ? lo.hi < hi.lo : step.hi < 0n && lo.lo > hi.hi;
}

/** Ops of the loop's regions that may run before it, in order. */
function invariants(loop: Op, pointers: Pointers, ranges: Ranges, eager: boolean, cx: PassContext): readonly Op[] {
  const inside = new Set<Value>();
  const collect = (b: Block): void => b.args.forEach((a) => void inside.add(a));
  for (const r of loop.regions) {
    collect(r);
    walk(r, (op) => {
      op.regions.forEach(collect);
      for (const v of op.results) inside.add(v);
    });
  }
  const written = new Set(loop.regions.flatMap((r) => [...pointers.writtenIn(r)]));
  // An atomic operation may wait for what other programs write: nothing is read ahead of it.
  let waits = false;
  for (const r of loop.regions)
    walk(r, (op) => {
      if (cx.rows(op.name)?.traits.includes('atomic')) waits = true;
    });
  const loads = !waits && certainlyRuns(loop, ranges);
  const movable = (op: Op): boolean => {
    const traits = cx.rows(op.name)?.traits ?? [];
    if (op.regions.length || op.operands.some((o) => inside.has(o))) return false;
    if (traits.includes('pure')) return true;
    // One element, whatever the loop does: where reads are checked, it costs nothing to have read it in vain.
    const one = eager && !waits && op.operands.length === 1 && !op.results[0]?.type.shape.length;
    return (loads || one) && traits.includes('reads') && ![...pointers.buffers(op.operands[0])].some((b) => written.has(b));
  };
  const out: Op[] = [];
  for (const r of loop.regions)
    for (const op of r.ops) {
      if (!movable(op)) continue;
      out.push(op);
      for (const v of op.results) inside.delete(v);
    }
  return out;
}

const motion = (name: string, doc: string, eager: boolean): Pass =>
  pass({
    name,
    doc,
    run(func, cx): Func {
      // One loop level a sweep: what leaves an inner loop may leave the outer one next.
      for (let current = func; ; ) {
        const pointers = analyzePointers(current);
        const ranges = analyzeRanges(current);
        const moved = new Set<Op>();
        current = rebuild(
          current,
          (op, rw) => {
            if (moved.has(op)) return;
            if (op.name === 'for' || op.name === 'while') {
              for (const m of invariants(op, pointers, ranges, eager, cx)) {
                moved.add(m);
                cx.fired('invariant', m.loc);
                rw.copy(m);
              }
            }
            rw.copy(op);
          },
          cx.rows,
        );
        if (!moved.size) return current;
      }
    },
  });

export const licm = motion('licm', 'computes before a loop what does not change in it', false);
/** For devices that check the bounds of reads. */
export const licmScalars = motion('licmScalars', 'reads single elements before a loop, even one that may not run', true);
