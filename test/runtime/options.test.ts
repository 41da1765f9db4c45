// Options of kernels and launches, listeners, and the benchmark function.

import { expect, it } from 'vitest';
import { type CompileEvent, type Kernel, kernel, type LaunchEvent, testing, tl } from '../../src/index.ts';
import { summarizeTimes } from '../../src/runtime/testing.ts';
import { onEachDevice } from '../support/devices.ts';

interface Fill {
  out: tl.ptr<tl.f32>;
  n: tl.i32;
  m: tl.i32;
  V: tl.constexpr<tl.f32>;
}
const SPECIALIZED = kernel(function fill({ out, n, m, V }: Fill) {
  const offs = tl.arange(0, 16);
  tl.store(out + offs, V + m, { mask: offs < n });
});
const NOT_N = kernel(
  function fill({ out, n, m, V }: Fill) {
    const offs = tl.arange(0, 16);
    tl.store(out + offs, V + m, { mask: offs < n });
  },
  { do_not_specialize: ['n', 2], noinline: true, debug: false },
);
const UNALIGNED = kernel(
  function fill({ out, n, m, V }: Fill) {
    const offs = tl.arange(0, 16);
    tl.store(out + offs, V + m, { mask: offs < n });
  },
  { do_not_specialize_on_alignment: ['n', 'out'] },
);
const body = ({ n }: { n: tl.i32 }): void => tl.static_print(n);

onEachDevice('options', (dev) => {
  /** Specialisations that launches with these numbers make. */
  const traces = (k: Kernel<Fill>, numbers: readonly (readonly [n: number, m: number, from: number])[]): number => {
    const d = dev();
    const out = d.zeros([64], 'f32');
    const before = d.stats.traces;
    for (const [n, m, from] of numbers) k.launch(d, [1], { out: out.slice(0, from), n, m, V: 2 });
    out.free();
    return d.stats.traces - before;
  };
  it('do_not_specialize leaves values out, do_not_specialize_on_alignment only what they are divisible by', () => {
    const numbers = [
      [5, 3, 0], [16, 3, 0], [1, 3, 0], [5, 16, 0], [5, 1, 0], [5, 3, 1],
    ] as const; // biome-ignore format: one line
    expect(traces(SPECIALIZED, numbers)).toBe(6);
    expect(traces(NOT_N, numbers)).toBe(2); // the pointer's alignment
    expect(traces(UNALIGNED, numbers)).toBe(4); // n = 1, m = 16, m = 1
  });
  it('compute the same', async () => {
    const d = dev();
    for (const k of [SPECIALIZED, NOT_N, UNALIGNED])
      for (const [n, m] of [
        [1, 16],
        [16, 1],
      ]) {
        const out = d.full([16], -7, 'f32');
        k.launch(d, [1], { out, n, m, V: 2 });
        expect(await out.toNumbers()).toEqual([...Array(n).fill(2 + m), ...Array(16 - n).fill(-7)]);
        out.free();
      }
  });
  it('are refused when they do not exist or make no sense', () => {
    const d = dev();
    const out = d.zeros([16], 'f32');
    const args = { out, n: 5, m: 3, V: 2 };
    const message = (options: object): string => {
      try {
        SPECIALIZED.launch(d, [1], args, options);
      } catch (e) {
        return (e as Error).message.split('\n')[0];
      }
      return 'accepted';
    };
    const { launches } = d.stats;
    expect(message({ warps: 4 })).toBe("error TL4025: fill is given the option 'warps', which does not exist here");
    expect(message({ num_warps: 3 })).toBe('error TL4026: fill is given num_warps: 3');
    expect(message({ num_ctas: 2 })).toBe('error TL4026: fill is given num_ctas: 2');
    expect(message({ num_stages: -1 })).toBe('error TL4026: fill is given num_stages: -1');
    expect(message({ do_not_specialize: ['n'] })).toMatch(/^error TL4025/);
    const wrong = kernel(body, { do_not_specialize: ['nn'] });
    expect(() => wrong.launch(d, [1], { n: 3 })).toThrow();
    expect(d.stats.launches).toBe(launches);
    expect(message({ num_warps: 4, num_stages: 3, num_ctas: 1, enable_fp_fusion: false, maxnreg: null, debug: true })).toBe(
      'accepted',
    );
    out.free();
  });
  it('listeners are told of launches and compilations until they are taken off', () => {
    const d = dev();
    const out = d.zeros([16], 'f32');
    const seen: string[] = [];
    const show = (e: LaunchEvent): string => `${e.kernel}[${e.grid}] ${e.args.n} ${e.cached}`;
    const off = [
      d.onLaunch({ enter: (e) => seen.push(`enter ${show(e)}`), exit: (e) => seen.push(`exit ${show(e)}`) }),
      d.onCompile((e: CompileEvent) => seen.push(`compiled ${e.kernel} ${e.milliseconds > 0} ${e.program === null}`)),
    ];
    SPECIALIZED.launch(d, [2], { out, n: 7, m: 3, V: 8 });
    SPECIALIZED.launch(d, [1], { out, n: 9, m: 3, V: 8 });
    for (const f of off) f();
    SPECIALIZED.launch(d, [1], { out, n: 9, m: 3, V: 9 });
    expect(seen).toEqual([
      `compiled fill true ${d.kind === 'interp'}`,
      'enter fill[2,1,1] 7 false',
      'exit fill[2,1,1] 7 false',
      'enter fill[1,1,1] 9 true',
      'exit fill[1,1,1] 9 true',
    ]);
    out.free();
  });
  it('testing.do_bench measures', async () => {
    const d = dev();
    const out = d.zeros([16], 'f32');
    let calls = 0;
    const step = (): void => {
      calls++;
      SPECIALIZED.launch(d, [1], { out, n: 7, m: 3, V: 8 });
    };
    const all = await testing.do_bench(d, step, { warmup: 0, rep: 20, return_mode: 'all' });
    expect(calls).toBe(1 + 3 + 1 + all.length);
    expect(all.every((t) => t >= 0 && t < 1000)).toBe(true);
    const [lo, hi] = await testing.do_bench(d, step, { warmup: 1, rep: 5, quantiles: [0, 1] });
    expect(lo).toBeLessThanOrEqual(hi);
    expect(await testing.do_bench(d, step, { warmup: 1, rep: 1 })).toBeGreaterThanOrEqual(0);
    await expect(testing.do_bench(d, step, { quantiles: [2] })).rejects.toThrow(/TL4306/);
    await expect(testing.do_bench(d, step, { return_mode: 'mode' as 'min' })).rejects.toThrow(/TL4306/);
    out.free();
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});

it('times come down to a mean, a median, quantiles', () => {
  const times = [4, 1, 3, 10];
  expect(summarizeTimes(times, {})).toBe(4.5);
  expect(summarizeTimes(times, { return_mode: 'median' })).toBe(3.5);
  expect(summarizeTimes(times, { return_mode: 'min' })).toBe(1);
  expect(summarizeTimes(times, { return_mode: 'max' })).toBe(10);
  expect(summarizeTimes(times, { return_mode: 'all' })).toEqual(times);
  expect(summarizeTimes(times, { quantiles: [0.5, 0.2, 1] })).toEqual([3.5, 1 + 0.6 * 2, 10]);
});
