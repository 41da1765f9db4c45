// Calls: Triton's functions by the table in `names.ts`, methods of tiles as functions, helpers of the file, Python's built-ins.

import type { Arg, Expr, ExprOf } from './ast.ts';
import { CONVERSIONS } from './conversions.ts';
import { args as argumentList, type Doc, list } from './doc.ts';
import { refuse, stop } from './errors.ts';
import { asNumber, atom, type Context, condition, expression, infix, type Piece, postfix, text } from './expressions.ts';
import { PORT } from './messages.ts';
import { DESCRIPTOR_METHODS, DTYPE_KINDS, FUNCTIONS, type FunctionRow, SHAPE_LISTS, tsName } from './names.ts';
import { strictBuiltIn, strictCall, strictly, strictPrint } from './strict.ts';

/** `tl.float32`, `tl.PropagateNan.ALL`: what an expression that stands for something of Triton's is called here. */
export const libraryReference = (c: Context, e: Expr): string | null => {
  const name = c.names.library(e);
  return name === null ? null : `tl.${FUNCTIONS.get(name)?.as ?? name}`;
};

export function callExpression(c: Context, e: ExprOf<'call'>): Piece {
  const spread = e.args.find((a) => a.name?.startsWith('*'));
  if (spread) return refuse(spread, 'an argument list in a variable', 'write the arguments out');
  const library = c.names.library(e.fn);
  if (library !== null) return libraryCall(c, e, library, e.args);
  if (c.names.math(e.fn) !== null) {
    const values = e.args.map((a) => text(c, a.value));
    return atom([text(c, e.fn), list('(', values, ')')]);
  }
  if (e.fn.k === 'name') return namedCall(c, e, e.fn.name);
  if (e.fn.k === 'attribute') return methodCall(c, e, e.fn);
  return {
    doc: [
      postfix(expression(c, e.fn)),
      list(
        '(',
        e.args.map((a) => text(c, a.value)),
        ')',
      ),
    ],
    prec: 18,
  };
}

/** x.logical_and(y): masks are needed; numbers become `x !== 0`. */
const logic =
  (op: '&&' | '||') =>
  (c: Context, _e: ExprOf<'call'>, args: readonly Arg[]): Piece =>
    args.map((a) => condition(c, a.value)).reduce((a, b) => infix(op, a, b));

/** libdevice's `add_rn(x, y)`: an operator here, which rounds to nearest as well. */
const operator =
  (op: string) =>
  (c: Context, _e: ExprOf<'call'>, [x, y]: readonly Arg[]): Piece =>
    infix(op, expression(c, x.value), expression(c, y.value));

/** Translations of calls that are no call of one function, by Triton's name. */
const SPECIAL: { readonly [name: string]: (c: Context, e: ExprOf<'call'>, args: readonly Arg[]) => Piece } = {
  constexpr: (c, _e, args) => expression(c, args[0].value),
  logical_and: logic('&&'),
  logical_or: logic('||'),
  static_assert: (c, e, args) => {
    strictly(
      c,
      args.some((a) => a.name !== null),
      e,
      'keywords of static_assert',
      'write tl.static_assert(condition, "text")',
    );
    return call('static_assert', ...byRow(c, e, 'static_assert', FUNCTIONS.get('static_assert')!, args));
  },
  where: (c, e, args) => {
    const row = FUNCTIONS.get('where')!;
    const [, x, y] = row.params.map((p, i) => args.find((a) => a.name === p) ?? args.filter((a) => a.name === null)[i]);
    // A mask and numbers: TypeScript wants two of one kind.
    const mask = [x, y].map((a) => a && c.types.of(a.value).kind === 'bool');
    if (!x || !y || mask[0] === mask[1]) return call('where', ...byRow(c, e, 'where', row, args));
    const [docs] = byRow(c, e, 'where', row, args);
    return call('where', [docs[0], asNumber(c, x.value).doc, asNumber(c, y.value).doc]);
  },
  add_rn: operator('+'),
  sub_rn: operator('-'),
  mul_rn: operator('*'),
  static_print: (c, _e, args) =>
    call(
      'static_print',
      args.filter((a) => a.name === null).map((a) => text(c, a.value)),
    ),
  device_print: (c, e, args) => {
    strictPrint(c, e);
    const hex = args.find((a) => a.name === 'hex');
    return call(
      'device_print',
      args.filter((a) => a !== hex).map((a) => text(c, a.value)),
      hex ? options([['hex', text(c, hex.value)]]) : null,
    );
  },
  pointer_type: (_c, e) =>
    refuse(
      e,
      'a pointer of another dtype',
      'pass a view of the tensor, `x.view(dtype)`, as a parameter of its own, or load and `.to(dtype, bitcast=True)`',
    ),
  inline_asm_elementwise: (_c, e) => {
    return refuse(
      e,
      'inline assembly',
      'write the same with tl functions, or with tl.inline_wgsl_elementwise: there is no PTX on WebGPU',
    );
  },
};

const call = (name: string, args: readonly Doc[], options: Doc | null = null): Piece =>
  atom([`tl.${name}`, argumentList(args, options)]);

function libraryCall(c: Context, e: ExprOf<'call'>, name: string, args: readonly Arg[]): Piece {
  const special = SPECIAL[name];
  if (special) return special(c, e, args);
  if (args.some((a) => a.name === '_semantic' || a.name === '_builder')) args = args.filter((a) => !a.name?.startsWith('_'));
  // tl.float32(x): a value of that dtype.
  strictly(c, DTYPE_KINDS.has(name), e, 'a dtype that is called', `write x.to(tl.${name})`);
  if (DTYPE_KINDS.has(name) && args.length === 1) return call('cast', [text(c, args[0].value), `tl.${name}`]);
  const row = FUNCTIONS.get(name);
  if (!row) {
    const named = args.filter((a) => a.name !== null);
    const docs = args.filter((a) => a.name === null).map((a) => text(c, a.value));
    return call(name, docs, named.length ? options(named.map((a) => [a.name!, text(c, a.value)])) : null);
  }
  const [docs, last] = byRow(c, e, name, row, args);
  const conversion = CONVERSIONS.get(name);
  if (conversion) return atom(conversion.text.split('$0').flatMap((part, i) => (i ? [docs[0], part] : [part])));
  return call(row.as ?? name, docs, last);
}

const options = (pairs: readonly (readonly [string, Doc])[]): Doc =>
  list(
    '{',
    pairs.map(([k, d]) => (k === d ? k : [k, ': ', d])),
    '}',
    true,
  );

/** Parameters whose numbers are integers. */
const INTEGERS = new Set([
  'start',
  'end',
  'axis',
  'dim',
  'dims',
  'shape',
  'block_shape',
  'num_bins',
  'k',
  'values',
  'order',
  'offsets',
]);
/** Python's floats that are known: to TypeScript `16.0` and `B / 2` may be integers. */
function checkInteger(c: Context, fn: string, name: string, e: Expr): void {
  if (!INTEGERS.has(name)) return;
  for (const x of e.k === 'tuple' ? e.items : [e]) {
    const t = c.types.of(x);
    if (t.constant && t.kind === 'float') stop(x, PORT.floatSize, `tl.${fn}`, name, x.k === 'number' ? x.text : 'a quotient');
  }
}

/** Arguments in our order: positional ones, then an object with the rest. */
function byRow(
  c: Context,
  e: ExprOf<'call'>,
  name: string,
  row: FunctionRow,
  given: readonly Arg[],
): [args: Doc[], options: Doc | null] {
  const values = new Map<string, Doc>();
  const exprs = new Map<string, Expr>();
  let place = 0;
  const positional = given.filter((a) => a.name === null);
  const spread = SHAPE_LISTS.has(name) && positional.length > 2;
  if (spread) {
    // x.reshape(4, 8): several numbers are one shape.
    values.set(row.params[0], text(c, positional[0].value));
    values.set(
      row.params[1],
      list(
        '[',
        positional.slice(1).map((a) => text(c, a.value)),
        ']',
      ),
    );
  }
  for (const a of given) {
    if (a.name === null && spread) continue;
    const key = a.name ?? row.params[place++];
    if (key === undefined) stop(a, PORT.tooMany, `tl.${name}`, positional.length, row.params);
    if (!row.params.includes(key)) stop(a, PORT.keyword, `tl.${name}`, key, row.params);
    if (exprs.has(key)) stop(a, PORT.twice, `tl.${name}`, key);
    exprs.set(key, a.value);
    checkInteger(c, name, key, a.value);
    if (!(key === 'can_reorder' && SHAPE_LISTS.has(name))) values.set(key, text(c, a.value));
  }
  if (!spread) strictCall(c, e, name, exprs);
  const out: Doc[] = [];
  const rest = row.params.slice(row.positional).filter((p) => values.has(p));
  const last = row.params.slice(0, row.positional).findLastIndex((p) => values.has(p));
  row.params.slice(0, row.positional).forEach((p, i) => {
    const v = values.get(p);
    if (v !== undefined) out.push(v);
    else if (i < last || (rest.length && !row.droppable.includes(p))) out.push('undefined');
  });
  return [out, rest.length ? options(rest.map((p) => [p, values.get(p)!])) : null];
}

/** Arguments in the order of `params`, all of which are given. */
function inOrder(c: Context, e: ExprOf<'call'>, name: string, params: readonly string[]): Doc[] {
  const docs: Doc[] = [];
  for (const [i, a] of e.args.entries()) {
    const at = a.name === null ? i : params.indexOf(a.name);
    if (at < 0 || at >= params.length) stop(a, PORT.keyword, name, a.name ?? `argument ${i + 1}`, params);
    docs[at] = text(c, a.value);
  }
  return params.map((_, i) => docs[i] ?? 'undefined');
}

/** Methods of block pointers and tensor descriptors that are functions of `tl`. */
const DESCRIPTOR: { readonly [method: string]: string } = { load: 'load_tensor_descriptor', store: 'store_tensor_descriptor' };

function methodCall(c: Context, e: ExprOf<'call'>, fn: ExprOf<'attribute'>): Piece {
  const self: Arg = { name: null, value: fn.x, from: fn.x.from, to: fn.x.to };
  if (DESCRIPTOR[fn.name]) return libraryCall(c, e, DESCRIPTOR[fn.name], [self, ...e.args]);
  const t = c.types.of(fn.x);
  const params = t.kind === 'desc' && DESCRIPTOR_METHODS.get(fn.name);
  if (params) return atom([postfix(expression(c, fn.x)), '.', fn.name, argumentList(inOrder(c, e, fn.name, params), null)]);
  // Of a scalar there is nothing to take; a tile must have one element.
  if (fn.name === 'item') return (t.rank ?? 0) > 0 ? call('reshape', [text(c, fn.x), '[]']) : expression(c, fn.x);
  if (t.kind !== 'dtype' && FUNCTIONS.has(fn.name)) return libraryCall(c, e, fn.name, [self, ...e.args]);
  if (t.kind === 'dtype' || t.kind === 'string')
    return {
      doc: [
        postfix(expression(c, fn.x)),
        '.',
        fn.name,
        list(
          '(',
          e.args.map((a) => text(c, a.value)),
          ')',
        ),
      ],
      prec: 18,
    };
  return libraryCall(c, e, fn.name, [self, ...e.args]);
}

function namedCall(c: Context, e: ExprOf<'call'>, name: string): Piece {
  const helper = c.names.functions.get(name);
  if (helper && !c.fn.params.has(name)) {
    const { params } = helper.def;
    const docs: (Doc | undefined)[] = [];
    const names = params.map((p) => p.name);
    const places = e.args.filter((a) => a.name === null).length;
    if (places > params.length) stop(e, PORT.tooMany, name, places, names);
    for (const [i, a] of e.args.entries()) {
      const at = a.name === null ? i : names.indexOf(a.name);
      if (at < 0) {
        if (['num_warps', 'num_stages', 'num_ctas'].includes(a.name ?? '')) continue;
        stop(a, PORT.keyword, name, a.name ?? '', names);
      }
      if (docs[at] !== undefined) stop(a, PORT.twice, name, names[at]);
      docs[at] = text(c, a.value);
    }
    const missing = params.find((p, i) => docs[i] === undefined && !p.value);
    if (missing) stop(e, PORT.missing, name, missing.name, names);
    return atom([
      tsName(name),
      list(
        '(',
        Array.from(docs, (d) => d ?? 'undefined'),
        ')',
      ),
    ]);
  }
  if (c.types.variable(name))
    return atom([
      tsName(name),
      list(
        '(',
        e.args.map((a) => text(c, a.value)),
        ')',
      ),
    ]);
  const builtIn = BUILT_IN[name];
  if (builtIn) {
    strictBuiltIn(c, e, name);
    return builtIn(c, e);
  }
  return atom([
    expression(c, e.fn).doc,
    list(
      '(',
      e.args.map((a) => text(c, a.value)),
      ')',
    ),
  ]);
}

const extreme =
  (math: string, device: string) =>
  (c: Context, e: ExprOf<'call'>): Piece => {
    const values = e.args.map((a) => a.value);
    if (values.length < 2)
      return refuse(e, `\`${math}\` of one value`, `pass at least two values; the ${math} of a tile is tl.${math}(x, axis)`);
    if (values.every((v) => c.types.of(v).constant))
      return atom([
        `Math.${math}`,
        list(
          '(',
          values.map((v) => text(c, v)),
          ')',
        ),
      ]);
    return values.map((v) => expression(c, v)).reduce((a, b) => call(device, [a.doc, b.doc]));
  };
const SPECIAL_FLOATS: { readonly [text: string]: string } = { inf: 'Infinity', infinity: 'Infinity', nan: 'NaN' };

/** Functions whose result is all that they do, with what a person may have meant. */
const NO_EFFECT: { readonly [name: string]: string } = {
  advance: 'write `p = tl.advance(p, offsets)`: the block pointer itself stays where it is',
};
/** Stops at a call that stands alone and does nothing. */
export function checkUnused(c: Context, e: Expr): void {
  if (e.k !== 'call') return;
  const name = c.names.library(e.fn) ?? (e.fn.k === 'attribute' ? e.fn.name : '');
  if (Object.hasOwn(NO_EFFECT, name)) stop(e, PORT.unused, `tl.${name}`, NO_EFFECT[name]);
}

/** Python's own functions. */
const BUILT_IN: { readonly [name: string]: (c: Context, e: ExprOf<'call'>) => Piece } = {
  min: extreme('min', 'minimum'),
  max: extreme('max', 'maximum'),
  abs: (c, e) => {
    const [x] = e.args;
    return c.types.of(x.value).constant ? atom(['Math.abs(', text(c, x.value), ')']) : call('abs', [text(c, x.value)]);
  },
  len: (c, e) => ({ doc: [postfix(expression(c, e.args[0].value)), '.length'], prec: 18 }),
  range: (c, e) => libraryCall(c, e, 'range', e.args),
  print: (c, e) =>
    call(
      'device_print',
      e.args[0]?.value.k === 'string' ? e.args.map((a) => text(c, a.value)) : ["''", ...e.args.map((a) => text(c, a.value))],
    ),
  float: (c, e) => {
    const [{ value }] = e.args;
    if (value.k === 'string') {
      const [, sign, word] = /^\s*([+-]?)\s*(\w+)\s*$/.exec(value.value.toLowerCase()) ?? [];
      const known = SPECIAL_FLOATS[word ?? ''];
      if (!known) return refuse(e, `\`float("${value.value}")\``, 'write the number');
      return sign === '-' ? { doc: `-${known}`, prec: 14 } : atom(known);
    }
    if (value.k === 'number') return atom(/[.eE]/.test(value.text) ? value.text : `${value.text}.0`);
    return c.types.of(value).constant
      ? infix('*', expression(c, value), atom('1.0'))
      : call('cast', [text(c, value), 'tl.float32']);
  },
  int: (c, e) => {
    const [{ value }] = e.args;
    return c.types.of(value).constant ? atom(['Math.trunc(', text(c, value), ')']) : call('cast', [text(c, value), 'tl.int32']);
  },
  bool: (c, e) => {
    const [{ value }] = e.args;
    return c.types.of(value).constant ? atom(['Boolean(', text(c, value), ')']) : call('cast', [text(c, value), 'tl.int1']);
  },
};
/** Names that are Python's. */
export const isBuiltIn = (name: string): boolean => Object.hasOwn(BUILT_IN, name);
