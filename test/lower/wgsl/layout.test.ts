// Layout algebra against brute force over every register of every invocation.
import { describe, expect, it } from 'vitest';
import {
  blockedLayout,
  compact,
  demandBroadcast,
  demandTrans,
  dotLayout,
  dropDim,
  indexOf,
  innerReg,
  insertDim,
  type Layout,
  layoutKey,
  log2,
  regCount,
  registerMap,
  reshapeLayout,
  shapeOf,
  transLayout,
  zeroLow,
} from '../../../src/lower/passes/layout.ts';

const LANES = 5;
const at = (l: Layout, r: number, t: number): number[] => l.dims.map((_, d) => indexOf(l, d, r, t));
const layouts: Layout[] = [
  blockedLayout([16, 32], [1, 0], 2, LANES),
  blockedLayout([16, 32], [0, 1], 1, LANES),
  blockedLayout([4, 4], [1, 0], 0, LANES),
  blockedLayout([64, 1], [0, 1], 2, LANES),
  dotLayout(16, 32, LANES),
  dotLayout(32, 8, LANES, 1),
];

describe.each(layouts.map((l) => [layoutKey(l), l] as const))('%s', (_key, l) => {
  const shape = shapeOf(l);
  const every = (f: (r: number, t: number) => void) => {
    for (let r = 0; r < regCount(l); r++) for (let t = 0; t < 1 << LANES; t++) f(r, t);
  };
  it('holds every element, each in as many places as there are replicas', () => {
    const count = new Map<string, number>();
    every((r, t) => count.set(at(l, r, t).join(), (count.get(at(l, r, t).join()) ?? 0) + 1));
    expect(count.size).toBe(shape[0] * shape[1]);
    expect(new Set(count.values()).size).toBe(1);
  });
  it('relabels for trans, expand_dims, reshape and broadcast_to', () => {
    const moved = transLayout(l, [1, 0]);
    expect(layoutKey(demandTrans(moved, [1, 0]))).toBe(layoutKey(l));
    const flat = reshapeLayout(l, [shape[0] * shape[1]]);
    const row = demandBroadcast(l, [1, shape[1]]);
    const wide = insertDim(l, 1);
    every((r, t) => {
      const [i, j] = at(l, r, t);
      expect(at(moved, r, t)).toEqual([j, i]);
      expect(at(flat, r, t)).toEqual([i * shape[1] + j]);
      expect(at(row.layout, innerReg(row, r), t)).toEqual([0, j]);
      expect(at(wide, r, t)).toEqual([i, 0, j]);
    });
  });
  it('drops a dimension and keeps the other in the same invocations', () => {
    for (const axis of [0, 1]) {
      const c = dropDim(l, axis);
      every((r, t) => expect(at(c.layout, innerReg(c, r), t)).toEqual([at(l, r, t)[1 - axis]]));
    }
  });
  it('finds the first element of each run', () => {
    for (const dim of [0, 1])
      for (let n = 0; n <= log2(shape[dim]); n++) {
        const c = zeroLow(l, dim, n);
        every((r, t) => {
          const want = at(l, r, t);
          want[dim] &= ~((1 << n) - 1);
          expect(at(c.layout, innerReg(c, r), t)).toEqual(want);
        });
      }
  });
});

it('maps registers only where no element changes its invocation', () => {
  for (const a of layouts)
    for (const b of layouts) {
      if (shapeOf(a).join() !== shapeOf(b).join()) continue;
      const map = registerMap(a, b);
      if (!map) continue;
      for (let r = 0; r < regCount(b); r++) for (let t = 0; t < 1 << LANES; t++) expect(at(a, map(r), t)).toEqual(at(b, r, t));
    }
  const swapped = compact([[1, 0], [64]]).layout;
  expect(registerMap({ dims: [[0, 1], [64]] }, swapped)!(1)).toBe(2);
  expect(registerMap({ dims: [[64], [0]] }, { dims: [[0], [64]] })).toBeNull();
});
