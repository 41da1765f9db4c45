// Control flow that runs on the device: turns the variables that a statement assigns into carried values of `if`, `for` and
// `while` ops. A variable keeps its type, as in Triton; one that is no device value must stay what it is.

import type { Loc } from '../diagnostics.ts';
import { makeOp, makeRegionOp } from '../ir/build.ts';
import { type Op, Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { describeJs } from '../ops/math.ts';
import { printType, sameType } from '../types.ts';
import { FloatLit, isNumberLike } from './context.ts';
import { type Emitter, Poison } from './emitter.ts';

/** Variables declared outside a statement and assigned inside it. */
export interface Vars {
  readonly names: readonly string[];
  get(): unknown[];
  set(values: readonly unknown[]): void;
}

const isDevice = (x: unknown): boolean => x instanceof Value || isNumberLike(x) || typeof x === 'boolean';
const same = (a: unknown, b: unknown): boolean =>
  Object.is(a, b) || (a instanceof FloatLit && b instanceof FloatLit && Object.is(Number(a), Number(b)));
const what = (x: unknown): string =>
  x === undefined
    ? 'not set'
    : x instanceof Poison
      ? 'not set on every way'
      : x instanceof Value
        ? printType(x.type)
        : describeJs(x instanceof FloatLit ? Number(x) : x);
const terminator = (name: string, values: readonly Value[], loc: Loc): Op => makeOp(name, values, {}, loc);

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
  const after = vars.names.map((name, i) => {
    const [x, y] = [a.values[i], b.values[i]];
    if (same(x, y)) return x;
    if (!isDevice(x) || !isDevice(y)) {
      return new Poison(
        name,
        `it is ${what(x)} where the if at line ${loc.line} holds and ${what(y)} where it does not, and the condition is known only on the device`,
      );
    }
    const [p, q] = [e.into(a.ops, () => e.value(x, name)), e.into(b.ops, () => e.value(y, name))];
    if (!sameType(p.type, q.type)) return e.fail(TL.branchType, name, printType(p.type), printType(q.type));
    yields[0].push(p);
    yields[1].push(q);
    const r = new Value(p.type, name);
    results.push(r);
    return r;
  });
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
  if (same(x, y)) return x;
  if (!isDevice(x) || !isDevice(y))
    return new Poison('the value of ?:', `it is ${what(x)} on one side and ${what(y)} on the other`);
  if (pure(thenOps) && pure(elseOps)) {
    e.append(...thenOps, ...elseOps);
    const [p, q] = e.promote('?:', x, y);
    return e.one('where', e.broadcast('?:', [cond, p, q]));
  }
  const [p, q] = [e.into(thenOps, () => e.value(x, '?:')), e.into(elseOps, () => e.value(y, '?:'))];
  if (!sameType(p.type, q.type)) return e.fail(TL.branchType, 'the value of ?:', printType(p.type), printType(q.type));
  const r = new Value(p.type);
  const regions = [
    { args: [], ops: [...thenOps, terminator('yield', [p], loc)] },
    { args: [], ops: [...elseOps, terminator('yield', [q], loc)] },
  ];
  e.append(makeRegionOp('if', [cond], regions, [r], loc));
  return r;
}

/** What a loop does with one variable. */
interface Carried {
  readonly name: string;
  readonly index: number;
  readonly init: Value;
  readonly arg: Value;
}

/** Splits the variables of a loop into carried ones (numbers become scalars) and those that must not change. */
function carry(e: Emitter, vars: Vars): { before: unknown[]; carried: Carried[] } {
  const before = vars.get();
  const carried: Carried[] = [];
  vars.names.forEach((name, index) => {
    const x = before[index];
    if (!isDevice(x)) return;
    const init = e.value(x, name);
    carried.push({ name, index, init, arg: new Value(init.type, name) });
  });
  return { before, carried };
}
const enter = (e: Emitter, vars: Vars, before: unknown[], carried: readonly Carried[], values: readonly Value[]): void => {
  e.own(...values);
  vars.set(
    before.map((x, i) => {
      const k = carried.findIndex((c) => c.index === i);
      return k < 0 ? x : values[k];
    }),
  );
};

/** Values that one trip leaves behind, checked against the carried types. */
function leave(e: Emitter, loc: Loc, vars: Vars, carried: readonly Carried[], where: string): Value[] {
  const now = vars.get();
  return carried.map(({ name, index, arg }) => {
    const x = now[index];
    if (!isDevice(x)) {
      if (x instanceof Poison) e.value(x, name);
      return e.fail(TL.carriedJs, name, printType(arg.type), what(x), where);
    }
    e.loc = loc;
    const v = e.value(x, name);
    if (!sameType(v.type, arg.type)) e.fail(TL.carriedType, name, arg.type, v.type, where);
    return v;
  });
}
/** After the loop: results for what changed, the old value for what did not, poison for what only the loop set. */
function afterLoop(
  e: Emitter,
  vars: Vars,
  before: unknown[],
  end: unknown[],
  carried: readonly Carried[],
  yields: readonly Value[],
  results: readonly Value[],
  where: string,
): void {
  vars.set(
    vars.names.map((name, i) => {
      const k = carried.findIndex((c) => c.index === i);
      if (k >= 0) return yields[k] === carried[k].arg ? before[i] : results[k];
      if (same(before[i], end[i])) return before[i];
      // The body saw only the old value, so a second trip would be wrong.
      if (before[i] !== undefined && !(before[i] instanceof Poison))
        return e.fail(TL.carriedJs, name, what(before[i]), what(end[i]), where);
      return new Poison(name, `it is set only inside the ${where}, which may run zero times`);
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
  const { before, carried } = carry(e, vars);
  const iv = new Value(bounds[0].type, ivName);
  let yields: Value[] = [];
  let end: unknown[] = [];
  const ops = e.region(() => {
    enter(
      e,
      vars,
      before,
      carried,
      carried.map((c) => c.arg),
    );
    e.own(iv);
    body(iv);
    end = vars.get();
    yields = leave(e, loc, vars, carried, 'loop');
  });
  e.loc = loc;
  const results = carried.map((c) => new Value(c.init.type, c.name));
  const region = { args: [iv, ...carried.map((c) => c.arg)], ops: [...ops, terminator('yield', yields, loc)] };
  e.append(makeRegionOp('for', [...bounds, ...carried.map((c) => c.init)], [region], results, loc));
  afterLoop(e, vars, before, end, carried, yields, results, 'loop');
}

export function emitWhile(e: Emitter, loc: Loc, cond: () => Value, body: () => void, vars: Vars): void {
  const { before, carried } = carry(e, vars);
  const condArgs = carried.map((c) => new Value(c.init.type, c.name));
  let test: Value | undefined;
  const condOps = e.region(() => {
    enter(e, vars, before, carried, condArgs);
    test = cond();
  });
  let yields: Value[] = [];
  let end: unknown[] = [];
  const bodyOps = e.region(() => {
    enter(
      e,
      vars,
      before,
      carried,
      carried.map((c) => c.arg),
    );
    body();
    end = vars.get();
    yields = leave(e, loc, vars, carried, 'while');
  });
  e.loc = loc;
  const results = carried.map((c) => new Value(c.init.type, c.name));
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
  afterLoop(e, vars, before, end, carried, yields, results, 'loop');
}
