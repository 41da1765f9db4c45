// Functions of elements: what reductions and scans combine with (associative, some of them not commutative, some of two values at
// once), and what maps do with each element by itself.

import type { Value } from '../../src/dsl/ir/ir.ts';
import type { Cell, Scene } from './trace.ts';
import { dtype, isFloat, shapeOf, skip } from './trace.ts';

type Combine = (s: Scene) => (...v: Value[]) => unknown;
export interface Fold {
  readonly integers: boolean;
  readonly combine: Combine;
  /** The index along the axis is the second value. */
  readonly indexed?: boolean;
}
export const COMBINE: readonly Fold[] = [
  { integers: false, combine: (s) => (a, b) => s.bin('+', a, b) },
  { integers: false, combine: (s) => (a, b) => s.call('maximum', a, b) },
  { integers: false, combine: () => (_a, b) => b },
  { integers: false, combine: () => (a) => a },
  { integers: true, combine: (s) => (a, b) => s.bin('^', a, b) },
  // The larger value with its index, the first of equals.
  {
    integers: true,
    indexed: true,
    combine: (s) => (a, i, b, j) => {
      const first = s.bin('|', s.bin('>', a, b), s.bin('&', s.bin('===', a, b), s.bin('<', i, j)));
      return [s.call('where', first, a, b), s.call('where', first, i, j)];
    },
  },
  // Affine maps x → a·x + b modulo 2^32, one after the other: associative, not commutative.
  {
    integers: true,
    indexed: true,
    combine: (s) => (a, b, c, d) => [s.bin('*', c, a), s.bin('+', s.bin('*', c, b), d)],
  },
];

/** Emits the fold; floats that are added are exact no more. */
export function fold(s: Scene, c: Cell, how: number, scan: boolean, axis: number, reverse: boolean): void {
  const f = COMBINE[how % COMBINE.length];
  if (f.integers && isFloat(c)) skip('a fold of integers');
  if (dtype(c).is_bool()) skip('a fold of bool');
  const shape = shapeOf(c);
  const d = axis % shape.length;
  const inputs: Value[] = [f.indexed ? s.cast(c.v, 'i32') : c.v];
  if (f.indexed) {
    const others = shape.map((_, i) => i).filter((i) => i !== d);
    const range = s.call('arange', 0, shape[d]);
    inputs.push(s.call('broadcast_to', others.length ? s.call('expand_dims', range, others) : range, ...shape));
  }
  const options = scan ? { reverse } : { keep_dims: reverse };
  const given = inputs.length > 1 ? inputs : inputs[0];
  s.push(
    s.call(scan ? 'associative_scan' : 'reduce', given, d, f.combine(s), options),
    c.exact && (how % COMBINE.length > 0 || !isFloat(c)),
  );
}

type Mapped = (s: Scene) => (x: Value, y: Value) => unknown;
/** For integers of one dtype: a branch for each element, and a loop of its own length. */
export const MAPS: readonly Mapped[] = [
  (s) => (x, y) => {
    const cell = { r: x };
    const vars = { names: ['r'], get: () => [cell.r], set: ([r]: readonly unknown[]) => void (cell.r = r as Value) };
    const less = (): void => void (cell.r = s.bin('-', y, x));
    const more = (): void => void (cell.r = s.bin('-', x, y));
    s.$.if(s.line, s.bin('<', x, y), less, more, vars);
    return cell.r;
  },
  (s) => (x, y) => {
    const cell = { r: x, k: s.bin('&', y, 3) };
    const vars = {
      names: ['r', 'k'],
      get: () => [cell.r, cell.k],
      set: ([r, k]: readonly unknown[]) => {
        cell.r = r as Value;
        cell.k = k as Value;
      },
    };
    const body = (): void => {
      cell.r = s.bin('+', cell.r, y);
      cell.k = s.bin('-', cell.k, 1);
    };
    s.$.while(s.line, () => s.bin('>', cell.k, 0), body, vars);
    return cell.r;
  },
];
