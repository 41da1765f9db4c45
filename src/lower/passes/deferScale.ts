// Deferred row scales: a loop that multiplies the rows of its accumulator in every iteration, before a product on matrix units adds
// to it, keeps the accumulator in matrices and carries the factor beside it. Needs: tile level. Gives, for rows r:
//   acc[r] = d[r] · acc'[r];  d *= scale;  acc' += dot(p / d, v);  after the loop acc = d · acc'
// and, where some d has left [2^-8, 2] or p / d would leave f16's range, one real rescale (acc' *= d, d = 1), decided for the whole
// workgroup. p / d is rounded to f16 where p was: within those bounds to the same relative precision.

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
    return { slot, dot, scaled, scale, wide: cast.operands[0] };
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
    return op?.name === 'max' && op.operands[0] === sub.operands[0];
  };
  return covers(sub.operands[1]);
}

function rewrite(loop: Op, f: Found, rw: Rewriter, defs: ReadonlyMap<Value, Op>): void {
  const [body] = loop.regions;
  const { loc } = f.dot;
  const [m, n] = f.dot.results[0].type.shape;
  const k = f.dot.operands[0].type.shape[1];
  const vector = f.scale.type;
  const constant = (value: number): Value =>
    rw.make('broadcast_to', [rw.make('constant', [], { value, dtype: 'f32' }, loc)], { shape: [m] }, loc);
  const spreadTo = (v: Value, cols: number): Value =>
    rw.make('broadcast_to', [rw.make('expand_dims', [v], { axis: 1 }, loc)], { shape: [m, cols] }, loc);
  const one = constant(1);
  const d = new Value(vector, 'scale');
  const acc = body.args[f.slot + 1];
  let next = d;
  const inner: Block = rw.extend(
    body,
    [...body.args, d],
    (op) => {
      if (op === f.scaled) return true;
      if (op !== f.dot) return false;
      const wide = rw.get(f.wide);
      const d1 = rw.make('mul', [d, rw.get(f.scale)], {}, loc);
      let bad = rw.make(
        'or',
        [rw.make('lt', [d1, constant(LEAST)], {}, loc), rw.make('gt', [d1, constant(MOST)], {}, loc)],
        {},
        loc,
      );
      if (!atMostOne(f.wide, defs)) {
        const top = rw.make('max', [rw.make('abs', [wide], {}, loc)], { axis: 1 }, loc);
        bad = rw.make('or', [bad, rw.make('gt', [top, rw.make('mul', [d1, constant(LARGEST)], {}, loc)], {}, loc)], {}, loc);
      }
      const any = rw.make('any', [bad], { axis: 0 }, loc);
      const results = [new Value(acc.type, acc.name), new Value(vector, 'scale')];
      const rescaled = rw.side(() => [rw.make('mul', [acc, spreadTo(d1, n)], {}, loc), one], loc);
      const kept = rw.side(() => [acc, d1], loc);
      rw.emit(makeRegionOp('if', [any], [rescaled, kept], results, loc));
      const inverse = rw.make('div', [one, results[1]], {}, loc);
      const left = rw.make('cast', [rw.make('mul', [wide, spreadTo(inverse, k)], {}, loc)], { to: 'f16' }, loc);
      rw.replace(f.dot.results[0], rw.make('dot', [left, rw.get(f.dot.operands[1]), results[0]], f.dot.attrs, loc));
      next = results[1];
      return true;
    },
    () => [next],
  );
  const operands = [...loop.operands.map((o) => rw.get(o)), one];
  const results = loop.results.map((r, i) => (i === f.slot ? new Value(r.type, r.name) : r));
  const factor = new Value(vector, 'scale');
  rw.emit({ ...loop, operands, regions: [inner], results: [...results, factor] });
  rw.replace(loop.results[f.slot], rw.make('mul', [results[f.slot], spreadTo(factor, n)], {}, loc));
}
