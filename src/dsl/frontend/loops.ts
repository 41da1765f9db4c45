// Loops of the kernel language: `for` as a range, `for … of`, `while`. A header that JavaScript would evaluate anew in every
// round, with another outcome than a range, is refused. Bodies become arrow functions.

import type { Range } from './assigned.ts';
import { MSG } from './messages.ts';
import { ts } from './project.ts';
import type { Rewriter } from './rewriter.ts';
import { bare, isAssignment, isIncrement } from './scope.ts';
import { block, headerEnd } from './statements.ts';

/** The end of every loop call: body, variables, name of the loop variable. */
function loopBody(r: Rewriter, s: ts.IterationStatement, params: string, name: string | null): void {
  r.w.skipTo(s.statement.getStart());
  r.fn.loopDepth++;
  block(r, s.statement, params);
  r.fn.loopDepth--;
  r.w.put(`, ${r.vars(s, [[s.getStart(), s.end]])}${name === null ? '' : `, '${name}'`});`);
}

export function whileStatement(r: Rewriter, s: ts.WhileStatement): void {
  r.open('while', r.at(s, headerEnd(s)));
  r.checkConditional(s.expression, 'while');
  r.w.put('() => ');
  r.w.skipTo(s.expression.getStart());
  const wrap = r.w.source[r.w.pos] === '{';
  if (wrap) r.w.put('(');
  r.expr(s.expression);
  r.w.put(wrap ? '), ' : ', ');
  loopBody(r, s, '()', null);
}

export function forOf(r: Rewriter, s: ts.ForOfStatement): void {
  const init = s.initializer;
  const decl = ts.isVariableDeclarationList(init) && init.flags & ts.NodeFlags.BlockScoped ? init.declarations[0] : null;
  const found = s.awaitModifier ? '`for await`' : !decl ? `\`${init.getText()}\` is not a variable of its own` : null;
  if (!decl || found) {
    r.report(init, MSG.forOfHeader, found ?? '');
    r.inside(s);
    return;
  }
  const binding = decl.name.getText().replace(/\s+/g, ' ');
  if (!ts.isIdentifier(decl.name) && binding.includes('=')) r.report(decl.name, MSG.forOfHeader, 'a default in its pattern');
  r.open('forOf', r.at(s, headerEnd(s)));
  r.w.skipTo(s.expression.getStart());
  r.expr(s.expression);
  r.w.put(', ');
  loopBody(r, s, `(${binding})`, binding);
}

interface Header {
  readonly name: string;
  readonly start: ts.Expression;
  readonly stop: ts.Expression;
  readonly cmp: string;
  readonly next: ts.Expression;
  readonly sign: '' | '-';
  /** Absent for `i++` and `i--`. */
  readonly step: ts.Expression | null;
  readonly variable: ts.Identifier;
}

/** What a header that is not the plain form has instead, and where. */
interface Odd {
  readonly node: ts.Node;
  readonly found: string;
}

const SK = ts.SyntaxKind;
const COMPARISONS: ReadonlySet<ts.SyntaxKind> = new Set([
  SK.LessThanToken,
  SK.LessThanEqualsToken,
  SK.GreaterThanToken,
  SK.GreaterThanEqualsToken,
]);

function readHeader(s: ts.ForStatement): Header | Odd {
  const init = s.initializer;
  if (!init) return { node: s, found: 'it has no start' };
  if (!ts.isVariableDeclarationList(init) || !(init.flags & ts.NodeFlags.Let))
    return { node: init, found: `\`${init.getText()}\` does not declare its variable with \`let\`` };
  if (init.declarations.length > 1) return { node: init, found: 'it declares several variables' };
  const { name: variable, initializer: start } = init.declarations[0];
  if (!ts.isIdentifier(variable) || !start) return { node: init, found: `\`${init.getText()}\` gives no start` };
  const isVariable = (e: ts.Expression) => {
    const b = bare(e);
    return ts.isIdentifier(b) && b.text === variable.text;
  };
  if (!s.condition) return { node: s, found: 'it has no condition' };
  const c = bare(s.condition);
  if (!ts.isBinaryExpression(c) || !COMPARISONS.has(c.operatorToken.kind) || !isVariable(c.left))
    return { node: s.condition, found: `its condition \`${c.getText()}\` is not \`${variable.text} < stop\`` };
  if (!s.incrementor) return { node: s, found: 'it has no step' };
  const next = bare(s.incrementor);
  const step = stepOf(next, isVariable);
  if (!step) return { node: next, found: `its step is \`${next.getText()}\`` };
  return { name: variable.text, variable, start, stop: c.right, cmp: c.operatorToken.getText(), next, ...step };
}

/** `for (let i = start; i < stop; i += step)`: a range. Every other header is refused. */
export function forStatement(r: Rewriter, s: ts.ForStatement): void {
  const h = readHeader(s);
  if ('found' in h) {
    const whole = h.node === s;
    r.reportSpan(whole ? r.span(s.getStart(), headerEnd(s)) : r.spanOf(h.node), MSG.forHeader, h.found);
    r.inside(s);
    return;
  }
  const body: Range = [s.statement.getStart(), s.statement.end];
  const variable = r.file.scopes.lookup(h.variable, h.name)!;
  if (r.assigned.has(variable, body)) reportAssigned(r, s.statement, h.name);
  checkBound(r, h.stop, 'stop', body);
  if (h.step) checkBound(r, h.step, 'step', body);

  r.open('for', r.at(s, headerEnd(s)));
  r.w.put('{ start: ');
  r.w.skipTo(h.start.getStart());
  r.expr(h.start);
  r.w.put(', stop: ');
  r.w.skipTo(h.stop.getStart());
  r.expr(h.stop);
  stepField(r, h);
  r.w.put(`, cmp: '${h.cmp}' }, `);
  loopBody(r, s, `(${h.name})`, h.name);
}

function stepField(r: Rewriter, { step, sign, next }: Header): void {
  const negate = sign === '-' && step !== null && !ts.isNumericLiteral(step);
  r.w.put(`, step: ${negate ? '' : sign}${step ? '' : '1'}`);
  if (!step) return;
  if (negate) r.open('un', next, "'-'");
  r.w.skipTo(step.getStart());
  r.expr(step);
  if (negate) r.w.put(')');
}

function stepOf(n: ts.Expression, isVariable: (e: ts.Expression) => boolean): Pick<Header, 'sign' | 'step'> | null {
  if (isIncrement(n)) return isVariable(n.operand) ? { sign: n.operator === SK.PlusPlusToken ? '' : '-', step: null } : null;
  if (!isAssignment(n) || !isVariable(n.left)) return null;
  const op = n.operatorToken.kind;
  if (op === SK.PlusEqualsToken) return { sign: '', step: n.right };
  return op === SK.MinusEqualsToken ? { sign: '-', step: n.right } : null;
}

/** Points at each assignment of the loop variable. */
function reportAssigned(r: Rewriter, body: ts.Statement, name: string): void {
  (function walk(n: ts.Node): void {
    const target = isAssignment(n) ? bare(n.left) : isIncrement(n) ? bare(n.operand) : null;
    if (target && ts.isIdentifier(target) && target.text === name) r.report(n, MSG.loopVariableAssigned, name);
    ts.forEachChild(n, walk);
  })(body);
}

/** The bound is evaluated once; what it mentions must not change in the body. */
function checkBound(r: Rewriter, bound: ts.Expression, part: string, body: Range): void {
  const seen = new Set<string>();
  (function walk(n: ts.Node): void {
    if (ts.isIdentifier(n) && !seen.has(n.text)) {
      seen.add(n.text);
      const d = r.file.scopes.lookup(n, n.text);
      if (d && r.assigned.has(d, body)) r.report(n, MSG.loopBoundChanges, n.text, part);
    }
    ts.forEachChild(n, walk);
  })(bound);
}
