// More dtypes and shapes against what real Triton computed; and the kernels that Triton refuses: refused at the same statement, with a text
// that says what Triton's says. rejects.txt holds both texts side by side, to be read when one changes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RejectOutcome, runReject } from '../../scripts/golden/ops.ts';
import type { OpsReject } from '../../scripts/golden/opsManifest.ts';
import type { Device } from '../../src/index.ts';
import { openKind } from '../support/devices.ts';
import { goldenOps } from '../support/goldenOps.ts';

const { rejects = [] } = goldenOps('extra_ops', 1);

/** Triton's shortest message that says more than where. */
const theirs = (r: OpsReject): string => {
  const said = (r.errors ?? []).map((e) => e.replace(/^\w+: /, '').trim()).filter((e) => /\w/.test(e));
  return said.sort((a, b) => a.length - b.length)[0] ?? r.description;
};
const entry = (r: OpsReject, o: RejectOutcome): string =>
  `${r.pseudo.split('\n')[o.at - 1].trim()}\n  Triton: ${theirs(r)}\n  ${o.diagnostic?.code}: ${o.diagnostic?.text}\n`;

describe('what Triton refuses', () => {
  let device: Device;
  const seen: string[] = [];
  beforeAll(async () => {
    device = await openKind('interp');
  });
  afterAll(() => device.destroy());

  for (const r of rejects)
    it(r.description, () => {
      const outcome = runReject(device, r);
      expect(outcome.line).toBe('');
      expect(r.lines).toBeDefined();
      seen.push(entry(r, outcome));
    });
  it('says what Triton says', async () => {
    expect(seen).toHaveLength(rejects.length);
    await expect(seen.join('\n')).toMatchFileSnapshot('rejects.txt');
  });
});
