// Cheaper integer division. Needs: tile level. Gives: quotient and remainder by a power of two as shift and mask where the
// dividend is never negative, which also lets narrow.ts work on the low half of a 64-bit remainder. Never for a dividend that
// may be negative: C division truncates, a shift rounds down.

import type { Func, Op } from '../../dsl/ir/ir.ts';
import { applyRules, type Rule, rule } from '../../dsl/ir/rewrite.ts';
import { pass } from '../pass.ts';
import { integerOf, makeConstant } from './constants.ts';
import { analyzeRanges } from './ranges.ts';

/** k if x is 2^k with k ≥ 1. */
function log2(x: bigint | undefined): bigint | undefined {
  return x !== undefined && x > 1n && (x & (x - 1n)) === 0n ? BigInt(x.toString(2).length - 1) : undefined;
}

export function strengthRules(func: Func): readonly Rule[] {
  const ranges = analyzeRanges(func);
  const natural = (op: Op): boolean => (ranges.operand(op, 0)?.lo ?? -1n) >= 0n;
  return [
    // x ≥ 0: x // 2^k = x >> k
    rule('divPow2', (op, rw) => {
      const k = op.name === 'floordiv' ? log2(integerOf(op.operands[1], rw)) : undefined;
      if (k === undefined || !natural(op)) return null;
      const amount = makeConstant(op.operands[1].type, k, op.loc, rw);
      return [rw.make('shr', [op.operands[0], amount], {}, op.loc)];
    }),
    // x ≥ 0: x % 2^k = x & (2^k - 1)
    rule('modPow2', (op, rw) => {
      const k = op.name === 'mod' ? log2(integerOf(op.operands[1], rw)) : undefined;
      if (k === undefined || !natural(op)) return null;
      const mask = makeConstant(op.operands[1].type, (1n << k) - 1n, op.loc, rw);
      return [rw.make('and', [op.operands[0], mask], {}, op.loc)];
    }),
  ];
}

export const strength = pass({
  name: 'strength',
  doc: 'divides non-negative integers by powers of two with shifts and masks',
  run(func, cx) {
    // The ranges of what a rule made are known only after another look: x // 4 % 8.
    for (let current = func; ; ) {
      const next = applyRules(current, strengthRules(current), cx.fired, cx.rows);
      if (next === current) return next;
      current = next;
    }
  },
});
