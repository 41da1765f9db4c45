// Checks that a run may ask for: they look at an op's operands and result and stop at its place. In: the closure of the op. Out:
// the same closure with the check around it, which costs one test of a flag where the check is off.

import type { Func, Op, Value } from '../../dsl/ir/ir.ts';
import { walk } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { DType, dtypeOf, isPtr } from '../../dsl/types.ts';
import { stop } from './errors.ts';
import type { Exec } from './machine.ts';
import { RUN } from './messages.ts';
import { coordinates, type Store } from './values.ts';

/** First index where `bad` holds and how often it does, or null. */
function find(n: number, bad: (i: number) => boolean): { readonly first: number; readonly count: number } | null {
  let [first, count] = [-1, 0];
  for (let i = 0; i < n; i++) {
    if (!bad(i)) continue;
    if (first < 0) first = i;
    count++;
  }
  return count ? { first, count } : null;
}

/** `checks.divisionByZero`: integer `floordiv` and `mod`. */
export const checkDivision =
  (op: Op, divisor: number, run: Exec): Exec =>
  (m) => {
    if (m.checks.divisionByZero) {
      const d = m.regs[divisor];
      const bad = find(d.length, (i) => !d[i]);
      if (bad) {
        const lane = coordinates(op.results[0].type.shape, bad.first);
        stop(op.loc, m.pid, RUN.divisionByZero, op.name === 'mod' ? 'remainder' : 'division', m.pid, lane, bad.count);
      }
    }
    return run(m);
  };

const EXACT: { readonly [op: string]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
};
const SIGN: { readonly [op: string]: string } = { add: 'the sum', sub: 'the difference', mul: 'the product' };

/** `checks.addressOverflow`: an op of `addressOps`. A double cannot hold every product, but is never equal to a wrapped one. */
export function checkOverflow(op: Op, slots: { readonly out: number; readonly a: number; readonly b: number }, run: Exec): Exec {
  const exact = EXACT[op.name];
  const { shape } = op.results[0].type;
  return (m) => {
    const next = run(m);
    if (m.checks.addressOverflow) {
      const [out, a, b] = [m.regs[slots.out], m.regs[slots.a], m.regs[slots.b]] as [Store, Float64Array, Float64Array];
      const bad = find(out.length, (i) => out[i] !== exact(a[i], b[i]));
      if (bad) {
        const { first, count } = bad;
        stop(
          op.loc,
          m.pid,
          RUN.addressOverflow,
          SIGN[op.name],
          dtypeOf(op.results[0].type).name,
          a[first],
          b[first],
          m.pid,
          coordinates(shape, first),
          count,
        );
      }
    }
    return next;
  };
}

/** Values that a region argument or a result of a control op may hold: initial ones and yielded ones. */
function controlSources(op: Op): Map<Value, Value[]> {
  const out = new Map<Value, Value[]>();
  const yields = op.regions.map((r) => r.ops.at(-1)).filter((t) => t?.name === 'yield');
  const init = op.operands.slice({ for: 3, while: 0 }[op.name] ?? op.operands.length);
  const skip = op.name === 'for' ? 1 : 0;
  for (const [i, result] of op.results.entries()) {
    const from = [init[i], ...yields.map((y) => y?.operands[i])].filter((v) => v !== undefined);
    for (const v of [result, ...op.regions.map((r) => r.args[i + skip])]) if (v) out.set(v, from);
  }
  return out;
}

/** The 32-bit sums, differences and products whose result reaches an offset of `addptr`, through whatever ops and loops. */
export function addressOps(func: Func): ReadonlySet<Op> {
  const found = new Set<Op>();
  const defs = new Map<Value, Op>();
  const carried = new Map<Value, Value[]>();
  const todo: Value[] = [];
  walk(func.body, (op) => {
    if (op.regions.length) for (const [v, from] of controlSources(op)) carried.set(v, from);
    else for (const r of op.results) defs.set(r, op);
    if (op.name === 'addptr') todo.push(op.operands[1]);
  });
  const seen = new Set<Value>();
  for (let v = todo.pop(); v; v = todo.pop()) {
    const { elem } = v.type;
    if (seen.has(v) || isPtr(v.type) || !(elem instanceof DType) || !elem.is_int()) continue;
    seen.add(v);
    todo.push(...(carried.get(v) ?? []));
    const op = defs.get(v);
    if (!op || !['elementwise', 'shape', 'hint'].some((t) => hasTrait(op.name, t as 'shape'))) continue;
    if (elem.bits === 32 && op.name in EXACT) found.add(op);
    todo.push(...op.operands);
  }
  return found;
}
