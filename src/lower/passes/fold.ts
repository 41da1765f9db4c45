// Constant folding through each row's `eval`, rounded or wrapped to the dtype as the interpreter does. Needs: any level.
// Gives: no elementwise op and no rearrangement has only constants as operands. Never folds on the value of one operand
// alone (x * 0.0 and x - x are NaN for some x), nor anything that is not pure.

import { applyRules, type Rule, rule } from '../../dsl/ir/rewrite.ts';
import { round } from '../../dsl/numerics.ts';
import { dtypeOf, isPtr } from '../../dsl/types.ts';
import { pass } from '../pass.ts';
import { constantOf, makeConstant } from './constants.ts';

export const foldRules: readonly Rule[] = [
  // f(c, d, …) = the constant round(eval(c, d, …))
  rule('evaluate', (op, rw) => {
    const { eval: evaluate, traits } = rw.row(op);
    if (!evaluate || !traits.includes('pure') || !traits.includes('elementwise')) return null;
    const operands = op.operands.map((o) => constantOf(o, rw));
    if (!operands.length || operands.some((o) => o === undefined)) return null;
    const to = dtypeOf(op.results[0].type);
    const value = evaluate(operands as number[], dtypeOf(op.operands[0].type), to, op.attrs);
    return [makeConstant(op.results[0].type, round(to, value), op.loc, rw)];
  }),
  // rearrange(splat c) = splat c of the new shape
  rule('splat', (op, rw) => {
    if (!rw.trait(op, 'shape') || isPtr(op.operands[0].type)) return null;
    const c = constantOf(op.operands[0], rw);
    return c === undefined ? null : [makeConstant(op.results[0].type, c, op.loc, rw)];
  }),
];

export const fold = pass({
  name: 'fold',
  doc: 'evaluates ops whose operands are all constants',
  run: (func, cx) => applyRules(func, foldRules, cx.fired, cx.rows),
});
