// Atomic operations on every device: sums under contention, what is returned, replicated invocations, sub-word elements, the
// order with ordinary accesses, a lock. Expected values are sums and permutations that no interleaving can change.

import { expect, it } from 'vitest';
import { kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const K = {
  // Tiles of 8 elements in 32 invocations or more: every element is held several times, and must be added once.
  replicated: kernel(function replicated({ x, out, old }: { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; old: tl.ptr<tl.i32> }) {
    const offs = tl.arange(0, 8);
    const before = tl.atomic_add(out + offs, tl.load(x + offs));
    tl.store(old + offs, before * 2);
  }),
  histogram: kernel(function histogram({
    x,
    out,
    n,
    BLOCK,
  }: {
    x: tl.ptr<tl.i32>;
    out: tl.ptr<tl.i32>;
    n: tl.i32;
    BLOCK: tl.constexpr;
  }) {
    for (let i = 0; i < n; i += BLOCK) {
      const offs = i + tl.arange(0, BLOCK);
      const mask = offs < n;
      tl.atomic_add(out + tl.load(x + offs, { mask, other: 0 }), 1, { mask, sem: 'relaxed' });
    }
  }),
  tickets: kernel(function tickets({ counter, taken }: { counter: tl.ptr<tl.i32>; taken: tl.ptr<tl.i32> }) {
    const mine = tl.atomic_add(counter, 1);
    tl.store(taken + mine, tl.program_id(0));
  }),
  floatSum: kernel(function floatSum({
    out,
    half,
    brain,
  }: {
    out: tl.ptr<tl.f32>;
    half: tl.ptr<tl.f16>;
    brain: tl.ptr<tl.bf16>;
  }) {
    tl.atomic_add(out + (tl.arange(0, 64) % 4), 0.5);
    tl.atomic_add(half + (tl.arange(0, 64) % 3), 1.0);
    tl.atomic_add(brain + (tl.arange(0, 64) % 2), 1.0);
  }),
  lock: kernel(function lock({ flag, value, n }: { flag: tl.ptr<tl.i32>; value: tl.ptr<tl.i32>; n: tl.i32 }) {
    while (tl.atomic_cas(flag, 0, 1) !== 0) {
      // Another program is inside.
    }
    const v = tl.load(value);
    tl.store(value, v * 3 + n);
    tl.atomic_xchg(flag, 0);
  }),
  lastOne: kernel(function lastOne({ part, done, out }: { part: tl.ptr<tl.f32>; done: tl.ptr<tl.i32>; out: tl.ptr<tl.f32> }) {
    const offs = tl.arange(0, 64);
    const pid = tl.program_id(0);
    tl.store(part + pid * 64 + offs, tl.cast(offs + pid, tl.f32));
    if (tl.atomic_add(done, 1) === tl.num_programs(0) - 1) {
      let sum = tl.zeros([64], tl.f32);
      for (let i = 0; i < tl.num_programs(0); i++) sum += tl.load(part + i * 64 + offs);
      tl.store(out + offs, sum);
    }
  }),
  bits16: kernel(function bits16({ h, u, old }: { h: tl.ptr<tl.f16>; u: tl.ptr<tl.u16>; old: tl.ptr<tl.f16> }) {
    const offs = tl.arange(0, 16);
    const expected = tl.cast(tl.cast(offs, tl.f32), tl.f16);
    tl.store(old + offs, tl.atomic_cas(h + offs, expected, tl.cast(expected * 2.0 + 100.0, tl.f16)));
    tl.atomic_cas(u + offs, tl.cast(offs, tl.u16), tl.cast(offs * 3 + 7, tl.u16));
  }),
  extremes: kernel(function extremes({ x, hi, lo }: { x: tl.ptr<tl.f32>; hi: tl.ptr<tl.f32>; lo: tl.ptr<tl.f32> }) {
    const v = tl.load(x + tl.arange(0, 256));
    tl.atomic_max(hi + (tl.arange(0, 256) % 2), v);
    tl.atomic_min(lo + (tl.arange(0, 256) % 2), v);
  }),
  mixed: kernel(function mixed({ m, out }: { m: tl.ptr<tl.f32>; out: tl.ptr<tl.f32> }) {
    const offs = tl.arange(0, 128);
    tl.store(m + offs, tl.cast(offs, tl.f32));
    tl.atomic_add(m + (127 - offs), 1.0);
    tl.store(out + offs, tl.load(m + offs));
  }),
  wide: kernel(function wide({ out, bits }: { out: tl.ptr<tl.i64>; bits: tl.ptr<tl.u64> }) {
    const offs = tl.cast(tl.arange(0, 64), tl.i64);
    tl.atomic_add(out + (tl.arange(0, 64) % 2), offs * 1099511627776 - 5);
    tl.atomic_xor(bits + (tl.arange(0, 64) % 4), tl.cast(offs * 4294967311, tl.u64));
  }),
};
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

onEachDevice('atomics', (dev) => {
  it('does an element once, however many invocations hold it, and tells all of them what was there', async () => {
    const x = dev().tensor(Int32Array.from(range(8)));
    const out = dev().tensor(Int32Array.from(range(8).map((i) => 100 * i)));
    const old = dev().empty([8], 'i32');
    K.replicated.launch(dev(), [1], { x, out, old });
    expect(await out.toNumbers()).toEqual(range(8).map((i) => 101 * i));
    expect(await old.toNumbers()).toEqual(range(8).map((i) => 200 * i));
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  it('counts in a loop', async () => {
    const data = range(1000).map((i) => (i * i) % 7);
    const x = dev().tensor(Int32Array.from(data));
    const out = dev().zeros([7], 'i32');
    K.histogram.launch(dev(), [3], { x, out, n: 1000, BLOCK: 128 });
    expect(await out.toNumbers()).toEqual(range(7).map((k) => 3 * data.filter((v) => v === k).length));
  });
  it('gives every program another ticket', async () => {
    const counter = dev().zeros([1], 'i32');
    const taken = dev().zeros([200], 'i32');
    K.tickets.launch(dev(), [200], { counter, taken });
    expect(((await taken.toNumbers()) as number[]).sort((a, b) => a - b)).toEqual(range(200));
  });
  it('adds floats, halves of words too', async () => {
    const out = dev().zeros([4], 'f32');
    const half = dev().zeros([3], 'f16');
    const brain = dev().zeros([2], 'bf16');
    K.floatSum.launch(dev(), [4], { out, half, brain });
    expect(await out.toNumbers()).toEqual([32, 32, 32, 32]);
    expect(await half.toNumbers()).toEqual([88, 84, 84]);
    expect(await brain.toNumbers()).toEqual([128, 128]);
  });
  it('keeps programs apart with a lock', async () => {
    const flag = dev().zeros([1], 'i32');
    const value = dev().tensor(Int32Array.of(1));
    K.lock.launch(dev(), [12], { flag, value, n: 5 });
    let want = 1;
    for (let i = 0; i < 12; i++) want = Math.imul(want, 3) + 5;
    expect(await value.toNumbers()).toEqual([want | 0]);
    expect(await flag.toNumbers()).toEqual([0]);
  });
  it('lets the last program see what the others wrote', async () => {
    const part = dev().zeros([16 * 64], 'f32');
    const done = dev().zeros([1], 'i32');
    const out = dev().zeros([64], 'f32');
    K.lastOne.launch(dev(), [16], { part, done, out });
    expect(await out.toNumbers()).toEqual(range(64).map((i) => 16 * i + 120));
  });
  it('exchanges 16 bits where they are as expected', async () => {
    const h = dev().tensor(
      range(16).map((i) => (i % 2 ? i : -i - 1)),
      { dtype: 'f16' },
    );
    const u = dev().tensor(
      range(16).map((i) => (i % 3 ? i : 999)),
      { dtype: 'u16' },
    );
    const old = dev().zeros([16], 'f16');
    K.bits16.launch(dev(), [1], { h, u, old });
    expect(await h.toNumbers()).toEqual(range(16).map((i) => (i % 2 ? 2 * i + 100 : -i - 1)));
    expect(await u.toNumbers()).toEqual(range(16).map((i) => (i % 3 ? 3 * i + 7 : 999)));
    expect(await old.toNumbers()).toEqual(range(16).map((i) => (i % 2 ? i : -i - 1)));
  });
  it('finds extremes of floats of both signs', async () => {
    const data = range(256).map((i) => Math.fround(Math.sin(i) * 100));
    const x = dev().tensor(Float32Array.from(data));
    const hi = dev().tensor(Float32Array.of(-1e30, -5));
    const lo = dev().tensor(Float32Array.of(1e30, 5));
    K.extremes.launch(dev(), [1], { x, hi, lo });
    const part = (k: number) => data.filter((_, i) => i % 2 === k);
    expect(await hi.toNumbers()).toEqual([Math.max(...part(0)), Math.max(-5, ...part(1))]);
    expect(await lo.toNumbers()).toEqual([Math.min(...part(0)), Math.min(5, ...part(1))]);
  });
  it('comes in order with ordinary loads and stores of a program', async () => {
    const m = dev().zeros([128], 'f32');
    const out = dev().zeros([128], 'f32');
    K.mixed.launch(dev(), [1], { m, out });
    expect(await out.toNumbers()).toEqual(range(128).map((i) => i + 1));
  });
  it('adds and combines 64-bit integers', async () => {
    const out = dev().tensor([5n, -7n], { dtype: 'i64' });
    const bits = dev().zeros([4], 'u64');
    K.wide.launch(dev(), [3], { out, bits });
    const own = (k: number, of: number): number[] => range(64).filter((i) => i % of === k);
    const sum = (k: number) => own(k, 2).reduce((acc, i) => acc + BigInt(i) * 1099511627776n - 5n, 0n);
    const xor = (k: number) => own(k, 4).reduce((acc, i) => acc ^ (BigInt(i) * 4294967311n), 0n);
    const got = async (t: typeof out) => ((await t.toNumbers()) as (number | bigint)[]).map(BigInt);
    expect(await got(out)).toEqual([5n + 3n * sum(0), -7n + 3n * sum(1)]);
    expect(await got(bits)).toEqual(range(4).map(xor));
  });
});
