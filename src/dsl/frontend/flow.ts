// Where a function returns. Early `return`s become structured control flow; this file says, for a statement, how many of its
// ends are reached without a return, which decides how the rest of the block is attached. Reads syntax, emits nothing.

import { ts } from './project.ts';
import { isFunction } from './scope.ts';

/**
 * How a statement ends: 0, every path returns; 1, no path returns, or exactly one end falls through and there no return has
 * happened; 2, several ends fall through and some path has returned, so a flag must tell.
 */
export type Ends = 0 | 1 | 2;

/** The `return` statements of a function's own body, inner functions left out. */
export function returnsOf(body: ts.Node): ts.ReturnStatement[] {
  const out: ts.ReturnStatement[] = [];
  (function walk(n: ts.Node): void {
    if (isFunction(n) && n !== body) return;
    if (ts.isReturnStatement(n)) out.push(n);
    ts.forEachChild(n, walk);
  })(body);
  return out;
}

/** True when a path through `s` may return from the function it stands in. Loops do not count: they are refused. */
export function mayReturn(s: ts.Statement): boolean {
  if (ts.isReturnStatement(s)) return true;
  if (ts.isBlock(s)) return s.statements.some(mayReturn);
  if (ts.isIfStatement(s)) return mayReturn(s.thenStatement) || (!!s.elseStatement && mayReturn(s.elseStatement));
  return false;
}

export function ends(s: ts.Statement | undefined): Ends {
  if (!s || !mayReturn(s)) return 1;
  if (ts.isReturnStatement(s)) return 0;
  if (ts.isBlock(s)) return listEnds(s.statements);
  const { thenStatement, elseStatement } = s as ts.IfStatement;
  return Math.min(2, ends(thenStatement) + ends(elseStatement)) as Ends;
}

function listEnds(list: readonly ts.Statement[]): Ends {
  const all = list.map(ends);
  return all.includes(0) ? 0 : all.includes(2) ? 2 : 1;
}
