// Every example runs right on both back ends, judged by its own float64 reference, and runs by the command that it names.

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../examples/support.ts';
import type { Device } from '../../src/index.ts';
import { KINDS, openKind } from '../support/devices.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = readdirSync(`${ROOT}examples`).filter((f) => /^\d\d-.*\.ts$/.test(f));
const MODULES: { readonly [file: string]: () => Promise<unknown> } = import.meta.glob('../../examples/[0-9][0-9]-*.ts');

describe.each(KINDS)('examples on %s', (kind) => {
  let device: Device;
  beforeAll(async () => {
    device = await openKind(kind);
  });
  afterAll(() => device.destroy());

  it.each(FILES)('%s', async (file) => {
    const { run } = (await MODULES[`../../examples/${file}`]()) as { run(device: Device): Promise<Report> };
    const { error, tolerance } = await run(device);
    expect(error).toBeLessThanOrEqual(tolerance);
    expect(device.stats.buffers).toBe(0);
    expect(device.stats.wgslMessages).toEqual([]);
  });
});

describe('commands', () => {
  const node = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['--import', './scripts/register.mjs', ...args], { cwd: ROOT });

  it.each(FILES)('%s runs by itself', async (file) => {
    const { stdout } = await node(`examples/${file}`, '--device', 'interp');
    expect(stdout).toMatch(/^interp \(.*\)\n.+: largest error \d\.\d+e[-+]\d+ against float64, within \de-\d+\n$/);
  });

  it('tessera run runs one too', async () => {
    const { stdout } = await node('src/cli.ts', 'run', `examples/${FILES[0]}`, '--device', 'interp');
    expect(stdout).toMatch(/within \de-\d+\n$/);
  });

  it('the demo shows every kernel and fails none', async () => {
    const { stdout } = await node('examples/demo.ts', '--device', 'interp');
    const [, rows, of] = /\n(\d+) of (\d+) within tolerance of what Triton/.exec(stdout) ?? [];
    expect(rows).toBe(of);
    for (const kernel of ['prefill_attention', 'pack_seq', 'unpack_seq', 'correct_attn_out', 'reshape_and_cache_flash_diffkv']) {
      expect(stdout).toContain(kernel);
    }
  });
});
