// A golden manifest of either format as a list of jobs for a device. In: a path. Out: each case under its id, and how it went. A case is
// skipped only where the device lacks what its kernel needs (refusals.ts); everything else that does not match is a failure.

import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Device } from '../../src/index.ts';
import { runCase } from './caseRun.ts';
import { ADAPTERS } from './kernels.ts';
import { readManifest } from './manifest.ts';
import { runOpsCase, runReject } from './ops.ts';
import { isOpsManifest, readOpsManifest } from './opsManifest.ts';

export type Result =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly line: string }
  | { readonly status: 'skipped'; readonly reason: string };
export interface Job {
  readonly id: string;
  run(device: Device): Result | Promise<Result>;
}
export interface Suite {
  readonly name: string;
  readonly cases: readonly Job[];
  /** Kernels that Triton does not compile. */
  readonly rejects: readonly Job[];
}

/** The JSON of a file; `{}` where it has none, which `readManifest` then tells. */
function parsed(path: string) {
  try {
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  } catch {
    return {};
  }
}

/** @throws ManifestError */
export function readSuite(path: string): Suite {
  const name = basename(path);
  if (isOpsManifest(parsed(path))) {
    const { manifest, bytes } = readOpsManifest(path);
    return {
      name,
      cases: manifest.cases.map((c) => ({ id: c.id, run: (device) => runOpsCase(device, c, bytes) })),
      rejects: (manifest.rejects ?? []).map((r) => ({ id: r.id, run: (device) => runReject(device, r) })),
    };
  }
  const manifest = readManifest(path);
  const cases = manifest.cases.map((c) => ({
    id: c.id,
    run: (device: Device) => runCase(device, manifest, c, ADAPTERS[c.kernel]),
  }));
  return { name, cases, rejects: [] };
}
