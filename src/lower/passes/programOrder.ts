// Program order: which program ids neighbouring workgroups should differ in. A GPU starts workgroups in the order of their flat index,
// and what runs at the same time should lie close together in memory. Comes in: a tile-level function. Goes out: the axes, fastest
// first. The order has no meaning for the kernel.

import { type Block, definitions, type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { dtypeOf, isPtr } from '../../dsl/types.ts';

export type AxisOrder = readonly [number, number, number];
const AS_GIVEN: AxisOrder = [0, 1, 2];
type Steps = readonly [number, number, number];

/**
 * Axes by the distance in memory between neighbouring programs' stores, the nearest first; distances that are not known at compile
 * time count as far. Kernels with a dot keep the order they were written for: what they share of their operands matters more.
 */
export function programOrder(func: Func): AxisOrder {
  const stores: Op[] = [];
  let dots = false;
  walk(func.body, (op) => {
    if (hasTrait(op.name, 'writes')) stores.push(op);
    if (op.name === 'dot') dots = true;
  });
  if (dots) return AS_GIVEN;
  const step = stepsOf(func);
  const nearest = [0, 1, 2].map((axis) => {
    const known = stores.map((s) => Math.abs(step(s.operands[0])[axis])).filter((d) => d > 0);
    return known.length ? Math.min(...known) : Infinity;
  });
  const [a, b, c] = [0, 1, 2].sort((x, y) => (nearest[x] === nearest[y] ? x - y : nearest[x] < nearest[y] ? -1 : 1));
  return [a, b, c];
}

/**
 * Axes along which later programs run longer loops with dots in them, because a loop's end grows with the program's number (causal
 * attention): their programs start from the last, so that the card does not end with a few long ones.
 */
export function longestFirst(func: Func): readonly number[] {
  const defs = definitions(func);
  const memo = new Map<Value, ReadonlySet<number>>();
  /** Axes along which a value grows, as far as sums, products with what is positive and choices show. */
  const grows = (v: Value): ReadonlySet<number> => {
    const known = memo.get(v);
    if (known) return known;
    memo.set(v, new Set());
    const op = defs.get(v);
    const out = new Set<number>();
    if (op?.name === 'program_id') out.add(Number(op.attrs.axis));
    const from = op && PASSES_ON[op.name];
    for (const o of from ? op.operands.slice(...from) : []) for (const axis of grows(o)) out.add(axis);
    memo.set(v, out);
    return out;
  };
  const axes = new Set<number>();
  walk(func.body, (op) => {
    if (op.name === 'for' && op.regions[0].ops.some((inner) => inner.name === 'dot'))
      for (const axis of grows(op.operands[1])) axes.add(axis);
  });
  return [...axes].sort();
}
/** Ops that grow with their operands, and which of these count. */
const PASSES_ON: { readonly [name: string]: readonly [number, number?] } = {
  add: [0],
  sub: [0, 1],
  mul: [0],
  shl: [0, 1],
  minimum: [0],
  maximum: [0],
  where: [1],
  cast: [0],
  div: [0, 1],
};

/** By how much a value grows from one program to the next along each axis; NaN where that is not a constant. */
function stepsOf(func: Func): (v: Value) => Steps {
  const defs = definitions(func);
  const carriers = new Map<Value, Op>();
  walk(func.body, (op) => {
    for (const r of op.regions) for (const a of r.args) carriers.set(a, op);
  });
  const memo = new Map<Value, Steps>();
  const ZERO: Steps = [0, 0, 0];
  const each = (f: (axis: number) => number): Steps => [f(0), f(1), f(2)];
  /** Not a constant along the axes that any of these depends on. */
  const depends = (vs: readonly Value[]): Steps => {
    const all = vs.map(step);
    return each((i) => (all.some((s) => s[i] !== 0) ? NaN : 0));
  };
  const inside = (b: Block): Value[] => b.ops.flatMap((op) => [...op.operands, ...op.regions.flatMap(inside)]);
  function step(v: Value): Steps {
    const known = memo.get(v);
    if (known) return known;
    memo.set(v, ZERO); // what a loop carries depends on what its other parts depend on
    const s = compute(v);
    memo.set(v, s);
    return s;
  }
  function compute(v: Value): Steps {
    const op = defs.get(v) ?? carriers.get(v);
    if (!op) return ZERO;
    if (op.regions.length) return depends([...op.operands, ...op.regions.flatMap(inside)]);
    const [x, y] = op.operands;
    if (op.name === 'program_id') return each((i) => (i === Number(op.attrs.axis) ? 1 : 0));
    if (op.name === 'cast' && (isPtr(v.type) || dtypeOf(v.type).is_int())) return step(x);
    if (op.name === 'add' || op.name === 'addptr') return each((i) => step(x)[i] + step(y)[i]);
    if (op.name === 'sub') return each((i) => step(x)[i] - step(y)[i]);
    if (op.name === 'mul' || op.name === 'shl') {
      const scale = (k: number | undefined, s: Steps): Steps => each((i) => (s[i] === 0 ? 0 : k === undefined ? NaN : k * s[i]));
      const [kx, ky] = [constant(x), constant(y)];
      if (op.name === 'shl') return ky === undefined ? depends([x, y]) : scale(2 ** ky, step(x));
      return ky !== undefined ? scale(ky, step(x)) : kx !== undefined ? scale(kx, step(y)) : depends([x, y]);
    }
    if (hasTrait(op.name, 'shape') || hasTrait(op.name, 'hint')) return step(x);
    return depends(op.operands);
  }
  function constant(v: Value): number | undefined {
    const op = defs.get(v);
    if (op && (hasTrait(op.name, 'shape') || hasTrait(op.name, 'hint') || op.name === 'cast')) return constant(op.operands[0]);
    return op?.name === 'constant' ? Number(op.attrs.value) : undefined;
  }
  return step;
}
