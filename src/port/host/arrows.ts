// Functions of the host that a launch calls (heuristics, models, hooks): Python lambdas and functions → arrow functions. The
// arguments of the launch are an object, `args['K']` is `args.K`; everything else is computed now and written as a value.

import type { Clause, Expr, ExprOf, FunctionDef, Stmt } from '../ast.ts';
import { expressions, ownExpressions, statements, targetNames } from '../ast.ts';
import type { Comments } from '../comments.ts';
import { type Doc, list } from '../doc.ts';
import { ATOM, atom, type Context, condition, expression, type Handlers, type Piece, postfix, text } from '../expressions.ts';
import { tsName } from '../names.ts';
import { planScope } from '../scope.ts';
import { block } from '../statements.ts';
import { ANY, type FunctionInfo, inferVariables, type Names, type Ty, Types, ty } from '../types.ts';
import { BUILTINS, CONFIG_DEFAULTS } from './builtins.ts';
import type { Evaluator } from './evaluate.ts';
import { property, spell } from './spell.ts';
import { Func, Unknown } from './values.ts';

export interface Host {
  readonly evaluator: Evaluator;
  readonly names: Names;
  readonly comments: Comments;
  /** Names of the package that the code uses. */
  readonly imports: Set<string>;
}
/** How the caller passes arguments: one object; an object taken apart by name; configs and an object. */
export type Style = 'args' | 'named' | 'prune';

/** On the host everything is a number of JavaScript, not of the device. */
class HostTypes extends Types {
  private readonly callee: Func;
  constructor(names: Names, info: FunctionInfo, callee: Func) {
    super(names, info);
    this.callee = callee;
  }
  override of(e: Expr): Ty {
    const helper = e.k === 'call' && e.fn.k === 'name' && !this.variable(e.fn.name) && this.callee.scope.get(e.fn.name);
    if (helper instanceof Func) return { ...CONSTANT, kind: resultKind(bodyOf(helper), this) };
    return { ...super.of(e), rank: 0, constant: true };
  }
}
const CONSTANT = ty('any', 0, true);

export interface Arrow {
  readonly doc: Doc;
  /** The kind of what it gives. */
  readonly kind: Ty['kind'];
  /** Arguments that it compares with None. */
  readonly optional: readonly string[];
}

/** A function of the host; `kernel` has the names of the kernel's parameters. @throws Unknown at what has no translation. */
export function arrow(host: Host, fn: Func, style: Style, kernel: ReadonlySet<string>): Arrow {
  const body = bodyOf(fn);
  const def: FunctionDef = {
    name: fn.name,
    nameAt: fn.body,
    decorators: [],
    params: fn.params.map((p) => ({ ...p, name: p.name.replace(/^\*+/, '') })),
    docstring: null,
    body,
    header: 'k' in fn.body ? fn.body.from : fn.body.header,
    from: fn.body.from,
    to: fn.body.to,
  };
  const info: FunctionInfo = {
    def,
    isKernel: false,
    params: new Map(def.params.map((p) => [p.name, CONSTANT])),
    vars: new Map(),
    pointers: new Set(),
    parts: new Map(),
    tensors: new Set(),
    result: ANY,
  };
  const names: Names = { ...host.names, functions: new Map(), constants: new Map(), strict: false };
  inferVariables(names, info);
  for (const n of bound(body)) if (!info.vars.has(n) && !info.params.has(n)) info.vars.set(n, CONSTANT);
  const types = new HostTypes(names, info, fn);
  const rename = new Map<string, string>();
  const params = parameters(fn, style, rename, kernel, body);
  const c: Context = {
    names,
    fn: info,
    types,
    strict: false,
    host: new Arrows(host, fn, info, rename, { kernel, of: def.params[style === 'prune' ? 1 : 0]?.name ?? '' }).handlers,
  };
  const [first] = body;
  const kind = resultKind(body, types);
  const optional = [...allOf(body)].flatMap(comparedWithNone);
  if (body.length === 1 && first.k === 'return' && first.value)
    return { doc: [params, ' => ', arrowBody(expression(c, first.value))], kind, optional };
  host.comments.seek(def.header);
  const doc = block({ ...c, scope: planScope(info), comments: host.comments }, body, def.header, def.to);
  return { doc: [params, ' => ', doc], kind, optional };
}
/** A conditional behind an arrow stands in parentheses. */
const arrowBody = (p: Piece): Doc => (p.op === '?' ? ['(', p.doc, ')'] : p.doc);
const bodyOf = (fn: Func): readonly Stmt[] =>
  'k' in fn.body ? [{ k: 'return', value: fn.body, from: fn.body.from, to: fn.body.to }] : fn.body.body;
const resultKind = (body: readonly Stmt[], types: Types): Ty['kind'] => {
  const kinds = new Set([...statements(body)].flatMap((s) => (s.k === 'return' && s.value ? [types.of(s.value).kind] : [])));
  return kinds.size === 1 ? [...kinds][0] : 'any';
};

function parameters(
  fn: Func,
  style: Style,
  rename: Map<string, string>,
  kernel: ReadonlySet<string>,
  body: readonly Stmt[],
): Doc {
  const bare = fn.params.filter((p) => !p.name.startsWith('*'));
  const rest = fn.params.find((p) => p.name.startsWith('**'));
  if (style === 'named') {
    const foreign = bare.find((p) => !kernel.has(p.name) && !Object.hasOwn(CONFIG_DEFAULTS, p.name));
    if (foreign) throw new Unknown(foreign, `\`${foreign.name}\`, which is no parameter,`);
    const used = [...allOf(body)].some((e) => e.k === 'name' && e.name === rest?.name.slice(2));
    const parts = [
      ...bare.map((p) => (tsName(p.name) === p.name ? p.name : `${p.name}: ${tsName(p.name)}`)),
      ...(rest && used ? [`...${rest.name.slice(2)}`] : []),
    ];
    return list('({', parts, '})', true);
  }
  if (style === 'prune') {
    if (bare.length > 2) throw new Unknown(bare[2], 'a named argument of a pruning function; take it from the dictionary');
    // Triton tells positional and named arguments of a launch apart; here all have names.
    if (rest) rename.set(rest.name.slice(2), bare[1]?.name ?? rest.name.slice(2));
    const second = bare[1]?.name ?? rest?.name.slice(2);
    return list(
      '(',
      [bare[0], second]
        .map((p) => (typeof p === 'string' ? p : p?.name))
        .filter((p) => p !== undefined)
        .map(tsName),
      ')',
    );
  }
  return list(
    '(',
    fn.params.map((p): Doc => [tsName(p.name.replace(/^\*+/, '')), p.value?.k === 'constant' ? ` = ${p.value.value}` : '']),
    ')',
  );
}

/** Names that comprehensions and lambdas inside bind. */
function* bound(body: readonly Stmt[]): Generator<string> {
  for (const e of allOf(body)) yield* binds(e);
}
function* allOf(body: readonly Stmt[]): Generator<Expr> {
  for (const s of statements(body)) for (const own of ownExpressions(s)) yield* deep(own);
}
/** `args['bias'] is None` */
const comparedWithNone = (e: Expr): string[] => {
  if (e.k !== 'compare' || e.items[1].k !== 'constant' || e.items[1].value !== null) return [];
  const [x] = e.items;
  const key = x.k === 'index' ? x.items[0] : x.k === 'call' ? x.args[0]?.value : null;
  return key?.k === 'string' ? [key.value] : [];
};
function* binds(e: Expr): Generator<string> {
  if (e.k === 'lambda') for (const p of e.params) yield p.name;
  if (e.k === 'comprehension') for (const c of e.clauses) if (c.target) yield* targetNames(c.target);
}
/** All expressions, those of lambdas and comprehensions included. */
function* deep(e: Expr): Generator<Expr> {
  for (const x of expressions(e)) {
    yield x;
    if (x.k === 'lambda') yield* deep(x.body);
    else if (x.k === 'dict')
      for (const i of x.items) {
        if (i.key) yield* deep(i.key);
        yield* deep(i.value);
      }
    else if (x.k === 'comprehension') {
      yield* deep(x.element);
      if (x.key) yield* deep(x.key);
      for (const c of x.clauses) for (const y of c.target ? [c.target, c.iter] : [c.test]) yield* deep(y);
    }
  }
}

/** Functions that JavaScript has under another name. */
const MATH: { readonly [path: string]: string } = {
  min: 'Math.min',
  max: 'Math.max',
  abs: 'Math.abs',
  int: 'Math.trunc',
  bool: 'Boolean',
  float: 'Number',
  str: 'String',
  'math.ceil': 'Math.ceil',
  'math.floor': 'Math.floor',
  'math.sqrt': 'Math.sqrt',
  'math.log2': 'Math.log2',
  'math.log': 'Math.log',
  'math.exp': 'Math.exp',
  'triton.cdiv': 'cdiv',
  'triton.next_power_of_2': 'next_power_of_2',
};
type Method = (self: Piece, args: readonly Doc[], host: Host) => Doc;
/** Methods of tensors, dictionaries and lists. */
const METHODS: { readonly [name: string]: Method } = {
  element_size: (x) => [postfix(x), '.dtype.bytes'],
  dim: (x) => [postfix(x), '.shape.length'],
  numel: (x) => [postfix(x), '.shape.reduce((a, b) => a * b, 1)'],
  stride: (x, [i]) => [postfix(x), '.strides', ...(i === undefined ? [] : ['[', i, ']'])],
  size: (x, [i]) => [postfix(x), '.shape', ...(i === undefined ? [] : ['[', i, ']'])],
  zero_: (x, _args, host) => [tensor(x, host), '.fill(0)'],
  fill_: (x, [v], host) => [tensor(x, host), '.fill(', v, ')'],
  append: (x, [v]) => [postfix(x), '.push(', v, ')'],
};
const tensor = (x: Piece, host: Host): Doc => {
  host.imports.add('type Tensor');
  return ['(', x.doc, ' as Tensor)'];
};

/** The handlers of nodes that are not as in kernels. */
class Arrows {
  private readonly host: Host;
  private readonly fn: Func;
  private readonly info: FunctionInfo;
  private readonly rename: ReadonlyMap<string, string>;
  private readonly args: { readonly of: string; readonly kernel: ReadonlySet<string> };
  /** Parameters of a function whose call is written out, as the texts of its arguments. */
  private readonly given: ReadonlyMap<string, Piece>;
  private readonly depth: number;
  /** `args`: the variable that has the arguments, and their names. */
  constructor(
    host: Host,
    fn: Func,
    info: FunctionInfo,
    rename: ReadonlyMap<string, string>,
    args: Arrows['args'],
    given: ReadonlyMap<string, Piece> = new Map(),
    depth = 0,
  ) {
    this.given = given;
    this.depth = depth;
    this.args = args;
    this.host = host;
    this.fn = fn;
    this.info = info;
    this.rename = rename;
  }
  private isLocal(name: string): boolean {
    return this.info.params.has(name) || this.info.vars.has(name);
  }
  /** True if `e` depends on what the function is called with. */
  private depends(e: Expr): boolean {
    for (const x of deep(e)) if (x.k === 'name' && this.isLocal(x.name)) return true;
    return false;
  }
  private known(e: Expr): Piece {
    return atom(spell(this.host.evaluator.value(e, this.fn.scope), e));
  }
  private no(e: Expr): never {
    throw new Unknown(e, `\`${this.host.evaluator.show(e)}\``);
  }
  /** The text that an expression stands for, if it is one that is known. */
  private key(e: Expr | null): string | number | null {
    if (!e || this.depends(e)) return null;
    const v = this.host.evaluator.value(e, this.fn.scope);
    return typeof v === 'string' || typeof v === 'number' ? v : null;
  }

  /** The same for an argument of the launch, which the kernel must have. */
  private argument(of: Expr, e: Expr | null): string | number | null {
    const key = this.key(e);
    const own = of.k === 'name' && (this.rename.get(of.name) ?? of.name) === this.args.of;
    if (e && own && typeof key === 'string' && !this.args.kernel.has(key))
      throw new Unknown(e, `\`${key}\`, which is no parameter,`);
    return key;
  }

  readonly handlers: Partial<Handlers> = {
    name: (_c, e) =>
      this.given.get(e.name) ?? (this.isLocal(e.name) ? atom(tsName(this.rename.get(e.name) ?? e.name)) : this.known(e)),
    attribute: (c, e) => {
      if (!this.depends(e)) return this.known(e);
      const x = postfix(expression(c, e.x));
      if (e.name in CONFIG_DEFAULTS) return atom(['(', x, `.${e.name} ?? ${CONFIG_DEFAULTS[e.name]})`]);
      const as = { kwargs: 'args', shape: 'shape', dtype: 'dtype', ndim: 'shape.length' }[e.name];
      return as === undefined ? this.no(e) : { doc: [x, '.', as], prec: ATOM };
    },
    index: (c, e) => {
      if (!this.depends(e)) return this.known(e);
      const [only] = e.items;
      if (e.items.length !== 1 || !only) return this.no(e);
      const x = postfix(expression(c, e.x));
      const key = this.argument(e.x, only);
      // A config need not have every constexpr.
      const sure = e.x.k === 'attribute' && e.x.name === 'kwargs' ? '!' : '';
      if (typeof key === 'string') return atom([x, property(key), sure]);
      if (typeof key === 'number') return atom(key < 0 ? [x, `.at(${key})!`] : [x, `[${key}]`]);
      return atom([x, '[', text(c, only), ']', sure]);
    },
    call: (c, e) => (this.depends(e) ? this.call(c, e) : this.known(e)),
    dict: (_c, e) => this.known(e),
    lambda: (c, e) =>
      atom([
        list(
          '(',
          e.params.map((p) => tsName(p.name)),
          ')',
        ),
        ' => ',
        text(c, e.body),
      ]),
    comprehension: (c, e) => (this.depends(e) ? this.comprehension(c, e) : this.known(e)),
  };

  private call(c: Context, e: ExprOf<'call'>): Piece {
    if (e.args.some((a) => a.name !== null)) return this.no(e.args.find((a) => a.name !== null)!.value);
    const args = e.args.map((a) => text(c, a.value));
    const own = e.fn.k === 'name' && !this.isLocal(e.fn.name) && this.fn.scope.get(e.fn.name) === undefined ? e.fn.name : null;
    const path = this.host.evaluator.path(e.fn, this.fn.scope) ?? (own !== null && Object.hasOwn(BUILTINS, own) ? own : null);
    const is = path !== null && Object.hasOwn(MATH, path) ? MATH[path] : null;
    if (is !== null) {
      if (is === 'cdiv' || is === 'next_power_of_2') this.host.imports.add(is);
      return atom([is, list('(', args, ')')]);
    }
    if (path === 'len') return atom([postfix(expression(c, e.args[0].value)), '.length']);
    if (path === 'list') return atom(['[...', args[0], ']']);
    if ((path === 'filter' || path === 'map') && args.length === 2)
      return atom([postfix(expression(c, e.args[1].value)), `.${path}(`, args[0], ')']);
    const helper = e.fn.k === 'name' && !this.isLocal(e.fn.name) && path === null ? this.fn.scope.get(e.fn.name) : null;
    if (helper instanceof Func) return this.inlined(c, e, helper);
    if (e.fn.k !== 'attribute' || path !== null) return this.no(e);
    const self = expression(c, e.fn.x);
    if (e.fn.name === 'get') {
      const key = this.argument(e.fn.x, e.args[0]?.value ?? null);
      if (typeof key !== 'string') return this.no(e);
      return atom(['(', postfix(self), property(key), ' ?? ', args[1] ?? 'null', ')']);
    }
    return Object.hasOwn(METHODS, e.fn.name) ? atom(METHODS[e.fn.name](self, args, this.host)) : this.no(e);
  }
  /** A call of a function of the file that is one expression: that expression, of the arguments. */
  private inlined(c: Context, e: ExprOf<'call'>, fn: Func): Piece {
    const body = bodyOf(fn).filter((s) => !(s.k === 'expression' && s.value.k === 'string'));
    const [only] = body;
    if (body.length !== 1 || only.k !== 'return' || !only.value || this.depth > 8) return this.no(e);
    const given = new Map(e.args.map((a, i) => [fn.params[i]?.name ?? '', expression(c, a.value)]));
    if (given.size !== fn.params.length || given.has('')) return this.no(e);
    const info: FunctionInfo = { ...this.info, params: new Map(fn.params.map((p) => [p.name, CONSTANT])), vars: new Map() };
    for (const n of bound(body)) info.vars.set(n, CONSTANT);
    const inner = new Arrows(this.host, fn, info, new Map(), { ...this.args, of: '' }, given, this.depth + 1);
    const own: Context = { ...c, fn: info, types: new HostTypes(c.names, info, fn), host: inner.handlers };
    return expression(own, only.value);
  }
  /** `[f(x) for x in xs if p(x)]` as filter and map. */
  private comprehension(c: Context, e: ExprOf<'comprehension'>): Piece {
    if (e.key) return this.no(e);
    const go = (clauses: readonly Clause[]): Doc => {
      const [head, ...rest] = clauses;
      if (!head || head.target === null || head.target.k !== 'name') return this.no(e);
      const name = tsName(head.target.name);
      const next = rest.findIndex((x) => x.target !== null);
      const tests = (next < 0 ? rest : rest.slice(0, next)).flatMap((x) => (x.target === null ? [x.test] : []));
      const from: Doc = [
        postfix(expression(c, head.iter)),
        tests.map((t): Doc => [`.filter((${name}) => `, condition(c, t).doc, ')']),
      ];
      if (next >= 0) return [from, `.flatMap((${name}) => `, go(rest.slice(next)), ')'];
      const same = e.element.k === 'name' && e.element.name === head.target.name;
      return same ? from : [from, `.map((${name}) => `, text(c, e.element), ')'];
    };
    return atom(go(e.clauses));
  }
}
