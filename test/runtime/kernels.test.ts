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

const chatty = kernel(function chatty({ x, n, BLOCK }: { x: tl.ptr<tl.f16>; n: tl.i64; BLOCK: tl.constexpr }) {
  const pid = tl.program_id(0);
  const row = pid * BLOCK + tl.arange(0, BLOCK);
  const v = tl.load(x + row);
  tl.device_print('n', n);
  tl.device_print('x', tl.reshape(v, [2, 2]), tl.reshape(row, [2, 2]));
  tl.device_assert(v < 6, 'x is small');
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
  it('device_print writes the same lines on every device, and device_assert names element and place', async () => {
    const lines: string[] = [];
    const d = await device({ prefer: kind, onLog: (l) => lines.push(l) });
    const x = d.tensor([0.5, 1, -2, 3, 4, 5, 1.5, 0], { dtype: 'f16' });
    chatty.launch(d, [2], { x, n: -5n, BLOCK: 4 });
    await d.sync();
    const tile = (pid: number, values: string[]) =>
      values.flatMap((v, i) => {
        const head = `pid (${pid}, 0, 0) idx (${i >> 1}, ${i & 1}) x:`;
        return [`${head} (operand 0) ${v}`, `${head} (operand 1) ${4 * pid + i}`];
      });
    const want = [
      'pid (0, 0, 0) idx () n: -5',
      ...tile(0, ['0.500000', '1.000000', '-2.000000', '3.000000']),
      'pid (1, 0, 0) idx () n: -5',
      ...tile(1, ['4.000000', '5.000000', '1.500000', '0.000000']),
    ];
    expect([...lines].sort()).toEqual([...want].sort());
    x.select(0, 6).fill(9);
    const failing = async () => {
      chatty.launch(d, [2], { x, n: 2, BLOCK: 4 });
      await d.sync();
    };
    await expect(failing()).rejects.toThrow(/x is small[\s\S]*kernels\.test\.ts:\d+:3 \(in chatty\)[\s\S]*\^/);
    await d.sync();
    d.destroy();
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
