// Builds lane-level IR: scoped blocks with value numbering, so that equal pure work is emitted once, at the outermost loop
// level where its operands exist. Also tiles of registers: grouping into vec2/vec4, element access, elementwise ops that stay
// scalar while all their operands are splats. It knows rows and traits; it refuses to know layouts and tile-level ops.

import { type Loc, NO_LOC } from '../../dsl/diagnostics.ts';
import { inferTypes, type RowLookup } from '../../dsl/ir/build.ts';
import { type Attrs, type Block, type Op, Value } from '../../dsl/ir/ir.ts';
import { round } from '../../dsl/numerics.ts';
import { rowOf } from '../../dsl/ops/index.ts';
import { LANE_OPS } from '../../dsl/ops/lane.ts';
import type { Num, Row } from '../../dsl/ops/row.ts';
import { DTYPES, type DType, dtypeOf, scalar } from '../../dsl/types.ts';

/** Rows at lane level: the lane table, and elementwise and control rows of the tile table. */
export const laneRow: RowLookup = (name) => (LANE_OPS as { [n: string]: Row })[name] ?? rowOf(name);

/** Registers of one invocation: register r is component `r % width` of `vals[floor(r / width)]`. */
export interface Regs {
  readonly width: 1 | 2 | 4;
  readonly vals: readonly Value[];
}
export const countOf = (r: Regs): number => r.vals.length * r.width;
/** Vector width for `n` registers of a dtype: 64-bit integers are vectors already, so they stay scalar. */
export const widthFor = (d: DType, n: number): 1 | 2 | 4 => (d.bits === 64 ? 1 : n >= 4 ? 4 : (n as 1 | 2));

interface Scope {
  readonly kind: 'func' | 'loop' | 'branch';
  readonly ops: Op[];
  readonly memo: Map<string, Value>;
  /** For clients: anything that is valid as long as this scope is open. */
  readonly cache: Map<string, unknown>;
}
const newScope = (kind: Scope['kind']): Scope => ({ kind, ops: [], memo: new Map(), cache: new Map() });

/** True if the result may be none of its dtype's values: a float that is not rounded yet, an integer past its width. */
function needsRound(name: string, d: DType): boolean {
  if (d.bits >= 32 || d.is_bool()) return false;
  const { traits } = laneRow(name)!;
  return d.is_floating() ? !traits.includes('exact') : traits.includes('wraps');
}

export class LaneBuilder {
  loc: Loc = NO_LOC;
  private readonly scopes: Scope[] = [newScope('func')];
  private readonly depth = new Map<Value, number>();
  private readonly defs = new Map<Value, Op>();
  private readonly ids = new Map<Value, number>();

  // ---- scopes -------------------------------------------------------------------------------------------------------
  get depthNow(): number {
    return this.scopes.length - 1;
  }
  /** Opens a region; `args` are its block arguments. */
  open(kind: 'loop' | 'branch', args: readonly Value[]): void {
    this.scopes.push(newScope(kind));
    for (const a of args) this.depth.set(a, this.depthNow);
  }
  /** Closes the innermost region. */
  close(args: readonly Value[]): Block {
    return { args, ops: this.scopes.pop()!.ops };
  }
  /** The outermost depth from which only loops, no branches, lead to where we are. */
  get loopsFrom(): number {
    let d = this.depthNow;
    while (d > 0 && this.scopes[d].kind === 'loop') d--;
    return d;
  }
  /** No loop is open, whatever branches are. */
  get outOfLoops(): boolean {
    return this.scopes.every((s) => s.kind !== 'loop');
  }
  /** Emits what `emit` makes at an outer depth: before the loop that is open there. */
  outside<T>(depth: number, emit: () => T): T {
    const inner = this.scopes.splice(depth + 1);
    const out = emit();
    this.scopes.push(...inner);
    return out;
  }
  finish(): Block {
    if (this.scopes.length !== 1) throw new Error('internal: a lane region is still open');
    return { args: [], ops: this.scopes[0].ops };
  }
  /** A parameter-like value, there everywhere. */
  declare(v: Value): Value {
    this.depth.set(v, 0);
    return v;
  }
  cached<T>(key: string): T | undefined {
    for (let i = this.depthNow; i >= 0; i--) if (this.scopes[i].cache.has(key)) return this.scopes[i].cache.get(key) as T;
    return undefined;
  }
  remember<T>(key: string, x: T, depth = this.depthNow): T {
    this.scopes[depth].cache.set(key, x);
    return x;
  }
  /** Outermost depth at which all the values exist. */
  depthOf(values: readonly Value[]): number {
    return values.reduce((d, v) => Math.max(d, this.depth.get(v) ?? 0), 0);
  }
  def(v: Value): Op | undefined {
    return this.defs.get(v);
  }
  id(v: Value): number {
    let n = this.ids.get(v);
    if (n === undefined) this.ids.set(v, (n = this.ids.size));
    return n;
  }

  // ---- ops ----------------------------------------------------------------------------------------------------------
  private append(op: Op, depth: number): void {
    this.scopes[depth].ops.push(op);
    for (const r of op.results) {
      this.depth.set(r, depth);
      this.defs.set(r, op);
    }
  }
  private make(name: string, operands: readonly Value[], attrs: Attrs): Op {
    const types = inferTypes(name, operands, attrs, this.loc, laneRow);
    return { name, operands, attrs, results: types.map((t) => new Value(t)), regions: [], loc: this.loc };
  }
  /** A pure op: found again if it exists, folded if constant, hoisted out of loops (never out of branches). */
  pure(name: string, operands: readonly Value[], attrs: Attrs = {}): Value {
    const simple = this.simplify(name, operands, attrs);
    if (simple) return simple;
    const key = `${name}(${operands.map((o) => this.id(o)).join()})${JSON.stringify(attrs, (_k, v) => (typeof v === 'bigint' ? `${v}n` : Object.is(v, -0) ? '-0' : typeof v === 'number' && !Number.isFinite(v) ? String(v) : v))}`;
    const need = this.depthOf(operands);
    for (let i = need; i <= this.depthNow; i++) {
      const found = this.scopes[i].memo.get(key);
      if (found) return found;
    }
    let at = this.depthNow;
    while (at > need && this.scopes[at].kind === 'loop') at--;
    const op = this.make(name, operands, attrs);
    this.append(op, at);
    this.scopes[at].memo.set(key, op.results[0]);
    return op.results[0];
  }
  /** An op that stays where it is. */
  effect(name: string, operands: readonly Value[], attrs: Attrs = {}): Value {
    const op = this.make(name, operands, attrs);
    this.append(op, this.depthNow);
    return op.results[0];
  }
  /** An op with regions, made by the caller. */
  region(op: Op): void {
    this.append(op, this.depthNow);
  }

  constant(value: Num | boolean, d: DType): Value {
    return this.pure('constant', [], { value: d.is_bool() ? Boolean(value) : value, dtype: d.name });
  }
  i32(n: number): Value {
    return this.constant(n, DTYPES.i32);
  }
  /** The value of a constant (or a splat of one). */
  constOf(v: Value): Num | undefined {
    const op = this.defs.get(v);
    if (op?.name === 'splat') return this.constOf(op.operands[0]);
    if (op?.name !== 'constant') return undefined;
    const x = op.attrs.value as Num | boolean;
    return typeof x === 'boolean' ? Number(x) : x;
  }

  private simplify(name: string, operands: readonly Value[], attrs: Attrs): Value | undefined {
    const defOf = (i: number) => this.defs.get(operands[i]);
    if (name === 'extract') {
      const d = defOf(0);
      if (d?.name === 'construct') return d.operands[Number(attrs.i)];
      if (d?.name === 'splat') return d.operands[0];
      return undefined;
    }
    if (name === 'construct') {
      if (operands.every((o) => o === operands[0])) return this.pure('splat', [operands[0]], { n: operands.length });
      const first = defOf(0);
      if (first?.name === 'extract' && first.operands[0].type.shape[0] === operands.length) {
        const whole = first.operands[0];
        const inOrder = operands.every((o, i) => {
          const d = this.defs.get(o);
          return d?.name === 'extract' && d.operands[0] === whole && d.attrs.i === i;
        });
        if (inOrder) return whole;
      }
      return undefined;
    }
    if (name === 'add' || name === 'or' || name === 'mul' || name === 'and') return this.identity(name, operands);
    return undefined;
  }
  /** x + 0, x * 1 for integers; x | false, x & true for masks. */
  private identity(name: string, [a, b]: readonly Value[]): Value | undefined {
    const d = dtypeOf(a.type);
    if (d.is_floating() || d.bits === 64) return undefined;
    const neutral = name === 'mul' ? 1 : name === 'and' ? (d.is_bool() ? 1 : undefined) : 0;
    if (neutral === undefined) return undefined;
    if (this.constOf(b) === neutral) return a;
    if (this.constOf(a) === neutral) return b;
    return undefined;
  }

  // ---- registers ----------------------------------------------------------------------------------------------------
  /** Register r as a scalar. */
  at(regs: Regs, r: number): Value {
    const v = regs.vals[Math.floor(r / regs.width)];
    return regs.width === 1 ? v : this.pure('extract', [v], { i: r % regs.width });
  }
  /** Scalars grouped for their dtype. */
  pack(scalars: readonly Value[]): Regs {
    const width = widthFor(dtypeOf(scalars[0].type), scalars.length);
    return this.regroup(scalars, width);
  }
  private regroup(scalars: readonly Value[], width: 1 | 2 | 4): Regs {
    if (width === 1) return { width, vals: scalars };
    const vals: Value[] = [];
    for (let i = 0; i < scalars.length; i += width) vals.push(this.pure('construct', scalars.slice(i, i + width)));
    return { width, vals };
  }
  scalars(regs: Regs): Value[] {
    return Array.from({ length: countOf(regs) }, (_, r) => this.at(regs, r));
  }
  /** n registers that all hold x. */
  splat(x: Value, n: number): Regs {
    const width = widthFor(dtypeOf(x.type), n);
    const v = width === 1 ? x : this.pure('splat', [x], { n: width });
    return { width, vals: Array.from({ length: n / width }, () => v) };
  }
  private rewidth(regs: Regs, width: 1 | 2 | 4): Regs {
    return regs.width === width ? regs : this.regroup(this.scalars(regs), width);
  }
  private splatOf(v: Value): Value | undefined {
    const d = this.defs.get(v);
    return v.type.shape.length === 0 ? v : d?.name === 'splat' ? d.operands[0] : undefined;
  }

  /** An elementwise row on registers of equal count. `to` is the result's dtype. */
  elementwise(name: string, operands: readonly Regs[], attrs: Attrs, to: DType, hint?: string): Regs {
    const n = countOf(operands[0]);
    const wide = to.bits === 64 || operands.some((o) => dtypeOf(o.vals[0].type).bits === 64);
    const width = wide ? 1 : widthFor(to, n);
    const ops = operands.map((o) => this.rewidth(o, width));
    const vals = Array.from({ length: n / width }, (_, g) =>
      this.element(
        name,
        ops.map((o) => o.vals[g]),
        attrs,
        width,
        hint,
      ),
    );
    const out: Regs = { width, vals };
    return this.rewidth(out, widthFor(to, n));
  }
  /** One scalar or vector op; scalar if all operands are splats. */
  private element(name: string, operands: Value[], attrs: Attrs, width: 1 | 2 | 4, hint?: string): Value {
    if (width > 1) {
      const thin = operands.map((o) => this.splatOf(o));
      if (thin.every((t) => t !== undefined))
        return this.pure('splat', [this.scalarOp(name, thin as Value[], attrs, hint)], { n: width });
    }
    return this.scalarOp(name, operands, attrs, hint);
  }
  /** One op on scalars or equal vectors, with constants folded, narrow results rounded or wrapped, and traps of drivers avoided. */
  scalarOp(name: string, given: Value[], attrs: Attrs = {}, hint?: string): Value {
    const folded = this.fold(name, given, attrs);
    if (folded) return folded;
    const operands = this.guard(name, given);
    let v = this.pure(name, operands, attrs);
    if (needsRound(name, v.type.elem as DType)) v = this.pure('round', [v]);
    if (hint && v.name === undefined && !given.includes(v)) v.name = hint;
    return v;
  }
  private fold(name: string, operands: readonly Value[], attrs: Attrs): Value | undefined {
    const row = laneRow(name);
    if (!row?.eval || operands.some((o) => o.type.shape.length)) return undefined;
    const xs = operands.map((o) => this.constOf(o));
    if (xs.some((x) => x === undefined)) return undefined;
    const [type] = inferTypes(name, operands, attrs, this.loc, laneRow);
    const to = dtypeOf(type);
    const value = row.eval(xs as Num[], dtypeOf(operands[0].type), to, attrs);
    return this.constant(round(to, value), to);
  }
  /** A float that an integer or a mask was cast to, signs and choices aside. */
  private counted(v: Value): boolean {
    const op = this.defs.get(v);
    if (op?.name === 'cast') return !dtypeOf(op.operands[0].type).is_floating();
    return (
      !!op &&
      ['construct', 'splat', 'extract', 'pick', 'where', 'neg', 'abs'].includes(op.name) &&
      op.operands.some((o) => this.counted(o))
    );
  }
  /** Hides constants that WGSL refuses or drivers fold against IEEE: x / 0, shifts past the width, 0 * x, x - x, x / x. */
  private guard(name: string, operands: Value[]): Value[] {
    const d = dtypeOf(operands[0].type);
    const hide = (v: Value): Value => this.pure('opaque', [v]);
    if (d.is_floating()) {
      const zero = (o: Value): boolean => this.constOf(o) === 0;
      const [a, b] = operands;
      if (name === 'sub' && a === b) return [a, hide(b)];
      if (name === 'mul' || name === 'fma') return operands.map((o) => (zero(o) ? hide(o) : o));
      // x / x is taken for 1, 0 / x for 0, and x / 0 for nothing at all, wherever the driver finds the 0: among integers it may.
      if (name === 'div') {
        const [top, bottom] = operands.map((o) => (zero(o) || this.counted(o) ? hide(o) : o));
        return [a === b ? hide(a) : top, bottom];
      }
      return operands;
    }
    const c = operands.length > 1 ? this.constOf(operands[1]) : undefined;
    if (c === undefined || d.bits === 64) return operands;
    const bad =
      ((name === 'floordiv' || name === 'mod') && (c === 0 || c === -1)) ||
      ((name === 'shl' || name === 'shr') && (Number(c) >= 32 || Number(c) < 0));
    return bad ? [operands[0], hide(operands[1])] : operands;
  }
}

export { scalar };
