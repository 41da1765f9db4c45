// Limits are checked with numbers, not with gigabytes: the tensors here have no memory.

import { describe, expect, it } from 'vitest';
import { CompileError, NO_LOC } from '../../src/dsl/diagnostics.ts';
import { DTYPES } from '../../src/dsl/types.ts';
import type { DeviceLimits } from '../../src/runtime/backend.ts';
import { checkArguments, checkLimits } from '../../src/runtime/launch.ts';
import { Tensor, type TensorHost } from '../../src/runtime/tensor.ts';
import { foldGrid } from '../../src/runtime/webgpu/pipeline.ts';
import { add, ids } from './support.ts';

const limits: DeviceLimits = {
  workgroupStorage: 16384,
  invocations: 256,
  storageBuffers: 2,
  bindingSize: 2 ** 27,
  bufferSize: 2 ** 28,
  workgroupsPerDimension: 65535,
};
const host = (l: DeviceLimits) =>
  ({ kind: 'webgpu', backend: { info: { limits: l, description: 'fake' } } }) as unknown as TensorHost;
function sized(h: TensorHost, dtype: keyof typeof DTYPES, n: number): Tensor {
  const d = DTYPES[dtype];
  const bytes = n * d.bytes;
  const storage = { memory: { id: 1, bytes, label: 'big' }, name: 'big', bytes, gone: null, host: null, writes: 0 };
  return new Tensor(h, storage, d, [n], [1]);
}
const text = (diagnostics: ReturnType<typeof checkArguments>): string => new CompileError(diagnostics).message;

describe('limits', () => {
  it('a binding that is too large: by how much, and what fits', () => {
    const h = host(limits);
    const out = sized(h, 'i32', 2 ** 26);
    expect(text(checkArguments(ids.definition, { out }, h))).toMatch(
      /TL4018: argument 'out': big \(i32\[67108864\]\) takes 256 MiB; this device binds at most 128 MiB \(128 MiB too much\)[\s\S]*split it: 33554432 elements fit/,
    );
    expect(checkArguments(ids.definition, { out: sized(h, 'i32', 2 ** 25) }, h)).toEqual([]);
  });
  it('a buffer of 2^31 elements', () => {
    const h = host({ ...limits, bindingSize: Infinity });
    expect(text(checkArguments(ids.definition, { out: sized(h, 'i32', 2 ** 31) }, h))).toMatch(
      /TL4014: .* has 2147483648 elements/,
    );
    expect(checkArguments(ids.definition, { out: sized(h, 'i32', 2 ** 31 - 1) }, h)).toEqual([]);
  });
  it('workgroup memory, invocations, buffers: each with the number that would do', () => {
    const p = { ...add.wgsl, workgroupStorage: 40000, workgroupSize: 512 };
    const found = text(checkLimits(p, NO_LOC, limits, [], { BLOCK: 256, n: 7, HEADS: 32 }));
    expect(found).toMatch(/TL4015: add needs 39\.06 KiB of workgroup memory; this device has 16 KiB \(23\.06 KiB too much\)/);
    expect(found).toMatch(/block sizes: BLOCK=256, HEADS=32[\s\S]*4 times smaller, e\.g\. BLOCK=64/);
    expect(found).toMatch(/TL4016: add wants 512 invocations a program; this device allows 256[\s\S]*num_warps: 8/);
    expect(found).toMatch(/TL4017: add uses 3 buffers; this device binds at most 2[\s\S]*x, y, out/);
    expect(checkLimits({ ...add.wgsl, bindings: add.wgsl.bindings.slice(1) }, NO_LOC, limits, [], {})).toEqual([]);
  });
});

describe('foldGrid', () => {
  it.each([1, 65535, 65536, 70001, 2 ** 20 + 7, 65535 ** 2, 65535 ** 2 + 1, 2 ** 32])(
    '%d programs fit into 65535 a dimension, with little to spare',
    (total) => {
      const grid = foldGrid(total, 65535);
      const launched = grid.reduce((a, b) => a * b, 1);
      expect(Math.max(...grid)).toBeLessThanOrEqual(65535);
      expect(launched).toBeGreaterThanOrEqual(total);
      expect(launched - total).toBeLessThan(Math.max(1, 2 * 65535));
    },
  );
});
