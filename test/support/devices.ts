// Opens the devices that kernels are tested on. `npm test` provides a Vulkan driver, so that both kinds exist; without one the
// WebGPU half of a suite fails and says so, rather than pass on the interpreter.

import { afterAll, beforeAll, describe } from 'vitest';
import { type Device, device } from '../../src/index.ts';

export const KINDS = ['interp', 'webgpu'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * A device of that kind and no other. Where a run asks for the system's driver, kernels are compiled as for a GPU: between the two runs of
 * CI both profiles are executed.
 */
export async function openKind(kind: Kind): Promise<Device> {
  const d = await device({ prefer: kind, profile: process.env.TESSERA_DRIVER === 'system' ? 'gpu' : undefined });
  if (d.kind !== kind) throw new Error('no WebGPU adapter: run the tests with `npm test`, which provides a driver');
  return d;
}

/** Declares a suite once for each kind. `dev()` is the device, open while the tests run. */
export function onEachDevice(title: string, suite: (dev: () => Device, kind: Kind) => void): void {
  describe.each(KINDS)(`${title} on %s`, (kind) => {
    let dev: Device;
    beforeAll(async () => {
      dev = await openKind(kind);
    });
    afterAll(() => dev?.destroy());
    suite(() => dev, kind);
  });
}
