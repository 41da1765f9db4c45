// Layout assignment: which values are held in registers, and where. Comes in: a tile-level function, its axis facts, the
// number of invocations. Goes out: a home layout for every value that is expensive to recompute (loads, dots, reductions,
// functions, loop-carried tiles); everything else is recomputed wherever a use wants it. It emits nothing.

import { type Block, definitions, type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { hasTrait, maskOperand } from '../../dsl/ops/index.ts';
import { isPtr, isTile, numel, pointee } from '../../dsl/types.ts';
import { PROFILES, profileOf } from '../profiles.ts';
import type { Target } from '../program.ts';
import type { AxisInfo } from './axis.ts';
import type { FragmentPlan } from './fragments.ts';
import { batchedDotLayout, blockedLayout, dotLayout, dotRowBits, isLane, isReg, type Layout, lane, log2 } from './layout.ts';
import { loweringOf } from './lowerings.ts';
import type { Pointers } from './pointers.ts';

export interface LayoutPlan {
  /** log2 of the invocations a program. */
  readonly lanes: number;
  /** True for values that are recomputed at each use, in the layout of the use. */
  remat(v: Value): boolean;
  /** Where a value that is not recomputed lives. Shape ops of such a value have their operand's home, relabeled. */
  home(v: Value): Layout;
  /** What runs on matrix units, if anything does. */
  readonly fragments: FragmentPlan | undefined;
  /** Layout in which an op with an effect, or a reduction, wants its operands. */
  working(op: Op): Layout;
}

/** How strongly a layout wants to stay: dot results beat loads beat made-up ones. */
export interface Home {
  readonly layout: Layout;
  readonly rank: number;
}
/** What a lowering's `place` may ask and tell. */
export interface Placement {
  /** log2 of the invocations a program. */
  readonly lanes: number;
  remat(v: Value): boolean;
  /** The strongest home among values; undefined while none of them has one. */
  best(values: readonly Value[]): Home | undefined;
  /** A home for a shape, where no value suggests one. */
  fallback(shape: readonly number[]): Home;
  /** Gives a result its home. */
  set(v: Value, home: Home): void;
  /** Where an op that reads or writes memory has its operands. */
  accessed(op: Op): Home;
  /** Layout in which the op wants its operands. */
  works(op: Op, layout: Layout): void;
}
const DOT = 3;
const MEMORY = 2;
const MADE_UP = 1;

/**
 * Invocations a program: what the largest tile needs, at so many elements each as the device's profile says for dots and for
 * everything else, or as many as a vector access holds where the largest accesses can move those at once. At most 256, or
 * 32 · `num_warps`: with a dot exactly those on GPUs, since dots are tuned so.
 */
export function chooseInvocations(
  func: Func,
  axis: AxisInfo,
  target: Pick<Target, 'profile' | 'maxInvocations'>,
  num_warps?: number,
): number {
  const ops: Op[] = [];
  walk(func.body, (op) => void ops.push(op));
  const dots = ops.filter((op) => op.name === 'dot').length;
  // Text grows with the elements of an invocation. That of several products is spread as widely as can be: drivers need seconds for it.
  const profile = dots > 1 ? PROFILES.gpu : profileOf(target);
  const most = Math.min(num_warps ? 32 * num_warps : 256, 2 ** log2(target.maxInvocations));
  if (profile.tuned && num_warps && dots) return most;
  const accesses = ops.filter((op) => (hasTrait(op.name, 'reads') || hasTrait(op.name, 'writes')) && isTile(op.operands[0].type));
  const sizes = accesses.map((op) => numel(op.operands[0].type.shape));
  const runs = accesses.filter((_, i) => sizes[i] === Math.max(...sizes)).map((op) => longestRun(op, axis, profile.accessBytes));
  const folds = ops.some((op) => hasTrait(op.name, 'reduction'));
  const least = dots ? profile.besideDot : folds ? profile.exchanged : profile.elements;
  const each = Math.max(least, ...(runs.length ? [Math.min(...runs)] : []));
  let want = 32;
  for (const op of ops)
    for (const r of op.results)
      if (isTile(r.type) && !isPtr(r.type)) want = Math.max(want, numel(r.type.shape) / (op.name === 'dot' ? profile.dot : each));
  return Math.max(1, Math.min(2 ** Math.ceil(Math.log2(want)), most));
}
/** Elements, up to so many bytes of them, that lie side by side under one mask bit. */
function longestRun(op: Op, axis: AxisInfo, bytes: number): number {
  const [ptr] = op.operands;
  const mask = maskOperand(op);
  const { contiguity, divisibility } = axis.get(ptr);
  const runs = ptr.type.shape.map((_, d) =>
    Math.min(contiguity[d], divisibility[d], mask ? axis.get(mask).constancy[d] : Infinity, bytes / pointee(ptr.type).bytes),
  );
  return Math.max(1, ...runs);
}

export function assignLayouts(
  func: Func,
  axis: AxisInfo,
  pointers: Pointers,
  lanes: number,
  fragments?: FragmentPlan,
): LayoutPlan {
  return new Assigner(func, axis, pointers, lanes, fragments).run();
}

class Assigner implements LayoutPlan, Placement {
  readonly lanes: number;
  readonly fragments: FragmentPlan | undefined;
  private readonly func: Func;
  private readonly axis: AxisInfo;
  private readonly pointers: Pointers;
  private readonly defs: Map<Value, Op>;
  private readonly homes = new Map<Value, Home>();
  private readonly work = new Map<Op, Layout>();
  private readonly rematMemo = new Map<Value, boolean>();
  private readonly byShape = new Map<string, Home>();
  private readonly dotRows = new Map<number, number>();

  constructor(func: Func, axis: AxisInfo, pointers: Pointers, lanes: number, fragments?: FragmentPlan) {
    this.fragments = fragments;
    this.func = func;
    this.axis = axis;
    this.pointers = pointers;
    this.lanes = lanes;
    this.defs = definitions(func);
  }
  run(): LayoutPlan {
    this.block(this.func.body);
    return this;
  }

  // ---- answers ------------------------------------------------------------------------------------------------------
  remat(v: Value): boolean {
    if (!isTile(v.type)) return true;
    let r = this.rematMemo.get(v);
    if (r === undefined) this.rematMemo.set(v, (r = this.computeRemat(v)));
    return r;
  }
  private computeRemat(v: Value): boolean {
    const op = this.defs.get(v);
    if (!op || op.regions.length || this.fragments?.raw(v)) return false;
    if (hasTrait(op.name, 'reads')) {
      // Small tables in buffers that the kernel never writes are read again rather than moved between invocations.
      const written = [...this.pointers.buffers(op.operands[0])].some((b) => this.pointers.written.has(b));
      return !written && numel(v.type.shape) <= 1 << this.lanes && op.operands.every((o) => this.remat(o));
    }
    const { operands } = op;
    if (loweringOf(op).relabel)
      return (
        operands.every((o) => this.remat(o)) ||
        (operands.length === 1 && numel(v.type.shape) >= 2 * numel(operands[0].type.shape))
      );
    return hasTrait(op.name, 'pure') && hasTrait(op.name, 'cheap') && op.operands.every((o) => this.remat(o));
  }
  home(v: Value): Layout {
    return (this.find(v) ?? this.fallback(v.type.shape)).layout;
  }
  working(op: Op): Layout {
    return this.work.get(op)!;
  }
  works(op: Op, layout: Layout): void {
    this.work.set(op, layout);
  }

  // ---- homes --------------------------------------------------------------------------------------------------------
  /** Home that the plan for matrix units gives a value. */
  private planned(v: Value): Home | undefined {
    const f = this.fragments;
    if (f?.held(v)) return { layout: f.layout(v), rank: DOT };
    const raw = f?.raw(v);
    return raw && { layout: raw, rank: MEMORY };
  }
  /** Home of a value or, through shape ops, of what it relabels; undefined while it has none. */
  private find(v: Value): Home | undefined {
    const planned = this.planned(v);
    if (planned) return planned;
    const own = this.homes.get(v);
    if (own || this.remat(v)) return own;
    const op = this.defs.get(v);
    const relabel = op && loweringOf(op).relabel;
    if (!op || !relabel) return undefined;
    const from = op.operands.map((o) => (isTile(o.type) ? this.find(o) : undefined));
    const layout = relabel(
      op,
      from.map((h) => h?.layout),
      v,
    );
    return layout && { layout, rank: Math.max(...from.map((h) => h?.rank ?? 0)) };
  }
  fallback(shape: readonly number[]): Home {
    return this.byShape.get(shape.join()) ?? { layout: this.blocked(shape, [...shape.keys()].reverse(), 2), rank: MADE_UP };
  }
  private blocked(shape: readonly number[], order: readonly number[], vecBits: number): Layout {
    const spare = Math.max(0, log2(numel(shape)) - this.lanes);
    return blockedLayout(shape, order, Math.min(vecBits, spare, log2(shape[order[0]])), this.lanes);
  }
  /** Consecutive invocations on the contiguous dim, up to 16 bytes an invocation. */
  private memory(ptr: Value, mask?: Value): Home {
    const shape = ptr.type.shape;
    if (!this.remat(ptr)) {
      const h = this.find(ptr);
      if (h) return h;
    }
    const a = this.axis.get(ptr);
    const order = [...shape.keys()].sort((x, y) => (a.contiguity[y] ?? 1) - (a.contiguity[x] ?? 1) || y - x);
    const bytes = pointee(ptr.type).bytes;
    const constancy = mask ? (this.axis.get(mask).constancy[order[0]] ?? 1) : 16;
    const run = Math.min(a.contiguity[order[0]] ?? 1, a.divisibility[order[0]] ?? 1, constancy, Math.max(1, 16 / bytes));
    // Two halves of a word should have one owner, even if that leaves invocations idle.
    const least = bytes < 4 && run > 1 ? log2(Math.min(run, 4 / bytes)) : 0;
    const spare = Math.max(least, log2(numel(shape)) - this.lanes);
    return { layout: blockedLayout(shape, order, Math.min(log2(run), spare, log2(shape[order[0]])), this.lanes), rank: MEMORY };
  }
  set(v: Value, h: Home): void {
    this.homes.set(v, h);
    const key = v.type.shape.join();
    const old = this.byShape.get(key);
    if (!old || h.rank > old.rank) this.byShape.set(key, h);
  }
  best(values: readonly Value[]): Home | undefined {
    let best: Home | undefined;
    for (const v of values) {
      if (!isTile(v.type) || this.remat(v)) continue;
      const h = this.find(v);
      if (h && (!best || h.rank > best.rank)) best = h;
    }
    return best;
  }

  // ---- walk ---------------------------------------------------------------------------------------------------------
  private block(b: Block): void {
    for (const op of b.ops) {
      if (hasTrait(op.name, 'control')) this.control(op);
      else this.leaf(op);
    }
  }
  private leaf(op: Op): void {
    const [r] = op.results;
    const [x] = op.operands;
    const { place } = loweringOf(op);
    if (place) place(this, op);
    else if (hasTrait(op.name, 'writes')) {
      if (isTile(x.type)) this.work.set(op, this.storeLayout(op));
    } else if (hasTrait(op.name, 'reads')) {
      if (!isTile(r.type) || this.remat(r)) return;
      this.set(r, this.memory(x, op.operands[1]));
    } else if (op.name === 'dot') {
      const [m, n] = r.type.shape.slice(-2);
      const [batch] = r.type.shape;
      const rows = this.dotRows.get(m);
      const batched = r.type.shape.length > 2;
      const layout = batched ? batchedDotLayout(batch, m, n, this.lanes, rows) : dotLayout(m, n, this.lanes, rows);
      if (!this.dotRows.has(m)) this.dotRows.set(m, dotRowBits(layout));
      this.set(r, { layout, rank: DOT });
    } else if (hasTrait(op.name, 'effect')) {
      const tiles = op.operands.filter((o) => isTile(o.type));
      if (tiles.length) this.work.set(op, (this.best(tiles) ?? this.fallback(tiles[0].type.shape)).layout);
    } else if (hasTrait(op.name, 'elementwise') || isPtrStep(op)) {
      if (r && isTile(r.type) && !this.remat(r)) this.set(r, this.best(op.operands) ?? this.fallback(r.type.shape));
    }
  }
  accessed(op: Op): Home {
    return { layout: this.storeLayout(op), rank: MEMORY };
  }
  private storeLayout(op: Op): Layout {
    const [ptr, value] = op.operands;
    const mask = maskOperand(op);
    const memory = this.memory(ptr, mask);
    const held = this.best([value]);
    if (!held) return memory.layout;
    // A held value is stored from where it lies if neighbours in memory are neighbours there; else it moves first.
    const a = this.axis.get(ptr);
    const fast = [...ptr.type.shape.keys()].sort((x, y) => (a.contiguity[y] ?? 1) - (a.contiguity[x] ?? 1) || y - x)[0];
    const bits = held.layout.dims[fast];
    const firstLane = bits.findIndex(isLane);
    const coalesced =
      (a.contiguity[fast] ?? 1) < 4 || firstLane < 0 || (bits[firstLane] === lane(0) && bits.slice(0, firstLane).every(isReg));
    return coalesced ? held.layout : memory.layout;
  }

  private control(op: Op): void {
    if (op.name === 'if') {
      for (const r of op.regions) this.block(r);
      const ends = op.regions.map((r) => r.ops.at(-1)?.operands ?? []);
      op.results.forEach((r, i) => {
        if (isTile(r.type)) this.set(r, this.best(ends.map((e) => e[i])) ?? this.fallback(r.type.shape));
      });
      return;
    }
    const skip = op.name === 'for' ? 1 : 0;
    const inits = op.name === 'for' ? op.operands.slice(3) : op.operands;
    const body = op.regions[op.regions.length - 1];
    const args = inits.map((_, i) => op.regions.map((r) => r.args[i + skip]));
    let chosen: (Home | undefined)[] = inits.map((v) => (isTile(v.type) ? this.best([v]) : undefined));
    for (let round = 0; ; round++) {
      chosen.forEach((h, i) => {
        if (h) for (const a of args[i]) this.set(a, h);
      });
      for (const r of op.regions) this.block(r);
      const ends = body.ops.at(-1)!.operands;
      const next = inits.map((v, i) => {
        if (!isTile(v.type)) return undefined;
        const after = this.best([ends[i]]);
        const before = chosen[i];
        if (!after) return before ?? (round ? this.fallback(v.type.shape) : undefined);
        return !before || after.rank > before.rank ? after : before;
      });
      const settled = next.every((h, i) => h?.layout === chosen[i]?.layout && (h || !isTile(inits[i].type)));
      chosen = next;
      if (settled || round >= 4) break;
    }
    chosen.forEach((h, i) => {
      if (!isTile(inits[i].type)) return;
      const home = h ?? this.fallback(inits[i].type.shape);
      for (const v of [...args[i], op.results[i]]) this.set(v, home);
    });
    // Once more with the final layouts, so that the body's values follow them.
    for (const r of op.regions) this.block(r);
  }
}

const isPtrStep = (op: Op): boolean => op.results.length === 1 && isPtr(op.results[0].type) && !hasTrait(op.name, 'shape');
