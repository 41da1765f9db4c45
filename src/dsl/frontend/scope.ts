// Which declaration a name means. Walks up the syntax tree; the names of a scope are collected when it is first asked.
// Knows declarations and nothing else: no types, no values, no kernel language.

import { ts } from './project.ts';

export type DeclKind = 'const' | 'let' | 'var' | 'param' | 'function' | 'self' | 'import' | 'other';

/** A declared name. Identity is the object. `scope` is the node that the name is visible in. */
export interface Decl {
  readonly name: string;
  readonly kind: DeclKind;
  readonly node: ts.Node;
  readonly pos: number;
  readonly scope: ts.Node;
}

type Names = Map<string, Decl>;
const NONE: Names = new Map();

export class Scopes {
  readonly #cache = new Map<ts.Node, Names>();

  /** The declaration that `name` means at `at`; null for globals. */
  lookup(at: ts.Node, name: string): Decl | null {
    for (let n: ts.Node | undefined = at; n; n = n.parent) {
      const found = this.#names(n).get(name);
      if (found) return found;
    }
    return null;
  }

  #names(scope: ts.Node): Names {
    let names = this.#cache.get(scope);
    if (!names) {
      names = collect(scope);
      this.#cache.set(scope, names);
    }
    return names;
  }
}

export const isFunction = (n: ts.Node): n is ts.FunctionLikeDeclaration =>
  ts.isFunctionDeclaration(n) ||
  ts.isFunctionExpression(n) ||
  ts.isArrowFunction(n) ||
  ts.isMethodDeclaration(n) ||
  ts.isConstructorDeclaration(n) ||
  ts.isAccessor(n);

function collect(scope: ts.Node): Names {
  const names: Names = new Map();
  const add = (id: ts.Node, kind: DeclKind) => {
    if (ts.isIdentifier(id)) names.set(id.text, { name: id.text, kind, node: id, pos: id.getStart(), scope });
  };
  const list = (l: ts.VariableDeclarationList) => {
    for (const d of l.declarations) for (const id of boundNames(d.name)) add(id, listKind(l));
  };
  if (isFunction(scope)) {
    if (ts.isFunctionExpression(scope) && scope.name) add(scope.name, 'self');
    for (const p of scope.parameters) for (const id of boundNames(p.name)) add(id, 'param');
    if (scope.body) hoistedVars(scope.body, (id) => add(id, 'var'));
  } else if (ts.isSourceFile(scope) || ts.isBlock(scope) || ts.isModuleBlock(scope)) {
    for (const s of scope.statements) declared(s, add, list);
    if (ts.isSourceFile(scope)) hoistedVars(scope, (id) => add(id, 'var'));
  } else if (ts.isCaseBlock(scope)) {
    for (const c of scope.clauses) for (const s of c.statements) declared(s, add, list);
  } else if (ts.isForStatement(scope) || ts.isForOfStatement(scope) || ts.isForInStatement(scope)) {
    if (scope.initializer && ts.isVariableDeclarationList(scope.initializer)) list(scope.initializer);
  } else if (ts.isCatchClause(scope)) {
    if (scope.variableDeclaration) for (const id of boundNames(scope.variableDeclaration.name)) add(id, 'let');
  } else if (ts.isClassExpression(scope)) {
    if (scope.name) add(scope.name, 'other');
  } else return NONE;
  return names;
}

function declared(
  s: ts.Statement,
  add: (id: ts.Node, kind: DeclKind) => void,
  list: (l: ts.VariableDeclarationList) => void,
): void {
  if (ts.isVariableStatement(s)) list(s.declarationList);
  else if (ts.isFunctionDeclaration(s) && s.name) add(s.name, 'function');
  else if (ts.isClassDeclaration(s) && s.name) add(s.name, 'other');
  else if (ts.isEnumDeclaration(s) || ts.isModuleDeclaration(s)) add(s.name, 'other');
  else if (ts.isImportEqualsDeclaration(s)) add(s.name, 'import');
  else if (ts.isImportDeclaration(s) && s.importClause) {
    const { name, namedBindings } = s.importClause;
    if (name) add(name, 'import');
    if (namedBindings && ts.isNamespaceImport(namedBindings)) add(namedBindings.name, 'import');
    if (namedBindings && ts.isNamedImports(namedBindings)) for (const e of namedBindings.elements) add(e.name, 'import');
  }
}

const listKind = (l: ts.VariableDeclarationList): DeclKind =>
  l.flags & ts.NodeFlags.Const ? 'const' : l.flags & ts.NodeFlags.Let ? 'let' : 'var';

/** `var` names of a function or file, however deep in blocks. */
function hoistedVars(root: ts.Node, add: (id: ts.Identifier) => void): void {
  ts.forEachChild(root, function visit(n) {
    if (isFunction(n) || ts.isExpression(n)) return;
    if (ts.isVariableDeclarationList(n) && listKind(n) === 'var') {
      for (const d of n.declarations) for (const id of boundNames(d.name)) add(id);
    } else ts.forEachChild(n, visit);
  });
}

/** The identifiers that a binding name declares. */
export function* boundNames(name: ts.BindingName): Generator<ts.Identifier> {
  if (ts.isIdentifier(name)) yield name;
  else for (const e of name.elements) if (ts.isBindingElement(e)) yield* boundNames(e.name);
}

/** Strips parentheses, `as`, `!`, `satisfies` and `<T>`: what is left is the same value. */
export function bare(n: ts.Expression): ts.Expression {
  while (
    ts.isParenthesizedExpression(n) ||
    ts.isAsExpression(n) ||
    ts.isNonNullExpression(n) ||
    ts.isSatisfiesExpression(n) ||
    ts.isTypeAssertionExpression(n)
  )
    n = n.expression;
  return n;
}

export const isAssignment = (n: ts.Node): n is ts.BinaryExpression =>
  ts.isBinaryExpression(n) &&
  n.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
  n.operatorToken.kind <= ts.SyntaxKind.LastAssignment;

export const isIncrement = (n: ts.Node): n is ts.PrefixUnaryExpression | ts.PostfixUnaryExpression =>
  (ts.isPrefixUnaryExpression(n) || ts.isPostfixUnaryExpression(n)) &&
  (n.operator === ts.SyntaxKind.PlusPlusToken || n.operator === ts.SyntaxKind.MinusMinusToken);

/** The variables and the properties that an assignment target assigns. */
export function* assignedTargets(target: ts.Expression): Generator<ts.Expression> {
  const t = bare(target);
  if (ts.isArrayLiteralExpression(t)) for (const e of t.elements) yield* assignedTargets(e);
  else if (ts.isSpreadElement(t)) yield* assignedTargets(t.expression);
  else if (isAssignment(t)) yield* assignedTargets(t.left);
  else if (ts.isObjectLiteralExpression(t)) {
    for (const p of t.properties) {
      if (ts.isPropertyAssignment(p)) yield* assignedTargets(p.initializer);
      else if (ts.isShorthandPropertyAssignment(p)) yield p.name;
      else if (ts.isSpreadAssignment(p)) yield* assignedTargets(p.expression);
    }
  } else if (!ts.isOmittedExpression(t)) yield t;
}

/** Calls `visit` for every assignment (`=`, `+=`, `++`, patterns, `for (x of …)`) under `root`, with each target. */
export function eachAssignment(root: ts.Node, visit: (target: ts.Expression, at: ts.Node) => void): void {
  (function walk(n: ts.Node): void {
    if (isAssignment(n)) for (const t of assignedTargets(n.left)) visit(t, n);
    else if (isIncrement(n)) visit(bare(n.operand), n);
    else if ((ts.isForOfStatement(n) || ts.isForInStatement(n)) && !ts.isVariableDeclarationList(n.initializer))
      for (const t of assignedTargets(n.initializer)) visit(t, n);
    ts.forEachChild(n, walk);
  })(root);
}

/** How many values a list on the left side takes at least: up to the last element without a default. Null for anything else. */
export function partCount(target: ts.Node): number | null {
  if (!ts.isArrayBindingPattern(target) && !ts.isArrayLiteralExpression(target)) return null;
  const needed = (e: ts.Node): boolean =>
    ts.isBindingElement(e)
      ? !e.dotDotDotToken && !e.initializer
      : !ts.isOmittedExpression(e) && !ts.isSpreadElement(e) && !isAssignment(e);
  return [...target.elements].findLastIndex(needed) + 1;
}
