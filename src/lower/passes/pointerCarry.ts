// Pointers that a branch or a loop hands over, where one may be into either of several buffers: the number of its parameter and an
// offset are handed over in its place, and behind the branch the pointer is chosen by that number; `pointerChoice` does the rest. Comes in:
// tile IR. Goes out: the same; functions whose branches and loops know the buffer of every pointer stay as they are.

import { makeRegionOp } from '../../dsl/ir/build.ts';
import { type Block, type Func, type Op, Value, walk } from '../../dsl/ir/ir.ts';
import { type Rewriter, rebuild } from '../../dsl/ir/rewrite.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { DTYPES, isPtr, scalar, type Type, tile } from '../../dsl/types.ts';
import { pass } from '../pass.ts';
import { makeConstant } from './constants.ts';
import { analyzePointers, type Pointers } from './pointers.ts';

/** A pointer as plain numbers: which parameter it comes from, and how many elements behind. */
interface Parts {
  readonly which: Value;
  readonly offset: Value;
}
const index = ({ shape }: Type): Type => (shape.length ? tile(DTYPES.i32, shape) : scalar(DTYPES.i32));

/** Every parameter counts as a buffer of its own here, so that the sets name parameters: -1 is the first. */
const byParameter = (func: Func): Pointers => analyzePointers({ ...func, params: func.params.map(({ buffer: _, ...p }) => p) });

class Carry {
  private readonly func: Func;
  private readonly sets: Pointers;
  /** What the terminators of the regions around the current op do with their operands, innermost last. */
  private readonly ends: boolean[] = [];
  constructor(func: Func, sets: Pointers) {
    this.func = func;
    this.sets = sets;
  }

  run(rows: Parameters<typeof rebuild>[2]): Func {
    return rebuild(this.func, (op, rw) => this.visit(op, rw), rows);
  }

  private visit(op: Op, rw: Rewriter): void {
    if (op.name === 'yield' && this.ends.at(-1)) {
      const n = rw.renamed(op);
      rw.emit({ ...n, operands: this.apart(n.operands, rw, op) });
      return;
    }
    if (!op.regions.length) {
      rw.copy(op);
      return;
    }
    const taken =
      hasTrait(op.name, 'control') && [...op.results, ...op.regions.flatMap((r) => r.args)].some((v) => isPtr(v.type));
    this.ends.push(taken);
    if (taken) this.control(op, rw);
    else rw.copy(op);
    this.ends.pop();
  }

  private control(op: Op, rw: Rewriter): void {
    const operands = this.apart(rw.renamed(op).operands, rw, op);
    const regions = op.regions.map((r) => this.region(r, rw, op));
    const results = op.results.map((r) => this.fresh(r));
    rw.emit(makeRegionOp(op.name, operands, regions, results.flat(), op.loc, op.attrs));
    op.results.forEach((r, i) => void rw.replace(r, this.joined(r, results[i], rw, op)));
  }
  private region(b: Block, rw: Rewriter, op: Op): Block {
    const args = b.args.map((a) => this.fresh(a));
    return rw.region(b, args.flat(), () => b.args.forEach((a, i) => void rw.replace(a, this.joined(a, args[i], rw, op))));
  }
  private fresh(v: Value): readonly Value[] {
    return isPtr(v.type) ? [new Value(index(v.type)), new Value(index(v.type))] : [new Value(v.type, v.name)];
  }

  /** The pointer that stands for `old`, of its parts; any other value is its own part. */
  private joined(old: Value, parts: readonly Value[], rw: Rewriter, { loc }: Op): Value {
    if (!isPtr(old.type)) return parts[0];
    const [which, offset] = parts;
    const { shape } = old.type;
    const pointers = [...this.sets.buffers(old)]
      .map((b) => -1 - b)
      .map((p) => {
        const base = this.func.params[p].value;
        const wide = shape.length ? rw.make('broadcast_to', [base], { shape }, loc) : base;
        return { p, pointer: rw.make('addptr', [wide, offset], {}, loc) };
      });
    return pointers.reduceRight<Value | undefined>((other, { p, pointer }) => {
      if (!other) return pointer;
      const here = rw.make('eq', [which, makeConstant(which.type, p, loc, rw)], {}, loc);
      return rw.make('where', [here, pointer, other], {}, loc);
    }, undefined)!;
  }

  private apart(values: readonly Value[], rw: Rewriter, op: Op): Value[] {
    return values.flatMap((v) => {
      if (!isPtr(v.type)) return [v];
      const { which, offset } = this.split(v, rw, op);
      return [which, offset];
    });
  }
  private split(v: Value, rw: Rewriter, at: Op): Parts {
    const { loc } = at;
    const param = this.func.params.findIndex((p) => p.value === v);
    if (param >= 0) {
      const zero = makeConstant(index(v.type), 0, loc, rw);
      return { which: makeConstant(index(v.type), param, loc, rw), offset: zero };
    }
    const op = rw.def(v)!;
    const parts = op.operands.filter((o) => isPtr(o.type)).map((o) => this.split(o, rw, at));
    const [a, b] = parts;
    if (op.name === 'where') {
      const choose = (x: Value, y: Value): Value => rw.make('where', [op.operands[0], x, y], {}, loc);
      return { which: choose(a.which, b.which), offset: choose(a.offset, b.offset) };
    }
    if (op.name === 'addptr') {
      const by = rw.make('cast', [op.operands[1]], { to: 'i32' }, loc);
      return { which: a.which, offset: rw.make('add', [a.offset, by], {}, loc) };
    }
    if (hasTrait(op.name, 'hint')) return a;
    const move = (of: (p: Parts) => Value): Value => rw.make(op.name, parts.map(of), op.attrs, loc);
    return { which: move((p) => p.which), offset: move((p) => p.offset) };
  }
}

/** True if a branch or a loop hands over a pointer that may be into several buffers. */
function chooses(func: Func): boolean {
  const real = analyzePointers(func);
  let found = false;
  walk(func.body, (op) => {
    const handed = [...op.results, ...op.regions.flatMap((r) => r.args)];
    if (op.regions.length && handed.some((v) => isPtr(v.type) && real.buffers(v).size > 1)) found = true;
  });
  return found;
}

export const pointerCarry = pass({
  name: 'pointerCarry',
  doc: 'No branch or loop hands over a pointer that may be into several buffers.',
  run: (func, cx) => (chooses(func) ? new Carry(func, byParameter(func)).run(cx.rows) : func),
});
