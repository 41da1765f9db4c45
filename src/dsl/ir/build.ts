// Makes ops and regions: the only place where an Op comes into being from its row. Operand counts and types are checked here,
// so that an invalid op cannot be built; the error carries the location.

import { fail, type Loc, type Message } from '../diagnostics.ts';
import { TL } from '../messages.ts';
import { rowOf as tileRow } from '../ops/index.ts';
import type { Row } from '../ops/row.ts';
import type { Type } from '../types.ts';
import { type Attrs, type Block, type Op, Value } from './ir.ts';

/** Finds a row by op name: OPS at tile level; the lane level passes its own lookup. */
export type RowLookup = (name: string) => Row | undefined;

const required = (row: Row): number => row.args.filter((a) => !a.endsWith('?') && !a.startsWith('...')).length;
const most = (row: Row): number => (row.args.some((a) => a.startsWith('...')) ? Number.POSITIVE_INFINITY : row.args.length);

/** Result types of an op by its row; throws a CompileError at `loc` where operands do not fit. */
export function inferTypes(
  name: string,
  operands: readonly Value[],
  attrs: Attrs,
  loc: Loc,
  rows: RowLookup = tileRow,
): readonly Type[] {
  const row = rows(name);
  if (!row) return fail(loc, TL.irInvalid, `there is no op '${name}'`);
  if (operands.length < required(row) || operands.length > most(row)) {
    fail(loc, TL.irInvalid, `${name} takes ${row.args.join(', ') || 'no operands'}, but got ${operands.length}`);
  }
  return row.type(
    operands.map((o) => o.type),
    attrs,
    <A extends unknown[]>(m: Message<A>, ...args: A): never => fail(loc, m, ...args),
  );
}

/** An op without regions. */
export function makeOp(name: string, operands: readonly Value[], attrs: Attrs, loc: Loc, rows: RowLookup = tileRow): Op {
  const types = inferTypes(name, operands, attrs, loc, rows);
  return { name, operands, attrs, results: types.map((t) => new Value(t)), regions: [], loc };
}

/** An op with regions and given results (`for`, `while`, `if`). */
export function makeRegionOp(
  name: string,
  operands: readonly Value[],
  regions: readonly Block[],
  results: readonly Value[],
  loc: Loc,
  attrs: Attrs = {},
): Op {
  return { name, operands, attrs, results, regions, loc };
}
