// Deferred row scales: a loop that multiplies the rows of its accumulator in every iteration, before a product on matrix units adds
// to it, keeps the accumulator in matrices and carries the factor beside it. Needs: tile level. Gives, for rows r:
//   acc[r] = d[r] · acc'[r];  d *= scale;  acc' += dot(p / d, v);  after the loop acc = d · acc'
// and, where some d has left [2^-8, 2] or p / d would leave f16's range, one real rescale (acc' *= d, d = 1), decided for the whole
// workgroup. p / d is rounded to f16 where p was: within those bounds to the same relative precision. It is made before the
// decision, so that what waits for the decision waits for the rounded operand too. Rows of acc' that hold zeros only, because
// every p so far was zero, take any factor: they keep d = 1.

import { makeRegionOp } from '../../dsl/ir/build.ts';
import { type Block, definitions, type Func, type Op, useCounts, Value } from '../../dsl/ir/ir.ts';
import { type Rewriter, rebuild } from '../../dsl/ir/rewrite.ts';
import { DTYPES, dtypeOf } from '../../dsl/types.ts';
import { type Pass, pass } from '../pass.ts';
import type { Target } from '../program.ts';
import { matrixProducts } from './fragments.ts';

/** Bounds of the carried factor, and of what a scaled left operand may become. */
const LEAST = 2 ** -8;
const MOST = 2;
const LARGEST = 32768;

interface Found {
  /** Number of the carried value, the product that yields it, its scale and its left operand before rounding to f16. */
  readonly slot: number;
  readonly dot: Op;
  readonly scaled: Op;
  readonly scale: Value;
  readonly wide: Value;
  /** The rounding, if nothing but the product takes it. */
  readonly cast: Op | undefined;
}

export const deferScale = (target: Target): Pass =>
  pass({
    name: 'deferScale',
    doc: 'an accumulator whose rows are scaled in every iteration carries the scale beside it',
    run(func, cx): Func {
      const products = new Set(matrixProducts(func, target));
      if (!products.size) return func;
      const defs = definitions(func);
      const uses = useCounts(func);
      return rebuild(
        func,
        (op, rw) => {
          const found = op.name === 'for' ? find(op, products, defs, uses) : undefined;
          if (!found) return void rw.copy(op);
          cx.fired('deferScale', found.scaled.loc);
          rewrite(op, found, rw, defs);
        },
        cx.rows,
      );
    },
  });

/** The column vector behind a factor of shape [M, N]. */
function rowFactor(v: Value, defs: ReadonlyMap<Value, Op>): Value | undefined {
  const op = defs.get(v);
  if (op?.name === 'broadcast_to') return rowFactor(op.operands[0], defs);
  return op?.name === 'expand_dims' && op.attrs.axis === 1 && op.operands[0].type.shape.length === 1 ? op.operands[0] : undefined;
}

function find(
  loop: Op,
  products: ReadonlySet<Op>,
  defs: ReadonlyMap<Value, Op>,
  uses: ReadonlyMap<Value, number>,
): Found | undefined {
  const [body] = loop.regions;
  const ends = body.ops.at(-1)!.operands;
  for (const [slot, end] of ends.entries()) {
    const dot = defs.get(end);
    if (!dot || !products.has(dot) || uses.get(end) !== 1 || !body.ops.includes(dot) || !dot.operands[2]) continue;
    const scaled = defs.get(dot.operands[2]);
    const arg = body.args[slot + 1];
    if (scaled?.name !== 'mul' || uses.get(scaled.results[0]) !== 1 || uses.get(arg) !== 1 || !body.ops.includes(scaled))
      continue;
    const factor = scaled.operands[0] === arg ? scaled.operands[1] : scaled.operands[1] === arg ? scaled.operands[0] : undefined;
    const scale = factor && rowFactor(factor, defs);
    const cast = defs.get(dot.operands[0]);
    if (!scale || cast?.name !== 'cast' || dtypeOf(cast.operands[0].type) !== DTYPES.f32) continue;
    const [wide] = cast.operands;
    return { slot, dot, scaled, scale, wide, cast: uses.get(cast.results[0]) === 1 ? cast : undefined };
  }
  return undefined;
}

/** What is known of a left operand: 0 <= p <= 1, or p times a row's factor. */
interface Weights {
  readonly p: Value;
  readonly factor?: Value;
}
function weights(v: Value, defs: ReadonlyMap<Value, Op>): Weights | undefined {
  if (atMostOne(v, defs)) return { p: v };
  const op = defs.get(v);
  if (op?.name !== 'mul') return undefined;
  for (const [x, f] of [op.operands, [...op.operands].reverse()]) {
    const factor = rowFactor(f, defs);
    if (factor && atMostOne(x, defs)) return { p: x, factor };
  }
  return undefined;
}

/** exp(x - m), where m is at least the largest x of the row: never above 1. */
function atMostOne(v: Value, defs: ReadonlyMap<Value, Op>): boolean {
  const exp = defs.get(v);
  const sub = exp && (exp.name === 'exp' || exp.name === 'exp2') ? defs.get(exp.operands[0]) : undefined;
  if (sub?.name !== 'sub') return false;
  const covers = (m: Value): boolean => {
    const op = defs.get(m);
    if (op?.name === 'broadcast_to' || op?.name === 'expand_dims') return covers(op.operands[0]);
    if (op?.name === 'maximum') return op.operands.some(covers);
    // A row without any score may take another number: its weights are exp(-inf).
    if (op?.name === 'where') return covers(op.operands[1]) && isAbove(op.operands[0], op.operands[1], defs);
    return op?.name === 'max' && op.operands[0] === sub.operands[0];
  };
  return covers(sub.operands[1]);
}
/** The condition is m > -inf. */
function isAbove(condition: Value, m: Value, defs: ReadonlyMap<Value, Op>): boolean {
  const op = defs.get(condition);
  const lowest = (v: Value): boolean => {
    const c = defs.get(v);
    return c?.name === 'broadcast_to' ? lowest(c.operands[0]) : c?.name === 'constant' && c.attrs.value === -Infinity;
  };
  return op?.name === 'gt' && op.operands[0] === m && lowest(op.operands[1]);
}
const isZero = (v: Value, defs: ReadonlyMap<Value, Op>): boolean => {
  const op = defs.get(v);
  return op?.name === 'broadcast_to' ? isZero(op.operands[0], defs) : op?.name === 'constant' && Object.is(op.attrs.value, 0);
};

function rewrite(loop: Op, f: Found, rw: Rewriter, defs: ReadonlyMap<Value, Op>): void {
  const [body] = loop.regions;
  const { loc } = f.dot;
  const [m, n] = f.dot.results[0].type.shape;
  const k = f.dot.operands[0].type.shape[1];
  const vector = f.scale.type;
  const make = (name: string, operands: readonly Value[], attrs = {}): Value => rw.make(name, operands, attrs, loc);
  const filled = (value: number | boolean, dtype: string): Value =>
    make('broadcast_to', [make('constant', [], { value, dtype })], { shape: [m] });
  const constant = (value: number): Value => filled(value, 'f32');
  const spreadTo = (v: Value, cols: number): Value =>
    make('broadcast_to', [make('expand_dims', [v], { axis: 1 })], { shape: [m, cols] });
  const one = constant(1);
  const empty = filled(isZero(loop.operands[f.slot + 3], defs), 'bool');
  const d = new Value(vector, 'scale');
  const clean = new Value(empty.type, 'clean');
  const acc = body.args[f.slot + 1];
  let next = d;
  let stays = clean;
  const inner: Block = rw.extend(
    body,
    [...body.args, d, clean],
    (op) => {
      if (op === f.scaled || op === f.cast) return true;
      if (op !== f.dot) return false;
      const wide = rw.get(f.wide);
      const scale = rw.get(f.scale);
      const any = make('and', [clean, make('le', [scale, constant(MOST)])]);
      const d1 = make('where', [any, one, make('mul', [d, scale])]);
      const rounded = (by: Value): Value =>
        make('cast', [make('mul', [wide, spreadTo(make('div', [one, by]), k)])], { to: 'f16' });
      const early = rounded(d1);
      const known = weights(f.wide, defs);
      const factor = known?.factor && rw.get(known.factor);
      const top = known ? factor && make('abs', [factor]) : make('max', [make('abs', [wide])], { axis: 1 });
      let bad = make('or', [make('lt', [d1, constant(LEAST)]), make('gt', [d1, constant(MOST)])]);
      if (top) bad = make('or', [bad, make('gt', [top, make('mul', [d1, constant(LARGEST)])])]);
      const sum = known ? make('sum', [rw.get(known.p)], { axis: 1 }) : top!;
      let none = make('eq', [sum, constant(0)]);
      if (factor) none = make('or', [none, make('eq', [factor, constant(0)])]);
      stays = make('and', [clean, none]);
      const results = [new Value(acc.type, acc.name), new Value(vector, 'scale'), new Value(early.type, early.name)];
      const rescaled = rw.side(() => [make('mul', [acc, spreadTo(d1, n)]), one, make('cast', [wide], { to: 'f16' })], loc);
      const kept = rw.side(() => [acc, d1, early], loc);
      rw.emit(makeRegionOp('if', [make('any', [bad], { axis: 0 })], [rescaled, kept], results, loc));
      rw.replace(f.dot.results[0], make('dot', [results[2], rw.get(f.dot.operands[1]), results[0]], f.dot.attrs));
      next = results[1];
      return true;
    },
    () => [next, stays],
  );
  const operands = [...loop.operands.map((o) => rw.get(o)), one, empty];
  const results = loop.results.map((r, i) => (i === f.slot ? new Value(r.type, r.name) : r));
  const factor = new Value(vector, 'scale');
  rw.emit({ ...loop, operands, regions: [inner], results: [...results, factor, new Value(empty.type)] });
  rw.replace(loop.results[f.slot], make('mul', [results[f.slot], spreadTo(factor, n)]));
}
