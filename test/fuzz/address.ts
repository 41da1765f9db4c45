// Where tiles lie in memory. Every program owns its part of every output, so that kernels are free of races, and every index
// lies inside its buffer: by arithmetic, or by a mask.

import type { Value } from '../../src/dsl/ir/ir.ts';
import { DTYPES, type DTypeName, numel } from '../../src/dsl/types.ts';
import { LENGTH, type Order, type Program, SLOTS, type Step } from './program.ts';
import { type Cell, fits, isInt, isScalar, type Scene, type Site, shapeOf } from './trace.ts';

/** Index of each element along one dimension, shaped to broadcast in `shape`. */
function along(s: Scene, shape: readonly number[], d: number): Value {
  const axes = shape.map((_, i) => i).filter((i) => i !== d);
  const range = s.call('arange', 0, shape[d]);
  return axes.length ? s.call('expand_dims', range, axes) : range;
}
/** Σ index · stride; the number 0 for a scalar. */
function linear(s: Scene, shape: readonly number[], strides: readonly unknown[]): unknown {
  return shape.reduce<unknown>((sum, _, d) => {
    const term = s.bin('*', along(s, shape, d), strides[d]);
    return sum === 0 ? term : s.bin('+', sum, term);
  }, 0);
}

export const programsOf = (p: Program): number => numel(p.grid);
/** Number of this program, the first axis fastest; 0 if it is the only one. */
function program(s: Scene): unknown {
  const { grid } = s.program;
  if (numel(grid) === 1) return 0;
  let at: unknown = s.call('program_id', 0);
  let size = grid[0];
  for (let a = 1; a < grid.length; a++) {
    at = s.bin('+', at, s.bin('*', s.call('program_id', a), size));
    size *= grid[a];
  }
  return at;
}
/** `a + b · c` on numbers and values. */
const plus = (s: Scene, a: unknown, b: unknown, c: number): unknown => {
  if (typeof b === 'number') return typeof a === 'number' ? a + b * c : b * c === 0 ? a : s.bin('+', a, b * c);
  const product = c === 1 ? b : s.bin('*', b, c);
  return a === 0 ? product : s.bin('+', a, product);
};

/** Elements that a site takes in its output. */
export const span = (p: Program, site: Pick<Site, 'size' | 'place' | 'slots'>): number =>
  site.size * site.slots * programsOf(p) * (site.place === 'strided' ? 2 : 1);

/** Pointers to this program's elements of a site, as a tile of `shape`. */
export function sitePointers(s: Scene, site: Site, shape: readonly number[], order: Order, alias: boolean, slot: number): Value {
  const n = site.size;
  const strides = shape.map((_, d) => numel(order.columns ? shape.slice(0, d) : shape.slice(d + 1)));
  let at = linear(s, shape, strides);
  const xor = order.xor & (n - 1);
  if (xor) at = s.bin('^', at, xor);
  if (order.reversed && n > 1) at = s.bin('-', n - 1, at);
  if (site.slots > 1) at = plus(s, at, slotIndex(s, slot), n);
  const whole = n * site.slots;
  const p = programsOf(s.program);
  const pid = program(s);
  const base = alias ? site.base - s.program.view : site.base;
  const offset =
    site.place === 'interleaved'
      ? plus(s, plus(s, base, at, p), pid, 1)
      : plus(s, plus(s, base, at, site.place === 'strided' ? 2 : 1), pid, site.place === 'strided' ? 2 * whole : whole);
  return s.bin('+', s.pointer(alias ? 'back' : 'out', site.dtype), offset);
}

/** A scalar from 0 to SLOTS - 1: a loop's counter as it is, another number cut. */
function slotIndex(s: Scene, k: number): Value {
  const c = s.pick(k, (x) => isScalar(x) && isInt(x));
  return c.small ? c.v : s.cast(s.bin('&', c.v, SLOTS - 1), 'i32');
}

type Load = Extract<Step, { do: 'load' }>;
export interface Access {
  readonly pointers: Value;
  readonly mask: Value | null;
}
/** Pointers into an input, with the mask that they need. */
export function inputPointers(s: Scene, step: Load): Access {
  const { shape } = step;
  const base = s.pointer(step.alias ? 'alt' : 'in', step.dtype as DTypeName);
  if (step.gather !== null) {
    const c = s.pick(step.gather, (x) => isInt(x) && numel(shapeOf(x)) <= 512);
    const small = c.v.type.elem.toString().endsWith('8');
    const at = s.bin('&', c.v, small ? 127 : LENGTH - 1);
    return { pointers: s.bin('+', base, at), mask: step.guard ? s.bin('<', at, s.args.n) : null };
  }
  const last = shape.length - 1;
  const strides = shape.map((_, d) => (d === last && step.dynamic ? s.args.stride : step.strides[d % step.strides.length]));
  const known = strides.map((x) => (typeof x === 'number' ? x : s.program.stride)) as number[];
  let at = linear(s, shape, strides);
  const extent = shape.reduce((sum, n, d) => sum + (n - 1) * known[d], 0);
  if (step.reversed && extent) at = s.bin('-', extent, at);
  at = plus(s, plus(s, at, program(s), step.apart), step.offset, 1);
  const largest = extent + (programsOf(s.program) - 1) * step.apart + step.offset;
  if (step.guard) return { pointers: s.bin('+', base, at), mask: typeof at === 'number' ? null : s.bin('<', at, s.args.n) };
  if (largest >= LENGTH) at = s.bin('&', at, LENGTH - 1);
  return { pointers: s.bin('+', base, at), mask: null };
}
/** Any mask that broadcasts to a shape; null if there is none. */
export function anyMask(s: Scene, k: number | null, shape: readonly number[]): Value | null {
  const accepts = (c: Cell): boolean => c.v.type.elem === DTYPES.bool && fits(shapeOf(c), shape);
  return k === null || !s.cells.some(accepts) ? null : s.pick(k, accepts).v;
}
