// What a launch is specialised on: the signature for the tracer and the key of the cache.

import { describe, expect, it } from 'vitest';
import type { ParamInfo } from '../../src/dsl/trace/definition.ts';
import { DTYPES } from '../../src/dsl/types.ts';
import { InterpBackend } from '../../src/runtime/interpDevice.ts';
import { openDevice } from '../../src/runtime/open.ts';
import { constKey, pointerDivisibility, scalarDtype, specialize } from '../../src/runtime/specialize.ts';

const param = (name: string, kind: ParamInfo['kind'], more: Partial<ParamInfo> = {}): ParamInfo => ({
  name,
  kind,
  optional: false,
  hasDefault: false,
  loc: [1, 1, 1, 2],
  ...more,
});
const dev = await openDevice(
  { prefer: 'interp' },
  {
    trace: () => {
      throw new Error('not used');
    },
    toWgsl: () => {
      throw new Error('not used');
    },
    interpreter: (sink) => new InterpBackend(sink),
  },
);

describe('specialize', () => {
  it('knows pointers by dtype, 16-byte alignment and shared buffers', () => {
    const [a, b] = [dev.zeros([64], 'f16'), dev.zeros([64], 'i64')];
    const params = ['p', 'q', 'r', 's'].map((n) => param(n, 'ptr'));
    const { signature } = specialize(params, { p: a, q: b, r: a.slice(0, 8), s: a.slice(0, 3) });
    expect(signature).toEqual({
      p: { kind: 'ptr', dtype: DTYPES.f16, buffer: 0, divisibleBy: 8 },
      q: { kind: 'ptr', dtype: DTYPES.i64, buffer: 1, divisibleBy: 2 },
      r: { kind: 'ptr', dtype: DTYPES.f16, buffer: 0, divisibleBy: 8 },
      s: { kind: 'ptr', dtype: DTYPES.f16, buffer: 0, divisibleBy: 1 },
    });
    expect(pointerDivisibility(dev.zeros([64], 'bool').slice(0, 16))).toBe(16);
    expect(pointerDivisibility(dev.zeros([64], 'f32').slice(0, 2))).toBe(1);
  });
  it('knows integers that equal 1 or are divisible by 16, and nothing of other scalars', () => {
    const params = [
      param('one', 'scalar', { dtype: 'i32' }),
      param('many', 'scalar', { dtype: 'i64' }),
      param('odd', 'scalar', { dtype: 'i32' }),
      param('f', 'scalar', { dtype: 'f32' }),
      param('flag', 'scalar', { dtype: 'bool' }),
      param('free', 'scalar'),
    ];
    expect(specialize(params, { one: 1, many: 0n, odd: 17, f: 1, flag: true, free: 2 ** 40 }).signature).toEqual({
      one: { kind: 'const', value: 1, dtype: DTYPES.i32 },
      many: { kind: 'scalar', dtype: DTYPES.i64, divisibleBy: 16 },
      odd: { kind: 'scalar', dtype: DTYPES.i32, divisibleBy: 1 },
      f: { kind: 'scalar', dtype: DTYPES.f32, divisibleBy: 1 },
      flag: { kind: 'scalar', dtype: DTYPES.bool, divisibleBy: 1 },
      free: { kind: 'scalar', dtype: DTYPES.i64, divisibleBy: 16 },
    });
  });
  it('leaves defaults to the kernel, and passes constexprs and null as they are', () => {
    const params = [
      param('a', 'constexpr', { hasDefault: true }),
      param('b', 'constexpr'),
      param('c', 'ptr', { optional: true }),
    ];
    const { signature } = specialize(params, { b: 1, c: null });
    expect(signature).toEqual({ b: { kind: 'const', value: 1 }, c: { kind: 'const', value: null } });
  });
  it('gives equal keys to equal signatures and other keys to others', () => {
    const params = [param('x', 'ptr'), param('n', 'scalar', { dtype: 'i32' }), param('B', 'constexpr')];
    const x = dev.zeros([64]);
    const key = (n: number, B: unknown, t = x) => specialize(params, { x: t, n, B }).key;
    expect(key(5, 64)).toBe(key(7, 64));
    expect(key(5, [1, { a: 'b' }])).toBe(key(5, [1, { a: 'b' }]));
    const keys = [
      key(5, 64),
      key(16, 64),
      key(1, 64),
      key(5, 32),
      key(5, '64'),
      key(5, 64n),
      key(5, true),
      key(5, 64, x.slice(0, 1)),
      key(5, 64, dev.zeros([1], 'i32')),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
  it('tells functions, signed zeros and dtypes apart', () => {
    const f = () => 1;
    expect(constKey(f)).toBe(constKey(f));
    expect(constKey(f)).not.toBe(constKey(() => 1));
    expect(constKey(0)).not.toBe(constKey(-0));
    expect(constKey(DTYPES.f16)).not.toBe(constKey(DTYPES.bf16));
  });
  it("types integers as Triton does where the kernel's parameter names no dtype", () => {
    expect([1, -(2 ** 31), 2 ** 31, 2n ** 63n, 0.5, true].map((x) => scalarDtype(x).name)).toEqual([
      'i32',
      'i32',
      'i64',
      'u64',
      'f32',
      'bool',
    ]);
  });
});
