// What rewritten kernels call: `$`. One Frame is one function being traced (the kernel, or a device function at one of its
// calls); all frames of a trace share an Emitter. Plain JS values take plain JS meaning; as soon as a traced value takes
// part, ops are emitted. Regions (if, for, while) are in regions.ts.

import { CompileError, diagnostic, fail, type Loc, NO_LOC, registerSource } from '../diagnostics.ts';
import { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { hasTrait } from '../ops/index.ts';
import { describeJs } from '../ops/math.ts';
import { promoteIntegers } from '../semantics.ts';
import { DTYPES, dtypeOf, isPtr, isTile, printType } from '../types.ts';
import { FloatLit, isNumberLike } from './context.ts';
import { type Definition, fnDefinition, kernelDefinition, needed, parameterCounts } from './definition.ts';
import { type Emitter, Poison } from './emitter.ts';
import { emitFor, emitIf, emitIfValue, emitWhile, type Vars } from './regions.ts';
import { isStructured, leaves, structureOf } from './structure.ts';

/** A loop over the device: what `tl.range` returns. */
export class RangeSpec {
  readonly start: unknown;
  readonly stop: unknown;
  readonly step: unknown;
  constructor(start: unknown, stop: unknown, step: unknown) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
  [Symbol.iterator](): Iterator<number> {
    throw new Error('tl.range is a loop of the device; it can only be used in `for (const i of tl.range(…))` inside a kernel');
  }
}

const ROW_OF: { readonly [op: string]: string } = {
  '+': 'add', '-': 'sub', '*': 'mul', '/': 'div', '%': 'mod', '&': 'and', '|': 'or', '^': 'xor', '<<': 'shl', '>>': 'shr',
  '<': 'lt', '<=': 'le', '>': 'gt', '>=': 'ge', '==': 'eq', '===': 'eq', '!=': 'ne', '!==': 'ne',
}; // biome-ignore format: a table
const COMPARISONS = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
const BITWISE = new Set(['and', 'or', 'xor', 'shl', 'shr']);
const EQUALITY = new Set(['==', '!=', '===', '!==']);
/** What JavaScript computes with. Of anything else it would make NaN, or text. */
const isOperand = (x: unknown): boolean => isNumberLike(x) || typeof x === 'boolean' || typeof x === 'string';
/** Attributes that Triton's tensors have, for people who write them out of habit. */
const PART_HELP: { readonly [name: string]: string } = {
  dtype: 'write tl.dtype_of(x)',
  type: 'write tl.dtype_of(x)',
  shape: 'write tl.shape_of(x)',
  length: 'write tl.shape_of(x)[0]',
  T: 'write tl.trans(x)',
};
/** Methods that Triton's tensors have, for people who write them out of habit. */
const METHOD_HELP: { readonly [name: string]: string } = {
  to: 'tl.cast(x, dtype)',
  cast: 'tl.cast(x, dtype)',
  trans: 'tl.trans(x)',
  reshape: 'tl.reshape(x, shape)',
};

/** How deep a function may call itself; Triton's own limit is Python's stack, which holds fewer calls. */
const MAX_DEPTH = 100;
/** Functions of Math whose counterpart in `tl` has another name. */
const MATH_HELP: { readonly [name: string]: string } = {
  max: 'tl.maximum(a, b)',
  min: 'tl.minimum(a, b)',
  clz32: 'tl.clz(x)',
  fround: 'tl.cast(x, tl.f32)',
  imul: 'a * b',
  sign: 'tl.where(x < 0, -1.0, 1.0)',
  random: 'tl.rand(seed, offsets)',
};

export class Frame {
  private readonly e: Emitter;
  private readonly def: Definition;
  private readonly parent: Loc | undefined;
  private readonly outer: Frame | null;
  private readonly locs: Loc[] = [];
  constructor(emitter: Emitter, def: Definition, parent?: Loc, outer: Frame | null = null) {
    this.e = emitter;
    this.def = def;
    this.parent = parent;
    this.outer = outer;
    registerSource(def.file, def.firstLine, def.text);
  }

  loc(index: number): Loc {
    const [line, col, endLine, endCol] = this.def.locs[index];
    return (this.locs[index] ??= {
      file: this.def.file,
      line,
      col,
      endLine,
      endCol,
      fn: this.def.name,
      ...(this.parent ? { parent: this.parent } : {}),
    });
  }
  private at(index: number): Emitter {
    this.e.loc = this.loc(index);
    return this.e;
  }

  // ---- operators
  bin(l: number, op: string, a: unknown, b: unknown): unknown {
    const e = this.at(l);
    for (const x of [a, b]) if (x instanceof Poison) e.value(x, op);
    const name = ROW_OF[op];
    if ((isStructured(a) || isStructured(b)) && name !== 'eq' && name !== 'ne')
      return e.fail(
        TL.badOperator,
        op,
        describe(a),
        describe(b),
        'a block pointer moves with tl.advance; a descriptor takes offsets',
      );
    if (!(a instanceof Value) && !(b instanceof Value)) {
      const bad = EQUALITY.has(op) ? undefined : [a, b].find((x) => !isOperand(x));
      if (bad !== undefined || (!EQUALITY.has(op) && (a === undefined || b === undefined)))
        return e.fail(TL.plainOperand, op, describe(bad), bad === undefined);
      return jsBinary(op, a, b);
    }
    const other = a instanceof Value ? b : a;
    if (!(other instanceof Value) && !isNumberLike(other) && typeof other !== 'boolean') {
      // `x === null` asks the trace, not the device.
      if (name === 'eq') return false;
      if (name === 'ne') return true;
      return e.fail(TL.badOperator, op, describe(a), describe(b), 'one side is not a tile, scalar or number');
    }
    if (name === undefined) return e.fail(TL.badOperator, op, describe(a), describe(b), 'Triton has no such operator on tiles');
    const ptr = [a, b].map((x) => x instanceof Value && isPtr(x.type));
    if ((name === 'add' || name === 'sub') && ptr.includes(true)) return this.pointer(op, a, b, ptr);
    if (ptr.includes(true) && !COMPARISONS.has(name)) {
      return e.fail(TL.badOperator, op, describe(a), describe(b), 'a pointer can only be moved by + and -, and compared');
    }
    // In a comparison a number is a scalar of its own dtype (i32, f32), in arithmetic it takes the tile's: Triton's rule.
    const operands = COMPARISONS.has(name) ? [e.value(a, op), e.value(b, op)] : [a, b];
    let [x, y] = e.promote(op, operands[0], operands[1], name === 'div' || name === 'mod');
    if (name === 'div' && dtypeOf(x.type).is_int()) [x, y] = [e.cast(x, DTYPES.f32), e.cast(y, DTYPES.f32)];
    if (BITWISE.has(name)) {
      if (!dtypeOf(x.type).is_int())
        return e.fail(TL.badOperator, op, describe(a), describe(b), 'bitwise operators take integers or masks');
      const amount = e.constantOf(y);
      if (
        (name === 'shl' || name === 'shr') &&
        amount !== undefined &&
        (Number(amount) < 0 || Number(amount) >= dtypeOf(x.type).bits)
      ) {
        return e.fail(TL.negativeShift, amount as number, dtypeOf(x.type).bits);
      }
    }
    if (name === 'shr') return this.shiftRight(a instanceof Value ? a : (b as Value), x, y);
    return e.one(name, [x, y]);
  }
  /** `of` says by its sign which bits come in, whatever dtype the operands were promoted to: Triton's rule. */
  private shiftRight(of: Value, x: Value, y: Value): Value {
    const { e } = this;
    const d = dtypeOf(x.type);
    const signed = dtypeOf(of.type).is_int_signed();
    if (signed === d.is_int_signed() || d.is_bool()) return e.one('shr', [x, y]);
    const as = DTYPES[`${signed ? 'i' : 'u'}${d.bits}` as 'i32'];
    const [p, q] = [x, y].map((v) => e.one('reinterpret', [v], { to: as.name }));
    return e.one('reinterpret', [e.one('shr', [p, q])], { to: d.name });
  }
  private pointer(op: string, a: unknown, b: unknown, ptr: boolean[]): Value {
    const { e } = this;
    if (ptr[0] && ptr[1])
      return e.fail(TL.badOperator, op, describe(a), describe(b), 'two pointers cannot be added or subtracted');
    if (op === '-' && !ptr[0])
      return e.fail(TL.badOperator, op, describe(a), describe(b), 'a pointer cannot be subtracted from a number');
    const p = (ptr[0] ? a : b) as Value;
    let o = e.value(ptr[0] ? b : a, op);
    if (!dtypeOf(o.type).is_int())
      return e.fail(TL.types, op, p.type, o.type, 'a pointer moves by an integer number of elements');
    // Narrow unsigned offsets stay positive; those of 64 bits wrap around, so that `p - n` goes back.
    if (dtypeOf(o.type).is_int_unsigned()) o = e.cast(o, DTYPES.i64);
    if (op === '-') o = this.negate(o);
    return e.one('addptr', e.broadcast('pointer + offset', [p, o]));
  }
  private negate(v: Value): Value {
    const c = this.e.constantOf(v);
    if (c !== undefined && typeof c !== 'boolean' && c !== 0) return this.e.constant(-c, dtypeOf(v.type), v.type.shape);
    return this.e.one('neg', [v]);
  }
  un(l: number, op: string, a: unknown): unknown {
    const e = this.at(l);
    if (a instanceof Poison) e.value(a, op);
    if (!(a instanceof Value)) return jsUnary(op, a);
    if (isPtr(a.type)) return e.fail(TL.pointerElement, op, a.type);
    if (op === '+') return a;
    if (op === '-') return this.negate(a);
    const d = dtypeOf(a.type);
    if (!d.is_int()) return e.fail(TL.unary, op, a.type, op === '!' ? 'bool' : 'an integer or bool');
    if (op === '!' && !d.is_bool()) return e.one('eq', e.promote(op, a, 0));
    return e.one('not', [a]);
  }
  and(l: number, a: unknown, b: () => unknown): unknown {
    return this.logical(l, '&&', a, b);
  }
  or(l: number, a: unknown, b: () => unknown): unknown {
    return this.logical(l, '||', a, b);
  }
  private logical(l: number, op: '&&' | '||', a: unknown, right: () => unknown): unknown {
    if (a instanceof Poison) this.at(l).value(a, op);
    if (!(a instanceof Value)) {
      const truthy = a instanceof FloatLit ? Number(a) : a;
      return op === '&&' ? (truthy ? right() : a) : truthy ? a : right();
    }
    const b = right();
    const e = this.at(l);
    const operands = [a, e.value(b, op)].map((v) => {
      if (isPtr(v.type) || !dtypeOf(v.type).is_bool()) e.fail(TL.unary, op, v.type, 'masks (bool), as in a comparison');
      return v;
    });
    return e.one(op === '&&' ? 'and' : 'or', e.broadcast(op, operands));
  }
  cond(l: number, c: unknown, a: () => unknown, b: () => unknown): unknown {
    if (c instanceof Poison) this.at(l).value(c, '?:');
    if (!(c instanceof Value)) return (c instanceof FloatLit ? Number(c) : c) ? a() : b();
    const e = this.at(l);
    if (isTile(c.type)) {
      const [x, y] = [a(), b()];
      this.at(l);
      const [p, q] = e.promote('?:', x, y);
      return e.one('where', e.broadcast('?:', [e.cast(c, DTYPES.bool), p, q]));
    }
    return emitIfValue(e, this.loc(l), e.cast(c, DTYPES.bool), a, b, (ops) => ops.every((o) => hasTrait(o.name, 'pure')));
  }

  // ---- calls
  call(l: number, fn: unknown, args: readonly unknown[]): unknown {
    return this.invoke(l, fn, undefined, args, describeJs(fn));
  }
  method(l: number, obj: unknown, name: string, args: readonly unknown[]): unknown {
    const e = this.at(l);
    if (obj instanceof Poison) e.value(obj, `.${name}`);
    if (obj instanceof Value) {
      return e.fail(
        TL.badOperator,
        `.${name}()`,
        describe(obj),
        'a method call',
        `tiles have no methods in TypeScript; write ${METHOD_HELP[name] ?? `tl.${name}(x, …)`}`,
      );
    }
    if (obj === null || obj === undefined) return e.fail(TL.notValue, `.${name}()`, describeJs(obj));
    if (obj === Math)
      for (const x of args) if (x instanceof Value) e.fail(TL.hostMath, name, describe(x), MATH_HELP[name] ?? `tl.${name}(…)`);
    return this.invoke(l, (obj as { [k: string]: unknown })[name], obj, args, `.${name}`);
  }
  private invoke(l: number, fn: unknown, self: unknown, args: readonly unknown[], what: string): unknown {
    const e = this.at(l);
    if (fn === undefined) return e.fail(TL.noFunction, what.replace(/^\./, ''));
    if (typeof fn !== 'function') return e.fail(TL.notFunction, describe(fn));
    const def = fnDefinition(fn);
    if (def === null) return e.fail(TL.untransformed, fn.name);
    // Inside itself a function expression's name is its body.
    const own = def ?? this.frames().find((f) => f.def.body === fn)?.def;
    if (own?.kind === 'fn') {
      this.countArguments(own, args);
      return this.inline(l, own, args);
    }
    const kernel = own ?? kernelDefinition(fn);
    if (kernel) return this.inline(l, kernel, [this.kernelArguments(kernel, args)]);
    const outer = e.caller;
    e.caller = (f, xs, name) => this.invoke(l, f, undefined, xs, name);
    let result: unknown;
    try {
      result = fn.apply(self, args);
    } catch (err) {
      throw located(err, this.loc(l));
    } finally {
      e.caller = outer;
    }
    // Lambdas of the kernel move the location; what follows in this statement belongs to it again.
    e.loc = this.loc(l);
    return result;
  }
  private countArguments(def: Definition, args: readonly unknown[]): void {
    const names = def.params.map((p) => p.name);
    const bad = (found: string): never => this.e.fail(TL.fnArguments, def.name, found, names);
    const [, most] = parameterCounts(def)!;
    if (args.length > most) bad(`takes ${most} value${most === 1 ? '' : 's'}, but is called with ${args.length}`);
    const missing = needed(def).find((p) => args[def.params.indexOf(p)] === undefined);
    if (missing) bad(`is called without '${missing.name}'`);
  }
  /** The argument of a kernel that is called: an object of its parameters, all that have no default. */
  private kernelArguments({ name, params }: Definition, args: readonly unknown[]): object {
    const known = params.map((p) => p.name);
    const bad = (found: string): never => this.e.fail(TL.kernelArguments, name, found, known);
    const [given] = args;
    if (args.length !== 1 || structureOf(given)?.kind !== '{}') return bad(`takes ${args.length} values, not one object`);
    const bag = given as { readonly [name: string]: unknown };
    for (const k of Object.keys(bag)) if (!known.includes(k)) bad(`names '${k}', which is no parameter`);
    for (const p of params) {
      const x = bag[p.name];
      if (x === undefined && !p.hasDefault && !p.optional) bad(`gives no '${p.name}'`);
      if (p.kind === 'constexpr' && x instanceof Value) bad(`gives '${p.name}', a constexpr, a value of the device`);
    }
    return Object.fromEntries(
      params.flatMap((p) => (bag[p.name] === undefined ? (p.hasDefault ? [] : [[p.name, null]]) : [[p.name, bag[p.name]]])),
    );
  }
  /** This frame and those of its callers. */
  private frames(): Frame[] {
    const out: Frame[] = [];
    for (let f: Frame | null = this; f; f = f.outer) out.push(f);
    return out;
  }
  /** Expands a device function, or a kernel, at a call. */
  inline(l: number, def: Definition, args: readonly unknown[]): unknown {
    const above = this.frames().filter((f) => f.def === def);
    // The first call of itself is shown, without the many that followed.
    if (above.length >= MAX_DEPTH) fail(above.at(-2)!.parent!, TL.recursion, def.name, MAX_DEPTH);
    const result = def.body(new Frame(this.e, def, this.loc(l), this), ...args);
    this.e.loc = this.loc(l);
    return result;
  }

  // ---- names and literals
  name<T>(name: string, v: T): T {
    // Parts of a tuple or a library object that have no name yet are named by their place in it.
    if (v instanceof Value) v.name ??= name;
    else if (typeof v === 'object' && structureOf(v)?.kind !== '{}')
      for (const { path, value } of leaves(name, v)) if (value instanceof Value) value.name ??= path;
    return v;
  }
  flt(x: number): FloatLit {
    return new FloatLit(x);
  }

  /** `x.key` and `x[key]`. */
  get(l: number, x: unknown, key: unknown): unknown {
    const e = this.at(l);
    if (x instanceof Poison) {
      const part = (x as unknown as { readonly [k: string]: unknown })[String(key)];
      return part === undefined ? e.value(x, `.${String(key)}`) : part;
    }
    if (x instanceof Value) {
      const place = key instanceof Value || isNumberLike(key);
      const part = place ? `element [${describe(key)}] that could be named` : `property '${String(key)}'`;
      const [help, byPlace] = isPtr(x.type)
        ? ['load the element: tl.load(p + i)', true]
        : ['use a mask and tl.sum, tl.gather, or load the element by its pointer', true];
      return e.fail(
        TL.noPart,
        describe(x),
        part,
        place && byPlace ? help : (PART_HELP[String(key)] ?? 'functions of tl do what methods do'),
      );
    }
    if (x === undefined || x === null) return e.fail(TL.notValue, `.${String(key)}`, describeJs(x));
    if (key instanceof Value)
      return e.fail(TL.shapeNotConstexpr, 'the index of a list', `a value of the device (${printType(key.type)})`);
    return (x as { readonly [k: string]: unknown })[key as string];
  }
  /** What is taken apart into `count` values. */
  parts(l: number, count: number, x: unknown): unknown {
    if (x instanceof Poison) return x;
    if (typeof (x as Iterable<unknown> | null | undefined)?.[Symbol.iterator] !== 'function' || x instanceof Value)
      return this.at(l).fail(TL.takenApart, x === undefined ? 'what gives no value' : describe(x), count, null);
    if (Array.isArray(x) && x.length < count) return this.at(l).fail(TL.takenApart, describe(x), count, x.length);
    return x;
  }

  // ---- statements
  if(l: number, cond: unknown, then: () => void, otherwise: (() => void) | null, vars: Vars): void {
    const e = this.at(l);
    if (cond instanceof Poison) e.value(cond, 'if');
    if (!(cond instanceof Value)) {
      if (cond instanceof FloatLit ? Number(cond) : cond) then();
      else otherwise?.();
      return;
    }
    emitIf(e, this.loc(l), this.condition('if', cond), then, otherwise ?? (() => {}), vars);
  }
  private condition(what: string, c: unknown): Value {
    const v = this.e.value(c, what);
    if (isTile(v.type) || isPtr(v.type)) return this.e.fail(TL.conditionTile, what, v.type);
    return this.e.cast(v, DTYPES.bool);
  }
  for(
    l: number,
    range: { start: unknown; stop: unknown; step: unknown; cmp: string },
    body: (i: unknown) => void,
    vars: Vars,
    ivName: string,
  ): void {
    const e = this.at(l);
    const { cmp } = range;
    const bounds = [range.start, range.stop, range.step].map((b, i) => {
      const what = ['start', 'end', 'step'][i];
      const n = b instanceof FloatLit && Number.isInteger(Number(b)) ? Number(b) : b;
      if (!(n instanceof Value) && !isNumberLike(n)) return e.fail(TL.loopBound, what, describe(n));
      const v = e.value(n, what);
      if (isPtr(v.type) || isTile(v.type) || !dtypeOf(v.type).is_int() || dtypeOf(v.type).is_bool())
        return e.fail(TL.loopBound, what, printType(v.type));
      return v;
    });
    const step = e.constantOf(bounds[2]);
    if (step === 0 || step === 0n) e.fail(TL.loopStep);
    const down = cmp === '>' || cmp === '>=';
    if (down ? !(step !== undefined && Number(step) < 0) : step !== undefined && Number(step) < 0) e.fail(TL.loopStepSign);
    const type = bounds.map((b) => dtypeOf(b.type)).reduce(promoteIntegers);
    let [lo, hi, by] = bounds.map((b) => e.cast(b, type));
    if (cmp === '<=') hi = e.one('add', e.promote('<=', hi, 1));
    if (cmp === '>=') hi = e.one('sub', e.promote('>=', hi, 1));
    [lo, hi, by] = [lo, hi, by].map((b) => e.cast(b, type));
    emitFor(e, this.loc(l), [lo, hi, by], body, vars, ivName);
  }
  forOf(l: number, iterable: unknown, body: (x: unknown) => void, vars: Vars, name: string): void {
    if (iterable instanceof RangeSpec) {
      const { start, stop, step } = iterable;
      const down = isNumberLike(step) && Number(step) < 0;
      this.for(l, { start, stop, step, cmp: down ? '>' : '<' }, body, vars, name);
      return;
    }
    const e = this.at(l);
    if (
      iterable instanceof Value ||
      iterable === null ||
      typeof (iterable as Iterable<unknown>)?.[Symbol.iterator] !== 'function'
    ) {
      e.fail(TL.notValue, 'for…of', describe(iterable));
    }
    for (const x of iterable as Iterable<unknown>) body(x);
  }
  while(l: number, cond: () => unknown, body: () => void, vars: Vars): void {
    const e = this.at(l);
    emitWhile(e, this.loc(l), () => this.condition('while', cond()), body, vars);
  }
}

/** A short name of a traced or JS value for messages. */
export const describe = (x: unknown): string =>
  x instanceof Value
    ? `${x.name ? `${x.name}: ` : ''}${printType(x.type)}`
    : x instanceof FloatLit
      ? String(Number(x))
      : describeJs(x);

function jsBinary(op: string, a: any, b: any): unknown {
  const float = a instanceof FloatLit || b instanceof FloatLit;
  const [x, y] = [a instanceof FloatLit ? Number(a) : a, b instanceof FloatLit ? Number(b) : b];
  const number = (r: unknown) => (typeof r === 'number' && (float || op === '/') ? new FloatLit(r) : r);
  switch (op) {
    case '+': return number(x + y);
    case '-': return number(x - y);
    case '*': return number(x * y);
    case '/': return number(x / y);
    case '%': return number(x % y);
    case '**': return number(x ** y);
    case '&': return x & y;
    case '|': return x | y;
    case '^': return x ^ y;
    case '<<': return x << y;
    case '>>': return x >> y;
    case '<': return x < y;
    case '<=': return x <= y;
    case '>': return x > y;
    case '>=': return x >= y;
    // biome-ignore lint/suspicious/noDoubleEquals: the source's own operator
    case '==': return x == y;
    // biome-ignore lint/suspicious/noDoubleEquals: the source's own operator
    case '!=': return x != y;
    case '===': return x === y;
    case '!==': return x !== y;
    default: throw new Error(`internal: operator ${op}`);
  }
} // biome-ignore format: a table
function jsUnary(op: string, a: any): unknown {
  const x = a instanceof FloatLit ? Number(a) : a;
  const r = op === '-' ? -x : op === '+' ? +x : op === '!' ? !x : ~x;
  return a instanceof FloatLit && (op === '-' || op === '+') ? new FloatLit(r as number) : r;
}

/** An error that was found in plain JavaScript, where no line of the kernel is known: it belongs to the call. */
const located = (err: unknown, loc: Loc): unknown =>
  err instanceof CompileError && err.diagnostics.some((d) => d.loc === NO_LOC)
    ? new CompileError(err.diagnostics.map((d) => (d.loc === NO_LOC ? { ...d, loc } : d)))
    : err;

/** Turns an ordinary exception of the kernel's own JavaScript into an error with the kernel's line. */
export function wrapJsError(err: unknown, loc: Loc): unknown {
  if (err instanceof CompileError || !(err instanceof Error)) return err;
  return new CompileError([diagnostic(loc, TL.jsError, err)], { cause: err });
}
