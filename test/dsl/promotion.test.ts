// Promotion against a table recorded from Triton itself (test/golden/promotion.json).

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computationType, defaultDtype } from '../../src/dsl/semantics.ts';
import { FloatLit } from '../../src/dsl/trace/context.ts';
import { DTYPES, type DTypeName } from '../../src/dsl/types.ts';

type Row = [DTypeName, boolean, DTypeName, boolean, boolean, DTypeName | null];
const { rows } = JSON.parse(readFileSync(new URL('../golden/promotion.json', import.meta.url), 'utf8')) as { rows: Row[] };

describe('promotion as recorded from Triton', () => {
  it('covers every pair of dtypes', () => expect(rows.length).toBeGreaterThan(700));
  it.each([false, true])('gives the same dtype for every pair, division or remainder: %s', (divOrMod) => {
    const wrong = rows
      .filter((r) => r[4] === divOrMod)
      .filter(([a, an, b, bn, d, want]) => (computationType(DTYPES[a], an, DTYPES[b], bn, d)?.name ?? null) !== want)
      .map(
        ([a, an, b, bn, d, want]) =>
          `${a}${an ? ' number' : ''}, ${b}${bn ? ' number' : ''}: ${computationType(DTYPES[a], an, DTYPES[b], bn, d)}, Triton ${want}`,
      );
    expect(wrong).toEqual([]);
  });
});

it.each([
  [1, 'i32'],
  [2 ** 31, 'u32'],
  [-(2 ** 31) - 1, 'i64'],
  [2n ** 63n, 'u64'],
  [0.5, 'f32'],
  [new FloatLit(2), 'f32'],
  [1e-40, 'f64'],
  [1e300, 'f64'],
  [-1e30, 'f32'],
  [2n ** 64n, undefined],
  [true, 'bool'],
])('a number %s alone is %s', (x, want) => expect(defaultDtype(x)?.name).toBe(want));
