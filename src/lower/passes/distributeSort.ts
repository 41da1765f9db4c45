// Sorting, tile to lane. The network's steps work on bits of the index along the last dimension, and a layout says what holds each:
// a register bit makes a step a matter of renaming, a bit inside a subgroup a shuffle. A bit that is neither changes places with a
// register bit that is needed later, for the whole tile at once; only tiles of one register an invocation meet their partners
// through workgroup memory. A network that would be long as text is done in workgroup memory by loops instead.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { type NetworkStep, network } from '../../dsl/ops/order.ts';
import { DTYPES, type DType, dtypeOf } from '../../dsl/types.ts';
import { registerType } from '../wgsl/casts.ts';
import type { Placement } from './assignLayouts.ts';
import type { Distributor } from './distribute.ts';
import { foldRegisters } from './distributeReduce.ts';
import { fromPartner, subgroupBits } from './exchange.ts';
import { countOf, type Regs } from './lane.ts';
import { type Bit, compact, isLane, isReg, type Layout, laneBit, shapeOf } from './layout.ts';

export function placeSort(p: Placement, op: Op): void {
  const [x] = op.operands;
  const [r] = op.results;
  const from = p.best([x]) ?? p.fallback(x.type.shape);
  p.works(op, from.layout);
  p.set(r, r.type.shape.join() === x.type.shape.join() ? from : p.fallback(r.type.shape));
}

export function emitSort(d: Distributor, op: Op): void {
  const [x] = op.operands;
  const [result] = op.results;
  const layout = d.plan.working(op);
  const to = dtypeOf(result.type);
  const sorter = new Sorter(
    d,
    d.get(x, layout),
    layout,
    network(x.type.shape.at(-1) as number, op.attrs),
    to,
    Boolean(op.attrs.descending),
  );
  sorter.run();
  d.hold(result, sorter.layout, sorter.finish());
}

/** For each register: whether it takes the lesser (false) or the greater of two, where an invocation bit does not say more. */
interface Sense {
  readonly of: readonly boolean[];
  /** Turns all of them round in the invocations where it is true. */
  readonly turned: Value | undefined;
}

/** Elements times steps up to which a network is text, in one invocation: on a GPU, and in software, where text costs seconds. */
const LONGEST = 2048;
const LONGEST_IN_SOFTWARE = 100;
/** Subgroups of fewer invocations are those of software. */
const GPU = 16;

class Sorter {
  layout: Layout;
  private regs: Regs;
  private readonly d: Distributor;
  private readonly steps: readonly NetworkStep[];
  private readonly to: DType;
  private readonly greatest: boolean;
  private readonly cheap: number;
  private readonly mask: boolean;

  constructor(d: Distributor, regs: Regs, layout: Layout, steps: readonly NetworkStep[], to: DType, greatest: boolean) {
    this.d = d;
    this.layout = layout;
    this.steps = steps;
    this.to = to;
    this.greatest = greatest;
    this.cheap = subgroupBits(d);
    // Masks are sorted as words.
    this.mask = dtypeOf(regs.vals[0].type).is_bool();
    this.regs = this.mask ? d.b.pack(d.b.scalars(regs).map((v) => d.b.pure('encode', [v]))) : regs;
  }
  run(): void {
    if (this.wantsLoops()) this.loops();
    else this.unrolled();
  }
  private unrolled(): void {
    this.steps.forEach((step, at) => {
      this.bring(step.bit, at);
      if (step.kind === 'exchange') this.exchange(step.bit, step.flip);
      else this.fold(step.bit);
    });
  }
  finish(): Regs {
    const { b } = this.d;
    if (!this.mask || dtypeOf(this.regs.vals[0].type) !== DTYPES.u32) return this.regs;
    return b.pack(b.scalars(this.regs).map((v) => this.d.fromWords([v], DTYPES.bool)));
  }
  private get last(): readonly Bit[] {
    return this.layout.dims[this.layout.dims.length - 1];
  }
  private get lastDim(): number {
    return this.layout.dims.length - 1;
  }

  // ---- in workgroup memory ------------------------------------------------------------------------------------------
  private get words(): number {
    return dtypeOf(this.regs.vals[0].type).bits === 64 ? 2 : 1;
  }
  /** Whether the network is too long as text, and can be had as loops: a whole sort of a tile that fits. */
  private wantsLoops(): boolean {
    const { d, layout, steps } = this;
    const size = shapeOf(layout).reduce((p, q) => p * q, 1);
    const whole = steps.length === (this.bits * (this.bits + 1)) / 2 && steps.every((s) => s.kind === 'exchange');
    const most = d.target.subgroups && d.target.subgroupMinSize >= GPU ? LONGEST : LONGEST_IN_SOFTWARE;
    return whole && steps.length * countOf(this.regs) * this.words > most && size * this.words <= d.smem.limitWords;
  }
  private get bits(): number {
    return this.last.length;
  }
  private loops(): void {
    const { d, layout } = this;
    const { b, smem } = d;
    const shape = shapeOf(layout);
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((p, q) => p * q, 1));
    const size = shape[0] * strides[0];
    const region = smem.allocate(size * this.words, b.loc, 'tl.sort');
    const base = d.laneAddress(layout, strides);
    const one = d.representative(layout);
    const places = Array.from({ length: countOf(this.regs) }, (_, r) => d.shift(base, d.offset(layout, strides, r)));
    const dtype = dtypeOf(this.regs.vals[0].type);
    const put = smem.phase();
    const all = b.scalars(this.regs);
    for (const [r, at] of places.entries())
      d.toWords(all[r]).forEach((w, k) => void smem.store(b, region, put, d.shift(at, k * size), w, one));
    const type = dtype.bits === 64 ? dtype.name : String(registerType(dtype));
    const last = this.steps.at(-1);
    const descending = last?.kind === 'exchange' && last.flip === true;
    b.effect('wg_sort', [d.tid], { ...region, phase: smem.phase(), type, bits: this.bits, descending, lanes: 1 << d.plan.lanes });
    const take = smem.phase();
    const parts = places.map((at) =>
      d.fromWords(
        Array.from({ length: this.words }, (_, k) => smem.load(b, region, take, d.shift(at, k * size))),
        dtype,
      ),
    );
    this.regs = b.pack(parts);
  }

  // ---- where bits are -----------------------------------------------------------------------------------------------
  private dear(bit: Bit): boolean {
    return isLane(bit) && laneBit(bit) >= this.cheap;
  }
  /** Steps from `at` until an index bit is compared again; far away if never, or once folds have moved it. */
  private nextUse(bit: number, at: number): number {
    for (let i = at; i < this.steps.length; i++) {
      if (this.steps[i].bit === bit) return i;
      if (this.steps[i].kind === 'fold' && bit > this.steps[i].bit) return i + 1;
    }
    return Number.POSITIVE_INFINITY;
  }
  /** Makes the holder of an index bit a register bit or one inside a subgroup, and those of the bits that come next. */
  private bring(bit: number, at: number): void {
    if (!this.dear(this.last[bit])) return;
    const { lastDim } = this;
    const places = this.layout.dims.flatMap((bits, dim) =>
      bits.map((holder, i) => ({ dim, i, holder, next: dim === lastDim ? this.nextUse(i, at) : Number.POSITIVE_INFINITY })),
    );
    const victims = places.filter((p) => isReg(p.holder)).sort((p, q) => q.next - p.next);
    const wanted = places.filter((p) => p.dim === lastDim && this.dear(p.holder)).sort((p, q) => p.next - q.next);
    const dims = this.layout.dims.map((bits) => [...bits]);
    for (const [k, want] of wanted.entries()) {
      const victim = victims[k];
      if (!victim || victim.next <= want.next) break;
      dims[victim.dim][victim.i] = want.holder;
      dims[want.dim][want.i] = victim.holder;
    }
    const to: Layout = { dims };
    this.regs = this.d.convert(this.regs, this.layout, to);
    this.layout = to;
  }

  // ---- steps --------------------------------------------------------------------------------------------------------
  /** The registers that differ in an index bit. */
  private partners(bit: number): Regs {
    const holder = this.last[bit];
    if (!isReg(holder)) return fromPartner(this.d, this.regs, 1 << laneBit(holder));
    const { b } = this.d;
    const { width, vals } = this.regs;
    const far = 1 << holder;
    if (far >= width) return { width, vals: vals.map((_, g) => vals[g ^ (far / width)]) };
    const swap = (v: Value): Value =>
      b.pure(
        'construct',
        Array.from({ length: width }, (_, c) => b.pure('extract', [v], { i: c ^ far })),
      );
    return { width, vals: vals.map(swap) };
  }
  private sense(bit: number, flip: number | boolean): Sense {
    const n = countOf(this.regs);
    const { b, tid } = this.d;
    const of: boolean[] = new Array(n).fill(flip === true);
    let turned: Value | undefined;
    for (const holder of [this.last[bit], ...(typeof flip === 'number' ? [this.last[flip]] : [])]) {
      if (isReg(holder)) for (let r = 0; r < n; r++) of[r] = of[r] !== (((r >> holder) & 1) === 1);
      else {
        const set = b.scalarOp('not', [b.pure('lane_is_zero', [tid], { bits: 1 << laneBit(holder) })]);
        turned = turned ? b.scalarOp('ne', [turned, set]) : set;
      }
    }
    return { of, turned };
  }
  private exchange(bit: number, flip: number | boolean): void {
    const other = this.partners(bit);
    const { of, turned } = this.sense(bit, flip);
    const { width, vals } = this.regs;
    this.regs = { width, vals: vals.map((x, g) => this.take(x, other.vals[g], of.slice(g * width, (g + 1) * width), turned)) };
  }
  /** One of x and y, component by component: y where (x > y) differs from the sense. */
  private take(x: Value, y: Value, sense: readonly boolean[], turned: Value | undefined): Value {
    const { b } = this.d;
    const d = dtypeOf(x.type);
    const even = sense.every((s) => s === sense[0]);
    if (!d.is_floating() && even) {
      const [low, high] = [b.scalarOp('minimum', [x, y]), b.scalarOp('maximum', [x, y])];
      const [off, on] = sense[0] ? [high, low] : [low, high];
      return turned ? b.pure('pick', [turned, on, off]) : off;
    }
    const greater = b.scalarOp('gt', [x, y]);
    if (even && !turned) return b.scalarOp('where', sense[0] ? [greater, x, y] : [greater, y, x]);
    let wanted = this.maskOf(sense);
    if (turned) {
      const all = sense.length > 1 ? b.pure('splat', [turned], { n: sense.length }) : turned;
      wanted = even && !sense[0] ? all : b.scalarOp('ne', [wanted, all]);
    }
    return b.scalarOp('where', [b.scalarOp('ne', [greater, wanted]), y, x]);
  }
  private maskOf(sense: readonly boolean[]): Value {
    const { b } = this.d;
    const parts = sense.map((s) => b.constant(s, DTYPES.bool));
    return parts.length > 1 ? b.pure('construct', parts) : parts[0];
  }
  private fold(bit: number): void {
    const { b } = this.d;
    if (dtypeOf(this.regs.vals[0].type) !== this.to)
      this.regs = b.elementwise('cast', [this.regs], { to: this.to.name }, this.to);
    const name = this.greatest ? 'maximum' : 'minimum';
    const holder = this.last[bit];
    if (isReg(holder))
      [this.regs] = foldRegisters(this.d, [this.regs], holder, ([p], [q]) => [b.elementwise(name, [p, q], {}, this.to)]);
    else this.regs = b.elementwise(name, [this.regs, this.partners(bit)], {}, this.to);
    this.layout = compact(
      this.layout.dims.map((bits, d) => (d === this.lastDim ? bits.filter((_, i) => i !== bit) : bits)),
    ).layout;
  }
}
