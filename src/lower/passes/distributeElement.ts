// Functions of elements (regions of `element` ops), tile to lane: the region is expanded on registers, a call for each of them.
// Straight code and cheap branches work on whole vectors; a region with a loop or a branch worth skipping is expanded once a
// register, with control flow of its own. No barrier stands in it, so invocations may go separate ways there.

import type { Block, Value as IrValue, Op } from '../../dsl/ir/ir.ts';
import { Value } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { dtypeOf, isTile } from '../../dsl/types.ts';
import type { Home, Placement } from './assignLayouts.ts';
import type { Distributor } from './distribute.ts';
import { countOf, type Regs } from './lane.ts';
import { blockedLayout, isReg, type Layout, log2, regCount, SCALAR } from './layout.ts';
import type { Lowering } from './lowerings.ts';

type Env = Map<IrValue, Regs>;

/** Both branches may be computed: nothing in them costs much or loops. */
const selectable = (op: Op): boolean =>
  op.name === 'if' &&
  op.regions.every((r) =>
    r.ops.every((o) => (o.regions.length ? selectable(o) : hasTrait(o.name, 'cheap') || hasTrait(o.name, 'terminator'))),
  );
const straight = (b: Block): boolean => b.ops.every((op) => !op.regions.length || selectable(op));

/** Calls a region on registers: `args` and the result are registers of one count. */
export function callRegion(d: Distributor, region: Block, args: readonly Regs[]): Regs[] {
  const n = countOf(args[0]);
  if (n === 1 || straight(region)) return expand(d, region, bind(region, args), n);
  const calls = Array.from({ length: n }, (_, r) =>
    expand(
      d,
      region,
      bind(
        region,
        args.map((a): Regs => ({ width: 1, vals: [d.b.at(a, r)] })),
      ),
      1,
    ),
  );
  return calls[0].map((_, i) => d.b.pack(calls.map((c) => d.b.at(c[i], 0))));
}
const bind = (region: Block, args: readonly Regs[]): Env => new Map(region.args.map((a, i) => [a, args[i]]));

/** Emits the ops of a block; returns what its terminator hands over. */
function expand(d: Distributor, block: Block, env: Env, n: number): Regs[] {
  const { b } = d;
  // A value from outside is a scalar of the program.
  const get = (v: IrValue): Regs => env.get(v) ?? b.splat(d.scalar(v), n);
  for (const op of block.ops) {
    if (hasTrait(op.name, 'terminator')) return op.operands.map(get);
    const saved = b.loc;
    b.loc = op.loc;
    if (op.regions.length) {
      const results = selectable(op) ? select(d, op, env, get, n) : control(d, op, env, get);
      op.results.forEach((r, i) => void env.set(r, results[i]));
    } else {
      const [r] = op.results;
      env.set(r, leaf(d, op, get, n));
    }
    b.loc = saved;
  }
  return [];
}
function leaf(d: Distributor, op: Op, get: (v: IrValue) => Regs, n: number): Regs {
  const [r] = op.results;
  if (!op.operands.length) return d.b.splat(d.scalar(r), n);
  if (!hasTrait(op.name, 'elementwise')) return get(op.operands[0]);
  for (const v of [r, ...op.operands]) d.checkRegister(op, v.type);
  return d.b.elementwise(op.name, op.operands.map(get), op.attrs, dtypeOf(r.type), r.name);
}
function select(d: Distributor, op: Op, env: Env, get: (v: IrValue) => Regs, n: number): Regs[] {
  const [a, c] = op.regions.map((r) => expand(d, r, env, n));
  return op.results.map((r, i) => d.b.elementwise('where', [get(op.operands[0]), a[i], c[i]], {}, dtypeOf(r.type), r.name));
}

/** A branch or loop for one register. */
function control(d: Distributor, op: Op, env: Env, get: (v: IrValue) => Regs): Regs[] {
  const { b } = d;
  const one = (v: IrValue): IrValue => b.at(get(v), 0);
  const held = (v: IrValue): Regs => ({ width: 1, vals: [v] });
  const fresh = (v: IrValue, name?: string): IrValue => new Value(v.type, name);
  const emit = (operands: readonly IrValue[], regions: readonly Block[], like: readonly IrValue[]): Regs[] => {
    const results = like.map((v, i) => fresh(v, op.results[i].name));
    b.region({ name: op.name, operands, attrs: {}, results, regions, loc: op.loc });
    return results.map(held);
  };
  if (op.name === 'if') {
    const cond = one(op.operands[0]);
    let like: IrValue[] = [];
    const regions = op.regions.map((r) => {
      b.open('branch', []);
      like = expand(d, r, env, 1).map((x) => b.at(x, 0));
      b.effect('yield', like);
      return b.close([]);
    });
    return emit([cond], regions, like);
  }
  const skip = op.name === 'for' ? 3 : 0;
  const operands = op.operands.map(one);
  const inits = operands.slice(skip);
  const regions = op.regions.map((r) => {
    const args = r.args.map((a, i) => fresh(skip ? (i === 0 ? operands[0] : inits[i - 1]) : inits[i], a.name));
    r.args.forEach((a, i) => void env.set(a, held(args[i])));
    b.open('loop', args);
    const last = r.ops.at(-1)!;
    const ends = expand(d, r, env, 1).map((x) => b.at(x, 0));
    b.effect(last.name, ends);
    return b.close(args);
  });
  return emit(operands, regions, inits);
}

// ---- map_elementwise ---------------------------------------------------------------------------------------------------

/** The low bits of the last dimension are register bits: neighbours are in one invocation. */
const packs = (l: Layout, bits: number): boolean => (l.dims.at(-1) ?? []).slice(0, bits).every(isReg);

export const MAP: Lowering = {
  place: (p: Placement, op: Op) => {
    const { shape } = op.operands[0].type;
    if (!shape.length) return;
    const bits = log2(Number(op.attrs.pack ?? 1));
    const found: Home = p.best(op.operands) ?? p.fallback(shape);
    const home = packs(found.layout, bits)
      ? found
      : { layout: blockedLayout(shape, [...shape.keys()].reverse(), bits, p.lanes), rank: found.rank };
    p.works(op, home.layout);
    for (const r of op.results) p.set(r, home);
  },
  emit: (d: Distributor, op: Op) => {
    const { b } = d;
    const layout = isTile(op.operands[0].type) ? d.plan.working(op) : SCALAR;
    const pack = Number(op.attrs.pack ?? 1);
    const inputs = op.operands.map((o) => d.get(o, layout));
    const [region] = op.regions;
    if (pack === 1) {
      const out = callRegion(d, region, inputs);
      op.results.forEach((r, i) => void d.hold(r, layout, out[i]));
      return;
    }
    // Member j of every group, as the argument of one call for all groups.
    const bits = (layout.dims.at(-1) ?? []).slice(0, log2(pack));
    const member = (group: number, j: number): number => bits.reduce((r, bit, i) => r | (((j >> i) & 1) << bit), group);
    const mask = bits.reduce((m, bit) => m | (1 << bit), 0);
    const groups = Array.from({ length: regCount(layout) }, (_, r) => r).filter((r) => !(r & mask));
    const args = inputs.flatMap((x) => Array.from({ length: pack }, (_, j) => b.pack(groups.map((g) => b.at(x, member(g, j))))));
    const out = callRegion(d, region, args);
    op.results.forEach((result, k) => {
      const regs: IrValue[] = [];
      groups.forEach((g, at) => {
        for (let j = 0; j < pack; j++) regs[member(g, j)] = b.at(out[k * pack + j], at);
      });
      d.hold(result, layout, b.pack(regs));
    });
  },
};
