// Devices for test suites that run on every back end. `npm test` brings a Vulkan driver, so a missing WebGPU device is a
// failure, not a skip.

import { afterAll, beforeAll, describe } from 'vitest';
import { type Device, device } from '../../src/index.ts';

export const KINDS = ['interp', 'webgpu'] as const;

/** Declares a suite once for each back end. `dev()` is the device, open while the tests run. */
export function onEachDevice(title: string, suite: (dev: () => Device, kind: (typeof KINDS)[number]) => void): void {
  describe.each(KINDS)(`${title} on %s`, (kind) => {
    let dev: Device;
    beforeAll(async () => {
      dev = await device({ prefer: kind });
      if (dev.kind !== kind) throw new Error(`no ${kind} device: run through npm test, which brings a Vulkan driver`);
    });
    afterAll(() => dev?.destroy());
    suite(() => dev, kind);
  });
}
