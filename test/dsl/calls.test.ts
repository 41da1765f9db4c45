// Kernels and device functions as values: passed at a launch, called by kernels.

import { expect, it } from 'vitest';
import { kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

interface Apply {
  x: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  n: tl.i32;
  F: tl.constexpr<(v: number) => number>;
  BLOCK?: tl.constexpr;
}
const double = tl.fn(function double(v: number) {
  return v * 2;
});
const square = tl.fn(function square(v: number) {
  return v * v;
});
const apply = kernel(function apply({ x, out, n, F, BLOCK = 16 }: Apply) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const mask = offs < n;
  tl.store(out + offs, F(tl.load(x + offs, { mask })), { mask });
});
/** Calls a kernel twice, once with a pointer that has moved, and one that returns early. */
const guarded = kernel(function guarded({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  if (n < 3) return;
  tl.store(x, -1.0);
});
const outer = kernel(function outer({ x, out, n }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32>; n: tl.i32 }) {
  apply({ x, out, n, F: double });
  apply({ x: x + 16, out: out + 16, n: n - 1, F: square, BLOCK: 8 });
  guarded({ x, n });
});
/** `F` is a function whose type says nothing of constexprs: it is one, as in Triton. */
const untyped = kernel(function untyped({ x, F }: { x: tl.ptr<tl.f32>; F: (v: number) => number }) {
  tl.store(x + tl.arange(0, 4), F(tl.load(x + tl.arange(0, 4))));
});

type Itself = { x: tl.ptr<tl.f32>; F: tl.constexpr<(args: any) => void> };
const again = kernel(function again({ x, F }: Itself) {
  F({ x, F });
});
/** Ends by a number that the calls pass on; calls itself by its own name and by its variable's. */
const power = tl.fn(function self(x: number, n: number): number {
  if (n === 0) return tl.zeros_like(x) + 1;
  return x * (n % 2 ? self(x, n - 1) : power(x, n - 1));
});
const powers = kernel(function powers({ x }: { x: tl.ptr<tl.f32> }) {
  const offs = tl.arange(0, 4);
  tl.store(x + offs, power(tl.load(x + offs), 3));
});
const wrongName = kernel(function wrongName({ x }: { x: tl.ptr<tl.f32> }) {
  guarded({ x, m: 3 } as never);
});
const missing = kernel(function missing({ x }: { x: tl.ptr<tl.f32> }) {
  guarded({ x } as never);
});
const notConstant = kernel(function notConstant({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {
  apply({ x, out: x, n, F: double, BLOCK: n });
});

onEachDevice('calls', (dev) => {
  const data = Float32Array.from({ length: 32 }, (_, i) => i + 1);
  it('of functions that a launch passes, each of which is a specialisation', async () => {
    const d = dev();
    const [x, out] = [d.tensor(data), d.zeros([32], 'f32')];
    const { traces } = d.stats;
    const want = [double, square, double].map((_, i) => [...data].map((v, j) => (j < 20 ? (i === 1 ? v * v : 2 * v) : 0)));
    for (const [i, F] of [double, square, double].entries()) {
      apply.launch(d, [2], { x, out, n: 20, F });
      expect(await out.toNumbers()).toEqual(want[i]);
    }
    expect(d.stats.traces - traces).toBe(2);
    untyped.launch(d, [1], { x, F: square });
    expect((await x.toNumbers()).slice(0, 5)).toEqual([1, 4, 9, 16, 5]);
    for (const t of [x, out]) t.free();
  });
  it('of kernels by kernels are expanded', async () => {
    const d = dev();
    const [x, out] = [d.tensor(data), d.zeros([32], 'f32')];
    outer.launch(d, [1], { x, out, n: 6 });
    expect(await out.toNumbers()).toEqual([
      2,
      4,
      6,
      8,
      10,
      12,
      ...Array(10).fill(0),
      17 ** 2,
      18 ** 2,
      19 ** 2,
      20 ** 2,
      21 ** 2,
      ...Array(11).fill(0),
    ]);
    expect((await x.toNumbers())[0]).toBe(-1);
    outer.launch(d, [1], { x, out, n: 2 });
    guarded.launch(d, [1], { x: x.slice(0, 4), n: 9 });
    expect((await x.toNumbers()).slice(0, 6)).toEqual([-1, 2, 3, 4, -1, 6]);
    for (const t of [x, out]) t.free();
  });
  it('of a function by itself are expanded as long as they go on', async () => {
    const x = dev().tensor(data);
    powers.launch(dev(), [1], { x });
    expect((await x.toNumbers()).slice(0, 5)).toEqual([1, 8, 27, 64, 5]);
    x.free();
  });
  it('of kernels are refused with their parameters', () => {
    const d = dev();
    const x = d.zeros([16], 'f32');
    const { launches } = d.stats;
    expect(() => again.launch(d, [1], { x, F: again })).toThrow(
      /TL1059: again calls itself, and has not come to an end 100 calls deep/,
    );
    expect(() => wrongName.launch(d, [1], { x })).toThrow(
      /TL1092: the call of the kernel guarded names 'm', which is no parameter/,
    );
    expect(() => missing.launch(d, [1], { x })).toThrow(/TL1092: the call of the kernel guarded gives no 'n'/);
    expect(() => notConstant.launch(d, [1], { x, n: 3 })).toThrow(/TL1092: .* gives 'BLOCK', a constexpr, a value of the device/);
    expect(() => guarded({ x: 1, n: 2 })).toThrow(/TL1089: the kernel guarded was called by code that is not compiled/);
    expect(d.stats.launches).toBe(launches);
    x.free();
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});
