// The kernels against what real Triton computed, on every device: each case of test/golden/kernels.json
// is a test. None is skipped.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCase } from '../../scripts/golden/caseRun.ts';
import { ADAPTERS } from '../../scripts/golden/kernels.ts';
import { readManifest } from '../../scripts/golden/manifest.ts';
import type { Device } from '../../src/index.ts';
import { KINDS, openKind } from '../support/devices.ts';

const manifest = readManifest(fileURLToPath(new URL('../golden/kernels.json', import.meta.url)));

describe.each(KINDS)('golden cases on %s', (kind) => {
  let device: Device;
  beforeAll(async () => {
    device = await openKind(kind);
  });
  afterAll(() => device.destroy());

  for (const c of manifest.cases) {
    it(c.id, async () => {
      const outcome = await runCase(device, manifest, c, ADAPTERS[c.kernel]);
      expect(outcome.status === 'passed' ? '' : JSON.stringify(outcome)).toBe('');
    });
  }

  it('gives the driver’s WGSL compiler nothing to complain of', () => {
    expect(device.stats.wgslMessages).toEqual([]);
  });
  it('frees every tensor', () => {
    expect(device.stats.buffers).toBe(0);
  });
});

describe('the runner fails a case', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openKind('interp');
  });
  afterAll(() => device.destroy());
  const caseOf = (kernel: string) =>
    manifest.cases.find((c) => c.kernel === kernel && !c.error) as (typeof manifest.cases)[number];

  it('whose kernel was not launched: the recorded values are not there', async () => {
    const c = caseOf('prefill_attention');
    const outcome = await runCase(device, manifest, c, { run: (run) => void run.output('out') });
    expect(outcome).toMatchObject({ status: 'failed' });
    expect(outcome.status === 'failed' && outcome.line).toMatch(
      /^prefill_attention\/\S+ out_ieee\[\d+, \d+, \d+\]: got 9, expected /,
    );
  });

  it('whose host function throws, on one line', async () => {
    const c = caseOf('pack_seq');
    const run = () => {
      throw new TypeError('first\n  second');
    };
    expect(await runCase(device, manifest, c, { run })).toEqual({
      status: 'failed',
      line: `${c.id} threw TypeError: first | second`,
    });
  });

  it('that should have been refused', async () => {
    const c = manifest.cases.find((c) => c.error) as (typeof manifest.cases)[number];
    const outcome = await runCase(device, manifest, c, { run: () => {}, refused: () => {} });
    expect(outcome).toEqual({ status: 'failed', line: `${c.id} compiled, but Triton refuses it: ${c.error}` });
  });

  it('of a kernel that is not in the table', async () => {
    expect(await runCase(device, manifest, { ...caseOf('pack_seq'), kernel: 'made_up' }, ADAPTERS.made_up)).toEqual({
      status: 'failed',
      line: `${caseOf('pack_seq').id}: there is no host function for kernel made_up`,
    });
  });
});
