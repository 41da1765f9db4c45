// Opens the devices that kernels are tested on. `npm test` provides a Vulkan driver, so that both kinds exist; without one the
// WebGPU half of a suite fails and says so, rather than pass on the interpreter.

import { type Device, device } from '../../src/index.ts';

export const KINDS = ['interp', 'webgpu'] as const;
export type Kind = (typeof KINDS)[number];

/** A device of that kind and no other. */
export async function openKind(kind: Kind): Promise<Device> {
  const d = await device({ prefer: kind });
  if (d.kind !== kind) throw new Error('no WebGPU adapter: run the tests with `npm test`, which provides a driver');
  return d;
}
