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

export const FAMILIES = {
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
} as const;

export const OPS = {
  ...CREATE,
  ...ARITH,
  ...COMPARE,
  ...CHOICE,
  ...MATH,
  ...PRECISE,
  ...LIBDEVICE,
  ...INLINE,
  ...CAST,
  ...SHAPE,
  ...REARRANGE,
  ...ORDER,
  ...MEMORY,
  ...ATOMIC,
  ...REDUCE,
  ...SCAN,
  ...ELEMENT,
  ...DOT,
  ...CONTROL,
  ...HINTS,
  ...DEBUG,
} as const;
export type OpName = keyof typeof OPS;

/** The row of an op, or undefined for a name that is no tile-level op. */
export const rowOf = (name: string): Row | undefined => (OPS as { [name: string]: Row })[name];
export const hasTrait = (name: string, trait: Trait): boolean => rowOf(name)?.traits.includes(trait) ?? false;

/** The mask of an op that has one, wherever its row puts it. */
export function maskOperand(op: Op): Value | undefined {
  const i = rowOf(op.name)?.args.indexOf('mask?') ?? -1;
  return i < 0 ? undefined : op.operands[i];
}
