// Computes what the host's Python computes, on values that are known: expressions and statements, a handler a kind. Raises
// `Unknown` with the place of what only a run of the file can tell.

import type { Arg, Expr, ExprOf, FunctionDef, Stmt, StmtOf } from '../ast.ts';
import { attributeOf, BUILTINS, compareValues, MAX_LENGTH, METHODS, text } from './builtins.ts';
import { ConfigValue, equal, Func, items, Reference, Scope, truth, Unknown, type Value } from './values.ts';

/** Modules of Python that files use for their configs. */
const MODULES = ['itertools', 'math', 'os', 'functools', 'torch'];
const MAX_STEPS = 200_000;
const MAX_DEPTH = 100;

export class Evaluator {
  private readonly library: (e: Expr) => string | null;
  private readonly aliases: ReadonlyMap<string, string>;
  private readonly source: string;
  private steps = 0;
  private depth = 0;
  /** `library`: the full name of something of Triton's. */
  constructor(source: string, library: (e: Expr) => string | null) {
    this.source = source;
    this.library = library;
    this.aliases = aliasesOf(source);
  }

  /** The dotted name that an expression stands for, where its first part is a module and no variable. */
  path(e: Expr, scope: Scope): string | null {
    const root = rootOf(e);
    if (root === null || scope.get(root) !== undefined) return null;
    const own = this.library(e);
    if (own !== null) return `triton.${own}`;
    const module = this.aliases.get(root);
    return module === undefined ? null : module + this.source.slice(e.from, e.to).trim().slice(root.length);
  }
  value(e: Expr, scope: Scope): Value {
    if (++this.steps > MAX_STEPS) throw new Unknown(e, 'a computation that takes too long');
    return (this.expressions[e.k] as (e: Expr, s: Scope) => Value)(e, scope);
  }
  private number(e: Expr, scope: Scope): number {
    return this.numeric(e, this.value(e, scope));
  }
  private numeric(e: Expr, v: Value): number {
    if (typeof v === 'number' || typeof v === 'boolean') return Number(v);
    throw new Unknown(e, `\`${this.show(e)}\`, which is no number`);
  }
  private list(e: Expr, scope: Scope): Value[] {
    const v = items(this.value(e, scope));
    if (!v) throw new Unknown(e, `\`${this.show(e)}\`, which is no list`);
    return v;
  }
  show(e: { readonly from: number; readonly to: number }): string {
    return this.source.slice(e.from, e.to).split('\n')[0];
  }

  private readonly expressions: { readonly [K in Expr['k']]: (e: ExprOf<K>, scope: Scope) => Value } = {
    number: (e) => Number(e.text.replaceAll('_', '')),
    string: (e) => e.value,
    format: (e, s) => e.parts.map((p) => (typeof p === 'string' ? p : text(this.value(p, s)))).join(''),
    constant: (e) => e.value,
    name: (e, s) => {
      const v = s.get(e.name);
      if (v instanceof Unknown) throw v;
      if (v !== undefined) return v;
      const path = this.path(e, s);
      if (path !== null) return new Reference(path);
      if (Object.hasOwn(BUILTINS, e.name)) return new Reference(e.name);
      throw new Unknown(e, `\`${e.name}\``);
    },
    unary: (e, s) => {
      if (e.op === 'not') return !truth(this.value(e.x, s));
      const x = this.number(e.x, s);
      return e.op === '-' ? -x : e.op === '~' ? ~x : x;
    },
    binary: (e, s) => {
      const [a, b] = [this.value(e.a, s), this.value(e.b, s)];
      if (e.op === '+' && Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
      if (e.op === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
      if (e.op === '*' && Array.isArray(a) && typeof b === 'number' && a.length * b <= MAX_LENGTH)
        return Array.from({ length: b }, () => a).flat();
      if (e.op === '|' && a instanceof Map && b instanceof Map) return new Map([...a, ...b]);
      const op = ARITHMETIC[e.op];
      if (!op) throw new Unknown(e, `\`${e.op}\``);
      return op(this.numeric(e.a, a), this.numeric(e.b, b));
    },
    compare: (e, s) => {
      const values = e.items.map((i) => this.value(i, s));
      return e.ops.every((op, i) => this.compare(e, op, values[i], values[i + 1]));
    },
    logical: (e, s) => {
      const a = this.value(e.a, s);
      return truth(a) === (e.op === 'and') ? this.value(e.b, s) : a;
    },
    conditional: (e, s) => this.value(truth(this.value(e.test, s)) ? e.then : e.other, s),
    tuple: (e, s) => e.items.map((i) => this.value(i, s)),
    dict: (e, s) => {
      const out = new Map<Value, Value>();
      for (const { key, value } of e.items) {
        const v = this.value(value, s);
        if (key) out.set(this.value(key, s), v);
        else if (v instanceof Map) for (const [k, x] of v) out.set(k, x);
        else throw new Unknown(value, `\`${this.show(value)}\`, which is no dictionary`);
      }
      return out;
    },
    lambda: (e, s) => new Func('lambda', e.params, e.body, s),
    comprehension: (e, s) => {
      const out: Value[] = [];
      const inner = new Scope(s);
      const go = (i: number): void => {
        const clause = e.clauses[i];
        if (!clause) out.push(e.key ? [this.value(e.key, inner), this.value(e.element, inner)] : this.value(e.element, inner));
        else if (clause.target === null) {
          if (truth(this.value(clause.test, inner))) go(i + 1);
        } else
          for (const v of this.list(clause.iter, inner)) {
            this.assign(clause.target, v, inner);
            go(i + 1);
          }
      };
      go(0);
      return e.key ? new Map(out as [Value, Value][]) : out;
    },
    attribute: (e, s) => {
      const path = this.path(e, s);
      if (path === 'os.environ') return new Map();
      if (path !== null) return new Reference(path);
      const v = attributeOf(this.value(e.x, s), e.name);
      if (v === undefined) throw new Unknown(e, `\`${this.show(e)}\``);
      return v;
    },
    index: (e, s) => {
      const x = this.value(e.x, s);
      const [only] = e.items;
      if (e.items.length === 1 && only) {
        const i = this.value(only, s);
        const v = x instanceof Map ? x.get(i) : Array.isArray(x) && typeof i === 'number' ? x.at(i) : undefined;
        if (v !== undefined) return v;
      }
      throw new Unknown(e, `\`${this.show(e)}\``);
    },
    call: (e, s) => this.call(e, s),
  };
  private compare(e: Expr, op: string, a: Value, b: Value): boolean {
    if (a instanceof Reference !== b instanceof Reference || (a instanceof Reference && !equal(a, b)))
      throw new Unknown(e, `\`${this.show(e)}\``);
    if (op === '==' || op === 'is') return equal(a, b);
    if (op === '!=' || op === 'is not') return !equal(a, b);
    if (op === 'in' || op === 'not in') {
      const found = typeof b === 'string' ? b.includes(text(a)) : items(b)?.some((x) => equal(x, a));
      if (found === undefined) throw new Unknown(e, `\`${this.show(e)}\``);
      return found === (op === 'in');
    }
    const c = compareValues(a, b);
    return op === '<' ? c < 0 : op === '<=' ? c <= 0 : op === '>' ? c > 0 : c >= 0;
  }

  private call(e: ExprOf<'call'>, s: Scope): Value {
    const path = this.path(e.fn, s);
    const args: Value[] = [];
    const named = new Map<string, Value>();
    const give = (a: Arg): void => {
      const v = this.value(a.value, s);
      if (a.name === '*') args.push(...(items(v) ?? []));
      else if (a.name === '**') for (const [k, x] of v instanceof Map ? v : []) named.set(text(k), x);
      else if (a.name !== null) named.set(a.name, v);
      else args.push(v);
    };
    const builtin = path !== null && Object.hasOwn(BUILTINS, path) ? BUILTINS[path] : null;
    if (path !== null && !builtin) throw new Unknown(e, `\`${path}\``);
    const apply = (fn: Value, given: readonly Value[]): Value => this.apply(fn, e, given, new Map());
    if (builtin) {
      e.args.forEach(give);
      return builtin({ at: e, args, named, apply });
    }
    if (e.fn.k === 'attribute') {
      const self = this.value(e.fn.x, s);
      const { name } = e.fn;
      const methods = METHODS.find((m) => m.is(self))?.of;
      if (methods && Object.hasOwn(methods, name)) {
        e.args.forEach(give);
        return methods[name]({ at: e, args: [self, ...args], named, apply });
      }
    }
    const fn = this.value(e.fn, s);
    e.args.forEach(give);
    return this.apply(fn, e, args, named);
  }
  /** Calls a function of the file, or one of Python's that was passed as a value. */
  private apply(fn: Value, at: ExprOf<'call'>, args: readonly Value[], named: ReadonlyMap<string, Value>): Value {
    if (fn instanceof Reference && Object.hasOwn(BUILTINS, fn.path))
      return BUILTINS[fn.path]({ at, args, named, apply: (f, given) => this.apply(f, at, given, new Map()) });
    if (this.depth > MAX_DEPTH) throw new Unknown(at, 'a function that calls itself too often');
    if (!(fn instanceof Func)) throw new Unknown(at, `\`${this.show(at)}\``);
    const scope = new Scope(fn.scope);
    const left = new Map(named);
    fn.params.forEach((p, i) => {
      if (p.name.startsWith('**')) scope.set(p.name.slice(2), new Map(left));
      else if (p.name.startsWith('*')) scope.set(p.name.slice(1), args.slice(i));
      else if (i < args.length) scope.set(p.name, args[i]);
      else if (left.has(p.name)) scope.set(p.name, left.get(p.name)!);
      else if (p.value) scope.set(p.name, this.value(p.value, fn.scope));
      else throw new Unknown(at, `\`${p.name}\` of \`${fn.name}\``);
      left.delete(p.name);
    });
    this.depth++;
    try {
      return 'k' in fn.body ? this.value(fn.body, scope) : (this.run(fn.body.body, scope)?.value ?? null);
    } finally {
      this.depth--;
    }
  }

  /** Runs statements; what a `return` gave. */
  run(body: readonly Stmt[], scope: Scope): { readonly value: Value } | null {
    for (const s of body) {
      const r = (this.statements[s.k] as (s: Stmt, scope: Scope) => ReturnType<Evaluator['run']>)(s, scope);
      if (r) return r;
    }
    return null;
  }
  define(def: FunctionDef, scope: Scope): void {
    scope.set(def.name, new Func(def.name, def.params, def, scope));
  }
  private assign(target: Expr, v: Value, scope: Scope): void {
    if (target.k === 'name') scope.set(target.name, v);
    else if (target.k === 'tuple') {
      const values = items(v);
      if (values?.length !== target.items.length) throw new Unknown(target, `\`${this.show(target)}\``);
      for (const [i, t] of target.items.entries()) this.assign(t, values[i], scope);
    } else if (target.k === 'index' && target.items.length === 1 && target.items[0]) {
      const [x, key] = [this.value(target.x, scope), this.value(target.items[0], scope)];
      if (x instanceof Map) x.set(key, v);
      else if (Array.isArray(x) && typeof key === 'number') x[key < 0 ? x.length + key : key] = v;
      else throw new Unknown(target, `\`${this.show(target)}\``);
    } else {
      const x = target.k === 'attribute' ? this.value(target.x, scope) : null;
      if (!(x instanceof ConfigValue) || target.k !== 'attribute') throw new Unknown(target, `\`${this.show(target)}\``);
      x.options.set(target.name, v);
    }
  }
  private readonly statements: {
    readonly [K in Stmt['k']]: (s: StmtOf<K>, scope: Scope) => { readonly value: Value } | null;
  } = {
    assign: (s, scope) => {
      const v = this.value(s.value, scope);
      for (const t of s.targets) this.assign(t, v, scope);
      return null;
    },
    update: (s, scope) => {
      const old = this.value(s.target, scope);
      // A list stays the same list, whatever else it is called.
      if (s.op === '+' && Array.isArray(old)) old.push(...this.list(s.value, scope));
      else this.assign(s.target, this.value({ ...s, k: 'binary', a: s.target, b: s.value }, scope), scope);
      return null;
    },
    expression: (s, scope) => {
      this.value(s.value, scope);
      return null;
    },
    if: (s, scope) => {
      const branch = s.branches.find((b) => !b.test || truth(this.value(b.test, scope)));
      return branch ? this.run(branch.body, scope) : null;
    },
    for: (s, scope) => {
      for (const v of [...this.list(s.iter, scope)]) {
        this.assign(s.target, v, scope);
        const r = this.run(s.body, scope);
        if (r) return r;
      }
      return null;
    },
    while: (s, scope) => {
      while (truth(this.value(s.test, scope))) {
        const r = this.run(s.body, scope);
        if (r) return r;
      }
      return null;
    },
    return: (s, scope) => ({ value: s.value ? this.value(s.value, scope) : null }),
    assert: () => null,
    pass: () => null,
  };
}

const ARITHMETIC: { readonly [op: string]: (a: number, b: number) => number } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '//': (a, b) => Math.floor(a / b),
  '%': (a, b) => ((a % b) + b) % b,
  '**': (a, b) => a ** b,
  '<<': (a, b) => a * 2 ** b,
  '>>': (a, b) => Math.floor(a / 2 ** b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
};
const rootOf = (e: Expr): string | null => (e.k === 'name' ? e.name : e.k === 'attribute' ? rootOf(e.x) : null);

/** What `import math as m` and `from itertools import product` call things. */
function aliasesOf(source: string): Map<string, string> {
  const out = new Map<string, string>();
  const known = (module: string): boolean => MODULES.includes(module.split('.')[0]);
  for (const [, list] of source.matchAll(/^[ \t]*import[ \t]+([\w., \t]+)$/gm))
    for (const part of list.split(',')) {
      const [, module, as] = /^\s*([\w.]+)(?:\s+as\s+(\w+))?\s*$/.exec(part) ?? [];
      const [root] = (module ?? '').split('.');
      if (module && known(module)) out.set(as ?? root, as ? module : root);
    }
  for (const [, module, names] of source.matchAll(/^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+([\w, \t]+)$/gm))
    for (const part of known(module) ? names.split(',') : []) {
      const [, name, as] = /^\s*(\w+)(?:\s+as\s+(\w+))?\s*$/.exec(part) ?? [];
      if (name) out.set(as ?? name, `${module}.${name}`);
    }
  return out;
}
