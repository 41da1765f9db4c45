// docs/porting-from-triton.md shows what the porter writes: whole files side by side, and lines in the table of newer functions. The
// second file is also run, as it stands on the page.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Kernel } from '../../src/index.ts';
import { portSource } from '../../src/port/port.ts';
import { onEachDevice } from '../support/devices.ts';
import { load, typeErrors } from './load.ts';

const page = readFileSync(new URL('../../docs/porting-from-triton.md', import.meta.url), 'utf8');
const pairs = [...page.matchAll(/```python\n([\s\S]*?)```\s*```ts\n([\s\S]*?)```/g)].map(([, python, ts]) => ({ python, ts }));

it.each([...pairs.keys()])('side by side, number %i', (i) => {
  const { code, diagnostics } = portSource(pairs[i].python);
  expect(diagnostics).toEqual([]);
  expect(code.slice(code.indexOf('import '))).toBe(pairs[i].ts);
});

it('side by side, number 2, type-checks', () => expect(typeErrors(pairs[2].ts, 'page')).toEqual([]));

/** A line of Python in a kernel that has these things at hand. */
function ported(line: string): string {
  const kernel = 'def k(p, n, s: tl.float32, N: tl.constexpr):';
  const before = ['offs = tl.arange(0, N)', 'x = tl.load(p + offs)', 'm = offs < n'];
  const lines = [...before, line].map((l) => `    ${l}`);
  const python = ['@triton.jit', 'def f(a, b):', '    return a + b', '@triton.jit', kernel, ...lines, ''].join('\n');
  const { code, diagnostics } = portSource(python);
  expect(diagnostics).toEqual([]);
  const after = code.slice(code.indexOf('const m = offs < n;')).split('\n').slice(1);
  return after
    .slice(0, after.lastIndexOf('});'))
    .map((l) => l.trim())
    .join(' ');
}

const section = /## Functions and options\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
const rows = [...section.matchAll(/^\| `(.*?)` \| `(.*?)` \|$/gm)];
it('has a table of functions', () => expect(rows.length).toBeGreaterThan(15));
it.each(rows.map(([, python, ts]) => [python, ts]))('%s', (python, ts) => {
  expect(ported(python.replaceAll('\\|', '|'))).toBe(ts.replaceAll('\\|', '|'));
});

onEachDevice('the second kernel of the page', (dev) => {
  it.each([
    ['nothing dropped', 0],
    ['everything dropped', 1],
  ])('%s', async (_, p) => {
    const { row_winners } = load(pairs[1].ts, 'row_winners.ts') as { [name: string]: Kernel };
    const [n_rows, n_cols, COLS] = [6, 20, 16];
    const x = Float32Array.from({ length: n_rows * n_cols }, (_, i) => ((i * 37) % 101) / 8 + 0.125);
    const sums = dev().zeros([n_rows, n_cols], 'f32');
    const wins = dev().zeros([32], 'i32');
    const x_ptr = dev().tensor(x, { shape: [n_rows, n_cols] });
    row_winners.launch(dev(), [2], { x_ptr, sums_ptr: sums, wins_ptr: wins, n_rows, n_cols, p, seed: 3, ROWS: 4, COLS });

    const want = { sums: [] as number[], wins: Array<number>(32).fill(0) };
    for (let r = 0; r < n_rows; r++) {
      for (let start = 0; start < n_cols; start += COLS) {
        const block = [...x.subarray(r * n_cols + start, r * n_cols + Math.min(n_cols, start + COLS))].map((v) => v * (1 - p));
        want.wins[start + block.indexOf(Math.max(...block))]++;
        let sum = 0;
        for (const v of block) want.sums.push((sum += v));
      }
    }
    // Sums of eighths are exact.
    expect(await sums.toNumbers()).toEqual(want.sums);
    expect(await wins.toNumbers()).toEqual(want.wins);
    expect(dev().stats.wgslMessages).toEqual([]);
  });
});
