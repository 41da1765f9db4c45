// The kernel language as two tables, SyntaxKind → handler. A kind that is absent is not in the language; `refusal` says what
// to write instead. To widen the language, add a row here and its handler in `expressions.ts` or `statements.ts`.

import * as e from './expressions.ts';
import { functionValue } from './functions.ts';
import * as l from './loops.ts';
import { ts } from './project.ts';
import type { Rewriter } from './rewriter.ts';
import * as s from './statements.ts';

// `any`: the key decides the node type, which a Map cannot say.
type Handler = (r: Rewriter, n: any) => void;

const SK = ts.SyntaxKind;

export const EXPRESSIONS: ReadonlyMap<ts.SyntaxKind, Handler> = new Map<ts.SyntaxKind, Handler>([
  [SK.Identifier, e.identifier],
  [SK.NumericLiteral, e.number],
  [SK.BigIntLiteral, e.leaf],
  [SK.StringLiteral, e.leaf],
  [SK.NoSubstitutionTemplateLiteral, e.leaf],
  [SK.TrueKeyword, e.leaf],
  [SK.FalseKeyword, e.leaf],
  [SK.NullKeyword, e.leaf],
  [SK.OmittedExpression, e.leaf],
  [SK.PrefixUnaryExpression, e.prefix],
  [SK.PostfixUnaryExpression, e.postfix],
  [SK.BinaryExpression, e.binary],
  [SK.ConditionalExpression, e.conditional],
  [SK.ParenthesizedExpression, e.parenthesized],
  [SK.CallExpression, e.call],
  [SK.NewExpression, e.construct],
  [SK.ArrowFunction, functionValue],
  [SK.FunctionExpression, functionValue],
  [SK.ObjectLiteralExpression, e.objectLiteral],
  [SK.ArrayLiteralExpression, e.children],
  [SK.SpreadElement, e.children],
  [SK.PropertyAccessExpression, e.member],
  [SK.ElementAccessExpression, e.member],
  [SK.TemplateExpression, e.children],
  [SK.AsExpression, e.children],
  [SK.SatisfiesExpression, e.children],
  [SK.NonNullExpression, e.children],
  [SK.TypeAssertionExpression, e.children],
  [SK.TypeOfExpression, e.children],
  [SK.VoidExpression, e.children],
]);

export const STATEMENTS: ReadonlyMap<ts.SyntaxKind, Handler> = new Map<ts.SyntaxKind, Handler>([
  [SK.VariableStatement, s.variables],
  [SK.ExpressionStatement, s.expressionStatement],
  [SK.IfStatement, s.plainIf],
  [SK.ForStatement, l.forStatement],
  [SK.ForOfStatement, l.forOf],
  [SK.WhileStatement, l.whileStatement],
  [SK.ReturnStatement, s.returnStatement],
  [SK.Block, s.blockStatement],
  [SK.FunctionDeclaration, s.functionDeclaration],
  [SK.EmptyStatement, e.leaf],
  [SK.DebuggerStatement, e.leaf],
  [SK.InterfaceDeclaration, e.leaf],
  [SK.TypeAliasDeclaration, e.leaf],
]);

export interface Refusal {
  /** What was found, as a person calls it. */
  readonly what: string;
  /** What to write instead. */
  readonly help: string;
  /** Length of the keyword to point at; absent: the whole node. */
  readonly at?: number;
}

const GUARD = 'guard the rest of the body with `if`, or end a `while` by its condition';
const JS_ONLY = 'compute it outside the kernel, at module level, and close over the result';
const NO_ASYNC = 'a kernel runs on the device from start to end; await its inputs before the launch';

/** Refused syntax that people do write, with the way out. Everything else gets the general text. */
const REFUSED: ReadonlyMap<ts.SyntaxKind, Refusal> = new Map<ts.SyntaxKind, Refusal>([
  [SK.DoStatement, { what: '`do … while`', help: 'write `while (…) { … }`, with the first round before it', at: 2 }],
  [SK.ForInStatement, { what: '`for … in`', help: 'write `for (const key of Object.keys(o))`', at: 3 }],
  [SK.BreakStatement, { what: '`break`', help: GUARD, at: 5 }],
  [SK.ContinueStatement, { what: '`continue`', help: GUARD, at: 8 }],
  [SK.SwitchStatement, { what: '`switch`', help: 'write `if … else if …`', at: 6 }],
  [
    SK.TryStatement,
    { what: '`try`', help: 'check with `tl.static_assert` at compile time or `tl.device_assert` at run time', at: 3 },
  ],
  [
    SK.ThrowStatement,
    { what: '`throw`', help: 'use `tl.static_assert` at compile time or `tl.device_assert` at run time', at: 5 },
  ],
  [SK.LabeledStatement, { what: 'a label', help: GUARD }],
  [SK.WithStatement, { what: '`with`', help: 'name the object', at: 4 }],
  [SK.VariableStatement, { what: 'this kind of declaration', help: 'use `let` or `const`', at: 3 }],
  [SK.ClassDeclaration, { what: 'a class', help: 'use functions and plain objects', at: 5 }],
  [SK.ClassExpression, { what: 'a class', help: 'use functions and plain objects', at: 5 }],
  [SK.EnumDeclaration, { what: 'an enum', help: 'declare it at module level', at: 4 }],
  [SK.AwaitExpression, { what: '`await`', help: NO_ASYNC, at: 5 }],
  [SK.YieldExpression, { what: '`yield`', help: 'collect the values in an array', at: 5 }],
  [SK.ThisKeyword, { what: '`this`', help: 'use a parameter or a module constant' }],
  [SK.SuperKeyword, { what: '`super`', help: 'use a parameter or a module constant' }],
  [SK.Identifier, { what: '`arguments`', help: 'name the parameters' }],
  [SK.DeleteExpression, { what: '`delete`', help: 'build a new object without the property', at: 6 }],
  [SK.RegularExpressionLiteral, { what: 'a regular expression', help: JS_ONLY }],
  [SK.TaggedTemplateExpression, { what: 'a tagged template', help: JS_ONLY }],
  [SK.MetaProperty, { what: '`import.meta`', help: JS_ONLY }],
  [SK.NewExpression, { what: '`new` of a computed class', help: JS_ONLY }],
  [SK.GetAccessor, { what: 'a getter', help: 'use a plain property or a function', at: 3 }],
  [SK.SetAccessor, { what: 'a setter', help: 'use a plain property or a function', at: 3 }],
  [SK.CallExpression, { what: 'a dynamic `import()`', help: 'import it at the top of the file' }],
]);

const REFUSED_OPERATORS: ReadonlyMap<ts.SyntaxKind, Refusal> = new Map<ts.SyntaxKind, Refusal>([
  [SK.CommaToken, { what: 'the comma operator', help: 'write two statements' }],
  [SK.InKeyword, { what: '`in`', help: JS_ONLY }],
  [SK.InstanceOfKeyword, { what: '`instanceof`', help: JS_ONLY }],
  [
    SK.GreaterThanGreaterThanGreaterThanToken,
    { what: '`>>>`', help: 'cast to an unsigned type (`tl.cast(x, tl.u32)`) and use `>>`' },
  ],
  [
    SK.GreaterThanGreaterThanGreaterThanEqualsToken,
    { what: '`>>>=`', help: 'cast to an unsigned type (`tl.cast(x, tl.u32)`) and use `>>`' },
  ],
]);

/** What to say about a node that is not in the language. */
export function refusal(n: ts.Node): Refusal {
  if (ts.isBinaryExpression(n)) {
    const r = REFUSED_OPERATORS.get(n.operatorToken.kind);
    if (r) return r;
  }
  if (ts.isVariableStatement(n) && !(n.declarationList.flags & ts.NodeFlags.BlockScoped))
    return { what: '`var`', help: 'use `let` or `const`', at: 3 };
  return (
    REFUSED.get(n.kind) ?? {
      what: `this syntax (${SK[n.kind]})`,
      help: 'use the statements and operators of the language reference',
    }
  );
}
