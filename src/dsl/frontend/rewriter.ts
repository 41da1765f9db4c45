// The state of rewriting one kernel or device function: the output, the scopes, the table of spans, the diagnostics, and the
// names of helper variables. What happens to a piece of syntax stands in the handler tables (`subset.ts`), not here.

import type { Diagnostic, Loc, Message } from '../diagnostics.ts';
import { diagnostic } from '../diagnostics.ts';
import type { Span } from '../trace/definition.ts';
import { assignment } from './assign.ts';
import { Assignments, type Range, rangeOf, within } from './assigned.ts';
import type { FunctionLiteral, Imports } from './imports.ts';
import { MSG } from './messages.ts';
import { ts } from './project.ts';
import { bare, type Decl, eachAssignment, isAssignment, isFunction, type Scopes } from './scope.ts';
import { EXPRESSIONS, refusal, STATEMENTS } from './subset.ts';
import type { Slot, Writer } from './writer.ts';

/** The function whose statements are being rewritten: the kernel or one inside it. */
export interface FunctionState {
  readonly range: Range;
  /** Early returns are structured; the result is kept in `$ret`. */
  readonly structured: boolean;
  readonly returnsValue: boolean;
  readonly isKernel: boolean;
  readonly returns: readonly ts.ReturnStatement[];
  loopDepth: number;
  /** Returns emitted so far that set the `$done` flag. */
  flagged: number;
  readonly declarations: Slot | null;
}

/** One source file, shared by the definitions in it. */
export interface FileState {
  readonly file: string;
  readonly source: ts.SourceFile;
  readonly writer: Writer;
  readonly scopes: Scopes;
  readonly imports: Imports;
  readonly diagnostics: Diagnostic[];
  /** Declarations that are assigned somewhere besides their initialiser, with the line; computed on first use. */
  changing?: Map<Decl, number>;
}

export class Rewriter {
  readonly file: FileState;
  readonly root: FunctionLiteral;
  readonly name: string;
  readonly w: Writer;
  readonly assigned: Assignments;
  /** Spans named by index from the emitted code. */
  readonly spans: Span[] = [];
  /** Names of the tracer and of helper variables, distinct from all names of the kernel. */
  readonly helper: {
    readonly tracer: string;
    readonly ret: string;
    readonly done: string;
    readonly rest: string;
    readonly set: string;
  };
  fn!: FunctionState;
  #rests = 0;
  readonly #index = new Map<string, number>();
  readonly #range: Range;
  readonly #reported = new Set<ts.Node>();

  constructor(file: FileState, root: FunctionLiteral, name: string) {
    this.file = file;
    this.root = root;
    this.name = name;
    this.w = file.writer;
    this.#range = rangeOf(root);
    this.assigned = new Assignments(root, file.scopes);
    const text = root.getText();
    const fresh = (wanted: string, after = '(?![\\w$])') => {
      let n = wanted;
      while (new RegExp(`(?<![\\w$])${n.replaceAll('$', '\\$')}${after}`).test(text)) n += '_';
      return n;
    };
    this.helper = {
      tracer: fresh('$', '(?![\\w${])'),
      ret: fresh('$ret'),
      done: fresh('$done'),
      rest: fresh('$rest', '\\d'),
      set: fresh('$set'),
    };
    for (const h of this.assigned.hidden) this.report(h.node, MSG.hiddenAssignment, h.decl.name);
  }

  // ---- places and diagnostics ------------------------------------------------------------------------------------------

  span(start: number, end: number): Span {
    const s = this.file.source;
    const a = s.getLineAndCharacterOfPosition(start);
    const b = s.getLineAndCharacterOfPosition(end);
    return [a.line + 1, a.character + 1, b.line + 1, b.character + 1];
  }

  spanOf(n: ts.Node): Span {
    return this.span(n.getStart(), n.end);
  }

  /** Index of a span in the table. */
  at(n: ts.Node, end = n.end): number {
    const span = this.span(n.getStart(), end);
    const key = span.join();
    let i = this.#index.get(key);
    if (i === undefined) {
      i = this.spans.push(span) - 1;
      this.#index.set(key, i);
    }
    return i;
  }

  report<A extends unknown[]>(n: ts.Node, m: Message<A>, ...args: A): void {
    this.reportSpan(this.spanOf(n), m, ...args);
  }

  reportSpan<A extends unknown[]>([line, col, endLine, endCol]: Span, m: Message<A>, ...args: A): void {
    const loc: Loc = { file: this.file.file, line, col, endLine, endCol, fn: this.name };
    this.file.diagnostics.push(diagnostic(loc, m, ...args));
  }

  // ---- dispatch --------------------------------------------------------------------------------------------------------

  /** Rewrites an expression; the cursor ends behind it. */
  expr(n: ts.Expression): void {
    const handler = EXPRESSIONS.get(n.kind);
    this.w.copyTo(n.getStart());
    if (handler) handler(this, n);
    else this.refuse(n);
    this.w.copyTo(n.end);
  }

  /** Rewrites a statement; the cursor ends behind it. */
  stmt(n: ts.Statement): void {
    const handler = STATEMENTS.get(n.kind);
    this.w.copyTo(n.getStart());
    if (handler) handler(this, n);
    else this.refuse(n);
    this.w.copyTo(n.end);
  }

  /** Refuses a node and looks inside it for more to report. */
  refuse(n: ts.Node): void {
    const { what, help, at } = refusal(n);
    const span = at ? this.span(n.getStart(), n.getStart() + at) : this.spanOf(n);
    this.reportSpan(span, MSG.notInLanguage, what, help);
    this.inside(n);
  }

  /** Reports what is wrong inside a refused node. */
  inside(n: ts.Node): void {
    const loop = ts.isIterationStatement(n, false) || ts.isSwitchStatement(n);
    const outer = this.fn;
    if (isFunction(n)) this.fn = { ...outer, isKernel: false, structured: false, loopDepth: 0 };
    if (loop) this.fn.loopDepth++;
    ts.forEachChild(n, (c) => {
      if (ts.isForStatement(n) && c !== n.statement) return; // its header has been reported as a whole
      if ((ts.isSwitchStatement(n) || loop) && ts.isBreakOrContinueStatement(c)) return;
      if (ts.isTypeNode(c) || ts.isToken(c)) return;
      if (STATEMENTS.has(c.kind)) this.stmt(c as ts.Statement);
      else if (EXPRESSIONS.has(c.kind)) this.expr(c as ts.Expression);
      else this.inside(c);
    });
    if (loop) this.fn.loopDepth--;
    this.fn = outer;
  }

  // ---- text ------------------------------------------------------------------------------------------------------------

  /** Puts a call of the tracer: `$.bin(3, `. */
  open(method: string, at: ts.Node | number, ...rest: string[]): void {
    const i = typeof at === 'number' ? at : this.at(at);
    this.w.put(`${this.helper.tracer}.${method}(${[i, ...rest].join(', ')}, `);
  }

  /** Replaces an operator between two operands by `text`; comments around it stay. */
  separate(operator: ts.Node, text: string): void {
    this.w.put(text);
    const start = operator.getStart();
    const before = this.w.source.slice(this.w.pos, start);
    if (before.trim() === '' && !before.includes('\n')) this.w.skipTo(start);
    else this.w.copyTo(start);
    this.w.skipTo(operator.end);
  }

  /** A name for the function that holds the rest of a block. */
  restName(): string {
    this.#rests += 1;
    return `${this.helper.rest}${this.#rests}`;
  }

  /**
   * The `vars` object of a control-flow call that stands at `at`: variables assigned in `ranges`, declared before, plus the
   * helper variables `extra`. At the `tail` of a function its own variables are of no use any more, and carrying them would
   * demand equal types of them: `get` and `set` still hold them, after the named ones, so that the second branch starts from
   * the same values as the first, but they have no name and thus no value afterwards.
   */
  vars(at: ts.Node, ranges: Range[], extra: readonly string[] = [], tail = false): string {
    const names: string[] = [];
    const restored: string[] = [];
    for (const d of this.assigned.outer(...ranges)) {
      if (this.file.scopes.lookup(at.parent, d.name) !== d) this.report(at, MSG.shadowedEffect, d.name);
      (tail && within(d.pos, this.fn.range) ? restored : names).push(d.name);
    }
    names.push(...extra);
    const list = [...names, ...restored].join(', ');
    if (!list) return '{ names: [], get: () => [], set: () => {} }';
    const { set } = this.helper;
    return `{ names: [${names.map((n) => `'${n}'`).join(', ')}], get: () => [${list}], set: (${set}) => { [${list}] = ${set}; } }`;
  }

  // ---- names -----------------------------------------------------------------------------------------------------------

  /** True when the declaration stands outside the kernel or function being rewritten. */
  isCaptured(d: Decl): boolean {
    return !within(d.pos, this.#range);
  }

  /** Checks a use of a name: captured variables must not change. */
  use(id: ts.Identifier): void {
    const decl = this.file.scopes.lookup(id, id.text);
    if (!decl) return;
    if (!this.isCaptured(decl) || decl.kind === 'const' || decl.kind === 'import') return;
    const line = this.#changing().get(decl);
    if (line !== undefined) this.report(id, MSG.capturedChanges, id.text, line);
  }

  #changing(): Map<Decl, number> {
    if (!this.file.changing) {
      const changing = new Map<Decl, number>();
      eachAssignment(this.file.source, (target) => {
        if (!ts.isIdentifier(target)) return;
        const d = this.file.scopes.lookup(target, target.text);
        // Its only assignment may be the late initialiser of `let x;`, yet it changes: from undefined.
        if (d && !changing.has(d)) changing.set(d, this.spanOf(target)[0]);
      });
      this.file.changing = changing;
    }
    return this.file.changing;
  }

  /** Checks an assignment to a name. */
  assign(id: ts.Identifier): void {
    if (this.#reported.has(id)) return;
    this.#reported.add(id);
    const decl = this.file.scopes.lookup(id, id.text);
    if (!decl || this.isCaptured(decl)) this.report(id, MSG.outerAssigned, id.text);
    else if (decl.kind === 'const' || decl.kind === 'function' || decl.kind === 'self')
      this.report(id, MSG.constAssigned, id.text);
  }

  /** Reports assignments inside an operand that may not run. */
  checkConditional(n: ts.Expression, where: string): void {
    for (const d of this.assigned.outer(rangeOf(n))) this.report(n, MSG.conditionalEffect, d.name, where);
  }

  // ---- values ----------------------------------------------------------------------------------------------------------

  /**
   * Rewrites an initialiser or assigned value: `$.name('x', e)`. Functions keep the name that JavaScript gives them. What is taken
   * apart into `parts` values is checked first.
   */
  named(name: string | null, e: ts.Expression, parts: number | null = null): void {
    const b = bare(e);
    const wrap = name !== null && !ts.isArrowFunction(b) && !ts.isFunctionExpression(b);
    this.w.copyTo(e.getStart());
    if (wrap) this.w.put(`${this.helper.tracer}.name('${name}', `);
    else if (parts !== null) this.open('parts', e, String(parts));
    if (!isAssignment(b) || !assignment(this, e)) this.expr(e);
    if (wrap || parts !== null) this.w.put(')');
  }

  /** The body of `() => x += 1`: an assignment counts as a statement there. `() => x++` would give another value. */
  statementExpression(e: ts.Expression): boolean {
    return !ts.isPostfixUnaryExpression(bare(e)) && assignment(this, e);
  }
}
