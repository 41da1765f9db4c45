// Range analysis: the smallest and largest value that each integer value of a function may hold, over all elements.
// Comes in: a tile-level function. Goes out: an interval per value, sharper inside branches that a comparison guards.
// Arithmetic that may wrap gives the whole range of its dtype. Loaded values, arguments and masks are not guessed at.

import type { Func, Op, Value } from '../../dsl/ir/ir.ts';
import { intRange } from '../../dsl/numerics.ts';
import { hasTrait, rowOf } from '../../dsl/ops/index.ts';
import { DTYPES, type DType, dtypeOf, isPtr, numel, type Type } from '../../dsl/types.ts';
import { type Facts, forward } from './dataflow.ts';

/** An inclusive interval; null for values that are not integers. */
export interface Interval {
  readonly lo: bigint;
  readonly hi: bigint;
}
export type Range = Interval | null;

/** A launch has fewer than 2^31 programs along an axis (checked by the launcher). */
const MAX_PROGRAMS = (1n << 31n) - 1n;

const of = (lo: bigint, hi: bigint): Interval => ({ lo, hi });
const min = (...x: readonly bigint[]): bigint => x.reduce((a, b) => (a - b < 0n ? a : b));
const max = (...x: readonly bigint[]): bigint => x.reduce((a, b) => (a - b > 0n ? a : b));
const hull = (...x: readonly bigint[]): Interval => of(min(...x), max(...x));
const abs = (x: bigint): bigint => (x < 0n ? -x : x);
const within = (r: Interval, d: DType): boolean => {
  const [lo, hi] = intRange(d);
  return r.lo >= lo && r.hi <= hi;
};

/** All values of a type: null for pointers and floats. */
export function fullRange(t: Type): Range {
  if (isPtr(t) || dtypeOf(t).kind === 'float') return null;
  return of(...intRange(dtypeOf(t)));
}
/** Whether every value of `r` is a value of the integer dtype `d`. */
export const fits = (r: Range, d: DType): boolean => r !== null && within(r, d);

/** Exact interval arithmetic of one op: no wrapping yet; undefined where nothing is known. All operands are integers. */
type Transfer = (x: readonly Interval[], op: Op) => Interval | undefined;

const smallest2k = (x: bigint): bigint => (1n << BigInt(x.toString(2).length)) - 1n;
const corners = (a: Interval, b: Interval, f: (x: bigint, y: bigint) => bigint): Interval =>
  hull(f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi));

const TRANSFER: { readonly [op: string]: Transfer } = {
  program_id: () => of(0n, MAX_PROGRAMS - 1n),
  num_programs: () => of(1n, MAX_PROGRAMS),
  arange: (_, op) => of(BigInt(op.attrs.start as number), BigInt(op.attrs.end as number) - 1n),
  add: ([a, b]) => of(a.lo + b.lo, a.hi + b.hi),
  sub: ([a, b]) => of(a.lo - b.hi, a.hi - b.lo),
  mul: ([a, b]) => corners(a, b, (x, y) => x * y),
  neg: ([a]) => of(-a.hi, -a.lo),
  abs: ([a]) => (a.lo >= 0n ? a : of(a.hi <= 0n ? -a.hi : 0n, max(-a.lo, a.hi))),
  floordiv: ([a, b]) => {
    if (b.lo > 0n || b.hi < 0n) return corners(a, b, (x, y) => x / y);
    const m = max(abs(a.lo), abs(a.hi));
    return of(-m, m);
  },
  mod: ([a, b]) => {
    const m = max(abs(b.lo), abs(b.hi)) - 1n;
    if (m < 0n) return undefined;
    return of(a.lo >= 0n ? 0n : max(a.lo, -m), a.hi <= 0n ? 0n : min(a.hi, m));
  },
  and: ([a, b]) => {
    if (a.lo < 0n && b.lo < 0n) return undefined;
    return of(0n, a.lo < 0n ? b.hi : b.lo < 0n ? a.hi : min(a.hi, b.hi));
  },
  or: ([a, b]) => (a.lo < 0n || b.lo < 0n ? undefined : of(max(a.lo, b.lo), smallest2k(max(a.hi, b.hi)))),
  xor: ([a, b]) => (a.lo < 0n || b.lo < 0n ? undefined : of(0n, smallest2k(max(a.hi, b.hi)))),
  shl: ([a, b]) => (b.lo < 0n || b.hi > 63n ? undefined : corners(a, b, (x, y) => x << y)),
  shr: ([a, b]) => (b.lo < 0n || b.hi > 63n ? undefined : corners(a, b, (x, y) => x >> y)),
  minimum: ([a, b]) => of(min(a.lo, b.lo), min(a.hi, b.hi)),
  maximum: ([a, b]) => of(max(a.lo, b.lo), max(a.hi, b.hi)),
  clamp: ([x, lo, hi]) => of(min(max(x.lo, lo.lo), hi.lo), min(max(x.hi, lo.hi), hi.hi)),
  where: ([, a, b]) => hull(a.lo, a.hi, b.lo, b.hi),
  max: ([a]) => a,
  min: ([a]) => a,
  sum: ([a], op) => {
    const n = BigInt(op.operands[0].type.shape[op.attrs.axis as number] ?? numel(op.operands[0].type.shape));
    return of(a.lo * n, a.hi * n);
  },
};

function transfer(op: Op, operands: readonly Range[], result: number): Range {
  const full = fullRange(op.results[result].type);
  if (full === null) return null;
  const to = dtypeOf(op.results[result].type);
  let r: Interval | undefined;
  if (op.name === 'constant') {
    const v = BigInt(op.attrs.value as number | bigint | boolean);
    r = of(v, v);
  } else if (rowOf(op.name)?.index) {
    r = result === 0 ? (operands[0] ?? undefined) : of(0n, BigInt(op.operands[0].type.shape[op.attrs.axis as number]) - 1n);
  } else if (hasTrait(op.name, 'shape') || hasTrait(op.name, 'hint') || op.name === 'cast') {
    r = operands[0] ?? undefined;
    if (op.name === 'cast' && r && to.kind === 'bool')
      r = r.lo > 0n || r.hi < 0n ? of(1n, 1n) : of(0n, r.lo === 0n && r.hi === 0n ? 0n : 1n);
  } else if (operands.every((o) => o !== null)) {
    r = TRANSFER[op.name]?.(operands, op);
  }
  return r && within(r, to) ? r : full;
}

/** What `a < b` (and so on) says of both sides: the largest interval each may still have. */
const BOUNDS: { readonly [op: string]: (a: Interval, b: Interval) => readonly [Interval, Interval] } = {
  lt: (a, b) => [of(a.lo, min(a.hi, b.hi - 1n)), of(max(b.lo, a.lo + 1n), b.hi)],
  le: (a, b) => [of(a.lo, min(a.hi, b.hi)), of(max(b.lo, a.lo), b.hi)],
  gt: (a, b) => [of(max(a.lo, b.lo + 1n), a.hi), of(b.lo, min(b.hi, a.hi - 1n))],
  ge: (a, b) => [of(max(a.lo, b.lo), a.hi), of(b.lo, min(b.hi, a.hi))],
  eq: (a, b) => [of(max(a.lo, b.lo), min(a.hi, b.hi)), of(max(a.lo, b.lo), min(a.hi, b.hi))],
};
const INVERSE: { readonly [op: string]: string } = { lt: 'ge', le: 'gt', gt: 'le', ge: 'lt', ne: 'eq' };

function refine(cond: Op, holds: boolean, get: (v: Value) => Range): readonly (readonly [Value, Range])[] {
  const bounds = BOUNDS[holds ? cond.name : INVERSE[cond.name]];
  if (!bounds) return [];
  const [x, y] = cond.operands;
  const [a, b] = [get(x), get(y)];
  if (!a || !b) return [];
  const [ra, rb] = bounds(a, b);
  // An empty interval means that the branch cannot run; keeping the old facts is right and simpler.
  return ra.lo > ra.hi || rb.lo > rb.hi ? [] : [[x, ra] as const, [y, rb] as const];
}

const facts: Facts<Range> = {
  param: (p) => fullRange(p.value.type),
  transfer,
  induction: (op, lo, hi, step) => {
    const full = fullRange(op.regions[0].args[0].type);
    if (!lo || !hi || !step) return full;
    if (step.lo > 0n) return of(lo.lo, max(lo.lo, hi.hi - 1n));
    if (step.hi < 0n) return of(min(lo.hi, hi.lo + 1n), lo.hi);
    return full;
  },
  unknown: (v) => fullRange(v.type),
  join: (a, b) => (a && b ? of(min(a.lo, b.lo), max(a.hi, b.hi)) : null),
  equal: (a, b) => a === b || (a !== null && b !== null && a.lo === b.lo && a.hi === b.hi),
  widen: (before, after, v) => {
    const full = fullRange(v.type);
    if (!before || !after || !full) return full;
    return of(after.lo < before.lo ? full.lo : after.lo, after.hi > before.hi ? full.hi : after.hi);
  },
  refine,
};

export interface Ranges {
  /** Interval of a value wherever it is in scope. */
  get(v: Value): Range;
  /** Interval of an op's operand where the op stands; sharper inside a branch that a comparison guards. */
  operand(op: Op, i: number): Range;
}
/** Intervals of all integer values of a tile-level function. */
export function analyzeRanges(func: Func): Ranges {
  const flow = forward(func, facts);
  const get = (v: Value): Range => flow.get(v) ?? fullRange(v.type);
  return { get, operand: (op, i) => flow.operands(op)?.[i] ?? get(op.operands[i]) };
}

/** Ops whose result is not negative if no operand is, as long as nothing overflows. */
const KEEPS_SIGN: ReadonlySet<string> = new Set(['add', 'mul', 'shl', 'shr', 'minimum', 'where', 'cast', 'sum', 'max', 'min']);

/**
 * Which integer values are never negative, if sums and products of non-negative numbers are taken not to overflow: weaker
 * ground than `analyzeRanges`, but what index arithmetic such as `program_id * BLOCK + arange` needs, and what Triton takes
 * for granted. For facts about access patterns only, never for rewriting arithmetic.
 */
export function analyzeSigns(func: Func): { nonNegative(v: Value): boolean } {
  const ranges = analyzeRanges(func);
  const known = (v: Value): boolean => (ranges.get(v)?.lo ?? -1n) >= 0n;
  const signs = forward<boolean>(func, {
    param: (p) => known(p.value),
    transfer: (op, x, i) => {
      if (known(op.results[i]) || op.results[i].type.elem === DTYPES.bool) return true;
      if (op.name === 'mod') return x[0];
      if (op.name === 'maximum') return x[0] || x[1];
      // A divisor in index arithmetic (a number of groups, say) is taken to be positive unless it is known not to be.
      if (op.name === 'floordiv') return x[0] && (ranges.get(op.operands[1])?.hi ?? 1n) > 0n;
      const keeps = KEEPS_SIGN.has(op.name) || hasTrait(op.name, 'shape') || hasTrait(op.name, 'hint');
      return keeps && x.every((nonNegative) => nonNegative);
    },
    induction: (_op, lo, _hi, step) => lo && step,
    unknown: (v) => known(v),
    join: (a, b) => a && b,
    equal: (a, b) => a === b,
  });
  return { nonNegative: (v) => signs.get(v) ?? false };
}
