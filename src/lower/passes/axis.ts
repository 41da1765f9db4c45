// Axis analysis (Triton's AxisInfo): how the elements of a tile relate to their neighbours along each dimension. Comes in: a
// tile-level function. Goes out, per value and dimension: contiguity, divisibility, constancy, always powers of two, and the
// value itself where it is one known integer. Whoever wants vectorised access asks here. It never looks at layouts.
//
// Along dimension d a tile falls into aligned groups of `contiguity[d]` elements, each one more than the one before; the
// first element of each group is divisible by `divisibility[d]`. In aligned groups of `constancy[d]` elements all are equal.
// A scalar has rank 0 but one entry: contiguity 1, constancy 1, and its divisibility.
// Pointers count in ELEMENTS of the pointee from the start of the buffer (Triton counts bytes).

import type { Func, Op, Param, Value } from '../../dsl/ir/ir.ts';
import { round } from '../../dsl/numerics.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { dtypeOf, numel, sameShape, type Type } from '../../dsl/types.ts';
import { constantNum } from './constants.ts';
import { type Facts, forward } from './dataflow.ts';
import { analyzeSigns } from './ranges.ts';

export interface Axis {
  readonly contiguity: readonly number[];
  readonly divisibility: readonly number[];
  readonly constancy: readonly number[];
  /** The one value of every element, where it is known (integers only). */
  readonly constant?: bigint;
}
export interface AxisInfo {
  get(v: Value): Axis;
}

/** Divisibility of zero; a power of two that no other fact exceeds. */
export const MAX_DIVISIBILITY = 2 ** 30;

const rankOf = (t: Type): number => Math.max(1, t.shape.length);
const min = Math.min;
/** Largest power of two that divides x (not above MAX_DIVISIBILITY). */
export function pow2Divisor(x: bigint | number): number {
  const b = BigInt(x);
  if (b === 0n) return MAX_DIVISIBILITY;
  return Number(min(Number(b & -b), MAX_DIVISIBILITY));
}

const make = (
  n: number,
  at: (d: number) => readonly [contiguity: number, divisibility: number, constancy: number],
  constant?: bigint,
): Axis => {
  const rows = Array.from({ length: n }, (_, d) => at(d));
  const axis = {
    contiguity: rows.map((r) => r[0]),
    divisibility: rows.map((r) => min(r[1], MAX_DIVISIBILITY)),
    constancy: rows.map((r) => r[2]),
  };
  return constant === undefined ? axis : { ...axis, constant };
};
const unknown = (t: Type): Axis => make(rankOf(t), () => [1, 1, 1]);
const splat = (t: Type, divisibility: number, constant?: bigint): Axis =>
  make(rankOf(t), (d) => [1, divisibility, t.shape[d] ?? 1], constant);

/** Divisibility of the first element of each group of `c` elements along d: inside a longer run, only every c-th counts. */
const divAt = (a: Axis, d: number, c: number): number => (c < a.contiguity[d] ? min(a.divisibility[d], c) : a.divisibility[d]);
/** What divides every element. Each dimension bounds all elements on its own. */
const divAll = (a: Axis): number => Math.max(...a.contiguity.map((_, d) => divAt(a, d, 1)));
const sameAll = (xs: readonly Axis[], d: number): number => min(...xs.map((x) => x.constancy[d]));

/** What a transfer may ask besides its operands: whether an operand is never negative (C division and rem need it). */
interface Context {
  nonNegative(v: Value): boolean;
}
type Transfer = (x: readonly Axis[], op: Op, cx: Context) => Axis;

const addLike: Transfer = ([a, b], op) =>
  make(rankOf(op.results[0].type), (d) => {
    const c = Math.max(min(a.contiguity[d], b.constancy[d]), min(a.constancy[d], b.contiguity[d]));
    return [c, min(divAt(a, d, c), divAt(b, d, c)), sameAll([a, b], d)];
  });

const TRANSFER: { readonly [op: string]: Transfer } = {
  arange: (_, op) => make(1, () => [op.results[0].type.shape[0], pow2Divisor(op.attrs.start as number), 1]),
  add: addLike,
  addptr: addLike,
  sub: ([a, b], op) =>
    make(rankOf(op.results[0].type), (d) => {
      const c = min(a.contiguity[d], b.constancy[d]);
      return [c, min(divAt(a, d, c), divAt(b, d, c)), sameAll([a, b], d)];
    }),
  neg: ([a]) => make(a.contiguity.length, (d) => [1, divAt(a, d, 1), a.constancy[d]]),
  abs: ([a]) => make(a.contiguity.length, (d) => [1, divAt(a, d, 1), a.constancy[d]]),
  mul: ([a, b], op) => {
    if (a.constant === 1n) return b;
    if (b.constant === 1n) return a;
    return make(rankOf(op.results[0].type), (d) => [1, divAt(a, d, 1) * divAt(b, d, 1), sameAll([a, b], d)]);
  },
  shl: ([a, b], op) => {
    if (b.constant === 0n) return a;
    const factor = b.constant !== undefined && b.constant > 0n && b.constant < 31n ? 2 ** Number(b.constant) : 1;
    return make(rankOf(op.results[0].type), (d) => [1, divAt(a, d, 1) * factor, sameAll([a, b], d)]);
  },
  // x / v within an aligned run: v divides the start, so the first v quotients are equal. Truncation toward zero would
  // break a run that starts below zero.
  floordiv: ([a, b], op, cx) => {
    if (b.constant === 1n) return a;
    const run = cx.nonNegative(op.operands[0]) && b.constant !== undefined && b.constant > 0n;
    return make(rankOf(op.results[0].type), (d) => {
      const equal = run ? min(a.contiguity[d], a.divisibility[d], pow2Divisor(b.constant!)) : 1;
      return [1, quotientDivisor(divAt(a, d, equal), b.constant, a.contiguity[d] <= equal), Math.max(equal, sameAll([a, b], d))];
    });
  },
  // The same, but a right shift rounds down, so the sign does not matter.
  shr: ([a, b], op) => {
    if (b.constant === 0n) return a;
    const v = b.constant !== undefined && b.constant > 0n && b.constant < 31n ? 1n << b.constant : undefined;
    return make(rankOf(op.results[0].type), (d) => {
      const equal = v ? min(a.contiguity[d], a.divisibility[d], pow2Divisor(v)) : 1;
      return [1, quotientDivisor(divAt(a, d, equal), v, a.contiguity[d] <= equal), Math.max(equal, sameAll([a, b], d))];
    });
  },
  // x % v within an aligned run that v's power of two covers: no wrap inside it. A v that turns out 0 at run time is undefined.
  mod: ([a, b], op, cx) => {
    const run = cx.nonNegative(op.operands[0]) && b.constant !== 0n;
    return make(rankOf(op.results[0].type), (d) => {
      const v = divAt(b, d, 1);
      const c = run ? min(a.contiguity[d], a.divisibility[d], v, b.constancy[d]) : 1;
      return [c, min(divAt(a, d, c), v), sameAll([a, b], d)];
    });
  },
  // x & (2^k - 1) is x mod 2^k for either sign; any other mask keeps the trailing zeros of both sides.
  and: ([a, b], op) =>
    make(rankOf(op.results[0].type), (d) => {
      const low =
        b.constant !== undefined && b.constant > 0n && (b.constant & (b.constant + 1n)) === 0n ? pow2Divisor(b.constant + 1n) : 1;
      const c = min(a.contiguity[d], a.divisibility[d], low);
      return [c, c > 1 ? divAt(a, d, c) : Math.max(divAt(a, d, 1), divAt(b, d, 1)), sameAll([a, b], d)];
    }),
  where: ([m, a, b], op) =>
    make(rankOf(op.results[0].type), (d) => {
      const c = min(a.contiguity[d], b.contiguity[d], m.constancy[d]);
      return [c, min(divAt(a, d, c), divAt(b, d, c)), sameAll([m, a, b], d)];
    }),
  // x < n for a run of x that starts at a multiple of c, n a multiple of c: the whole run is on one side.
  lt: ([a, b], op) => compare(a, b, op),
  ge: ([a, b], op) => compare(a, b, op),
  gt: ([a, b], op) => compare(b, a, op),
  le: ([a, b], op) => compare(b, a, op),
  cast: ([a], op) => {
    const [from, to] = [op.operands[0].type, op.results[0].type].map(dtypeOf);
    if (![from, to].every((d) => d.kind === 'int' || d.kind === 'uint'))
      return make(a.contiguity.length, (d) => [1, 1, a.constancy[d]]);
    // A run may wrap inside a narrow integer; its low bits still tell divisibility.
    const constant = a.constant === undefined ? undefined : BigInt(round(to, a.constant));
    return to.bits >= 32 ? { ...a, constant } : make(a.contiguity.length, (d) => [1, divAt(a, d, 1), a.constancy[d]]);
  },
  minimum: ([a, b], op) => make(rankOf(op.results[0].type), (d) => [1, min(divAt(a, d, 1), divAt(b, d, 1)), sameAll([a, b], d)]),
  maximum: ([a, b], op) => make(rankOf(op.results[0].type), (d) => [1, min(divAt(a, d, 1), divAt(b, d, 1)), sameAll([a, b], d)]),
  load: (x, op) => make(rankOf(op.results[0].type), (d) => [1, 1, sameAll(x, d)]),
  expand_dims: ([a], op) => {
    const axis = op.attrs.axis as number;
    if (!op.operands[0].type.shape.length) return a;
    return make(
      op.results[0].type.shape.length,
      (d) => {
        if (d === axis) return [1, divAll(a), 1];
        const s = d < axis ? d : d - 1;
        return [a.contiguity[s], a.divisibility[s], a.constancy[s]];
      },
      a.constant,
    );
  },
  broadcast_to: ([a], op) => {
    const from = op.operands[0].type.shape;
    const to = op.results[0].type.shape;
    return make(
      to.length,
      (d) => {
        const s = d - (to.length - from.length);
        if (s < 0 || from[s] !== to[d]) return [1, divAll(a), to[d]];
        return [a.contiguity[s], a.divisibility[s], a.constancy[s]];
      },
      a.constant,
    );
  },
  trans: ([a], op) => {
    const perm = op.attrs.perm as readonly number[];
    return make(perm.length, (d) => [a.contiguity[perm[d]], a.divisibility[perm[d]], a.constancy[perm[d]]], a.constant);
  },
  reshape: ([a], op) => reshape(a, op.operands[0].type.shape, op.results[0].type),
  multiple_of: ([a], op) => hint(a, op, (v, [c, div, k]) => [c, Math.max(div, pow2Divisor(v)), k]),
  max_contiguous: ([a], op) => hint(a, op, (v, [c, div, k]) => [Math.max(c, min(pow2Divisor(v), MAX_DIVISIBILITY)), div, k]),
  max_constancy: ([a], op) => hint(a, op, (v, [c, div, k]) => [c, div, Math.max(k, pow2Divisor(v))]),
};

/** Divisor of x / v where `div` divides x: exact only if v is a power of two; a run that goes on counts up by one. */
function quotientDivisor(div: number, v: bigint | undefined, whole: boolean): number {
  if (v === undefined || !whole || v !== BigInt(pow2Divisor(v))) return 1;
  return Math.max(1, div / Number(v));
}
function compare(x: Axis, n: Axis, op: Op): Axis {
  return make(rankOf(op.results[0].type), (d) => {
    const run = min(x.contiguity[d], x.divisibility[d], divAt(n, d, 1), n.constancy[d]);
    return [1, 1, Math.max(run, sameAll([x, n], d))];
  });
}
function hint(a: Axis, op: Op, f: (value: number, row: [number, number, number]) => readonly [number, number, number]): Axis {
  const given = op.attrs.values;
  const values = Array.isArray(given) ? (given as readonly number[]) : [given as number];
  const shape = op.results[0].type.shape;
  return make(
    a.contiguity.length,
    (d) => {
      const row: [number, number, number] = [a.contiguity[d], a.divisibility[d], a.constancy[d]];
      const [c, div, k] = d < values.length ? f(values[d], row) : row;
      return [min(c, shape[d] ?? 1), div, min(k, shape[d] ?? 1)];
    },
    a.constant,
  );
}
function reshape(a: Axis, from: readonly number[], to: Type): Axis {
  if (numel(from) === 1 || a.constancy.every((k, d) => k === from[d])) return splat(to, divAll(a), a.constant);
  if (sameShape(from, to.shape)) return a;
  // Elements keep their row-major order, so runs along the last dimension stay runs, cut at the new last dimension's length.
  const s = from.length - 1;
  const last = to.shape.length - 1;
  return make(to.shape.length, (d) => {
    if (d !== last) return [1, divAll(a), 1];
    const c = min(a.contiguity[s], to.shape[d]);
    return [c, Math.max(divAt(a, s, c), c === 1 ? divAll(a) : 1), min(a.constancy[s], to.shape[d])];
  });
}
/** Reductions: along the dimensions that stay, equal columns give equal results. */
function reduce(x: readonly Axis[], op: Op): Axis {
  const axis = op.attrs.axis as number;
  const kept = x.map((a) => a.constancy.filter((_, d) => d !== axis));
  return make(rankOf(op.results[0].type), (d) => [1, 1, min(...kept.map((k) => k[d] ?? 1))]);
}

function facts(cx: Context): Facts<Axis> {
  return {
    param: (p: Param) => splat(p.value.type, pow2Divisor(p.divisibleBy)),
    transfer: (op, x, result) => {
      const type = op.results[result].type;
      if (op.name === 'constant') {
        if (!dtypeOf(type).is_int()) return splat(type, 1);
        const value = BigInt(constantNum(op));
        return splat(type, pow2Divisor(value), value);
      }
      if (TRANSFER[op.name]) return withScalars(TRANSFER[op.name](x, op, cx), type);
      if (hasTrait(op.name, 'hint')) return x[0];
      if (hasTrait(op.name, 'reduction')) return reduce(x, op);
      if (hasTrait(op.name, 'elementwise') && hasTrait(op.name, 'pure')) return make(rankOf(type), (d) => [1, 1, sameAll(x, d)]);
      return unknown(type);
    },
    induction: (_op, lo, _hi, step) => make(1, () => [1, min(lo.divisibility[0], step.divisibility[0]), 1]),
    unknown: (v) => unknown(v.type),
    join: (a, b) => {
      if (a === b) return a;
      const constant = a.constant === b.constant ? a.constant : undefined;
      return make(
        a.contiguity.length,
        (d) => {
          const c = min(a.contiguity[d], b.contiguity[d]);
          return [c, min(divAt(a, d, c), divAt(b, d, c)), sameAll([a, b], d)];
        },
        constant,
      );
    },
    equal: (a, b) =>
      a === b ||
      (a.constant === b.constant && (['contiguity', 'divisibility', 'constancy'] as const).every((k) => sameShape(a[k], b[k]))),
  };
}
/** A single element is a run of one, whatever the operands said. */
const withScalars = (a: Axis, t: Type): Axis => (t.shape.length ? a : make(1, () => [1, a.divisibility[0], 1], a.constant));

/**
 * Axis facts of every value of a tile-level function.
 * Source: Triton, `lib/Analysis/AxisInfo.cpp`; here exact for negative numbers too, where Triton assumes there are none
 * (like Triton it takes index arithmetic on non-negative numbers not to overflow).
 */
export function analyzeAxis(func: Func): AxisInfo {
  const axes = forward(func, facts(analyzeSigns(func)));
  return { get: (v) => axes.get(v) ?? unknown(v.type) };
}
