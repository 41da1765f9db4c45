// The benchmarks' own arithmetic: medians, pair counts, the float64 reference of attention, ratios, and that every workload sets up.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { device } from 'tessera';
import { describe, expect, it } from 'vitest';
import { barsOf, place, svgChart, textChart } from '../../bench/chart.ts';
import { summarize } from '../../bench/measure.ts';
import { capture } from '../../bench/nullDevice.ts';
import { ratioTo, readReference, table } from '../../bench/report.ts';
import { Data, largestError, randomInts } from '../../bench/workload.ts';
import { workloads } from '../../bench/workloads/index.ts';
import { attend, pairs } from '../../bench/workloads/prefill.ts';

describe('statistics', () => {
  it('takes the middle, the smallest and the 90th percentile', () => {
    const s = summarize([5, 1, 4, 2, 3, 10, 9, 8, 7, 6]);
    expect(s).toEqual({ median_ms: 5.5, min_ms: 1, p90_ms: 10, reps: 10 });
    expect(summarize([3, 1, 2]).median_ms).toBe(2);
  });
  it('counts what is not a number, and what is missing, as infinitely wrong', () => {
    expect(largestError([1, 2], [1, 2.5])).toBe(0.5);
    expect(largestError([NaN, 2], [1, 2])).toBe(Infinity);
    expect(largestError([1, -Infinity], [1, -Infinity])).toBe(0);
    expect(largestError([1], [1, 2])).toBe(Infinity);
  });
});

describe('attention', () => {
  it('counts allowed pairs as a loop over all of them does', () => {
    for (const [seq, causal, window] of [
      [17, true, 0],
      [17, false, 0],
      [40, true, 5],
      [40, false, 7],
    ] as const) {
      let n = 0;
      for (let i = 0; i < seq; i++) for (let j = 0; j < seq; j++) if ((!causal || j <= i) && (!window || j >= i - window)) n++;
      expect(pairs(seq, causal, window)).toBe(n);
    }
  });
  it('averages values where all scores are equal', () => {
    const shape = { dtype: 'f32', batch: 1, heads: 1, kvHeads: 1, dim: 2, seq: 4, causal: true } as const;
    const v = Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40);
    expect([...attend([0, 0], new Float32Array(8).fill(3), v, 2, shape)].map((x) => Math.round(x * 1e9) / 1e9)).toEqual([2, 20]);
    const windowed = attend([0, 0], new Float32Array(8), v, 3, { ...shape, window: 1 });
    expect([...windowed]).toEqual([3.5, 35]);
  });
});

describe('reports', () => {
  const file = join(tmpdir(), `tessera-reference-${process.pid}.json`);
  const figures = [
    { name: 'a', median_ms: 2 },
    { name: 'broken', error: 'out of memory' },
  ];
  writeFileSync(file, JSON.stringify({ device: 'X', workloads: figures, interpreter: [{ name: 'i', median_ms: 5 }] }));
  it('reads figures, leaves out errors and compares speeds', () => {
    const r = readReference(file);
    expect([...r.figures.keys()]).toEqual(['a', 'i']);
    expect(
      ratioTo(
        r,
        [
          { reference: 'a', target: 1 },
          { reference: 'none', target: null },
        ],
        4,
      ),
    ).toEqual([
      { reference: 'a', ratio: 0.5, target: 1 },
      { reference: 'none', ratio: null, target: null },
    ]);
  });
  it('aligns columns', () => {
    const coloured = table(
      ['name', 'ms'],
      [
        ['a', '1'],
        ['bb', '22.5'],
      ],
    );
    expect(stripVTControlCharacters(coloured).split('\n')).toEqual(['name    ms', 'a        1', 'bb    22.5']);
  });
  it('draws a bar for every ratio', () => {
    const bars = barsOf([{ name: 'a', ratios: [{ reference: 'a', ratio: 0.1, target: 1 }] }, { name: 'failed' }]);
    expect(bars).toEqual([{ label: 'a', ratio: 0.1, target: 1 }]);
    expect(place(0.01)).toBe(0);
    expect(place(100)).toBe(1);
    expect(textChart(bars, 30).split('\n')[1]).toBe(`a ${'█'.repeat(10)}${'·'.repeat(10)}|${'·'.repeat(9)} 0.10 of 1`);
    expect(svgChart(bars, 't')).toContain('0.10 of 1');
  });
});

describe('workloads', () => {
  it('have names of their own and the same random choices every time', () => {
    expect(new Set(workloads.map((w) => w.name)).size).toBe(workloads.length);
    const [a, b] = [randomInts(5), randomInts(5)];
    expect([a(10), a(1000), a(7)]).toEqual([b(10), b(1000), b(7)]);
  });
  const kernels = workloads.filter((w) => !w.name.startsWith('ceiling_'));
  it.each(kernels.map((w) => [w.name, w] as const))('%s sets up at full size and specialises one kernel', async (_, w) => {
    const { definition, signature } = await capture(w);
    expect(definition.kind).toBe('kernel');
    expect(Object.keys(signature).sort()).toEqual(definition.params.map((p) => p.name).sort());
  });
});

describe('spot checks', () => {
  const names = ['copy_tessera', 'reshape_and_cache_f16', 'diffkv_f16', 'pack_seq_f16', 'unpack_seq_f32', 'correct_attn_out_f16'];
  it.each([...names, 'matmul_f32', 'prefill_f32_b4_h16_kv16_d64_s1024_causal'])(
    '%s passes as it is, and fails when nothing runs',
    async (name) => {
      const dev = await device({ prefer: 'interp' });
      const data = new Data(dev);
      const job = await workloads.find((w) => w.name.includes(name))!.setup(data, true);
      const ok = await job.check!(job.variants[0].launch);
      expect(ok.error).toBeLessThanOrEqual(ok.tolerance);
      const idle = await job.check!(() => {});
      expect(idle.error).toBeGreaterThan(idle.tolerance);
      data.free();
      dev.destroy();
    },
  );
});
