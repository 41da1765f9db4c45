// Finds the op that makes the first NaN or infinity: a result that is, though the operands it comes from are not. In: a
// step that has just run. Out: where it happened. The debugger stops there; this file refuses to know sessions.

import type { Loc } from '../dsl/diagnostics.ts';
import { hasTrait } from '../dsl/ops/index.ts';
import { DType } from '../dsl/types.ts';
import type { Machine, Step } from '../lower/interp/machine.ts';
import { coordinates, type Store } from '../lower/interp/values.ts';

export type Special = 'nan' | 'inf';

/** An op that made NaN or infinity. */
export interface Birth {
  readonly what: Special;
  readonly op: string;
  readonly loc: Loc;
  /** Source name of the result, where it has one. */
  readonly name: string | undefined;
  /** First element, and how many there are. */
  readonly lane: readonly number[];
  readonly count: number;
}

const TESTS: { readonly [S in Special]: (x: number | bigint) => boolean } = {
  nan: (x) => Number.isNaN(x),
  inf: (x) => x === Infinity || x === -Infinity,
};

/**
 * Whether `step`, which has just run, made a `what`. Elementwise ops are compared lane by lane; sums, reductions and products with
 * all of their operands. Loads, constants and moves make nothing: what they hold was there before. A lane whose operand was
 * already NaN does not count; for infinities, neither does one whose operand was infinite (`inf - inf` does make a NaN).
 */
export function birth(machine: Machine, step: Step, what: Special): Birth | null {
  const { op } = step;
  const [result] = op.results;
  if (step.kind !== 'op' || !result || op.operands.length === 0 || !(result.type.elem instanceof DType)) return null;
  const elementwise = hasTrait(op.name, 'elementwise');
  if (result.type.elem.kind !== 'float' || !hasTrait(op.name, 'pure') || (!elementwise && hasTrait(op.name, 'shape')))
    return null;
  const test = TESTS[what];
  const { data } = machine.read(result);
  const inputs = op.operands
    .map((v) => machine.read(v).data)
    .filter((s) => s instanceof Float32Array || s instanceof Float64Array);
  const unsound = (x: number): boolean => !Number.isFinite(x) && (what === 'nan' ? Number.isNaN(x) : true);
  if (!elementwise && inputs.some((s) => (s as Float32Array).some(unsound))) return null;
  let [first, count] = [-1, 0];
  for (let i = 0; i < data.length; i++) {
    if (!test(data[i]) || (elementwise && inputs.some((s: Store) => unsound(Number(s[i]))))) continue;
    if (first < 0) first = i;
    count++;
  }
  return count ? { what, op: op.name, loc: op.loc, name: result.name, lane: coordinates(result.type.shape, first), count } : null;
}
