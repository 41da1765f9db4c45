// Summaries, slices and numbers as a person reads them.
import { describe, expect, it } from 'vitest';
import { DTYPES, scalar, tile } from '../../src/dsl/types.ts';
import { formatNum, formatSummary, formatValues, parseSlice, type Slice, summarize } from '../../src/runtime/inspect.ts';

const { f32, f16, i32, i64 } = DTYPES;

describe('numbers', () => {
  it('are as short as they read back', () => {
    expect(formatNum(f32, Math.fround(0.1))).toBe('0.1');
    expect(formatNum(f32, Math.fround(1 / 3))).toBe('0.33333334');
    expect(formatNum(f32, 16777216)).toBe('16777216');
    // 0.1 in f16 is 0.0999755859375; four digits tell it from its neighbours, so does one.
    expect(formatNum(f16, 0.0999755859375)).toBe('0.1');
    expect(formatNum(f16, 65504)).toBe('65504');
    expect([NaN, Infinity, -Infinity, -0].map((x) => formatNum(f32, x))).toEqual(['nan', 'inf', '-inf', '-0']);
    expect(formatNum(i64, -(2n ** 63n))).toBe('-9223372036854775808');
  });
  it('read back exactly', () => {
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    for (let i = 0; i < 2000; i++) {
      bits[0] = Math.imul(i, 2654435761);
      if (Number.isFinite(value[0])) expect(Math.fround(Number(formatNum(f32, value[0])))).toBe(value[0]);
    }
  });
});

describe('summaries', () => {
  it('leave NaN and infinities out of min, max and mean', () => {
    const s = summarize(tile(f32, [4]), new Float32Array([NaN, -Infinity, 1, 4]), []);
    expect(s).toMatchObject({ min: 1, max: 4, mean: 2.5, nan: 1, inf: 1 });
    expect(formatSummary('p', s, f32)).toBe('p: tile<4xf32>  min 1  max 4  mean 2.5  NaN 1  inf 1');
    const none = summarize(tile(f32, [2]), new Float32Array([NaN, NaN]), []);
    expect(formatSummary('p', none, f32)).toBe('p: tile<2xf32>  NaN 2');
  });
  it('show a scalar by its value', () => {
    expect(formatSummary('n', summarize(scalar(i32), new Int32Array([7]), []), i32)).toBe('n: i32 = 7');
    expect(formatSummary('x', summarize(scalar(f32), new Float32Array([-Infinity]), []), f32)).toBe('x: f32 = -inf');
  });
  it('count 64-bit integers exactly', () => {
    const s = summarize(tile(i64, [2]), new BigInt64Array([2n ** 62n, 2n ** 62n + 1n]), []);
    expect([s.min, s.max]).toEqual([2n ** 62n, 2n ** 62n + 1n]);
  });
});

describe('values', () => {
  const t = tile(i32, [4, 32]);
  const data = Int32Array.from({ length: 128 }, (_, i) => i);
  const show = (slice: string, whole = false) => {
    const s = parseSlice(slice, t.shape);
    return typeof s === 'string' ? s : formatValues(t, data, s as Slice, [], whole);
  };
  it('shorten long rows', () => {
    expect(show('[]')).toBe(`[[0, 1, 2, 3, …, 28, 29, 30, 31],
 [32, 33, 34, 35, …, 60, 61, 62, 63],
 [64, 65, 66, 67, …, 92, 93, 94, 95],
 [96, 97, 98, 99, …, 124, 125, 126, 127]]`);
  });
  it('take ranges, single and negative indices', () => {
    expect(show('[1, 3]')).toBe('35');
    expect(show('[:, 5]')).toBe('[5, 37, 69, 101]');
    expect(show('[1:3, -2:]')).toBe('[[62, 63],\n [94, 95]]');
    expect(show('[3]', true)).toBe(`[${Array.from({ length: 32 }, (_, i) => 96 + i).join(', ')}]`);
  });
  it('say what is wrong with a slice', () => {
    expect(show('[4]')).toBe('index 4 is outside 0..3 (dimension 0)');
    expect(show('[0, 0, 0]')).toBe('3 indices for 2 dimensions');
    expect(show('[a]')).toBe("'a' is not an index or a range");
  });
});
