// Functions of the kernel language: the kernel's own and those inside it. Parameters keep their defaults (rewritten); a body
// whose only `return` is its last statement keeps it, any other body carries its result in `$ret`.

import { rangeOf } from './assigned.ts';
import { returnsOf } from './flow.ts';
import { MSG } from './messages.ts';
import { ts } from './project.ts';
import type { FunctionState, Rewriter } from './rewriter.ts';
import { list } from './statements.ts';

type WithBody = ts.FunctionExpression | ts.ArrowFunction | ts.FunctionDeclaration | ts.MethodDeclaration;

/** What makes a function more than a plain function; null for plain ones. */
export function unusualKind(fn: ts.FunctionLikeDeclaration): string | null {
  const async = fn.modifiers?.some((m) => m.kind === ts.SyntaxKind.AsyncKeyword);
  if (async) return 'async';
  return 'asteriskToken' in fn && fn.asteriskToken ? 'a generator' : null;
}

/** Rewrites an inner function; the cursor is at its start. */
export function functionValue(r: Rewriter, fn: WithBody): void {
  const unusual = unusualKind(fn);
  if (unusual) r.report(fn, MSG.functionKind, unusual);
  parameters(r, fn.parameters);
  if (fn.body) body(r, fn.body, false);
}

/** Rewrites defaults and computed keys of parameters. */
export function parameters(r: Rewriter, list: readonly ts.ParameterDeclaration[]): void {
  for (const p of list) {
    bindingDefaults(r, p.name);
    if (p.initializer) r.expr(p.initializer);
  }
}

/** Rewrites the defaults inside a destructuring pattern. */
export function bindingDefaults(r: Rewriter, name: ts.BindingName): void {
  if (ts.isIdentifier(name)) return;
  for (const e of name.elements) {
    if (!ts.isBindingElement(e)) continue;
    if (e.propertyName && ts.isComputedPropertyName(e.propertyName)) r.expr(e.propertyName.expression);
    bindingDefaults(r, e.name);
    if (e.initializer) r.expr(e.initializer);
  }
}

/** Rewrites a function body, `=> e` or `{ … }`. */
export function body(r: Rewriter, b: ts.ConciseBody, isKernel: boolean): void {
  const outer = r.fn;
  if (!ts.isBlock(b)) {
    r.fn = {
      range: rangeOf(b.parent),
      structured: false,
      returnsValue: true,
      isKernel,
      returns: [],
      loopDepth: 0,
      flagged: 0,
      declarations: null,
    };
    if (!r.statementExpression(b)) r.expr(b);
  } else {
    const returns = returnsOf(b);
    const last = b.statements[b.statements.length - 1];
    const structured = returns.some((x) => x !== last);
    const returnsValue = returns.some((x) => x.expression);
    r.w.copyTo(b.getStart() + 1);
    const state: FunctionState = {
      range: rangeOf(b.parent),
      structured,
      returnsValue,
      isKernel,
      returns,
      loopDepth: 0,
      flagged: 0,
      declarations: structured ? r.w.slot() : null,
    };
    r.fn = state;
    list(r, b.statements, { next: null, flag: false, tail: true });
    if (state.declarations) {
      const names = [...(returnsValue ? [r.helper.ret] : []), ...(state.flagged ? [`${r.helper.done} = false`] : [])];
      if (names.length) state.declarations.text = ` let ${names.join(', ')};`;
      if (returnsValue) r.w.put(` return ${r.helper.ret};`);
    }
    r.w.copyTo(b.end);
  }
  r.fn = outer;
}
