// Checks a function: every operand is defined before its use and in scope, every op's results are what its row infers, and
// regions have the arguments and terminators that their op wants. The verifier knows rows and the three region shapes, no
// other op.

import { type Diagnostic, diagnostic, type Loc } from '../diagnostics.ts';
import { TL } from '../messages.ts';
import { rowOf as tileRow } from '../ops/index.ts';
import type { Row } from '../ops/row.ts';
import { printType, sameType, type Type } from '../types.ts';
import { inferTypes, type RowLookup } from './build.ts';
import type { Block, Func, Op, Value } from './ir.ts';

/** Problems of a function; empty when it is valid. `rows` is the lane level's lookup for lane functions. */
export function verify(f: Func, rows: RowLookup = tileRow): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const report = (loc: Loc, what: string) => problems.push(diagnostic(loc, TL.irInvalid, what));
  const types = (vs: readonly Value[]) => `(${vs.map((v) => printType(v.type)).join(', ')})`;
  const equal = (a: readonly Value[], b: readonly Type[]) => a.length === b.length && a.every((v, i) => sameType(v.type, b[i]));

  const checkBlock = (b: Block, outer: ReadonlySet<Value>, parent: Op | null): void => {
    const scope = new Set([...outer, ...b.args]);
    b.ops.forEach((op, i) => {
      for (const o of op.operands)
        if (!scope.has(o)) report(op.loc, `${op.name} uses ${o.name ?? 'a value'} (${printType(o.type)}) before its definition`);
      const row = rows(op.name);
      if (!row) {
        report(op.loc, `there is no op '${op.name}' at level ${f.level}`);
        return;
      }
      try {
        const inferred = inferTypes(op.name, op.operands, op.attrs, op.loc, rows);
        if (op.name !== 'if' && !equal(op.results, inferred))
          report(
            op.loc,
            `${op.name} has results ${types(op.results)}, but its row infers (${inferred.map(printType).join(', ')})`,
          );
      } catch (e) {
        report(op.loc, `${op.name}: ${(e as Error).message}`);
      }
      for (const k of Object.keys(op.attrs)) if (!row.attrs?.includes(k)) report(op.loc, `${op.name} has no attribute '${k}'`);
      if (row.traits.includes('terminator') && (i !== b.ops.length - 1 || !parent))
        report(op.loc, `${op.name} is not at the end of a region`);
      if (row.traits.includes('control')) checkRegions(op, scope);
      else if (row.region) checkElement(op, row, scope);
      else if (op.regions.length) report(op.loc, `${op.name} has a region`);
      for (const r of op.results) scope.add(r);
    });
    if (parent) {
      const last = b.ops.at(-1);
      if (!last || !rows(last.name)?.traits.includes('terminator'))
        report(parent.loc, `a region of ${parent.name} has no terminator`);
    }
  };

  const checkRegions = (op: Op, scope: ReadonlySet<Value>): void => {
    const want = { for: 1, while: 2, if: 2 }[op.name];
    if (want !== undefined && op.regions.length !== want)
      return void report(op.loc, `${op.name} has ${op.regions.length} regions, not ${want}`);
    const carried = op.results.map((r) => r.type);
    op.regions.forEach((r, i) => {
      const before = op.name === 'while' && i === 0;
      const args = op.name === 'if' ? [] : op.name === 'for' ? [op.operands[0].type, ...carried] : carried;
      if (!equal(r.args, args))
        report(op.loc, `region ${i} of ${op.name} has arguments ${types(r.args)}, not (${args.map(printType).join(', ')})`);
      const last = r.ops.at(-1);
      if (before ? last?.name !== 'condition' : last && last.name !== 'yield')
        report(op.loc, `region ${i} of ${op.name} ends in ${last?.name}`);
      if (last?.name === 'yield' && !equal(last.operands, carried))
        report(last.loc, `yield of ${types(last.operands)} in ${op.name}, which carries (${carried.map(printType).join(', ')})`);
      checkBlock(r, scope, op);
    });
  };

  /** A region that computes on single elements: one, with the arguments and yields that the row says. */
  const checkElement = (op: Op, row: Row, scope: ReadonlySet<Value>): void => {
    const [r] = op.regions;
    if (op.regions.length !== 1) return void report(op.loc, `${op.name} has ${op.regions.length} regions, not 1`);
    const want = row.region!(
      op.operands.map((o) => o.type),
      op.attrs,
    );
    const list = (ts: readonly Type[]) => `(${ts.map(printType).join(', ')})`;
    if (!equal(r.args, want.args))
      report(op.loc, `the region of ${op.name} has arguments ${types(r.args)}, not ${list(want.args)}`);
    const last = r.ops.at(-1);
    if (last?.name !== 'yield' || !equal(last.operands, want.yields))
      report(
        op.loc,
        `the region of ${op.name} ends in ${last?.name} of ${types(last?.operands ?? [])}, not yield of ${list(want.yields)}`,
      );
    checkBlock(r, scope, op);
  };

  checkBlock(f.body, new Set(f.params.map((p) => p.value)), null);
  return problems;
}
