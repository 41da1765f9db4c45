// Functions of the kernel that become the region of an op: a combining function of `tl.reduce` or `tl.associative_scan`, a mapped
// function of `tl.map_elementwise`. They are traced once, on scalars, and may compute and branch but do nothing else.

import { fail, type Loc } from '../diagnostics.ts';
import { inferTypes, makeOp, makeRegionOp } from '../ir/build.ts';
import { type Attrs, type Op, Value, walk } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { mappedTypes } from '../ops/element.ts';
import { rowOf } from '../ops/index.ts';
import { describeJs } from '../ops/math.ts';
import { dtypeOf, isTile, printType, scalar, type Type } from '../types.ts';
import { fnDefinition, kernelDefinition, parameterCounts } from './definition.ts';
import type { Emitter } from './emitter.ts';

/** What a function may contain: computation on scalars, and control flow around it. */
const allowed = (op: Op): boolean => {
  const traits = rowOf(op.name)?.traits ?? [];
  return traits.includes('terminator') || traits.includes('control') || (traits.includes('pure') && !traits.includes('element'));
};

function checkBody(name: string, ops: readonly Op[]): void {
  walk({ args: [], ops }, (op) => {
    if (!allowed(op)) fail(op.loc, TL.elementEffect, name, op.name);
    const tile = [...op.operands, ...op.results].find((v) => isTile(v.type));
    if (tile) fail(op.loc, TL.elementTile, name, `${tile.name ? `${tile.name}: ` : ''}${printType(tile.type)}`);
  });
}

/** How many values a function takes; functions of `tl`, and those with rest parameters, do not say (their length is 0). */
const takes = (fn: { readonly length: number }): readonly [number, number] => {
  const def = fnDefinition(fn);
  return def ? parameterCounts(def) : fn.length ? [fn.length, fn.length] : [0, Infinity];
};

/** Traces `fn` on fresh scalars; returns them, what it returned as values, and the ops. */
function traced(e: Emitter, name: string, types: readonly Type[], fn: unknown, finish: (x: unknown, i: number) => Value) {
  const { loc } = e;
  if (typeof fn !== 'function') return e.fail(TL.elementFunction, name, describeJs(fn));
  if (kernelDefinition(fn)) e.fail(TL.elementFunction, name, `the kernel ${fn.name}`);
  const [least, most] = takes(fn);
  if (types.length < least || types.length > most) e.fail(TL.elementArity, name, most, types.length);
  const args = types.map((t) => new Value(t));
  let list = false;
  let values: Value[] = [];
  const ops = e.region(() => {
    e.own(...args);
    const result = e.call(fn, args, name);
    e.loc = loc;
    list = Array.isArray(result);
    values = (list ? (result as unknown[]) : [result]).map(finish);
  });
  checkBody(name, ops);
  return { args, values, ops, list };
}

const emit = (
  e: Emitter,
  name: string,
  operands: readonly Value[],
  attrs: Attrs,
  t: ReturnType<typeof traced>,
  loc: Loc,
): readonly Value[] => {
  const ops = [...t.ops, makeOp('yield', t.values, {}, loc)];
  const results = inferTypes(name, operands, attrs, loc).map((type) => new Value(type));
  e.append(makeRegionOp(name, operands, [{ args: t.args, ops }], results, loc, attrs));
  return results;
};

/** A combining function: returns one value for each operand, of the operand's dtype. */
export function emitElement(e: Emitter, name: string, operands: readonly Value[], attrs: Attrs, fn: unknown): readonly Value[] {
  const { loc } = e;
  const types = operands.map((o) => o.type);
  // Operands are checked before the function runs on them.
  inferTypes(name, operands, attrs, loc);
  const { args, yields } = rowOf(name)!.region!(types, attrs);
  const t = traced(e, name, args, fn, (x, i) => {
    if (x === undefined) e.fail(TL.elementCount, name, 0, yields.length);
    const v = e.value(x, `the function of tl.${name}`);
    // A number takes the dtype that is wanted; a value must have it.
    return e.isValue(x) || !yields[i] ? v : e.cast(v, dtypeOf(yields[i]));
  });
  if (t.values.length !== yields.length) e.fail(TL.elementCount, name, t.values.length, yields.length);
  t.values.forEach((v, i) => {
    if (printType(v.type) !== printType(yields[i])) e.fail(TL.elementDtype, name, i, yields.length, v.type, yields[i]);
  });
  return emit(e, name, operands, attrs, t, loc);
}

/** A mapped function: what it returns tells the dtypes of the results. */
export function emitMap(
  e: Emitter,
  operands: readonly Value[],
  pack: number,
  fn: unknown,
): { readonly results: readonly Value[]; readonly list: boolean } {
  const { loc } = e;
  const name = 'map_elementwise';
  const args = operands.flatMap((o) => Array<Type>(pack).fill(scalar(o.type.elem)));
  const t = traced(e, name, args, fn, (x) => {
    if (x === undefined) e.fail(TL.elementCount, name, 0, pack);
    return e.value(x, `the function of tl.${name}`);
  });
  for (const v of t.values) if (isTile(v.type)) e.fail(TL.elementTile, name, printType(v.type));
  if (t.values.length === 0 || t.values.length % pack !== 0) e.fail(TL.elementCount, name, t.values.length, pack);
  t.values.forEach((v, i) => {
    const first = t.values[i - (i % pack)];
    if (printType(v.type) !== printType(first.type)) e.fail(TL.elementDtype, name, i, t.values.length, v.type, first.type);
  });
  const attrs = { to: mappedTypes(t.values, pack), ...(pack > 1 ? { pack } : {}) };
  return { results: emit(e, name, operands, attrs, t, loc), list: t.list };
}
