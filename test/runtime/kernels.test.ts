// Real kernels from TypeScript source through the whole compiler, on both devices, against float64 arithmetic on the host.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cdiv, type Device, device, kernel, tl } from '../../src/index.ts';

const scale = kernel(function scale({
  x,
  out,
  n,
  factor,
  BLOCK = 128,
}: {
  x: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  n: tl.i32;
  factor: tl.f32;
  BLOCK?: tl.constexpr;
}) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const mask = offs < n;
  tl.store(out + offs, tl.load(x + offs, { mask }) * factor, { mask });
});

const rowSum = kernel(function rowSum({
  x,
  bias,
  out,
  stride,
  n,
  BLOCK,
}: {
  x: tl.ptr;
  bias: tl.ptr<tl.f32> | null;
  out: tl.ptr<tl.f32>;
  stride: tl.i64;
  n: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const row = tl.program_id(0);
  const cols = tl.arange(0, BLOCK);
  const v = tl.load(x + row * stride + cols, { mask: cols < n, other: 0 });
  let sum = tl.sum(tl.cast(v, tl.f32), { axis: 0 });
  if (bias !== null) sum = sum + tl.load(bias + row);
  tl.store(out + row, sum);
});

const random = (n: number, seed = 1): Float32Array => {
  let s = seed;
  return Float32Array.from({ length: n }, () => ((s = (s * 16807) % 2147483647) / 2147483647) * 2 - 1);
};

describe.each(['interp', 'webgpu'] as const)('compiled kernels: %s', (kind) => {
  let dev: Device;
  beforeAll(async () => {
    dev = await device({ prefer: kind });
    expect(dev.kind).toBe(kind);
  });
  afterAll(() => dev.destroy());

  it('scale, in place and at an odd offset, with a default constexpr', async () => {
    const data = random(1001);
    const x = dev.tensor(data);
    const view = x.slice(0, 3);
    const n = view.numel;
    scale.launch(dev, (meta) => [cdiv(n, meta.BLOCK ?? 128)], { x: view, out: view, n, factor: 0.5 });
    expect(await x.download()).toEqual(data.map((v, i) => (i < 3 ? v : v * 0.5)));
    x.free();
  });
  it.each(['f32', 'f16'] as const)('rowSum of %s rows of a transposed slice, with and without a bias', async (dtype) => {
    const [rows, n] = [5, 100];
    const x = dev.tensor(random(rows * 128), { dtype, shape: [rows, 128] });
    const values = await x.toNumbers();
    const bias = dev.tensor(random(rows, 7));
    const b = await bias.toNumbers();
    for (const withBias of [true, false]) {
      const out = dev.zeros([rows]);
      rowSum.launch(dev, [rows], { x, bias: withBias ? bias : null, out, stride: 128, n, BLOCK: 128 });
      const got = await out.toNumbers();
      for (let r = 0; r < rows; r++) {
        const want = values.slice(r * 128, r * 128 + n).reduce((a, v) => a + v, withBias ? b[r] : 0);
        expect(Math.abs(got[r] - want)).toBeLessThan(1e-5);
      }
      out.free();
    }
    x.free();
    bias.free();
  });
  it('compiles once for arguments of the same kind', async () => {
    const x = dev.tensor(random(256));
    const before = dev.stats.traces;
    for (const n of [32, 64, 256]) scale.launch(dev, [2], { x, out: x, n, factor: n });
    await dev.sync();
    expect(dev.stats.traces - before).toBe(1);
    x.free();
  });
});
