// `@triton.autotune`, `@triton.heuristics` and the options of `@triton.jit` → calls around a kernel. What only a run of the Python
// file can tell is left out with a warning at its line.

import type { Message } from '../../dsl/diagnostics.ts';
import { diagnostic } from '../../dsl/diagnostics.ts';
import type { Arg, Decorator, Expr, FunctionDef } from '../ast.ts';
import { type Doc, hardline, indent, list } from '../doc.ts';
import { Unportable } from '../errors.ts';
import { PORT } from '../messages.ts';
import { arrow, type Host, type Style } from './arrows.ts';
import { text as valueText } from './builtins.ts';
import { unknown } from './module.ts';
import { brokenList, record, spell, typeOf } from './spell.ts';
import { ConfigValue, Func, items, type Scope, Unknown, type Value } from './values.ts';

export interface Wrapper {
  readonly name: 'autotune' | 'heuristics';
  readonly options: Doc;
}
export interface Decorated {
  /** Calls around `kernel(…)`, from the inside out. */
  readonly wrappers: readonly Wrapper[];
  /** Second argument of `kernel(…)`. */
  readonly options: Doc | null;
  /** TypeScript types of the values that parameters get by configs and heuristics. */
  readonly gives: ReadonlyMap<string, ReadonlySet<string>>;
  /** What was left out, by its place. */
  readonly warnings: readonly Unportable[];
}

const AUTOTUNE = [
  'configs', 'key', 'prune_configs_by', 'reset_to_zero', 'restore_value', 'pre_hook', 'post_hook', 'warmup', 'rep', 'use_cuda_graph',
  'do_bench', 'cache_results',
]; // biome-ignore format: as in Triton
/** Options that only say how Triton measures. */
const MEASURING: { readonly [name: string]: string } = {
  warmup: 'Triton counts milliseconds there',
  rep: 'Triton counts milliseconds there',
  use_cuda_graph: 'WebGPU has no graphs of launches',
  do_bench: 'how a launch is measured depends on the device',
};
const KINDS: { readonly [kind: string]: string } = {
  bool: 'boolean',
  int: 'number',
  float: 'number',
  num: 'number',
  string: 'string',
  none: 'null',
  dtype: 'tl.dtype',
};
const placeOf = ({ from, to }: { readonly from: number; readonly to: number }) => ({ from, to });

/** Reads the decorators of a kernel where it stands. */
export function readDecorators(def: FunctionDef, isKernel: boolean, host: Host, scope: Scope): Decorated {
  return new Reader(def, host, scope).read(isKernel);
}

/** An argument of a decorator; its value is computed when asked for. */
interface Option {
  readonly name: string;
  readonly at: Expr;
  readonly value: () => Value;
}

class Reader {
  private readonly def: FunctionDef;
  private readonly host: Host;
  private readonly scope: Scope;
  private readonly params: ReadonlySet<string>;
  private readonly gives = new Map<string, Set<string>>();
  private readonly warnings: Unportable[] = [];
  private readonly said = new Set<string>();
  /** Comments above a config are written once, however many configs it becomes. */
  private readonly commented = new Set<number>();
  constructor(def: FunctionDef, host: Host, scope: Scope) {
    this.def = def;
    this.host = host;
    this.scope = scope;
    this.params = new Set(def.params.map((p) => p.name));
  }

  read(isKernel: boolean): Decorated {
    const wrappers: Wrapper[] = [];
    let options: Doc | null = null;
    for (const d of [...this.def.decorators].reverse()) {
      const name = this.host.names.library(d.name) ?? (d.name.k === 'name' || d.name.k === 'attribute' ? d.name.name : '');
      if (name !== 'jit' && !isKernel)
        this.warn(d, PORT.decorator, name, 'other functions of the file call it, or it gives a value');
      else if (name === 'jit') options = d.args && this.attempt(d, name, () => this.jit(d));
      else if (name === 'autotune' || name === 'heuristics') {
        if (name === 'autotune' && wrappers.some((w) => w.name === name)) {
          this.warn(d, PORT.decorator, name, 'the kernel has another one');
          continue;
        }
        const made = this.attempt(d, name, () => (name === 'autotune' ? this.autotune(d) : this.heuristics(d)));
        if (made !== null) wrappers.push({ name, options: made });
      } else this.warn(d, PORT.decorator, name, null);
    }
    for (const w of wrappers) this.host.imports.add(w.name);
    return { wrappers, options, gives: this.gives, warnings: this.warnings.sort((a, b) => a.at.from - b.at.from) };
  }
  private warn<A extends unknown[]>(at: { readonly from: number; readonly to: number }, m: Message<A>, ...args: A): void {
    // Once for all the configs that a comprehension makes.
    const key = `${at.from} ${JSON.stringify(args)}`;
    if (this.said.has(key)) return;
    this.said.add(key);
    this.warnings.push(new Unportable(placeOf(at), (loc) => diagnostic(loc, m, ...args)));
  }
  /** What `f` gives, or null with a warning where it cannot be known. */
  private attempt<T>(d: Decorator, name: string, f: () => T): T | null {
    try {
      return f();
    } catch (e) {
      const { at, what } = unknown(e, this.host.evaluator);
      this.warn(at.to > at.from ? at : d, PORT.decorator, name, `${what} is known only when the Python runs`);
      return null;
    }
  }
  /** An option's text; null with a warning where it cannot be known. */
  private option<T>(name: string, f: () => T): T | null {
    try {
      return f();
    } catch (e) {
      const { at, what } = unknown(e, this.host.evaluator);
      this.warn(at, PORT.option, name, `${what} cannot be translated`);
      return null;
    }
  }

  /** Arguments by name, those of `**options` included. */
  private options(d: Decorator, order: readonly string[]): Option[] {
    return (d.args?.() ?? []).flatMap((a: Arg, i): Option[] => {
      const value = (): Value => this.host.evaluator.value(a.value, this.scope);
      if (a.name !== '**') return [{ name: a.name ?? order[i] ?? '', at: a.value, value }];
      const all = this.option('the options of `**`', value);
      return all instanceof Map ? [...all].map(([k, v]) => ({ name: valueText(k), at: a.value, value: () => v })) : [];
    });
  }
  private names(o: Option): string[] {
    const all = items(o.value() ?? []) ?? [];
    const known = all.filter((n): n is string => typeof n === 'string' && this.params.has(n));
    for (const n of all)
      if (!known.includes(n as string))
        this.warn(o.at, PORT.option, `${valueText(n)} in ${o.name}`, 'the kernel has no such parameter');
    return known;
  }
  private function(o: Option, style: Style): Doc | null {
    return this.option(o.name, () => {
      const f = o.value();
      if (f === null) return null;
      if (!(f instanceof Func)) throw new Unknown(o.at, `\`${this.host.evaluator.show(o.at)}\``);
      return arrow(this.host, f, style, this.params).doc;
    });
  }

  // ---- @triton.jit(…)
  private jit(d: Decorator): Doc | null {
    const entries: [string, Doc][] = [];
    for (const o of this.options(d, [])) {
      if (o.name.startsWith('do_not_specialize')) {
        const all = (items(o.value()) ?? []).map((p) => (typeof p === 'number' ? (this.def.params.at(p)?.name ?? p) : p));
        entries.push([o.name, spell(all, o.at)]);
      } else if (o.name === 'noinline' || o.name === 'debug') entries.push([o.name, spell(o.value(), o.at)]);
      else this.without(o, 'there is nothing like it here');
    }
    return entries.length ? record(entries) : null;
  }

  // ---- @triton.heuristics({…})
  private heuristics(d: Decorator): Doc | null {
    const [o] = this.options(d, ['values']);
    const values = o?.value();
    if (!(values instanceof Map)) throw new Unknown(d, 'its dictionary');
    const entries = [...values].flatMap(([k, f]): [string, Doc][] => {
      const name = valueText(k);
      const made = this.option(`the heuristic of ${name}`, () => {
        if (!this.params.has(name)) throw new Unknown(o.at, `${name}, which is no parameter of the kernel,`);
        if (!(f instanceof Func)) throw new Unknown(o.at, 'a function that is not of this file');
        const { doc, kind, optional } = arrow(this.host, f, 'args', this.params);
        for (const p of optional) this.give(p, 'null');
        if (KINDS[kind]) this.give(name, KINDS[kind]);
        return doc;
      });
      return made === null ? [] : [[name, made]];
    });
    return entries.length ? record(entries) : null;
  }
  private give(param: string, type: string): void {
    this.gives.set(param, (this.gives.get(param) ?? new Set()).add(type));
  }

  // ---- @triton.autotune(…)
  private autotune(d: Decorator): Doc {
    const entries: [string, Doc][] = [];
    const put = (name: string, doc: Doc | null): void => void (doc !== null && entries.push([name, doc]));
    const all = this.options(d, AUTOTUNE);
    for (const o of all) {
      if (o.name === 'configs') put(o.name, this.configs(o));
      else if (o.name === 'key') put(o.name, spell(this.names(o), o.at));
      else if (o.name === 'reset_to_zero' || o.name === 'restore_value') {
        const names = this.option(o.name, () => this.names(o));
        if (names?.length) put(o.name, spell(names, o.at));
      } else if (o.name === 'pre_hook' || o.name === 'post_hook') put(o.name, this.function(o, 'args'));
      else if (o.name === 'prune_configs_by')
        put(
          o.name,
          this.option(o.name, () => this.pruning(o)),
        );
      else if (o.name === 'cache_results')
        put(
          o.name,
          this.option(o.name, () => spell(o.value(), o.at)),
        );
      else this.without(o, MEASURING[o.name] ?? 'there is nothing like it here');
    }
    if (!all.some((o) => o.name === 'key')) put('key', '[]');
    return brokenList(
      '{',
      entries.map(([k, v]): Doc => [k, ': ', v]),
      '}',
    );
  }
  /** Warns of an option that is not known here, unless it says nothing. */
  private without(o: Option, why: string): void {
    let given: Value | Unknown;
    try {
      given = o.value();
    } catch (e) {
      given = unknown(e, this.host.evaluator);
    }
    if (given !== null && given !== false) this.warn(o.at, PORT.option, o.name, why);
  }
  private configs(o: Option): Doc {
    const values = items(o.value());
    if (!values?.every((c) => c instanceof ConfigValue)) throw new Unknown(o.at, `\`${this.host.evaluator.show(o.at)}\``);
    this.host.imports.add('Config');
    const foreign = new Map<string, [at: Expr, why: string]>();
    // Without any, Triton has one that says nothing.
    const docs = values.length ? values.map((c): Doc => [this.above(c.at), this.config(c, foreign)]) : ['Config({})'];
    for (const [name, [at, why]] of foreign) this.warn(at, PORT.option, name, why);
    if (!this.commented.size) return list('[', docs, ']');
    return brokenList('[', docs, ']');
  }
  private above(at: Expr): Doc {
    if (this.commented.has(at.from)) return '';
    const comments = this.host.comments.above(at.from);
    if (comments.length) this.commented.add(at.from);
    return comments.flatMap((t): Doc[] => [t, hardline]);
  }
  private config(c: ConfigValue, foreign: Map<string, [Expr, string]>): Doc {
    const args: [string, Doc][] = [];
    for (const [k, v] of c.kwargs) {
      const name = valueText(k);
      if (!this.params.has(name)) foreign.set(name, [c.at, 'the kernel has no such parameter']);
      else {
        args.push([name, spell(v, c.at)]);
        this.give(name, typeOf(v));
      }
    }
    const options: [string, Doc][] = [];
    for (const [name, v] of c.options) {
      if (v === null) continue;
      if (name === 'pre_hook') {
        const hook = this.function({ name, at: c.at, value: () => v }, 'args');
        if (hook !== null) options.push([name, hook]);
      } else if (name === 'num_ctas' && v !== 1)
        foreign.set(name, [c.at, 'a program is one workgroup, and WebGPU has no clusters of them']);
      else if (['num_warps', 'num_stages', 'num_ctas', 'maxnreg'].includes(name)) options.push([name, spell(v, c.at)]);
      else foreign.set(name, [c.at, 'there is nothing like it here']);
    }
    return ['Config', list('(', [record(args), ...(options.length ? [record(options)] : [])], ')')];
  }
  private pruning(o: Option): Doc | null {
    const by = o.value();
    if (!(by instanceof Map)) return null;
    const entries: [string, Doc][] = [];
    for (const [k, v] of by) {
      const name = valueText(k);
      const option: Option = { name, at: o.at, value: () => v };
      if (name === 'top_k') {
        // 1.0 is all of them and 1 a single one; all is what is meant where nothing is said.
        const whole = typeof v === 'number' && v === 1 && !isInteger(o.at, name);
        if (!whole) entries.push([name, spell(v, o.at)]);
        continue;
      }
      const doc = this.function(option, name === 'perf_model' ? 'named' : 'prune');
      if (doc !== null) entries.push([name, doc]);
    }
    return entries.length ? record(entries) : null;
  }
}
/** True if a dictionary gives `key` a number without a point. */
const isInteger = (e: Expr, key: string): boolean =>
  e.k === 'dict' &&
  e.items.some((i) => i.key?.k === 'string' && i.key.value === key && i.value.k === 'number' && /^\d+$/.test(i.value.text));

/** `name(` inner `,` options `)`, each on lines of its own. */
export const wrapCall = (name: string, inner: Doc, options: Doc): Doc => [
  name,
  '(',
  indent(hardline, inner, ',', hardline, options, ','),
  hardline,
  ')',
];
