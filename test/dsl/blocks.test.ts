// Block pointers and tensor descriptors on every device against plain JavaScript.

import { expect, it } from 'vitest';
import { type Kernel, kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

type Matrix = { x: tl.ptr; out: tl.ptr; m: tl.i32; n: tl.i32 };

const KERNELS = {
  /** Sums the rows of the blocks along a row of blocks; the pointer is carried by the loop, and moved back by a branch. */
  walk: kernel(function walk({ x, out, m, n, PAD }: Matrix & { PAD: tl.constexpr<'zero' | 'nan'> }) {
    const at = { shape: [m, n], strides: [n, 1], offsets: [tl.program_id(0) * 8, 0], block_shape: [8, 16], order: [1, 0] };
    let p = tl.make_block_ptr(x, at);
    let acc = tl.zeros([8, 16], tl.f32);
    for (let j = 0; j < n; j += 16) {
      acc = acc * 2.0 + tl.load(p, { boundary_check: [0, 1], padding_option: PAD });
      p = tl.advance(p, [0, 16]);
    }
    if (n > 20) p = tl.advance(p, [0, -16]);
    const q = tl.make_block_ptr(out, { ...at, shape: [m, 16], strides: [16, 1] });
    tl.store(q, acc + tl.load(p, { boundary_check: [0, 1], padding_option: 'zero' }), { boundary_check: [0] });
  }),
  /** Transposes with strides; offsets before the tensor's beginning. */
  transposed: kernel(function transposed({ x, out, m, n }: Matrix) {
    const p = tl.make_block_ptr(x, { shape: [n, m], strides: [1, n], offsets: [-2, 3], block_shape: [16, 16], order: [0, 1] });
    const v = tl.load(p, { boundary_check: [1, 0] });
    tl.store(out + tl.col(tl.arange(0, 16)) * 16 + tl.row(tl.arange(0, 16)), v);
  }),
  masks: kernel(function masks({ x, out, m }: Omit<Matrix, 'n'>) {
    // Blocks of bool are blocks of i8.
    const p = tl.make_block_ptr(x, { shape: m, strides: 1, offsets: 4, block_shape: 16, order: 0 });
    const v = tl.load(p, { boundary_check: 0, padding_option: 'zero' });
    tl.static_assert(tl.dtype_of(v) === tl.i8);
    tl.store(p, tl.cast(v === 0, tl.i8), { boundary_check: 0 });
    tl.store(out + tl.arange(0, 16), v);
  }),
  described: kernel(function described({ x, out, m, n, PAD }: Matrix & { PAD: tl.constexpr<'zero' | 'nan'> }) {
    const options = { shape: [m, n], strides: [n, 1], block_shape: [8, 16] };
    const from = tl.make_tensor_descriptor(x, { ...options, padding_option: PAD });
    const to = tl.make_tensor_descriptor(out, options);
    for (let j = 0; j < n; j += 16) {
      const at = [tl.program_id(0) * 8, j];
      to.store(at, from.load([tl.program_id(0) * 8 + 2, j]) + 1);
    }
  }),
  /** A descriptor is chosen by a branch and returned by a loop. */
  chosen: kernel(function chosen({ x, out, m, n }: Matrix) {
    let d = tl.make_tensor_descriptor(x, { shape: [m, n], strides: [n, 1], block_shape: [4, 8] });
    if (m > 6) d = tl.make_tensor_descriptor(x, { shape: [m - 1, n], strides: [n, 1], block_shape: [4, 8] });
    const r = tl.col(tl.arange(0, 4)) * 8 + tl.row(tl.arange(0, 8));
    tl.store(out + r, tl.load_tensor_descriptor(d, [4, 0]));
    tl.store(out + 32 + r, d.shape[0]);
  }),
  counted: kernel(function counted({ out, m, n }: { out: tl.ptr<tl.i32>; m: tl.i32; n: tl.i32 }) {
    const d = tl.make_tensor_descriptor(out, { shape: [m, n], strides: [n, 1], block_shape: [4, 8] });
    const v = tl.col(tl.arange(0, 4)) * 8 + tl.row(tl.arange(0, 8));
    d.atomic_add([tl.program_id(0) * 2, 4], v);
    d.atomic_max([0, 0], tl.full([4, 8], 5, tl.i32));
  }),
  rows: kernel(function rows({ x, out, m, n, idx }: Matrix & { idx: tl.ptr<tl.i32> }) {
    const d = tl.make_tensor_descriptor(x, { shape: [m, n], strides: [n, 1], block_shape: [1, 8] });
    const e = tl.make_tensor_descriptor(out, { shape: [m, n], strides: [n, 1], block_shape: [1, 8] });
    const r = tl.load(idx + tl.arange(0, 8));
    const picked = d.gather(r, 4);
    tl.static_assert(tl.shape_of(picked).join() === '8,8');
    e.scatter(picked, r, 8);
  }),
};

onEachDevice('blocks', (dev) => {
  const run = async (k: Kernel, x: Float32Array, size: number, args: object, programs = 1): Promise<number[]> => {
    const d = dev();
    const [a, out] = [d.tensor(x), d.full([size], -7, 'f32')];
    k.launch(d, [programs], { x: a, out, ...args });
    const got = [...((await out.download()) as Float32Array)];
    a.free();
    out.free();
    return got;
  };
  const data = (n: number) => Float32Array.from({ length: n }, (_, i) => ((i * 37) % 101) - 50);
  const element = (x: ArrayLike<number>, [m, n]: number[], i: number, j: number, pad: number): number =>
    i < 0 || j < 0 || i >= m || j >= n ? pad : x[i * n + j];

  it.each([
    [13, 40, 'zero'],
    [16, 16, 'zero'],
    [5, 23, 'nan'],
  ] as const)('a block pointer in a loop over %i x %i, padded with %s', async (m, n, PAD) => {
    const x = data(m * n);
    const pad = PAD === 'nan' ? Number.NaN : 0;
    const want = Array.from({ length: m * 16 }, (_, o) => {
      const [i, c] = [Math.floor(o / 16), o % 16];
      let [acc, j] = [0, 0];
      for (; j < n; j += 16) acc = acc * 2 + element(x, [m, n], i, j + c, pad);
      return acc + element(x, [m, n], i, (n > 20 ? j - 16 : j) + c, 0);
    });
    expect(await run(KERNELS.walk, x, m * 16, { m, n, PAD }, Math.ceil(m / 8))).toEqual(want);
  });
  it('strides of its own and negative offsets', async () => {
    const [m, n] = [9, 12];
    const x = data(m * n);
    const want = Array.from({ length: 256 }, (_, o) => element(x, [m, n], (o % 16) + 3, Math.floor(o / 16) - 2, 0));
    expect(await run(KERNELS.transposed, x, 256, { m, n })).toEqual(want);
  });
  it('bool in memory as i8', async () => {
    const d = dev();
    const bits = Array.from({ length: 24 }, (_, i) => i % 3 === 0);
    const [x, out] = [d.tensor(bits, { dtype: 'bool' }), d.full([16], -7, 'i32')];
    KERNELS.masks.launch(d, [1], { x, out, m: 18 });
    const inside = (i: number) => i >= 4 && i < 18;
    expect([...((await out.download()) as Int32Array)]).toEqual(
      Array.from({ length: 16 }, (_, i) => Number(inside(i + 4) && bits[i + 4])),
    );
    expect([...((await x.download()) as Uint8Array)].map(Number)).toEqual(bits.map((b, i) => Number(inside(i) ? !b : b)));
    x.free();
    out.free();
  });
  it.each([
    [13, 40, 'zero'],
    [6, 20, 'nan'],
  ] as const)('tensor descriptors over %i x %i, padded with %s', async (m, n, PAD) => {
    const x = data(m * n);
    const want = Array.from(x, (_, o) => element(x, [m, n], Math.floor(o / n) + 2, o % n, PAD === 'nan' ? Number.NaN : 0) + 1);
    expect(await run(KERNELS.described, x, m * n, { m, n, PAD }, Math.ceil(m / 8))).toEqual(want);
  });
  it.each([6, 7])('a descriptor that a branch chooses (%i rows)', async (m) => {
    const x = data(m * 8);
    const rows = m > 6 ? m - 1 : m;
    const want = Array.from({ length: 32 }, (_, o) => element(x, [rows, 8], 4 + Math.floor(o / 8), o % 8, 0));
    expect(await run(KERNELS.chosen, x, 64, { m, n: 8 })).toEqual([...want, ...Array(32).fill(rows)]);
  });
  it('adds atomically inside the tensor', async () => {
    const [m, n] = [6, 8];
    const out = dev().zeros([m * n], 'i32');
    KERNELS.counted.launch(dev(), [3], { out, m, n });
    const want = Array.from({ length: m * n }, (_, o) => {
      const [i, j] = [Math.floor(o / n), o % n];
      return [0, 2, 4].reduce((sum, p) => sum + (j >= 4 && i >= p && i < p + 4 ? (i - p) * 8 + j - 4 : 0), 0);
    });
    const got = [...((await out.download()) as Int32Array)];
    // The maximum comes before, between or after the sums of other programs where both touch an element.
    const wrong = got.filter((v, o) => {
      const raised = Math.floor(o / n) < 4;
      return raised ? v < Math.max(want[o], 5) || v > want[o] + 5 : v !== want[o];
    });
    expect(wrong).toEqual([]);
    out.free();
  });
  it('gathers and scatters rows', async () => {
    const [m, n] = [10, 12];
    const x = data(m * n);
    const picked = Int32Array.of(3, 9, 0, -1, 10, 5, 7, 2);
    const idx = dev().tensor(picked);
    const want = Array.from({ length: m * n }, (_, o) => {
      const [i, j] = [Math.floor(o / n), o % n];
      return picked.includes(i) && j >= 8 ? element(x, [m, n], i, j - 4, 0) : -7;
    });
    expect(await run(KERNELS.rows, x, m * n, { m, n, idx })).toEqual(want);
    idx.free();
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});
