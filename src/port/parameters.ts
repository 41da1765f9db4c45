// What each parameter of a function is: from its annotation, else from its use. A parameter that flows into the pointer of a
// load or store is a pointer; other runtime parameters are i32, or f32 where that is evident; constexprs get the type that
// their uses ask for.

import { type Expr, type ExprOf, expressions, ownExpressions, type Param, type Stmt, statements } from './ast.ts';
import { DTYPE_KINDS, type Kind, shortDtype } from './names.ts';
import { presence } from './presence.ts';
import { ANY, type FunctionInfo, join, type Names, type Ty, Types, ty, WHOLE } from './types.ts';

/** Functions whose first argument is a pointer. */
const POINTER_FIRST = /^(?:load|store|atomic_\w+|make_block_ptr|make_tensor_descriptor)$/;
/** Functions that give a pointer back if they get one. */
const KEEPS = new Set([
  'multiple_of',
  'max_contiguous',
  'max_constancy',
  'where',
  'broadcast_to',
  'expand_dims',
  'reshape',
  'trans',
]);
const FLOAT_NAME =
  /scale|alpha|beta|gamma|eps|slope|prob|factor|momentum|temperature|softcap|smooth|theta|threshold|decay|dropout|margin|clip|^lr$|^p$/i;
const INTEGER_NAME = /stride|ptr|size|num|len|dim|block|idx|index|offs|count|shape|seed|^n_/i;
const DTYPE_ARGUMENT = /^(?:cast|full|zeros|to)$/;

/** Of two values that may be pointers, the one whose name says so. */
const saysPointer = (e: Expr): boolean => {
  for (const x of expressions(e)) if (x.k === 'name' && /ptr|pointer/i.test(x.name)) return true;
  return false;
};

export const annotationText = (p: Param, text: string): string | null =>
  p.annotation && (p.annotation.k === 'string' ? p.annotation.value : text.slice(p.annotation.from, p.annotation.to));
export const isConstexpr = (p: Param, text: string): boolean => /(^|\.)constexpr$/.test(annotationText(p, text) ?? '');
/** The dtype that an annotation names, in Triton's long form. */
const annotatedDtype = (p: Param, text: string): string | null => {
  const name = annotationText(p, text)?.split('.').at(-1);
  return name && DTYPE_KINDS.has(name)
    ? name
    : name === 'int'
      ? 'int32'
      : name === 'float'
        ? 'float32'
        : name === 'bool'
          ? 'int1'
          : null;
};

/** First types of parameters: from annotations and defaults. */
export function initialParams(fn: FunctionInfo, text: string): void {
  for (const p of fn.def.params) {
    const constant = isConstexpr(p, text);
    const dtype = annotatedDtype(p, text);
    const pointer = /pointer|\*|(^|\.)ptr$/.test(annotationText(p, text) ?? '');
    fn.params.set(p.name, pointer ? ty('ptr', 0) : dtype ? ty(DTYPE_KINDS.get(dtype)!, 0) : constant ? ty('any', 0, true) : ANY);
  }
}

const ownAll = function* (fn: FunctionInfo): Generator<[Stmt, Expr]> {
  for (const s of statements(fn.def.body)) for (const own of ownExpressions(s)) for (const e of expressions(own)) yield [s, e];
};

/** Marks parameters that flow into pointers. True if something changed. */
export function markPointers(names: Names, fn: FunctionInfo): boolean {
  const types = new Types(names, fn);
  const seen = new Set<Expr>();
  let changed = false;
  const demand = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.k === 'name') {
      const p = fn.params.get(e.name);
      if (p && !p.constant && p.kind === 'any') {
        fn.params.set(e.name, ty('ptr', 0));
        changed = true;
      }
      for (const s of statements(fn.def.body)) {
        if (s.k === 'assign') for (const t of s.targets) demandTarget(t, s.value, e.name);
        else if (s.k === 'update' && s.target.k === 'name' && s.target.name === e.name)
          demand({ k: 'binary', op: s.op, a: s.target, b: s.value, from: s.from, to: s.to });
      }
    } else if (e.k === 'binary' && (e.op === '+' || e.op === '-')) {
      const [a, b] = [types.of(e.a), types.of(e.b)].map((t, i) => (isPart(i ? e.b : e.a) ? ANY : t));
      if (a.kind === 'any' && b.kind === 'any' && !saysPointer(e.a) && saysPointer(e.b)) demand(e.b);
      else if (a.kind === 'any' && b.kind !== 'ptr') demand(e.a);
      else if (b.kind === 'any' && a.kind !== 'ptr') demand(e.b);
      else if (a.kind === 'ptr') demand(e.a);
      else if (b.kind === 'ptr') demand(e.b);
    } else if (e.k === 'conditional') [e.then, e.other].forEach(demand);
    else if (e.k === 'index') demandPart(e.x, e.items);
    else if (e.k === 'attribute') demand(e.x);
    else if (e.k === 'call') {
      demandResult(e, WHOLE);
      const name = names.library(e.fn);
      if (name !== null && KEEPS.has(name))
        for (const a of e.args) if (types.of(a.value).kind === 'any' || types.of(a.value).kind === 'ptr') demand(a.value);
      if (e.fn.k === 'attribute' && e.fn.name === 'to') demand(e.fn.x);
    }
  };
  /** True for `x` where `x, n = args` takes a parameter apart. */
  const isPart = (e: Expr): boolean =>
    e.k === 'name' &&
    [...statements(fn.def.body)].some(
      (s) =>
        s.k === 'assign' &&
        s.value.k === 'name' &&
        fn.params.has(s.value.name) &&
        s.targets.some((t) => t.k === 'tuple' && t.items.some((i) => i.k === 'name' && i.name === e.name)),
    );
  /** Part `place` of a parameter is a pointer. */
  const note = (e: Expr, place: number): void => {
    if (e.k !== 'name' || !fn.params.has(e.name)) return;
    const known = fn.parts.get(e.name) ?? new Set();
    if (known.has(place)) return;
    fn.parts.set(e.name, known.add(place));
    changed = true;
  };
  /** `x[None, :]` of a pointer, `pair[0]` and `list[i]` of tuples of pointers. */
  const demandPart = (x: Expr, items: ExprOf<'index'>['items']): void => {
    const values = x.k === 'name' ? assignedTo(x.name) : [x];
    const [i] = items;
    const place = i?.k === 'number' ? Number(i.text) : undefined;
    note(x, place ?? WHOLE);
    for (const v of values) {
      if (place !== undefined) demandResult(v, place);
      if (v.k !== 'tuple') continue;
      const one = place === undefined ? undefined : v.items[place];
      for (const item of one ? [one] : v.items) if (['any', 'ptr'].includes(types.of(item).kind)) demand(item);
    }
    if (place === undefined && !values.some((v) => v.k === 'tuple')) demand(x);
  };
  /** What a helper returns, or the part at `place` of it. */
  const demandResult = (e: Expr, place: number): void => {
    const helper = e.k === 'call' && e.fn.k === 'name' ? names.functions.get(e.fn.name) : undefined;
    if (!helper || helper.pointers.has(place)) return;
    helper.pointers.add(place);
    changed = true;
  };
  const assignedTo = (name: string): Expr[] =>
    [...statements(fn.def.body)].flatMap((s) =>
      s.k === 'assign' && s.targets.some((t) => t.k === 'name' && t.name === name) ? [s.value] : [],
    );
  const demandTarget = (target: Expr, value: Expr, name: string): void => {
    if (target.k === 'name' && target.name === name) demand(value);
    else if (target.k === 'tuple' && value.k === 'tuple')
      for (const [i, t] of target.items.entries()) if (value.items[i]) demandTarget(t, value.items[i], name);
    if (target.k === 'tuple')
      for (const [i, t] of target.items.entries())
        if (t.k === 'name' && t.name === name) {
          demandResult(value, i);
          note(value, i);
        }
  };
  for (const [, e] of ownAll(fn)) {
    if (e.k === 'attribute' && e.name === 'element_ty') demand(e.x.k === 'attribute' ? e.x.x : e.x);
    if (e.k !== 'call') continue;
    const name = names.library(e.fn);
    const first = e.args.find((a) => a.name === null || ['pointer', 'base', 'ptr'].includes(a.name));
    if (name !== null && POINTER_FIRST.test(name) && first && types.of(first.value).kind !== 'desc') demand(first.value);
    for (const [p, value, param, helper] of callArguments(names, e)) {
      if (p.kind === 'ptr') demand(value);
      for (const place of helper.parts.get(param) ?? []) note(value, place);
    }
  }
  for (const s of statements(fn.def.body)) {
    if (s.k !== 'return' || !s.value) continue;
    if (s.value.k === 'tuple') s.value.items.filter((_, i) => fn.pointers.has(i)).forEach(demand);
    else if (fn.pointers.has(WHOLE)) demand(s.value);
    else for (const place of fn.pointers) demandResult(s.value, place);
  }
  return changed;
}

/** Arguments of a call of a helper of this file, with the type of the parameter that each is for. */
function* callArguments(names: Names, e: ExprOf<'call'>): Generator<[ReturnType<Types['of']>, Expr, string, FunctionInfo]> {
  const helper = e.fn.k === 'name' ? names.functions.get(e.fn.name) : undefined;
  if (!helper) return;
  for (const [i, a] of e.args.entries()) {
    const name = a.name ?? helper.def.params[i]?.name;
    if (name !== undefined) yield [helper.params.get(name) ?? ANY, a.value, name, helper];
  }
}

/** Gives parameters of helpers the types of what they are called with. True if something changed. */
export function passTypes(names: Names, fn: FunctionInfo): boolean {
  const types = new Types(names, fn);
  let changed = false;
  for (const [, e] of ownAll(fn)) {
    if (e.k !== 'call') continue;
    for (const [old, value, name, helper] of callArguments(names, e)) {
      const given = types.of(value);
      const next = join(old.kind === 'any' ? undefined : old, given.kind === 'any' ? { ...old, rank: given.rank } : given);
      const kept = { ...next, constant: old.constant };
      if (JSON.stringify(kept) === JSON.stringify(old)) continue;
      helper.params.set(name, kept);
      changed = true;
    }
  }
  return changed;
}

interface Evidence {
  float: number;
  maybeFloat: number;
  int: number;
  boolean: number;
  number: number;
  dtype: number;
  string: number;
  nullable: boolean;
}

/** Options of Triton's functions that are on or off. */
const SWITCHES =
  /^(?:keep_dims|return_indices|return_indices_tie_break_left|tie_break_left|allow_tf32|reverse|descending|volatile|bitcast|flatten)$/;

/** What uses of `name` say it is; `asked`: the parameters that are being looked at, of functions that call each other. */
function evidence(names: Names, fn: FunctionInfo, name: string, asked: ReadonlySet<unknown> = new Set()): Evidence {
  const types = new Types(names, fn);
  const ev: Evidence = { float: 0, maybeFloat: 0, int: 0, boolean: 0, number: 0, dtype: 0, string: 0, nullable: false };
  const isIt = (e: Expr | undefined): boolean => e?.k === 'name' && e.name === name;
  const condition = (e: Expr): void => {
    if (isIt(e)) ev.boolean++;
    else if (e.k === 'logical') [e.a, e.b].forEach(condition);
    else if (e.k === 'unary' && e.op === 'not') condition(e.x);
  };
  const arithmetic = (op: string, e: Expr, other: Expr): void => {
    if (!isIt(e)) return;
    const { kind } = types.of(other);
    // `1 - x` says nothing of x.
    const literal = other.k === 'number';
    ev.number++;
    if (op !== '/' && kind === 'float') ev.float++;
    else if (op === '//' || op === '%' || (op !== '/' && (kind === 'int' || kind === 'ptr') && !literal)) ev.int++;
    else if (op === '/' || kind !== 'bool') ev.maybeFloat++;
  };
  for (const [s, e] of ownAll(fn)) {
    if (s.k === 'if' && s.branches.some((b) => b.test === e)) condition(e);
    if (s.k === 'for' && s.iter.k === 'call' && s.iter.args.some((a) => isIt(a.value))) ev.int++;
    if (s.k === 'update' && e === s.value) arithmetic(s.op, s.value, s.target);
    if (e.k === 'conditional') condition(e.test);
    else if (e.k === 'logical' || (e.k === 'unary' && e.op === 'not')) condition(e);
    else if (e.k === 'binary') {
      arithmetic(e.op, e.a, e.b);
      arithmetic(e.op, e.b, e.a);
    } else if (e.k === 'compare' && e.items.length === 2) {
      for (const [i, o] of [
        [e.items[0], e.items[1]],
        [e.items[1], e.items[0]],
      ]) {
        if (!isIt(i)) continue;
        const { kind } = types.of(o);
        if (kind === 'none') ev.nullable = true;
        else if (kind === 'string') ev.string++;
        else if (kind === 'dtype') ev.dtype++;
        else arithmetic('<', i, o);
      }
    } else if (e.k === 'call') {
      const called = names.library(e.fn) ?? (e.fn.k === 'attribute' ? e.fn.name : null);
      const method = names.library(e.fn) === null ? 1 : 0;
      if (called && DTYPE_ARGUMENT.test(called)) {
        const at = { cast: 1, to: 1, full: 2, zeros: 1 }[called] as number;
        e.args.forEach((a, i) => {
          if (isIt(a.value) && (a.name === 'dtype' || (a.name === null && i + method === at))) ev.dtype++;
        });
      }
      if (called && /^(?:minimum|maximum|where|fma|min|max)$/.test(called))
        for (const a of e.args)
          if (isIt(a.value)) for (const b of e.args) if (b !== a && types.of(b.value).kind === 'float') ev.float++;
      if (called) for (const a of e.args) if (a.name && SWITCHES.test(a.name) && isIt(a.value)) ev.boolean++;
      for (const [p, value, param, helper] of callArguments(names, e))
        if (isIt(value)) {
          const def = helper.def.params.find((x) => x.name === param)!;
          if (p.constant && !asked.has(def)) {
            const kind = constexprKind(evidence(names, helper, param, new Set([...asked, def])), def);
            if (kind === 'boolean') ev.boolean++;
            else if (kind === 'string') ev.string++;
            else if (kind === 'tl.dtype') ev.dtype++;
          }
          if (p.kind === 'bool') ev.boolean++;
          else if (p.kind === 'float') ev.float++;
          else if (p.kind === 'dtype') ev.dtype++;
        }
    }
  }
  return ev;
}

/** True for a parameter that is moved on (`q += start`) and not used: a pointer that some variants of the kernel need. */
const onlyMoved = (fn: FunctionInfo, name: string): boolean => {
  const uses = [...ownAll(fn)].filter(([, e]) => e.k === 'name' && e.name === name);
  return uses.length > 0 && uses.every(([s, e]) => s.k === 'update' && s.op === '+' && s.target === e);
};
const mentioned = (fn: FunctionInfo, name: string): boolean => [...ownAll(fn)].some(([, e]) => e.k === 'name' && e.name === name);

/** True for a parameter that is taken apart: `args[0]`, `x, n = args`, `len(args)`. Neither pointers nor scalars can be. */
function isTuple(fn: FunctionInfo, p: Param, text: string): boolean {
  if (/\btuple\b/i.test(annotationText(p, text) ?? '')) return true;
  const self = (e: Expr | null | undefined): boolean => e?.k === 'name' && e.name === p.name;
  if (fn.vars.has(p.name)) return false;
  for (const [s, e] of ownAll(fn)) {
    if (e.k === 'index' && self(e.x) && e.items.every((i) => i !== null && !(i.k === 'constant' && i.value === null)))
      return true;
    if (e.k === 'call' && e.fn.k === 'name' && e.fn.name === 'len' && self(e.args[0]?.value)) return true;
    if (s.k === 'assign' && self(s.value) && s.targets.some((t) => t.k === 'tuple')) return true;
  }
  return false;
}

/** The type of a kernel's parameter that is taken apart: exact where `a, b = args` says how many parts there are. */
function tupleType(names: Names, fn: FunctionInfo, p: Param): string {
  const self = (e: Expr): boolean => e.k === 'name' && e.name === p.name;
  const pointers = fn.parts.get(p.name) ?? new Set();
  const targets = [...statements(fn.def.body)].flatMap((s) =>
    s.k === 'assign' && self(s.value) ? s.targets.flatMap((t) => (t.k === 'tuple' ? [t.items] : [])) : [],
  );
  const [first] = targets;
  if (!first) return pointers.size === 1 && pointers.has(WHOLE) ? 'readonly tl.ptr[]' : 'any';
  if (targets.some((t) => t.length !== first.length)) return 'any';
  const part = (i: number): string => {
    if (pointers.has(i) || pointers.has(WHOLE)) return 'tl.ptr';
    const sure = targets.some((t) => {
      const ev = t[i].k === 'name' && evidence(names, fn, t[i].name);
      return ev && ev.number > 0 && !ev.nullable && !ev.dtype && !ev.string;
    });
    return sure ? 'number' : 'any';
  };
  return `readonly [${first.map((_, i) => part(i)).join(', ')}]`;
}
const PLAIN: readonly Kind[] = ['int', 'num', 'float', 'ptr'];
/** The type of a tuple whose parts are numbers to TypeScript, pointers and tiles among them; `any` for others. */
export const listType = (t: Ty | undefined): string =>
  t?.kind === 'tuple' && t.items?.length && t.items.every((i) => PLAIN.includes(i.kind) && !i.mixed)
    ? 'readonly number[]'
    : 'any';

/** The TypeScript type of a kernel's parameter. */
export function kernelParamType(
  names: Names,
  fn: FunctionInfo,
  p: Param,
  text: string,
  given?: string,
  values: ReadonlySet<string> = new Set(),
): string {
  const ev = evidence(names, fn, p.name);
  const known = fn.params.get(p.name) ?? ANY;
  const none = ev.nullable || values.has('null') || (p.value?.k === 'constant' && p.value.value === null);
  const nullable = none ? ' | null' : '';
  if (given !== undefined) return given;
  if (!known.constant && isTuple(fn, p, text)) return tupleType(names, fn, p);
  /** A pointer or a factor that is used behind a constexpr only is one that Triton's users leave out with None. */
  const orNull = (type: string, may: boolean): string => {
    const where = presence(fn, new Types(names, fn), p.name);
    if (where === 'flagged' ? may || nullable : where === 'always' && nullable) return `tl.optional<${type}>`;
    return `${type}${nullable}`;
  };
  if (known.kind === 'ptr' || onlyMoved(fn, p.name)) return orNull('tl.ptr', true);
  if (known.constant) {
    const kind = constexprKind(ev, p);
    // Values that are known say more than uses.
    const all = new Set([...(kind || !values.size ? [kind || 'number'] : []), ...values, ...(nullable ? ['null'] : [])]);
    const full = all.has('any') ? 'any' : [...all].filter((t) => t !== 'null').join(' | ') + (all.has('null') ? ' | null' : '');
    return full !== 'number' ? `tl.constexpr<${full || 'null'}>` : 'tl.constexpr';
  }
  const dtype = annotatedDtype(p, text);
  if (dtype) return `tl.${shortDtype(dtype)}`;
  const float =
    ev.float > 0 ||
    (p.value !== null && new Types(names, fn).of(p.value).kind === 'float') ||
    // Where nothing says what it is, its name does: f32 takes integers too.
    ((ev.maybeFloat > 0 || !ev.number) && FLOAT_NAME.test(p.name) && !INTEGER_NAME.test(p.name));
  // Nothing uses it, and its name says nothing: whatever the launch passes.
  if (!float && !INTEGER_NAME.test(p.name) && !p.value && !mentioned(fn, p.name)) return 'unknown';
  const isFloat = float && ev.int === 0;
  return orNull(isFloat ? 'tl.f32' : 'tl.i32', isFloat);
}
function constexprKind(ev: Evidence, p: Param): string {
  const value = p.value;
  if (ev.dtype) return 'tl.dtype';
  if (ev.string || value?.k === 'string') return 'string';
  if (value?.k === 'constant' && typeof value.value === 'boolean') return 'boolean';
  return ev.boolean && !ev.number && !ev.int && !ev.float ? 'boolean' : '';
}

/** The TypeScript type of a helper's parameter. */
export function helperParamType(names: Names, fn: FunctionInfo, p: Param, text: string): string {
  if (isTuple(fn, p, text)) return listType(fn.params.get(p.name));
  const { kind, constant } = fn.params.get(p.name) ?? ANY;
  const ev = evidence(names, fn, p.name);
  const nullable = ev.nullable || (p.value?.k === 'constant' && p.value.value === null) ? ' | null' : '';
  const simple: { readonly [k: string]: string } = {
    bool: 'boolean',
    dtype: 'tl.dtype',
    string: 'string',
    fn: 'any',
    desc: 'any',
    tuple: listType(fn.params.get(p.name)),
  };
  return (simple[kind] ?? ((constant && constexprKind(ev, p)) || 'number')) + nullable;
}
