// Control flow that runs on the device: turns the variables that a statement assigns into carried values of `if`, `for` and
// `while` ops. A variable keeps its type, as in Triton; of tuples and other structures every leaf does. What is no device value
// must stay what it is.

import type { Loc } from '../diagnostics.ts';
import { makeOp, makeRegionOp } from '../ir/build.ts';
import { type Op, Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { describeJs } from '../ops/math.ts';
import { printType, sameType } from '../types.ts';
import { FloatLit, isNumberLike } from './context.ts';
import { type Emitter, Poison } from './emitter.ts';
import { describeStructure, leaves, type Structure, sameStructure, structureOf, withLeaves } from './structure.ts';

/** Variables declared outside a statement and assigned inside it. */
export interface Vars {
  readonly names: readonly string[];
  get(): unknown[];
  set(values: readonly unknown[]): void;
}

const isDevice = (x: unknown): boolean => x instanceof Value || isNumberLike(x) || typeof x === 'boolean';
const same = (a: unknown, b: unknown): boolean =>
  Object.is(a, b) || (a instanceof FloatLit && b instanceof FloatLit && Object.is(Number(a), Number(b)));
const leafText = (x: unknown): string =>
  x === undefined
    ? 'not set'
    : x instanceof Poison
      ? 'not set on every way'
      : x instanceof Value
        ? printType(x.type)
        : describeJs(x instanceof FloatLit ? Number(x) : x);
const what = (x: unknown): string => describeStructure(x, leafText);
/** Stands for a variable that may have no value. Where it would be a structure, its parts are poison too. */
function poison(name: string, why: string, like: Structure | null): Poison {
  const p = new Poison(name, why);
  if (!like) return p;
  const parts = new Map(
    like.parts.map(([path, v]) => [path.replace(/^\.|^\[|\]$/g, ''), poison(name + path, why, structureOf(v))]),
  );
  return new Proxy(p, {
    get: (target, key) => {
      if (key === Symbol.iterator) return () => parts.values();
      return typeof key === 'string' && parts.has(key) ? parts.get(key) : Reflect.get(target, key);
    },
  });
}
const terminator = (name: string, values: readonly Value[], loc: Loc): Op => makeOp(name, values, {}, loc);

/** Joins two values leaf by leaf where both are made in the same way; else `join` gets them as they are. */
function joinParts(name: string, x: unknown, y: unknown, join: (name: string, x: unknown, y: unknown) => unknown): unknown {
  if (Object.is(x, y) || !sameStructure(x, y)) return join(name, x, y);
  const other = leaves(name, y);
  return withLeaves(
    x,
    leaves(name, x).map((l, i) => join(l.path, l.value, other[i].value)),
  );
}

/** `if` on a device condition: both branches are traced; variables that differ become results. */
export function emitIf(e: Emitter, loc: Loc, cond: Value, then: () => void, otherwise: () => void, vars: Vars): void {
  const before = vars.get();
  const branch = (body: () => void) => {
    vars.set(before);
    const ops = e.region(body);
    return { ops, values: vars.get() };
  };
  const a = branch(then);
  const b = branch(otherwise);
  e.loc = loc;
  const results: Value[] = [];
  const yields: [Value[], Value[]] = [[], []];
  const join = (name: string, x: unknown, y: unknown): unknown => {
    if (same(x, y)) return x;
    if (!isDevice(x) || !isDevice(y)) {
      if (structureOf(x) && structureOf(y)) e.fail(TL.branchType, name, what(x), what(y));
      const why = `it is ${what(x)} where the if at line ${loc.line} holds and ${what(y)} where it does not, and the condition is known only on the device`;
      return poison(name, why, structureOf(x) ?? structureOf(y));
    }
    const [p, q] = [e.into(a.ops, () => e.value(x, name)), e.into(b.ops, () => e.value(y, name))];
    if (!sameType(p.type, q.type)) return e.fail(TL.branchType, name, printType(p.type), printType(q.type));
    yields[0].push(p);
    yields[1].push(q);
    const r = new Value(p.type, name);
    results.push(r);
    return r;
  };
  const after = vars.names.map((name, i) => joinParts(name, a.values[i], b.values[i], join));
  const regions = [a, b].map(({ ops }, k) => ({ args: [], ops: [...ops, terminator('yield', yields[k], loc)] }));
  if (results.length || a.ops.length || b.ops.length) e.append(makeRegionOp('if', [cond], regions, results, loc));
  vars.set(after);
}

/** `cond ? a : b` on a scalar device condition: a select if both sides are free of effects, else an `if`. */
export function emitIfValue(
  e: Emitter,
  loc: Loc,
  cond: Value,
  a: () => unknown,
  b: () => unknown,
  pure: (ops: readonly Op[]) => boolean,
): unknown {
  let x: unknown;
  let y: unknown;
  const thenOps = e.region(() => {
    x = a();
  });
  const elseOps = e.region(() => {
    y = b();
  });
  e.loc = loc;
  const select = pure(thenOps) && pure(elseOps);
  if (select) e.append(...thenOps, ...elseOps);
  const results: Value[] = [];
  const yields: [Value[], Value[]] = [[], []];
  const value = joinParts('the value of ?:', x, y, (_name, x, y) => {
    if (same(x, y)) return x;
    if (!isDevice(x) || !isDevice(y)) return e.fail(TL.branchValue, what(x), what(y));
    if (x instanceof Value && y instanceof Value && !sameType(x.type, y.type)) e.fail(TL.branchValue, what(x), what(y));
    if (select) {
      const [p, q] = e.promote('?:', x, y);
      return e.one('where', e.broadcast('?:', [cond, p, q]));
    }
    const [p, q] = [e.into(thenOps, () => e.value(x, '?:')), e.into(elseOps, () => e.value(y, '?:'))];
    if (!sameType(p.type, q.type)) return e.fail(TL.branchValue, printType(p.type), printType(q.type));
    yields[0].push(p);
    yields[1].push(q);
    const r = new Value(p.type);
    results.push(r);
    return r;
  });
  if (select || !(results.length || thenOps.length || elseOps.length)) return value;
  const regions = [thenOps, elseOps].map((ops, i) => ({ args: [], ops: [...ops, terminator('yield', yields[i], loc)] }));
  e.append(makeRegionOp('if', [cond], regions, results, loc));
  return value;
}

/** What a loop does with one leaf of a variable: a value that it carries. */
interface Carried {
  /** The variable, and the way to the leaf. */
  readonly path: string;
  readonly init: Value;
  readonly arg: Value;
}
/** The variables of a loop. */
interface Slots {
  readonly before: readonly unknown[];
  /** Their leaves that are device values, in order; numbers become scalars. The others must not change. */
  readonly carried: readonly Carried[];
}

function carry(e: Emitter, vars: Vars): Slots {
  const before = vars.get();
  const carried: Carried[] = [];
  vars.names.forEach((name, i) => {
    for (const { path, value } of leaves(name, before[i])) {
      if (!isDevice(value)) continue;
      const init = e.value(value, path);
      carried.push({ path, init, arg: new Value(init.type, path) });
    }
  });
  return { before, carried };
}
/** The variables with other values in place of what is carried. */
function fill(vars: Vars, { before }: Slots, value: (index: number, old: unknown) => unknown): unknown[] {
  let next = 0;
  return before.map((x, i) => {
    if (i >= vars.names.length) return x;
    const old = leaves(vars.names[i], x);
    const now = old.map((l) => (isDevice(l.value) ? value(next++, l.value) : l.value));
    return old.every((l, k) => l.value === now[k]) ? x : withLeaves(x, now);
  });
}
const enter = (e: Emitter, vars: Vars, slots: Slots, values: readonly Value[]): void => {
  e.own(...values);
  vars.set(fill(vars, slots, (i) => values[i]));
};

/** What to say of a variable that was `x` and is `y`. */
const structured = (x: unknown, y: unknown) => (structureOf(x) && structureOf(y) ? TL.carriedStructure : TL.carriedJs);

/** Values that one trip leaves behind, checked against the carried types. */
function leave(e: Emitter, loc: Loc, vars: Vars, { before, carried }: Slots, where: string): Value[] {
  const now = vars.get();
  const out: Value[] = [];
  vars.names.forEach((name, i) => {
    const old = leaves(name, before[i]);
    if (!old.some((l) => isDevice(l.value))) return;
    if (now[i] instanceof Poison) e.value(now[i], name);
    if (!sameStructure(before[i], now[i])) {
      e.loc = loc;
      e.fail(structured(before[i], now[i]), name, what(before[i]), what(now[i]), where);
    }
    leaves(name, now[i]).forEach(({ path, value: x }, k) => {
      if (!isDevice(old[k].value)) return;
      const { arg } = carried[out.length];
      if (!isDevice(x)) {
        if (x instanceof Poison) e.value(x, path);
        e.fail(TL.carriedJs, path, printType(arg.type), what(x), where);
      }
      e.loc = loc;
      const v = e.value(x, path);
      if (!sameType(v.type, arg.type)) e.fail(TL.carriedType, path, arg.type, v.type, where);
      out.push(v);
    });
  });
  return out;
}
/** After the loop: results for what changed, the old value for what did not, poison for what only the loop set. */
function afterLoop(
  e: Emitter,
  vars: Vars,
  slots: Slots,
  end: readonly unknown[],
  yields: readonly Value[],
  results: readonly Value[],
  where: string,
): void {
  const { before, carried } = slots;
  const carriedOut = fill(vars, slots, (i, old) => (yields[i] === carried[i].arg ? old : results[i]));
  vars.set(
    vars.names.map((name, i) => {
      const [old, now] = [leaves(name, before[i]), leaves(name, end[i])];
      const agree = sameStructure(before[i], end[i]);
      const changed = agree ? old.findIndex((l, k) => !isDevice(l.value) && !same(l.value, now[k].value)) : 0;
      if (changed < 0) return carriedOut[i];
      // The body saw only the old value, so a second trip would be wrong.
      if (before[i] !== undefined && !(before[i] instanceof Poison)) {
        const [path, x, y] = agree ? [old[changed].path, old[changed].value, now[changed].value] : [name, before[i], end[i]];
        return e.fail(structured(x, y), path, what(x), what(y), where);
      }
      return poison(name, `it is set only inside the ${where}, which may run zero times`, structureOf(end[i]));
    }),
  );
}

export function emitFor(
  e: Emitter,
  loc: Loc,
  bounds: readonly Value[],
  body: (i: Value) => void,
  vars: Vars,
  ivName: string,
): void {
  const slots = carry(e, vars);
  const { carried } = slots;
  const iv = new Value(bounds[0].type, ivName);
  let yields: Value[] = [];
  let end: unknown[] = [];
  const ops = e.region(() => {
    enter(
      e,
      vars,
      slots,
      carried.map((c) => c.arg),
    );
    e.own(iv);
    body(iv);
    end = vars.get();
    yields = leave(e, loc, vars, slots, 'loop');
  });
  e.loc = loc;
  const results = carried.map((c) => new Value(c.init.type, c.path));
  const region = { args: [iv, ...carried.map((c) => c.arg)], ops: [...ops, terminator('yield', yields, loc)] };
  e.append(makeRegionOp('for', [...bounds, ...carried.map((c) => c.init)], [region], results, loc));
  afterLoop(e, vars, slots, end, yields, results, 'loop');
}

export function emitWhile(e: Emitter, loc: Loc, cond: () => Value, body: () => void, vars: Vars): void {
  const slots = carry(e, vars);
  const { carried } = slots;
  const condArgs = carried.map((c) => new Value(c.init.type, c.path));
  let test: Value | undefined;
  const condOps = e.region(() => {
    enter(e, vars, slots, condArgs);
    test = cond();
  });
  let yields: Value[] = [];
  let end: unknown[] = [];
  const bodyOps = e.region(() => {
    enter(
      e,
      vars,
      slots,
      carried.map((c) => c.arg),
    );
    body();
    end = vars.get();
    yields = leave(e, loc, vars, slots, 'while');
  });
  e.loc = loc;
  const results = carried.map((c) => new Value(c.init.type, c.path));
  const regions = [
    { args: condArgs, ops: [...condOps, terminator('condition', [test as Value], loc)] },
    { args: carried.map((c) => c.arg), ops: [...bodyOps, terminator('yield', yields, loc)] },
  ];
  e.append(
    makeRegionOp(
      'while',
      carried.map((c) => c.init),
      regions,
      results,
      loc,
    ),
  );
  afterLoop(e, vars, slots, end, yields, results, 'loop');
}
