// The shipped kernels after the tile passes: verified after each pass, run on the interpreter against what real Triton computed,
// and held to what the passes promise of them: 64-bit arithmetic is left only where every bit counts.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCase } from '../../scripts/golden/caseRun.ts';
import { ADAPTERS } from '../../scripts/golden/kernels.ts';
import { readManifest } from '../../scripts/golden/manifest.ts';
import { type Func, walk } from '../../src/dsl/ir/ir.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import { hasTrait } from '../../src/dsl/ops/index.ts';
import { traceKernel } from '../../src/dsl/trace/trace.ts';
import { DTYPES } from '../../src/dsl/types.ts';
import type { Device } from '../../src/index.ts';
import { runPipeline, tilePasses } from '../../src/lower/pipeline.ts';
import { InterpBackend } from '../../src/runtime/interpDevice.ts';
import { openDevice } from '../../src/runtime/open.ts';

const manifest = readManifest(fileURLToPath(new URL('../golden/kernels.json', import.meta.url)));
const cleaned: { before: Func; after: Func }[] = [];

describe('golden cases on the interpreter, after the tile passes', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice(
      { prefer: 'interp' },
      {
        trace: (...args) => {
          const before = traceKernel(...args);
          const after = runPipeline(before, tilePasses, { verify: true }).func;
          cleaned.push({ before, after });
          return after;
        },
        toWgsl: () => expect.fail('the interpreter needs no WGSL'),
        interpreter: (sink) => new InterpBackend(sink),
      },
    );
  });
  afterAll(() => device.destroy());

  for (const c of manifest.cases)
    it(c.id, async () => {
      const outcome = await runCase(device, manifest, c, ADAPTERS[c.kernel]);
      expect(outcome.status === 'passed' ? '' : JSON.stringify(outcome)).toBe('');
    });

  it('leaves no 64-bit arithmetic but guards and divisions of loaded slots', () => {
    expect(cleaned.length).toBeGreaterThan(0);
    const left = new Set<string>();
    for (const { after } of cleaned)
      walk(after.body, (op) => {
        const wide = [...op.operands, ...op.results].some((v) => v.type.elem === DTYPES.i64);
        // Moving a wide value is no arithmetic: a loaded slot is broadcast before it is compared.
        if (wide && op.name !== 'store' && !hasTrait(op.name, 'shape')) left.add(op.name);
      });
    expect([...left].filter((n) => !['load', 'constant', 'cast', 'lt', 'floordiv', 'mod', 'shr'].includes(n))).toEqual([]);
  });
  it('prints and parses back', () => {
    for (const { after } of cleaned) expect(printFunc(parseFunc(printFunc(after)))).toBe(printFunc(after));
  });
});
