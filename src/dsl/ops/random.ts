// Random numbers as Triton makes them: the Philox counter-based generator and what is derived from it, bit for bit. Compositions of
// rows, traced like a kernel's own code; nothing here is an op.
// Source: J. Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011); triton/language/random.py for the conversions.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { FloatLit, type Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr } from '../types.ts';
import { asUser } from './row.ts';

const { i32, u32, i64, u64, f32 } = DTYPES;

export interface RandomOptions {
  /** Rounds of Philox; 10 by default. */
  readonly n_rounds?: number;
}
type Four = [number, number, number, number];

/** Multipliers of a round and increments of the key, by the width of the counters. */
const KEYS = {
  u32: { keyA: 0x9e3779b9n, keyB: 0xbb67ae85n, roundA: 0xd2511f53n, roundB: 0xcd9e8d57n },
  u64: { keyA: 0x9e3779b97f4a7c15n, keyB: 0xbb67ae8584caa73bn, roundA: 0xd2e7470ee14c6c93n, roundB: 0xca5a826395121157n },
};

const rounds = (t: Trace, name: string, options: RandomOptions): number => {
  for (const k of Object.keys(options)) if (k !== 'n_rounds') t.fail(TL.unknownArg, name, k, ['n_rounds']);
  return options.n_rounds === undefined ? 10 : t.constInt(options.n_rounds, `tl.${name}: n_rounds`);
};
const integer = (t: Trace, name: string, x: unknown): Value => {
  const v = t.value(x, `tl.${name}`);
  if (isPtr(v.type) || !dtypeOf(v.type).is_int()) t.fail(TL.unary, `tl.${name}`, v.type, 'integers');
  return v;
};
const counter = (t: Trace, name: string, x: unknown): Value => {
  const v = integer(t, name, x);
  if (dtypeOf(v.type).bits < 32) t.fail(TL.unary, `tl.${name}`, v.type, 'counters of 32 or 64 bits');
  return v;
};
const both = (t: Trace, op: string, a: unknown, b: unknown): Value => t.one(op, t.promote('tl.philox', a, b));

function impl(t: Trace, c: readonly Value[], k: readonly Value[], n: number): Value[] {
  let [c0, c1, c2, c3] = c;
  let [k0, k1] = k;
  const d = dtypeOf(c0.type);
  const { keyA, keyB, roundA, roundB } = KEYS[d.name as 'u32' | 'u64'];
  const number = (x: bigint): Value => t.constant(d.bits === 64 ? x : Number(x), d);
  const [a, b, ka, kb] = [roundA, roundB, keyA, keyB].map(number);
  for (let i = 0; i < n; i++) {
    const high = (m: Value, x: Value, y: Value, key: Value) => both(t, 'xor', both(t, 'xor', both(t, 'umulhi', m, x), y), key);
    const [x0, x2] = [c0, c2];
    c0 = high(b, x2, c1, k0);
    c2 = high(a, x0, c3, k1);
    c1 = both(t, 'mul', b, x2);
    c3 = both(t, 'mul', a, x0);
    k0 = both(t, 'add', k0, ka);
    k1 = both(t, 'add', k1, kb);
  }
  return [c0, c1, c2, c3];
}

function philox(t: Trace, name: string, seed: unknown, counters: readonly unknown[], n: number): Value[] {
  const s = t.cast(integer(t, name, seed), u64);
  const given = counters.map((c) => counter(t, name, c));
  const bits = dtypeOf(given[0].type).bits;
  given.forEach((c) => {
    if (dtypeOf(c.type).bits !== bits) t.fail(TL.unary, `tl.${name}`, c.type, `counters of one width (${bits} bits)`);
  });
  const c = given.map((v) => t.cast(v, bits === 32 ? u32 : u64));
  if (bits === 64) return impl(t, c, [s, t.constant(0n, u64, [1])], n);
  return impl(t, c, [t.cast(s, u32), t.cast(both(t, 'shr', s, 32), u32)], n);
}

function randint4x(t: Trace, name: string, seed: unknown, offset: unknown, options: RandomOptions): Value[] {
  const o = integer(t, name, offset);
  const low = t.cast(o, u32);
  const zero = both(t, 'mul', low, 0);
  const high = dtypeOf(o.type).bits > 32 ? t.cast(both(t, 'shr', o, 32), u32) : zero;
  return philox(t, name, seed, [low, high, zero, zero], rounds(t, name, options));
}

/** The largest factor that keeps the product below 1 after rounding. */
const SCALE: { readonly [bits: number]: number } = { 32: 4.6566127342e-10, 64: 1.0842020432385337e-19 };
function uniform(t: Trace, x: unknown): Value {
  const v = t.value(x, 'tl.uint_to_uniform_float');
  if (isPtr(v.type) || ![i32, u32, i64, u64].includes(dtypeOf(v.type)))
    t.fail(TL.unary, 'tl.uint_to_uniform_float', v.type, 'i32, u32, i64 or u64');
  const d: DType = dtypeOf(v.type).bits === 64 ? i64 : i32;
  const signed = t.cast(v, d);
  const mirrored = both(t, 'sub', t.one('neg', [signed]), 1);
  const [m, s] = t.broadcast('tl.rand', [mirrored, signed]);
  return both(t, 'mul', t.cast(t.one('where', [both(t, 'lt', signed, 0), m, s]), f32), new FloatLit(SCALE[d.bits]));
}

/** Two independent normal numbers from two uniform ones: the transform of Box and Muller. */
function normal(t: Trace, u1: Value, u2: Value): [Value, Value] {
  const least = t.one('maximum', t.promote('tl.randn', t.constant(1e-7, f32), u1));
  const angle = both(t, 'mul', u2, new FloatLit(2 * Math.PI));
  const r = t.one('sqrt', [both(t, 'mul', t.one('log', [least]), new FloatLit(-2))]);
  return [both(t, 'mul', r, t.one('cos', [angle])), both(t, 'mul', r, t.one('sin', [angle]))];
}
const four = (v: readonly Value[]): Four => v.map(asUser) as Four;

export const RANDOM_FNS = {
  /**
   * Philox on the counters (c0, c1, c2, c3) with the key (k0, k1), all u32 or all u64: four tiles of random bits.
   * @cost four wide products a round, ten rounds
   */
  philox_impl:
    (t: Trace) =>
    (c0: number, c1: number, c2: number, c3: number, k0: number, k1: number, options: RandomOptions = {}): Four => {
      const all = [c0, c1, c2, c3, k0, k1].map((c) => counter(t, 'philox_impl', c));
      const d = dtypeOf(all[0].type);
      for (const v of all)
        if (dtypeOf(v.type) !== d || !d.is_int_unsigned()) t.fail(TL.unary, 'tl.philox_impl', v.type, 'all u32 or all u64');
      return four(impl(t, all.slice(0, 4), all.slice(4), rounds(t, 'philox_impl', options)));
    },
  /**
   * Philox on four counters of 32 or 64 bits, keyed by a seed of up to 64 bits: four tiles of random bits (u32 or u64).
   * @cost counters of 64 bits take about four times as long as those of 32.
   */
  philox:
    (t: Trace) =>
    (seed: number, c0: number, c1: number, c2: number, c3: number, options: RandomOptions = {}): Four =>
      four(philox(t, 'philox', seed, [c0, c1, c2, c3], rounds(t, 'philox', options))),
  /**
   * Random 32-bit integers (u32) for a scalar seed and a tile of offsets.
   * @cost ten rounds of four wide products each, of which three of four results go unused: `tl.randint4x` gives them all.
   */
  randint:
    (t: Trace) =>
    (seed: number, offset: number, options: RandomOptions = {}): number =>
      asUser(randint4x(t, 'randint', seed, offset, options)[0]),
  /**
   * Four tiles of random 32-bit integers for the price of one.
   * @cost ten rounds of four wide products each
   */
  randint4x:
    (t: Trace) =>
    (seed: number, offset: number, options: RandomOptions = {}): Four =>
      four(randint4x(t, 'randint4x', seed, offset, options)),
  /**
   * Random integers as f32 in [0, 1).
   * @cost three operations an element
   */
  uint_to_uniform_float:
    (t: Trace) =>
    (x: number): number =>
      asUser(uniform(t, x)),
  /**
   * Random f32 in [0, 1) for a scalar seed and a tile of offsets.
   * @cost ten rounds of four wide products each, of which three of four results go unused: `tl.rand4x` gives them all.
   */
  rand:
    (t: Trace) =>
    (seed: number, offset: number, options: RandomOptions = {}): number =>
      asUser(uniform(t, randint4x(t, 'rand', seed, offset, options)[0])),
  /**
   * Four tiles of random f32 in [0, 1).
   * @cost as `tl.randint4x`, and a multiplication each
   */
  rand4x:
    (t: Trace) =>
    (seed: number, offsets: number, options: RandomOptions = {}): Four =>
      four(randint4x(t, 'rand4x', seed, offsets, options).map((x) => uniform(t, x))),
  /**
   * Two normally distributed tiles from two uniformly distributed ones.
   * @cost a logarithm, a square root, a sine and a cosine an element
   */
  pair_uniform_to_normal:
    (t: Trace) =>
    (u1: number, u2: number): [number, number] =>
      normal(t, t.value(u1, 'tl.pair_uniform_to_normal'), t.value(u2, 'tl.pair_uniform_to_normal')).map(asUser) as [
        number,
        number,
      ],
  /**
   * Random f32 of the standard normal distribution.
   * @cost as `tl.rand`, with a logarithm, a square root and a sine on top.
   */
  randn:
    (t: Trace) =>
    (seed: number, offset: number, options: RandomOptions = {}): number => {
      const [a, b] = randint4x(t, 'randn', seed, offset, options);
      return asUser(normal(t, uniform(t, a), uniform(t, b))[0]);
    },
  /**
   * Four tiles of random f32 of the standard normal distribution.
   * @cost as `tl.rand4x`, with two logarithms, square roots, sines and cosines
   */
  randn4x:
    (t: Trace) =>
    (seed: number, offset: number, options: RandomOptions = {}): Four => {
      const [a, b, c, d] = randint4x(t, 'randn4x', seed, offset, options).map((x) => uniform(t, x));
      return four([...normal(t, a, b), ...normal(t, c, d)]);
    },
};
