// Dead code elimination. Needs: any level. Gives: every op that is left has an effect, a result that something with an effect
// depends on, or holds such an op; carried values of loops and results of branches that nobody reads are gone. Never removes
// a store, print or assertion, nor a `while`: it may not end, and then what follows it must not run.

import type { RowLookup } from '../../dsl/ir/build.ts';
import type { Block, Func, Op, Value } from '../../dsl/ir/ir.ts';
import { type Rewriter, rebuild } from '../../dsl/ir/rewrite.ts';
import { pass } from '../pass.ts';

/** Whether running the op matters by itself, whoever uses its results. */
function hasEffect(op: Op, rows: RowLookup): boolean {
  const traits = rows(op.name)?.traits ?? [];
  if (op.name === 'while') return true;
  if (traits.includes('control')) return op.regions.some((r) => r.ops.some((o) => hasEffect(o, rows)));
  return !['pure', 'reads', 'terminator'].some((t) => traits.includes(t as 'pure')) || traits.includes('effect');
}

/** The values that ops with an effect depend on. Backwards, until carried values bring nothing new. */
function liveValues(func: Func, rows: RowLookup): ReadonlySet<Value> {
  const live = new Set<Value>();
  const mark = (vs: readonly Value[]): void => vs.forEach((v) => void live.add(v));
  const visit = (block: Block): void => {
    for (const op of [...block.ops].reverse()) {
      if (op.name === 'condition') mark(op.operands);
      if (rows(op.name)?.traits.includes('terminator')) continue;
      if (!hasEffect(op, rows) && !op.results.some((r) => live.has(r))) continue;
      if (!op.regions.length) {
        mark(op.operands);
        continue;
      }
      if (rows(op.name)?.region) {
        mark(op.operands);
        for (const r of op.regions) {
          mark(r.ops.at(-1)?.operands ?? []);
          visit(r);
        }
        continue;
      }
      const { bounds, init, groups } = carriedOf(op);
      mark(bounds);
      groups.forEach((group, i) => void (carriedLives(op, i, live) && mark([...group, ...init.slice(i, i + 1)])));
      for (const r of op.regions) visit(r);
    }
  };
  for (let size = -1; size !== live.size; ) {
    size = live.size;
    visit(func.body);
  }
  return live;
}

/** What a control op always reads, what its carried values start from, and per result all values that stand for it. */
function carriedOf(op: Op): { bounds: readonly Value[]; init: readonly Value[]; groups: readonly (readonly Value[])[] } {
  const skip = op.name === 'for' ? 3 : op.name === 'if' ? 1 : 0;
  const groups = op.results.map((result, i) => {
    const values = [result];
    for (const r of op.regions) {
      const arg = r.args[op.name === 'for' ? i + 1 : i];
      const end = r.ops.at(-1);
      if (arg) values.push(arg);
      if (end?.name === 'yield') values.push(end.operands[i]);
    }
    return values;
  });
  return { bounds: op.operands.slice(0, skip), init: op.operands.slice(skip), groups };
}

/** A yielded value keeps its carried value alive only through the result or an argument, not by itself. */
const carriedLives = (op: Op, i: number, live: ReadonlySet<Value>): boolean =>
  live.has(op.results[i]) || op.regions.some((r) => live.has(r.args[op.name === 'for' ? i + 1 : i]));

export const dce = pass({
  name: 'dce',
  doc: 'removes ops whose results nobody needs, and carried values that nobody reads',
  run(func, cx): Func {
    const live = liveValues(func, cx.rows);
    const kept = <T>(op: Op, list: readonly T[]): readonly T[] => list.filter((_, i) => carriedLives(op, i, live));
    const visit = (op: Op, rw: Rewriter): void => {
      const terminator = cx.rows(op.name)?.traits.includes('terminator');
      if (!terminator && !hasEffect(op, cx.rows) && !op.results.some((r) => live.has(r))) return void cx.fired('unused', op.loc);
      if (!op.regions.length || cx.rows(op.name)?.region || kept(op, op.results).length === op.results.length)
        return void rw.copy(op);
      cx.fired('unusedCarried', op.loc);
      const { bounds, init } = carriedOf(op);
      const regions = op.regions.map((r): Block => {
        const args = op.name === 'for' ? [r.args[0], ...kept(op, r.args.slice(1))] : kept(op, r.args);
        const end = r.ops.at(-1)!;
        const ops = end.name === 'yield' ? [...r.ops.slice(0, -1), { ...end, operands: kept(op, end.operands) }] : r.ops;
        return { args: op.name === 'if' ? [] : args, ops };
      });
      rw.copy({ ...op, operands: [...bounds, ...kept(op, init)], results: kept(op, op.results), regions });
    };
    return rebuild(func, visit, cx.rows);
  },
});
