// Disjoint accesses: which loads and stores of a buffer can be seen not to overlap, so that nothing has to wait between them. Comes in:
// a tile-level function. Goes out: for accesses to buffers in which every two are apart, a name that they share; another one if they
// are apart in all iterations of the loop around them, too. An access is seen as a sum of scalars plus an interval that its tile,
// cut by its mask, stays in.

import { type Block, definitions, type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { hasTrait, maskOperand } from '../../dsl/ops/index.ts';
import { dtypeOf, isPtr, isTile, type Type } from '../../dsl/types.ts';
import type { Pointers } from './pointers.ts';

/** The sum of `terms` (scalars, by number and factor) plus lo … hi. */
interface Span {
  readonly terms: string;
  readonly sum: ReadonlyMap<Value, number>;
  readonly lo: number;
  readonly hi: number;
}
interface Sum {
  readonly terms: ReadonlyMap<Value, number>;
  readonly lo: number;
  readonly hi: number;
}
/** How names begin that hold across the iterations of the loop, not only in one run of the code around the accesses. */
export const ALWAYS_APART = 'always apart';
/** A counted loop, with the values that change in it. */
interface Loop {
  readonly induction: Value;
  readonly step: number | undefined;
  readonly changing: ReadonlySet<Value>;
}
export interface Disjoint {
  /** Equal for two accesses that never touch an element of one another. */
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
  /** Loops around each access; null stands for one that is not counted. */
  const around = new Map<Op, readonly (Loop | null)[]>();
  const visit = (block: Block, loops: readonly (Loop | null)[]): void => {
    for (const op of block.ops) {
      const inside = op.name === 'for' ? [...loops, loopOf(op)] : op.name === 'while' ? [...loops, null] : loops;
      for (const r of op.regions) visit(r, inside);
      if (!hasTrait(op.name, 'writes') && !hasTrait(op.name, 'reads')) continue;
      around.set(op, loops);
      for (const b of pointers.buffers(op.operands[0])) accesses.set(b, [...(accesses.get(b) ?? []), op]);
    }
  };
  visit(func.body, []);
  function loopOf(op: Op): Loop {
    const [body] = op.regions;
    const changing = new Set<Value>(body.args);
    walk(body, (o) => {
      for (const v of [...o.results, ...o.regions.flatMap((r) => r.args)]) changing.add(v);
    });
    return { induction: body.args[0], step: constant(op.operands[2]), changing };
  }

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
    if (op?.name === 'mul') {
      const k = constant(op.operands[1]);
      const a = k === undefined ? null : sum(op.operands[0], cut);
      if (k !== undefined && a) {
        const ends = [a.lo * k, a.hi * k];
        return { terms: new Map([...a.terms].map(([t, f]) => [t, f * k])), lo: Math.min(...ends), hi: Math.max(...ends) };
      }
    }
    if (op?.name === 'arange') {
      const start = Number(op.attrs.start);
      const end = start + v.type.shape[0];
      return { terms: new Map(), lo: start, hi: Math.min(end, cut.get(v) ?? end) - 1 };
    }
    return isTile(v.type) ? null : { terms: new Map([[v, 1]]), lo: 0, hi: 0 };
  }
  function span(op: Op): Span | null {
    const mask = maskOperand(op);
    const s = sum(op.operands[0], bounds(mask));
    if (!s) return null;
    const terms = [...s.terms].map(([v, k]) => `${id(v)}*${k}`).sort();
    return { terms: terms.join('+'), sum: s.terms, lo: s.lo, hi: s.hi };
  }
  /** All accesses stand in one loop, which moves them on by more than they span; or in none. */
  function stepsApart(ops: readonly Op[], spans: readonly (Span | null)[]): boolean {
    const [loop, ...more] = around.get(ops[0])!;
    if (loop === undefined) return ops.every((op) => !around.get(op)!.length);
    if (loop === null || more.length || !loop.step) return false;
    if (!ops.every((op) => around.get(op)!.length === 1 && around.get(op)![0]?.induction === loop.induction)) return false;
    const [first] = spans;
    if (!first) return false;
    const moves = Math.abs((first.sum.get(loop.induction) ?? 0) * loop.step);
    const still = [...first.sum.keys()].every((v) => v === loop.induction || !loop.changing.has(v));
    return still && Math.max(...spans.map((s) => s!.hi)) - Math.min(...spans.map((s) => s!.lo)) < moves;
  }

  const groups = new Map<Op, string>();
  for (const [buffer, ops] of accesses) {
    if (!pointers.written.has(buffer)) continue;
    const spans = ops.map(span);
    const apart = spans.every((a, i) =>
      spans.every((b, j) => i >= j || (a && b && a.terms === b.terms && (a.hi < b.lo || b.hi < a.lo))),
    );
    if (!apart) continue;
    const always = stepsApart(ops, spans);
    if (always || ops.length > 1) for (const op of ops) groups.set(op, `${always ? ALWAYS_APART : 'apart'} ${buffer}`);
  }
  return { group: (op) => groups.get(op) };
}
