// The runtime in a process of its own: it ends by itself, whether devices were destroyed or not, and says once that it fell back.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIR = join(ROOT, 'node_modules', '.cache', 'tessera', `test-${process.pid}`);
const OUT = join(DIR, 'main.mjs');

const SCRIPT = `
  import { add, open } from ${JSON.stringify(join(ROOT, 'test/runtime/support.ts'))};
  const devices = [await open('webgpu'), await open('webgpu')];
  for (const d of devices) {
    const x = d.full([64], 3);
    const out = d.zeros([64]);
    for (let i = 0; i < 200; i++) d.launch(add, [1], { x, y: x, out, n: 64, BLOCK: 64 });
    console.log(d.kind, (await out.toNumbers())[63]);
    d.launch(add, [1], { x, y: x, out, n: 64, BLOCK: 64 }); // never waited for
  }
  if (process.argv[2] === 'destroy') for (const d of devices) d.destroy();
  globalThis.gc?.();
`;
const run = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  spawnSync(process.execPath, ['--expose-gc', OUT, ...args], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, ...env },
  });

describe('a process that uses devices', () => {
  beforeAll(() => {
    mkdirSync(DIR, { recursive: true });
    buildSync({
      stdin: { contents: SCRIPT, resolveDir: ROOT, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['webgpu'],
      outfile: OUT,
      logLevel: 'error',
    });
  });
  afterAll(() => rmSync(DIR, { recursive: true, force: true }));

  it.each(['destroy', 'leave'])('ends by itself (%s)', (how) => {
    expect(run({}, how)).toMatchObject({ status: 0, signal: null, stdout: 'webgpu 6\nwebgpu 6\n' });
  });
  it.runIf(process.platform === 'linux')('falls back to the interpreter where there is no driver, and says so once', () => {
    const r = run({ VK_DRIVER_FILES: '/dev/null', VK_ICD_FILENAMES: '/dev/null' }, 'destroy');
    expect(r).toMatchObject({ status: 0, stdout: 'interp 6\ninterp 6\n' });
    expect(r.stderr.match(/tessera: using the interpreter on the CPU: no adapter.*tessera doctor/g)).toHaveLength(1);
  });
});
