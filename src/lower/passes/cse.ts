// Common subexpression elimination. Needs: any level. Gives: no pure op without regions repeats one that dominates it (same
// op, attributes and operands; either order if it commutes). Never merges loads, never moves an op, never looks into what
// an op computes.

import type { Func, Op, Value } from '../../dsl/ir/ir.ts';
import { printAttr } from '../../dsl/ir/print.ts';
import { type Rewriter, rebuild } from '../../dsl/ir/rewrite.ts';
import { printType } from '../../dsl/types.ts';
import { pass } from '../pass.ts';

export const cse = pass({
  name: 'cse',
  doc: 'computes equal pure expressions once',
  run(func, cx): Func {
    const ids = new Map<Value, number>();
    const id = (v: Value): number => {
      if (!ids.has(v)) ids.set(v, ids.size);
      return ids.get(v)!;
    };
    const key = (op: Op): string => {
      const operands = op.operands.map(id);
      if (cx.rows(op.name)?.traits.includes('commutative')) operands.sort((a, b) => a - b);
      const attrs = Object.keys(op.attrs)
        .sort()
        .map((k) => `${k}=${printAttr(op.attrs[k])}`);
      return [op.name, operands, attrs, op.results.map((r) => printType(r.type))].join('|');
    };
    /** Expressions seen in the regions around the current place, innermost last. */
    const scopes: Map<string, readonly Value[]>[] = [new Map()];
    const visit = (old: Op, rw: Rewriter): void => {
      const op = rw.renamed(old);
      if (op.regions.length) {
        const regions = op.regions.map((r) => {
          scopes.push(new Map());
          const block = rw.block(r);
          scopes.pop();
          return block;
        });
        rw.emit(op === old && regions.every((r, i) => r === old.regions[i]) ? old : { ...op, regions });
        return;
      }
      if (!rw.trait(op, 'pure')) return void rw.emit(op);
      const k = key(op);
      const known = scopes.findLast((s) => s.has(k))?.get(k);
      if (!known) {
        scopes.at(-1)!.set(k, rw.emit(op));
        return;
      }
      op.results.forEach((r, i) => void rw.replace(r, known[i]));
      cx.fired('repeated', op.loc);
    };
    return rebuild(func, visit, cx.rows);
  },
});
