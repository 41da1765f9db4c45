// Tile-level IR to flat steps: regions become jumps, values become registers. Loop-carried values share one register with the
// region arguments and results of their loop; what `yield` gives them is swapped in where the value dies there, else copied.
// In: a verified Func. Out: Code for a Machine. What single ops do stands in execute.ts.

import type { Block, Func, Op, Value } from '../../dsl/ir/ir.ts';
import { numel } from '../../dsl/types.ts';
import { addressOps } from './checks.ts';
import { stop } from './errors.ts';
import { execute, prepared } from './execute.ts';
import type { Code, Exec, Machine, Scope, Step, StepKind } from './machine.ts';
import { RUN } from './messages.ts';
import { copy } from './values.ts';

type Open = { -readonly [K in keyof Scope]: Scope[K] };
/** Brings yielded values to their registers. */
type Move = (m: Machine) => void;

class Compiler {
  private readonly addresses: ReadonlySet<Op>;
  readonly steps: Step[] = [];
  readonly slots = new Map<Value, number>();
  readonly slotValues: Value[] = [];
  readonly loops: Op[] = [];
  readonly prepare: ((m: Machine) => void)[] = [];
  /** Block in which an op makes the value anew each time; absent for arguments and launch constants. */
  private readonly madeIn = new Map<Value, Block>();

  constructor(func: Func) {
    this.addresses = addressOps(func);
    this.noteConstants(func.body);
  }

  slot = (v: Value): number => {
    let s = this.slots.get(v);
    if (s === undefined) {
      s = this.slotValues.push(v) - 1;
      this.slots.set(v, s);
    }
    return s;
  };
  private share(values: readonly (Value | undefined)[]): void {
    const s = this.slot(values[0]!);
    for (const v of values) if (v) this.slots.set(v, s);
  }

  private push(op: Op, kind: StepKind, scope: Scope, exec: Exec): number {
    return this.steps.push({ index: this.steps.length, op, kind, scope, exec }) - 1;
  }

  /** Emits the ops of a block before its terminator; returns the terminator, if it has one. */
  block(scope: Scope): Op | undefined {
    for (const op of scope.block.ops) {
      if (op.name === 'yield' || op.name === 'condition') return op;
      if (op.name === 'for') this.forLoop(op, scope);
      else if (op.name === 'while') this.whileLoop(op, scope);
      else if (op.name === 'if') this.branch(op, scope);
      else this.plain(op, scope);
    }
    return undefined;
  }

  private plain(op: Op, scope: Scope): void {
    const once = prepared(op, this.slot);
    if (once) this.prepare.push(once);
    else for (const r of op.results) this.madeIn.set(r, scope.block);
    this.push(op, 'op', scope, execute(op, this.slot, this.addresses));
  }

  private open(parent: Scope, op: Op, block: Block, loop: number): Open {
    return { parent, op, block, loop, first: this.steps.length, end: 0 };
  }

  /** Copies initial values into the registers of a loop. */
  private init(from: readonly Value[], to: readonly Value[]): Move {
    const pairs = from.map((v, i) => [this.slot(v), this.slot(to[i])] as const);
    return ({ regs }) => {
      for (const [v, t] of pairs) copy(regs[t], regs[v]);
    };
  }

  /**
   * Parallel assignment of yielded values to registers. A value made in the ending block and yielded once is not read again
   * before it is made anew, so its array changes places with the target's. A target that is also a source is saved first.
   */
  private moves(yielded: readonly Value[], targets: readonly Value[], block: Block): Move {
    const target = targets.map(this.slot);
    const swaps: [number, number][] = [];
    const copies: [number, number][] = [];
    const saved: [number, number][] = [];
    for (const [i, v] of yielded.entries()) {
      const s = this.slot(v);
      if (s === target[i]) continue;
      if (this.madeIn.get(v) === block && yielded.indexOf(v) === yielded.lastIndexOf(v)) swaps.push([s, target[i]]);
      else if (target.includes(s)) saved.push([s, target[i]]);
      else copies.push([s, target[i]]);
    }
    // One spare register for each saved value, of the value's own type.
    const spare = saved.map(([s]) => this.slotValues.push(this.slotValues[s]) - 1);
    return ({ regs }) => {
      for (const [k, [s]] of saved.entries()) copy(regs[spare[k]], regs[s]);
      for (const [s, t] of copies) copy(regs[t], regs[s]);
      for (const [s, t] of swaps) [regs[s], regs[t]] = [regs[t], regs[s]];
      for (const [k, [, t]] of saved.entries()) [regs[spare[k]], regs[t]] = [regs[t], regs[spare[k]]];
    };
  }

  private madeHere(op: Op, scope: Scope): void {
    for (const r of op.results) this.madeIn.set(r, scope.block);
  }

  private forLoop(op: Op, scope: Scope): void {
    const [lo, hi, step] = op.operands;
    const [body] = op.regions;
    const [iv, ...carried] = body.args;
    for (const [i, a] of carried.entries()) this.share([a, op.results[i]]);
    const [los, his, steps, ivs] = [lo, hi, step, iv].map(this.slot);
    const init = this.init(op.operands.slice(3), carried);
    const loop = this.loops.push(op) - 1;
    const mayFall = this.constants.has(step);
    let after = 0;

    this.push(op, 'enter', scope, (m) => {
      const { regs } = m;
      const s = m.loops[loop];
      s.i = regs[los][0];
      s.stop = regs[his][0];
      s.step = regs[steps][0];
      if (Number(s.step) === 0 || (Number(s.step) < 0 && !mayFall)) stop(op.loc, m.pid, RUN.loopStep, s.step, m.pid);
      init(m);
      if (!(s.step > 0 ? s.i < s.stop : s.i > s.stop)) return after;
      s.iteration = 0;
      regs[ivs][0] = s.i;
      return undefined;
    });
    const inner = this.open(scope, op, body, loop);
    const end = this.block(inner);
    const moves = this.moves(end?.operands ?? [], carried, body);
    const size = this.steps.length - inner.first + 1;
    const cost = work(body);
    this.push(end ?? op, 'again', inner, (m) => {
      moves(m);
      const s = m.loops[loop];
      (s as { i: number }).i = (s.i as number) + (s.step as number);
      if (!(s.step > 0 ? s.i < s.stop : s.i > s.stop)) {
        s.iteration = -1;
        return after;
      }
      s.iteration++;
      m.spend(size, cost, loop, op.loc);
      m.regs[ivs][0] = s.i;
      return inner.first;
    });
    after = inner.end = this.steps.length;
    this.madeHere(op, scope);
  }

  /** A loop counts down only if its step is one of these. */
  private readonly constants = new Set<Value>();
  private noteConstants(block: Block): void {
    for (const op of block.ops) {
      if (op.name === 'constant') this.constants.add(op.results[0]);
      for (const r of op.regions) this.noteConstants(r);
    }
  }

  private whileLoop(op: Op, scope: Scope): void {
    const [test, body] = op.regions;
    for (const [i, a] of test.args.entries()) this.share([a, body.args[i], op.results[i]]);
    const init = this.init(op.operands, test.args);
    const loop = this.loops.push(op) - 1;
    let after = 0;
    this.push(op, 'enter', scope, (m) => {
      init(m);
      m.loops[loop].iteration = 0;
      return undefined;
    });
    const head = this.open(scope, op, test, loop);
    const condition = this.block(head)!;
    const c = this.slot(condition.operands[0]);
    this.push(condition, 'test', head, (m) => {
      if (m.regs[c][0]) return undefined;
      m.loops[loop].iteration = -1;
      return after;
    });
    head.end = this.steps.length;
    const inner = this.open(scope, op, body, loop);
    const end = this.block(inner);
    const moves = this.moves(end?.operands ?? [], body.args, body);
    const size = this.steps.length - head.first + 1;
    const cost = work(test) + work(body);
    this.push(end ?? op, 'again', inner, (m) => {
      moves(m);
      m.loops[loop].iteration++;
      m.spend(size, cost, loop, op.loc);
      return head.first;
    });
    after = inner.end = this.steps.length;
    this.madeHere(op, scope);
  }

  private branch(op: Op, scope: Scope): void {
    const c = this.slot(op.operands[0]);
    const jump = { otherwise: 0, after: 0 };
    this.push(op, 'enter', scope, (m) => (m.regs[c][0] ? undefined : jump.otherwise));
    for (const [i, region] of op.regions.entries()) {
      const inner = this.open(scope, op, region, -1);
      if (i === 1) jump.otherwise = inner.first;
      const end = this.block(inner);
      const moves = this.moves(end?.operands ?? [], op.results.slice(0, end?.operands.length ?? 0), region);
      this.push(end ?? op, 'leave', inner, (m) => {
        moves(m);
        return jump.after;
      });
      inner.end = this.steps.length;
    }
    jump.after = this.steps.length;
    if (op.regions.length < 2) jump.otherwise = jump.after;
    this.madeHere(op, scope);
  }
}

/** What a scalar op costs in elements of a tile op. */
const STEP_WORK = 64;

/** Elements that one pass over a block touches, loops in it excepted: they count their own. */
function work(block: Block): number {
  let sum = STEP_WORK;
  for (const op of block.ops) {
    const [a] = op.operands;
    const inner = op.name === 'dot' ? numel(op.results[0].type.shape) * (a.type.shape.at(-1) as number) : 0;
    sum += Math.max(STEP_WORK, inner, ...[...op.operands, ...op.results].map((v) => numel(v.type.shape)));
    if (op.name === 'if') for (const r of op.regions) sum += work(r);
  }
  return sum;
}

/** Flattens a function. Errors: TL5010 for ops that are not of the tile level. */
export function compileCode(func: Func): Code {
  const c = new Compiler(func);
  for (const p of func.params) c.slot(p.value);
  const scope: Open = { parent: null, op: null, block: func.body, loop: -1, first: 0, end: 0 };
  c.block(scope);
  scope.end = c.steps.length;
  return { params: func.params, steps: c.steps, slots: c.slots, slotValues: c.slotValues, loops: c.loops, prepare: c.prepare };
}
