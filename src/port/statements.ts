// Statements of one function: one handler a kind. Declarations stand where `scope.ts` planned them; comments and blank lines
// keep their places.

import { type Branch, blocksOf, type Expr, type Stmt, type StmtOf, statements, targetNames } from './ast.ts';
import { checkUnused } from './calls.ts';
import type { Comments } from './comments.ts';
import { type Doc, from, group, hardline, indent, list } from './doc.ts';
import { refuse, stop } from './errors.ts';
import { type Context, deviceValue, expression, operation, text } from './expressions.ts';
import { PORT } from './messages.ts';
import { tsName } from './names.ts';
import { listType } from './parameters.ts';
import type { Scope } from './scope.ts';
import { strictAssign, strictCondition, strictFor, strictWhile } from './strict.ts';
import { becomesTensor } from './types.ts';

export interface BodyContext extends Context {
  readonly scope: Scope;
  readonly comments: Comments;
}

/** `{ … }` with the statements of `body`, and the comment behind the header. */
export function block(c: BodyContext, body: readonly Stmt[], header: number, end: number, first: readonly Doc[] = []): Doc {
  const trailing = c.comments.trailing(header);
  const lines = [...first, ...sequence(c, body, end)];
  const head: Doc = trailing ? ` ${trailing}` : '';
  return lines.length || head ? ['{', head, indent(lines.map((l): Doc => [hardline, l])), hardline, '}'] : '{}';
}

/** The lines of a block; `''` is an empty one. */
function sequence(c: BodyContext, body: readonly Stmt[], end: number): Doc[] {
  const out: Doc[] = [];
  const gap = (at: number): void => void (out.length && c.comments.blankBefore(at) && out.push(''));
  const comments = (to: number): void => {
    for (const comment of c.comments.before(to)) {
      gap(comment.from);
      out.push(comment.text);
    }
  };
  for (const s of body) {
    comments(s.from);
    gap(s.from);
    const hoisted = c.scope.hoisted.get(s);
    if (hoisted) out.push(...hoisted.map((n) => declaration(c, n, s)));
    const docs = (STATEMENTS[s.k] as (c: BodyContext, s: Stmt) => Doc[])(c, s);
    const inner = c.comments.before(s.to);
    out.push(...inner.map((x) => x.text), ...docs.map((d): Doc => [from(s.from), d]));
    const trailing = c.comments.trailing(s.to);
    if (trailing && out.length) out[out.length - 1] = docs.length ? [out[out.length - 1], ` ${trailing}`] : trailing;
  }
  comments(end);
  return out;
}

/** Kinds to types of declarations without a value. */
const TYPES: { readonly [kind: string]: string } = {
  bool: 'boolean',
  string: 'string',
  dtype: 'tl.dtype',
  tuple: 'any',
  desc: 'any',
  fn: 'any',
  none: 'any',
};

function declaration(c: BodyContext, name: string, before: Stmt): Doc {
  const type = c.types.variable(name);
  const kind = type?.mixed ? 'tuple' : (type?.kind ?? 'any');
  const sure = before.k === 'if' && assignsAlways([before], name);
  const list = kind === 'tuple' && !type?.mixed ? listType(type) : TYPES[kind];
  return `let ${tsName(name)}${sure ? '' : '!'}: ${list ?? 'number'};`;
}
const assignsAlways = (body: readonly Stmt[], name: string): boolean =>
  body.some((s) =>
    s.k === 'assign'
      ? s.targets.flatMap(targetNames).includes(name)
      : s.k === 'if' && s.branches.at(-1)!.test === null && s.branches.every((b) => assignsAlways(b.body, name)),
  );

/** A value behind `=`; what does not fit goes to the next line. */
const assigned = (c: Context, value: Expr): Doc => {
  const p = expression(c, value);
  const breaks = p.op !== undefined && p.op !== '?';
  return breaks ? group(indent({ k: 'line', flat: ' ' }, p.doc)) : [' ', p.doc];
};

/** True if `b`, further down, can run behind `a`: the block of one holds the other, at any depth, and that of `a` does not return first. */
function follows(body: readonly Stmt[], a: Stmt, b: Stmt): boolean {
  const blocks = (list: readonly Stmt[]): (readonly Stmt[])[] => [list, ...list.flatMap((x) => blocksOf(x).flatMap(blocks))];
  const holds = (list: readonly Stmt[], x: Stmt): boolean => [...statements(list)].includes(x);
  const all = blocks(body);
  const own = all.find((list) => list.includes(a))!;
  if (own.at(-1)?.k === 'return' && !holds(own, b)) return false;
  return all.some((list) => (list.includes(a) && holds(list, b)) || (list.includes(b) && holds(list, a)));
}
function assign(c: BodyContext, s: StmtOf<'assign'>): Doc[] {
  const annotation = s.annotation?.k === 'attribute' ? s.annotation.name : s.annotation?.k === 'name' ? s.annotation.name : null;
  strictAssign(c, s);
  for (const n of annotation === 'constexpr' ? targetNames(s.targets[0]) : []) {
    const all = c.scope.assignments(n);
    // Branches that exclude each other may each give it a value.
    const again = c.fn.def.params.some((p) => p.name === n)
      ? s
      : all.find((o, i) => all.some((before, k) => k < i && follows(c.fn.def.body, before, o)));
    if (again) stop(again, PORT.reassigned, n);
  }
  const { value } = s;
  const count = c.types.of(value).items?.length ?? (value.k === 'tuple' ? value.items.length : null);
  for (const t of s.targets)
    if (t.k === 'tuple' && count !== null && count < t.items.length) stop(s, PORT.unpack, t.items.length, count);
  const own = new Set(c.scope.declares.get(s) ?? []);
  // a = b = value: from right to left, through the last name.
  if (s.targets.length > 1) {
    const last = s.targets.at(-1)!;
    return [...one(c, s, own, last, s.value), ...s.targets.slice(0, -1).flatMap((t) => one(c, s, own, t, last))];
  }
  return one(c, s, own, s.targets[0], s.value);
}
function one(c: BodyContext, s: Stmt, own: ReadonlySet<string>, target: Expr, value: Expr): Doc[] {
  if (target.k === 'name') {
    const keyword = own.has(target.name) ? (c.scope.isConstant(s, target.name) ? 'const ' : `let `) : '';
    const mixed = keyword === 'let ' && c.types.variable(target.name)?.mixed ? ': any' : '';
    const tensor = s.k === 'assign' && becomesTensor(c.names, c.fn, s, c.types.of(value));
    return [
      [keyword, tsName(target.name), mixed, ' =', tensor ? [' ', deviceValue(c, value, true).doc] : assigned(c, value), ';'],
    ];
  }
  if (target.k !== 'tuple')
    return refuse(target, 'an assignment to part of a value', 'Triton’s tiles cannot be assigned in parts');
  const names = targetNames(target);
  const { items } = target;
  // a, b = x, y is two statements where no value reads a target.
  const apart = value.k === 'tuple' && value.items.length === items.length && items.every((t) => t.k === 'name');
  if (apart && !value.items.some((v, i) => i > 0 && mentions(v, names.slice(0, i))))
    return items.flatMap((t, i) => one(c, s, own, t, value.items[i]));
  const unread = (n: string): boolean => n === '_' && !c.scope.isRead(n);
  const pattern = (t: Expr): Doc => {
    if (t.k === 'tuple') return list('[', t.items.map(pattern), ']');
    if (t.k !== 'name') return refuse(t, 'an assignment to part of a value', 'Triton’s tiles cannot be assigned in parts');
    return unread(t.name) ? '' : tsName(t.name);
  };
  let docs = items.map(pattern);
  while (docs.at(-1) === '') docs = docs.slice(0, -1);
  const used = names.filter((n) => !unread(n));
  const all = used.every((n) => own.has(n));
  const keyword = !all || !used.length ? '' : used.every((n) => c.scope.isConstant(s, n)) ? 'const ' : 'let ';
  const before = all
    ? []
    : used.filter((n) => own.has(n)).map((n): Doc => `let ${tsName(n)}: ${TYPES[c.types.variable(n)?.kind ?? ''] ?? 'number'};`);
  return [...before, [keyword, '[', docs.map((d, i) => [i ? (d === '' ? ',' : ', ') : '', d]), '] =', assigned(c, value), ';']];
}
const mentions = (e: Expr, names: readonly string[]): boolean => {
  if (e.k === 'name') return names.includes(e.name);
  return Object.values(e).some((v) =>
    (Array.isArray(v) ? v : [v]).some((x) => {
      const inner = x && typeof x === 'object' ? ('value' in x && !('k' in x) ? x.value : x) : null;
      return inner && typeof inner === 'object' && 'k' in inner && mentions(inner as Expr, names);
    }),
  );
};

function update(c: BodyContext, s: StmtOf<'update'>): Doc[] {
  if (s.target.k !== 'name')
    return refuse(s.target, 'an assignment to part of a value', 'Triton’s tiles cannot be assigned in parts');
  const name = tsName(s.target.name);
  const masks = c.types.of(s.target).kind === 'bool' || c.types.of(s.value).kind === 'bool';
  if (s.op === '//' || s.op === '@' || masks) return [[name, ' = ', operation(c, s.op, s.target, s.value).doc, ';']];
  return [[name, ` ${s.op}=`, assigned(c, s.value), ';']];
}

/** `for` over a range: Triton's own iterators, an array, or a tuple of constants. */
function forLoop(c: BodyContext, s: StmtOf<'for'>): Doc[] {
  strictFor(c, s);
  if (s.target.k !== 'name') return refuse(s.target, 'several loop variables', 'take the value apart in the body');
  const keyword = c.scope.assignsTarget(s) ? 'let' : 'const';
  const head: Doc = ['for (', keyword, ' ', tsName(s.target.name), ' of ', text(c, s.iter), ') '];
  return [[head, block(c, s.body, s.header, s.to)]];
}

function ifStatement(c: BodyContext, s: StmtOf<'if'>): Doc[] {
  const parts = s.branches.map((b: Branch, i): Doc => {
    if (b.test) strictCondition(c, b.test);
    const end = s.branches[i + 1]?.test?.from ?? (s.branches[i + 1] ? s.branches[i + 1].header - 1 : s.to);
    const body = block(c, b.body, b.header, lastEnd(b, end));
    const head: Doc = b.test
      ? group('if (', indent({ k: 'line', flat: '' }, expression(c, b.test).doc), { k: 'line', flat: '' }, ') ')
      : '';
    return [i && b.test ? from(b.test.from) : '', i ? ' else ' : '', head, body];
  });
  return [parts];
}
/** Comments behind a branch's last statement belong to it as far as they are on lines of its own. */
const lastEnd = (b: Branch, end: number): number =>
  b.body.length ? Math.max(b.body.at(-1)!.to, Math.min(end, b.body.at(-1)!.to)) : b.header;

const STATEMENTS: { readonly [K in Stmt['k']]: (c: BodyContext, s: StmtOf<K>) => Doc[] } = {
  assign,
  update,
  expression: (c, s) => {
    checkUnused(c, s.value);
    return [[s.value.k === 'string' ? `// ${s.value.value.replaceAll('\n', '\n// ')}` : [expression(c, s.value).doc, ';']]];
  },
  if: ifStatement,
  for: forLoop,
  while: (c, s) => {
    strictWhile(c, s);
    return [[group('while (', expression(c, s.test).doc, ') '), block(c, s.body, s.header, s.to)]];
  },
  return: (c, s) => {
    if (!s.value || (s.value.k === 'constant' && s.value.value === null)) return ['return;'];
    return [['return ', text(c, s.value), ';']];
  },
  assert: (c, s) => {
    const fn = c.types.of(s.test).constant ? 'static_assert' : 'device_assert';
    return [[`tl.${fn}`, list('(', [text(c, s.test), ...(s.message ? [text(c, s.message)] : [])], ')'), ';']];
  },
  pass: () => [],
};
