// Helpers that build a new function out of an old one. `rebuild` walks the ops in order and lets a visitor decide what each
// becomes; `applyRules` drives named rewrite rules to a fixpoint on top of it and reports which fired. The old function is
// never changed; ops and values that stay as they are are shared between both. Knows no op but the terminators' place.

import type { Loc } from '../diagnostics.ts';
import { rowOf } from '../ops/index.ts';
import type { Row, Trait } from '../ops/row.ts';
import { makeOp, type RowLookup } from './build.ts';
import type { Attrs, Block, Func, Op, Value } from './ir.ts';

/** What a visitor or a rule may do at the place that the walk has reached. */
export class Rewriter {
  private readonly env = new Map<Value, Value>();
  private readonly defs = new Map<Value, Op>();
  private readonly fresh = new Set<Value>();
  private out: Op[] = [];
  readonly rows: RowLookup;
  private readonly visit: (op: Op, rw: Rewriter) => void;

  constructor(visit: (op: Op, rw: Rewriter) => void, rows: RowLookup) {
    this.visit = visit;
    this.rows = rows;
  }
  /** The value of the new function that stands for a value of the old one. */
  get(v: Value): Value {
    let to = v;
    for (let next = this.env.get(to); next !== undefined && next !== to; next = this.env.get(to)) to = next;
    return to;
  }
  /** From here on `to` stands for `from`. The source's name moves along to a value that was made in this rewriting. */
  replace(from: Value, to: Value): void {
    if (from === to) return;
    this.env.set(from, to);
    if (this.fresh.has(to)) to.name ??= from.name;
  }
  /** The op of the new function that made a value; undefined for parameters and region arguments. */
  def(v: Value): Op | undefined {
    return this.defs.get(v);
  }
  has(v: Value, op: string): boolean {
    return this.defs.get(v)?.name === op;
  }
  trait(op: Op, trait: Trait): boolean {
    return this.rows(op.name)?.traits.includes(trait) ?? false;
  }
  row(op: Op): Row {
    return this.rows(op.name)!;
  }
  /** Appends an op as it is. */
  emit(op: Op): readonly Value[] {
    this.out.push(op);
    for (const r of op.results) this.defs.set(r, op);
    return op.results;
  }
  /** Makes an op without regions from its row and appends it; returns its first result. */
  make(name: string, operands: readonly Value[], attrs: Attrs, loc: Loc): Value {
    const [result] = this.emit(makeOp(name, operands, attrs, loc, this.rows));
    this.fresh.add(result);
    return result;
  }
  /** The op with its operands renamed; regions are still those of the old function. */
  renamed(op: Op): Op {
    const operands = op.operands.map((o) => this.get(o));
    return operands.every((o, i) => o === op.operands[i]) ? op : { ...op, operands };
  }
  /** Appends the op with operands renamed and regions rebuilt, keeping its results. The default for every op. */
  copy(op: Op): readonly Value[] {
    const n = this.renamed(op);
    const regions = n.regions.map((r) => this.block(r));
    return this.emit(regions.every((r, i) => r === n.regions[i]) ? n : { ...n, regions });
  }
  /** Rebuilds a region of the old function, by itself; `args` replace its arguments. */
  block(b: Block, args: readonly Value[] = b.args): Block {
    b.args.forEach((a, i) => void (i < args.length && this.replace(a, args[i])));
    const saved = this.out;
    this.out = [];
    for (const op of b.ops) this.visit(op, this);
    const ops = this.out;
    this.out = saved;
    const same = args === b.args && ops.length === b.ops.length && ops.every((o, i) => o === b.ops[i]);
    return same ? b : { args, ops };
  }
  /**
   * Rebuilds a loop's body with more arguments and carried values. `first` appends ops at its start; `take` may append ops in
   * the place of one of the body's ops and then returns true; `more` gives what is carried on in the new arguments.
   */
  extend(b: Block, args: readonly Value[], take: (op: Op) => boolean, more: () => readonly Value[], first?: () => void): Block {
    return this.collect(() => {
      first?.();
      for (const op of b.ops.slice(0, -1)) if (!take(op)) this.visit(op, this);
      const end = this.renamed(b.ops.at(-1)!);
      this.emit({ ...end, operands: [...end.operands, ...more()] });
    }, args);
  }
  /** Rebuilds a region with other arguments; `first` appends ops at its start and says what stands for the old ones. */
  region(b: Block, args: readonly Value[], first: () => void): Block {
    return this.collect(() => {
      first();
      for (const op of b.ops) this.visit(op, this);
    }, args);
  }
  /** A region without arguments of the ops that `make` appends; it yields the returned values. */
  side(make: () => readonly Value[], loc: Loc): Block {
    return this.collect(() => this.emit({ name: 'yield', operands: make(), attrs: {}, results: [], regions: [], loc }), []);
  }
  private collect(make: () => void, args: readonly Value[]): Block {
    const saved = this.out;
    this.out = [];
    make();
    const ops = this.out;
    this.out = saved;
    return { args, ops };
  }
  /** Appends the ops of a region of the old function here; returns what its terminator hands over. */
  inline(b: Block, args: readonly Value[]): readonly Value[] {
    b.args.forEach((a, i) => void this.replace(a, args[i]));
    for (const op of b.ops.slice(0, -1)) this.visit(op, this);
    return b.ops.at(-1)?.operands.map((o) => this.get(o)) ?? [];
  }
}

/** A function whose ops are what `visit` made of the old ones; returns `func` itself if nothing changed. */
export function rebuild(func: Func, visit: (op: Op, rw: Rewriter) => void, rows: RowLookup = rowOf): Func {
  const body = new Rewriter(visit, rows).block(func.body);
  return body === func.body ? func : { ...func, body };
}

/**
 * One rewrite. `apply` gets an op whose operands are already rewritten (its regions are not) and returns the values that
 * take the place of its results, or null if the rule does not match; ops are made through `rw`, at the op's place.
 */
export interface Rule {
  readonly name: string;
  readonly apply: (op: Op, rw: Rewriter) => readonly Value[] | null;
}
export const rule = (name: string, apply: Rule['apply']): Rule => ({ name, apply });

/** Sweeps after which rules that undo each other are reported instead of run for ever. */
const MAX_SWEEPS = 64;

/**
 * Applies the first rule that matches to every op, in program order, sweep after sweep until none matches. `fired` hears
 * of each application. The ops that a rule makes are looked at in the next sweep.
 */
export function applyRules(func: Func, rules: readonly Rule[], fired: (rule: string, loc: Loc) => void, rows?: RowLookup): Func {
  let current = func;
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let changed = false;
    current = rebuild(
      current,
      (old, rw) => {
        const op = rw.renamed(old);
        for (const r of rules) {
          const values = r.apply(op, rw);
          if (!values) continue;
          op.results.forEach((from, i) => void rw.replace(from, values[i]));
          fired(r.name, op.loc);
          changed = true;
          return;
        }
        rw.copy(old);
      },
      rows,
    );
    if (!changed) return current;
  }
  throw new Error(`internal: the rules ${rules.map((r) => r.name).join(', ')} do not come to an end in ${func.name}`);
}
