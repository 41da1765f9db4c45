// Pointers that `tl.where`, branches and loops choose between different buffers, on every device against plain JavaScript.

import { expect, it } from 'vitest';
import { kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

type P = tl.ptr<tl.i32>;
const KERNELS = {
  loads: kernel(function loads({ x, y, z, out, n }: { x: P; y: P; z: P; out: P; n: tl.i32 }) {
    const offs = tl.arange(0, 64);
    const p = tl.where(offs % 3 === 0, x, tl.where(offs % 3 === 1, y + 1, z)) + offs;
    tl.store(out + offs, tl.load(p, { mask: offs < n, other: -5 }));
  }),
  stores: kernel(function stores({ x, out, second }: { x: P; out: P; second: P }) {
    const offs = tl.arange(0, 64);
    const v = tl.load(x + offs);
    tl.store(tl.where(v > 50, out, second) + offs, v);
  }),
  scalars: kernel(function scalars({ x, y, out, n }: { x: P; y: P; out: P; n: tl.i32 }) {
    const p = tl.where(n > 10, x, y);
    tl.store(out, tl.load(p + 3));
    const tile = tl.load(tl.col(p + tl.arange(0, 4)) + tl.row(tl.arange(0, 2)) * 8);
    tl.store(out + 1 + tl.col(tl.arange(0, 4)) * 2 + tl.row(tl.arange(0, 2)), tile);
  }),
  branches: kernel(function branches({ x, y, z, out }: { x: P; y: P; z: P; out: P }) {
    const [pid, offs] = [tl.program_id(0), tl.arange(0, 16)];
    let p = x + offs;
    if (pid === 1) p = y + 40 - offs;
    else if (pid === 2) p = z + offs * 2;
    tl.store(out + pid * 16 + offs, tl.load(p, { mask: offs < 12, other: pid }));
  }),
  loops: kernel(function loops({ x, y, out, n }: { x: P; y: P; out: P; n: tl.i32 }) {
    const offs = tl.arange(0, 16);
    let [p, q] = [x, y + 1];
    let acc = tl.zeros([16], tl.i32);
    for (const _ of tl.range(n)) {
      acc = acc * 2 + tl.load(p + offs);
      [p, q] = [q, p + 2];
    }
    let i = 0;
    let turn = x;
    while (i < n) {
      acc += tl.load(turn);
      turn = i % 2 === 0 ? y : x;
      i += 1;
    }
    tl.store(out + offs, acc);
  }),
  changes: kernel(function changes({ x, y, n }: { x: P; y: P; n: tl.i32 }) {
    const offs = tl.arange(0, 16);
    let p = x;
    for (const k of tl.range(n)) {
      tl.store(x + 64 + k * 4 + (offs % 4), tl.atomic_add(p + (offs % 4), offs * 0 + 1, { mask: offs < 4 }), { mask: offs < 4 });
      if (k % 2 === 0) p = y;
      else p = x;
    }
  }),
};
const [a, b, c] = [7, 11, 13].map((k) => Int32Array.from({ length: 80 }, (_, i) => (i * k) % 101));

onEachDevice('pointers between buffers', (dev) => {
  const all = () => [a, b, c].map((t) => dev().tensor(t));
  it('are loaded through', async () => {
    const [x, y, z] = all();
    const out = dev().zeros([64], 'i32');
    KERNELS.loads.launch(dev(), [1], { x, y, z, out, n: 50 });
    const want = Array.from({ length: 64 }, (_, i) => (i >= 50 ? -5 : i % 3 === 0 ? a[i] : i % 3 === 1 ? b[i + 1] : c[i]));
    expect([...((await out.download()) as Int32Array)]).toEqual(want);
  });
  it('are stored through', async () => {
    const [x] = all();
    const [out, second] = [dev().full([64], -1, 'i32'), dev().full([64], -2, 'i32')];
    KERNELS.stores.launch(dev(), [1], { x, out, second });
    const values = [...a.slice(0, 64)];
    expect([...((await out.download()) as Int32Array)]).toEqual(values.map((v) => (v > 50 ? v : -1)));
    expect([...((await second.download()) as Int32Array)]).toEqual(values.map((v) => (v > 50 ? -2 : v)));
  });
  it.each([5, 20])('are chosen for the whole program (%i)', async (n) => {
    const [x, y] = all();
    const out = dev().zeros([9], 'i32');
    KERNELS.scalars.launch(dev(), [1], { x, y, out, n });
    const from = n > 10 ? a : b;
    const tile = Array.from({ length: 8 }, (_, i) => from[(i >> 1) + (i & 1) * 8]);
    expect([...((await out.download()) as Int32Array)]).toEqual([from[3], ...tile]);
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  it('are chosen by branches', async () => {
    const [x, y, z] = all();
    const out = dev().zeros([48], 'i32');
    KERNELS.branches.launch(dev(), [3], { x, y, z, out });
    const from = [a, Array.from({ length: 16 }, (_, i) => b[40 - i]), Array.from({ length: 16 }, (_, i) => c[i * 2])];
    const want = from.flatMap((t, pid) => Array.from({ length: 16 }, (_, i) => (i < 12 ? t[i] : pid)));
    expect([...((await out.download()) as Int32Array)]).toEqual(want);
  });
  it('are carried by loops', async () => {
    const [x, y] = all();
    const out = dev().zeros([16], 'i32');
    KERNELS.loops.launch(dev(), [1], { x, y, out, n: 4 });
    const turns = a[0] + b[0] + a[0] + b[0];
    // x, y + 1, x + 2, y + 3: each pointer moves by two when it has been used.
    const want = Array.from({ length: 16 }, (_, i) => 8 * a[i] + 4 * b[i + 1] + 2 * a[i + 2] + b[i + 3] + turns);
    expect([...((await out.download()) as Int32Array)]).toEqual(want);
  });
  it('are changed in one step', async () => {
    const [x, y] = all();
    KERNELS.changes.launch(dev(), [1], { x, y, n: 3 });
    const got = [...((await x.download()) as Int32Array)];
    const first = [...a.slice(0, 4)];
    expect(got.slice(0, 4)).toEqual(first.map((v) => v + 2));
    expect([...((await y.download()) as Int32Array)].slice(0, 4)).toEqual([...b.slice(0, 4)].map((v) => v + 1));
    expect(got.slice(64, 76)).toEqual([...first, ...b.slice(0, 4), ...first.map((v) => v + 1)]);
    expect(dev().stats.wgslMessages).toEqual([]);
  });
});
