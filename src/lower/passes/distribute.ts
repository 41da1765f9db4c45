// Distribution: tile IR to lane IR, by a layout plan. Each value that has a home is computed there, once, in program order;
// every other value is computed on demand in the layout that asks. This file holds the demand engine, elementwise ops,
// conversions between layouts and control flow; what other ops become is the table of lowerings.ts.

import { fail } from '../../dsl/diagnostics.ts';
import { type Block, definitions, type Func, type Op, type Param, useCounts, Value } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { DTYPES, type DType, dtypeOf, isPtr, isTile, type Type } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import type { LogSite, Target } from '../program.ts';
import { registerType } from '../wgsl/casts.ts';
import { safeName } from '../wgsl/names.ts';
import type { AccessPlan } from './access.ts';
import type { LayoutPlan } from './assignLayouts.ts';
import { dotVectors } from './distributeDot.ts';
import { counters } from './distributeGather.ts';
import { MatrixUnits, type StripArray } from './distributeMatrix.ts';
import { LaneBuilder, type Regs } from './lane.ts';
import {
  isLane,
  isReg,
  type Layout,
  laneBit,
  laneMask,
  laneParts,
  layoutKey,
  log2,
  regCount,
  registerMap,
  regOffset,
  SCALAR,
  shapeOf,
} from './layout.ts';
import { loweringOf } from './lowerings.ts';
import { flows } from './pointers.ts';
import { WorkgroupMemory } from './workgroupMemory.ts';

/** Uniform field with a pointer argument's offset in its buffer. */
export const baseField = (p: Param): string => `base_${safeName(p.name)}`;

interface Held {
  readonly layout: Layout;
  readonly regs: Regs;
}

export interface Distributed {
  readonly body: Block;
  readonly sites: readonly LogSite[];
  /** Words of workgroup memory, and vectors of four words. */
  readonly words: number;
  readonly vectors: number;
  /** Atomic counters of workgroup memory. */
  readonly counters: number;
  /** Arrays of workgroup memory that matrix units load from and store to. */
  readonly arrays: readonly StripArray[];
}

export class Distributor {
  readonly b = new LaneBuilder();
  readonly smem: WorkgroupMemory;
  readonly tid: Value;
  readonly sites: LogSite[] = [];
  readonly plan: LayoutPlan;
  readonly access: AccessPlan;
  readonly target: Target;
  /** Vectors of workgroup memory that dots should share. */
  readonly dotVectors: number;
  private readonly matrix: MatrixUnits | undefined;
  private readonly func: Func;
  private readonly defs: Map<Value, Op>;
  private uses: Map<Value, number> | undefined;
  private readonly held = new Map<Value, Held>();
  private readonly params = new Map<Value, Param>();
  private readonly roots = new Map<Value, Param>();

  constructor(func: Func, plan: LayoutPlan, access: AccessPlan, target: Target) {
    this.func = func;
    this.plan = plan;
    this.access = access;
    this.target = target;
    this.defs = definitions(func);
    for (const p of func.params) this.params.set(p.value, p);
    this.smem = new WorkgroupMemory(target.maxWorkgroupStorage, counters(func, target));
    this.tid = this.b.pure('local_id', []);
    this.dotVectors = dotVectors(func, target);
    this.matrix = plan.fragments && new MatrixUnits(this, func, plan.fragments);
    this.findRoots();
  }
  run(): Distributed {
    this.block(this.func.body);
    return {
      body: this.b.finish(),
      sites: this.sites,
      words: this.smem.words,
      vectors: this.smem.vectors,
      counters: this.smem.counters,
      arrays: this.matrix?.arrays ?? [],
    };
  }

  // ---- pointers -----------------------------------------------------------------------------------------------------
  /** The parameter behind every pointer; one parameter each, or an error at the op that merges two. */
  private findRoots(): void {
    for (const p of this.func.params) if (isPtr(p.value.type)) this.roots.set(p.value, p);
    let changed = true;
    const flow = (from: Value, to: Value, op: Op): void => {
      const a = this.roots.get(from);
      const b = this.roots.get(to);
      if (!isPtr(to.type) || !a || a === b) return;
      if (b) fail(op.loc, LOWER.pointerMerge, op.name === 'where' ? 'tl.where' : op.name, b.name, a.name);
      this.roots.set(to, a);
      changed = true;
    };
    const visit = (block: Block): void => {
      for (const op of block.ops) {
        for (const r of op.regions) visit(r);
        for (const [from, to] of flows(op)) flow(from, to, op);
        if (!op.regions.length) for (const r of op.results) for (const o of op.operands) if (isPtr(o.type)) flow(o, r, op);
      }
    };
    while (changed) {
      changed = false;
      visit(this.func.body);
    }
  }
  root(ptr: Value): Param {
    return this.roots.get(ptr)!;
  }

  // ---- walk ---------------------------------------------------------------------------------------------------------
  /** Emits the effects and home values of a block; returns its terminator. */
  block(block: Block): Op | undefined {
    for (const op of block.ops) {
      this.b.loc = op.loc;
      if (hasTrait(op.name, 'terminator')) return op;
      if (hasTrait(op.name, 'control')) this.control(op);
      else this.leaf(op);
    }
    return undefined;
  }
  private leaf(op: Op): void {
    const [r] = op.results;
    if (this.matrix?.takes(op)) return;
    const { emit, relabel } = loweringOf(op);
    if (emit) emit(this, op);
    else if (r && isTile(r.type) && !relabel && !this.plan.remat(r)) {
      const home = this.plan.home(r);
      this.hold(r, home, this.compute(op, r, home));
    }
  }
  /** Whether any op reads the value. */
  isUsed(v: Value): boolean {
    this.uses ??= useCounts(this.func);
    return this.uses.has(v);
  }
  layoutOf(v: Value): Layout {
    return isTile(v.type) ? this.plan.home(v) : SCALAR;
  }
  /** Records where a value is now. */
  hold(v: Value, layout: Layout, regs: Regs): void {
    this.name(v, regs);
    this.held.set(v, { layout, regs });
  }
  private name(v: Value, regs: Regs): void {
    if (v.name) for (const x of regs.vals) if (x.name === undefined && this.b.def(x)?.name !== 'constant') x.name = v.name;
  }

  // ---- demand -------------------------------------------------------------------------------------------------------
  scalar(v: Value): Value {
    return this.get(v, SCALAR).vals[0];
  }
  /** The registers of a value in a layout. Pointers are element offsets (i32) into their buffer. */
  get(v: Value, layout: Layout): Regs {
    const key = `${this.b.id(v)}@${layoutKey(layout)}`;
    const known = this.b.cached<Regs>(key);
    if (known) return known;
    const regs = this.produce(v, layout);
    return this.b.remember(key, regs, this.b.depthOf(regs.vals));
  }
  private produce(v: Value, layout: Layout): Regs {
    if (this.matrix?.has(v)) return this.matrix.toLayout(v, layout);
    const held = this.held.get(v);
    if (held) return this.convert(held.regs, held.layout, layout);
    const param = this.params.get(v);
    if (param) return { width: 1, vals: [this.param(param)] };
    const op = this.defs.get(v);
    if (!op) throw new Error('internal: a value is used before it is made');
    const saved = this.b.loc;
    this.b.loc = op.loc;
    const regs = this.compute(op, v, layout);
    this.b.loc = saved;
    return regs;
  }
  private param(p: Param): Value {
    if (isPtr(p.value.type)) return this.b.pure('uniform', [], { field: baseField(p), type: 'i32' });
    const d = dtypeOf(p.value.type);
    if (registerType(d) === null) fail(p.loc, LOWER.dtypeUnsupported, d.name, 'take an argument of');
    return this.b.pure('uniform', [], { field: safeName(p.name), type: d.name });
  }
  /** Computes an op's result in a layout, its operands demanded in the layouts that this takes. */
  private compute(op: Op, v: Value, layout: Layout): Regs {
    const { make } = loweringOf(op);
    if (make) return make(this, op, layout, (x, l) => this.get(x, l), v);
    if (isPtr(v.type)) return this.pointerStep(op, layout);
    const to = dtypeOf(v.type);
    for (const t of [v, ...op.operands]) this.checkRegister(op, t.type);
    const operands = op.operands.map((o) => this.get(o, layout));
    return this.b.elementwise(op.name, operands, op.attrs, to, v.name);
  }
  /** Refuses what no register holds. */
  checkRegister(op: Op, t: Type): void {
    if (isPtr(t)) return;
    const d = dtypeOf(t);
    if (registerType(d) === null) fail(op.loc, LOWER.dtypeUnsupported, d.name, `compute ${op.name} on`);
  }
  private pointerStep(op: Op, layout: Layout): Regs {
    const [a, b] = op.operands;
    if (op.name === 'where')
      return this.b.elementwise(
        'where',
        op.operands.map((o) => this.get(o, layout)),
        {},
        DTYPES.i32,
      );
    if (!isPtr(a.type) || op.name !== 'addptr') fail(op.loc, LOWER.opUnsupported, `${op.name} on pointers`);
    return this.b.elementwise('add', [this.get(a, layout), this.low(b, layout)], {}, DTYPES.i32);
  }
  /** Low 32 bits of an integer value, as i32: all that an address needs of it. */
  low(v: Value, layout: Layout): Regs {
    const d = dtypeOf(v.type);
    if (d === DTYPES.i32) return this.get(v, layout);
    if (d.bits < 64) return this.b.elementwise('cast', [this.get(v, layout)], { to: 'i32' }, DTYPES.i32);
    const op = this.held.has(v) ? undefined : this.defs.get(v);
    if (op) {
      const { make, relabel } = loweringOf(op);
      if (make && relabel) return make(this, op, layout, (x, l) => this.low(x, l), v);
      if (op.name === 'cast' && dtypeOf(op.operands[0].type).is_int()) return this.low(op.operands[0], layout);
      if (LOW_OPS.has(op.name))
        return this.b.elementwise(
          op.name,
          op.operands.map((o) => this.low(o, layout)),
          {},
          DTYPES.i32,
        );
      if (op.name === 'constant')
        return this.b.splat(this.b.i32(Number(BigInt.asIntN(32, BigInt(op.attrs.value as bigint)))), regCount(layout));
    }
    return this.b.pack(this.b.scalars(this.get(v, layout)).map((x) => this.b.pure('low_word', [x])));
  }

  // ---- indices ------------------------------------------------------------------------------------------------------
  /** The invocation id's part of the index along `dim` (i32), or undefined if it has none. */
  laneIndex(layout: Layout, dim: number): Value | undefined {
    return this.gather(laneParts(layout, dim));
  }
  /** Bits of the invocation id moved to places: pairs [from, to]. */
  gather(parts: readonly (readonly [number, number])[]): Value | undefined {
    if (!parts.length) return undefined;
    const runs: number[] = [];
    for (const [from, to] of parts) {
      const k = runs.length - 3;
      if (k >= 0 && runs[k] + runs[k + 2] === from && runs[k + 1] + runs[k + 2] === to) runs[k + 2]++;
      else runs.push(from, to, 1);
    }
    return this.b.pure('lane_index', [this.tid], { runs });
  }
  /** Sum of (lane index * stride) over the dims, as i32. */
  laneAddress(layout: Layout, strides: readonly number[]): Value {
    let sum = this.b.i32(0);
    layout.dims.forEach((_, d) => {
      const i = strides[d] ? this.laneIndex(layout, d) : undefined;
      if (i) sum = this.b.scalarOp('add', [sum, this.b.scalarOp('mul', [i, this.b.i32(strides[d])])]);
    });
    return sum;
  }
  /** Invocation bits that a layout does not use: invocations that differ in them hold the same elements. */
  private unusedLanes(layout: Layout): number {
    return (2 ** this.plan.lanes - 1) & ~laneMask(layout);
  }
  replicates(layout: Layout): boolean {
    return this.unusedLanes(layout) !== 0;
  }
  /** True in one invocation of each set of replicas; undefined if there are none. */
  representative(layout: Layout): Value | undefined {
    const unused = this.unusedLanes(layout);
    return unused ? this.b.pure('lane_is_zero', [this.tid], { bits: unused }) : undefined;
  }

  // ---- conversions --------------------------------------------------------------------------------------------------
  /** Moves registers to another layout: by renaming where every element stays in its invocation, else through memory. */
  convert(regs: Regs, from: Layout, to: Layout): Regs {
    if (layoutKey(from) === layoutKey(to)) return regs;
    const map = registerMap(from, to);
    if (map) return this.b.pack(Array.from({ length: regCount(to) }, (_, r) => this.b.at(regs, map(r))));
    return this.move(regs, from, to);
  }
  /** The same through memory in any case: every replica then has what the first of them held. */
  move(regs: Regs, from: Layout, to: Layout): Regs {
    const d = dtypeOf(regs.vals[0].type);
    const words = this.b.scalars(regs).map((x) => this.toWords(x));
    const moved = words[0].map((_, k) =>
      this.throughMemory(
        words.map((w) => w[k]),
        from,
        to,
      ),
    );
    return this.b.pack(
      Array.from({ length: regCount(to) }, (_, r) =>
        this.fromWords(
          moved.map((m) => m[r]),
          d,
        ),
      ),
    );
  }
  /** Moves one word a register through workgroup memory; in slices along the first dim where the whole does not fit. */
  private throughMemory(words: readonly Value[], from: Layout, to: Layout): Value[] {
    const shape = shapeOf(from);
    // Rows are padded by a word so that a column's elements fall into different banks.
    const pitch = (n: number, i: number) => n + (i === shape.length - 1 && i > 0 && n >= 32 ? 1 : 0);
    const inner = shape.slice(1).reduce((size, n, i) => size * pitch(n, i + 1), 1);
    let rows = shape[0];
    while (rows > 1 && rows * inner > this.smem.limitWords) rows /= 2;
    const strides: number[] = [];
    let size = 1;
    for (let i = shape.length - 1; i >= 0; i--) {
      strides[i] = size;
      size *= i === 0 ? rows : pitch(shape[i], i);
    }
    const out: Value[] = [];
    for (let slice = 0; slice < shape[0] / rows; slice++) {
      const source = this.slice(from, rows, slice);
      const wanted = this.slice(to, rows, slice);
      const region = this.smem.allocate(size, this.b.loc, 'moving a tile between layouts');
      const phase = this.smem.phase();
      const base = this.laneAddress(source.inside, strides);
      const mask = this.bothOf(this.representative(from), source.mask);
      for (const r of source.regs)
        this.smem.store(this.b, region, phase, this.shift(base, this.offset(source.inside, strides, r)), words[r], mask);
      const readBase = this.laneAddress(wanted.inside, strides);
      const cache = new Map<number, Value>();
      for (const r of wanted.regs) {
        const offset = this.offset(wanted.inside, strides, r);
        let v = cache.get(offset);
        if (!v) {
          v = this.smem.load(this.b, region, phase, this.shift(readBase, offset));
          cache.set(offset, v);
        }
        out[r] = wanted.mask && out[r] ? this.b.pure('pick', [wanted.mask, v, out[r]]) : v;
      }
    }
    return out;
  }
  /**
   * The part of a tile whose index along dim 0 lies in slice `c` of `rows`: a layout of the index inside the slice, the
   * registers that take part, and the invocations that do, where invocation bits decide it.
   */
  slice(layout: Layout, rows: number, c: number, dim = 0): { inside: Layout; regs: number[]; mask: Value | undefined } {
    const low = log2(rows);
    const top = layout.dims[dim].slice(low);
    const inside: Layout = { dims: layout.dims.map((bits, i) => (i === dim ? bits.slice(0, low) : bits)) };
    const laneTop = top.flatMap((bit, i) => (isLane(bit) ? [[laneBit(bit), i] as const] : []));
    const picked = this.gather(laneTop);
    const wanted = laneTop.reduce((acc, [, i]) => acc | (c & (1 << i)), 0);
    const mask = picked && this.b.scalarOp('eq', [picked, this.b.i32(wanted)]);
    const matches = (r: number) => top.every((bit, i) => !isReg(bit) || ((r >> bit) & 1) === ((c >> i) & 1));
    return { inside, regs: Array.from({ length: regCount(layout) }, (_, r) => r).filter(matches), mask };
  }
  bothOf(a: Value | undefined, b: Value | undefined): Value | undefined {
    return a && b ? this.b.scalarOp('and', [a, b]) : (a ?? b);
  }
  offset(layout: Layout, strides: readonly number[], r: number): number {
    return layout.dims.reduce((acc, _, d) => acc + regOffset(layout, d, r) * strides[d], 0);
  }
  shift(base: Value, n: number): Value {
    return n ? this.b.scalarOp('add', [base, this.b.i32(n)]) : base;
  }
  /** A scalar register as u32 words. */
  toWords(x: Value): Value[] {
    const d = dtypeOf(x.type);
    if (d.bits === 64) return [0, 1].map((i) => this.b.pure('word', [x], { i }));
    if (d.is_bool()) return [this.b.pure('encode', [x])];
    return [this.b.pure('bitcast', [x], { type: 'u32' })];
  }
  fromWords(w: readonly Value[], d: DType): Value {
    if (d.bits === 64) return this.b.pure('join_words', w, { type: d.name });
    if (d.is_bool()) return this.b.pure('decode', w, { type: 'bool' });
    return this.b.pure('bitcast', w, { type: d.name });
  }

  // ---- control flow -------------------------------------------------------------------------------------------------
  /** Lane values of a carried or yielded value, in its home. */
  private carried(v: Value, like: Value): Regs {
    return this.matrix?.owns(like) ? this.matrix.carried(v, like) : this.get(v, this.layoutOf(like));
  }
  /** Fresh lane values that stand for `v` (region argument or result), shaped like `from`. */
  private fresh(v: Value, from: Regs): Regs {
    const regs: Regs = { width: from.width, vals: from.vals.map((x) => new Value(x.type, v.name)) };
    if (this.matrix?.owns(v)) this.matrix.adopt(v, regs.vals);
    else this.held.set(v, { layout: this.layoutOf(v), regs });
    return regs;
  }
  private control(op: Op): void {
    const { b } = this;
    const loc = op.loc;
    const emit = (name: string, operands: readonly Value[], regions: readonly Block[], results: readonly Value[]) =>
      b.region({ name, operands, attrs: {}, results, regions, loc });
    if (op.name === 'if') {
      const cond = this.scalar(op.operands[0]);
      const regions: Block[] = [];
      let ends: Regs[] = [];
      for (const region of op.regions) {
        b.open('branch', []);
        const end = this.block(region);
        ends = op.results.map((r, i) => this.carried(end!.operands[i], r));
        if (end) this.matrix?.leave(end.operands);
        b.effect(
          'yield',
          ends.flatMap((e) => e.vals),
        );
        regions.push(b.close([]));
      }
      const results = op.results.flatMap((r, i) => this.fresh(r, ends[i]).vals);
      emit('if', [cond], regions, results);
      return;
    }
    const counted = op.name === 'for';
    const bounds = counted ? op.operands.slice(0, 3).map((o) => this.scalar(o)) : [];
    const inits = (counted ? op.operands.slice(3) : op.operands).map((v, i) => this.carried(v, op.results[i]));
    const regions: Block[] = [];
    for (const region of op.regions) {
      const skip = counted ? 1 : 0;
      const iv = counted ? [new Value(region.args[0].type, region.args[0].name ?? 'i')] : [];
      if (counted) this.held.set(region.args[0], { layout: SCALAR, regs: { width: 1, vals: iv } });
      const args = [...iv, ...inits.flatMap((from, i) => this.fresh(region.args[i + skip], from).vals)];
      b.open('loop', args);
      this.matrix?.enter(region);
      const end = this.block(region)!;
      if (end.name === 'condition') b.effect('condition', [this.scalar(end.operands[0])]);
      else
        b.effect(
          'yield',
          op.results.flatMap((r, i) => this.carried(end.operands[i], r).vals),
        );
      regions.push(b.close(args));
    }
    const results = op.results.flatMap((r, i) => this.fresh(r, inits[i]).vals);
    emit(op.name, [...bounds, ...inits.flatMap((r) => r.vals)], regions, results);
  }
}

/** Ops whose low 32 result bits depend on the low 32 bits of their operands alone. */
const LOW_OPS = new Set(['add', 'sub', 'mul', 'neg', 'and', 'or', 'xor', 'not']);
