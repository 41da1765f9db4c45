// What the tables of ops in this folder hold: a maker of the closure that runs one op. A family with makers of its own is a file
// with such a table, joined in execute.ts.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import type { Exec } from './machine.ts';
import type { Store } from './values.ts';

/** Register number of a value. */
export type SlotOf = (v: Value) => number;
export type Maker = (op: Op, slot: SlotOf) => Exec;
export type Makers = { readonly [op: string]: Maker };

/** Result from operand 0. */
export type Unary = (out: Store, x: Store) => void;
export const unary = (op: Op, slot: SlotOf, f: Unary): Exec => {
  const [o, x] = [slot(op.results[0]), slot(op.operands[0])];
  return ({ regs }) => void f(regs[o], regs[x]);
};
