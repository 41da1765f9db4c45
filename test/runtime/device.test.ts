// One suite for both devices: tensors, views, launches, caches, faults. Where a device cannot take part in a case the case says why.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../src/runtime/core.ts';
import type { WebGpuBackend } from '../../src/runtime/webgpu/backend.ts';
import { add, asserts, ids, open, program, scalars } from './support.ts';

const iota = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);

describe.each(['interp', 'webgpu'] as const)('device: %s', (kind) => {
  let dev: Device;
  const lines: string[] = [];
  beforeAll(async () => {
    dev = await open(kind, { onLog: (l) => lines.push(l) });
    expect(dev.kind, 'no WebGPU adapter: run the tests through scripts/with-vulkan.mjs').toBe(kind);
  });
  afterAll(() => dev.destroy());

  describe('tensors', () => {
    it('come back as they went up, in every memory format', async () => {
      const cases = [
        new Float32Array([1.5, -0, NaN, Infinity]),
        new Int32Array([-(2 ** 31), 2 ** 31 - 1, 0]),
        new Uint32Array([2 ** 32 - 1]),
        new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]),
        new Int8Array([-128, 127, 1]),
        new Uint8Array([255, 0, 7, 9, 1]),
        new Int16Array([-32768, 5, 6]),
      ];
      for (const data of cases) {
        const t = dev.tensor(data);
        expect(await t.download()).toEqual(data);
        t.free();
      }
    });
    it('round numbers to f16 exactly and show its bits', async () => {
      // IEEE 754 binary16: 1 = 0x3c00, 65504 = 0x7bff, 2^-24 = 0x0001, ties to even (2049 → 2048)
      const t = dev.tensor([1, 65504, 2 ** -24, 65520, 2049, 2051, -0], { dtype: 'f16' });
      expect([...(await t.download())]).toEqual([0x3c00, 0x7bff, 1, 0x7c00, 0x6800, 0x6802, 0x8000]);
      expect(await t.toNumbers()).toEqual([1, 65504, 2 ** -24, Infinity, 2048, 2052, -0]);
      const raw = dev.tensor(new Uint16Array([0x3c00]), { dtype: 'f16' });
      expect(await raw.toNumbers()).toEqual([1]);
      t.free();
      raw.free();
    });
    it('take nested arrays, bigints, booleans, scalars and nothing', async () => {
      const nested = dev.tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      expect(nested.shape).toEqual([2, 3]);
      expect(nested.dtype.name).toBe('f32');
      const big = dev.tensor([1n, -2n]);
      expect(await big.download()).toEqual(new BigInt64Array([1n, -2n]));
      const bools = dev.tensor([true, false, true]);
      expect(await bools.download()).toEqual(new Uint8Array([1, 0, 1]));
      const i64 = dev.tensor([5, -6], { dtype: 'i64' });
      expect(await i64.download()).toEqual(new BigInt64Array([5n, -6n]));
      const one = dev.tensor(7);
      expect([one.shape, await one.toNumbers()]).toEqual([[], [7]]);
      const none = dev.empty([3, 0], 'i32');
      expect(await none.download()).toEqual(new Int32Array(0));
      for (const t of [nested, big, bools, i64, one, none]) t.free();
    });
    it('are zero when new and fill with any element width', async () => {
      const z = dev.zeros([5], 'f32');
      expect(await z.toNumbers()).toEqual([0, 0, 0, 0, 0]);
      z.free();
      for (const dtype of ['u8', 'f16', 'f32', 'i64'] as const) {
        const t = dev.full([3, 3], 3, dtype);
        t.select(0, 1).fill(5);
        expect(await t.toNumbers()).toEqual([3, 3, 3, 5, 5, 5, 3, 3, 3]);
        t.free();
      }
    });
    it('take data with strides as memory from the first to the last element', async () => {
      const columns = dev.emptyStrided([2, 3], [1, 2], 'i32');
      columns.write([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      expect(await columns.reshape(2, 3).transpose().reshape(-1).download()).toEqual(new Int32Array([1, 4, 2, 5, 3, 6]));
      columns.free();
      const t = dev.tensor(iota(7), { shape: [2, 3], strides: [4, 1] });
      expect(await t.toNumbers()).toEqual([0, 1, 2, 4, 5, 6]);
      t.free();
    });
  });

  describe('views', () => {
    it('show the same memory: slice, select, transpose, unbind, reshape', async () => {
      const t = dev.tensor(iota(24), { shape: [2, 3, 4] });
      expect(await t.select(1, -1).toNumbers()).toEqual([8, 9, 10, 11, 20, 21, 22, 23]);
      expect(await t.slice(2, 1, 4, 2).select(0, 1).toNumbers()).toEqual([13, 15, 17, 19, 21, 23]);
      expect(await t.select(0, 0).transpose().toNumbers()).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
      expect(await t.unbind(0)[1].reshape(-1).slice(0, -2).toNumbers()).toEqual([22, 23]);
      expect(await t.permute(2, 0, 1).select(0, 3).toNumbers()).toEqual([3, 7, 11, 15, 19, 23]);
      expect(t.reshape(6, 4).strides).toEqual([4, 1]);
      expect(t.transpose(1, 2).unsqueeze(0).reshape(2, 4, 3).strides).toEqual([12, 1, 4]);
      expect(() => t.transpose(1, 2).reshape(24)).toThrow(/TL4106.*cannot be viewed with shape \[24\]/);
      t.free();
    });
    it('copy to row-major order on the device, for every element width', async () => {
      for (const dtype of ['u8', 'f16', 'f32', 'i64'] as const) {
        const t = dev.tensor([...iota(15)], { dtype, shape: [3, 5] });
        const c = t.slice(1, 1, 4).transpose().contiguous();
        expect(c.isContiguous).toBe(true);
        expect(await c.toNumbers()).toEqual([1, 6, 11, 2, 7, 12, 3, 8, 13]);
        c.free();
        t.free();
      }
    });
    it('are written without touching their neighbours, aligned or not', async () => {
      for (const dtype of ['bool', 'u8', 'f16', 'f32', 'i64'] as const) {
        const t = dev.zeros([3, 3], dtype);
        t.slice(1, 1).write([
          [1, 1],
          [0, 1],
          [1, 0],
        ]);
        expect(await t.toNumbers()).toEqual([0, 1, 1, 0, 0, 1, 0, 1, 0]);
        t.free();
      }
    });
    it('change the dtype, to one of another width too', async () => {
      const t = dev.tensor(new Float32Array([1, -2]));
      expect(await t.view('u32').download()).toEqual(new Uint32Array([0x3f800000, 0xc0000000]));
      expect(await t.view('u16').download()).toEqual(new Uint16Array([0, 0x3f80, 0, 0xc000]));
      expect(await t.view('u8').slice(0, 4).view('f32').toNumbers()).toEqual([-2]);
      expect(() => t.view('u8').slice(0, 1).view('f32')).toThrow(/TL4108.*size 7 does not divide evenly/);
      t.free();
    });
    it('stay usable until the owner is freed; then they say so', async () => {
      const t = dev.tensor(iota(4), { name: 'scores' });
      const v = t.slice(0, 1);
      v.free();
      expect(await v.toNumbers()).toEqual([1, 2, 3]);
      t.free();
      await expect(v.download()).rejects.toThrow(/TL4105: a view of scores \(f32\[3\]\) was freed/);
      expect(() => t.free()).toThrow(/TL4104: scores \(f32\[4\]\) was freed twice/);
      expect(() => t.write([1, 2, 3, 4])).toThrow(/TL4105/);
    });
  });

  describe('launches', () => {
    it('compute, at any offset of their arguments', async () => {
      const n = 1000;
      const x = dev.tensor(iota(n));
      const y = dev.tensor(iota(n + 3).map((v) => 10 * v));
      const out = dev.zeros([n]);
      dev.launch(add, [Math.ceil(n / 64)], { x, y: y.slice(0, 3), out, n, BLOCK: 64 });
      expect(await out.toNumbers()).toEqual([...iota(n)].map((v) => v + 10 * (v + 3)));
      for (const t of [x, y, out]) t.free();
    });
    it('take a grid from a function and programs of two dimensions', async () => {
      const out = dev.zeros([12], 'i32');
      dev.launch(ids, () => [4, 3], { out });
      expect(await out.toNumbers()).toEqual([...iota(12)]);
      out.free();
    });
    it('fold grids beyond 65535 workgroups', async () => {
      const n = 70001;
      const out = dev.zeros([n], 'i32');
      dev.launch(ids, [n], { out });
      const got = await out.download();
      expect(got.every((v, i) => v === i)).toBe(true);
      out.free();
    });
    it('of zero programs do nothing', async () => {
      const out = dev.zeros([1], 'i32');
      dev.launch(ids, [0], { out });
      dev.launch(ids, [5, 0], { out });
      expect(await out.toNumbers()).toEqual([0]);
      out.free();
    });
    it('pass scalars of every kind, and device_print says them at sync', async () => {
      const out = dev.zeros([3]);
      lines.length = 0;
      dev.launch(scalars, [1], { out, i: -(2n ** 40n), h: 1.0001, b: true });
      await dev.sync();
      expect(await out.toNumbers()).toEqual([-(2 ** 40), 1, 1]);
      expect(lines).toEqual(['pid (0, 0, 0) idx () h: 1.000000']);
      out.free();
    });
    it('are timed one by one', async () => {
      const out = dev.zeros([4096], 'i32');
      const times = await dev.profile(() => {
        dev.launch(ids, [4096], { out });
        dev.launch(ids, [2], { out });
      });
      expect(times.map((t) => [t.kernel, t.grid])).toEqual([
        ['ids', [4096, 1, 1]],
        ['ids', [2, 1, 1]],
      ]);
      expect(times.every((t) => t.nanoseconds >= 0 && t.nanoseconds < 60e9)).toBe(true);
      const failing = dev.profile(() => {
        throw new Error('in the body');
      });
      await expect(failing).rejects.toThrow('in the body');
      out.free();
    });
    it('report a failed device_assert with the kernel, the program and the place', async () => {
      const out = dev.zeros([1]);
      const run = async () => {
        dev.launch(asserts, [1], { out });
        await dev.sync();
      };
      await expect(run()).rejects.toThrow(/x must be positive/);
      await dev.sync(); // reported once
      out.free();
    });
    it('trace and compile once for each specialisation', () => {
      const args = { x: dev.zeros([64]), y: dev.zeros([64]), out: dev.zeros([64]) };
      const before = { ...dev.stats };
      const go = (n: number, BLOCK = 32, more = {}) => dev.launch(add, [1], { ...args, n, BLOCK, ...more });
      const since = () => [
        dev.stats.launches - before.launches,
        dev.stats.compiles - before.compiles,
        dev.stats.hits - before.hits,
      ];
      go(5);
      go(6);
      expect(since()).toEqual([2, 1, 1]);
      go(32); // divisible by 16
      go(1); // equal to 1
      expect(since()).toEqual([4, 3, 1]);
      go(48);
      go(5, 64); // another constexpr
      expect(since()).toEqual([6, 4, 2]);
      go(5, 32, { x: args.y }); // two pointers to one buffer
      go(5, 32, { x: args.x.slice(0, 4) }); // still aligned to 16 bytes
      go(5, 32, { x: args.x.slice(0, 1) }); // not
      expect(since()).toEqual([9, 6, 3]);
      for (const t of Object.values(args)) t.free();
    });
  });

  describe('refused before anything is launched', () => {
    const cases: [string, (d: Device, ok: Record<string, unknown>) => [grid: number[], args: Record<string, unknown>], RegExp][] =
      [
        ['an unknown argument', (_, ok) => [[1], { ...ok, BLOK: 1 }], /TL4001: add has no parameter 'BLOK'/],
        [
          'a missing argument',
          (_, { n: _n, ...ok }) => [[1], ok],
          /TL4002: the launch of add gives no argument 'n'\n {2}--> add\.kernel\.ts:5:3[\s\S]*5 \| {3}n,\n.*\^/,
        ],
        ['a missing constexpr', (_, { BLOCK: _b, ...ok }) => [[1], ok], /TL4002: .* no constexpr argument 'BLOCK'/],
        [
          'a dtype that differs',
          (d, ok) => [[1], { ...ok, x: d.zeros([4], 'f16') }],
          /TL4003: argument 'x' points to f32, but the tensor holds f16/,
        ],
        [
          'null for a pointer',
          (_, ok) => [[1], { ...ok, x: null }],
          /TL4004: argument 'x' is null, but its type tl\.ptr<tl\.f32> is not optional/,
        ],
        [
          'host data',
          (_, ok) => [[1], { ...ok, x: new Float32Array(4) }],
          /TL4005: .* a Float32Array \(host data, not a tensor\)/,
        ],
        [
          'a tensor for a scalar',
          (d, ok) => [[1], { ...ok, n: d.zeros([1]) }],
          /TL4006: argument 'n' is a scalar \(i32\), but the launch gives the tensor/,
        ],
        ['a fraction', (_, ok) => [[1], { ...ok, n: 1.5 }], /TL4007: argument 'n' is i32, but 1\.5 is not an integer/],
        [
          'an integer that is too large',
          (_, ok) => [[1], { ...ok, n: 2 ** 31 }],
          /TL4008: .*2147483648 does not fit[\s\S]*-2147483648 to 2147483647/,
        ],
        ['a tensor as constexpr', (d, ok) => [[1], { ...ok, BLOCK: d.zeros([1]) }], /TL4011: constexpr argument 'BLOCK'/],
        [
          'a grid that is no integer',
          (_, ok) => [[1.5], ok],
          /TL4012: the grid \[1\.5\] of add has 1\.5, which is not an integer/,
        ],
        ['a negative grid', (_, ok) => [[4, -1], ok], /TL4012: .* negative size -1/],
        ['four dimensions', (_, ok) => [[1, 1, 1, 1], ok], /TL4012: .* has 4 dimensions/],
        ['too many programs', (_, ok) => [[2 ** 31, 4], ok], /TL4013: .* has 8589934592 programs/],
      ];
    it.each(cases)('%s', (_, make, message) => {
      const x = dev.zeros([4]);
      const ok = { x, y: x, out: dev.zeros([4]), n: 4, BLOCK: 64 };
      const [grid, args] = make(dev, ok);
      const before = { ...dev.stats };
      expect(() => dev.launch(add, grid, args)).toThrow(message);
      expect(dev.stats).toEqual(before);
      for (const t of Object.values({ ...ok, ...args }))
        if (t && typeof t === 'object' && 'free' in t && !(t as typeof x).gone) (t as typeof x).free();
    });
    it('a freed tensor, a tensor of another device, and all faults at once', async () => {
      const other = await open('interp');
      const theirs = other.zeros([4]);
      const freed = dev.zeros([4], 'f32', 'weights');
      freed.free();
      const bad = () => dev.launch(add, [1], { x: freed, y: theirs, out: freed, n: 0.5, BLOCK: 64 });
      expect(bad).toThrow(/TL4010: argument 'x': weights \(f32\[4\]\) was freed/);
      expect(bad).toThrow(/TL4009: argument 'y': .* lives on another device/);
      expect(bad).toThrow(/TL4007/);
      other.destroy();
    });
    it('data that does not go with shape or dtype', () => {
      expect(() => dev.tensor([1, 2], { shape: [3] })).toThrow(/TL4101: .* takes 3 elements, but the data has 2/);
      expect(() => dev.tensor([1], { shape: [-1] })).toThrow(/TL4102/);
      expect(() => dev.tensor([300], { dtype: 'u8' })).toThrow(/TL4103: element 0 .* is 300, which u8 cannot hold/);
      expect(() => dev.tensor([0.5], { dtype: 'i64' })).toThrow(/TL4103/);
      expect(() => dev.tensor([[1, 2], [3]])).toThrow(/TL4110/);
      expect(() => dev.tensor(iota(4), { shape: [2, 2], strides: [2] })).toThrow(/TL4111/);
      expect(() => dev.tensor([1], { dtype: 'float' as 'f32' })).toThrow(/TL4113: "float" is not a dtype/);
      expect(() => dev.empty([2 ** 40])).toThrow(/TL4109: .* takes 4096 GiB; the largest buffer/);
    });
  });

  it('gives all memory back: many tensors, views and launches', async () => {
    const d = await open(kind);
    for (let i = 0; i < 300; i++) {
      const x = d.tensor(iota(64));
      const out = d.empty([64]);
      d.launch(add, [1], { x, y: x, out, n: 64, BLOCK: 64 });
      if (i % 100 === 99) expect(await out.slice(0, 0, 3).transpose(0, 0).toNumbers()).toEqual([0, 2, 4]);
      x.free();
      out.free();
    }
    expect(d.stats).toMatchObject({ bytesAllocated: 0, buffers: 0, launches: 300, compiles: 1, peakBytes: 512 });
    const left = d.zeros([10]);
    d.destroy();
    expect(d.stats).toMatchObject({ bytesAllocated: 0, buffers: 0 });
    await expect(left.download()).rejects.toThrow(/went with its device/);
    expect(() => d.zeros([1])).toThrow(/TL4205/);
    await expect(d.sync()).rejects.toThrow(/TL4205/);
  });

  it('two devices work side by side', async () => {
    const devices = await Promise.all([open(kind), open(kind), open('interp')]);
    const pairs = devices.map((d, i) => [d.full([64], i + 1), d.zeros([64])]);
    for (let k = 0; k < 10; k++) {
      devices.forEach((d, i) => {
        const [x, out] = k % 2 ? [pairs[i][1], pairs[i][0]] : pairs[i];
        d.launch(add, [1], { x, y: x, out, n: 64, BLOCK: 64 });
      });
    }
    await Promise.all(devices.map((d) => d.sync()));
    const got = await Promise.all(pairs.map(([x]) => x.toNumbers()));
    for (const d of devices) d.destroy();
    expect(got).toEqual([1, 2, 3].map((v) => new Array(64).fill(v * 2 ** 10)));
  });
});

describe('device: webgpu only', () => {
  const gpuOf = (d: Device): GPUDevice => (d.backend as WebGpuBackend).gpu;

  it('submits launches together', async () => {
    const d = await open('webgpu');
    const x = d.full([64], 1);
    const out = d.zeros([64]);
    await d.sync();
    const before = d.stats.submits;
    for (let i = 0; i < 64; i++) d.launch(add, [1], { x, y: x, out, n: 64, BLOCK: 64 });
    expect(d.stats.submits - before).toBe(1);
    await d.sync();
    expect(d.stats.submits - before).toBe(1);
    d.destroy();
  });
  it('names the launch that the GPU refused, at sync', async () => {
    const d = await open('webgpu');
    const broken = {
      ...program('broken', 1, [{ access: 'read_write', params: ['out'], wgslType: 'f32' }], [], 'out[0] = nonsense;'),
    };
    d.launchProgram(broken, [2, 3], { out: d.zeros([1]) });
    await expect(d.sync()).rejects.toThrow(/TL4204: the device refused [\s\S]*broken[\s\S]*nonsense/);
    await d.sync(); // reported once
    d.destroy();
  });
  it('holds ahead-of-time programs to the sharing of buffers that they were compiled for', async () => {
    const d = await open('webgpu');
    const [x, y] = [d.full([64], 1), d.full([64], 2)];
    expect(() => d.launchProgram(add.wgsl, [1], { x, y, out: x, n: 64 })).toThrow(
      /TL4022: .* arguments 'x' and 'out' share one, which it writes/,
    );
    const two = program('two', 1, [{ access: 'read_write', params: ['a', 'b'], wgslType: 'f32' }], [], 'a[0] = 5.0;');
    expect(() => d.launchProgram(two, [1], { a: x, b: y })).toThrow(/TL4023: .* arguments 'a' and 'b' in one buffer/);
    d.launchProgram(add.wgsl, [1], { x, y: x, out: y, n: 64 });
    d.launchProgram(two, [1], { a: x, b: x.slice(0, 8) });
    expect([(await x.toNumbers())[0], (await y.toNumbers())[0]]).toEqual([5, 2]);
    d.destroy();
  });
  it('checks limits of a program before it is launched', async () => {
    const d = await open('webgpu');
    const p = { ...ids.wgsl, workgroupStorage: 2 ** 20, workgroupSize: 4096, features: ['warp-drive'] };
    const bad = () => d.launchProgram(p, [1], { out: d.zeros([1], 'i32') });
    expect(bad).toThrow(/TL4015: ids needs 1 MiB of workgroup memory; this device has .*\n[\s\S]*times smaller/);
    expect(bad).toThrow(/TL4016: ids wants 4096 invocations/);
    expect(bad).toThrow(/TL4019: ids needs the feature 'warp-drive'/);
    d.destroy();
  });
  it('says which launch was running when the device was lost, and refuses further work', async () => {
    const d = await open('webgpu');
    const out = d.zeros([4], 'i32');
    d.launch(ids, [4], { out });
    gpuOf(d).destroy();
    await expect(out.download()).rejects.toThrow(/TL4202: the device was lost: [\s\S]*ids\[4, 1, 1\] \(ids\.kernel\.ts:1:7\)/);
    expect(() => d.launch(ids, [4], { out })).toThrow(/TL4202/);
    expect(() => d.zeros([1])).toThrow(/TL4202/);
    d.destroy();
  });
  it('refuses a feature that the adapter does not have', async () => {
    await expect(open('webgpu', { features: ['warp-drive'] })).rejects.toThrow(
      /TL4201: .* does not offer the feature 'warp-drive'/,
    );
  });
});
