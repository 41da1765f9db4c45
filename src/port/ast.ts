// Python as the translation sees it: a small tree without grammar noise. Offsets are into the text that was parsed, so that
// every message can show its line and every comment can find its place.

interface At {
  readonly from: number;
  readonly to: number;
}

/** A part of a comprehension: `for target in iter`, or `if test` where there is no target. */
export type Clause = { readonly target: Expr; readonly iter: Expr } | { readonly target: null; readonly test: Expr };
export interface Arg extends At {
  /** Keyword, if given; `*` and `**` for arguments in a list or dictionary. */
  readonly name: string | null;
  readonly value: Expr;
}

export type Expr = At &
  (
    | { readonly k: 'name'; readonly name: string }
    | { readonly k: 'number'; readonly text: string }
    | { readonly k: 'string'; readonly value: string }
    | { readonly k: 'format'; readonly parts: readonly (string | Expr)[] }
    | { readonly k: 'constant'; readonly value: boolean | null }
    | { readonly k: 'unary'; readonly op: string; readonly x: Expr }
    | { readonly k: 'binary'; readonly op: string; readonly a: Expr; readonly b: Expr }
    | { readonly k: 'compare'; readonly ops: readonly string[]; readonly items: readonly Expr[] }
    | { readonly k: 'logical'; readonly op: 'and' | 'or'; readonly a: Expr; readonly b: Expr }
    | { readonly k: 'attribute'; readonly x: Expr; readonly name: string }
    /** `null` is a bare `:`. */
    | { readonly k: 'index'; readonly x: Expr; readonly items: readonly (Expr | null)[] }
    | { readonly k: 'call'; readonly fn: Expr; readonly args: readonly Arg[] }
    | { readonly k: 'conditional'; readonly test: Expr; readonly then: Expr; readonly other: Expr }
    /** `set`: written in braces. */
    | { readonly k: 'tuple'; readonly items: readonly Expr[]; readonly set?: true }
    /** Without a key: the items of `**value`. */
    | { readonly k: 'dict'; readonly items: readonly { readonly key: Expr | null; readonly value: Expr }[] }
    | { readonly k: 'lambda'; readonly params: readonly Param[]; readonly body: Expr }
    /** With a key: a dictionary. */
    | { readonly k: 'comprehension'; readonly key: Expr | null; readonly element: Expr; readonly clauses: readonly Clause[] }
  );
export type ExprOf<K extends Expr['k']> = Extract<Expr, { readonly k: K }>;

export interface Branch {
  readonly test: Expr | null;
  readonly body: readonly Stmt[];
  /** End of the header's `:`. */
  readonly header: number;
}

export type Stmt = At &
  (
    | { readonly k: 'assign'; readonly targets: readonly Expr[]; readonly value: Expr; readonly annotation: Expr | null }
    | { readonly k: 'update'; readonly target: Expr; readonly op: string; readonly value: Expr }
    | { readonly k: 'expression'; readonly value: Expr }
    | { readonly k: 'if'; readonly branches: readonly Branch[] }
    | { readonly k: 'for'; readonly target: Expr; readonly iter: Expr; readonly body: readonly Stmt[]; readonly header: number }
    | { readonly k: 'while'; readonly test: Expr; readonly body: readonly Stmt[]; readonly header: number }
    | { readonly k: 'return'; readonly value: Expr | null }
    | { readonly k: 'assert'; readonly test: Expr; readonly message: Expr | null }
    | { readonly k: 'pass' }
  );
export type StmtOf<K extends Stmt['k']> = Extract<Stmt, { readonly k: K }>;

export interface Param extends At {
  readonly name: string;
  readonly annotation: Expr | null;
  readonly value: Expr | null;
}
/** `@name` or `@name(args)`. Arguments are read when they are asked for: what they hold may be any Python. */
export interface Decorator extends At {
  readonly name: Expr;
  readonly args: (() => readonly Arg[]) | null;
}
export interface FunctionDef extends At {
  readonly name: string;
  readonly nameAt: At;
  readonly decorators: readonly Decorator[];
  readonly params: readonly Param[];
  readonly docstring: string | null;
  readonly body: readonly Stmt[];
  /** Where the body begins, behind the `:`. */
  readonly header: number;
}
export interface Comment extends At {
  readonly text: string;
}

/** Every expression in `e`, itself first. */
export function* expressions(e: Expr): Generator<Expr> {
  yield e;
  for (const c of children(e)) yield* expressions(c);
}
const CHILDREN: { readonly [K in Expr['k']]: (e: ExprOf<K>) => readonly (Expr | null)[] } = {
  name: () => [],
  number: () => [],
  string: () => [],
  constant: () => [],
  format: (e) => e.parts.filter((p) => typeof p !== 'string'),
  unary: (e) => [e.x],
  binary: (e) => [e.a, e.b],
  compare: (e) => e.items,
  logical: (e) => [e.a, e.b],
  attribute: (e) => [e.x],
  index: (e) => [e.x, ...e.items],
  call: (e) => [e.fn, ...e.args.map((a) => a.value)],
  conditional: (e) => [e.test, e.then, e.other],
  tuple: (e) => e.items,
  // Code of the host, with names of its own; kernels have none of it.
  dict: () => [],
  lambda: () => [],
  comprehension: () => [],
};
/** The expressions directly in `e`. */
export const children = (e: Expr): Expr[] => (CHILDREN[e.k] as (e: Expr) => (Expr | null)[])(e).filter((c) => c !== null);

/** The expressions that a statement holds itself, not those of statements in it. Targets come last, as they are assigned last. */
export function ownExpressions(s: Stmt): readonly Expr[] {
  const of: { readonly [K in Stmt['k']]: (s: StmtOf<K>) => readonly (Expr | null)[] } = {
    assign: (x) => [x.value, ...x.targets],
    update: (x) => [x.target, x.value],
    expression: (x) => [x.value],
    if: (x) => x.branches.map((b) => b.test),
    for: (x) => [x.iter],
    while: (x) => [x.test],
    return: (x) => [x.value],
    assert: (x) => [x.test, x.message],
    pass: () => [],
  };
  return (of[s.k] as (s: Stmt) => (Expr | null)[])(s).filter((e) => e !== null);
}
/** The blocks of statements in a statement. */
export const blocksOf = (s: Stmt): readonly (readonly Stmt[])[] =>
  s.k === 'if' ? s.branches.map((b) => b.body) : s.k === 'for' || s.k === 'while' ? [s.body] : [];

/** Every statement of a body, outer before inner. */
export function* statements(body: readonly Stmt[]): Generator<Stmt> {
  for (const s of body) {
    yield s;
    for (const b of blocksOf(s)) yield* statements(b);
  }
}
/** Names in an assignment target. */
export const targetNames = (t: Expr): string[] =>
  t.k === 'name' ? [t.name] : t.k === 'tuple' ? t.items.flatMap(targetNames) : [];
