// A manifest of language cases as tests: each case on every device, and every kernel that Triton refuses.

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runOpsCase } from '../../scripts/golden/ops.ts';
import { type OpsCase, type OpsManifest, readOpsManifest } from '../../scripts/golden/opsManifest.ts';
import { onEachDevice } from './devices.ts';

/** Why a case is not run to its end: what WebGPU lacks (docs/language.md, "What WebGPU cannot do"). */
const LACKS = /^TL3001: .*f64|^TL301[01]: .*[iu]64/;
/** SwiftShader takes seconds to compile a large dot. There every third of them is run; the command line runs all. */
const largeDot = (c: OpsCase): boolean =>
  c.pseudo.includes('tl.dot(') && c.outputs.some((o) => o.shape.reduce((a, b) => a * b, 1) >= 4096);

/** Declares the tests. `lacking`: how many cases need what WebGPU has not. `part`: every other case, from the first or the second on. */
export function goldenOps(name: string, lacking: number, part?: 'first' | 'second'): OpsManifest {
  const { manifest, bytes } = readOpsManifest(fileURLToPath(new URL(`../golden/${name}.json`, import.meta.url)));
  const spared = new Set(manifest.cases.filter(largeDot).filter((_, i) => i % 3 !== 0));
  onEachDevice(`${name}.json`, (dev, kind) => {
    const skipped: string[] = [];
    for (const c of manifest.cases.filter((_, i) => !part || (i % 2 === 0) === (part === 'first'))) {
      it(c.id, async ({ skip }) => {
        const slow = spared.has(c) && /swiftshader/i.test(dev().info.description);
        skip(slow, 'a large dot, which this driver compiles for seconds');
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
