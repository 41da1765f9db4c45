// Values of a Python file's own code, as far as the translation computes them: the configs of an autotuned kernel and what
// makes them.

import type { Expr, FunctionDef, Param } from '../ast.ts';

export type Value = number | boolean | string | null | Value[] | Dict | ConfigValue | Reference | Func | Machine;
export type Dict = Map<Value, Value>;

/** `triton.Config`: what it says, by Triton's names. */
export class ConfigValue {
  readonly kwargs: Dict;
  readonly options: Map<string, Value>;
  /** The call that made it. */
  readonly at: Expr;
  constructor(kwargs: Dict, options: Map<string, Value>, at: Expr) {
    this.kwargs = kwargs;
    this.options = options;
    this.at = at;
  }
}
/** Something of Triton's or of another module: `tl.float16`, `math.ceil`. */
export class Reference {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}
/** A function or lambda of the file with the names that it sees, or one of Python's own. */
export class Func {
  readonly name: string;
  readonly params: readonly Param[];
  readonly body: FunctionDef | Expr;
  readonly scope: Scope;
  constructor(name: string, params: readonly Param[], body: FunctionDef | Expr, scope: Scope) {
    this.name = name;
    this.params = params;
    this.body = body;
    this.scope = scope;
  }
}
/** What `get_current_target()` gives. Files that choose by it are read as on CUDA, which most configs are written for. */
export class Machine {
  readonly backend = 'cuda';
}

/** Raised at what is known only when the Python file runs. */
export class Unknown extends Error {
  readonly at: { readonly from: number; readonly to: number };
  readonly what: string;
  constructor(at: { readonly from: number; readonly to: number }, what: string) {
    super(what);
    this.at = at;
    this.what = what;
  }
}

/** Names and their values; an `Unknown` is one whose value could not be computed. */
export class Scope {
  private readonly vars = new Map<string, Value | Unknown>();
  private readonly parent: Scope | null;
  constructor(parent: Scope | null) {
    this.parent = parent;
  }
  get(name: string): Value | Unknown | undefined {
    return this.vars.has(name) ? this.vars.get(name) : this.parent?.get(name);
  }
  set(name: string, value: Value | Unknown): void {
    this.vars.set(name, value);
  }
}

/** Python's idea of what counts as true. */
export const truth = (v: Value): boolean =>
  Array.isArray(v) ? v.length > 0 : v instanceof Map ? v.size > 0 : typeof v === 'object' ? v !== null : Boolean(v);
/** Python's `==`. */
export function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => equal(x, b[i]));
  if (a instanceof Map && b instanceof Map) return a.size === b.size && [...a].every(([k, v]) => b.has(k) && equal(v, b.get(k)!));
  if (a instanceof Reference && b instanceof Reference) return a.path === b.path;
  if (typeof a === 'boolean' && typeof b === 'number') return Number(a) === b;
  if (typeof a === 'number' && typeof b === 'boolean') return a === Number(b);
  return a === b;
}
/** What a `for` goes over. */
export const items = (v: Value): Value[] | null =>
  Array.isArray(v) ? v : v instanceof Map ? [...v.keys()] : typeof v === 'string' ? [...v] : null;
