// Pointers that `tl.where` chooses between different buffers, on every device against plain JavaScript.

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
});
