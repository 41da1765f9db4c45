// What a pass is: a named function from function to function. A pass's name is its file's name in passes/, its flag on the
// command line and the suffix of its dump. This file refuses to know which passes exist and in which order they run.

import type { Loc } from '../dsl/diagnostics.ts';
import type { RowLookup } from '../dsl/ir/build.ts';
import type { Func } from '../dsl/ir/ir.ts';
import { rowOf } from '../dsl/ops/index.ts';
import { LANE_OPS } from '../dsl/ops/lane.ts';
import type { Row } from '../dsl/ops/row.ts';

/** What a pass may ask for and must tell. */
export interface PassContext {
  /** Rows of the function's level. */
  readonly rows: RowLookup;
  /** Reports that a rewrite rule was applied to the op at `loc`. */
  fired(rule: string, loc: Loc): void;
}

export interface Pass {
  readonly name: string;
  /** One sentence: what the function looks like afterwards. */
  readonly doc: string;
  readonly run: (func: Func, cx: PassContext) => Func;
  /** Why a pass that stands in the list more than once runs here again. */
  readonly again?: string;
}

/** Declares a pass. */
export const pass = (p: Pass): Pass => p;
/** The same pass at another place of the list, with the reason for it. */
export const again = (p: Pass, why: string): Pass => ({ ...p, again: why });

const laneRow: RowLookup = (name) => (LANE_OPS as { readonly [name: string]: Row })[name] ?? rowOf(name);
/** Rows that a function may use: the op table, at lane level together with the lane table. */
export const rowsOf = (func: Pick<Func, 'level'>): RowLookup => (func.level === 'lane' ? laneRow : rowOf);
