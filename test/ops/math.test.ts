// Mathematics against double precision, on values from all over f32: random bit patterns, the neighbourhood of 0 and 1, limits,
// infinities and NaN. What is called correctly rounded must be, to the bit.

import { expect, it } from 'vitest';
import { OPS } from '../../src/dsl/ops/index.ts';
import type { Row } from '../../src/dsl/ops/row.ts';
import { trace } from '../../src/dsl/trace/context.ts';
import { type Device, kernel, type Tensor, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

type Apply = tl.constexpr<(...values: number[]) => number>;
const apply = kernel(function apply({
  a,
  b,
  c,
  out,
  APPLY,
  N,
}: {
  a: tl.ptr<tl.f32>;
  b: tl.ptr<tl.f32>;
  c: tl.ptr<tl.f32>;
  out: tl.ptr;
  APPLY: Apply;
  N: tl.constexpr;
}) {
  const offs = tl.program_id(0) * N + tl.arange(0, N);
  tl.store(out + offs, APPLY(tl.load(a + offs), tl.load(b + offs), tl.load(c + offs)));
});

const N = 4096;
/** Bits of a Lehmer sequence: every f32 is about as likely as any other. */
function bits(seed: number): Float32Array {
  const out = new Uint32Array(N);
  let s = seed;
  for (let i = 0; i < N; i++) {
    s = (s * 48271) % 2147483647;
    const low = s;
    s = (s * 48271) % 2147483647;
    out[i] = ((low << 16) ^ s) >>> 0;
  }
  return new Float32Array(out.buffer);
}
const spread = (seed: number, lo: number, hi: number): Float32Array =>
  Float32Array.from(bits(seed), (_, i) => lo + ((hi - lo) * ((i * 7919 + seed) % N)) / N);
const EDGES = [0, -0, 1, -1, 0.5, 2, 1e-45, -1e-45, 1.1754943508222875e-38, 3.4028234663852886e38, Infinity, -Infinity, NaN];
/** A third random bits, a third in an interval, then pairs of edges. */
function column(seed: number, lo: number, hi: number, step: number): Float32Array {
  const out = bits(seed);
  out.set(spread(seed, lo, hi).subarray(0, N / 2), N / 4);
  for (let i = 0; i < EDGES.length ** 2; i++) out[i] = EDGES[Math.floor(i / step) % EDGES.length];
  return out;
}
/** Distance in units of the last place of f32 at the expected value. */
function ulps(got: number, want: number): number {
  if (Number.isNaN(want)) return Number.isNaN(got) ? 0 : Infinity;
  const f = Math.fround(want);
  if (got === f) return 0;
  if (!Number.isFinite(got) || !Number.isFinite(f)) return Math.abs(want) > 3.4e38 && Math.abs(got) > 3.4e38 ? 0 : Infinity;
  const e = Math.max(Math.floor(Math.log2(Math.abs(f) || 2 ** -149)), -126);
  return Math.abs(got - want) / 2 ** (e - 23);
}

async function run(dev: Device, name: string, inputs: readonly Float32Array[], dtype: 'f32' | 'i32'): Promise<number[]> {
  const arity = (OPS as { [k: string]: Row })[name].args.length;
  const tensors = inputs.map((x) => dev.tensor(x));
  const out = dev.empty([N], dtype);
  const APPLY = (...vs: number[]) => trace(name).one(name, vs.slice(0, arity) as never) as unknown as number;
  apply.launch(dev, [N / 256], { a: tensors[0], b: tensors[1], c: tensors[2], out: out as Tensor, APPLY, N: 256 } as never);
  const got = (await out.toNumbers()) as number[];
  for (const t of [...tensors, out]) t.free();
  return got;
}

/** Functions of one number, and where most of the numbers come from. */
const UNARY: readonly (readonly [name: string, lo: number, hi: number])[] = [
  ['sin', -200, 200],
  ['cos', -200, 200],
  ['tan', -20, 20],
  ['asin', -1.1, 1.1],
  ['acos', -1.1, 1.1],
  ['atan', -5, 5],
  ['sinh', -5, 5],
  ['cosh', -5, 5],
  ['tanh', -3, 3],
  ['asinh', -5, 5],
  ['acosh', 0.9, 5],
  ['atanh', -1.05, 1.05],
  ['exp', -80, 80],
  ['exp2', -100, 100],
  ['exp10', -40, 40],
  ['expm1', -1, 1],
  ['log1p', -1, 2],
  ['log', 0, 4],
  ['log2', 0, 4],
  ['log10', 0, 4],
  ['erf', -4, 4],
  ['cbrt', -9, 9],
  ['trunc', -5, 5],
  ['rint', -5, 5],
  ['round_away', -5, 5],
  ['saturatef', -1, 2],
  ['isnan', -1, 1],
  ['isinf', -1, 1],
  ['finitef', -1, 1],
  ['rcp_rn', -3, 3],
  ['sqrt_rn', 0, 100],
];
const BINARY: readonly (readonly [name: string, lo: number, hi: number])[] = [
  ['atan2', -3, 3],
  ['pow', 0, 6],
  ['hypot', -3, 3],
  ['copysign', -3, 3],
  ['fdim', -3, 3],
  ['div_rn', -3, 3],
];
/** What must be equal to the bit, subnormal numbers included, on every driver. */
const EXACT = new Set(['rcp_rn', 'sqrt_rn', 'div_rn', 'fma', 'copysign', 'trunc', 'rint', 'round_away']);
/** Results below the smallest normal number may be flushed to zero by the device, where they need not be exact. */
const TINY = 1.2e-38;

onEachDevice('mathematics', (dev) => {
  const check = async (name: string, lo: number, hi: number): Promise<void> => {
    const row = (OPS as { [k: string]: Row })[name];
    const arity = row.args.length;
    const inputs = [column(12345, lo, hi, 1), column(777, lo, hi, EDGES.length), column(99, lo, hi, 5)];
    const [asBool] = row.type(
      [
        { elem: tl.f32, shape: [] },
        { elem: tl.f32, shape: [] },
      ].slice(0, arity) as never,
      {},
      (() => {
        throw new Error('refused');
      }) as never,
    );
    const got = await run(dev(), name, inputs, asBool.elem === tl.bool ? 'i32' : 'f32');
    const wrong: string[] = [];
    for (let i = 0; i < N; i++) {
      const x = inputs.slice(0, arity).map((v) => v[i]);
      const reference = (v: number[]): number => Number(row.eval?.(v, tl.f32, asBool.elem as typeof tl.f32, {}));
      const want = reference(x);
      const allowed = EXACT.has(name) ? 0 : typeof row.ulp === 'function' ? row.ulp(...x) : (row.ulp ?? 0);
      const half = EXACT.has(name) ? 0 : 0.5;
      const near = (w: number): boolean => {
        const off = ulps(got[i], EXACT.has(name) ? Math.fround(w) : w);
        return off === 0 || off <= allowed + half;
      };
      // A device may take subnormal operands for zero, and make zero of subnormal results, where nothing is called exact.
      const flush = (v: number): number => (Math.abs(v) < TINY ? 0 * v : v);
      const small = !EXACT.has(name) && (Math.abs(want) < TINY ? Math.abs(got[i]) <= 2 * TINY : near(reference(x.map(flush))));
      if (!near(want) && !small) wrong.push(`${name}(${x.join(', ')}) = ${got[i]}, not ${want} (${ulps(got[i], want)} ulp)`);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(dev().stats.wgslMessages).toEqual([]);
  };
  for (const [name, lo, hi] of [...UNARY, ...BINARY]) it(name, () => check(name, lo, hi));
  it('fma', async () => {
    await check('fma', -3, 3);
    // Products that all but cancel with the sum.
    const x = spread(31, 1, 2);
    const y = spread(77, 1, 2);
    const z = Float32Array.from(x, (v, i) => -Math.fround(v * y[i]));
    const got = await run(dev(), 'fma', [x, y, z], 'f32');
    const bad = got.findIndex((g, i) => g !== x[i] * y[i] + z[i]);
    expect(bad).toBe(-1);
  });
});
