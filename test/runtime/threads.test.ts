// The interpreter on several threads gives what it gives on one: values, lines of device_print in order, the first error.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
interface Results {
  readonly sums: number[];
  readonly lines: string[];
  readonly error: string;
  readonly order: number[];
}

describe('interpreter threads', () => {
  let one: Results;
  let three: Results;
  beforeAll(() => {
    const args = ['--import', at('../../scripts/register.mjs'), at('./threadsMain.ts')];
    const r = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 100_000 });
    expect(r.stderr).toBe('');
    ({ one, three } = JSON.parse(r.stdout));
  }, 120_000);

  it('the same values', () => {
    const sum = Array.from({ length: 600 }, (_, k) => k % 7).reduce((a, b) => a + b, 0);
    expect(three.sums).toEqual(Array.from({ length: 400 * 64 }, (_, i) => sum + 600 * (i % 64)));
    expect(one.sums).toEqual(three.sums);
  });
  it('lines of device_print in the order of programs, up to the one that failed', () => {
    expect(three.lines).toEqual(one.lines);
    expect(three.lines).toHaveLength(8 + 4);
  });
  it('the error of the first program that fails', () => {
    expect(three.error).toMatch(/program id \(173, 0, 0\)/);
    expect(three.error).toBe(one.error);
  });
  it('programs with atomics run one after another', () => {
    expect(three.order).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });
});
