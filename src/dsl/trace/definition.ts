// What the front end hands to the tracer: one rewritten kernel or device function. Plain data plus one function.

import type { DTypeName } from '../types.ts';

/** line, column, end line, end column; lines and columns count from 1, the end column is one past the last character. */
export type Span = readonly [line: number, col: number, endLine: number, endCol: number];

/** What the type annotation of a parameter says. Device functions have untyped parameters: `kind` is 'any'. */
export interface ParamInfo {
  readonly name: string;
  readonly kind: 'ptr' | 'scalar' | 'constexpr' | 'tuple' | 'any';
  /** Pointee, scalar dtype, or the dtype of a numeric constexpr where one is given; absent means any. */
  readonly dtype?: DTypeName;
  /** Parts of a tuple or object, each under the whole's name and its place: `args[0]`, `args.scale`. */
  readonly parts?: readonly ParamInfo[];
  /** Names of the parts of an object; absent for a tuple. */
  readonly keys?: readonly string[];
  /** What every part of a list is, which has as many as the launch gives: `readonly tl.ptr[]`. */
  readonly each?: ParamInfo;
  /** The type includes `null`. */
  readonly optional: boolean;
  /** The destructuring pattern has a default. */
  readonly hasDefault: boolean;
  readonly loc: Span;
}

/** The definition of a kernel (made by `kernel`); null for anything else. */
export const kernelDefinition = (x: unknown): Definition | null =>
  typeof x === 'function' && 'launch' in x && 'definition' in x ? (x.definition as Definition) : null;

/** A kernel or device function after the front end. `body` calls the tracer (`$`) for everything that is not plain JS. */
export interface Definition {
  readonly kind: 'kernel' | 'fn';
  readonly name: string;
  readonly file: string;
  readonly firstLine: number;
  /** Source lines from `firstLine` on, for code frames. */
  readonly text: string;
  readonly loc: Span;
  /** Spans that the body names by index. */
  readonly locs: readonly Span[];
  readonly params: readonly ParamInfo[];
  readonly body: (tracer: any, ...args: any[]) => unknown;
}
