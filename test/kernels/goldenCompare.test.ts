// The comparer of golden data, on made-up tensors: each rule passes what it should and fails what it should.

import { describe, expect, it } from 'vitest';
import { compareTensor, type Expected, printMismatch, type Rule, ruleFor } from '../../scripts/golden/compare.ts';
import { decodeSmall, encode, encodeSmall } from '../../scripts/golden/numbers.ts';

const bytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const f32 = (...values: number[]): Uint8Array => bytes(Float32Array.from(values));
const close = (maxAbs: number, rmsRel: number): Rule => ({ kind: 'close', maxAbs, rmsRel });
const tensor = (want: Uint8Array, rule: Rule, more: Partial<Expected> = {}): Expected => ({
  name: 'out',
  dtype: 'f32',
  shape: [want.length / 4],
  bytes: want,
  rule,
  ...more,
});

describe('close', () => {
  const want = f32(1, -2, 4, 0);
  it('passes equal tensors and tells the largest error', () => {
    const v = compareTensor(tensor(want, close(0, 0)), want);
    expect(v).toEqual({ mismatch: null, maxAbs: 0 });
  });
  it('allows 3 × max_abs + 2^-20 × max|want|, and no more', () => {
    const bound = 3 * 1e-6 + 2 ** -20 * 4;
    const off = (by: number) => compareTensor(tensor(want, close(1e-6, 1)), f32(1, -2, 4, by)).mismatch;
    expect(off(bound * 0.999)).toBeNull();
    expect(off(bound * 1.001)).toMatchObject({ tensor: 'out', index: [3], expected: '0', count: 1, total: 4 });
  });
  it('names the worst element, not the first', () => {
    const v = compareTensor(tensor(want, close(0, 0)), f32(1.5, -2, 9, 0));
    expect(v.mismatch).toMatchObject({ index: [2], got: '9', expected: '4', count: 2 });
    expect(v.maxAbs).toBe(5);
  });
  it('bounds the whole tensor too: every element within its bound, the sum of them not', () => {
    const ones = f32(...Array(64).fill(1));
    const shifted = f32(...Array(64).fill(1.0001));
    const v = compareTensor(tensor(ones, close(1e-4, 1e-6)), shifted);
    expect(v.mismatch?.tolerance).toMatch(/^‖got − expected‖/);
    expect(compareTensor(tensor(ones, close(1e-4, 1e-4)), shifted).mismatch).toBeNull();
  });
  it('wants NaN and infinities in the same places', () => {
    const special = f32(NaN, Infinity, -Infinity, 1);
    const against = (...got: number[]) => compareTensor(tensor(special, close(1, 1)), f32(...got)).mismatch?.index ?? null;
    expect(against(NaN, Infinity, -Infinity, 1)).toBeNull();
    expect(against(0, Infinity, -Infinity, 1)).toEqual([0]);
    expect(against(NaN, -Infinity, -Infinity, 1)).toEqual([1]);
    expect(against(NaN, Infinity, -3e38, 1)).toEqual([2]);
    expect(against(NaN, Infinity, -Infinity, NaN)).toEqual([3]);
  });
  it('wants elements that were never written untouched, however close the value', () => {
    const fill = encode('f32', 9);
    const was = tensor(f32(1, 9, 2, 9), close(1, 1), { fill });
    expect(compareTensor(was, f32(1.5, 9, 2, 9)).mismatch).toBeNull();
    expect(compareTensor(was, f32(1, 9, 2, 9.000001)).mismatch).toMatchObject({
      index: [3],
      tolerance: 'untouched, the same bits',
    });
  });
  it('uses the bounds of the output dtype', () => {
    const half = (...v: number[]) => bytes(Uint16Array.from(v.map((x) => encodeSmall('f16', x))));
    const want16: Expected = { name: 'o', dtype: 'f16', shape: [2], bytes: half(1, 0.5), rule: close(0, 1) };
    expect(compareTensor(want16, half(1, 0.5 + 2 ** -10)).mismatch).toBeNull();
    expect(compareTensor(want16, half(1, 0.5 + 2 ** -8)).mismatch).not.toBeNull();
    expect(compareTensor(tensor(f32(1, 0.5), close(0, 1)), f32(1, 0.5 + 2 ** -10)).mismatch).not.toBeNull();
  });
});

describe('exact', () => {
  it('tells +0 from -0 and one NaN from another, with the bits', () => {
    expect(compareTensor(tensor(f32(0), { kind: 'exact' }), f32(-0)).mismatch).toMatchObject({ got: '-0', expected: '0' });
    const nan = bytes(Uint32Array.of(0x7fc00001));
    const v = compareTensor(tensor(f32(NaN), { kind: 'exact' }), nan);
    expect(v.mismatch).toMatchObject({ got: 'NaN (0x7fc00001)', expected: 'NaN (0x7fc00000)' });
  });
  it('compares i64 beyond 2^53', () => {
    const i64 = (x: bigint): Uint8Array => bytes(BigInt64Array.of(x));
    const want: Expected = { name: 'n', dtype: 'i64', shape: [1], bytes: i64(2n ** 60n + 1n), rule: { kind: 'exact' } };
    expect(compareTensor(want, i64(2n ** 60n + 1n)).mismatch).toBeNull();
    expect(compareTensor(want, i64(2n ** 60n)).mismatch).toMatchObject({
      got: String(2n ** 60n),
      expected: String(2n ** 60n + 1n),
    });
  });
  it('fails on another size', () => {
    const v = compareTensor(tensor(f32(1, 2), { kind: 'exact' }), f32(1));
    expect(v.mismatch).toMatchObject({ got: '1 elements', expected: '2 elements' });
  });
});

describe('strided tensors', () => {
  // Shape [2, 2], strides [4, 2]: elements at 0 2 4 6, gaps at 1 3 5.
  const span = (gap: number, last: number) => f32(1, gap, 2, 20, 3, 30, last);
  const want = tensor(span(10, 4), close(1e-3, 1), { shape: [2, 2], strides: [4, 2] });
  it('reports the index in the tensor', () => {
    expect(compareTensor(want, span(10, 5)).mismatch).toMatchObject({ index: [1, 1], got: '5', expected: '4' });
  });
  it('wants the gaps to keep their bits', () => {
    const v = compareTensor(want, span(10.001, 4));
    expect(v.mismatch).toMatchObject({ index: [], tolerance: 'untouched, the same bits' });
  });
});

describe('codes', () => {
  const rule: Rule = { kind: 'codes', dtype: 'fp8e4m3' };
  const codes = (n: number, changed: { [i: number]: number } = {}) =>
    Uint8Array.from({ length: n }, (_, i) => changed[i] ?? 0x30);
  const against = (n: number, changed: { [i: number]: number }) =>
    compareTensor({ name: 'c', dtype: 'u8', shape: [n], bytes: codes(n), rule }, codes(n, changed)).mismatch;
  it('allows a neighbouring code in 1 % of the elements, or in one', () => {
    expect(against(10, { 3: 0x31 })).toBeNull();
    expect(against(200, { 3: 0x31, 4: 0x2f })).toBeNull();
    expect(against(200, { 3: 0x31, 4: 0x2f, 5: 0x31 })).toMatchObject({ count: 3 });
  });
  it('allows no code further away, and no NaN', () => {
    expect(against(200, { 3: 0x32 })).toMatchObject({ index: [3] });
    expect(against(200, { 3: 0x7f })).toMatchObject({ index: [3] });
  });
});

describe('ruleFor', () => {
  it('takes integers and copied data bit by bit, floats by their recorded distance', () => {
    const d = { max_abs: 1, rms_rel: 2 };
    expect(ruleFor('i32', d, false)).toEqual({ kind: 'exact' });
    expect(ruleFor('f16', d, true)).toEqual({ kind: 'exact' });
    expect(ruleFor('f32', d, false)).toEqual({ kind: 'close', maxAbs: 1, rmsRel: 2 });
    expect(ruleFor('fp8e5m2', d, false)).toEqual({ kind: 'codes', dtype: 'fp8e5m2' });
    expect(() => ruleFor('f32', undefined, false)).toThrow(/ref_tolerance/);
  });
});

describe('sub-word floats', () => {
  it('decodes known codes', () => {
    expect(decodeSmall('f16', 0x3c00)).toBe(1);
    expect(decodeSmall('f16', 0x0001)).toBe(2 ** -24);
    expect(decodeSmall('f16', 0xfc00)).toBe(-Infinity);
    expect(decodeSmall('bf16', 0x3f80)).toBe(1);
    expect(decodeSmall('fp8e4m3', 0x7e)).toBe(448);
    expect(decodeSmall('fp8e4m3', 0x7f)).toBeNaN();
    expect(decodeSmall('fp8e5m2', 0x7b)).toBe(57344);
  });
  it.each(['f16', 'bf16', 'fp8e4m3', 'fp8e5m2'] as const)('%s: every finite code survives, halfway goes to even', (dtype) => {
    const codes = dtype === 'f16' || dtype === 'bf16' ? 65536 : 256;
    for (let c = 0; c < codes; c++) {
      const x = decodeSmall(dtype, c);
      if (!Number.isNaN(x)) expect(encodeSmall(dtype, x)).toBe(c);
    }
    for (let c = 0; c < 100; c++) {
      const middle = (decodeSmall(dtype, c) + decodeSmall(dtype, c + 1)) / 2;
      expect(encodeSmall(dtype, middle)).toBe(c % 2 === 0 ? c : c + 1);
    }
  });
});

it('prints a mismatch on one line', () => {
  const v = compareTensor(tensor(f32(1, 2), close(0, 0), { shape: [1, 2] }), f32(1, 3));
  expect(v.mismatch && printMismatch(v.mismatch)).toMatch(
    /^out\[0, 1\]: got 3, expected 2 \(\|got − expected\| ≤ 1\.907e-6; 1 of 2 elements\)$/,
  );
});
