// Matrix products, tile to lane: both operands are staged through workgroup memory, 16 bytes an access, in chunks of K; each
// invocation multiplies its block of rows and columns in registers, four steps of k a time. Sums are in f32 (i32 for
// integers), k ascending. Narrower floats are f32 registers already. An operand that a loop does not change is staged before it.
// Tensor cores stand beside this file.

import { fail } from '../../dsl/diagnostics.ts';
import { type Func, type Op, Value, walk } from '../../dsl/ir/ir.ts';
import { DTYPES, type DType, dtypeOf, numel } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import type { Target } from '../program.ts';
import type { Distributor } from './distribute.ts';
import type { Regs } from './lane.ts';
import { blockedLayout, isLane, isReg, type Layout, log2, regCount, regOffset } from './layout.ts';
import type { Region } from './workgroupMemory.ts';

/**
 * Vectors of workgroup memory that a program's dots should share: more costs occupancy, less costs barriers. Measured on an H100: an
 * eighth of the elements of all results, and what padding adds.
 */
export function dotVectors(func: Func, target: Target): number {
  if (!isGpu(target)) return LEAST_MOST[1];
  let elements = 0;
  walk(func.body, (op) => {
    if (op.name === 'dot') elements += numel(op.results[0].type.shape);
  });
  return Math.min(LEAST_MOST[1], Math.max(LEAST_MOST[0], Math.ceil(((elements / 8) * 17) / 16)));
}
const LEAST_MOST = [800, 2176] as const;
/** Subgroups of fewer invocations are those of software drivers, where unrolled text costs seconds and occupancy is nothing. */
const GPU = 16;
const isGpu = (t: Target): boolean => t.subgroups && t.subgroupMinSize >= GPU;
/** Elements of a vector. */
const VEC = 4;

/** How an operand lies in workgroup memory. All numbers in vectors but `per`. */
interface Form {
  /** Operand dims: k, and the other one (rows of A, columns of B). */
  readonly kDim: number;
  readonly outer: number;
  /** Vectors run along k, or along the outer dim. */
  readonly alongK: boolean;
  /** Elements a vector holds; the rest of it is zero. */
  readonly per: number;
  /** Index bits of the outer dim below which an invocation's own elements lie; lane bits begin there. */
  readonly low: number;
  /** Products that the invocations work on at a time: those of a batch that they share out. */
  readonly batch: number;
}
interface Staged {
  readonly form: Form;
  readonly region: Region;
  readonly phase: number;
  /** First k that it holds. */
  readonly from: number;
  readonly depth: number;
}

export function emitDot(d: Distributor, op: Op): void {
  const [a, b, acc] = op.operands;
  const [result] = op.results;
  const from = dtypeOf(a.type);
  const to = dtypeOf(result.type);
  if (from.bits === 64) fail(op.loc, LOWER.dtypeUnsupported, from.name, 'compute dot on');
  const sum = from.is_int() ? DTYPES.i32 : DTYPES.f32;
  const [m, k] = a.type.shape.slice(-2);
  const [n] = b.type.shape.slice(-1);
  const layout = d.plan.home(result);
  const lead = layout.dims.length - 2;
  const flat: Layout = { dims: layout.dims.slice(-2) };
  const batchLanes = lead ? layout.dims[0].filter(isLane) : [];
  const batch = 1 << batchLanes.length;
  const sides = [side(d, a, lead + 1, flat.dims[0], batch), side(d, b, lead, flat.dims[1], batch)];
  const sizes = [m, n];
  const least = Math.min(k, VEC);

  // What the loop around does not change is staged before it, if both operands fit as a whole then.
  const enough = d.dotVectors;
  const whole = sides.map((s, i) => vectors(s.form, sizes[i], k));
  const kept = sides.map((s, i) => {
    const depth = Math.max(d.b.loopsFrom, d.b.depthOf(s.regs.vals));
    if (lead || depth >= d.b.depthNow || d.smem.vectors + whole[0] + whole[1] > Math.min(d.smem.limitVectors, enough))
      return undefined;
    return d.b.outside(depth, () => stage(d, s, k, 0, 0, d.smem.allocateVectors(whole[i], 0, true), sum));
  });
  const part = (i: number, chunk: number): number => (kept[i] ? 0 : vectors(sides[i].form, sizes[i], chunk));
  const need = (chunk: number): number => part(0, chunk) + part(1, chunk);
  // Moving `acc` may itself take workgroup memory, so it comes before what is left is counted.
  let sums = start(d, acc, layout, sum, to);
  const free = d.smem.freeVectors;
  let chunk = k;
  while (chunk > least && need(chunk) > Math.min(free, Math.max(enough - d.smem.keptVectors, enough / 4))) chunk /= 2;
  if (need(chunk) > free) {
    const over = 2 ** Math.ceil(Math.log2(need(chunk) / Math.max(1, free)));
    const what = `tl.dot of [${m}, ${k}] x [${k}, ${n}]`;
    const lacking = 16 * (need(chunk) - free);
    fail(
      op.loc,
      LOWER.workgroupMemory,
      what,
      d.smem.limitBytes + lacking,
      d.smem.limitBytes,
      `a block of ${m / over} x ${n / over} would fit`,
    );
  }
  // Registers of one product are neighbours: the bits of the batch are the highest.
  const each = regCount(flat);
  const all = lead ? d.b.scalars(sums) : [];
  const count = lead ? all.length / each : 1;
  // Products of a batch whose operands fit side by side are staged together: two barriers for all of them instead of for each.
  // Text with many barriers takes a software driver seconds to compile.
  let together = 1;
  while (chunk === k && 2 * together <= count && 2 * together * need(k) <= Math.min(free, enough)) together *= 2;
  // All parts are one allocation: a ring that wraps between them would lay one over the other.
  const { base } = d.smem.allocateVectors(together * need(chunk), enough);
  const regions = (q: number): readonly Region[] => {
    const at = base + (q % together) * need(chunk);
    return [
      { base: at, size: part(0, chunk) },
      { base: at + part(0, chunk), size: part(1, chunk) },
    ];
  };
  const products: Regs[] = [];
  for (let first = 0; first < count; first += together) {
    const group = Array.from({ length: together }, (_, i) => first + i);
    const parts = group.map((q) => (lead ? d.b.pack(all.slice(q * each, (q + 1) * each)) : sums));
    for (let c = 0; c < k / chunk; c++) {
      const staged = group.map((q) => sides.map((s, i) => kept[i] ?? stage(d, s, chunk, c, q, regions(q)[i], sum)));
      staged.forEach(([A, B], i) => {
        parts[i] = multiply(d, parts[i], flat, batchLanes, sum, chunk, c * chunk, [A, B], sizes);
      });
    }
    products.push(...parts);
  }
  sums = lead ? d.b.pack(products.flatMap((p) => d.b.scalars(p))) : products[0];
  d.hold(result, layout, to === sum ? sums : d.b.elementwise('cast', [sums], { to: to.name }, to));
}

function start(d: Distributor, acc: Value | undefined, layout: Layout, sum: DType, to: DType): Regs {
  if (!acc) return d.b.splat(d.b.constant(0, sum), regCount(layout));
  const regs = d.get(acc, layout);
  return to === sum ? regs : d.b.elementwise('cast', [regs], { to: sum.name }, sum);
}

// ---- staging ----------------------------------------------------------------------------------------------------------

interface Side {
  readonly form: Form;
  readonly layout: Layout;
  readonly regs: Regs;
}
/** Chooses an operand's form by where its registers have four neighbours, and moves it to a layout that has some if need be. */
function side(d: Distributor, v: Value, kDim: number, resultBits: readonly number[], batch: number): Side {
  const rank = v.type.shape.length;
  const outer = 2 * rank - 3 - kDim;
  const firstLane = resultBits.findIndex(isLane);
  const low = firstLane < 0 ? resultBits.length : firstLane;
  const per = Math.min(VEC, v.type.shape[kDim]);
  const has = (layout: Layout, dim: number, n: number): boolean => layout.dims[dim].slice(0, log2(n)).every(isReg);
  const own = d.layoutOf(v);
  const wideOuter = resultBits.length >= 2 && resultBits.slice(0, 2).every(isReg);
  let layout = own;
  let alongK = has(own, kDim, per);
  if (!alongK && !(wideOuter && has(own, outer, VEC))) {
    layout = blockedLayout(v.type.shape, rank > 2 ? [kDim, outer, 0] : [kDim, outer], log2(per), d.plan.lanes);
    alongK = true;
  }
  const form: Form = { kDim, outer, alongK, per: alongK ? per : VEC, low, batch };
  return { form, layout, regs: d.get(v, layout) };
}

/** Vectors between neighbours of the slower dim. Along k, groups of outer indices are a vector further apart against bank conflicts. */
const pitch = (f: Form, size: number, chunk: number): number => Math.max(1, (f.alongK ? chunk : size) / VEC);
const padded = (f: Form, chunk: number): number => (f.alongK && pitch(f, 0, chunk) << f.low > 1 ? 1 : 0);
const vectors = (f: Form, size: number, chunk: number): number => f.batch * oneProduct(f, size, chunk);
const oneProduct = (f: Form, size: number, chunk: number): number =>
  f.alongK ? size * pitch(f, size, chunk) + (size >> f.low) * padded(f, chunk) : chunk * pitch(f, size, chunk);

/** Address of an element's vector as a sum over index bits: a layout of pieces of both dims and their strides. */
function places(f: Form, layout: Layout, size: number, chunk: number): { pieces: Layout; strides: number[] } {
  const k = layout.dims[f.kDim];
  const o = layout.dims[f.outer];
  const step = pitch(f, size, chunk);
  const batch = layout.dims.length > 2 ? [layout.dims[0]] : [];
  const next = oneProduct(f, size, chunk);
  if (!f.alongK) return { pieces: { dims: [k, o.slice(2), ...batch] }, strides: [step, 1, next] };
  return {
    pieces: { dims: [o.slice(0, f.low), o.slice(f.low), k.slice(log2(f.per)), ...batch] },
    strides: [step, (step << f.low) + padded(f, chunk), 1, next],
  };
}

/** Writes the part of an operand with k in chunk `c`, of the products in group `q` of the batch, to workgroup memory. */
function stage(d: Distributor, s: Side, chunk: number, c: number, q: number, region: Region, sum: DType): Staged {
  const { b } = d;
  const { form, layout, regs } = s;
  const phase = d.smem.phase();
  const part = partOf(d, s, chunk, c, q);
  const mask = d.bothOf(d.representative(layout), part.mask);
  const size = 1 << layout.dims[form.outer].length;
  const { pieces, strides } = places(form, part.inside, size, chunk);
  const base = d.laneAddress(pieces, strides);
  const own = layout.dims[form.alongK ? form.kDim : form.outer].slice(0, log2(form.per));
  const ownMask = own.reduce((acc, bit) => acc | (1 << bit), 0);
  for (const r of part.regs) {
    if (r & ownMask) continue;
    const parts = Array.from({ length: VEC }, (_, e) =>
      e < form.per
        ? b.at(
            regs,
            own.reduce((acc, bit, i) => acc | (((e >> i) & 1) << bit), r),
          )
        : b.constant(0, sum),
    );
    const vector = b.pure('construct', parts);
    d.smem.storeVector(b, region, phase, d.shift(base, d.offset(pieces, strides, r)), vector, mask);
  }
  return { form, region, phase, from: c * chunk, depth: chunk };
}

/** The registers of an operand with k in chunk `c` and, of a batch, in group `q`. */
function partOf(d: Distributor, { form, layout }: Side, chunk: number, c: number, q: number): ReturnType<Distributor['slice']> {
  const part = d.slice(layout, chunk, c, form.kDim);
  if (layout.dims.length === 2) return part;
  const group = d.slice(layout, form.batch, q, 0);
  const own = new Set(group.regs);
  return {
    inside: { dims: [group.inside.dims[0], ...part.inside.dims.slice(1)] },
    regs: part.regs.filter((r) => own.has(r)),
    mask: d.bothOf(part.mask, group.mask),
  };
}

// ---- multiplying ------------------------------------------------------------------------------------------------------

/** Reads an operand's elements for one vector step of k: element (register along the outer dim, k 0…3). */
function reader(
  d: Distributor,
  s: Staged,
  bits: readonly number[],
  batchLanes: readonly number[],
  size: number,
  sum: DType,
  kv: Value | undefined,
  first: number,
) {
  const { b } = d;
  const f = s.form;
  const layout: Layout = { dims: [bits] };
  const step = pitch(f, size, s.depth);
  const outer: Layout = { dims: f.alongK ? [bits.slice(0, f.low), bits.slice(f.low)] : [bits.slice(2)] };
  const strides = f.alongK ? [step, (step << f.low) + padded(f, s.depth)] : [1];
  const perStep = f.alongK ? 1 : VEC * step;
  const skip = (first - s.from) / VEC;
  const batch = { at: { dims: [...outer.dims, batchLanes] }, strides: [...strides, oneProduct(f, size, s.depth)] };
  const lanes = d.laneAddress(batch.at, batch.strides);
  const moved = kv ? b.scalarOp('add', [perStep === 1 ? kv : b.scalarOp('mul', [kv, b.i32(perStep)]), lanes]) : lanes;
  const seen = new Map<number, Value>();
  const read = (offset: number): Value => {
    let v = seen.get(offset);
    if (!v) {
      v = d.smem.loadVector(b, s.region, s.phase, d.shift(moved, offset), sum);
      v.name = f.kDim ? 'a' : 'b';
      seen.set(offset, v);
    }
    return v;
  };
  return (r: number, k: number): Value => {
    const at = d.offset(outer, strides, r) + skip * perStep;
    if (f.alongK) return b.pure('extract', [read(at)], { i: k });
    return b.pure('extract', [read(at + k * step)], { i: regOffset(layout, 0, r) & (VEC - 1) });
  };
}

/** The chunk's loop over k: every invocation reads its rows and columns and multiplies them all. */
function multiply(
  d: Distributor,
  sums: Regs,
  layout: Layout,
  batchLanes: readonly number[],
  sum: DType,
  chunk: number,
  first: number,
  [A, B]: readonly Staged[],
  [m, n]: readonly number[],
): Regs {
  const { b } = d;
  const w = sums.width;
  const group = (xs: Value[]): Value => (w === 1 ? xs[0] : b.pure('construct', xs));
  const step = (from: readonly Value[], kv: Value | undefined): readonly Value[] => {
    const readA = reader(d, A, layout.dims[0], batchLanes, m, sum, kv, first);
    const readB = reader(d, B, layout.dims[1], batchLanes, n, sum, kv, first);
    let out = from;
    for (let k = 0; k < Math.min(chunk, VEC); k++)
      out = out.map((s, g) => {
        const regs = Array.from({ length: w }, (_, i) => g * w + i);
        const x = group(regs.map((r) => readA(r, k)));
        const y = group(regs.map((r) => readB(r, k)));
        return sum.is_floating() ? b.pure('mul_add', [x, y, s]) : b.scalarOp('add', [s, b.scalarOp('mul', [x, y])]);
      });
    return out;
  };
  const steps = chunk / VEC;
  if (steps <= 1) return { width: w, vals: step(sums.vals, undefined) };
  const kv = new Value({ elem: DTYPES.i32, shape: [] }, 'k');
  const carried = sums.vals.map((v) => new Value(v.type, 'dot'));
  const args = [kv, ...carried];
  // A constant end lets Tint prove that addresses are in range: 10 % faster without bounds checks. Software drivers would unroll the loop.
  const bounds = [b.i32(0), isGpu(d.target) ? b.i32(steps) : b.pure('opaque', [b.i32(steps)]), b.i32(1)];
  b.open('loop', args);
  b.effect('yield', step(carried, kv));
  const body = b.close(args);
  const results = carried.map((v) => new Value(v.type, 'dot'));
  b.region({ name: 'for', operands: [...bounds, ...sums.vals], attrs: {}, results, regions: [body], loc: b.loc });
  return { width: w, vals: results };
}
