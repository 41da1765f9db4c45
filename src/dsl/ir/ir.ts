// The IR that every stage shares: SSA values, operations with regions, a location on each. Plain readonly data: a pass
// returns a new Func. At level 'tile' values are scalars and tiles; at level 'lane' they are scalars and vectors of 2 or 4
// (a Type of shape [2] or [4]) held by one invocation. What an operation means stands in its row (`../ops`), not here.

import type { Loc } from '../diagnostics.ts';
import type { Type } from '../types.ts';

/** An attribute: compile-time data of an operation. */
export type Attr = number | bigint | boolean | string | readonly number[] | readonly string[];
export type Attrs = { readonly [name: string]: Attr };

/** An SSA value. Identity is the object. `name` is the source's name for it, where it has one. */
export class Value {
  readonly type: Type;
  /** Set once, by the tracer, when a declaration or assignment names the value. */
  name: string | undefined;
  constructor(type: Type, name?: string) {
    this.type = type;
    this.name = name;
  }
}

/** A region: arguments, operations, the last of which is a terminator (`yield`, `condition`) if the parent wants one. */
export interface Block {
  readonly args: readonly Value[];
  readonly ops: readonly Op[];
}

export interface Op {
  /** Key of the row in OPS (tile level) or LANE_OPS (lane level). */
  readonly name: string;
  readonly operands: readonly Value[];
  readonly attrs: Attrs;
  readonly results: readonly Value[];
  readonly regions: readonly Block[];
  readonly loc: Loc;
}

/** A parameter of a kernel that is left after specialisation (constexpr and null parameters are gone). */
export interface Param {
  readonly name: string;
  readonly value: Value;
  /** Integer arguments and pointer offsets (in elements): known to be divisible by this. 1 when nothing is known. */
  readonly divisibleBy: number;
  /** Pointers with the same number share a buffer; distinct numbers never overlap. */
  readonly buffer?: number;
  /** Place of the parameter's declaration. */
  readonly loc: Loc;
}

export interface Func {
  readonly name: string;
  readonly level: 'tile' | 'lane';
  readonly params: readonly Param[];
  readonly body: Block;
  readonly loc: Loc;
  /** Constexpr arguments of this specialisation, for headers of printed IR and WGSL. */
  readonly constants: { readonly [name: string]: string };
  /** Facts that passes add and later stages read (workgroup size, workgroup memory, …); printed with the function. */
  readonly attrs: Attrs;
}

/** Calls `visit` on every op of the block, outer before inner, in program order. */
export function walk(block: Block, visit: (op: Op, block: Block) => void): void {
  for (const op of block.ops) {
    visit(op, block);
    for (const r of op.regions) walk(r, visit);
  }
}

/** The op whose result `v` is, for every value of a function; block arguments and parameters are absent. */
export function definitions(func: Func): Map<Value, Op> {
  const defs = new Map<Value, Op>();
  walk(func.body, (op) => {
    for (const r of op.results) defs.set(r, op);
  });
  return defs;
}

/** How often each value is used as an operand. */
export function useCounts(func: Func): Map<Value, number> {
  const uses = new Map<Value, number>();
  walk(func.body, (op) => {
    for (const o of op.operands) uses.set(o, (uses.get(o) ?? 0) + 1);
  });
  return uses;
}
