// How errors that the GPU reports late become one error with a name. The device is a fake, because no driver runs out of memory on demand.

import { describe, expect, it } from 'vitest';
import { NO_LOC } from '../../src/dsl/diagnostics.ts';
import { Faults } from '../../src/runtime/webgpu/faults.ts';

class GPUOutOfMemoryError {
  readonly message = 'vkAllocateMemory failed';
}
class GPUValidationError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** A device whose error scopes report what `fail` says while they are open. */
function fakeGpu() {
  const scopes: { filter: string; error: object | null }[] = [];
  let listener: ((e: { error: object }) => void) | undefined;
  return {
    fail(filter: string, error: object) {
      const scope = scopes.findLast((s) => s.filter === filter);
      if (scope) scope.error ??= error;
      else listener?.({ error });
    },
    gpu: {
      pushErrorScope: (filter: string) => void scopes.push({ filter, error: null }),
      popErrorScope: async () => scopes.pop()!.error,
      addEventListener: (_: string, f: typeof listener) => {
        listener = f;
      },
    } as unknown as GPUDevice,
  };
}

describe('faults', () => {
  it('name what was being done, and are told once', async () => {
    const { gpu, fail } = fakeGpu();
    const faults = new Faults(gpu, () => 0);
    const loc = { ...NO_LOC, file: 'k.ts', line: 3, col: 1 };
    const result = faults.watch('softmax[4, 1, 1]', loc, () => {
      fail('validation', new GPUValidationError('bad shader'));
      return 7;
    });
    expect(result).toBe(7);
    await faults.settle();
    const e = faults.take();
    expect(e?.message).toMatch(/TL4204: the device refused softmax\[4, 1, 1\]\n {2}--> k\.ts:3:1\n {2}= note: bad shader/);
    expect(faults.take()).toBeNull();
  });
  it('out of memory says how much tensors hold, and hides the refusals that follow', async () => {
    const { gpu, fail } = fakeGpu();
    const faults = new Faults(gpu, () => 3 * 2 ** 30);
    faults.watch('the allocation of weights', NO_LOC, () => fail('out-of-memory', new GPUOutOfMemoryError()));
    faults.watch('add[1, 1, 1]', NO_LOC, () => fail('validation', new GPUValidationError('invalid buffer')));
    await faults.settle();
    const text = faults.take()?.message;
    expect(text).toMatch(
      /TL4203: out of device memory in the allocation of weights[\s\S]*tensors hold 3 GiB[\s\S]*vkAllocateMemory/,
    );
    expect(text).not.toMatch(/add\[1/);
  });
  it('are found outside of any scope too, and scopes close when the call throws', async () => {
    const { gpu, fail } = fakeGpu();
    const faults = new Faults(gpu, () => 0);
    const call = () =>
      faults.watch('a call', NO_LOC, () => {
        throw new TypeError('not a buffer');
      });
    expect(call).toThrow('not a buffer');
    fail('validation', new GPUValidationError('stray'));
    await faults.settle();
    expect(faults.take()?.message).toMatch(/TL4204: the device refused an operation[\s\S]*stray/);
  });
});
