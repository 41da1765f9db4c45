// Expressions of the kernel language: operators, calls and literals become calls of the tracer; the rest stays JavaScript
// with its parts rewritten. Handlers take the rewriter with its cursor at the node's start; the caller moves it to the end.

import { functionValue } from './functions.ts';
import { MSG } from './messages.ts';
import { BINARY_OPS } from './operators.ts';
import { ts } from './project.ts';
import type { Rewriter } from './rewriter.ts';
import { bare, isAssignment } from './scope.ts';

const SK = ts.SyntaxKind;

export function identifier(r: Rewriter, n: ts.Identifier): void {
  if (n.text === 'arguments') r.refuse(n);
  else r.use(n);
}

/** `2.0` and `1e-5` are marked as floats; integers stay as they are. */
export function number(r: Rewriter, n: ts.NumericLiteral): void {
  if (isFloatText(n.getText())) wrapFloat(r, n);
}
const isFloatText = (text: string): boolean => /[.eE]/.test(text) && !/^0[xXbBoO]/.test(text);

function wrapFloat(r: Rewriter, n: ts.Expression): void {
  r.w.put(`${r.helper.tracer}.flt(`);
  r.w.copyTo(n.end);
  r.w.put(')');
}

export function prefix(r: Rewriter, n: ts.PrefixUnaryExpression): void {
  const op = ts.tokenToString(n.operator)!;
  if (n.operator === SK.PlusPlusToken || n.operator === SK.MinusMinusToken) {
    r.report(n, MSG.incrementAsValue, n.getText());
    return;
  }
  if (n.operator === SK.MinusToken && ts.isNumericLiteral(n.operand)) {
    // A negative literal is a literal.
    if (isFloatText(n.operand.getText())) wrapFloat(r, n);
    return;
  }
  r.open('un', n, `'${op}'`);
  r.w.skipTo(n.operand.getStart());
  r.expr(n.operand);
  r.w.put(')');
}

export function postfix(r: Rewriter, n: ts.PostfixUnaryExpression): void {
  r.report(n, MSG.incrementAsValue, n.getText());
}

export function binary(r: Rewriter, n: ts.BinaryExpression): void {
  const op = n.operatorToken;
  const assigns: boolean = isAssignment(n);
  if (assigns) {
    r.report(n, MSG.assignmentAsValue);
    r.expr(n.right);
  } else if (op.kind === SK.AmpersandAmpersandToken || op.kind === SK.BarBarToken) {
    r.open(op.kind === SK.BarBarToken ? 'or' : 'and', n);
    r.expr(n.left);
    r.separate(op, ', () =>');
    arm(r, n.right, op.getText());
    r.w.put(')');
  } else if (op.kind === SK.QuestionQuestionToken) {
    r.expr(n.left);
    r.checkConditional(n.right, '??');
    r.expr(n.right);
  } else if (BINARY_OPS.has(op.kind)) {
    r.open('bin', n, `'${op.getText()}'`);
    r.expr(n.left);
    r.separate(op, ',');
    r.expr(n.right);
    r.w.put(')');
  } else r.refuse(n);
}

export function conditional(r: Rewriter, n: ts.ConditionalExpression): void {
  r.open('cond', n);
  r.expr(n.condition);
  r.separate(n.questionToken, ', () =>');
  arm(r, n.whenTrue, '?:');
  r.separate(n.colonToken, ', () =>');
  arm(r, n.whenFalse, '?:');
  r.w.put(')');
}

/** The body of `() => …`: an operand that may not run. */
function arm(r: Rewriter, n: ts.Expression, where: string): void {
  r.checkConditional(n, where);
  r.w.copyTo(n.getStart());
  const wrap = r.w.source[n.getStart()] === '{'; // an object literal would read as a block
  if (wrap) r.w.put('(');
  r.expr(n);
  if (wrap) r.w.put(')');
}

/** Parentheses around what becomes a call are dropped, unless a line break follows (it could end a `return`). */
export function parenthesized(r: Rewriter, n: ts.ParenthesizedExpression): void {
  const inner = n.expression;
  const becomesCall =
    ts.isConditionalExpression(inner) || (ts.isBinaryExpression(inner) && inner.operatorToken.kind !== SK.QuestionQuestionToken);
  const drop = becomesCall && inner.getStart() === n.getStart() + 1 && inner.end === n.end - 1;
  if (drop) r.w.skipTo(inner.getStart());
  r.expr(inner);
  if (drop) r.w.skipTo(n.end);
}

export function call(r: Rewriter, n: ts.CallExpression): void {
  if (n.expression.kind === SK.ImportKeyword || n.expression.kind === SK.SuperKeyword) {
    r.refuse(n);
    return;
  }
  const nested = r.file.imports.definitionKind(n.expression);
  if (nested) {
    r.report(n.expression, MSG.nestedDefinition, n.expression.getText());
    return;
  }
  if (n.flags & ts.NodeFlags.OptionalChain) {
    children(r, n);
    return;
  }
  // `(o.f)(x)` and `o.f!(x)` are method calls too.
  const callee = bare(n.expression);
  if (ts.isPropertyAccessExpression(callee)) {
    r.open('method', n);
    r.w.skipTo(callee.getStart());
    r.expr(callee.expression);
    r.w.put(`, '${callee.name.text}', [`);
  } else if (ts.isElementAccessExpression(callee)) {
    r.open('method', n);
    r.w.skipTo(callee.getStart());
    r.expr(callee.expression);
    r.w.put(', ');
    r.w.skipTo(callee.argumentExpression.getStart());
    r.expr(callee.argumentExpression);
    r.w.put(', [');
  } else {
    r.open('call', n);
    r.expr(n.expression);
    r.w.put(', [');
  }
  r.w.skipTo(n.arguments.pos);
  for (const a of n.arguments) r.expr(a);
  r.w.copyTo(n.end - 1);
  r.w.put('])');
  r.w.skipTo(n.end);
}

/** `new X(…)`: only the arguments are rewritten. */
export function construct(r: Rewriter, n: ts.NewExpression): void {
  let base: ts.Expression = n.expression;
  while (ts.isPropertyAccessExpression(base)) base = base.expression;
  if (!ts.isIdentifier(base)) {
    r.refuse(n);
    return;
  }
  r.expr(base);
  for (const a of n.arguments ?? []) {
    r.w.copyTo(n.arguments!.pos);
    r.expr(a);
  }
}

export function objectLiteral(r: Rewriter, n: ts.ObjectLiteralExpression): void {
  for (const p of n.properties) {
    if (p.name && ts.isComputedPropertyName(p.name)) r.expr(p.name.expression);
    if (ts.isPropertyAssignment(p)) r.expr(p.initializer);
    else if (ts.isShorthandPropertyAssignment(p)) r.use(p.name);
    else if (ts.isSpreadAssignment(p)) r.expr(p.expression);
    else if (ts.isMethodDeclaration(p)) {
      r.w.copyTo(p.getStart());
      functionValue(r, p);
    } else r.refuse(p);
  }
}

/** `x.p` and `x[i]` ask the tracer, where `x` may be a value of the device: what comes from outside the kernel is none. */
export function member(r: Rewriter, n: ts.PropertyAccessExpression | ts.ElementAccessExpression): void {
  let base: ts.Expression = n.expression;
  while (ts.isPropertyAccessExpression(base) || ts.isElementAccessExpression(base) || ts.isNonNullExpression(base))
    base = base.expression;
  const decl = ts.isIdentifier(base) ? r.file.scopes.lookup(base, base.text) : null;
  const outside = ts.isIdentifier(base) && (!decl || r.isCaptured(decl));
  if (outside || n.flags & ts.NodeFlags.OptionalChain || base.kind === SK.ThisKeyword) {
    children(r, n);
    return;
  }
  r.open('get', n);
  r.w.skipTo(n.expression.getStart());
  r.expr(n.expression);
  if (ts.isPropertyAccessExpression(n)) r.w.put(`, '${n.name.text}')`);
  else {
    r.w.put(', ');
    r.w.skipTo(n.argumentExpression.getStart());
    r.expr(n.argumentExpression);
    r.w.put(')');
  }
  r.w.skipTo(n.end);
}

/** Syntax that stays as it is, with rewritten parts: arrays, property access, templates, `as`, `!`, spread. */
export function children(r: Rewriter, n: ts.Node): void {
  ts.forEachChild(n, (c) => {
    if (ts.isTypeNode(c) || ts.isPrivateIdentifier(c)) return;
    if (ts.isTemplateSpan(c)) r.expr(c.expression);
    else if (ts.isPropertyAccessExpression(n) && c === n.name) return;
    else if (ts.isExpression(c) && !ts.isTemplateHead(c)) r.expr(c);
  });
}

/** Syntax without parts to rewrite. */
export function leaf(): void {}
