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
  /** Takes all values that are left. */
  readonly rest?: boolean;
  /** The type includes `null`. */
  readonly optional: boolean;
  /** The destructuring pattern has a default. */
  readonly hasDefault: boolean;
  readonly loc: Span;
}

/** The definition of a kernel (made by `kernel`); null for anything else. */
export const kernelDefinition = (x: unknown): Definition | null =>
  typeof x === 'function' && 'launch' in x && 'definition' in x ? (x.definition as Definition) : null;

/** Marks functions made by `tl.fn`. */
export const DEVICE_FN: unique symbol = Symbol('tessera.fn');
/** The definition of a device function (made by `tl.fn`); null before the front end has seen it, undefined for anything else. */
export const fnDefinition = (x: unknown): Definition | null | undefined =>
  typeof x === 'function' ? (x as { [DEVICE_FN]?: Definition | null })[DEVICE_FN] : undefined;

/** Parameters that a call of a device function must give. */
export const needed = ({ params }: Definition): readonly ParamInfo[] =>
  params.filter((p) => !p.hasDefault && !p.optional && !p.rest);

/** How many values a definition must and may be called with. */
export const parameterCounts = (def: Definition): readonly [least: number, most: number] => [
  needed(def).length,
  def.params.at(-1)?.rest ? Infinity : def.params.length,
];

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
