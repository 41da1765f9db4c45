// Ops that rearrange tiles, on every device against plain JavaScript: shapes from one element to 4096, layouts of all orders, one to
// eight warps, dtypes of every width.

import { expect, it } from 'vitest';
import { tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';
import { apply, DTYPES, fill, flat, get, numel, rowMajor, type Tile, tileOf } from './tiles.ts';

const { i32, i64, f32, f16, i8, bool, u8 } = DTYPES;
const SHAPES = [[1], [2], [512], [8, 4], [64, 1], [2, 4, 8]];
const DTYPE_LIST = [f32, i32, i64, f16, i8, u8, bool];
const reversed = (shape: readonly number[]): number[] => rowMajor(shape).reverse();
const size = (shape: readonly number[]) => [{ size: numel(shape) }];
const data = (t: Tile) => [...t.data];

onEachDevice('rearranging', (dev) => {
  it.each(SHAPES)('joins and splits %j', async (...shape) => {
    for (const order of [rowMajor(shape), reversed(shape)]) {
      const [a, b] = [fill(shape, i32, 3), fill(shape, i32, 9)];
      const pairs = a.data.flatMap((v, i) => [v, b.data[i]]);
      expect(await apply(dev(), i32, [a, b], size([...shape, 2]), (x, y) => tl.join(x, y), { order })).toEqual([pairs]);
      const back = await apply(dev(), i32, [a, b], [...size(shape), ...size(shape)], (x, y) => {
        const [p, q] = tl.split(tl.join(x, y));
        return [q, p];
      });
      expect(back).toEqual([data(b), data(a)]);
      const between = await apply(dev(), i32, [a, b], size([...shape, 2]), (x, y) => tl.interleave(x, y), { order });
      expect(between).toEqual([interleaved(a, b)]);
    }
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  const interleaved = (a: Tile, b: Tile) => {
    const out = [...a.shape.slice(0, -1), 2 * a.shape[a.shape.length - 1]];
    return tileOf(out, (at) =>
      get((at.at(-1) as number) % 2 ? b : a, [...at.slice(0, -1), Math.floor((at.at(-1) as number) / 2)]),
    ).data;
  };

  it.each([[2], [16, 2], [4, 8, 2], [256, 2], [2, 2, 2]])('splits what it loads (%j)', async (...shape) => {
    for (const num_warps of [1, 2, 8]) {
      for (const order of [rowMajor(shape), reversed(shape)]) {
        const x = fill(shape, i32);
        const half = size(shape.slice(0, -1));
        const got = await apply(dev(), i32, [x], [...half, ...half], (v) => tl.split(v), { order, num_warps });
        expect(got).toEqual([0, 1].map((k) => x.data.filter((_, i) => i % 2 === k)));
      }
    }
  });

  it.each(DTYPE_LIST.map((d) => [d.name, d] as const))('keeps every %s', async (_name, d) => {
    const [a, b] = [fill([4, 16], d, 5), fill([4, 16], d, 6)];
    const pairs = a.data.flatMap((v, i) => [v, b.data[i]]).map(Number);
    const joined = await apply(dev(), d, [a, b], size([4, 16, 2]), (x, y) => tl.join(x, y));
    expect(joined[0].map(Number)).toEqual(pairs);
    const flipped = await apply(dev(), d, [a], size([4, 16]), (x) => tl.flip(x, 1), { num_warps: 2 });
    expect(flipped[0].map(Number)).toEqual(tileOf([4, 16], ([i, j]) => get(a, [i, 15 - j])).data.map(Number));
    const index = tileOf([4, 16], ([i, j]) => (i * 7 + j * 5) % 4);
    const gathered = await apply(dev(), d, [a, index], size([4, 16]), (x, k) => tl.gather(x, k, 0), { second: i32 });
    expect(gathered[0].map(Number)).toEqual(
      tileOf([4, 16], ([i, j]) => get(a, [Number(get(index, [i, j])), j])).data.map(Number),
    );
    expect(dev().stats.wgslMessages).toEqual([]);
  });

  it.each(SHAPES)('flips %j along every axis', async (...shape) => {
    const x = fill(shape, f32);
    for (const num_warps of [1, 4]) {
      for (const order of [rowMajor(shape), reversed(shape)]) {
        for (let axis = -shape.length; axis < shape.length; axis++) {
          const a = (axis + shape.length) % shape.length;
          const want = tileOf(shape, (at) =>
            get(
              x,
              at.map((k, d) => (d === a ? shape[d] - 1 - k : k)),
            ),
          );
          expect(await apply(dev(), f32, [x], size(shape), (v) => tl.flip(v, axis), { order, num_warps })).toEqual([data(want)]);
        }
      }
    }
  });

  it.each([
    [[64], [64], 0],
    [[1], [4], 0],
    [[2048], [16], 0],
    [[16], [1024], 0],
    [[8, 16], [8, 32], 1],
    [[16, 8], [4, 8], 0],
    [[2, 8, 4], [2, 2, 4], 1],
    [[128, 64], [2, 64], 0],
  ])('gathers from %j by %j along %i', async (from, by, axis) => {
    const src = fill(from, f32);
    const index = tileOf(by, (at) => (flat(by, at) * 2654435 + 3) % from[axis]);
    const want = tileOf(by, (at) =>
      get(
        src,
        at.map((k, d) => (d === axis ? Number(get(index, at)) : k)),
      ),
    );
    for (const order of [rowMajor(from), reversed(from)]) {
      const got = await apply(dev(), f32, [src, index], size(by), (v, k) => tl.gather(v, k, axis), {
        order,
        second: i32,
        num_warps: 4,
      });
      expect(got).toEqual([data(want)]);
    }
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  it('gathers by indices of other integer dtypes', async () => {
    const src = fill([32], i64);
    for (const second of [i64, u8, DTYPES.i16]) {
      const index = {
        shape: [32],
        data: Array.from({ length: 32 }, (_, i) => (second === i64 ? BigInt((i * 5) % 32) : (i * 5) % 32)),
      };
      const got = await apply(dev(), i64, [src, index], size([32]), (v, k) => tl.gather(v, k, -1), { second });
      expect(got[0].map(Number)).toEqual(index.data.map((k) => Number(src.data[Number(k)])));
    }
  });

  it('permutes, views, ravels and concatenates', async () => {
    const x = fill([4, 2, 8], i32);
    const want = tileOf([8, 4, 2], ([i, j, k]) => get(x, [j, k, i])).data;
    for (const order of [rowMajor(x.shape), reversed(x.shape), [1, 0, 2]]) {
      expect(await apply(dev(), i32, [x], size([64]), (v) => tl.permute(v, [2, 0, 1]), { order })).toEqual([want]);
      expect(await apply(dev(), i32, [x], size([64]), (v) => tl.ravel(tl.permute(v, 2, 0, 1)), { order })).toEqual([want]);
      expect(await apply(dev(), i32, [x], size([64]), (v) => tl.view(v, 16, 4), { order })).toEqual([data(x)]);
      expect(await apply(dev(), i32, [x], size([64]), (v) => tl.reshape(v, [2, 32], { can_reorder: true }), { order })).toEqual([
        data(x),
      ]);
    }
    const [a, b] = [fill([32], f16, 1), fill([32], f16, 2)];
    const both = await apply(dev(), f16, [a, b], size([64]), (p, q) => tl.cat(p, q, { can_reorder: true }));
    expect(both).toEqual([[...a.data, ...b.data]]);
  });

  it('adds dimensions in any order, and takes them away', async () => {
    const x = fill([8], i32);
    expect(await apply(dev(), i32, [x], size([8]), (v) => tl.permute(tl.expand_dims(v, [2, 0]), [1, 0, 2]))).toEqual([data(x)]);
    expect(await apply(dev(), i32, [fill([1], i32)], size([]), (v) => tl.reshape(v, []))).toEqual([data(fill([1], i32))]);
  });

  it('joins scalars and splits pairs into scalars', async () => {
    const x = fill([2], i32);
    const [first, second] = x.data as number[];
    const swap = (v: number): number => {
      const [p, q] = tl.split(v);
      return tl.join(q, p);
    };
    expect(await apply(dev(), i32, [x], size([2]), swap)).toEqual([[second, first]]);
  });

  it('takes apart what it put together, through loops of steps', async () => {
    // A transposition of bits: [8, 8] by join and split alone.
    const x = fill([64, 2, 2], i32);
    const got = await apply(dev(), i32, [x], size([256]), (v) => {
      const [a, b] = tl.split(v);
      const [c, d] = [tl.flip(a, 0), tl.flip(b, 1)];
      return tl.join(tl.trans(c), tl.trans(d));
    });
    const want = tileOf([2, 64, 2], ([j, i, k]) => (k ? get(x, [i, 1 - j, 1]) : get(x, [63 - i, j, 0])));
    expect(got).toEqual([data(want)]);
  });
});
