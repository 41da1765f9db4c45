// What a kernel says to a person, and hints that must not change anything, on every device.

import { expect, it } from 'vitest';
import { device, kernel, tl } from '../../src/index.ts';
import { KINDS, onEachDevice } from '../support/devices.ts';

const K = {
  hex: kernel(function hex({ f, i, l }: { f: tl.ptr<tl.f16>; i: tl.ptr<tl.i32>; l: tl.ptr<tl.i64> }) {
    const offs = tl.arange(0, 2);
    tl.device_print('bits', tl.load(f + offs), { hex: true });
    tl.device_print('i', tl.load(i + offs), tl.load(i + 1 - offs), { hex: true });
    tl.device_print('l', tl.load(l), { hex: true });
    tl.device_print('plain', tl.load(i));
  }),
  loud: kernel(function loud({ x }: { x: tl.ptr<tl.i32> }) {
    tl.device_print('x', tl.load(x + tl.arange(0, 1024)));
  }),
  hints: kernel(function hints({ x, out, n }: { x: tl.ptr<tl.f32>; out: tl.ptr<tl.f32>; n: tl.i32 }) {
    tl.assume(n > 0);
    const offs = tl.max_contiguous(tl.multiple_of(tl.program_id(0) * 32 + tl.arange(0, 32), 32), 32);
    let steps = 0;
    while (tl.condition(steps < n, { disable_licm: true })) {
      tl.debug_barrier();
      steps += 1;
    }
    tl.device_assert(offs >= 0, 'never');
    tl.store(out + offs, tl.load(x + offs) + steps);
  }),
};

it.each(KINDS)('device_print writes bits on %s', async (kind) => {
  const lines: string[] = [];
  const dev = await device({ prefer: kind, onLog: (s) => void lines.push(s) });
  const f = dev.tensor([1.5, -2], { dtype: 'f16' });
  const i = dev.tensor(Int32Array.of(255, -1));
  const l = dev.tensor([-2n], { dtype: 'i64' });
  K.hex.launch(dev, [1], { f, i, l });
  await dev.sync();
  // 1.5 is 3e00 and -2 is c000 in IEEE binary16.
  expect(lines).toEqual([
    'pid (0, 0, 0) idx (0) bits: 0x3e00',
    'pid (0, 0, 0) idx (1) bits: 0xc000',
    ...lines.slice(2, 6),
    'pid (0, 0, 0) idx () l: 0xfffffffffffffffe',
    'pid (0, 0, 0) idx () plain: 255',
  ]);
  expect([...lines.slice(2, 6)].sort()).toEqual([
    'pid (0, 0, 0) idx (0) i: (operand 0) 0x000000ff',
    'pid (0, 0, 0) idx (0) i: (operand 1) 0xffffffff',
    'pid (0, 0, 0) idx (1) i: (operand 0) 0xffffffff',
    'pid (0, 0, 0) idx (1) i: (operand 1) 0x000000ff',
  ]);
  dev.destroy();
});

it('what does not fit the log is counted and said', async () => {
  const lines: string[] = [];
  const dev = await device({ prefer: 'webgpu', onLog: (s) => void lines.push(s) });
  const x = dev.tensor(Int32Array.from({ length: 1024 }, (_, i) => i));
  K.loud.launch(dev, [8], { x });
  await dev.sync();
  // Six words a record, in 64 KiB with one word of count.
  const kept = Math.floor((16384 - 1) / 6);
  expect(lines.length).toBe(kept + 1);
  expect(lines.at(-1)).toBe(`loud: ${8 * 1024 * 6 - 16383} words of device_print output did not fit and were dropped`);
  dev.destroy();
});

onEachDevice('hints', (dev) => {
  it('change nothing', async () => {
    const x = dev().tensor(Float32Array.from({ length: 96 }, (_, i) => i));
    const out = dev().zeros([96], 'f32');
    K.hints.launch(dev(), [3], { x, out, n: 4 });
    expect(await out.toNumbers()).toEqual(Array.from({ length: 96 }, (_, i) => i + 4));
    expect(dev().stats.wgslMessages).toEqual([]);
  });
});
