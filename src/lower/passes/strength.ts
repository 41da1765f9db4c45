// What ranges make cheaper. Needs: tile level. Gives: comparisons, minima and maxima that the ranges decide are gone, and so are
// the masks made of them; quotient and remainder of a non-negative integer by a power of two are shift and mask, which also
// lets narrow.ts work on the low half of a 64-bit remainder. Never touches floats, nor a dividend that may be negative (C
// division truncates, a shift rounds down).

import type { Func, Op } from '../../dsl/ir/ir.ts';
import { applyRules, type Rule, rule } from '../../dsl/ir/rewrite.ts';
import { pass } from '../pass.ts';
import { integerOf, makeConstant } from './constants.ts';
import { analyzeRanges, type Range } from './ranges.ts';

/** k if x is 2^k with k ≥ 1. */
function log2(x: bigint | undefined): bigint | undefined {
  return x !== undefined && x > 1n && (x & (x - 1n)) === 0n ? BigInt(x.toString(2).length - 1) : undefined;
}

export function strengthRules(func: Func): readonly Rule[] {
  const ranges = analyzeRanges(func);
  const natural = (op: Op): boolean => (ranges.operand(op, 0)?.lo ?? -1n) >= 0n;
  /** Whether a < b (or a ≤ b, if `orEqual`) holds always (true), never (false), or cannot be told. */
  const less = (a: Range, b: Range, orEqual: boolean): boolean | undefined => {
    if (!a || !b) return undefined;
    if (orEqual ? a.hi <= b.lo : a.hi < b.lo) return true;
    return (orEqual ? a.lo > b.hi : a.lo >= b.hi) ? false : undefined;
  };
  const decide = (op: Op): boolean | undefined => {
    const [a, b] = [ranges.operand(op, 0), ranges.operand(op, 1)];
    const flip = (x: boolean | undefined): boolean | undefined => (x === undefined ? undefined : !x);
    switch (op.name) {
      case 'lt':
      case 'ge':
        return op.name === 'lt' ? less(a, b, false) : flip(less(a, b, false));
      case 'le':
      case 'gt':
        return op.name === 'le' ? less(a, b, true) : flip(less(a, b, true));
      case 'eq':
      case 'ne': {
        const apart = less(a, b, false) === true || less(b, a, false) === true;
        return apart ? op.name === 'ne' : undefined;
      }
      default:
        return undefined;
    }
  };
  return [
    // max(x) < min(y): (x < y) = true, and so on for the other comparisons
    rule('decided', (op, rw) => {
      const holds = op.operands.length === 2 ? decide(op) : undefined;
      return holds === undefined ? null : [makeConstant(op.results[0].type, holds ? 1 : 0, op.loc, rw)];
    }),
    // max(x) ≤ min(y): minimum(x, y) = x, maximum(x, y) = y
    rule('decidedMin', (op) => {
      if (op.name !== 'minimum' && op.name !== 'maximum') return null;
      const [a, b] = [ranges.operand(op, 0), ranges.operand(op, 1)];
      const first = less(a, b, true) ? 0 : less(b, a, true) ? 1 : undefined;
      return first === undefined ? null : [op.operands[op.name === 'minimum' ? first : 1 - first]];
    }),
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
  doc: 'decides comparisons by ranges, and divides non-negative integers by powers of two with shifts and masks',
  run(func, cx) {
    // The ranges of what a rule made are known only after another look: x // 4 % 8.
    for (let current = func; ; ) {
      const next = applyRules(current, strengthRules(current), cx.fired, cx.rows);
      if (next === current) return next;
      current = next;
    }
  },
});
