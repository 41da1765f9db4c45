// Matrix products on subgroup matrices, tile to lane. Operands are staged in f16 arrays of workgroup memory: loads as packed words
// straight from storage, everything else from registers; results stay in fragments until something elementwise asks for them
// and then move through an f32 array, a slice at a time. Which values that concerns is the fragment plan's choice. A
// subgroup's own part of an array is a strip, addressed by one index, so that offsets inside it are constants.

import { fail } from '../../dsl/diagnostics.ts';
import { type Attrs, type Block, definitions, type Func, type Op, Value } from '../../dsl/ir/ir.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { DTYPES, dtypeOf, pointee } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import type { Distributor } from './distribute.ts';
import { pieces } from './distributeMemory.ts';
import { type Arrangement, dequantized, type FragmentPlan, readIn, relabeled, through } from './fragments.ts';
import type { Regs } from './lane.ts';
import { isReg, type Layout, laneParts, log2, regCount, regOffset } from './layout.ts';

/** A workgroup array: `array<array<elem, size>, strips>`. */
export interface StripArray {
  readonly name: string;
  readonly elem: 'f16' | 'f32';
  readonly size: number;
  readonly strips: number;
}
/** Workgroup memory that an array takes. */
export const arrayBytes = (a: StripArray): number => Math.ceil((a.size * a.strips * (a.elem === 'f16' ? 2 : 4)) / 16) * 16;
/** Part of an array that one staged tile or slice uses. */
interface Room {
  readonly array: string;
  readonly strips: number;
  /** First place in the barrier pass's address space, and the number of places. */
  readonly base: number;
  readonly size: number;
  /** Elements of a strip, where strips share the only strip of the pool. */
  readonly flat?: number;
  /** Added to every index inside a strip. */
  readonly at: number;
}
type Side = 'left' | 'right';
/**
 * A load's vectors as they came, and a bit for each that its mask turned off. To look at what was loaded is to wait for it, so zeros are
 * put in when it is staged.
 */
interface Words {
  readonly vectors: readonly Value[];
  readonly off: Value | undefined;
}
/** Matrices of an operand: (number along M or N inside the subgroup's part, number along K). */
type Matrices = (i: number, k: number) => Value;

/** Padding of a row of 16-bit elements, and of 32-bit ones, so that rows start in different banks. */
const PAD16 = 8;
const PAD32 = 4;
/** The barrier pass's addresses of the arrays start here, above all words of plain workgroup memory. */
const FIRST_ADDRESS = 1 << 20;
/** Fewest vectors of a load for which a branch is cheaper than a choice for each. */
const BRANCH = 4;
/** Bytes of the pool that a loop-invariant operand may use on its way into registers. */
const PASSAGE = 18432;

export class MatrixUnits {
  readonly plan: FragmentPlan;
  private readonly d: Distributor;
  private readonly defs: Map<Value, Op>;
  private readonly frags = new Map<Value, readonly Value[]>();
  private readonly words = new Map<Value, Words>();
  private readonly made = new Map<string, StripArray & { base: number }>();
  /** First products of loops that have not been emitted. */
  private readonly waiting = new Map<Value, Op>();
  /** Where left operands lie that come out of branches. */
  private readonly places = new Map<Value, Room>();
  private addresses = FIRST_ADDRESS + (1 << 20);
  /** Elements of the pool, an array of one strip, in use, and its size so far. */
  private pooled = 0;
  private pool = 0;
  /** The room that right operands take turns in, if they do. */
  private shared: Room | undefined;

  constructor(d: Distributor, func: Func, plan: FragmentPlan) {
    this.d = d;
    this.plan = plan;
    this.defs = definitions(func);
  }
  get arrays(): readonly StripArray[] {
    const pool: StripArray[] = this.pool ? [{ name: POOL, elem: 'f16', size: 8 * Math.ceil(this.pool / 8), strips: 1 }] : [];
    return [...pool, ...this.made.values()];
  }

  /** Emits an op that is its business; false for all others. */
  takes(op: Op): boolean {
    const [r] = op.results;
    if (this.plan.staged(op)) return true;
    if (this.plan.isDot(op)) {
      // A loop's first product waits until the loop begins, so that all of its first loads are on their way before.
      if (this.plan.first(r) && this.d.b.outOfLoops) {
        this.waiting.set(r, op);
        return true;
      }
      this.dot(op);
    } else if (op.operands.length && hasTrait(op.name, 'reads') && this.plan.raw(r)) this.load(op);
    else {
      if (r && !op.regions.length && this.plan.placed(r)) this.put(r);
      return false;
    }
    this.arrive(r);
    return true;
  }

  // ---- what control flow carries ---------------------------------------------------------------------------------------
  owns(v: Value): boolean {
    return this.plan.held(v) || this.plan.raw(v) !== undefined || this.plan.placed(v) !== undefined;
  }
  has(v: Value): boolean {
    return this.frags.has(v) || this.waiting.has(v);
  }
  /** Lane values of a carried value, for a slot that stands for `like`. */
  carried(v: Value, like: Value): Regs {
    if (this.plan.held(like)) return { width: 1, vals: this.fragments(v, this.plan.arrangement(like)) };
    if (this.plan.placed(like)) return { width: 1, vals: [] };
    const { vectors, off } = this.words.get(v)!;
    return { width: 1, vals: [...vectors, off ?? this.d.b.constant(0, DTYPES.u32)] };
  }
  adopt(v: Value, vals: readonly Value[]): void {
    if (this.plan.placed(v)) return;
    if (this.plan.held(v)) this.frags.set(v, vals);
    else this.words.set(v, { vectors: vals.slice(0, -1), off: vals.at(-1) });
  }
  /** A loop's body begins: what the iteration before loaded goes to workgroup memory first. */
  enter(region: Block): void {
    const fed = new Set<Op>();
    // What the body looks at moves first: the wait for it is one for the places of the operands too.
    for (const arg of region.args) if (this.frags.has(arg) && readIn(region, arg)) this.d.get(arg, this.d.layoutOf(arg));
    for (const arg of region.args) {
      if (!this.words.has(arg)) continue;
      for (const op of region.ops) {
        // Where operands share a room, the second one goes there when its product comes.
        if (this.plan.sharesRoom && fed.size && !fed.has(op)) continue;
        if (this.stageFor(op, arg)) fed.add(op);
      }
    }
    // One product waits for all that was staged: better before the next loads are issued than with them in flight.
    if (fed.size === 1 && !this.plan.sharesRoom) this.d.b.effect('barrier', [], { workgroup: true, storage: false });
  }
  /** A branch ends: what it wrote to the place of an operand is waited for here, so that who did not take it need not wait. */
  leave(ends: readonly Value[]): void {
    if (ends.some((v) => this.plan.late(v))) this.d.b.effect('barrier', [], { workgroup: true, storage: false });
  }
  private stageFor(op: Op, x: Value): boolean {
    if (!this.plan.isDot(op)) return false;
    const sides = op.operands.slice(0, 2).map((v) => through(v, this.defs) === x);
    sides.forEach(
      (mine, i) => void (mine && this.operand(op.operands[i], i ? 'right' : 'left', this.plan.arrangement(op.results[0]))),
    );
    return sides.includes(true);
  }

  // ---- loads -----------------------------------------------------------------------------------------------------------
  /** Loads a tile as packed words, 16 bytes a vector. */
  load(op: Op): void {
    const { d } = this;
    const [ptr, mask] = op.operands;
    const [r] = op.results;
    const layout = this.plan.raw(r)!;
    const buffer = d.access.of(ptr);
    if (buffer.mode !== 'words' || buffer.vec !== 4) fail(op.loc, LOWER.opUnsupported, 'a load of other width from this buffer');
    const bits = log2(16 / pointee(ptr.type).bytes);
    const parts = pieces(d, layout, { dim: this.plan.fast(r), bits }, ptr, mask);
    const vectors = parts.map((p) => {
      const index = d.b.scalarOp('shr', [p.offset, d.b.i32(bits)]);
      const safe = p.mask ? d.b.scalarOp('where', [p.mask, index, d.b.i32(0)]) : index;
      const v = d.b.effect('load_global', [safe], { buffer: buffer.name, type: 'tile<4xu32>' });
      v.name = r.name;
      return v;
    });
    // More than a word has bits for: the mask is looked at here.
    if (parts.length > 32) {
      const none = d.b.pure('splat', [d.b.constant(0, DTYPES.u32)], { n: 4 });
      const kept = vectors.map((v, i) => (parts[i].mask ? d.b.pure('pick', [parts[i].mask!, v, none]) : v));
      this.words.set(r, { vectors: kept, off: undefined });
      return;
    }
    const u32 = (n: number): Value => d.b.constant(n, DTYPES.u32);
    const off = parts.flatMap((p, i) => (p.mask ? d.b.scalarOp('where', [p.mask, u32(0), u32(2 ** i)]) : []));
    this.words.set(r, { vectors, off: off.length ? off.reduce((x, y) => d.b.scalarOp('or', [x, y])) : undefined });
  }
  /** The vectors of a load, with zeros where it was turned off. Mostly it is nowhere: one branch lets many through at once. */
  private zeroed({ vectors, off }: Words): readonly Value[] {
    if (!off) return vectors;
    const { b } = this.d;
    const zero = b.constant(0, DTYPES.u32);
    const picked = (): readonly Value[] => {
      const none = b.pure('splat', [zero], { n: 4 });
      const on = (i: number): Value => b.scalarOp('eq', [b.scalarOp('and', [off, b.constant(2 ** i, DTYPES.u32)]), zero]);
      return vectors.map((v, i) => b.pure('pick', [on(i), v, none]));
    };
    if (vectors.length < BRANCH) return picked();
    const regions = [() => vectors, picked].map((ends) => {
      b.open('branch', []);
      b.effect('yield', ends());
      return b.close([]);
    });
    const results = vectors.map((v) => new Value(v.type, v.name));
    b.region({ name: 'if', operands: [b.scalarOp('eq', [off, zero])], attrs: {}, results, regions, loc: b.loc });
    return results;
  }

  // ---- products --------------------------------------------------------------------------------------------------------
  dot(op: Op): void {
    const { d } = this;
    const { config: c } = this.plan;
    const [a, b, acc] = op.operands;
    const [result] = op.results;
    const part = this.plan.arrangement(result);
    const left = this.operand(a, 'left', part);
    const right = this.operand(b, 'right', part);
    const [rows, cols] = [part.m / c.M, part.n / c.N];
    const sums = [...(acc ? this.fragments(acc, part) : this.zeros(rows * cols))];
    for (let k = 0; k < a.type.shape[1] / c.K; k++) {
      const lefts = Array.from({ length: rows }, (_, i) => left(i, k));
      for (let j = 0; j < cols; j++) {
        const r = right(j, k);
        for (let i = 0; i < rows; i++) sums[i * cols + j] = d.b.effect('matrix_mma', [lefts[i], r, sums[i * cols + j]]);
      }
    }
    for (const s of sums) s.name = result.name;
    this.frags.set(result, sums);
  }
  private zeros(n: number): Value[] {
    const { M, N } = this.plan.config;
    return Array.from({ length: n }, () => this.d.b.effect('matrix_zero', [], { type: `tile<${M}x${N}xf32>` }));
  }
  /** Number of this subgroup along the grid's rows (for the left side) or columns. */
  private myStrip(side: Side, a: Arrangement): Value {
    return this.d.b.pure('subgroup_part', [], side === 'left' ? { div: a.cols, mod: a.rows } : { div: 1, mod: a.cols });
  }

  // ---- operands --------------------------------------------------------------------------------------------------------
  private operand(v: Value, side: Side, part: Arrangement): Matrices {
    const key = `${side} ${this.d.b.id(v)} ${part.rows}x${part.cols}`;
    return this.d.b.cached<Matrices>(key) ?? this.d.b.remember(key, this.stage(v, side, part));
  }
  /** An operand of later loops is staged, and kept in matrices, where it is made, or where a loop's first product takes it. */
  arrive(v: Value): void {
    if (!this.plan.invariant(v) || this.plan.dots.some((op) => op.operands[0] === v && this.plan.first(op.results[0]))) return;
    for (const op of this.plan.dots) if (op.operands[0] === v) this.operand(v, 'left', this.plan.arrangement(op.results[0]));
  }
  /** Writes a left operand that a branch may replace to its place. */
  private put(v: Value): void {
    const dot = this.plan.dots.find((op) => op.operands[0] === this.plan.placed(v))!;
    this.stage(v, 'left', this.plan.arrangement(dot.results[0]));
  }
  private stage(v: Value, side: Side, part: Arrangement): Matrices {
    const { d } = this;
    const { config: c } = this.plan;
    const raw = this.words.has(through(v, this.defs));
    const x = raw ? through(v, this.defs) : relabeled(v, this.defs);
    const owner = this.plan.placed(v);
    const sDim = (side === 'left' ? 0 : 1) ^ (transposed(v, this.defs) ? 1 : 0);
    const kDim = 1 - sDim;
    const layout = raw ? this.plan.raw(x)! : d.layoutOf(x);
    const fast = owner ? kDim : raw ? this.plan.fast(x) : layout.dims[kDim].length && isReg(layout.dims[kDim][0]) ? kDim : sDim;
    const strips = side === 'left' ? part.rows : part.cols;
    const width = side === 'left' ? part.m : part.n;
    const size = side === 'left' ? c.M : c.N;
    const K = x.type.shape[kDim];
    const along = fast === kDim;
    const col = side === 'left' ? !along : along;
    const matrix = (room: Room, pitch: number, i: number, k: number): Value => {
      const at = (along ? i * size * pitch + k * c.K : k * c.K * pitch + i * size) + room.at;
      const type = side === 'left' ? `tile<${c.M}x${c.K}xf16>` : `tile<${c.K}x${c.N}xf16>`;
      return d.b.effect('matrix_load', [this.myStrip(side, part)], { ...place(room), kind: side, at, stride: pitch, col, type });
    };
    const all = { sDim, along, width, raw, scale: dequantized(relabeled(v, this.defs), this.defs)?.scale };
    if (this.plan.invariant(v) && side === 'left') {
      let chunk = K;
      const bytes = (n: number): number => 2 * strips * (along ? width * (n + PAD16) : n * (width + PAD16));
      while (chunk > 2 * c.K && bytes(chunk) > PASSAGE) chunk /= 2;
      const kept: Value[][] = [];
      for (let n = 0; n < K / chunk; n++) {
        const pitch = along ? chunk + PAD16 : width + PAD16;
        const room = this.passage(strips, along ? width * pitch : chunk * pitch);
        this.fill(x, layout, { ...all, pitch, room, chunk, n });
        for (let k = 0; k < chunk / c.K; k++)
          for (let i = 0; i < width / size; i++) (kept[i] ??= []).push(matrix(room, pitch, i, k));
      }
      return (i, k) => kept[i][k];
    }
    const pitch = along ? K + PAD16 : width + PAD16;
    const room = this.roomOf(v, owner, strips, along ? width * pitch : K * pitch);
    if (owner !== v) this.fill(x, layout, { ...all, pitch, room, chunk: K, n: 0 });
    return (i, k) => matrix(room, pitch, i, k);
  }
  /** Writes a tile (those of its elements with k in chunk n) to its room. */
  private fill(x: Value, layout: Layout, f: Filling): void {
    const { d } = this;
    const kDim = 1 - f.sDim;
    const bits = { w: log2(f.width), s: layout.dims[f.sDim].length, c: log2(f.chunk), k: layout.dims[kDim].length };
    const laneStrip = laneBits(d, layout, f.sDim, bits.w, bits.s);
    const terms: [Value | undefined, number][] = [
      [laneBits(d, layout, f.sDim, 0, bits.w), f.along ? f.pitch : 1],
      [laneBits(d, layout, kDim, 0, bits.c), f.along ? 1 : f.pitch],
    ];
    const base = terms.reduce(
      (sum, [v, stride]) => (v ? d.b.scalarOp('add', [sum, d.b.scalarOp('mul', [v, d.b.i32(stride)])]) : sum),
      d.b.i32(0),
    );
    const chunkLane = laneBits(d, layout, kDim, bits.c, bits.k);
    const laneWants = laneParts(layout, kDim).reduce((m, [, i]) => m | (i >= bits.c ? f.n & (1 << (i - bits.c)) : 0), 0);
    const mask = d.bothOf(d.representative(layout), chunkLane && d.b.scalarOp('eq', [chunkLane, d.b.i32(laneWants)]));
    const attrs = { ...place(f.room), phase: d.smem.phase() };
    const each = (r: number, put: (strip: Value, at: Value) => void): void => {
      const k = regOffset(layout, kDim, r);
      const s = regOffset(layout, f.sDim, r);
      const top = layout.dims[kDim].slice(bits.c).reduce((m, b, i) => (isReg(b) ? m | (1 << i) : m), 0);
      if (((k >> bits.c) & top) !== (f.n & top)) return;
      const inner = (f.along ? (s % f.width) * f.pitch + (k % f.chunk) : (k % f.chunk) * f.pitch + (s % f.width)) + f.room.at;
      const high = Math.floor(s / f.width);
      const strip = laneStrip ? d.shift(laneStrip, high) : d.b.i32(high);
      put(strip, d.shift(base, inner));
    };
    const masked = (xs: Value[]): Value[] => (mask ? [...xs, mask] : xs);
    const put = (regs: Regs): void => {
      for (let r = 0; r < regCount(layout); r++)
        each(r, (strip, at) => void d.b.effect('strip_store', masked([strip, at, d.b.at(regs, r)]), { ...attrs, half: true }));
    };
    if (f.raw && f.scale) {
      const type = `tile<4x${dtypeOf(x.type).name}>`;
      const codes = this.zeroed(this.words.get(x)!).flatMap((w) =>
        [0, 1, 2, 3].map((i) => d.b.pure('decode_word', [d.b.pure('extract', [w], { i })], { type })),
      );
      const wide = d.b.elementwise('cast', [{ width: 4, vals: codes }], { to: 'f32' }, DTYPES.f32);
      put(d.b.elementwise('mul', [wide, d.b.splat(d.scalar(f.scale), regCount(layout))], {}, DTYPES.f32));
      return;
    }
    if (f.raw) {
      for (const [i, w] of this.zeroed(this.words.get(x)!).entries())
        each(
          i * 8,
          (strip, at) => void d.b.effect('strip_store_words', masked([strip, at, w]), { ...attrs, turn: this.plan.productsOnly }),
        );
      return;
    }
    // Storing rounds: what is cast to f16 only for this is taken before the cast.
    const def = this.defs.get(x);
    const wide = def?.name === 'cast' && dtypeOf(def.operands[0].type) === DTYPES.f32 ? def.operands[0] : x;
    put(d.get(wide, layout));
  }

  // ---- rooms -----------------------------------------------------------------------------------------------------------
  private roomOf(v: Value, owner: Value | undefined, strips: number, size: number): Room {
    if (owner) {
      const known = this.places.get(owner) ?? this.room(strips, size);
      this.places.set(owner, known);
      return known;
    }
    // Before a loop whose left operand is in registers by then, the pool's first places will do for the right one.
    const users = this.plan.dots.filter((op) => op.operands.includes(v));
    const alone = users.length === 1 && users[0].operands[1] === v && this.plan.invariant(users[0].operands[0]);
    if (alone && strips === 1 && this.d.b.outOfLoops) return this.passage(1, size);
    if (!this.plan.sharesRoom || users.length !== 1 || users[0].operands[1] !== v) return this.room(strips, size);
    if (!this.shared || this.shared.size < size) this.shared = this.room(strips, size);
    return this.shared;
  }
  private room(strips: number, size: number): Room {
    if (strips === 1) {
      const at = this.pooled;
      this.pooled += size;
      this.pool = Math.max(this.pool, this.pooled);
      return { array: POOL, strips: 1, base: FIRST_ADDRESS + at, size, at };
    }
    return this.array(`part${this.made.size}`, 'f16', strips, size);
  }
  /** Room for an operand on its way into registers: what lies there is free again at once. */
  private passage(strips: number, size: number): Room {
    this.pool = Math.max(this.pool, strips * size);
    return { array: POOL, strips: 1, flat: size, base: FIRST_ADDRESS, size: strips * size, at: 0 };
  }
  private array(name: string, elem: 'f16' | 'f32', strips: number, size: number): Room {
    let a = this.made.get(name);
    if (!a) {
      this.made.set(name, (a = { name, elem, size, strips, base: this.addresses }));
      this.addresses += size * strips;
    }
    return { array: name, strips, base: a.base, size: a.size * a.strips, at: 0 };
  }

  // ---- fragments and layouts -------------------------------------------------------------------------------------------
  /** A value's fragments, in an arrangement; from registers where it has none. */
  private fragments(v: Value, a: Arrangement): readonly Value[] {
    const late = this.waiting.get(v);
    if (late) {
      this.waiting.delete(v);
      this.dot(late);
    }
    const known = this.frags.get(v);
    if (known) return known;
    const { M, N } = this.plan.config;
    if (isZero(v, this.defs)) return this.zeros((a.m / M) * (a.n / N));
    const layout = this.d.layoutOf(v);
    const regs = this.d.get(v, layout);
    const out: Value[] = [];
    this.slices(a, layout, (s) => {
      const phase = this.d.smem.phase();
      const mask = this.d.bothOf(this.d.representative(layout), s.mask);
      for (const r of s.regs) {
        const [strip, at] = s.place(r);
        this.d.b.effect('strip_store', mask ? [strip, at, this.d.b.at(regs, r), mask] : [strip, at, this.d.b.at(regs, r)], {
          ...place(s.room),
          phase,
        });
      }
      for (let j = 0; j < s.width / N; j++)
        out[s.i * (a.n / N) + s.j * (s.width / N) + j] = this.d.b.effect('matrix_load', [this.whole(a)], {
          ...place(s.room),
          kind: 'result',
          at: j * N,
          stride: s.pitch,
          col: false,
          type: `tile<${M}x${N}xf32>`,
        });
    });
    return out;
  }
  /** The registers of a held value in a layout. */
  toLayout(v: Value, layout: Layout): Regs {
    const { d } = this;
    const { N } = this.plan.config;
    const a = this.plan.arrangement(v);
    const frags = this.fragments(v, a);
    const out: Value[] = [];
    this.slices(a, layout, (s) => {
      const phase = d.smem.phase();
      for (let j = 0; j < s.width / N; j++) {
        const m = frags[s.i * (a.n / N) + s.j * (s.width / N) + j];
        d.b.effect('matrix_store', [this.whole(a), m], { ...place(s.room), phase, at: j * N, stride: s.pitch });
      }
      for (const r of s.regs) {
        const [strip, at] = s.place(r);
        const x = d.b.effect('strip_load', [strip, at], place(s.room));
        x.name = v.name;
        out[r] = s.mask && out[r] ? d.b.pure('pick', [s.mask, x, out[r]]) : x;
      }
    });
    return d.b.pack(out);
  }
  private whole(a: Arrangement): Value {
    return this.d.b.pure('subgroup_part', [], { div: 1, mod: a.rows * a.cols });
  }
  /** Visits the slices in which a result tile moves: one row of matrices, `width` columns, of every subgroup at a time. */
  private slices(a: Arrangement, layout: Layout, visit: (s: Slice) => void): void {
    const { d } = this;
    const { M } = this.plan.config;
    const width = Math.min(this.plan.slice, a.n);
    const pitch = width + PAD32;
    const room = this.array('results', 'f32', a.rows * a.cols, M * (Math.min(this.plan.slice, 1024) + PAD32));
    const b = {
      frag: log2(M),
      m: log2(a.m),
      rows: layout.dims[0].length,
      w: log2(width),
      n: log2(a.n),
      cols: layout.dims[1].length,
    };
    const row = laneBits(d, layout, 0, 0, b.frag);
    const column = laneBits(d, layout, 1, 0, b.w);
    let base = row ? d.b.scalarOp('mul', [row, d.b.i32(pitch)]) : d.b.i32(0);
    if (column) base = d.b.scalarOp('add', [base, column]);
    const stripRow = laneBits(d, layout, 0, b.m, b.rows);
    const stripCol = laneBits(d, layout, 1, b.n, b.cols);
    let strip = stripRow ? d.b.scalarOp('mul', [stripRow, d.b.i32(a.cols)]) : d.b.i32(0);
    if (stripCol) strip = d.b.scalarOp('add', [strip, stripCol]);
    const laneI = laneBits(d, layout, 0, b.frag, b.m);
    const laneJ = laneBits(d, layout, 1, b.w, b.n);
    const regMask = (dim: number, from: number, to: number): number =>
      layout.dims[dim].slice(from, to).reduce((m, bit, i) => (isReg(bit) ? m | (1 << i) : m), 0);
    const [regI, regJ] = [regMask(0, b.frag, b.m), regMask(1, b.w, b.n)];
    const place = (r: number): readonly [Value, Value] => {
      const [y, x] = [regOffset(layout, 0, r), regOffset(layout, 1, r)];
      return [d.shift(strip, (y >> b.m) * a.cols + (x >> b.n)), d.shift(base, (y % M) * pitch + (x % width))];
    };
    for (let i = 0; i < a.m / M; i++)
      for (let j = 0; j < a.n / width; j++) {
        const regs = Array.from({ length: regCount(layout) }, (_, r) => r).filter((r) => {
          const [y, x] = [regOffset(layout, 0, r) >> b.frag, regOffset(layout, 1, r) >> b.w];
          return (y & regI) === (i & regI) && (x & regJ) === (j & regJ);
        });
        const mine = (v: Value | undefined, n: number, regs: number, bits: number): Value | undefined =>
          v && d.b.scalarOp('eq', [v, d.b.i32(n & ~regs & ((1 << bits) - 1))]);
        const mask = d.bothOf(mine(laneI, i, regI, b.m - b.frag), mine(laneJ, j, regJ, b.n - b.w));
        visit({ i, j, width, pitch, room, regs, mask, place });
      }
  }
}

const POOL = 'operands';
interface Filling {
  readonly sDim: number;
  readonly along: boolean;
  readonly width: number;
  readonly pitch: number;
  readonly room: Room;
  readonly raw: boolean;
  readonly chunk: number;
  readonly n: number;
  /** Factor of a raw tile of fp8 codes. */
  readonly scale: Value | undefined;
}
interface Slice {
  readonly i: number;
  readonly j: number;
  readonly width: number;
  readonly pitch: number;
  readonly room: Room;
  readonly regs: readonly number[];
  readonly mask: Value | undefined;
  readonly place: (r: number) => readonly [strip: Value, at: Value];
}
const place = (r: Room): Attrs => ({
  array: r.array,
  strips: r.strips,
  ...(r.flat ? { flat: r.flat } : {}),
  base: r.base,
  size: r.size,
});

/** The invocation's part of bits [from, to) of the index along `dim`, shifted down; undefined if it has none. */
const laneBits = (d: Distributor, l: Layout, dim: number, from: number, to: number): Value | undefined =>
  d.gather(
    laneParts(l, dim)
      .filter(([, i]) => i >= from && i < to)
      .map(([t, i]) => [t, i - from] as const),
  );
const transposed = (v: Value, defs: ReadonlyMap<Value, Op>): boolean => {
  const op = defs.get(v);
  return op?.name === 'trans' ? !transposed(op.operands[0], defs) : false;
};
const isZero = (v: Value, defs: ReadonlyMap<Value, Op>): boolean => {
  const op = defs.get(v);
  if (op?.name === 'broadcast_to') return isZero(op.operands[0], defs);
  return op?.name === 'constant' && Object.is(Number(op.attrs.value), 0);
};
