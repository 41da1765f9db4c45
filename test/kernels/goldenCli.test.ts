// The golden runner as a program: any manifest anywhere on disk, one line a failing case, the summary, the exit code.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const golden = (...args: string[]): Promise<Ran> =>
  new Promise((done) => {
    const argv = ['--import', './scripts/register.mjs', 'scripts/golden.ts', ...args];
    execFile(process.execPath, argv, { cwd: ROOT }, (error, stdout, stderr) => {
      done({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });

/** Two sequences of one and two tokens of two i32 each, packed with -1: [[[1, 2], [-1, -1]], [[3, 4], [5, 6]]]. */
const X = [1, 2, 3, 4, 5, 6];
const LENGTHS = [1, 2];
const OUT = [1, 2, -1, -1, 3, 4, 5, 6];

function pack(id: string, outOffset: number, kernel = 'pack_seq'): object {
  const ref = (name: string, shape: number[], offset: number) => {
    return { name, dtype: 'i32', shape, offset, nbytes: 4 * shape.reduce((a, b) => a * b, 1) };
  };
  return {
    id,
    kernel,
    params: { pad_value: -1, block_t: 4, block_d: 2 },
    inputs: [ref('x', [3, 2], 0), ref('lengths', [2], 32)],
    outputs: [ref('out', [2, 2, 2], outOffset)],
    ref_tolerance: { per_output: { out: { max_abs: 0, rms_rel: 0 } } },
  };
}

describe('golden', () => {
  let dir: string;
  let manifest: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'golden-'));
    manifest = join(dir, 'made-up.json');
    const wrong = OUT.with(5, 44);
    const words = Int32Array.from([...X, 0, 0, ...LENGTHS, 0, 0, ...OUT, ...wrong]);
    writeFileSync(join(dir, 'tensors.bin'), new Uint8Array(words.buffer));
    const cases = [pack('right', 48), pack('wrong', 80), pack('unknown', 48, 'made_up')];
    writeFileSync(manifest, JSON.stringify({ bin: 'tensors.bin', cases }));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('tells the failing case and counts, and exits with 1', async () => {
    const { code, stdout } = await golden(manifest, '--device', 'interp');
    expect(stdout.split('\n').slice(1)).toEqual([
      'FAIL wrong out[1, 0, 1]: got 4, expected 44 (the same bits; 1 of 8 elements)',
      'FAIL unknown: there is no host function for kernel made_up',
      '1 passed, 2 failed, 0 skipped',
      '',
    ]);
    expect(code).toBe(1);
  });
  it('exits with 0 when the cases that the filter leaves pass', async () => {
    const { code, stdout } = await golden(manifest, '--device', 'interp', '--filter', '^right$');
    expect(stdout).toMatch(/\n1 passed, 0 failed, 0 skipped\n$/);
    expect(code).toBe(0);
  });
  it('lists cases without running them', async () => {
    const { stdout } = await golden(manifest, '--list');
    expect(stdout).toBe('right\nwrong\nunknown\n3 cases\n');
  });
  it.each([
    [[], 'usage: golden MANIFEST.json'],
    [['/nowhere.json'], '/nowhere.json: no such file'],
    [['MANIFEST', '--device', 'cuda'], '--device is interp or webgpu, found cuda'],
    [['MANIFEST', '--filter', '('], '--filter: Invalid regular expression'],
    [['MANIFEST', '--slow', 'soon'], '--slow is a number of seconds, found soon'],
    [['MANIFEST', '--filter', 'absent'], 'no case matches /absent/'],
    [['MANIFEST', '--colour'], "Unknown option '--colour'"],
  ])('%j: says what is wrong and exits with 2', async (args, text) => {
    const { code, stderr } = await golden(...args.map((a) => (a === 'MANIFEST' ? manifest : a)));
    expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });
  it('refuses a manifest whose tensors do not fit its file', async () => {
    const bad = join(dir, 'bad.json');
    writeFileSync(bad, JSON.stringify({ bin: 'tensors.bin', cases: [pack('late', 800)] }));
    const { code, stderr } = await golden(bad);
    expect(stderr).toMatch(/bad\.json: case late: outputs out: ends at byte 832 of a file of 112\n$/);
    expect(code).toBe(2);
  });
});
