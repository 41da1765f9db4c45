// Expressions: one handler a kind of node. A handler gives text (a Doc) and how tightly its outermost operator binds, so that
// parentheses stand where TypeScript, or a reader, needs them.

import type { Expr, ExprOf } from './ast.ts';
import { callExpression, libraryReference } from './calls.ts';
import { type Doc, group, indent, line, list } from './doc.ts';
import { refuse, stop } from './errors.ts';
import { mathName } from './math.ts';
import { PORT } from './messages.ts';
import { ATTRIBUTES, DTYPE_ATTRIBUTES, TRANSPARENT, tsName } from './names.ts';
import { strictCompare, strictConditional, strictFormat, strictUnary } from './strict.ts';
import { templateText, tsString } from './strings.ts';
import type { FunctionInfo, Names, Types } from './types.ts';

export interface Piece {
  readonly doc: Doc;
  /** Precedence of the outermost operator; `ATOM` needs no parentheses anywhere. */
  readonly prec: number;
  readonly op?: string;
  /** The parts of a chain like a + b - c, for a longer chain to go on with. */
  readonly chain?: Doc;
}
export interface Context {
  readonly names: Names;
  readonly fn: FunctionInfo;
  readonly types: Types;
  /** Refuse what Triton refuses, although it could be translated. */
  readonly strict: boolean;
  /** Code of the host has handlers of its own for some kinds of node. */
  readonly host?: Partial<Handlers>;
}
export type Handlers = { readonly [K in Expr['k']]: (c: Context, e: ExprOf<K>) => Piece };

export const ATOM = 20;
const POSTFIX = 18;
const UNARY = 14;
const PRECEDENCE: { readonly [op: string]: number } = {
  '?': 2, '||': 3, '&&': 4, '|': 5, '^': 6, '&': 7, '===': 8, '!==': 8, '==': 8, '!=': 8, '<': 9, '<=': 9, '>': 9, '>=': 9,
  '<<': 10, '>>': 10, '+': 11, '-': 11, '*': 12, '/': 12, '%': 12, '**': 13,
}; // biome-ignore format: a table
const COMPARE: { readonly [op: string]: string } = { '==': '===', '!=': '!==', is: '===', 'is not': '!==' };
const LOGIC: { readonly [op: string]: string } = { '&': '&&', '|': '||', '^': '!==' };
const BITWISE = new Set(['&', '|', '^', '<<', '>>']);

export const atom = (doc: Doc): Piece => ({ doc, prec: ATOM });
export const expression = (c: Context, e: Expr): Piece =>
  ((c.host?.[e.k] ?? HANDLERS[e.k]) as (c: Context, e: Expr) => Piece)(c, e);
export const text = (c: Context, e: Expr): Doc => expression(c, e).doc;

const wrap = (p: Piece, yes: boolean): Doc => (yes ? ['(', p.doc, ')'] : p.doc);
/** `p` where something behind a dot or bracket follows. */
export const postfix = (p: Piece): Doc => wrap(p, p.prec < POSTFIX);

/** Parentheses that the language needs, and those that readers (and formatters) want around mixed operators. */
function operand(p: Piece, op: string, right: boolean): Doc {
  const prec = PRECEDENCE[op];
  const inner = p.op;
  if (inner === undefined) return wrap(p, p.prec < prec);
  const flat = inner === op || (prec === 11 && p.prec === 11);
  const chain = flat && !(op === '%' || (prec === 12 && inner !== op) || prec === 8 || (BITWISE.has(op) && inner !== op));
  const mixed =
    (p.prec === prec && (right || !chain)) ||
    (p.prec > prec && inner === '%' && (op === '+' || op === '-')) ||
    (p.prec > prec && p.prec < UNARY && BITWISE.has(op)) ||
    (op === '||' && inner === '&&');
  return wrap(p, p.prec < prec || mixed);
}
/** `a op b` from finished pieces. */
export function infix(op: string, a: Piece, b: Piece): Piece {
  const left = operand(a, op, false);
  // Bare operands of one precedence are one chain, broken at all of its operators or none.
  const chain = [left === a.doc && a.chain && a.prec === PRECEDENCE[op] ? a.chain : left, ' ', op, line, operand(b, op, true)];
  return { doc: group(chain), prec: PRECEDENCE[op], op, chain };
}

/**
 * A number where a mask stands: TypeScript computes with no booleans. On the device the cast to the same dtype emits nothing;
 * between constants it must stay one.
 */
export function asNumber(c: Context, e: Expr, constants = false): Piece {
  const p = expression(c, e);
  if (c.types.of(e).kind !== 'bool') return p;
  return atom(constants ? ['Number(', p.doc, ')'] : ['tl.cast(', p.doc, ', tl.int1)']);
}

/** A value that is surely not negative. */
const isCount = (e: Expr): boolean => e.k === 'number' || (e.k === 'index' && e.x.k === 'attribute' && e.x.name === 'shape');

/** The value of a whole number that is written out. */
const written = (e: Expr): bigint | null =>
  e.k === 'number' && /^(?:0[xXoObB][\da-fA-F_]+|[\d_]+)$/.test(e.text) ? BigInt(e.text.replaceAll('_', '')) : null;
const fits = (x: bigint): boolean => x < 2n ** 31n;

/** `a << b` is `a · 2^b`: JavaScript shifts 32 bits and drops the rest. */
function power(c: Context, b: Expr): Piece {
  return infix('**', atom('2'), expression(c, b));
}
/** Bitwise operators of two numbers that are more than JavaScript's 32 bits, or may be; null where they are surely not. */
const bitwise =
  (value: (x: bigint, y: bigint) => bigint, op: string) =>
  (c: Context, a: Expr, b: Expr): Piece | null => {
    const [x, y] = [written(a), written(b)];
    if (x !== null && y !== null) {
      const v = value(x, y);
      return [x, y, v].every(fits) ? null : atom(number(String(v)));
    }
    if (![x, y].some((v) => v !== null && !fits(v))) return null;
    return atom(['Number(', infix(op, atom(['BigInt(', text(c, a), ')']), atom(['BigInt(', text(c, b), ')'])).doc, ')']);
  };
const WIDE: { readonly [op: string]: (c: Context, a: Expr, b: Expr) => Piece | null } = {
  '&': bitwise((x, y) => x & y, '&'),
  '|': bitwise((x, y) => x | y, '|'),
  '^': bitwise((x, y) => x ^ y, '^'),
  '<<': (c, a, b) => {
    const [x, y] = [written(a), written(b)];
    if (x !== null && y !== null && fits(x << y)) return null;
    return x === 1n ? power(c, b) : infix('*', expression(c, a), power(c, b));
  },
  '>>': (c, a, b) => {
    const x = written(a);
    if (x !== null && fits(x)) return null;
    return atom(['Math.floor(', infix('/', expression(c, a), power(c, b)).doc, ')']);
  },
};

/** `a op b` of Python. */
export function operation(c: Context, op: string, a: Expr, b: Expr): Piece {
  const [x, y] = [c.types.of(a), c.types.of(b)];
  const both = x.kind === 'bool' && y.kind === 'bool';
  // Python's own integers divide towards minus infinity; on the device Triton truncates.
  if (op === '//' && x.constant && y.constant)
    return atom(['Math.floor(', infix('/', expression(c, a), expression(c, b)).doc, ')']);
  if (op === '//') return atom(['tl.floordiv(', text(c, a), ', ', text(c, b), ')']);
  if (op === '+' && x.kind === 'tuple' && y.kind === 'tuple') return atom(['[...', text(c, a), ', ...', text(c, b), ']']);
  if (op === '+' && (x.kind === 'string') !== (y.kind === 'string') && [x, y].some((t) => t.kind === 'int' || t.kind === 'float'))
    return refuse({ from: a.from, to: b.to }, 'a text plus a number', 'write an f-string, or put both in quotes');
  if (op === '@') return refuse({ from: a.from, to: b.to }, '`@`', 'write tl.dot(a, b)');
  if (op === '%' && x.constant && y.constant && x.kind !== 'string' && !isCount(a)) {
    const [p, q] = [expression(c, a), expression(c, b)];
    return infix('%', infix('+', infix('%', p, q), q), q);
  }
  if (x.constant && y.constant && WIDE[op]) {
    const wide = WIDE[op](c, a, b);
    if (wide) return wide;
  }
  if (both && LOGIC[op]) return infix(LOGIC[op], expression(c, a), expression(c, b));
  const constants = x.constant && y.constant;
  return infix(op, asNumber(c, a, constants), asNumber(c, b, constants));
}

const isZero = (e: Expr): boolean => e.k === 'number' && Number(e.text) === 0;

const isTile = (c: Context, e: Expr): boolean => (c.types.of(e).rank ?? 0) > 0;

function compare(c: Context, e: ExprOf<'compare'>): Piece {
  strictCompare(c, e);
  const pairs = e.ops.map((op, i): Piece => {
    const [a, b] = [e.items[i], e.items[i + 1]];
    if (op === 'in' || op === 'not in') {
      const test: Piece = atom([postfix(expression(c, b)), '.includes(', text(c, a), ')']);
      return op === 'in' ? test : { doc: ['!', test.doc], prec: UNARY };
    }
    const singleton = a.k === 'constant' || b.k === 'constant' || (c.types.of(a).constant && c.types.of(b).constant);
    if ((op === 'is' || op === 'is not') && !singleton)
      return refuse(
        e,
        `\`${op}\` between values`,
        'it asks whether both are one object, which is never so on the device; write == or !=',
      );
    const kinds = [c.types.of(a).kind, c.types.of(b).kind];
    // A remainder is compared with 0: its sign does not matter.
    if ((op === '==' || op === '!=') && isZero(b) && a.k === 'binary' && a.op === '%')
      return infix(COMPARE[op] ?? op, infix('%', expression(c, a.a), expression(c, a.b)), atom('0'));
    // On the host an argument that was left out is undefined.
    if (c.host && (op === 'is' || op === 'is not') && kinds[1] === 'none')
      return infix(op === 'is' ? '==' : '!=', expression(c, a), atom('null'));
    const mixed = kinds.includes('bool') && !kinds.every((k) => k === 'bool') && !kinds.includes('none');
    const constants = c.types.of(a).constant && c.types.of(b).constant;
    const side = (x: Context, y: Expr): Piece => (mixed ? asNumber(x, y, constants) : expression(x, y));
    return infix(COMPARE[op] ?? op, side(c, a), side(c, b));
  });
  return pairs.reduce((p, q) => infix('&&', p, q));
}

/** A condition as TypeScript and the tracer take it: numbers of the device become comparisons. */
export function condition(c: Context, e: Expr): Piece {
  const t = c.types.of(e);
  const p = expression(c, e);
  const device = !t.constant && (t.kind === 'int' || t.kind === 'num' || t.kind === 'float');
  return device && !(c.strict && isTile(c, e)) ? infix('!==', p, atom('0')) : p;
}

function number(raw: string): string {
  let t = raw.replace(/^(-?)\./, '$10.').replace(/\.(?=$|[eE])/, '.0');
  if (/^0[oO]/.test(t)) t = t.toLowerCase();
  const integer = /^(?:0[xXoObB][\da-fA-F_]+|[\d_]+)$/.test(t);
  return integer && BigInt(t.replaceAll('_', '')) > BigInt(Number.MAX_SAFE_INTEGER) ? `${t}n` : t;
}

function index(c: Context, e: ExprOf<'index'>): Piece {
  const isNew = (i: Expr | null): boolean => i !== null && i.k === 'constant' && i.value === null;
  const { items } = e;
  if (items.every((i) => i === null || isNew(i))) {
    const axes = items.flatMap((i, axis) => (isNew(i) ? [axis] : []));
    const rank = c.types.of(e.x).rank;
    const x = text(c, e.x);
    if (axes.length === 0) return expression(c, e.x);
    if (axes.length === 1 && axes[0] === 0 && items.length <= 2) return atom(['tl.row(', x, ')']);
    if (axes.length === 1 && axes[0] === 1 && items.length === 2 && (rank === null || rank <= 1))
      return atom(['tl.col(', x, ')']);
    return atom(['tl.expand_dims(', x, ', ', axes.length === 1 ? String(axes[0]) : `[${axes.join(', ')}]`, ')']);
  }
  const [only] = items;
  if (items.length !== 1 || only === null)
    return refuse(e, 'this subscript', 'use `:` and `None` on tiles, or one index on tuples');
  if (isTile(c, e.x) && c.types.of(e.x).kind !== 'tuple')
    return refuse(
      e,
      'one element of a tile',
      'tiles have no elements to name; use a mask and `tl.sum`, or load it by its pointer',
    );
  if (only.k === 'unary' && only.op === '-' && only.x.k === 'number')
    return { doc: [postfix(expression(c, e.x)), `.at(-${only.x.text})!`], prec: POSTFIX };
  return { doc: [postfix(expression(c, e.x)), '[', text(c, only), ']'], prec: POSTFIX };
}

function attribute(c: Context, e: ExprOf<'attribute'>): Piece {
  const library = libraryReference(c, e);
  if (library !== null) return atom(library);
  const math = c.names.math(e);
  if (math !== null) return atom(mathName(math) ?? stop(e, PORT.unknownName, `math.${math}`));
  if (TRANSPARENT.has(e.name)) return expression(c, e.x);
  if (e.name === 'numel') return atom(['tl.shape_of(', text(c, e.x), ').reduce((a, b) => a * b, 1)']);
  if (c.types.of(e.x).kind === 'desc') return { doc: [postfix(expression(c, e.x)), '.', e.name], prec: POSTFIX };
  const fn = ATTRIBUTES.get(e.name);
  // Triton's `.T` is for two dimensions alone.
  if (fn === 'trans' && c.strict) return atom(['tl.trans(', text(c, e.x), ', [1, 0])']);
  // `x.type` of a dtype, and `x.dtype.…`, stay with the dtype.
  if (fn && c.types.of(e.x).kind !== 'dtype') return atom([`tl.${fn}(`, text(c, e.x), ')']);
  if (fn) return expression(c, e.x);
  return { doc: [postfix(expression(c, e.x)), '.', DTYPE_ATTRIBUTES.get(e.name) ?? e.name], prec: POSTFIX };
}

/** A value of the device where Triton makes one: a number, as soon as it is assigned or chosen. */
export function deviceValue(c: Context, e: Expr, wanted = c.strict): Piece {
  const t = c.types.of(e);
  const number = t.constant && (t.kind === 'int' || t.kind === 'float' || t.kind === 'num' || t.kind === 'bool');
  return wanted && number ? atom(['tl.to_tensor(', text(c, e), ')']) : expression(c, e);
}

const HANDLERS: Handlers = {
  number: (_c, e) => atom(number(e.text)),
  string: (_c, e) => atom(tsString(e.value)),
  format: (c, e) => {
    strictFormat(c, e);
    const parts = e.parts.map((p): Doc => (typeof p === 'string' ? templateText(p) : ['${', text(c, p), '}']));
    return atom(['`', parts, '`']);
  },
  constant: (_c, e) => atom(String(e.value)),
  name: (c, e) => {
    if (c.fn.params.has(e.name) || c.fn.vars.has(e.name)) return atom(tsName(e.name));
    const library = libraryReference(c, e);
    if (library !== null) return atom(library);
    if (c.names.functions.has(e.name) || c.names.constants.has(e.name)) return atom(tsName(e.name));
    return stop(e, PORT.unknownName, e.name);
  },
  unary: (c, e) => {
    const mask = c.types.of(e.x).kind === 'bool';
    strictUnary(c, e);
    if (e.op === '~' && c.types.of(e.x).kind === 'float')
      return refuse(e, '`~` of a float', 'bits are inverted in integers; bitcast first: x.to(tl.int32, bitcast=True)');
    const op = e.op === 'not' || (e.op === '~' && mask) ? '!' : e.op;
    const x = op === '!' ? expression(c, e.x) : asNumber(c, e.x, c.types.of(e.x).constant);
    const double = x.prec === UNARY && (op === '-' || op === '+');
    return { doc: [op, wrap(x, x.prec < UNARY || double)], prec: UNARY };
  },
  binary: (c, e) => operation(c, e.op, e.a, e.b),
  compare,
  logical: (c, e) => infix(e.op === 'and' ? '&&' : '||', condition(c, e.a), condition(c, e.b)),
  conditional: (c, e) => {
    strictConditional(c, e);
    const test = expression(c, e.test);
    const [a, b] = [e.then, e.other].map((x) => (c.types.of(e.test).constant ? expression(c, x) : deviceValue(c, x)));
    const doc = group(wrap(test, test.prec <= 2), indent(line, '? ', wrap(a, a.prec <= 2), line, ': ', b.doc));
    return { doc, prec: 2, op: '?' };
  },
  tuple: (c, e) => {
    if (e.set && !c.host) return refuse(e, 'a set', 'write a tuple, or compare with each value');
    return atom(
      list(
        '[',
        e.items.map((i) => text(c, i)),
        ']',
      ),
    );
  },
  dict: (_c, e) => refuse(e, 'a dictionary', 'pass its values as parameters of their own'),
  lambda: (_c, e) => refuse(e, 'a lambda', 'write a `@triton.jit` function'),
  comprehension: (_c, e) => refuse(e, 'a comprehension', 'write a loop over `tl.static_range`, or the values one by one'),
  attribute,
  index,
  call: callExpression,
};
