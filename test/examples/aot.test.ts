// Ahead of time: what `tessera build` writes is launched by a program that knows the two files alone, and is the same every time.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const node = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: ROOT });

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'aot-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function build(out: string): Promise<string> {
  const command = [
    'build',
    'examples/01-vector-add.ts',
    '--kernel',
    'add_kernel',
    '--signature',
    'BLOCK_SIZE=1024',
    '-o',
    join(dir, out),
  ];
  const { stdout } = await node('--import', './scripts/register.mjs', 'src/cli.ts', ...command);
  return stdout;
}

it('07-aot-launch runs the files that tessera build wrote', async () => {
  expect(await build('first')).toContain('validated by WebGPU, no warnings');
  const { stdout } = await node('examples/07-aot-launch/launch.mjs', join(dir, 'first', 'add_kernel.json'));
  expect(stdout).toMatch(/: 10000 sums from add_kernel\.wgsl, largest error 0\n$/);

  await build('second');
  for (const file of ['add_kernel.wgsl', 'add_kernel.json']) {
    expect(readFileSync(join(dir, 'second', file), 'utf8')).toBe(readFileSync(join(dir, 'first', file), 'utf8'));
  }
});
