// A kernel around a function of `tl`, with the shape, the order in memory and the number of warps left open; and tiles in plain
// JavaScript to compare with.

import { DTYPES, type DType } from '../../src/dsl/types.ts';
import { type Device, kernel, tl } from '../../src/index.ts';

type Num = number | bigint;
/** Elements of a tile in row-major order. */
export interface Tile {
  readonly shape: readonly number[];
  readonly data: readonly Num[];
}
type Apply = (...tiles: number[]) => number | readonly number[];

// `ORDER` lists dimensions from the slowest in memory to the fastest; offsets are those of a tensor that lies so.
const offsets = tl.fn(function offsets(SHAPE: number[], ORDER: number[]) {
  const n = SHAPE.reduce((a, b) => a * b, 1);
  const there = tl.reshape(
    tl.arange(0, n),
    ORDER.map((d) => SHAPE[d]),
  );
  return tl.permute(
    there,
    SHAPE.map((_, d) => ORDER.indexOf(d)),
  );
});
const around = kernel(function around({
  x,
  y,
  out,
  second,
  XS,
  YS,
  ORDER,
  APPLY,
}: {
  x: tl.ptr;
  y: tl.ptr | null;
  out: tl.ptr;
  second: tl.ptr | null;
  XS: tl.constexpr<number[]>;
  YS: tl.constexpr<number[]>;
  ORDER: tl.constexpr<number[]>;
  APPLY: tl.constexpr<Apply>;
}) {
  const a = tl.load(x + offsets(XS, ORDER));
  const all = y === null ? [a] : [a, tl.load(y + offsets(YS, ORDER))];
  const made = APPLY(...all);
  const results = Array.isArray(made) ? made : [made];
  results.forEach((r, i) => {
    const shape = tl.shape_of(r);
    const at = i && second !== null ? second : out;
    if (shape.length === 0) tl.store(at, r);
    else
      tl.store(
        at +
          tl.reshape(
            tl.arange(
              0,
              shape.reduce((p, q) => p * q, 1),
            ),
            shape,
          ),
        r,
      );
  });
});

export const numel = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
export const place = (shape: readonly number[], i: number): number[] => {
  const at: number[] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    at[d] = i % shape[d];
    i = Math.floor(i / shape[d]);
  }
  return at;
};
export const flat = (shape: readonly number[], at: readonly number[]): number => at.reduce((sum, k, d) => sum * shape[d] + k, 0);
/** A tile whose element at a place is `f` of the place. */
export const tileOf = (shape: readonly number[], f: (at: number[]) => Num): Tile => ({
  shape,
  data: Array.from({ length: numel(shape) }, (_, i) => f(place(shape, i))),
});
export const get = (t: Tile, at: readonly number[]): Num => t.data[flat(t.shape, at)];
export const rowMajor = (shape: readonly number[]): number[] => shape.map((_, d) => d);

/** Numbers that fit a dtype, with repeats; the same for the same seed. */
export function fill(shape: readonly number[], d: DType, seed = 1): Tile {
  let s = seed >>> 0;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s >>> 8;
  };
  const one = (): Num => {
    const n = next();
    if (d.is_bool()) return n & 1;
    if (d.is_floating()) return (n % 256) / 2 - 64;
    const low = d.is_int_signed() ? (n % 251) - 125 : n % 251;
    if (d.bits === 64) return BigInt(low) * 0x1_0000_0001n + (d.is_int_signed() ? 0n : 7n);
    return d.bits === 32 ? low * 1_000_003 : low;
  };
  return { shape, data: Array.from({ length: numel(shape) }, one) };
}

export interface RunOptions {
  readonly order?: readonly number[];
  readonly num_warps?: number;
}
/** What APPLY makes of one or two tiles, as dtypes and elements of its results. */
export async function apply(
  dev: Device,
  d: DType,
  tiles: readonly Tile[],
  results: readonly { readonly size: number; readonly dtype?: DType }[],
  APPLY: Apply,
  options: RunOptions & { readonly second?: DType } = {},
): Promise<Num[][]> {
  const order = options.order ?? rowMajor(tiles[0].shape);
  const inMemory = (t: Tile): Num[] => {
    const stored = order.map((k) => t.shape[k]);
    return Array.from({ length: t.data.length }, (_, i) => {
      const there = place(stored, i);
      return get(
        t,
        t.shape.map((_s, k) => there[order.indexOf(k)]),
      );
    });
  };
  const [x, y] = tiles.map((t, i) => dev.tensor(inMemory(t) as number[], { dtype: i && options.second ? options.second : d }));
  const outs = results.map((r) => dev.empty([r.size], r.dtype ?? d));
  const args = { x, y: y ?? null, out: outs[0], second: outs[1] ?? null };
  const constants = { XS: tiles[0].shape, YS: tiles[1]?.shape ?? [], ORDER: order, APPLY };
  around.launch(dev, [1], { ...args, ...constants } as never, options.num_warps ? { num_warps: options.num_warps } : {});
  const got: Num[][] = [];
  for (const o of outs) got.push([...((await o.toNumbers()) as Num[])]);
  for (const t of [x, y, ...outs]) t?.free();
  return got;
}
export { DTYPES };
