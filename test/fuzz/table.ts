// What of the language the fuzzer can use, read from the op table and from `tl`: elementwise ops with their operators, where
// functions of floats jump, how to call functions that move elements. Functions that `tl` does not have are left out.

import { OPS } from '../../src/dsl/ops/index.ts';
import type { Row } from '../../src/dsl/ops/row.ts';
import { DTYPES, type DTypeName, numel, scalar } from '../../src/dsl/types.ts';
import { tl } from '../../src/index.ts';

export const ROWS = OPS as { readonly [name: string]: Row };
export const FUNCTIONS = tl as unknown as { readonly [name: string]: ((...args: any[]) => any) | undefined };

/** Rows that users write as operators. */
export const OPERATORS: { readonly [name: string]: string } = {
  add: '+', sub: '-', mul: '*', div: '/', mod: '%', and: '&', or: '|', xor: '^', shl: '<<', shr: '>>',
  lt: '<', le: '<=', gt: '>', ge: '>=', eq: '===', ne: '!==', neg: '-', not: '~',
}; // biome-ignore format: a table

/** Every pure elementwise op that has a spelling and needs no attribute. */
export const ELEMENTWISE = Object.entries(ROWS)
  .filter(([, r]) => r.eval && ['pure', 'elementwise'].every((t) => r.traits.includes(t as 'pure')))
  .filter(([name, r]) => (r.attrs ?? []).every((a) => a === 'propagate_nan') && (name in OPERATORS || r.api))
  .map(([name]) => name);
/** Shifts by the width or more mean nothing in particular: the amount is cut. */
export const SHIFTS = new Set(['shl', 'shr']);

/** dtypes that WGSL kernels can hold. */
export const ALL_DTYPES: readonly DTypeName[] = [
  'i32', 'f32', 'bool', 'i64', 'f16', 'u32', 'bf16', 'u8', 'i8', 'u64', 'i16', 'u16', 'fp8e4nv', 'fp8e5',
]; // biome-ignore format: a list

/**
 * Whether a row's result jumps somewhere between finite values, as floor does: then an operand that is off by an ulp may change
 * it by much, and only exact operands can be compared. Found by trying both sides of small multiples of 1/2.
 */
export function jumps(name: string): boolean {
  const row = ROWS[name];
  if (!row?.eval || row.args.includes('condition')) return false;
  const { f32 } = DTYPES;
  const result = row.type(
    row.args.map(() => scalar(f32)),
    {},
    () => null as never,
  )[0];
  if (result.elem !== f32) return true; // a comparison: any number may be the edge
  const at = (xs: readonly number[]): number => {
    try {
      return Number(row.eval!(xs, f32, f32, {}));
    } catch {
      return Number.NaN; // a row for integers only
    }
  };
  const d = 2 ** -20;
  const edges = Array.from({ length: 17 }, (_, k) => k / 2 - 4);
  return edges.some((x) =>
    [0.75, -1.5, 2].some((y) =>
      row.args.some((_, i) => {
        const around = [x - d, x, x + d].map((v) => at(row.args.map((_, k) => (k === i ? v : y))));
        return around.some((a) => around.some((b) => Math.abs(a - b) > 1e-3 && Math.abs(a - b) < 1e3));
      }),
    ),
  );
}

/** Unary functions with a stated precision are called on the hull of their samples, where the statement holds. */
export function domain(name: string): readonly [number, number] | null {
  const row = ROWS[name];
  if (row.args.length !== 1 || !row.ulp || !row.samples?.length) return null;
  const xs = row.samples.map((s) => s[0]);
  return [Math.min(...xs), Math.max(...xs)];
}

/** Arguments after the tile, made of a shape, a free number and a second tile's shape; null where the function does not apply. */
type Arguments = (shape: readonly number[], n: number) => readonly unknown[] | null;
const permutation = (rank: number, n: number): number[] => {
  const left = Array.from({ length: rank }, (_, i) => i);
  return Array.from({ length: rank }, (_, i) => left.splice(Math.floor(n / (i + 1)) % left.length, 1)[0]);
};
/** Power-of-two shapes of a number of elements, from rank 1 to 3. */
export function shapesOf(elements: number): readonly (readonly number[])[] {
  const out: number[][] = [[elements]];
  for (let a = 1; a <= elements; a *= 2) out.push([a, elements / a]);
  for (let a = 1; a <= elements; a *= 4) for (let b = 1; a * b <= elements; b *= 4) out.push([a, b, elements / a / b]);
  return out;
}
export const MOVES: { readonly [name: string]: { readonly second?: boolean; readonly args: Arguments } } = {
  expand_dims: { args: (s, n) => (s.length < 4 ? [n % (s.length + 1)] : null) },
  broadcast_to: {
    args: (s, n) => {
      if (!s.length) return [[[8], [4, 8], [2, 4, 4]][n % 3]];
      const to = s.map((d, i) => (d === 1 ? [2, 4, 8][(n + i) % 3] : d));
      return numel(to) <= 512 ? [to] : null;
    },
  },
  reshape: { args: (s, n) => (s.length ? [shapesOf(numel(s))[n % shapesOf(numel(s)).length]] : null) },
  trans: { args: (s, n) => (s.length < 2 ? null : n % 3 === 0 ? [] : permutation(s.length, n)) },
  permute: { args: (s, n) => (s.length < 2 ? null : [permutation(s.length, n)]) },
  ravel: { args: (s) => (s.length ? [] : null) },
  view: { args: (s, n) => (s.length ? [shapesOf(numel(s))[n % shapesOf(numel(s)).length]] : null) },
  flip: { args: (s, n) => (s.length ? [n % s.length] : null) },
  split: { args: (s) => (s.at(-1) === 2 ? [] : null) },
  join: { second: true, args: (s) => (numel(s) <= 256 ? [] : null) },
  interleave: { second: true, args: (s) => (s.length && numel(s) <= 256 ? [] : null) },
  topk: { args: (s, n) => (s.length && s.at(-1)! > 1 ? [Math.min(s.at(-1)!, 2 ** (n % 4))] : null) },
  gather: { second: true, args: (s, n) => (s.length ? [n % s.length] : null) },
};
/** Functions along one axis: reductions, scans, sorts; with what the flag turns on. */
export const ALONG: {
  readonly [name: string]: { readonly flag: (on: boolean) => object; readonly picks?: boolean; readonly last?: boolean };
} = {
  sum: { flag: (keep_dims) => ({ keep_dims }) },
  max: { flag: (keep_dims) => ({ keep_dims }) },
  min: { flag: (keep_dims) => ({ keep_dims }) },
  argmax: { flag: () => ({}), picks: true },
  argmin: { flag: () => ({}), picks: true },
  xor_sum: { flag: (keep_dims) => ({ keep_dims }) },
  reduce_or: { flag: (keep_dims) => ({ keep_dims }) },
  cumsum: { flag: (reverse) => ({ reverse }) },
  cumprod: { flag: (reverse) => ({ reverse }) },
  softmax: { flag: () => ({ keep_dims: true }) },
  sort: { flag: (descending) => ({ descending }), last: true },
};

export const moves = Object.keys(MOVES).filter((n) => FUNCTIONS[n]);
export const along = Object.keys(ALONG).filter((n) => FUNCTIONS[n]);

/** Atomic ops whose result in memory does not depend on their order, for integers. */
export const COMMUTING = ['atomic_add', 'atomic_max', 'atomic_min', 'atomic_and', 'atomic_or', 'atomic_xor'].filter(
  (n) => FUNCTIONS[n],
);
export const ATOMIC = [...COMMUTING, 'atomic_xchg'].filter((n) => FUNCTIONS[n]);
