// Disjoint accesses: which loads and stores of a buffer can be seen not to overlap, so that nothing has to wait between them. Comes in:
// a tile-level function. Goes out: for accesses to buffers in which every two are apart, or are the same tile of addresses, a name
// that they share. An access is seen as a sum of scalars plus an interval that its tile, cut by its mask, stays in.

import { definitions, type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { dtypeOf, isPtr, isTile, type Type } from '../../dsl/types.ts';
import type { Pointers } from './pointers.ts';

/** The sum of `terms` (scalars, by number and factor) plus lo … hi. */
interface Span {
  readonly terms: string;
  readonly lo: number;
  readonly hi: number;
}
interface Sum {
  readonly terms: ReadonlyMap<Value, number>;
  readonly lo: number;
  readonly hi: number;
}
export interface Disjoint {
  /** Equal for two accesses that never touch an element of one another, in one run of the code around them. */
  group(op: Op): string | undefined;
}

export function analyzeDisjoint(func: Func, pointers: Pointers): Disjoint {
  const defs = definitions(func);
  const ids = new Map<Value, number>();
  const id = (v: Value): number => {
    if (!ids.has(v)) ids.set(v, ids.size);
    return ids.get(v)!;
  };
  const accesses = new Map<number, Op[]>();
  walk(func.body, (op) => {
    if (!hasTrait(op.name, 'writes') && !hasTrait(op.name, 'reads')) return;
    for (const b of pointers.buffers(op.operands[0])) accesses.set(b, [...(accesses.get(b) ?? []), op]);
  });

  /** Bounds that a mask puts on values: v < bound. */
  function bounds(mask: Value | undefined, out = new Map<Value, number>()): Map<Value, number> {
    const op = mask && defs.get(mask);
    if (!op) return out;
    if (op.name === 'and') for (const o of op.operands) bounds(o, out);
    if (op.name === 'broadcast_to' || op.name === 'expand_dims') bounds(op.operands[0], out);
    if (op.name === 'lt' || op.name === 'le') {
      const n = constant(op.operands[1]);
      if (n !== undefined) out.set(source(op.operands[0]), n + (op.name === 'le' ? 1 : 0));
    }
    return out;
  }
  /** The value without the ops that keep what it holds. */
  function source(v: Value): Value {
    const op = defs.get(v);
    if (!op) return v;
    const [x] = op.operands;
    const wide = (t: Type) => !isPtr(t) && dtypeOf(t).is_int() && dtypeOf(t).bits >= 32;
    const keeps = op.name === 'broadcast_to' || op.name === 'expand_dims' || hasTrait(op.name, 'hint');
    return keeps || (op.name === 'cast' && wide(v.type) && wide(x.type)) ? source(x) : v;
  }
  function constant(v: Value): number | undefined {
    const op = defs.get(source(v));
    return op?.name === 'constant' ? Number(op.attrs.value) : undefined;
  }
  function sum(given: Value, cut: ReadonlyMap<Value, number>): Sum | null {
    const v = source(given);
    const op = defs.get(v);
    const n = constant(v);
    if (n !== undefined) return { terms: new Map(), lo: n, hi: n };
    if (op?.name === 'add' || op?.name === 'addptr') {
      const [a, b] = op.operands.map((o) => sum(o, cut));
      if (!a || !b) return null;
      const terms = new Map(a.terms);
      for (const [t, k] of b.terms) terms.set(t, (terms.get(t) ?? 0) + k);
      return { terms, lo: a.lo + b.lo, hi: a.hi + b.hi };
    }
    if (op?.name === 'arange') {
      const start = Number(op.attrs.start);
      const end = start + v.type.shape[0];
      return { terms: new Map(), lo: start, hi: Math.min(end, cut.get(v) ?? end) - 1 };
    }
    return isTile(v.type) ? null : { terms: new Map([[v, 1]]), lo: 0, hi: 0 };
  }
  function span(op: Op): Span | null {
    const mask = op.operands[hasTrait(op.name, 'writes') ? 2 : 1];
    const s = sum(op.operands[0], bounds(mask));
    if (!s) return null;
    const terms = [...s.terms].map(([v, k]) => `${id(v)}*${k}`).sort();
    return { terms: terms.join('+'), lo: s.lo, hi: s.hi };
  }

  const groups = new Map<Op, string>();
  for (const [buffer, ops] of accesses) {
    if (ops.length < 2 || !pointers.written.has(buffer)) continue;
    const spans = ops.map(span);
    const apart = spans.every((a, i) =>
      spans.every((b, j) => i >= j || (a && b && a.terms === b.terms && (a.hi < b.lo || b.hi < a.lo))),
    );
    if (apart) for (const op of ops) groups.set(op, `apart ${buffer}`);
  }
  return { group: (op) => groups.get(op) };
}
