// The region of an `element` op (a function of scalars) as JavaScript text: what reductions, scans and maps put into their loops.
// Every value is a local variable, rounded or wrapped to its dtype where it is made. Ops without an expression call their row's
// `eval`. In: a region. Out: text, and what it needs from outside.

import type { Block, Op, Value } from '../../dsl/ir/ir.ts';
import { convert, round } from '../../dsl/numerics.ts';
import { hasTrait, rowOf } from '../../dsl/ops/index.ts';
import type { Num } from '../../dsl/ops/row.ts';
import { type DType, dtypeOf } from '../../dsl/types.ts';
import { codec } from './codecs.ts';
import { stop } from './errors.ts';
import { expressionOf } from './loops.ts';
import { RUN } from './messages.ts';

/** Text of one call of the region: statements, and the variables that hold what it yields. */
export interface ElementCode {
  readonly text: string;
  readonly yields: readonly string[];
  /** Values from outside of the region, held in variables of these names. */
  readonly captured: ReadonlyMap<Value, string>;
  /** What the text calls. */
  readonly env: { readonly [name: string]: unknown };
  /** Tells functions of equal text and different `env` apart. */
  readonly key: string;
}

/** Rounds of one `while` loop after which the call is taken not to end. */
const MAX_ROUNDS = 2 ** 30;

const WRAP: { readonly [dtype: string]: (x: string) => string } = {
  bool: (x) => x,
  i8: (x) => `(${x})<<24>>24`,
  i16: (x) => `(${x})<<16>>16`,
  i32: (x) => `(${x})|0`,
  u8: (x) => `(${x})&255`,
  u16: (x) => `(${x})&65535`,
  u32: (x) => `(${x})>>>0`,
  i64: (x) => `BigInt.asIntN(64,${x})`,
  u64: (x) => `BigInt.asUintN(64,${x})`,
  f32: (x) => `Math.fround(${x})`,
  f64: (x) => x,
};

class Writer {
  readonly captured = new Map<Value, string>();
  readonly env: { [name: string]: unknown } = {};
  private readonly names = new Map<Value, string>();
  private readonly keys: string[] = [];
  private count = 0;

  fresh(): string {
    return `v${this.count++}`;
  }
  bind(v: Value, name: string): string {
    this.names.set(v, name);
    return name;
  }
  use(v: Value): string {
    const known = this.names.get(v);
    if (known) return known;
    const name = this.fresh();
    this.names.set(v, name);
    this.captured.set(v, name);
    return name;
  }
  get key(): string {
    return this.keys.join('|');
  }
  /** A name for a value that is a function of `what`. */
  private outside(what: string, x: unknown): string {
    let i = this.keys.indexOf(what);
    if (i < 0) i = this.keys.push(what) - 1;
    this.env[`e${i}`] = x;
    return `e${i}`;
  }

  private rounded(d: DType, x: string): string {
    const wrap = WRAP[d.name];
    return wrap ? wrap(x) : `${this.outside(`round ${d.name}`, codec(d).round)}(${x})`;
  }
  private expression(op: Op): string {
    const to = dtypeOf(op.results[0].type);
    if (op.name === 'constant') {
      const value = round(to, typeof op.attrs.value === 'boolean' ? Number(op.attrs.value) : (op.attrs.value as Num));
      return this.outside(`constant ${to.name} ${Object.is(value, -0) ? '-0' : value}`, value);
    }
    if (op.name === 'program_id') return `m.pid[${op.attrs.axis}]`;
    if (op.name === 'num_programs') return `m.grid[${op.attrs.axis}]`;
    const xs = op.operands.map((o) => this.use(o));
    if (hasTrait(op.name, 'hint') || hasTrait(op.name, 'shape')) return xs[0];
    const types = op.operands.map((o) => o.type);
    const text = expressionOf(op.name, types, op.results[0].type, op.attrs);
    if (text !== undefined)
      return this.rounded(
        to,
        text.replace(/\b[abc]\b/g, (x) => xs['abc'.indexOf(x)]),
      );
    const from = dtypeOf(types[0]);
    if (op.name === 'cast') return `${this.outside(`cast ${from.name} ${to.name}`, (x: Num) => convert(from, to, x))}(${xs[0]})`;
    const { eval: evaluate } = rowOf(op.name) ?? {};
    if (!evaluate) return stop(op.loc, [], RUN.unsupported, op.name);
    const f = (...args: Num[]): Num => round(to, evaluate(args, from, to, op.attrs));
    return `${this.outside(`${op.name} ${from.name} ${to.name} ${JSON.stringify(op.attrs)}`, f)}(${xs.join()})`;
  }

  /** Statements of a block; its terminator's operands are named in the result. */
  block(b: Block): { readonly text: string; readonly ends: readonly string[] } {
    let text = '';
    for (const op of b.ops) {
      if (hasTrait(op.name, 'terminator')) return { text, ends: op.operands.map((o) => this.use(o)) };
      if (op.regions.length) text += this.control(op);
      else {
        const e = this.expression(op);
        text += `const ${this.bind(op.results[0], this.fresh())}=${e};`;
      }
    }
    return { text, ends: [] };
  }
  /** Carried variables get all their next values at once. */
  private assign(to: readonly string[], from: readonly string[]): string {
    const next = from.map(() => this.fresh());
    return next.map((n, i) => `const ${n}=${from[i]};`).join('') + to.map((t, i) => `${t}=${next[i]};`).join('');
  }
  private control(op: Op): string {
    const operands = op.operands.map((o) => this.use(o));
    const vars = op.results.map(() => this.fresh());
    const bindResults = (): void => op.results.forEach((r, i) => void this.bind(r, vars[i]));
    if (op.name === 'if') {
      const parts = op.regions.map((r) => this.block(r));
      bindResults();
      const arm = (p: (typeof parts)[number] | undefined) =>
        p ? `{${p.text}${vars.map((v, i) => `${v}=${p.ends[i]};`).join('')}}` : '{}';
      return `${vars.length ? `let ${vars.join()};` : ''}if(${operands[0]})${arm(parts[0])}else${arm(parts[1])}`;
    }
    const counted = op.name === 'for';
    const start = vars.map((v, i) => `let ${v}=${operands[counted ? i + 3 : i]};`).join('');
    for (const r of op.regions) r.args.slice(counted ? 1 : 0).forEach((a, i) => void this.bind(a, vars[i]));
    if (counted) {
      const [body] = op.regions;
      const [lo, hi, step] = operands;
      const i = this.bind(body.args[0], this.fresh());
      const d = dtypeOf(body.args[0].type);
      const inner = this.block(body);
      bindResults();
      const go = `${step}>0?${i}<${hi}:${i}>${hi}`;
      return `${start}for(let ${i}=${lo};${go};${i}=${this.rounded(d, `${i}+${step}`)}){${inner.text}${this.assign(vars, inner.ends)}}`;
    }
    const [test, body] = op.regions.map((r) => this.block(r));
    bindResults();
    const rounds = this.fresh();
    const endless = this.outside(`endless ${op.loc.file}:${op.loc.line}:${op.loc.col}`, (pid: readonly number[]) =>
      stop(op.loc, pid, RUN.stepBudget, MAX_ROUNDS, pid, op.name, MAX_ROUNDS),
    );
    return `${start}for(let ${rounds}=0;;${rounds}++){if(${rounds}>${MAX_ROUNDS})${endless}(m.pid);${test.text}if(!${test.ends[0]})break;${body.text}${this.assign(vars, body.ends)}}`;
  }
}

/** Text for one call of a region whose arguments are in variables named `args`. */
export function elementCode(region: Block, args: readonly string[]): ElementCode {
  const w = new Writer();
  region.args.forEach((a, i) => void w.bind(a, args[i]));
  const { text, ends } = w.block(region);
  return { text, yields: ends, captured: w.captured, env: w.env, key: w.key };
}
