// Finds the definitions of a file: calls `kernel(function …)` and `tl.fn(function …)` whose callee comes from Tessera, under
// whatever local name. Works on imports as written; it opens no other file.

import { ts } from './project.ts';
import { bare, type Scopes } from './scope.ts';

/** Modules that `kernel` and `tl` may come from: the package, and its sources when a file stands inside the package. */
const MODULE = /(?:^|\/)tessera(?:\/.*)?$|(?:^|\/)(?:index|kernel|tl)\.[cm]?[jt]s$/;
export type DefinitionKind = 'kernel' | 'fn';
export type FunctionLiteral = ts.FunctionExpression | ts.ArrowFunction;

/** A call that defines a kernel or device function. */
export interface Found {
  readonly kind: DefinitionKind;
  readonly call: ts.CallExpression;
  readonly fn: FunctionLiteral;
  /** The variable or property that holds the result. */
  readonly binding: string | null;
  readonly exported: boolean;
}

/** What an imported name stands for. 'space' is a namespace import, of the package or of `tl` itself. */
type Meaning = DefinitionKind | 'tl' | 'space';

export class Imports {
  readonly #names = new Map<string, Meaning>();
  readonly #source: ts.SourceFile;
  readonly #scopes: Scopes;

  constructor(source: ts.SourceFile, scopes: Scopes) {
    this.#source = source;
    this.#scopes = scopes;
    for (const s of source.statements) {
      if (!ts.isImportDeclaration(s) || !ts.isStringLiteral(s.moduleSpecifier) || !MODULE.test(s.moduleSpecifier.text)) continue;
      const bindings = s.importClause?.namedBindings;
      if (!bindings || s.importClause?.isTypeOnly) continue;
      if (ts.isNamespaceImport(bindings)) this.#names.set(bindings.name.text, 'space');
      else
        for (const e of bindings.elements) {
          const imported = (e.propertyName ?? e.name).text;
          if (imported === 'kernel' || imported === 'tl' || imported === 'fn') this.#names.set(e.name.text, imported);
        }
    }
  }

  /** True when nothing that defines kernels is imported. */
  get empty(): boolean {
    return this.#names.size === 0;
  }

  /** Which definition a call to `callee` makes; null for every other callee. */
  definitionKind(callee: ts.Expression): DefinitionKind | null {
    const meaning = this.#meaning(bare(callee));
    return meaning === 'kernel' || meaning === 'fn' ? meaning : null;
  }

  #meaning(e: ts.Expression): Meaning | null {
    if (ts.isIdentifier(e)) {
      const meaning = this.#names.get(e.text);
      return meaning && this.#scopes.lookup(e, e.text)?.kind === 'import' ? meaning : null;
    }
    if (!ts.isPropertyAccessExpression(e)) return null;
    const object = this.#meaning(bare(e.expression));
    const name = e.name.text;
    if (object === 'tl') return name === 'fn' ? 'fn' : null;
    if (object === 'space') return name === 'kernel' || name === 'fn' || name === 'tl' ? name : null;
    return null;
  }

  /** Every definition of the file in source order; definitions inside another one are left to the rewriter to refuse. */
  definitions(): Found[] {
    const found: Found[] = [];
    const exported = exportedNames(this.#source);
    const visit = (n: ts.Node): void => {
      if (ts.isCallExpression(n) && n.arguments.length) {
        const kind = this.definitionKind(n.expression);
        const fn = kind && bare(n.arguments[0]);
        if (kind && fn && (ts.isFunctionExpression(fn) || ts.isArrowFunction(fn))) {
          const binding = bindingOf(n);
          found.push({
            kind,
            call: n,
            fn,
            binding,
            exported: binding === 'default' || (binding !== null && exported.has(binding)),
          });
          return;
        }
      }
      ts.forEachChild(n, visit);
    };
    visit(this.#source);
    return found;
  }
}

/** The name a call's result goes to, through wrappers such as `autotune(…, kernel(…))`. */
function bindingOf(call: ts.Node): string | null {
  let p = call.parent;
  while (ts.isExpression(p) && !isFunctionLiteral(p) && !ts.isObjectLiteralExpression(p)) p = p.parent;
  if (ts.isVariableDeclaration(p) && ts.isIdentifier(p.name)) return p.name.text;
  if (ts.isPropertyAssignment(p) && ts.isIdentifier(p.name)) return p.name.text;
  return ts.isExportAssignment(p) ? 'default' : null;
}

const isFunctionLiteral = (n: ts.Node): n is FunctionLiteral => ts.isFunctionExpression(n) || ts.isArrowFunction(n);

function exportedNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const s of source.statements) {
    if (ts.isVariableStatement(s) && s.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword))
      for (const d of s.declarationList.declarations) if (ts.isIdentifier(d.name)) names.add(d.name.text);
    if (ts.isExportDeclaration(s) && !s.moduleSpecifier && s.exportClause && ts.isNamedExports(s.exportClause))
      for (const e of s.exportClause.elements) names.add((e.propertyName ?? e.name).text);
  }
  return names;
}
