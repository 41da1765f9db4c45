// Runs a function twice, as it was written and as the front end rewrote it, with tracers that compute on plain numbers. The
// `eager` tracer takes the branch that JavaScript would take; the `speculative` one runs both branches and every loop body
// once too often, as tracing does, and keeps what `vars` says: a variable that `vars` forgets shows up as a wrong result.

import ts from 'typescript';
import { expect } from 'vitest';
import { printDiagnostic } from '../../../src/dsl/diagnostics.ts';
import { transformSource } from '../../../src/dsl/frontend/transform.ts';

interface Vars {
  names: string[];
  get(): unknown[];
  set(values: unknown[]): void;
}
type Body = () => void;

const BINARY: { [op: string]: (a: never, b: never) => unknown } = Object.fromEntries(
  ['+', '-', '*', '/', '%', '**', '&', '|', '^', '<<', '>>', '<', '<=', '>', '>=', '===', '!==', '==', '!='].map((op) => [
    op,
    new Function('a', 'b', `return a ${op} b`) as (a: never, b: never) => unknown,
  ]),
);

export class Eager {
  readonly names: string[] = [];
  /** What `put` was called with: the effects of the program. */
  readonly log: unknown[] = [];
  bin(_l: number, op: string, a: unknown, b: unknown): unknown {
    return BINARY[op](a as never, b as never);
  }
  un(_l: number, op: string, a: number): unknown {
    return op === '-' ? -a : op === '+' ? +a : op === '!' ? !a : ~a;
  }
  and(_l: number, a: unknown, b: () => unknown): unknown {
    return a && b();
  }
  or(_l: number, a: unknown, b: () => unknown): unknown {
    return a || b();
  }
  cond(_l: number, c: unknown, a: () => unknown, b: () => unknown): unknown {
    return c ? a() : b();
  }
  call(_l: number, f: (...a: unknown[]) => unknown, args: unknown[]): unknown {
    return f(...args);
  }
  method(_l: number, o: { [name: string]: (...a: unknown[]) => unknown }, name: string, args: unknown[]): unknown {
    return o[name](...args);
  }
  get(_l: number, o: { readonly [key: string]: unknown }, key: string): unknown {
    return o[key];
  }
  parts(_l: number, _count: number, x: unknown): unknown {
    return x;
  }
  flt(x: number): number {
    return x;
  }
  name(name: string, value: unknown): unknown {
    this.names.push(name);
    return value;
  }
  if(_l: number, c: unknown, then: Body, otherwise: Body | null, _vars: Vars): void {
    if (c) then();
    else otherwise?.();
  }
  for(
    _l: number,
    r: { start: number; stop: number; step: number; cmp: string },
    body: (i: number) => void,
    _vars: Vars,
    _name: string,
  ): void {
    const test = BINARY[r.cmp] as (a: number, b: number) => boolean;
    for (let i = r.start; test(i, r.stop); i += r.step) body(i);
  }
  forOf(_l: number, items: Iterable<unknown>, body: (x: unknown) => void, _vars: Vars, _name: string): void {
    for (const x of items) body(x);
  }
  while(_l: number, c: () => unknown, body: Body, _vars: Vars): void {
    while (c()) body();
  }
}

/** Runs bodies that JavaScript would not run, then puts the carried variables back. */
export class Speculative extends Eager {
  #discard(body: () => void, vars: Vars): void {
    const before = vars.get();
    const effects = this.log.length;
    body();
    vars.set(before);
    this.log.length = effects;
  }
  override if(_l: number, c: unknown, then: Body, otherwise: Body | null, vars: Vars): void {
    const before = vars.get();
    const effects = this.log.length;
    then();
    const a = vars.get();
    const logA = this.log.splice(effects);
    vars.set(before);
    otherwise?.();
    if (!c) return;
    vars.set(a);
    this.log.length = effects;
    this.log.push(...logA);
  }
  override for(
    l: number,
    r: { start: number; stop: number; step: number; cmp: string },
    body: (i: number) => void,
    vars: Vars,
    name: string,
  ): void {
    this.#discard(() => body(r.start), vars);
    super.for(l, r, body, vars, name);
  }
  override forOf(l: number, items: Iterable<unknown>, body: (x: unknown) => void, vars: Vars, name: string): void {
    const list = [...items];
    if (list.length) this.#discard(() => body(list[0]), vars);
    super.forOf(l, list, body, vars, name);
  }
  override while(l: number, c: () => unknown, body: Body, vars: Vars): void {
    this.#discard(body, vars);
    super.while(l, c, body, vars);
  }
}

type Fn = (...args: unknown[]) => unknown;

/** The exports of a module text that imports `tl` and `kernel` from 'tessera'. */
function evaluate(code: string, tessera: object): { [name: string]: Fn } {
  const js = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } });
  const module = { exports: {} as { [name: string]: Fn } };
  new Function('module', 'exports', 'require', js.outputText)(module, module.exports, () => tessera);
  return module.exports;
}

/** Transforms and demands that nothing is refused. */
export function transformed(text: string): string {
  const result = transformSource(text, 'test.ts');
  expect(result, 'the source defines kernels').not.toBeNull();
  expect(result!.diagnostics.map(printDiagnostic).join('\n\n')).toBe('');
  return result!.code;
}

/** The module `export const f = tl.fn(<fn>)`, with `before` standing before it. */
export const moduleOf = (fn: string, before = ''): string =>
  `import { tl } from 'tessera';\n${before}\nexport const f = tl.fn(${fn});\n`;

/** Runs `fn` as written and as rewritten on every argument list; results and calls of `tl.put` must be equal. */
export function same(fn: string, inputs: readonly unknown[][], before = ''): void {
  const text = moduleOf(fn, before);
  const code = transformed(text);
  const tracer = { now: new Eager() };
  const put = (x: unknown) => tracer.now.log.push(x);
  const define =
    ({ body }: { body: Fn }): Fn =>
    (...args) =>
      body(tracer.now, ...args);
  const plain = evaluate(text, { tl: { put, fn: (g: Fn) => g } }).f;
  const rewritten = evaluate(code, { tl: { put, fn: define } }).f;
  const run = (f: Fn, t: Eager, args: readonly unknown[]) => {
    tracer.now = t;
    return { result: f(...structuredClone(args)), log: t.log };
  };
  for (const args of inputs) {
    const expected = run(plain, new Eager(), args);
    for (const t of [new Eager(), new Speculative()])
      expect(run(rewritten, t, args), `${t.constructor.name} ${JSON.stringify(args)}\n${fn}\n\n${code}`).toEqual(expected);
  }
}

/** The rewritten function's body alone, for snapshots: without spans, source text and parameters. */
export function bodyText(fn: string): string {
  const code = transformed(moduleOf(fn));
  const start = code.indexOf('body: ') + 6;
  return code.slice(start, code.lastIndexOf(', file: "test.ts"'));
}

/** Printed diagnostics of a module. */
export function messages(text: string): string[] {
  return (transformSource(text, 'test.ts')?.diagnostics ?? []).map(printDiagnostic);
}
