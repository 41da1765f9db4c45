// What each expression of a function is, as far as its text says: a small inference over kinds, ranks and "known when
// compiled". It decides between `&` and `&&`, `tl.col` and `tl.expand_dims`, and what parameters are declared as.

import type { Expr, ExprOf, FunctionDef, StmtOf } from './ast.ts';
import { expressions, ownExpressions, statements, targetNames } from './ast.ts';
import { mathKind } from './math.ts';
import { ATTRIBUTES, DESCRIPTOR_LISTS, DTYPE_ATTRIBUTES, DTYPE_KINDS, FUNCTIONS, type Kind } from './names.ts';

export interface Ty {
  readonly kind: Kind;
  /** Number of dimensions, where it is known; 0 is a scalar. */
  readonly rank: number | null;
  /** Known when the kernel is compiled. */
  readonly constant: boolean;
  readonly items?: readonly Ty[];
  /** A mask at one place and a number at another: two types to TypeScript. */
  readonly mixed?: boolean;
}
export const ty = (kind: Kind, rank: number | null = null, constant = false): Ty => ({ kind, rank, constant });
export const ANY = ty('any');

const NUMERIC: readonly Kind[] = ['bool', 'int', 'num', 'float'];
/** The kind of arithmetic on two kinds. */
const arithmetic = (a: Kind, b: Kind): Kind => {
  if (a === 'float' || b === 'float') return 'float';
  if (a === 'any' || b === 'any' || a === 'num' || b === 'num') return 'num';
  return 'int';
};
const higher = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : Math.max(a, b));

/** What two values of one variable have in common. */
export function join(a: Ty | undefined, b: Ty): Ty {
  if (!a || a.kind === 'none') return b;
  if (b.kind === 'none') return a;
  const numeric = NUMERIC.includes(a.kind) && NUMERIC.includes(b.kind);
  const kind =
    a.kind === b.kind
      ? a.kind
      : numeric
        ? a.kind === 'bool' || b.kind === 'bool'
          ? 'num'
          : arithmetic(a.kind, b.kind)
        : a.kind === 'any'
          ? b.kind
          : a.kind;
  const items = a.items && b.items && a.items.length === b.items.length ? a.items.map((t, i) => join(t, b.items![i])) : undefined;
  return {
    kind,
    rank: a.rank === b.rank ? a.rank : higher(a.rank, b.rank),
    constant: a.constant && b.constant,
    ...(items && { items }),
    ...((a.mixed || b.mixed || (numeric && (a.kind === 'bool') !== (b.kind === 'bool'))) && { mixed: true }),
  };
}

/** A function of the file with what is known of it. */
export interface FunctionInfo {
  readonly def: FunctionDef;
  /** True for `@triton.jit` functions that are launched, false for those that others call. */
  isKernel: boolean;
  readonly params: Map<string, Ty>;
  readonly vars: Map<string, Ty>;
  result: Ty;
  /** Which parts of what it returns loads and stores go through; `WHOLE` for one value. */
  readonly pointers: Set<number>;
  /** The same for parameters that are tuples; `WHOLE` for all parts. */
  readonly parts: Map<string, Set<number>>;
  /** Variables whose numbers are values of the device: see `findDeviceNumbers`. */
  readonly tensors: Set<string>;
}
export const WHOLE = -1;
/** What names mean outside functions. */
export interface Names {
  readonly functions: ReadonlyMap<string, FunctionInfo>;
  readonly constants: ReadonlyMap<string, Expr>;
  /** The `tl` name that an expression stands for: `tl.load`, `triton.language.math.exp`, `libdevice.tanh` → load, exp, tanh. */
  library(e: Expr): string | null;
  /** The name in Python's module `math` that an expression stands for. */
  math(e: Expr): string | null;
  /** The same in full: `triton.language.extra.libdevice.tanh`. */
  path(e: Expr): string | null;
  /** Refuse what Triton refuses: then numbers in variables are values of the device, as there. */
  readonly strict: boolean;
}

const ELEMENTWISE = new Set([
  'where',
  'minimum',
  'maximum',
  'load',
  'fdiv',
  'div_rn',
  'add',
  'sub',
  'mul',
  'rand',
  'randn',
  'randint',
]);
/** Functions whose operands are promoted together. */
const MIXING = new Set(['where', 'minimum', 'maximum', 'clamp', 'fma', 'fdiv', 'div_rn', 'add', 'sub', 'mul']);
const REDUCING = new Set(['sum', 'max', 'min', 'argmax', 'argmin', 'xor_sum', 'reduce']);

export class Types {
  private readonly names: Names;
  private readonly fn: FunctionInfo;
  constructor(names: Names, fn: FunctionInfo) {
    this.names = names;
    this.fn = fn;
  }
  of(e: Expr): Ty {
    return (this.rules[e.k] as (e: Expr) => Ty)(e);
  }
  variable(name: string): Ty | undefined {
    return this.fn.vars.get(name) ?? this.fn.params.get(name);
  }

  private readonly rules: { readonly [K in Expr['k']]: (e: ExprOf<K>) => Ty } = {
    number: (e) => ty(/^0x/i.test(e.text) || !/[.eE]/.test(e.text) ? 'int' : 'float', 0, true),
    string: () => ty('string', 0, true),
    format: () => ty('string', 0, true),
    constant: (e) => ty(e.value === null ? 'none' : 'bool', 0, true),
    name: (e) => {
      const own = this.variable(e.name);
      if (own) return own;
      if (this.names.functions.has(e.name)) return ty('fn', 0, true);
      const value = this.names.constants.get(e.name);
      return value ? { ...this.of(value), constant: true } : ANY;
    },
    unary: (e) => {
      const x = this.of(e.x);
      if (e.op === 'not') return ty('bool', x.rank, x.constant);
      return e.op === '~' && x.kind === 'any' ? ty('num', x.rank, x.constant) : x;
    },
    binary: (e) => this.binary(e),
    compare: (e) => this.all('bool', e.items),
    logical: (e) => this.all('bool', [e.a, e.b]),
    conditional: (e) => {
      const [a, b, test] = [this.of(e.then), this.of(e.other), this.of(e.test)];
      return { ...join(a, b), constant: a.constant && b.constant && test.constant };
    },
    tuple: (e) => {
      const items = e.items.map((i) => this.of(i));
      return { kind: 'tuple', rank: null, constant: items.every((t) => t.constant), items };
    },
    dict: () => ANY,
    lambda: () => ty('fn', 0, true),
    comprehension: () => ANY,
    attribute: (e) => this.attribute(e),
    index: (e) => {
      const x = this.of(e.x);
      if (x.kind === 'tuple') {
        const [i] = e.items;
        if (i?.k === 'number') return x.items?.[Number(i.text)] ?? ty('num', null, x.constant);
        return x.items?.some((t) => t.kind === 'ptr' || t.kind === 'any')
          ? x.items.reduce((a, b) => join(a, b))
          : ty('num', null, x.constant);
      }
      if (!e.items.every((i) => i === null || (i.k === 'constant' && i.value === null))) return ty('any', 0, x.constant);
      return { ...x, rank: Math.max(e.items.length, (x.rank ?? 0) + e.items.filter((i) => i !== null).length) };
    },
    call: (e) => this.call(e),
  };
  private all(kind: Kind, parts: readonly Expr[]): Ty {
    const types = parts.map((p) => this.of(p));
    return ty(
      kind,
      types.map((t) => t.rank).reduce(higher),
      types.every((t) => t.constant),
    );
  }
  private binary({ op, a, b }: ExprOf<'binary'>): Ty {
    const [x, y] = [this.of(a), this.of(b)];
    const rest = [higher(x.rank, y.rank), x.constant && y.constant] as const;
    if (op === '+' || op === '-') {
      if (x.kind === 'ptr' || y.kind === 'ptr') return ty('ptr', rest[0]);
      if (x.kind === 'tuple' && y.kind === 'tuple' && x.items && y.items) return { ...x, items: [...x.items, ...y.items] };
      if (x.kind === 'tuple' || x.kind === 'string') return x;
      if ((x.kind === 'any' && !x.constant) || (y.kind === 'any' && !y.constant)) return ty('any', ...rest);
    }
    if (op === '/') return ty('float', ...rest);
    if (op === '//') return ty('int', ...rest);
    if ((op === '&' || op === '|' || op === '^') && x.kind === 'bool' && y.kind === 'bool') return ty('bool', ...rest);
    return ty(arithmetic(x.kind, y.kind), ...rest);
  }
  private attribute(e: ExprOf<'attribute'>): Ty {
    const library = this.names.library(e);
    if (library !== null) return ty(DTYPE_KINDS.has(library) ? 'dtype' : 'any', 0, true);
    if (this.names.math(e) !== null) return ty('float', 0, true);
    if (e.name === 'T') return this.of(e.x);
    if (this.of(e.x).kind === 'desc' && DESCRIPTOR_LISTS.has(e.name))
      return {
        kind: 'tuple',
        rank: null,
        constant: e.name === 'block_shape',
        items: Array<Ty>(5).fill(ty('int', 0, e.name === 'block_shape')),
      };
    if (e.name === 'shape') return ty('tuple', null, true);
    if (e.name === 'numel' || DTYPE_ATTRIBUTES.has(e.name)) return ty('int', 0, true);
    return ATTRIBUTES.has(e.name) || e.name === 'element_ty' || e.name === 'scalar' ? ty('dtype', 0, true) : this.of(e.x);
  }
  private call(e: ExprOf<'call'>): Ty {
    const library = this.names.library(e.fn);
    const args = e.args.map((a) => a.value);
    if (library !== null) return this.result(library, e.args, args);
    const math = this.names.math(e.fn);
    if (math !== null) return ty(mathKind(math), 0, true);
    if (e.fn.k === 'name') {
      const { name } = e.fn;
      const helper = this.names.functions.get(name);
      if (helper) return helper.result;
      const types = args.map((a) => this.of(a));
      const constant = types.every((t) => t.constant);
      if (name === 'float') return ty('float', 0, constant);
      if (name === 'bool') return ty('bool', 0, constant);
      if (name === 'int' || name === 'len') return ty('int', 0, constant || name === 'len');
      if (name === 'min' || name === 'max' || name === 'abs') return types.length ? types.reduce(join) : ANY;
      return ANY;
    }
    if (e.fn.k !== 'attribute') return ANY;
    if (e.fn.name.startsWith('is_')) return ty('bool', 0, true);
    if (e.fn.name === 'gather' && this.of(e.fn.x).kind === 'desc') return ty('num', 2);
    return this.result(e.fn.name, [{ name: null, value: e.fn.x, from: 0, to: 0 }, ...e.args], [e.fn.x, ...args]);
  }
  private result(name: string, given: ExprOf<'call'>['args'], args: readonly Expr[]): Ty {
    const row = FUNCTIONS.get(name);
    const types = args.map((a) => this.of(a));
    const by = (param: string): Expr | undefined => {
      const index = row?.params.indexOf(param) ?? -1;
      return (
        given.find((a) => a.name === param)?.value ?? (index >= 0 && given[index]?.name === null ? given[index].value : undefined)
      );
    };
    if (name === 'logical_and' || name === 'logical_or') return ty('bool', types.map((t) => t.rank).reduce(higher, 0));
    if (DTYPE_KINDS.has(name)) return ty(DTYPE_KINDS.get(name)!, types[0]?.rank ?? 0);
    if (name === 'constexpr') return types[0] ? { ...types[0], constant: true } : ANY;
    const constant = (name === 'cdiv' || name === 'next_power_of_2') && types.every((t) => t.constant);
    const kind = ((): Kind => {
      if (!row) return 'any';
      if (row.result === 'first') return types[0]?.kind ?? 'any';
      if (row.result === 'join') return types.slice(-2).reduce<Ty | undefined>(join, undefined)?.kind ?? 'any';
      if (row.result !== 'castTo') return row.result;
      const dtype = by('dtype');
      const known = dtype && this.names.library(dtype);
      return (known && DTYPE_KINDS.get(known)) || 'num';
    })();
    if (by('return_indices')) return { kind: 'tuple', rank: null, constant: false, items: [types[0], ty('int', types[0].rank)] };
    if (kind === 'tuple' && (name === 'broadcast' || name === 'split'))
      return { kind, rank: null, constant: false, items: [types[0], types[0]] };
    if (row?.result === 'first' && types[0]?.kind === 'tuple') return { ...types[0], constant: false };
    return ty(kind, this.rank(name, types, by), constant);
  }
  private rank(name: string, types: readonly Ty[], by: (param: string) => Expr | undefined): number | null {
    if (name === 'arange') return 1;
    if (name === 'program_id' || name === 'num_programs' || name === 'cdiv') return 0;
    const shape = by('shape');
    if (shape) return shape.k === 'tuple' ? shape.items.length : null;
    const rank = types[0]?.rank ?? null;
    if (REDUCING.has(name)) {
      const axis = by('axis');
      if (!axis || axis.k === 'constant') return by('keep_dims') ? rank : 0;
      return by('keep_dims') || rank === null ? rank : rank - 1;
    }
    if (name === 'dot') return rank;
    if (ELEMENTWISE.has(name)) return types.map((t) => t.rank).reduce(higher, 0);
    return FUNCTIONS.get(name)?.params[0] === 'x' || ['cast', 'to', 'multiple_of', 'max_contiguous', 'cumsum'].includes(name)
      ? rank
      : null;
  }
}

/**
 * Triton's assignments make numbers values of the device, i32 or f32, unless the variable is declared a constexpr. Here they stay numbers
 * where that cannot be seen, as constexprs are easier to read; `strict` does as Triton.
 */
export const becomesTensor = (names: Names, fn: FunctionInfo, s: StmtOf<'assign'>, value: Ty): boolean =>
  value.constant &&
  NUMERIC.includes(value.kind) &&
  !isConstexprAnnotation(s.annotation) &&
  (names.strict || s.targets.every((t) => t.k === 'name' && fn.tensors.has(t.name)));
const isConstexprAnnotation = (e: Expr | null): boolean =>
  e !== null && ((e.k === 'attribute' && e.name === 'constexpr') || (e.k === 'name' && e.name === 'constexpr'));

/**
 * Finds variables that meet values of the device of a dtype that nobody knows here: after `alpha = 0.5`, `alpha * x` is f32 in Triton
 * whatever x is, and a number would take x's dtype. Numbers beside integers that are no tiles of memory (offsets) are the same either
 * way. True if there are new ones.
 */
export function findDeviceNumbers(names: Names, fn: FunctionInfo): boolean {
  const types = new Types(names, fn);
  const numbers = new Map<string, Kind>();
  for (const s of statements(fn.def.body)) {
    if (s.k !== 'assign' || isConstexprAnnotation(s.annotation)) continue;
    const { kind, constant } = types.of(s.value);
    if (constant && (kind === 'int' || kind === 'float'))
      for (const n of s.targets) if (n.k === 'name') numbers.set(n.name, kind);
  }
  const before = fn.tensors.size;
  const meet = (items: readonly Expr[]): void => {
    const others = items.map((o) => types.of(o)).filter((t) => !t.constant);
    // Of `a * 2 + x`, a meets x.
    for (const e of items.flatMap((o) => (types.of(o).constant ? [...expressions(o)] : [o]))) {
      const kind = e.k === 'name' && numbers.get(e.name);
      if (!kind) continue;
      const same: readonly Kind[] = kind === 'int' ? ['int', 'float', 'ptr'] : ['int', 'bool', 'ptr'];
      if (others.some((t) => !same.includes(t.kind))) fn.tensors.add(e.name);
    }
  };
  for (const s of statements(fn.def.body)) {
    if (s.k === 'update') meet([s.target, s.value]);
    for (const own of ownExpressions(s))
      for (const e of expressions(own)) {
        if (e.k === 'binary') meet([e.a, e.b]);
        else if (e.k === 'compare') meet(e.items);
        else if (e.k === 'conditional') meet([e.then, e.other]);
        else if (e.k === 'call' && MIXING.has(names.library(e.fn) ?? '')) meet(e.args.map((a) => a.value));
      }
  }
  return fn.tensors.size > before;
}

/** One round over a function: types of its variables and of its result from what is known so far. True if something changed. */
export function inferVariables(names: Names, fn: FunctionInfo): boolean {
  const types = new Types(names, fn);
  const before = JSON.stringify([...fn.vars, fn.result]);
  const found = new Map<string, Ty>();
  const results: Ty[] = [];
  const assign = (target: Expr, value: Ty): void => {
    if (target.k === 'name') {
      const t = join(found.get(target.name), value);
      found.set(target.name, t);
      // What follows in the first round sees it.
      if (!fn.vars.has(target.name)) fn.vars.set(target.name, t);
    }
    if (target.k === 'tuple') for (const [i, t] of target.items.entries()) assign(t, value.items?.[i] ?? ty('num', null));
  };
  for (const s of statements(fn.def.body)) {
    if (s.k === 'assign') {
      const value = types.of(s.value);
      for (const t of s.targets) assign(t, becomesTensor(names, fn, s, value) ? { ...value, constant: false } : value);
    } else if (s.k === 'update' && s.target.k === 'name')
      assign(s.target, types.of({ k: 'binary', op: s.op, a: s.target, b: s.value, from: s.from, to: s.to }));
    else if (s.k === 'for') {
      const unrolled = s.iter.k === 'call' && names.library(s.iter.fn) === 'static_range';
      for (const n of targetNames(s.target)) assign({ k: 'name', name: n, from: 0, to: 0 }, ty('int', 0, unrolled));
    } else if (s.k === 'return' && s.value) results.push(types.of(s.value));
  }
  // A parameter that is assigned keeps what it is as a parameter.
  for (const [name, t] of fn.params)
    if (found.has(name)) found.set(name, join(t.kind === 'any' ? undefined : t, found.get(name)!));
  const result = results.length ? results.reduce(join) : ty('none', 0);
  for (const [n, t] of found) fn.vars.set(n, t);
  fn.result = result;
  return before !== JSON.stringify([...fn.vars, fn.result]);
}
