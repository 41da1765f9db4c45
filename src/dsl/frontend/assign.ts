// Assignments, `+=` and its kin, `++` and `--`, where they are statements. `x += e` becomes `x = $.name('x', $.bin(…))`.

import { MSG } from './messages.ts';
import { COMPOUND_OPS } from './operators.ts';
import { ts } from './project.ts';
import type { Rewriter } from './rewriter.ts';
import { assignedTargets, bare, isAssignment, isIncrement, partCount } from './scope.ts';

/** Rewrites an assignment or increment that stands as a statement; false when `n` is neither. */
export function assignment(r: Rewriter, n: ts.Expression): boolean {
  const e = bare(n);
  if (isIncrement(e)) increment(r, e);
  else if (!isAssignment(e)) return false;
  else if (e.operatorToken.kind === ts.SyntaxKind.EqualsToken) plain(r, e);
  else compound(r, e);
  r.w.copyTo(n.end);
  return true;
}

function plain(r: Rewriter, e: ts.BinaryExpression): void {
  const target = bare(e.left);
  check(r, target);
  parts(r, e.left);
  r.w.copyTo(e.left.end);
  r.named(ts.isIdentifier(target) ? target.text : null, e.right, partCount(target));
}

/** Reports what may not be assigned. */
function check(r: Rewriter, target: ts.Expression): void {
  for (const t of assignedTargets(target)) {
    if (ts.isIdentifier(t)) r.assign(t);
    else if (ts.isPropertyAccessExpression(t) || ts.isElementAccessExpression(t)) checkProperty(r, t);
    else r.refuse(t);
  }
}

/** Rewrites the index and default expressions of a target. */
function parts(r: Rewriter, target: ts.Expression): void {
  const t = bare(target);
  if (ts.isPropertyAccessExpression(t)) r.expr(t.expression);
  else if (ts.isElementAccessExpression(t)) {
    r.expr(t.expression);
    r.expr(t.argumentExpression);
  } else if (ts.isArrayLiteralExpression(t)) for (const e of t.elements) parts(r, e);
  else if (ts.isSpreadElement(t)) parts(r, t.expression);
  else if (isAssignment(t)) {
    parts(r, t.left);
    r.expr(t.right);
  } else if (ts.isObjectLiteralExpression(t)) {
    for (const p of t.properties) {
      if (p.name && ts.isComputedPropertyName(p.name)) r.expr(p.name.expression);
      if (ts.isPropertyAssignment(p)) parts(r, p.initializer);
      else if (ts.isSpreadAssignment(p)) parts(r, p.expression);
      else if (ts.isShorthandPropertyAssignment(p) && p.objectAssignmentInitializer) r.expr(p.objectAssignmentInitializer);
    }
  }
}

function compound(r: Rewriter, e: ts.BinaryExpression): void {
  const op = COMPOUND_OPS.get(e.operatorToken.kind);
  if (!op) {
    r.refuse(e);
    return;
  }
  const target = bare(e.left);
  check(r, target);
  if (!ts.isIdentifier(target) && !isSimple(target)) r.report(target, MSG.compoundTarget, target.getText());
  const logical = op === '&&' || op === '||' || op === '??';
  if (logical) r.checkConditional(e.right, e.operatorToken.getText());
  const text = target.getText();
  open(r, e.left, target);
  const close = op === '??' ? '' : ')';
  if (op === '??') r.w.put(`${text} ?? `);
  else if (logical) r.open(op === '&&' ? 'and' : 'or', e, text);
  else r.open('bin', e, `'${op}'`, text);
  if (logical && op !== '??') r.w.put('() => ');
  r.w.skipTo(e.right.getStart());
  const wrap = op === '??' ? ts.isBinaryExpression(e.right) : logical && r.w.source[r.w.pos] === '{';
  if (wrap) r.w.put('(');
  r.expr(e.right);
  r.w.put(`${wrap ? ')' : ''}${close}${ts.isIdentifier(target) ? ')' : ''}`);
}

function increment(r: Rewriter, e: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): void {
  const target = bare(e.operand);
  check(r, target);
  if (!ts.isIdentifier(target) && !isSimple(target)) r.report(target, MSG.compoundTarget, target.getText());
  const op = e.operator === ts.SyntaxKind.PlusPlusToken ? '+' : '-';
  r.w.copyTo(e.getStart());
  open(r, e, target);
  r.open('bin', e, `'${op}'`, target.getText());
  r.w.put(`1)${ts.isIdentifier(target) ? ')' : ''}`);
  r.w.skipTo(e.end);
}

/** `x = $.name('x', `, or `o.p = ` for a property. */
function open(r: Rewriter, from: ts.Expression, target: ts.Expression): void {
  r.w.copyTo(from.getStart());
  r.w.skipTo(target.getStart());
  r.w.copyTo(target.end);
  r.w.put(` = ${ts.isIdentifier(target) ? `${r.helper.tracer}.name('${target.text}', ` : ''}`);
}

/** Names, property names and literals: may be evaluated twice. */
function isSimple(t: ts.Expression): boolean {
  const b = bare(t);
  if (ts.isPropertyAccessExpression(b)) return isSimple(b.expression);
  if (ts.isElementAccessExpression(b)) return isSimple(b.expression) && isSimple(b.argumentExpression);
  return ts.isIdentifier(b) || ts.isStringLiteral(b) || ts.isNumericLiteral(b);
}

/** A property may be assigned where the code runs once at trace time, but not where it may become a branch or a loop. */
function checkProperty(r: Rewriter, t: ts.PropertyAccessExpression | ts.ElementAccessExpression): void {
  let base: ts.Expression = t;
  while (ts.isPropertyAccessExpression(base) || ts.isElementAccessExpression(base)) base = bare(base.expression);
  const decl = ts.isIdentifier(base) ? r.file.scopes.lookup(base, base.text) : null;
  if (ts.isIdentifier(base) && (!decl || r.isCaptured(decl))) {
    r.report(t, MSG.outerAssigned, t.getText());
    return;
  }
  for (let n: ts.Node = t; n !== r.root; n = n.parent) {
    const statement = runtimeStatement(n);
    if (statement && (!decl || decl.pos < n.getStart())) {
      r.report(t, MSG.propertyAssigned, t.getText(), statement);
      return;
    }
  }
}

function runtimeStatement(n: ts.Node): string | null {
  if (ts.isIfStatement(n)) return 'if';
  if (ts.isWhileStatement(n)) return 'while';
  if (ts.isForStatement(n)) return 'for';
  if (!ts.isForOfStatement(n)) return null;
  const call = bare(n.expression);
  const isRange = ts.isCallExpression(call) && /(?:^|\.)range$/.test(call.expression.getText());
  return isRange ? 'for … of tl.range()' : null;
}
