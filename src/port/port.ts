// `portSource`: Triton kernels in Python → a TypeScript file. Each function is translated on its own, so that one that cannot be
// does not stop the others; what is wrong with it is a diagnostic at the Python line. Runs in a browser too.

import { type Diagnostic, diagnostic, type Loc, registerSource } from '../dsl/diagnostics.ts';
import { type Expr, expressions, ownExpressions, statements } from './ast.ts';
import { isBuiltIn } from './calls.ts';
import { Comments } from './comments.ts';
import { type Doc, from, hardline, print } from './doc.ts';
import { stop, Unportable } from './errors.ts';
import { type Context, text as expressionText } from './expressions.ts';
import { extractKernels } from './extract.ts';
import { helperHead, jsDoc, kernelHead } from './heads.ts';
import type { Host } from './host/arrows.ts';
import { type Decorated, readDecorators, wrapCall } from './host/decorators.ts';
import { Evaluator } from './host/evaluate.ts';
import { runModule } from './host/module.ts';
import { Scope } from './host/values.ts';
import { type Chunk, type FindModule, withImports } from './imports.ts';
import { evaluate } from './math.ts';
import { PORT } from './messages.ts';
import { tsName } from './names.ts';
import { learn, type Program, readProgram } from './program.ts';
import { planScope } from './scope.ts';
import { type BodyContext, block } from './statements.ts';
import { strictGlobal } from './strict.ts';
import { isPython, parseModule } from './syntax.ts';
import { type FunctionInfo, Types } from './types.ts';

export interface PortOptions {
  /** Name of the Python file, for messages and the first line. */
  readonly file?: string;
  /** What the ported file imports. */
  readonly importFrom?: string;
  /** Types of parameters that the caller knows better, e.g. `{ n: 'tl.i64', EPS: 'tl.constexpr<tl.f32>' }`; they apply to kernels. */
  readonly types?: { readonly [param: string]: string };
  /** Finds Python modules that the file imports helpers from; without it their names are not known. */
  readonly modules?: FindModule;
  readonly width?: number;
  /**
   * Refuse what Triton's compiler refuses, although it has a meaning here: chained comparisons, globals that are no constexpr, a local
   * variable as a shape, … The translation then keeps closer to what Triton does than a person would write it.
   */
  readonly strict?: boolean;
}
export interface PortedKernel {
  /** Name in Python and in the ported file. */
  readonly name: string;
  readonly exportName: string;
  readonly params: readonly string[];
}
/** What a ported file may import, in the order of its names. */
const IMPORTS = ['autotune', 'Config', 'cdiv', 'heuristics', 'kernel', 'next_power_of_2', 'type Tensor', 'tl'];
export interface PortResult {
  /** The TypeScript file; holds what could be translated. */
  readonly code: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly kernels: readonly PortedKernel[];
  /** For each line of `code`, the line of the Python text that it comes from, counted from 1; 0 for the head of the file and for imported helpers. */
  readonly lines: readonly number[];
}

/** Translates all `@triton.jit` functions of a Python file, or of a text that contains some. */
export function portSource(source: string, options: PortOptions = {}): PortResult {
  const file = options.file ?? 'kernel.py';
  const normal = source.replace(/\r\n?/g, '\n');
  const own = isPython(normal) ? normal : extractKernels(normal);
  registerSource(file, 1, normal);
  if (!options.modules) return new Port(own, file, options, []).result();
  const { text, chunks } = withImports(own, file, options.modules);
  for (const c of chunks.slice(1)) registerSource(c.file, 1, c.text);
  return new Port(text, file, options, chunks).result();
}

const UNDECORATED: Decorated = { wrappers: [], options: null, gives: new Map(), warnings: [] };

class Port {
  private readonly source: string;
  private readonly file: string;
  private readonly options: PortOptions;
  private readonly diagnostics: Diagnostic[] = [];
  /** Names of the package that the ported file uses beside `kernel` and `tl`. */
  private readonly imports = new Set<string>();
  private readonly decorated = new Map<FunctionInfo, Decorated>();
  private readonly program: Program;
  private readonly module: ReturnType<typeof parseModule>;
  /** Where the parts of `source` come from, if from several files. */
  private readonly chunks: readonly Chunk[];
  constructor(source: string, file: string, options: PortOptions, chunks: readonly Chunk[]) {
    this.source = source;
    this.chunks = chunks;
    this.file = file;
    this.options = options;
    this.module = parseModule(source);
    this.program = readProgram(this.module, source, options.strict ?? false, options.types);
    this.decorate();
  }
  /** Runs what the file computes for its decorators, where there are some. */
  private decorate(): void {
    const host: Host = {
      evaluator: new Evaluator(this.source, (e) => this.program.library(e)),
      names: this.program,
      comments: new Comments(this.source, this.module.comments),
      imports: this.imports,
    };
    const read = (fn: FunctionInfo, scope: Scope): void => {
      const decorated = readDecorators(fn.def, fn.isKernel, host, scope);
      this.decorated.set(fn, decorated);
      if (decorated.gives.size) learn(this.program, fn, decorated.gives);
    };
    const plain = (fn: FunctionInfo): boolean => fn.def.decorators.every((d) => !d.args);
    if (this.program.list.every(plain)) for (const fn of this.program.list) read(fn, new Scope(null));
    else
      runModule(this.module, host.evaluator, (name, scope) => {
        const fn = this.program.functions.get(name);
        if (fn) read(fn, scope);
      });
  }

  result(): PortResult {
    const kernels: PortedKernel[] = [];
    const parts: Doc[] = [];
    for (const f of this.module.functions) {
      if (f instanceof Unportable) {
        this.report(f);
        continue;
      }
      const fn = this.program.functions.get(f.name)!;
      if (fn.def !== f) continue; // defined again further down
      try {
        parts.push(this.fn(fn));
        if (fn.isKernel) kernels.push({ name: f.name, exportName: tsName(f.name), params: f.params.map((p) => p.name) });
      } catch (e) {
        if (!(e instanceof Unportable)) throw e;
        this.report(e, f.name);
      }
    }
    if (!this.module.functions.length) this.diagnostics.push(diagnostic(this.loc({ from: 0, to: 1 }), PORT.noKernels));
    const needed = new Set([...this.imports, ...(kernels.length ? ['kernel'] : []), ...(parts.length ? ['tl'] : [])]);
    const uses = IMPORTS.filter((n) => needed.has(n));
    const head = [
      `// Ported from ${this.file} by \`tessera port\`.`,
      '',
      `import { ${uses.join(', ')} } from '${this.options.importFrom ?? 'tessera'}';`,
    ];
    const constants = this.constants();
    const width = this.options.width ?? 130;
    const front = [head.join('\n'), ...(constants.length ? [constants.join('\n')] : [])].join('\n\n');
    const lines: number[] = front.split('\n').map(() => 0);
    const chunks = parts.map((p) => {
      const begin = lines.length + 1;
      const text = print(p, width, 0, (line, at) => {
        const python = this.place(at)[0];
        lines[begin + line] = this.chunkOf(python).begin === 1 ? python : 0;
      });
      const count = begin + text.split('\n').length;
      // A statement goes on until the next one begins.
      for (let i = begin - 1; i < count; i++) lines[i] ??= lines[i - 1] ?? 0;
      return text;
    });
    const code = parts.length ? `${[front, ...chunks].join('\n\n')}\n` : '';
    return { code, diagnostics: this.diagnostics, kernels, lines };
  }

  // ---- messages
  private place(offset: number): [line: number, col: number] {
    const before = this.source.slice(0, offset);
    return [before.split('\n').length, offset - before.lastIndexOf('\n')];
  }
  private loc({ from, to }: { readonly from: number; readonly to: number }, fn?: string): Loc {
    const [[line, col], [endLine, endCol]] = [this.place(from), this.place(to)];
    const { file, begin } = this.chunkOf(line);
    return { file, line: line - begin + 1, col, endLine: endLine - begin + 1, endCol, ...(fn ? { fn } : {}) };
  }
  private chunkOf(line: number): { readonly file: string; readonly begin: number } {
    return this.chunks.findLast((c) => c.begin <= line) ?? { file: this.file, begin: 1 };
  }
  private report(e: Unportable, fn?: string, severity: Diagnostic['severity'] = 'error'): void {
    this.diagnostics.push({ ...e.diagnostic(this.loc(e.at, fn)), severity });
  }

  // ---- module level
  private used(fn: FunctionInfo): Set<string> {
    const out = new Set<string>();
    const add = (e: Expr): void => {
      for (const x of expressions(e)) if (x.k === 'name') out.add(x.name);
    };
    for (const s of statements(fn.def.body)) ownExpressions(s).forEach(add);
    for (const p of fn.def.params) if (p.value) add(p.value);
    return new Set([...out].filter((n) => !fn.params.has(n) && !fn.vars.has(n)));
  }
  /** Whole floats must be written inside kernels: to JavaScript a module constant `2.0` is an integer. */
  private wholeFloat(name: string): string | null {
    const e = this.value(name);
    const known = e ? evaluate(e, this.program.math) : null;
    if (!known?.float || !Number.isInteger(known.value)) return null;
    if (e?.k === 'number') return e.text;
    const digits = String(known.value);
    return /[.e]/.test(digits) ? digits : `${digits}.0`;
  }
  /** The value of a module constant without `tl.constexpr(…)`. */
  private value(name: string): Expr | undefined {
    const e = this.program.constants.get(name);
    return e?.k === 'call' && this.program.library(e.fn) === 'constexpr' ? e.args[0]?.value : e;
  }
  private constants(): string[] {
    const names = new Set(this.program.list.flatMap((fn) => [...this.used(fn)]));
    for (const n of names) {
      const e = this.value(n);
      if (e) for (const x of expressions(e)) if (x.k === 'name') names.add(x.name);
    }
    const c = this.context({
      def: this.program.list[0]?.def,
      isKernel: false,
      params: new Map(),
      vars: new Map(),
      pointers: new Set(),
      parts: new Map(),
      tensors: new Set(),
      result: { kind: 'any', rank: null, constant: true },
    });
    return [...this.program.constants.keys()].flatMap((n) => {
      const e = names.has(n) && this.wholeFloat(n) === null && this.value(n);
      if (!e) return [];
      try {
        return [`const ${tsName(n)} = ${print(expressionText(c, e), 130)};`];
      } catch (err) {
        if (!(err instanceof Unportable)) throw err;
        this.report(err);
        return [];
      }
    });
  }

  // ---- functions
  private context(fn: FunctionInfo): Context {
    return { names: this.program, fn, types: new Types(this.program, fn), strict: this.options.strict ?? false };
  }
  private fn(fn: FunctionInfo): Doc {
    const { def } = fn;
    const comments = new Comments(this.source, this.module.comments);
    const scope = planScope(fn);
    if (scope.escaped) stop(scope.escaped.at, PORT.loopVariable, scope.escaped.name);
    const c: BodyContext = { ...this.context(fn), scope, comments };
    const decorated = this.decorated.get(fn) ?? UNDECORATED;
    for (const w of decorated.warnings) this.report(w, def.name, 'warning');
    comments.seek(def.nameAt.to);
    const head = fn.isKernel ? kernelHead(c, this.source, this.options.types, decorated.gives) : helperHead(c, this.source);
    const inlined = [...this.used(fn)].flatMap((n): Doc[] => {
      const value = this.wholeFloat(n);
      return value === null ? [] : [`const ${tsName(n)} = ${value};`];
    });
    for (const n of this.used(fn)) this.checkName(fn, n);
    for (const s of statements(def.body))
      for (const own of ownExpressions(s))
        for (const x of expressions(own))
          if (x.k === 'name' && !fn.params.has(x.name) && !fn.vars.has(x.name)) strictGlobal(c, x, x.name);
    const body = block(c, def.body, def.header, comments.endOfBlock(def.to), inlined);
    const above = comments.above(def.from).flatMap((t): Doc[] => [t, hardline]);
    const name = `export const ${tsName(def.name)} = `;
    if (!fn.isKernel) return [above, from(def.nameAt.from), jsDoc(def.docstring), name, 'tl.fn(', head, body, ');'];
    const { options, wrappers } = decorated;
    const made: Doc = options ? wrapCall('kernel', [head, body], options) : ['kernel(', head, body, ')'];
    const all = wrappers.reduce((inner, w) => wrapCall(w.name, inner, w.options), made);
    return [above, from(def.nameAt.from), jsDoc(def.docstring), name, all, ';'];
  }
  private checkName(fn: FunctionInfo, name: string): void {
    const e: Expr = { k: 'name', name, from: 0, to: 0 };
    const known =
      this.program.functions.has(name) ||
      this.program.constants.has(name) ||
      isBuiltIn(name) ||
      this.program.library(e) !== null ||
      ['tl', 'triton'].includes(name);
    if (known) return;
    for (const s of statements(fn.def.body))
      for (const own of ownExpressions(s))
        for (const x of expressions(own))
          if (x.k === 'name' && x.name === name && !(this.program.library(x) !== null)) {
            if (isModuleHead(this.program, s, x)) return;
            stop(x, PORT.unknownName, name);
          }
  }
}
/** `x` is the head of a dotted name of Triton's, e.g. `tl` of `tl.load`. */
const isModuleHead = (program: Program, s: Parameters<typeof ownExpressions>[0], x: Expr): boolean =>
  ownExpressions(s).some((own) =>
    [...expressions(own)].some(
      (e) => e.k === 'attribute' && e.from === x.from && (program.library(e) ?? program.math(e)) !== null,
    ),
  );
