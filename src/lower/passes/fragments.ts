// Which matrix products run on matrix units, and where their results live. Comes in: a tile-level function, a target, the number
// of invocations. Goes out: for every such product how its result is dealt out to subgroups, which values stay in result
// matrices ("fragments", across loops and branches too), and which loads are staged as packed words. It emits nothing.

import { type Block, definitions, type Func, type Op, useCounts, type Value, walk } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { DTYPES, dtypeOf, isPtr, isTile } from '../../dsl/types.ts';
import type { MatrixConfig, Target } from '../program.ts';
import type { AxisInfo } from './axis.ts';
import { type Bit, type Layout, lane, log2 } from './layout.ts';
import type { Pointers } from './pointers.ts';

/** Subgroups form a grid of `rows` × `cols`; each owns a part of `m` × `n` elements of the tile, made of the config's matrices. */
export interface Arrangement {
  readonly rows: number;
  readonly cols: number;
  readonly m: number;
  readonly n: number;
}
export interface FragmentPlan {
  readonly config: MatrixConfig;
  /** Columns of a subgroup's part that move through workgroup memory at a time. */
  readonly slice: number;
  /** No loop looks at a result of its products: what it does besides is staging. */
  readonly productsOnly: boolean;
  /**
   * Right operands of different products take turns in one room of workgroup memory. A single subgroup has nobody to wait for, and the
   * less memory its programs take, the more of them a multiprocessor runs.
   */
  readonly sharesRoom: boolean;
  readonly dots: readonly Op[];
  isDot(op: Op): boolean;
  /** The value is held in result matrices. */
  held(v: Value): boolean;
  arrangement(v: Value): Arrangement;
  /** Where a held value's elements are when something elementwise asks for them. */
  layout(v: Value): Layout;
  /** Layout of a load that goes to workgroup memory as packed words; undefined for all others. */
  raw(v: Value): Layout | undefined;
  /** Dimension of a raw load that is contiguous in memory. */
  fast(v: Value): number;
  /** An op whose work is done while its operand is staged. */
  staged(op: Op): boolean;
  /** An operand of products inside loops that is made outside of them: its matrices stay in registers. */
  invariant(v: Value): boolean;
  /** A product outside of loops that is only what a loop begins with. */
  first(v: Value): boolean;
  /**
   * The left operand that a value becomes at the end of a branch, if that is all it is for: it goes to the operand's place in
   * workgroup memory where it is made. The operand itself is such a value too.
   */
  placed(v: Value): Value | undefined;
  /** A placed value that is made inside the branch. */
  late(v: Value): boolean;
}

/** Most matrices of a loop-invariant operand that a subgroup keeps. */
const KEPT = 16;

/** The configuration that f16 products use on a target, if it has one and its subgroups have one size. */
export function matrixConfig(target: Target): MatrixConfig | undefined {
  if (!target.shaderF16 || !target.subgroups || target.subgroupMinSize !== target.subgroupMaxSize) return undefined;
  const fits = target.matrices.filter((c) => c.type === 'f16' && c.result === 'f32' && c.M === c.N && c.N === c.K);
  return fits.sort((a, b) => b.M - a.M)[0];
}

const fitsUnits = (op: Op, c: MatrixConfig): boolean => {
  if (op.name !== 'dot' || dtypeOf(op.operands[0].type) !== DTYPES.f16 || dtypeOf(op.results[0].type) !== DTYPES.f32)
    return false;
  if (op.results[0].type.shape.length !== 2) return false;
  const [m, k] = op.operands[0].type.shape;
  return m % c.M === 0 && k % c.K === 0 && op.results[0].type.shape[1] % c.N === 0;
};

/** All products of the function that fit the units; none if any dot does not. */
function matrixDots(func: Func, c: MatrixConfig): Op[] {
  const dots: Op[] = [];
  let others = 0;
  walk(func.body, (op) => {
    if (op.name !== 'dot') return;
    if (fitsUnits(op, c)) dots.push(op);
    else others++;
  });
  return others ? [] : dots;
}

/** Values that live in fragments: results of the products, and what loops and branches carry of them. */
function heldValues(func: Func, dots: readonly Op[]): { held: Set<Value>; carried: Set<Value> } {
  const held = new Set<Value>(dots.map((d) => d.results[0]));
  const carried = new Set<Value>();
  for (let changed = true; changed; ) {
    changed = false;
    const add = (v: Value): void => {
      if (held.has(v)) return;
      held.add(v);
      changed = true;
    };
    walk(func.body, (op) => {
      if (op.name === 'for' || op.name === 'if') {
        const skip = op.name === 'for' ? 1 : 0;
        op.results.forEach((r, i) => {
          const ends = op.regions.map((b) => b.ops.at(-1)?.operands[i]);
          const arg = op.regions[0].args[i + skip];
          if (!ends.some((e) => e && held.has(e)) && !(skip && held.has(r))) return;
          add(r);
          carried.add(r);
          if (!skip) return;
          add(arg);
          carried.add(arg);
          for (const e of ends) if (e && held.has(e)) carried.add(e);
        });
      }
    });
  }
  for (const d of dots) if (d.operands[2] && held.has(d.operands[2])) carried.add(d.results[0]);
  // What a loop's body looks at, element by element, is no accumulator, though it comes from the iteration before.
  walk(func.body, (op) => {
    if (op.name !== 'for') return;
    const [body] = op.regions;
    body.args.slice(1).forEach((arg, i) => {
      if (!held.has(arg) || !readIn(body, arg)) return;
      const first = op.operands[3 + i];
      for (const v of [arg, op.results[i], body.ops.at(-1)!.operands[i], first]) carried.delete(v);
    });
  });
  return { held, carried };
}
/** Some op of the block itself, other than a product that adds to it, takes the value. */
export const readIn = (body: Block, v: Value): boolean =>
  body.ops.some((op, i) => i < body.ops.length - 1 && op.name !== 'dot' && op.operands.includes(v));

/** Rows of a result must lie in one subgroup if something reduces or rescales them while the product's loop runs. */
const byRows = (dots: readonly Op[], carried: ReadonlySet<Value>): boolean => dots.some((d) => !carried.has(d.results[0]));

/** Invocations for a function's matrix products; undefined without any. */
export function matrixInvocations(func: Func, target: Target, wish?: number): number | undefined {
  const c = matrixConfig(target);
  const dots = c ? matrixDots(func, c) : [];
  if (!c || !dots.length) return undefined;
  const { carried } = heldValues(func, dots);
  const size = target.subgroupMaxSize;
  const shapes = dots.map((d) => d.results[0].type.shape);
  const parts = byRows(dots, carried)
    ? Math.min(...shapes.map(([m]) => m / c.M))
    : Math.min(
        wish ? wish / size : 64,
        Math.max(1, ...shapes.map(([m, n]) => Math.floor((m * n) / 4096))),
        ...shapes.map(([m, n]) => (m * n) / (c.M * c.N)),
      );
  const most = 2 ** log2(Math.min(target.maxInvocations, 512) / size);
  return size * Math.max(1, Math.min(parts, most));
}

export function planFragments(
  func: Func,
  axis: AxisInfo,
  pointers: Pointers,
  target: Target,
  lanes: number,
): FragmentPlan | undefined {
  const config = matrixConfig(target);
  const dots = config ? matrixDots(func, config) : [];
  if (!config || !dots.length || 1 << lanes < target.subgroupMaxSize) return undefined;
  const subgroups = (1 << lanes) / target.subgroupMaxSize;
  const { held, carried } = heldValues(func, dots);
  const rowwise = byRows(dots, carried);
  const defs = definitions(func);
  const uses = useCounts(func);
  const depth = depths(func);
  const isDot = new Set(dots);
  const firsts = new Set<Value>();
  walk(func.body, (op) => {
    if (op.name !== 'for') return;
    for (const v of op.operands.slice(3)) {
      const def = defs.get(v);
      if (def && isDot.has(def) && uses.get(v) === 1 && (depth.get(v) ?? 0) === 0 && !def.operands[2]) firsts.add(v);
    }
  });
  const { placed, late } = placedOperands(func, dots, defs, uses);

  const arrangements = new Map<string, Arrangement>();
  const arrange = (m: number, n: number): Arrangement => {
    const key = `${m}x${n}`;
    let a = arrangements.get(key);
    if (a) return a;
    for (let rows = 1; rows <= subgroups; rows *= 2) {
      const cols = subgroups / rows;
      const part = { rows, cols, m: m / rows, n: n / cols };
      if (part.m < config.M || part.n < config.N) continue;
      const better =
        !a || (rowwise ? rows > a.rows : part.m + part.n < a.m + a.n || (part.m + part.n === a.m + a.n && part.m >= part.n));
      if (better) a = part;
    }
    if (!a) throw new Error('internal: a tile has fewer matrices than subgroups');
    arrangements.set(key, a);
    return a;
  };
  for (const d of dots) {
    const [m, n] = d.results[0].type.shape;
    if ((m * n) / (config.M * config.N) < subgroups) return undefined;
    arrange(m, n);
  }
  const arrangement = (v: Value): Arrangement => arrange(v.type.shape[0], v.type.shape[1]);
  // What is read in the loop moves at once; what is only read at the end moves in narrow slices.
  const read = dots.filter((d) => !carried.has(d.results[0])).map((d) => arrangement(d.results[0]).n);
  const slice = Math.min(
    subgroups === 1 ? config.N : read.length ? 64 : 32,
    ...(read.length ? read : dots.map((d) => arrangement(d.results[0]).n)),
  );

  // ---- operands that are staged as they come ---------------------------------------------------------------------------
  const rawLayouts = new Map<Value, { layout: Layout; fast: number }>();
  const skipped = new Set<Op>();
  const consider = (v: Value): void => {
    const x = through(v, defs);
    const op = defs.get(x);
    if (
      !op ||
      rawLayouts.has(x) ||
      !hasTrait(op.name, 'reads') ||
      ![1, dots.filter((d) => through(d.operands[0], defs) === x).length].includes(uses.get(x)!) ||
      (op.operands[2] && !isZero(op.operands[2], defs))
    )
      return;
    if (!isPtr(op.operands[0].type) || [...pointers.buffers(op.operands[0])].some((b) => pointers.written.has(b))) return;
    const a = axis.get(op.operands[0]);
    const mask = op.operands[1] && axis.get(op.operands[1]);
    const each = 16 / dtypeOf(x.type).bytes;
    const fast = [0, 1].find(
      (d) => Math.min(a.contiguity[d] ?? 1, a.divisibility[d] ?? 1, mask ? (mask.constancy[d] ?? 1) : each) >= each,
    );
    if (fast === undefined || x.type.shape[fast] < each) return;
    rawLayouts.set(x, { layout: wordsLayout(x.type.shape, fast, lanes, log2(each)), fast });
  };
  for (const d of dots)
    for (const v of d.operands.slice(0, 2)) {
      const made = dequantized(relabeled(v, defs), defs)?.ops ?? [];
      if (made.every((op) => uses.get(op.results[0]) === 1)) consider(carriedFrom(through(v, defs), func, defs));
    }
  // A load that a loop carries has one layout in all its places.
  walk(func.body, (op) => {
    if (op.name !== 'for') return;
    op.regions[0].args.slice(1).forEach((arg, i) => {
      const next = op.regions[0].ops.at(-1)!.operands[i];
      const raw = rawLayouts.get(next);
      if (!raw || !rawLayouts.has(carriedFrom(arg, func, defs))) return;
      for (const v of [arg, op.results[i], op.operands[3 + i]]) rawLayouts.set(v, raw);
    });
  });

  for (const d of dots)
    for (const v of d.operands.slice(0, 2)) {
      const q = dequantized(relabeled(v, defs), defs);
      if (q && rawLayouts.has(q.codes)) for (const op of q.ops) skipped.add(op);
    }

  return {
    config,
    slice,
    productsOnly: !read.length,
    sharesRoom: subgroups === 1 && read.length > 0,
    dots,
    isDot: (op) => isDot.has(op),
    held: (v) => held.has(v),
    arrangement,
    layout: (v) => (!rowwise ? storeLayout(v, arrangement(v), slice, lanes) : rowLayout(v, arrangement(v), slice, lanes, target)),
    raw: (v) => rawLayouts.get(v)?.layout,
    fast: (v) => rawLayouts.get(v)!.fast,
    staged: (op) => skipped.has(op),
    invariant: (v) => {
      const at = dots.filter((d) => d.operands[0] === v);
      const part = at.length ? arrangement(at[0].results[0]).m : 0;
      return (
        at.length > 0 &&
        (part / config.M) * (v.type.shape[1] / config.K) <= KEPT &&
        at.some((d) => (depth.get(d.results[0]) ?? 0) > (depth.get(v) ?? 0))
      );
    },
    first: (v) => firsts.has(v),
    placed: (v) => placed.get(v),
    late: (v) => late.has(v),
  };
}
/** Left operands that come out of a branch, with the values at its ends (placed), and which of those the branch makes (late). */
function placedOperands(
  func: Func,
  dots: readonly Op[],
  defs: ReadonlyMap<Value, Op>,
  uses: ReadonlyMap<Value, number>,
): { placed: Map<Value, Value>; late: Set<Value> } {
  const placed = new Map<Value, Value>();
  const late = new Set<Value>();
  walk(func.body, (op) => {
    if (op.name !== 'if') return;
    op.results.forEach((r, i) => {
      if (!dots.some((d) => d.operands[0] === r) || uses.get(r) !== 1) return;
      const ends = op.regions.map((b) => b.ops.at(-1)!.operands[i]);
      if (!ends.every((e) => defs.get(e)?.name === 'cast' && uses.get(e) === 1)) return;
      for (const v of [r, ...ends]) placed.set(v, r);
      op.regions.forEach((b, k) => void (b.ops.includes(defs.get(ends[k])!) && late.add(ends[k])));
    });
  });
  return { placed, late };
}

/** What `trans` ops relabel, and dequantisation reads. */
export function through(v: Value, defs: ReadonlyMap<Value, Op>): Value {
  const x = relabeled(v, defs);
  return dequantized(x, defs)?.codes ?? x;
}
/** What `trans` ops relabel. */
export function relabeled(v: Value, defs: ReadonlyMap<Value, Op>): Value {
  const op = defs.get(v);
  return op?.name === 'trans' ? relabeled(op.operands[0], defs) : v;
}
/** An operand that is made of fp8 codes: f16(f32(codes) · scale), with the ops in between. */
export interface Dequantized {
  readonly codes: Value;
  readonly scale: Value;
  readonly ops: readonly Op[];
}
export function dequantized(v: Value, defs: ReadonlyMap<Value, Op>): Dequantized | undefined {
  const round = defs.get(v);
  const mul = round?.name === 'cast' && dtypeOf(v.type) === DTYPES.f16 ? defs.get(round.operands[0]) : undefined;
  if (mul?.name !== 'mul') return undefined;
  const [widen, spread] = mul.operands.map((o) => defs.get(o));
  if (widen?.name !== 'cast' || spread?.name !== 'broadcast_to' || spread.operands[0].type.shape.length) return undefined;
  const [codes] = widen.operands;
  return dtypeOf(codes.type).is_fp8() && isTile(codes.type)
    ? { codes, scale: spread.operands[0], ops: [round!, mul, widen] }
    : undefined;
}
const isZero = (v: Value, defs: ReadonlyMap<Value, Op>): boolean => {
  const op = defs.get(v);
  if (op?.name === 'broadcast_to' || op?.name === 'reshape' || op?.name === 'cast') return isZero(op.operands[0], defs);
  return op?.name === 'constant' && Object.is(Number(op.attrs.value), 0);
};
/** The load that a loop's argument gets from the iteration before; the value itself if it is no argument. */
function carriedFrom(v: Value, func: Func, defs: ReadonlyMap<Value, Op>): Value {
  if (defs.has(v)) return v;
  let found = v;
  walk(func.body, (op) => {
    if (op.name !== 'for') return;
    const i = op.regions[0].args.indexOf(v);
    if (i > 0) found = op.regions[0].ops.at(-1)!.operands[i - 1];
  });
  return found;
}
function depths(func: Func): Map<Value, number> {
  const out = new Map<Value, number>();
  const visit = (b: Block, d: number): void => {
    for (const a of b.args) out.set(a, d);
    for (const op of b.ops) {
      for (const r of op.results) out.set(r, d);
      for (const r of op.regions) visit(r, op.name === 'if' ? d : d + 1);
    }
  };
  visit(func.body, 0);
  return out;
}

// ---- layouts -----------------------------------------------------------------------------------------------------------

/**
 * 16 bytes of elements along the fast dim in registers, then invocations over the fast dim and the other, the rest registers. Where fewer
 * than eight invocations share a row, those rows come next that lie in other banks of workgroup memory: rows are an odd number of
 * 16 bytes apart there.
 */
function wordsLayout(shape: readonly number[], fast: number, lanes: number, run: number): Layout {
  const dims: Bit[][] = [[], []];
  const [across, along] = [log2(shape[fast]), log2(shape[1 - fast])];
  let reg = run;
  let tid = 0;
  const next = (): Bit => (tid < lanes ? lane(tid++) : reg++);
  for (let i = 0; i < run; i++) dims[fast].push(i);
  while (dims[fast].length < across) dims[fast].push(next());
  const bits = Array.from({ length: along }, (_, i) => i);
  const apart = across < 6 && along > 2 ? bits.slice(across - 3, 3) : [];
  for (const i of [...apart, ...bits.filter((k) => !apart.includes(k))]) dims[1 - fast][i] = next();
  return { dims };
}

/**
 * Rows within subgroups: a few invocations share a row of a slice, in blocks of up to 16 columns, so that 16-byte reads meet no bank
 * twice.
 */
function rowLayout(v: Value, a: Arrangement, slice: number, lanes: number, target: Target): Layout {
  const [mb, nb] = v.type.shape.map(log2);
  const inside = log2(target.subgroupMaxSize);
  const rowBits = log2(a.m);
  const M: Bit[] = new Array(mb);
  const N: Bit[] = new Array(nb);
  let tid = 0;
  let reg = 0;
  const share = Math.max(0, Math.min(nb, inside - Math.min(rowBits, inside)));
  for (let i = 0; i < share; i++) {
    const at = Math.min(4, Math.max(0, Math.min(nb, log2(slice)) - share)) + i;
    N[at] = lane(tid++);
  }
  for (let i = 0; i < rowBits; i++) M[i] = tid < inside ? lane(tid++) : -1;
  tid = inside;
  // Columns of the grid of subgroups come first in a subgroup's number.
  for (let i = 0; i < log2(a.cols) && tid < lanes; i++) N[log2(a.n) + i] = lane(tid++);
  for (let i = rowBits; i < mb && tid < lanes; i++) M[i] = lane(tid++);
  for (let i = 0; i < nb; i++) N[i] ??= reg++;
  for (let i = 0; i < mb; i++) if (M[i] === undefined || M[i] === -1) M[i] = reg++;
  return { dims: [M, N] };
}

/** For stores: eight columns a register run; what is not in one slice is in registers, what is in it goes to invocations. */
function storeLayout(v: Value, a: Arrangement, slice: number, lanes: number): Layout {
  const [mb, nb] = v.type.shape.map(log2);
  const M: Bit[] = new Array(mb);
  const N: Bit[] = new Array(nb);
  let reg = 0;
  let tid = 0;
  const vec = Math.min(3, nb);
  for (let i = 0; i < vec; i++) N[i] = reg++;
  const inSlice = Math.min(log2(slice), log2(a.n));
  const order: [Bit[], number][] = [];
  for (let i = vec; i < inSlice; i++) order.push([N, i]);
  for (let i = log2(a.n); i < nb; i++) order.push([N, i]);
  for (let i = 0; i < Math.min(4, log2(a.m)); i++) order.push([M, i]);
  for (let i = log2(a.m); i < mb; i++) order.push([M, i]);
  for (const [dim, i] of order) dim[i] = tid < lanes ? lane(tid++) : reg++;
  for (let i = 0; i < nb; i++) N[i] ??= reg++;
  for (let i = 0; i < mb; i++) M[i] ??= reg++;
  return { dims: [M, N] };
}

// ---- questions of the passes before layouts ------------------------------------------------------------------------------

/** Products on matrix units whose accumulator is neither zero nor held in fragments. */
export function foreignAccumulators(func: Func, target: Target): readonly Op[] {
  const c = matrixConfig(target);
  const dots = c ? matrixDots(func, c) : [];
  const { held } = heldValues(func, dots);
  const defs = definitions(func);
  return dots.filter((d) => d.operands[2] && !held.has(d.operands[2]) && !isZero(d.operands[2], defs));
}
/** All products that run on matrix units. */
export function matrixProducts(func: Func, target: Target): readonly Op[] {
  const c = matrixConfig(target);
  return c ? matrixDots(func, c) : [];
}
/** Operands of products on matrix units, seen through transpositions. */
export function matrixOperands(func: Func, target: Target): ReadonlySet<Value> {
  const c = matrixConfig(target);
  const defs = definitions(func);
  return new Set((c ? matrixDots(func, c) : []).flatMap((d) => d.operands.slice(0, 2).map((v) => through(v, defs))));
}
