// Sorting and counting on every device: against JavaScript's sort, and where values do not compare, against what Triton 3.6 gives.

import { expect, it } from 'vitest';
import { tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';
import { apply, DTYPES, fill, numel, rowMajor, type Tile } from './tiles.ts';

const { i32, i64, u32, u64, f32, f16, bf16, i8, u8, i16, bool } = DTYPES;
type Num = number | bigint;
const ascending = (a: Num, b: Num): number => (a < b ? -1 : a > b ? 1 : 0);
/** The rows of a tile, each turned into another. */
const rows = (t: Tile, f: (row: Num[]) => Num[]): Num[] => {
  const n = t.shape[t.shape.length - 1];
  return Array.from({ length: numel(t.shape) / n }, (_, r) => f(t.data.slice(r * n, (r + 1) * n))).flat();
};
const sorted = (row: Num[]) => [...row].sort(ascending);

onEachDevice('order', (dev) => {
  it.each([[1], [2], [16], [64], [1024], [4096], [4, 16], [256, 4], [2, 64, 2], [4, 2, 32], [8, 1]])(
    'sorts %j',
    async (...shape) => {
      const x = fill(shape, i32);
      for (const order of [rowMajor(shape), rowMajor(shape).reverse()]) {
        const out = [{ size: numel(shape) }];
        expect(await apply(dev(), i32, [x], out, (v) => tl.sort(v), { order })).toEqual([rows(x, sorted)]);
        const down = await apply(dev(), i32, [x], out, (v) => tl.sort(v, shape.length - 1, { descending: true }), { order });
        expect(down).toEqual([rows(x, (r) => sorted(r).reverse())]);
      }
      expect(dev().stats.wgslMessages).toEqual([]);
    },
  );
  it.each([1, 2, 4, 8])('sorts floats with %i warps', async (num_warps) => {
    for (const shape of [[512], [16, 64]]) {
      const x = fill(shape, f32, num_warps);
      expect(await apply(dev(), f32, [x], [{ size: numel(shape) }], (v) => tl.sort(v), { num_warps })).toEqual([rows(x, sorted)]);
    }
  });
  it.each([f32, f16, bf16, i64, u64, u32, i8, u8, i16, bool].map((d) => [d.name, d] as const))('sorts %s', async (_name, d) => {
    const x = fill([8, 32], d);
    const got = await apply(dev(), d, [x], [{ size: 256 }], (v) => tl.sort(v));
    expect(got[0].map(Number)).toEqual(rows(x, sorted).map(Number));
    // What is taken from the top is 32 bits wide at least.
    const wide = d.bits >= 32 ? d : d.is_floating() ? f32 : i32;
    const top = await apply(dev(), d, [x], [{ size: 32, dtype: wide }], (v) => {
      const t = tl.topk(v, 4);
      tl.static_assert(tl.dtype_of(t) === wide);
      return t;
    });
    expect(top[0].map(Number)).toEqual(rows(x, (r) => sorted(r).reverse().slice(0, 4)).map(Number));
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  it.each([
    [[32], 8],
    [[32], 1],
    [[32], 32],
    [[2048], 4],
    [[64, 16], 2],
    [[2, 4, 64], 16],
  ])('takes the top of %j (%i)', async (shape, k) => {
    for (const order of [rowMajor(shape), rowMajor(shape).reverse()]) {
      const x = fill(shape, f32);
      const out = [{ size: (numel(shape) / (shape.at(-1) as number)) * k }];
      const got = await apply(dev(), f32, [x], out, (v) => tl.topk(v, k), { order });
      expect(got).toEqual([rows(x, (r) => sorted(r).reverse().slice(0, k))]);
    }
  });
  it('merges bitonic rows', async () => {
    const x: Tile = { shape: [2, 16], data: [...Array(32).keys()].map((i) => (i % 16 < 8 ? (i % 16) * 3 : (16 - (i % 16)) * 5)) };
    const up = await apply(dev(), i32, [x], [{ size: 32 }], (v) => tl.bitonic_merge(v));
    expect(up).toEqual([rows(x, sorted)]);
    const down = await apply(dev(), i32, [x], [{ size: 32 }], (v) => tl.bitonic_merge(v, { descending: true }));
    expect(down).toEqual([rows(x, (r) => sorted(r).reverse())]);
  });

  it('loses and doubles what does not compare, as Triton does', async () => {
    // biome-ignore format: a row of the tile
    const data = [3, NaN, -1, 0, -0, Infinity, 2, -Infinity, NaN, 5, -7, 0, 1, -0, 4, NaN];
    const x: Tile = { shape: [16], data };
    const run = (f: (v: number) => number, size = 16) => apply(dev(), f32, [x], [{ size }], f);
    // Recorded from Triton 3.6, its interpreter.
    const half = [-Infinity, -1, -0, -0, 2, 3, 3, Infinity];
    expect(await run((v) => tl.sort(v))).toEqual([[...half, ...half]]);
    expect(await run((v) => tl.sort(v, { descending: true }))).toEqual([Array(16).fill(NaN)]);
    expect(await run((v) => tl.topk(v, 4), 4)).toEqual([[Infinity, 3, 3, 2]]);
    expect(await run((v) => tl.bitonic_merge(v))).toEqual([[-7, -7, -0, -0, 2, 2, 3, 3, -1, -1, 1, 1, 3, 3, 4, 4]]);
  });

  it.each([
    [256, 16],
    [512, 128],
    [16, 1],
    [64, 2],
    [1, 4],
    [1024, 8192],
  ])('counts %i elements in %i bins', async (n, bins) => {
    for (const d of bins > 1000 ? [i32] : [i32, u32, i64, u8, i8]) {
      const values = fill([n], i32).data.map(
        (v) => Math.abs(Number(v)) % Math.min(2 * bins, d === u8 ? 256 : d === i8 ? 128 : 1e6),
      );
      const signed = values.map((v, i) => (i % 7 === 3 && d.is_int_signed() ? -v - 1 : v));
      const x: Tile = { shape: [n], data: d === i64 ? signed.map(BigInt) : signed };
      const want = Array(bins).fill(0);
      const wantOdd = Array(bins).fill(0);
      signed.forEach((v, i) => {
        if (v < 0 || v >= bins) return;
        want[v]++;
        if (i % 2) wantOdd[v]++;
      });
      const out = [{ size: bins, dtype: i32 }];
      expect(await apply(dev(), d, [x], out, (v) => tl.histogram(v, bins), { num_warps: bins > 1000 ? 8 : 2 })).toEqual([want]);
      const mask: Tile = { shape: [n], data: signed.map((_, i) => i % 2) };
      const masked = await apply(
        dev(),
        d,
        [x, mask],
        out,
        (v, m) => tl.histogram(v, bins, { mask: tl.cast(m, tl.bool) as never }),
        {
          second: i32,
          num_warps: bins > 1000 ? 8 : 1,
        },
      );
      expect(masked).toEqual([wantOdd]);
    }
    expect(dev().stats.wgslMessages).toEqual([]);
  });
});
