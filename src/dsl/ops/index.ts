// The op table: every tile-level operation, by family. Adding an operation is adding a row to a family.

import type { Op, Value } from '../ir/ir.ts';
import { ARITH, CHOICE, COMPARE } from './arith.ts';
import { ATOMIC } from './atomic.ts';
import { CAST } from './cast.ts';
import { CONTROL, DEBUG, HINTS } from './control.ts';
import { CREATE } from './create.ts';
import { DOT } from './dot.ts';
import { ELEMENT } from './element.ts';
import { INLINE } from './inline.ts';
import { LIBDEVICE } from './libdevice.ts';
import { MATH } from './math.ts';
import { MEMORY } from './memory.ts';
import { ORDER } from './order.ts';
import { PRECISE } from './precise.ts';
import { REARRANGE } from './rearrange.ts';
import { REDUCE } from './reduce.ts';
import type { Row, Trait } from './row.ts';
import { SCAN } from './scan.ts';
import { SHAPE } from './shape.ts';

/** The families' types by name, never expanded: so comments of rows reach the package's declarations, and editors. */
export interface Families {
  readonly creation: typeof CREATE;
  readonly arithmetic: typeof ARITH;
  readonly comparison: typeof COMPARE;
  readonly choice: typeof CHOICE;
  readonly math: typeof MATH;
  readonly 'precise arithmetic': typeof PRECISE;
  readonly libdevice: typeof LIBDEVICE;
  readonly 'inline code': typeof INLINE;
  readonly casts: typeof CAST;
  readonly shape: typeof SHAPE;
  readonly rearrangement: typeof REARRANGE;
  readonly order: typeof ORDER;
  readonly memory: typeof MEMORY;
  readonly atomics: typeof ATOMIC;
  readonly reduction: typeof REDUCE;
  readonly scan: typeof SCAN;
  readonly 'functions of elements': typeof ELEMENT;
  readonly product: typeof DOT;
  readonly control: typeof CONTROL;
  readonly hints: typeof HINTS;
  readonly debug: typeof DEBUG;
}
export const FAMILIES: Families = {
  creation: CREATE,
  arithmetic: ARITH,
  comparison: COMPARE,
  choice: CHOICE,
  math: MATH,
  'precise arithmetic': PRECISE,
  libdevice: LIBDEVICE,
  'inline code': INLINE,
  casts: CAST,
  shape: SHAPE,
  rearrangement: REARRANGE,
  order: ORDER,
  memory: MEMORY,
  atomics: ATOMIC,
  reduction: REDUCE,
  scan: SCAN,
  'functions of elements': ELEMENT,
  product: DOT,
  control: CONTROL,
  hints: HINTS,
  debug: DEBUG,
};

type Joined<T> = (T extends unknown ? (table: T) => void : never) extends (all: infer A) => void ? A : never;
/** All rows by name. */
export const OPS: Joined<Families[keyof Families]> = Object.assign({}, ...Object.values(FAMILIES));
export type OpName = keyof typeof OPS;

/** The row of an op, or undefined for a name that is no tile-level op. */
export const rowOf = (name: string): Row | undefined => (OPS as { [name: string]: Row })[name];
export const hasTrait = (name: string, trait: Trait): boolean => rowOf(name)?.traits.includes(trait) ?? false;

/** The mask of an op that has one, wherever its row puts it. */
export function maskOperand(op: Op): Value | undefined {
  const i = rowOf(op.name)?.args.indexOf('mask?') ?? -1;
  return i < 0 ? undefined : op.operands[i];
}
