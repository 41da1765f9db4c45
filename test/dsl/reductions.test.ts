// Built-in reductions and scans on every device against plain JavaScript: dtypes of results, ties, NaN, options; functions that are
// mapped over elements or passed to a kernel.

import { describe, expect, expectTypeOf, it } from 'vitest';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import { verify } from '../../src/dsl/ir/verify.ts';
import { traceKernel } from '../../src/dsl/trace/trace.ts';
import { DTYPES, kernel, type Tensor, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const numbers = async (t: Tensor): Promise<number[]> => Array.from((await t.download()) as ArrayLike<number | bigint>, Number);

interface Best {
  x: tl.ptr<tl.f32>;
  v: tl.ptr<tl.f32>;
  i: tl.ptr<tl.i32>;
  ROWS: tl.constexpr;
  COLS: tl.constexpr;
  LEAST: tl.constexpr<boolean>;
}
const best = kernel(function best({ x, v, i, ROWS, COLS, LEAST }: Best) {
  const rows = tl.arange(0, ROWS);
  const t = tl.load(x + tl.col(rows) * COLS + tl.row(tl.arange(0, COLS)));
  const [value, index] = LEAST ? tl.min(t, 1, { return_indices: true }) : tl.max(t, 1, { return_indices: true });
  tl.store(v + rows, value);
  tl.store(i + rows, index);
  // The index alone, and along the other axis with the dimension kept.
  const same = LEAST ? tl.argmin(t, 1) : tl.argmax(t, 1);
  tl.device_assert(same === index, 'argmax and max differ');
  const down = LEAST ? tl.argmin(t, 0, { keep_dims: true }) : tl.argmax(t, 0, { keep_dims: true });
  tl.store(i + ROWS + tl.row(tl.arange(0, COLS)), down);
});
/** NaN is worse than any number; of equal elements the first. */
const bestOf = (xs: readonly number[], least: boolean): number =>
  xs.reduce((b, x, i) => ((least ? x < xs[b] : x > xs[b]) || (Number.isNaN(xs[b]) && !Number.isNaN(x)) ? i : b), 0);

interface Ints {
  x: tl.ptr<tl.i8>;
  out: tl.ptr<tl.i64>;
  N: tl.constexpr;
}
const integers = kernel(function integers({ x, out, N }: Ints) {
  const at = tl.arange(0, N);
  const v = tl.load(x + at);
  tl.static_assert(tl.dtype_of(tl.sum(v)) === tl.i32);
  tl.static_assert(tl.dtype_of(tl.sum(v > 0)) === tl.u32);
  tl.static_assert(tl.dtype_of(tl.sum(v, 0, { dtype: tl.i64 })) === tl.i64);
  tl.static_assert(tl.dtype_of(tl.max(v)) === tl.i32);
  tl.static_assert(tl.dtype_of(tl.max(v, 0, { return_indices: true })[0]) === tl.i8);
  tl.static_assert(tl.dtype_of(tl.xor_sum(v)) === tl.i8);
  tl.static_assert(tl.dtype_of(tl.cumsum(v)) === tl.i32);
  tl.static_assert(tl.dtype_of(tl.cumprod(v)) === tl.i8);
  tl.static_assert(tl.dtype_of(tl.cumsum(tl.cast(v, tl.bf16))) === tl.f32);
  tl.store(out, tl.sum(v, 0, { dtype: tl.i64 }));
  tl.store(out + 1, tl.cast(tl.xor_sum(v), tl.i64));
  tl.store(out + 2, tl.cast(tl.reduce_or(v, 0), tl.i64));
  tl.store(out + 3, tl.cast(tl.min(v), tl.i64));
  tl.store(out + N + at, tl.cumsum(v, 0, { reverse: true, dtype: tl.i64 }));
  tl.store(out + 2 * N + at, tl.cast(tl.cumprod(v, 0), tl.i64));
});
interface Floats {
  x: tl.ptr<tl.f32>;
  y: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  N: tl.constexpr;
}
const nans = kernel(function nans({ x, y, out, N }: Floats) {
  const at = tl.arange(0, N);
  const [a, b] = [tl.load(x + at), tl.load(y + at)];
  const all = { propagate_nan: tl.PropagateNan.ALL };
  tl.store(out + at, tl.maximum(a, b, all));
  tl.store(out + N + at, tl.minimum(a, b, all));
  tl.store(out + 2 * N + at, tl.maximum(a, b, { propagate_nan: tl.PropagateNan.NONE }));
  tl.store(out + 3 * N + at, tl.clamp(a, -1, 1, all));
  // The option holds inside functions too.
  tl.store(
    out + 4 * N,
    tl.reduce(a, 0, (p, q) => tl.maximum(p, q, { propagate_nan: tl.PropagateNan.ALL })),
  );
});

const collatz = kernel(function collatz({ x, out, N }: { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; N: tl.constexpr }) {
  const at = tl.arange(0, N);
  // Every element runs its own loop; the second result is the largest number on the way.
  const [steps, top] = tl.map_elementwise(
    (n: number): [number, number] => {
      let [v, count, most] = [n, 0, n];
      while (v > 1) {
        if (v % 2 === 0) v = tl.floordiv(v, 2);
        else v = v * 3 + 1;
        most = tl.maximum(most, v);
        count += 1;
      }
      return [count, most];
    },
    tl.load(x + at),
  );
  tl.store(out + at, steps);
  tl.store(out + N + at, top);
});
const packed = kernel(function packed({ x, out, N }: { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; N: tl.constexpr }) {
  const at = tl.col(tl.arange(0, N)) * 8 + tl.row(tl.arange(0, 8));
  // Sorts pairs of neighbours.
  const [sorted] = tl.map_elementwise((a: number, b: number) => [tl.minimum(a, b), tl.maximum(a, b)], tl.load(x + at), {
    pack: 2,
  });
  tl.store(out + at, sorted);
});

const twice = tl.fn(function twice(x: number) {
  return x * 2;
});
const applyTwice = tl.fn(function applyTwice(f: (x: number) => number, x: number) {
  return f(f(x));
});
type Apply = {
  x: tl.ptr<tl.i32>;
  out: tl.ptr<tl.i32>;
  F: tl.constexpr<(x: number) => number>;
  G: tl.constexpr<(a: number, b: number) => number>;
};
const apply = kernel(function apply({ x, out, F, G }: Apply) {
  const v = tl.load(x + tl.arange(0, 16));
  const plus = (n: number) => applyTwice(F, n) + 1;
  tl.store(out + tl.arange(0, 16), plus(v));
  tl.store(out + 16, tl.reduce(v, 0, G));
});
const addUp = tl.fn(function addUp(a: number, b: number) {
  return a + b;
});

onEachDevice('built-in reductions and scans', (dev) => {
  it.each([
    ['ties', (i: number) => (i * 7) % 5],
    ['NaN here and there', (i: number) => (i % 3 === 1 ? Number.NaN : (i * 11) % 13)],
    ['a row of NaN', (i: number) => (i < 64 ? Number.NaN : -i)],
    ['infinities and zeros', (i: number) => [-Infinity, 0, -0, Infinity, Number.NaN][(i * 3) % 5]],
  ] as const)('finds the best element: %s', async (_name, f) => {
    const [ROWS, COLS] = [16, 64];
    const x = Float32Array.from({ length: ROWS * COLS }, (_, i) => f(i));
    for (const LEAST of [false, true])
      for (const num_warps of [1, 4]) {
        const [v, i] = [dev().empty([ROWS], 'f32'), dev().empty([ROWS + COLS], 'i32')];
        best.launch(dev(), [1], { x: dev().tensor(x), v, i, ROWS, COLS, LEAST }, { num_warps });
        const rows = Array.from({ length: ROWS }, (_, r) => [...x.subarray(r * COLS, (r + 1) * COLS)]);
        const columns = Array.from({ length: COLS }, (_, c) => rows.map((row) => row[c]));
        const want = rows.map((row) => bestOf(row, LEAST));
        expect(await numbers(i)).toEqual([...want, ...columns.map((c) => bestOf(c, LEAST))]);
        expect(await numbers(v)).toEqual(rows.map((row, r) => row[want[r]]));
      }
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  it('folds integers in the dtypes that Triton does', async () => {
    const N = 64;
    const x = Int8Array.from({ length: N }, (_, i) => ((i * 37) % 11) * 2 - 9);
    const out = dev().empty([3 * N], 'i64');
    integers.launch(dev(), [1], { x: dev().tensor(x), out, N });
    const got = await numbers(out);
    const sum = x.reduce((a, b) => a + b, 0);
    expect(got.slice(0, 4)).toEqual([sum, x.reduce((a, b) => a ^ b, 0), x.reduce((a, b) => a | b, 0), Math.min(...x)]);
    expect(got.slice(N, 2 * N)).toEqual(Array.from(x, (_, i) => x.subarray(i).reduce((a, b) => a + b, 0)));
    const product = new Int8Array(N);
    x.forEach((v, i) => void (product[i] = Math.imul(i ? product[i - 1] : 1, v)));
    expect(got.slice(2 * N)).toEqual([...product]);
  });
  it('lets NaN win where it should', async () => {
    const N = 16;
    const [a, b] = [0, 1].map((k) => Float32Array.from({ length: N }, (_, i) => ((i >> k) & 1 ? Number.NaN : i * 0.5 - 3)));
    const out = dev().empty([5 * N], 'f32');
    nans.launch(dev(), [1], { x: dev().tensor(a), y: dev().tensor(b), out, N });
    const got = await numbers(out);
    const some = (f: (...xs: number[]) => number) => Array.from(a, (x, i) => f(...[x, b[i]].filter((v) => !Number.isNaN(v))));
    expect(got.slice(0, N)).toEqual(Array.from(a, (x, i) => Math.max(x, b[i])));
    expect(got.slice(N, 2 * N)).toEqual(Array.from(a, (x, i) => Math.min(x, b[i])));
    expect(got.slice(2 * N, 3 * N)).toEqual(some((...xs) => (xs.length ? Math.max(...xs) : Number.NaN)));
    expect(got.slice(3 * N, 4 * N)).toEqual(Array.from(a, (x) => Math.min(Math.max(x, -1), 1)));
    expect(got[4 * N]).toBeNaN();
  });
  it('maps functions that loop over elements', async () => {
    const x = Int32Array.from({ length: 64 }, (_, i) => i + 1);
    const out = dev().empty([128], 'i32');
    collatz.launch(dev(), [1], { x: dev().tensor(x), out, N: 64 });
    const walk = (n: number): [number, number] => {
      let [count, most] = [0, n];
      for (let v = n; v > 1; count++) most = Math.max(most, (v = v % 2 ? v * 3 + 1 : v / 2));
      return [count, most];
    };
    expect(await numbers(out)).toEqual([0, 1].flatMap((k) => Array.from(x, (n) => walk(n)[k])));
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  it('maps packs of neighbours', async () => {
    const x = Int32Array.from({ length: 128 }, (_, i) => (i * 29) % 31);
    const out = dev().empty([128], 'i32');
    packed.launch(dev(), [1], { x: dev().tensor(x), out, N: 16 });
    const want = Array.from(x, (v, i) => (i % 2 ? Math.max(v, x[i - 1]) : Math.min(v, x[i + 1])));
    expect(await numbers(out)).toEqual(want);
  });
  it('takes functions as constexpr arguments, and compiles each anew', async () => {
    const x = Int32Array.from({ length: 16 }, (_, i) => i);
    const out = dev().empty([17], 'i32');
    apply.launch(dev(), [1], { x: dev().tensor(x), out, F: twice, G: addUp });
    expect(await numbers(out)).toEqual([...x].map((v) => v * 4 + 1).concat(120));
    apply.launch(dev(), [1], { x: dev().tensor(x), out, F: tl.abs, G: tl.maximum });
    expect(await numbers(out)).toEqual([...x].map((v) => v + 1).concat(15));
  });
});

describe('region ops as text', () => {
  const params = (k: { definition: { params: readonly { name: string; kind: string }[] } }) =>
    Object.fromEntries(
      k.definition.params.map((p, buffer) => [
        p.name,
        p.kind === 'ptr'
          ? { kind: 'ptr' as const, dtype: DTYPES.i32, buffer, divisibleBy: 16 }
          : { kind: 'const' as const, value: 64 },
      ]),
    );
  it.each([collatz, packed])('print and parse back', (k) => {
    const func = traceKernel(k.definition, params(k));
    const text = printFunc(func);
    const back = parseFunc(text);
    expect(printFunc(back)).toBe(text);
    expect(verify(back)).toEqual([]);
    expect(text).toContain('map_elementwise');
  });
  const scan = (region: string) => `func @k(%x: tile<8xi32>) {
    %r = associative_scan %x {axis=0, reverse=true} ${region}
  }`;
  it('accept a region by hand and refuse a wrong one', () => {
    expect(verify(parseFunc(scan('(%a: i32, %b: i32) {\n%s = add %a, %b\nyield %s\n}')))).toEqual([]);
    const wrong = (region: string) => verify(parseFunc(scan(region))).map((d) => d.text);
    expect(wrong('(%a: i32) {\nyield %a\n}')).toEqual([expect.stringContaining('has arguments (i32), not (i32, i32)')]);
    expect(wrong('(%a: i32, %b: i32) {\n%c = lt %a, %b\nyield %c\n}')).toEqual([expect.stringContaining('not yield of (i32)')]);
    expect(wrong('')).toEqual([expect.stringContaining('has 0 regions, not 1')]);
  });
  it('have the static types of what they return', () => {
    expectTypeOf<ReturnType<typeof tl.argmax>>().toEqualTypeOf<number>();
    const typed = () => {
      expectTypeOf(tl.max(1, 0, { return_indices: true })).toEqualTypeOf<[number, number]>();
      expectTypeOf(tl.max(1, 0)).toEqualTypeOf<number>();
      expectTypeOf(tl.reduce([1, true], 0, (a, f, b, g) => [a + b, f || g])).toEqualTypeOf<[number, boolean]>();
      expectTypeOf(tl.associative_scan(1, 0, (a, b) => a + b)).toEqualTypeOf<number>();
    };
    expect(typed).toBeTypeOf('function');
  });
});
