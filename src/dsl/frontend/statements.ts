// Statements of the kernel language. Control flow becomes calls of the tracer with the bodies as arrow functions; early
// returns become nested branches. Text keeps its order: what follows a returning `if` moves, in place, into its other branch.

import { assignment } from './assign.ts';
import type { Range } from './assigned.ts';
import { within } from './assigned.ts';
import { ends, mayReturn } from './flow.ts';
import { bindingDefaults, functionValue } from './functions.ts';
import { MSG } from './messages.ts';
import { ts } from './project.ts';
import type { Rewriter } from './rewriter.ts';
import { bare, boundNames, partCount } from './scope.ts';

/** What runs at the end of a list that does not return: a call, and the source that the call stands for. */
interface Next {
  readonly call: string;
  readonly ranges: readonly Range[];
}

/** What comes after a list of statements. */
interface After {
  readonly next: Next | null;
  /** Returns set `$done`, because somebody after the list asks. */
  readonly flag: boolean;
  /** Nothing of the function runs after the list, so only its result is carried out of branches that may return. */
  readonly tail: boolean;
}
/** A body whose returns, if any, need no care: loop bodies, branches without returns. */
const PLAIN: After = { next: null, flag: false, tail: false };

// ---- lists and early returns --------------------------------------------------------------------------------------------

/** Rewrites the statements of a block. `after.next` runs where the list ends without a return. */
export function list(r: Rewriter, statements: readonly ts.Statement[], after: After): void {
  for (let i = 0; i < statements.length; i++) {
    const s = statements[i];
    if (!mayReturn(s) || !r.fn.structured) {
      r.stmt(s);
      continue;
    }
    const rest = statements.slice(i + 1);
    if (ts.isReturnStatement(s)) {
      r.w.copyTo(s.getStart());
      structuredReturn(r, s, after.flag);
      dropRest(r, rest);
      return;
    }
    if (ends(s) === 0) {
      branching(r, s, { ...after, next: null });
      dropRest(r, rest);
      return;
    }
    if (!rest.length && (!after.next || repeats(r, s))) {
      branching(r, s, after);
      return;
    }
    beforeRest(r, s, rest, after);
    return;
  }
  if (after.next) r.w.put(` ${after.next.call};`);
}

/**
 * May what follows `s` be attached to every end of `s`? Always if there is one. If there are more, the rest is traced once
 * for each under a device condition: needed where a value is returned, since a flag would leave it unset on some way. A
 * kernel returns nothing, and takes the flag.
 */
const repeats = (r: Rewriter, s: ts.Statement): boolean => ends(s) === 1 || r.fn.returnsValue;

/** A statement that returns on some paths, with something after it. */
function beforeRest(r: Rewriter, s: ts.Statement, rest: readonly ts.Statement[], after: After): void {
  const range: Range = rest.length ? [rest[0].getStart(), rest[rest.length - 1].end] : [s.end, s.end];
  const ranges: Range[] = [range, ...(after.next?.ranges ?? [])];
  const emitRest = () => list(r, rest, after);
  if (ts.isIfStatement(s) && ends(s.thenStatement) === 0 && (!s.elseStatement || !mayReturn(s.elseStatement))) {
    ifStatement(r, s, { ...after, next: null }, { emit: emitRest, ranges });
    return;
  }
  if (repeats(r, s) && !redeclares(r, s, ranges)) {
    const name = r.restName();
    branching(r, s, { ...after, next: { call: `${name}()`, ranges } });
    r.w.put(` function ${name}() {`);
    emitRest();
    r.w.put(' }');
    return;
  }
  branching(r, s, { next: null, flag: true, tail: false });
  const flagged = r.fn.flagged;
  const i = r.at(s, headerEnd(s));
  const t = r.helper.tracer;
  r.w.put(` ${t}.if(${i}, ${t}.un(${i}, '!', ${r.helper.done}), () => {`);
  emitRest();
  const extra = resultNames(r, ranges, after.flag || r.fn.flagged > flagged);
  r.w.put(` }, null, ${r.vars(s, ranges, extra, after.tail)});`);
}

/** True when a name that the rest assigns is declared anew inside `s`, so that a call from there would see the wrong one. */
function redeclares(r: Rewriter, s: ts.Statement, after: readonly Range[]): boolean {
  const names = new Set(r.assigned.outer([s.getStart(), s.getStart()], ...after).map((d) => d.name));
  if (!names.size) return false;
  let found = false;
  (function walk(n: ts.Node): void {
    if ((ts.isVariableDeclaration(n) || ts.isParameter(n)) && [...boundNames(n.name)].some((id) => names.has(id.text)))
      found = true;
    if (ts.isFunctionDeclaration(n) && n.name && names.has(n.name.text)) found = true;
    if (!found) ts.forEachChild(n, walk);
  })(s);
  return found;
}

/** Statements after a return never run; function declarations among them are hoisted and stay. */
function dropRest(r: Rewriter, rest: readonly ts.Statement[]): void {
  for (const s of rest) {
    if (ts.isFunctionDeclaration(s)) r.stmt(s);
    else {
      r.w.copyTo(s.getStart());
      r.w.skipTo(s.end);
    }
  }
}

/** An `if` or block that may return. */
function branching(r: Rewriter, s: ts.Statement, after: After): void {
  r.w.copyTo(s.getStart());
  if (ts.isBlock(s)) {
    r.w.copyTo(s.getStart() + 1);
    list(r, s.statements, after);
    r.w.copyTo(s.end);
  } else ifStatement(r, s as ts.IfStatement, after);
}

/** `$ret` and `$done`, where the ranges assign them. */
function resultNames(r: Rewriter, ranges: readonly Range[], flagged: boolean): string[] {
  if (!r.fn.structured) return [];
  const inside = r.fn.returns.filter((x) => ranges.some((g) => within(x.getStart(), g)));
  const value = r.fn.returnsValue && inside.length > 0;
  return [...(value ? [r.helper.ret] : []), ...(flagged && inside.length ? [r.helper.done] : [])];
}

function structuredReturn(r: Rewriter, s: ts.ReturnStatement, flag: boolean): void {
  checkReturn(r, s);
  if (s.expression) {
    r.w.put(`${r.helper.ret} = `);
    r.w.skipTo(s.expression.getStart());
    r.expr(s.expression);
    r.w.put(';');
  }
  if (flag) {
    r.fn.flagged++;
    r.w.put(`${s.expression ? ' ' : ''}${r.helper.done} = true;`);
  }
  r.w.skipTo(s.end);
}

/** A `return` that stays one: the last statement of its function. */
export function returnStatement(r: Rewriter, s: ts.ReturnStatement): void {
  checkReturn(r, s);
  if (s.expression) r.expr(s.expression);
}

function checkReturn(r: Rewriter, s: ts.ReturnStatement): void {
  if (r.fn.loopDepth > 0) r.report(s, MSG.returnInLoop);
  if (r.fn.isKernel && s.expression && bare(s.expression).getText() !== 'undefined') r.report(s, MSG.kernelReturnsValue);
}

// ---- branches -----------------------------------------------------------------------------------------------------------

/** Offset just behind the `)` of a control statement. */
export function headerEnd(s: ts.Statement): number {
  const part = ts.isIfStatement(s) ? s.thenStatement : ts.isIterationStatement(s, false) ? s.statement : null;
  if (!part) return s.getStart() + 1;
  return s.getStart() + s.getSourceFile().text.slice(s.getStart(), part.getFullStart()).trimEnd().length;
}

/** `if` with everything after it (`rest`) moved into the branch that does not return. */
function ifStatement(r: Rewriter, s: ts.IfStatement, after: After, rest?: { emit: () => void; ranges: Range[] }): void {
  const flagged = r.fn.flagged;
  r.w.copyTo(s.getStart());
  r.open('if', r.at(s, headerEnd(s)));
  r.w.skipTo(s.expression.getStart());
  r.expr(s.expression);
  r.w.put(',');
  r.w.gapTo(s.thenStatement.getStart());
  block(r, s.thenStatement, '()', after);
  if (rest) {
    r.w.put(', () => {');
    if (s.elseStatement) {
      r.w.gapTo(s.elseStatement.getStart());
      r.stmt(s.elseStatement);
    }
    rest.emit();
    r.w.put(' }');
  } else if (s.elseStatement) {
    r.w.put(',');
    r.w.gapTo(s.elseStatement.getStart());
    block(r, s.elseStatement, '()', after);
  } else r.w.put(after.next ? `, () => { ${after.next.call}; }` : ', null');
  const ranges: Range[] = [[s.getStart(), s.end], ...(rest?.ranges ?? after.next?.ranges ?? [])];
  const extra = resultNames(r, ranges, after.flag || r.fn.flagged > flagged);
  r.w.put(`, ${r.vars(s, ranges, extra, after.tail)});`);
}

/** A branch or loop body as an arrow function. */
export function block(r: Rewriter, s: ts.Statement, params: string, after: After = PLAIN): void {
  if (ts.isBlock(s)) {
    r.w.put(`${params} => `);
    r.w.copyTo(s.getStart() + 1);
    list(r, s.statements, after);
    r.w.copyTo(s.end);
  } else {
    r.w.put(`${params} => { `);
    list(r, [s], after);
    r.w.put(' }');
  }
}

export function plainIf(r: Rewriter, s: ts.IfStatement): void {
  ifStatement(r, s, PLAIN);
}

// ---- the rest -----------------------------------------------------------------------------------------------------------

export function variables(r: Rewriter, s: ts.VariableStatement): void {
  const { declarationList } = s;
  const flags = declarationList.flags & ts.NodeFlags.BlockScoped;
  if (flags !== ts.NodeFlags.Const && flags !== ts.NodeFlags.Let) {
    r.refuse(s);
    return;
  }
  for (const d of declarationList.declarations) {
    bindingDefaults(r, d.name);
    if (d.initializer) r.named(ts.isIdentifier(d.name) ? d.name.text : null, d.initializer, partCount(d.name));
  }
}

export function expressionStatement(r: Rewriter, s: ts.ExpressionStatement): void {
  if (!assignment(r, s.expression)) r.expr(s.expression);
}

export function blockStatement(r: Rewriter, s: ts.Block): void {
  r.w.copyTo(s.getStart() + 1);
  list(r, s.statements, PLAIN);
}

export function functionDeclaration(r: Rewriter, s: ts.FunctionDeclaration): void {
  functionValue(r, s);
}
