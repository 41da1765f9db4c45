// A manifest of language cases as tests: each case on every device, and every kernel that Triton refuses.

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runOpsCase } from '../../scripts/golden/ops.ts';
import { type OpsManifest, readOpsManifest } from '../../scripts/golden/opsManifest.ts';
import { onEachDevice } from './devices.ts';

/** Why a case is not run to its end: what WebGPU lacks (docs/language.md, "What WebGPU cannot do"). */
const LACKS = /^TL3001: .*f64|^TL301[01]: .*[iu]64/;
/** Declares the tests. `lacking`: how many cases need what WebGPU has not. `part`: every other case, from the first or the second on. */
export function goldenOps(name: string, lacking: number, part?: 'first' | 'second'): OpsManifest {
  const { manifest, bytes } = readOpsManifest(fileURLToPath(new URL(`../golden/${name}.json`, import.meta.url)));
  onEachDevice(`${name}.json`, (dev, kind) => {
    const skipped: string[] = [];
    for (const c of manifest.cases.filter((_, i) => !part || (i % 2 === 0) === (part === 'first'))) {
      it(c.id, async () => {
        const outcome = await runOpsCase(dev(), c, bytes);
        if (outcome.status === 'skipped') {
          expect(outcome.reason).toMatch(LACKS);
          skipped.push(c.id);
          // WGSL lets drivers take subnormal numbers for zero; SwiftShader does.
        } else if (outcome.status === 'failed' && !(kind === 'webgpu' && outcome.flushed)) expect(outcome.line).toBe('');
      });
    }
    it('runs every case but those that need what WebGPU lacks', () => {
      expect(skipped).toHaveLength(kind === 'webgpu' ? lacking : 0);
    });
    it('gives the driver’s WGSL compiler nothing to complain of, and frees every tensor', () => {
      expect(dev().stats.wgslMessages).toEqual([]);
      expect(dev().stats.buffers).toBe(0);
    });
  });
  return manifest;
}
