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
import { bare, boundNames } from './scope.ts';

/** What runs at the end of a list that does not return: a call, and the source that the call stands for. */
interface Then {
  readonly call: string;
  readonly ranges: readonly Range[];
}

// ---- lists and early returns --------------------------------------------------------------------------------------------

/**
 * Rewrites the statements of a block. `then` runs where the list ends without a return; with `flag`, returns set `$done`,
 * because somebody after the list asks.
 */
export function list(r: Rewriter, statements: readonly ts.Statement[], then: Then | null, flag: boolean): void {
  for (let i = 0; i < statements.length; i++) {
    const s = statements[i];
    if (!mayReturn(s) || !r.fn.structured) {
      r.stmt(s);
      continue;
    }
    const rest = statements.slice(i + 1);
    if (ts.isReturnStatement(s)) {
      r.w.copyTo(s.getStart());
      structuredReturn(r, s, flag);
      dropRest(r, rest);
      return;
    }
    if (ends(s) === 0) {
      branching(r, s, null, flag);
      dropRest(r, rest);
      return;
    }
    if (!rest.length && (!then || ends(s) === 1)) {
      branching(r, s, then, flag);
      return;
    }
    beforeRest(r, s, rest, then, flag);
    return;
  }
  if (then) r.w.put(` ${then.call};`);
}

/** A statement that returns on some paths, with something after it. */
function beforeRest(r: Rewriter, s: ts.Statement, rest: readonly ts.Statement[], then: Then | null, flag: boolean): void {
  const range: Range = rest.length ? [rest[0].getStart(), rest[rest.length - 1].end] : [s.end, s.end];
  const after: Range[] = [range, ...(then?.ranges ?? [])];
  const tail = () => list(r, rest, then, flag);
  if (ts.isIfStatement(s) && ends(s.thenStatement) === 0 && (!s.elseStatement || !mayReturn(s.elseStatement))) {
    ifStatement(r, s, null, flag, { emit: tail, ranges: after });
    return;
  }
  if (ends(s) === 1 && !redeclares(r, s, after)) {
    const name = r.restName();
    branching(r, s, { call: `${name}()`, ranges: after }, flag);
    r.w.put(` function ${name}() {`);
    tail();
    r.w.put(' }');
    return;
  }
  branching(r, s, null, true);
  const flagged = r.fn.flagged;
  const i = r.at(s, headerEnd(s));
  const t = r.helper.tracer;
  r.w.put(` ${t}.if(${i}, ${t}.un(${i}, '!', ${r.helper.done}), () => {`);
  tail();
  r.w.put(` }, null, ${r.vars(s, after, resultNames(r, after, flag || r.fn.flagged > flagged))});`);
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
function branching(r: Rewriter, s: ts.Statement, then: Then | null, flag: boolean): void {
  r.w.copyTo(s.getStart());
  if (ts.isBlock(s)) {
    r.w.copyTo(s.getStart() + 1);
    list(r, s.statements, then, flag);
    r.w.copyTo(s.end);
  } else ifStatement(r, s as ts.IfStatement, then, flag);
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

/** `if` with everything after it (`tail`) moved into the branch that does not return. */
function ifStatement(
  r: Rewriter,
  s: ts.IfStatement,
  then: Then | null,
  flag: boolean,
  tail?: { emit: () => void; ranges: Range[] },
): void {
  const flagged = r.fn.flagged;
  r.w.copyTo(s.getStart());
  r.open('if', r.at(s, headerEnd(s)));
  r.w.skipTo(s.expression.getStart());
  r.expr(s.expression);
  r.w.put(', ');
  r.w.skipTo(s.thenStatement.getStart());
  block(r, s.thenStatement, '()', then, flag);
  if (tail) {
    r.w.put(', () => {');
    if (s.elseStatement) {
      r.w.put(' ');
      r.w.skipTo(s.elseStatement.getStart());
      r.stmt(s.elseStatement);
    }
    tail.emit();
    r.w.put(' }');
  } else if (s.elseStatement) {
    r.w.put(', ');
    r.w.skipTo(s.elseStatement.getStart());
    block(r, s.elseStatement, '()', then, flag);
  } else r.w.put(then ? `, () => { ${then.call}; }` : ', null');
  const ranges: Range[] = [[s.getStart(), s.end], ...(tail?.ranges ?? then?.ranges ?? [])];
  r.w.put(`, ${r.vars(s, ranges, resultNames(r, ranges, flag || r.fn.flagged > flagged))});`);
}

/** A branch or loop body as an arrow function. */
export function block(r: Rewriter, s: ts.Statement, params: string, then: Then | null, flag: boolean): void {
  if (ts.isBlock(s)) {
    r.w.put(`${params} => `);
    r.w.copyTo(s.getStart() + 1);
    list(r, s.statements, then, flag);
    r.w.copyTo(s.end);
  } else {
    r.w.put(`${params} => { `);
    list(r, [s], then, flag);
    r.w.put(' }');
  }
}

export function plainIf(r: Rewriter, s: ts.IfStatement): void {
  ifStatement(r, s, null, false);
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
    if (d.initializer) r.named(ts.isIdentifier(d.name) ? d.name.text : null, d.initializer);
  }
}

export function expressionStatement(r: Rewriter, s: ts.ExpressionStatement): void {
  if (!assignment(r, s.expression)) r.expr(s.expression);
}

export function blockStatement(r: Rewriter, s: ts.Block): void {
  r.w.copyTo(s.getStart() + 1);
  list(r, s.statements, null, false);
}

export function functionDeclaration(r: Rewriter, s: ts.FunctionDeclaration): void {
  functionValue(r, s);
}
