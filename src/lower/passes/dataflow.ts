// Forward data flow over structured control flow: a fact per SSA value, through loops to a fixpoint. An analysis gives the
// facts of parameters, of one op from its operands' facts, and how facts join; this file knows only `for`, `while`, `if`,
// their terminators and `assume`, because control is what it is about, and regions that compute on elements nobody knows. It changes nothing and knows no fact by meaning.

import { type Block, definitions, type Func, type Op, type Param, type Value } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';

/** What an analysis must say. Facts are plain data; `join` must lose information monotonically. */
export interface Facts<T> {
  param(p: Param): T;
  /** Fact of result number `result` of an op that is no control flow. */
  transfer(op: Op, operands: readonly T[], result: number): T;
  /** Fact of a `for` loop's induction variable. */
  induction(op: Op, lo: T, hi: T, step: T): T;
  /** Fact of a value of which nothing is known but its type. */
  unknown(v: Value): T;
  /** What holds if either fact may hold. */
  join(a: T, b: T, v: Value): T;
  equal(a: T, b: T): boolean;
  /** Replaces `join` after a few rounds of a loop, so that chains that grow without end stop. */
  widen?(before: T, after: T, v: Value): T;
  /** Sharper facts that hold in the branch where the comparison `cond` is true (`holds`) or false. */
  refine?(cond: Op, holds: boolean, get: (v: Value) => T): readonly (readonly [Value, T])[];
}

/** Rounds of joining before `widen` takes over. */
const PATIENCE = 4;

export interface Flow<T> {
  /** Fact of a value wherever it is in scope; undefined for a value that is not in the function. */
  get(v: Value): T | undefined;
  /** Facts of an op's operands where it stands: sharper than `get` inside a branch that a comparison guards. */
  operands(op: Op): readonly T[] | undefined;
}

/** Runs the analysis over the function. */
export function forward<T>(func: Func, facts: Facts<T>): Flow<T> {
  const state = new Map<Value, T>();
  /** By first result where there is one: a rewrite that renames operands keeps it. */
  const seen = new Map<Value | Op, readonly T[]>();
  const defs = definitions(func);
  const get = (v: Value): T => state.get(v)!;

  /** Walks a region with the given argument facts; returns the facts of its terminator's operands. */
  function region(block: Block, args: readonly T[]): readonly T[] {
    block.args.forEach((a, i) => void state.set(a, args[i]));
    return run(block);
  }
  function run(block: Block): readonly T[] {
    let last: readonly T[] = [];
    const saved: (readonly [Value, T])[] = [];
    for (const op of block.ops) {
      last = op.operands.map(get);
      seen.set(op.results[0] ?? op, last);
      if (op.regions.length) control(op, last);
      else op.results.forEach((r, i) => void state.set(r, facts.transfer(op, last, i)));
      // What a program assumes holds in the rest of the region.
      if (op.name === 'assume') saved.push(...sharpen(op.operands[0], true));
    }
    for (const [v, f] of saved.reverse()) state.set(v, f);
    return last;
  }
  /** Sets the sharper facts that `cond` being true or false brings; returns the facts from before. */
  function sharpen(cond: Value | undefined, holds: boolean): (readonly [Value, T])[] {
    const def = cond && defs.get(cond);
    const sharper = def && facts.refine ? facts.refine(def, holds, get) : [];
    const before = sharper.map(([v]) => [v, get(v)] as const);
    for (const [v, f] of sharper) state.set(v, f);
    return before;
  }
  /** Runs the region while the branch condition `cond` is known to be true or false. */
  function under(cond: Value | undefined, holds: boolean, body: () => readonly T[]): readonly T[] {
    const saved = sharpen(cond, holds);
    const out = body();
    for (const [v, f] of saved) state.set(v, f);
    return out;
  }
  /** Joins `step(carried)` into `carried` until nothing changes. */
  function fixpoint(op: Op, init: readonly T[], step: (carried: readonly T[]) => readonly T[]): readonly T[] {
    let carried = init;
    for (let round = 0; ; round++) {
      const next = step(carried);
      const joined = carried.map((c, i) => {
        const j = facts.join(c, next[i], op.results[i]);
        return round >= PATIENCE && facts.widen && !facts.equal(c, j) ? facts.widen(c, j, op.results[i]) : j;
      });
      if (joined.every((j, i) => facts.equal(j, carried[i]))) return carried;
      carried = joined;
    }
  }
  function control(op: Op, operands: readonly T[]): void {
    const [first, second] = op.regions;
    let out: readonly T[];
    if (hasTrait(op.name, 'element')) {
      region(first, first.args.map(facts.unknown));
      for (const [i, r] of op.results.entries()) state.set(r, facts.transfer(op, operands, i));
      return;
    }
    if (op.name === 'if') {
      const a = under(op.operands[0], true, () => region(first, []));
      const b = second ? under(op.operands[0], false, () => region(second, [])) : a;
      out = op.results.map((r, i) => facts.join(a[i], b[i], r));
    } else if (op.name === 'for') {
      const [lo, hi, step] = operands;
      const iv = facts.induction(op, lo, hi, step);
      out = fixpoint(op, operands.slice(3), (carried) => region(first, [iv, ...carried]));
    } else if (op.name === 'while') {
      const cond = first.ops.at(-1)?.operands[0];
      out = fixpoint(op, operands, (carried) => {
        region(first, carried);
        // The body's arguments are the condition's under other names: what the condition says of one holds for the other.
        return under(cond, true, () => region(second, first.args.map(get)));
      });
    } else throw new Error(`internal: ${op.name} has regions that data flow does not know`);
    op.results.forEach((r, i) => void state.set(r, out[i]));
  }

  for (const p of func.params) state.set(p.value, facts.param(p));
  run(func.body);
  return { get: (v) => state.get(v), operands: (op) => seen.get(op.results[0] ?? op) };
}
