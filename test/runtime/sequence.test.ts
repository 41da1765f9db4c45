// Recorded sequences on both devices: a replay does what the launches would, on what the tensors hold then, at the cost of one submit.

import { expect, it } from 'vitest';
import { CompileError, cdiv, kernel, type Tensor, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const scale_kernel = kernel(function scale_kernel({
  x,
  out,
  factor,
  n,
  BLOCK,
}: {
  x: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  factor: tl.f32;
  n: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const mask = offs < n;
  tl.store(out + offs, tl.load(x + offs, { mask }) * factor, { mask });
});

const N = 100;
const iota = Float32Array.from({ length: N }, (_, i) => i);

onEachDevice('a sequence', (dev, kind) => {
  const scale = (x: Tensor, out: Tensor, factor: number): void =>
    scale_kernel.launch(dev(), [cdiv(N, 32)], { x, out, factor, n: N, BLOCK: 32 });
  const refuses = (run: () => unknown, code: string): void => {
    let error: unknown = null;
    try {
      run();
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(CompileError);
    expect((error as CompileError).diagnostics[0].code).toBe(code);
  };

  it('runs nothing while it is recorded, and everything at each replay, in order', async () => {
    const [x, y, z] = [dev().tensor(iota), dev().zeros([N]), dev().zeros([N])];
    const sequence = dev().record(() => {
      scale(x, y, 2);
      scale(y, z, 10);
    });
    expect(sequence.launches).toBe(2);
    expect((await z.toNumbers()).every((v) => v === 0)).toBe(true);
    sequence.replay();
    expect(await z.toNumbers()).toEqual([...iota].map((v) => 20 * v));
    x.write(iota.map((v) => v + 1));
    sequence.replay();
    expect(await z.toNumbers()).toEqual([...iota].map((v) => 20 * (v + 1)));
    sequence.free();
    for (const t of [x, y, z]) t.free();
  });

  it('costs one submit, and no trace, compilation, cache look-up, upload or buffer', async () => {
    const x = dev().tensor(iota);
    const out = Array.from({ length: 100 }, () => dev().zeros([N]));
    const sequence = dev().record(() => {
      for (const [i, t] of out.entries()) scale(i ? out[i - 1] : x, t, i ? 1 : 3);
    });
    await dev().sync();
    const before = { ...dev().stats };
    sequence.replay();
    const { stats } = dev();
    expect(stats.launches - before.launches).toBe(100);
    expect(stats.submits - before.submits).toBe(kind === 'webgpu' ? 1 : 0);
    for (const counter of ['traces', 'compiles', 'hits', 'uploads', 'downloads', 'buffers', 'bytesAllocated'] as const) {
      expect([counter, stats[counter]]).toEqual([counter, before[counter]]);
    }
    expect(await out[99].toNumbers()).toEqual([...iota].map((v) => 3 * v));
    sequence.free();
    for (const t of [x, ...out]) t.free();
  });

  it('keeps its order among other launches', async () => {
    const [x, y] = [dev().tensor(iota), dev().zeros([N])];
    const sequence = dev().record(() => scale(x, y, 2));
    scale(y, x, 0); // x = 0
    sequence.replay(); // y = 0
    scale(x, y, 1);
    x.write(iota);
    sequence.replay();
    scale(y, x, 3);
    expect(await x.toNumbers()).toEqual([...iota].map((v) => 6 * v));
    sequence.free();
    for (const t of [x, y]) t.free();
  });

  it('records copies and fills', async () => {
    const [x, y, z] = [dev().tensor(iota), dev().zeros([N]), dev().full([N], 5)];
    const half = y.slice(0, 0, 50);
    const sequence = dev().record(() => {
      y.fill(7);
      half.copyFrom(x.slice(0, 50, 100));
      z.fill(0);
      scale(y, y, 2);
    });
    expect(await z.toNumbers()).toEqual(Array(N).fill(5));
    for (let i = 0; i < 2; i++) {
      z.fill(5);
      sequence.replay();
      expect(await y.toNumbers()).toEqual([...Array.from({ length: 50 }, (_, j) => 2 * (50 + j)), ...Array(50).fill(14)]);
      expect(await z.toNumbers()).toEqual(Array(N).fill(0));
    }
    sequence.free();
    for (const t of [x, y, z]) t.free();
  });

  it('keeps the scratch that its body makes and frees, and gives it back with itself', async () => {
    const [x, y] = [dev().tensor(iota), dev().zeros([N])];
    const { buffers } = dev().stats;
    const sequence = dev().record(() => {
      const scratch = dev().empty([N]);
      scale(x, scratch, 4);
      scale(scratch, y, 1);
      scratch.free();
    });
    for (let i = 0; i < 3; i++) sequence.replay();
    expect(await y.toNumbers()).toEqual([...iota].map((v) => 4 * v));
    expect(dev().stats.buffers).toBe(buffers + 1);
    sequence.free();
    sequence.free();
    expect(dev().stats.buffers).toBe(buffers);
    refuses(() => sequence.replay(), 'TL4404');
    for (const t of [x, y]) t.free();
  });

  it('refuses a tensor that is gone, and what cannot be recorded', async () => {
    const [x, y] = [dev().tensor(iota), dev().zeros([N])];
    const { buffers } = dev().stats;
    refuses(() => dev().record(() => void dev().record(() => {})), 'TL4401');
    refuses(() => dev().record(() => x.write(iota)), 'TL4402');
    refuses(() => dev().record(async () => {}), 'TL4403');
    await expect(dev().profile(() => void dev().record(() => scale(x, y, 1)))).resolves.toEqual([]);
    const waits: Promise<unknown>[] = [];
    dev()
      .record(() => void waits.push(x.download(), dev().sync(), x.readBack()))
      .free();
    for (const r of await Promise.allSettled(waits)) expect(r.status).toBe('rejected');
    // A body that throws leaves nothing behind, and the device works on.
    const boom = (): void => {
      const scratch = dev().empty([N]);
      scale(x, scratch, 2);
      scratch.free();
      throw new RangeError('boom');
    };
    expect(() => dev().record(boom)).toThrow(RangeError);
    expect(dev().stats.buffers).toBe(buffers);
    scale(x, y, 2);
    expect((await y.toNumbers())[3]).toBe(6);
    const sequence = dev().record(() => scale(x, y, 1));
    x.free();
    refuses(() => sequence.replay(), 'TL4405');
    sequence.free();
    y.free();
  });

  it('is timed launch by launch', async () => {
    const [x, y] = [dev().tensor(iota), dev().zeros([N])];
    const sequence = dev().record(() => {
      scale(x, y, 1);
      scale(y, x, 1);
    });
    const times = await dev().profile(() => sequence.replay());
    expect(times.map((t) => t.kernel)).toEqual(['scale_kernel', 'scale_kernel']);
    sequence.free();
    for (const t of [x, y]) t.free();
  });
});

const add_one = kernel(function add_one({ x, out }: { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32> }) {
  const i = tl.program_id(0);
  tl.store(out + i, tl.load(x + i) + 1);
});

onEachDevice('what the host knows of a tensor', (dev, kind) => {
  const ints = (...values: number[]): Tensor => dev().tensor(Int32Array.from(values));
  const known = (t: Tensor): number[] | null => {
    const values = t.hostValues();
    return values && [...values];
  };
  /** The interpreter's memory is the host's. */
  const unlessInterp = (values: number[]): number[] | null => (kind === 'interp' ? values : null);

  it('are the integers that it wrote, views of them, and parts that it overwrote', () => {
    const data = Int32Array.from([1, 2, 3, 4, 5, 6]);
    const t = dev().tensor(data, { shape: [2, 3] });
    data[0] = 99;
    expect(known(t)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(known(t.transpose())).toEqual([1, 4, 2, 5, 3, 6]);
    t.select(0, 1).write([7, 8, 9]);
    expect(known(t)).toEqual([1, 2, 3, 7, 8, 9]);
    expect(known(dev().tensor(BigInt64Array.of(-1n, 5n)))).toEqual([-1, 5]);
    expect(known(dev().tensor(Float32Array.of(1)))).toEqual(unlessInterp([1]));
  });
  it('ends where the device writes, and comes back with readBack', async () => {
    const [x, y] = [ints(1, 2), ints(0, 0)];
    add_one.launch(dev(), [2], { x, out: y });
    expect(known(x)).toEqual([1, 2]);
    expect(known(y)).toEqual(unlessInterp([2, 3]));
    await y.readBack();
    expect(known(y)).toEqual([2, 3]);
    y.copyFrom(x);
    expect(known(y)).toEqual(unlessInterp([1, 2]));
    y.write([5, 6]);
    expect(known(y)).toEqual([5, 6]);
    y.fill(3);
    expect(known(y)).toEqual(unlessInterp([3, 3]));
  });
  it('ends with the replay of a sequence that writes', async () => {
    const [x, y] = [ints(1, 2), ints(0, 0)];
    const sequence = dev().record(() => add_one.launch(dev(), [2], { x, out: y }));
    y.write([8, 9]);
    expect(known(y)).toEqual([8, 9]);
    sequence.replay();
    expect(known(y)).toEqual(unlessInterp([2, 3]));
    // A launch between the start and the end of a download makes it stale.
    const reading = y.readBack();
    sequence.replay();
    await reading;
    expect(known(y)).toEqual(unlessInterp([2, 3]));
  });
});
