// What steps are replayed with: the values made so far, how to pick among them, and operators of the tracer under the number of
// the current step. One Scene is one trace of one program.

import { CompileError } from '../../src/dsl/diagnostics.ts';
import type { Value } from '../../src/dsl/ir/ir.ts';
import type { Frame } from '../../src/dsl/trace/tracer.ts';
import { DTYPES, type DType, type DTypeName, dtypeOf, isPtr } from '../../src/dsl/types.ts';
import type { Pick, Program } from './program.ts';
import { FUNCTIONS } from './table.ts';

/** A value that later steps may use, or a variable that statements may assign. */
export interface Cell {
  v: Value;
  /** Every back end must compute the same number; false for floats behind an op with a tolerance. */
  exact: boolean;
  used: boolean;
  /** A counter that stays from 0 to SLOTS - 1. */
  small?: boolean;
}
/** A part of an output buffer that one store owns: `size` elements of each program, `slots` times, from `base` on. */
export interface Site {
  readonly dtype: DTypeName;
  readonly base: number;
  readonly size: number;
  readonly place: 'block' | 'interleaved' | 'strided';
  /** 1, or SLOTS. */
  readonly slots: number;
}

export const shapeOf = (c: Cell): readonly number[] => c.v.type.shape;
export const dtype = (c: Cell): DType => dtypeOf(c.v.type);
export const isFloat = (c: Cell): boolean => dtype(c).is_floating();
export const isInt = (c: Cell): boolean => !isFloat(c) && !dtype(c).is_bool();
export const isScalar = (c: Cell): boolean => shapeOf(c).length === 0;
/** Whether a value of shape `s` broadcasts to `to` without making it larger. */
export const fits = (s: readonly number[], to: readonly number[]): boolean =>
  s.length <= to.length && s.every((n, i) => n === 1 || n === to[to.length - s.length + i]);

/** Steps that say what the tracer refuses leave no trace but this. */
export class Skip extends Error {}
export const skip = (why: string): never => {
  throw new Skip(why);
};

export class Scene {
  readonly program: Program;
  readonly $: Frame;
  readonly args: { readonly [name: string]: unknown };
  readonly cells: Cell[] = [];
  readonly sites: Site[] = [];
  /** Elements of each output that stores own. */
  readonly sizes = new Map<DTypeName, number>();
  readonly used = new Set<string>();
  /** Why steps had no effect. */
  readonly skipped: string[] = [];
  /** Variables that `set` may assign, and the first cell of the innermost statement. */
  variables: Cell[] = [];
  first = 0;
  line = 0;
  constructor(program: Program, $: Frame, args: { readonly [name: string]: unknown }) {
    this.program = program;
    this.$ = $;
    this.args = args;
  }

  /** Runs a step; what the language refuses is noted and leaves the cells as they were. */
  attempt(what: string, body: () => void): void {
    const before = this.cells.length;
    try {
      body();
    } catch (e) {
      this.cells.length = before;
      if (e instanceof Skip) this.skipped.push(`${what}: ${e.message}`);
      else if (e instanceof CompileError && e.diagnostics.every((d) => d.code.startsWith('TL1')))
        this.skipped.push(`${what}: ${e.diagnostics[0].code} ${e.diagnostics[0].text}`);
      else throw e;
    }
  }

  pick(k: Pick, accepts: (c: Cell) => boolean): Cell {
    const list = this.cells.filter((c) => !isPtr(c.v.type) && accepts(c));
    const c = list.length ? list[list.length - 1 - (k % list.length)] : skip('no value fits');
    c.used = true;
    return c;
  }
  push(v: unknown, exact = true): void {
    if (Array.isArray(v)) for (const x of v) this.push(x, exact);
    else this.cells.push({ v: v as Value, exact: exact || !dtypeOf((v as Value).type).is_floating(), used: false });
  }

  // ---- the language
  bin(op: string, a: unknown, b: unknown): Value {
    return this.$.bin(this.line, op, a, b) as Value;
  }
  un(op: string, a: unknown): Value {
    return this.$.un(this.line, op, a) as Value;
  }
  call(name: string, ...args: unknown[]): Value {
    return this.$.method(this.line, FUNCTIONS, name, args) as Value;
  }
  cast(v: Value, to: DTypeName | DType): Value {
    return this.call('cast', v, typeof to === 'string' ? DTYPES[to] : to);
  }
  /** A pointer argument; the plan keeps those that were asked for. */
  pointer(kind: 'in' | 'alt' | 'out' | 'back', d: DTypeName): Value {
    const name = `${kind}_${d}`;
    this.used.add(name);
    return this.args[name] as Value;
  }
}
