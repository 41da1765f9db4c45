// WGSL in a kernel: the device's own functions there, the JavaScript beside it on the interpreter.

import { expect, it } from 'vitest';
import { kernel, tl } from '../../src/index.ts';
import { onEachDevice, openKind } from '../support/devices.ts';

const popcount = (x: number): number => x.toString(2).replaceAll('0', '').length;
const differ = (a: number, b: number): number => popcount((a ^ b) >>> 0);
const scaled = (a: number, b: number): number => a * 2 + b;

const K = {
  bits: kernel(function bits({ a, b, out }: { a: tl.ptr<tl.u32>; b: tl.ptr<tl.u32>; out: tl.ptr<tl.u32> }) {
    const offs = tl.arange(0, 64);
    const d = tl.inline_wgsl_elementwise('countOneBits($0 ^ $1)', [tl.load(a + offs), tl.load(b + offs)], {
      dtype: tl.u32,
      cpu: differ,
    });
    tl.store(out + offs, d);
  }),
  halves: kernel(function halves({ a, out, far }: { a: tl.ptr<tl.f16>; out: tl.ptr<tl.f16>; far: tl.ptr<tl.i32> }) {
    const x = tl.load(a + tl.arange(0, 16));
    tl.store(out + tl.arange(0, 16), tl.inline_wgsl_elementwise('$0 * 2.0 + $1', [x, 0.25], { dtype: tl.f16, cpu: scaled }));
    const above = tl.inline_wgsl_elementwise('$0 > 3.0', [x], { dtype: tl.bool, cpu: (v: number) => v > 3 });
    tl.store(far + tl.arange(0, 16), tl.where(above, 1, 0));
  }),
};
const wrong = kernel(function wrong({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x, tl.inline_wgsl_elementwise('squareroot($0)', [tl.load(x)], { dtype: tl.f32 }));
});

it('what the device refuses is said at its place in the kernel', async () => {
  const dev = await openKind('webgpu');
  wrong.launch(dev, [1], { x: dev.zeros([8], 'f32') });
  const error: Error = await dev.sync().then(
    () => new Error('nothing was wrong'),
    (e) => e,
  );
  expect(error.message).toContain("TL4208: the device does not take this WGSL: unresolved call target 'squareroot'");
  expect(error.message).toMatch(/inline\.test\.ts:\d+:15 \(in wrong\)/);
  dev.destroy();
});

onEachDevice('inline WGSL', (dev) => {
  it('computes with integers', async () => {
    const data = Uint32Array.from({ length: 128 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 0);
    const [a, b] = [data.subarray(0, 64), data.subarray(64)].map((x) => dev().tensor(x.slice()));
    const out = dev().empty([64], 'u32');
    K.bits.launch(dev(), [1], { a, b, out });
    expect(await out.toNumbers()).toEqual(Array.from({ length: 64 }, (_, i) => differ(data[i], data[64 + i])));
    expect(dev().stats.wgslMessages).toEqual([]);
  });
  it('takes halves for f32, and gives masks', async () => {
    const a = dev().tensor(
      Array.from({ length: 16 }, (_, i) => i / 2),
      { dtype: 'f16' },
    );
    const out = dev().empty([16], 'f16');
    const far = dev().empty([16], 'i32');
    K.halves.launch(dev(), [1], { a, out, far });
    expect(await out.toNumbers()).toEqual(Array.from({ length: 16 }, (_, i) => i + 0.25));
    expect(await far.toNumbers()).toEqual(Array.from({ length: 16 }, (_, i) => Number(i / 2 > 3)));
  });
});
