// Runs a golden manifest on a device: what real Triton computed against what our kernels compute here. In: the path of a
// manifest of the format that test/golden/README.md describes. Out: one line a failing case, a summary, exit code 1 on failure.
//   npm run -s golden -- MANIFEST.json [--device interp|webgpu] [--filter RE] [--list]

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { device as openDevice } from '../src/index.ts';
import { type Outcome, runCase } from './golden/caseRun.ts';
import { ADAPTERS, skipReason } from './golden/kernels.ts';
import { type Case, type Manifest, ManifestError, readManifest } from './golden/manifest.ts';
import { type OpsOutcome, runOpsCase, runReject } from './golden/ops.ts';
import { isOpsManifest, type OpsManifest } from './golden/opsManifest.ts';

const USAGE = 'usage: golden MANIFEST.json [--device interp|webgpu] [--filter RE] [--list]';

interface Options {
  readonly path: string;
  readonly device?: 'interp' | 'webgpu';
  readonly filter: RegExp;
  readonly list: boolean;
}

class UsageError extends Error {}

function options(): Options {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      device: { type: 'string' },
      filter: { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1) throw new UsageError(USAGE);
  const { device } = values;
  if (device !== undefined && device !== 'interp' && device !== 'webgpu') {
    throw new UsageError(`--device is interp or webgpu, found ${device}\n${USAGE}`);
  }
  return { path: positionals[0], device, filter: regExp(values.filter), list: values.list };
}

function regExp(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (e) {
    throw new UsageError(`--filter: ${(e as Error).message}`);
  }
}

async function outcome(device: Awaited<ReturnType<typeof openDevice>>, manifest: Manifest, c: Case): Promise<Outcome> {
  const reason = skipReason(c);
  return reason === null ? runCase(device, manifest, c, ADAPTERS[c.kernel]) : { status: 'skipped', reason };
}

function list(cases: readonly Case[]): void {
  for (const c of cases) {
    const reason = skipReason(c);
    console.log(`${c.id}${reason === null ? '' : `  (skipped: ${reason})`}`);
  }
  console.log(`${cases.length} cases`);
}

/** The JSON of a file; `{}` where it has none, which `readManifest` then tells. */
function parsed(path: string) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

/** A manifest of language cases: ported from their Python, then run. */
async function runOps(path: string, manifest: OpsManifest, { device: kind, filter, list: listOnly }: Options): Promise<number> {
  const cases = manifest.cases.filter((c) => filter.test(c.id));
  const rejects = (manifest.rejects ?? []).filter((r) => filter.test(r.id));
  if (cases.length + rejects.length === 0) throw new UsageError(`${path}: no case matches ${filter}`);
  if (listOnly) {
    for (const c of [...cases, ...rejects]) console.log(c.id);
    console.log(`${cases.length} cases, ${rejects.length} rejects`);
    return 0;
  }
  const bin = new Uint8Array(readFileSync(join(dirname(path), manifest.bin)));
  const device = await openDevice({ prefer: kind });
  if (kind && device.kind !== kind) throw new UsageError(`there is no ${kind} device here; \`tessera doctor\` says why`);
  console.log(`${basename(path)} on ${device.kind}: ${device.info.description}`);
  const count = { passed: 0, failed: 0, skipped: 0 };
  const refused = { passed: 0, failed: 0, skipped: 0 };
  const tell = (o: OpsOutcome, into: typeof count): void => {
    into[o.status]++;
    if (o.status === 'failed') console.log(`FAIL ${o.line}`);
  };
  for (const c of cases) tell(await runOpsCase(device, c, bin), count);
  for (const r of rejects) tell(runReject(device, r), refused);
  device.destroy();
  if (rejects.length) console.log(`rejects: ${refused.passed} refused, ${refused.failed} not`);
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed + refused.failed > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  const given = options();
  const { path, device: kind, filter, list: listOnly } = given;
  const json = existsSync(path) ? parsed(path) : {};
  if (isOpsManifest(json)) return runOps(path, json, given);
  const manifest = readManifest(path);
  const cases = manifest.cases.filter((c) => filter.test(c.id));
  if (cases.length === 0) throw new UsageError(`${path}: no case matches ${filter}`);
  if (listOnly) {
    list(cases);
    return 0;
  }
  const device = await openDevice({ prefer: kind });
  if (kind && device.kind !== kind) throw new UsageError(`there is no ${kind} device here; \`tessera doctor\` says why`);
  console.log(`${manifest.name} on ${device.kind}: ${device.info.description}`);
  const count = { passed: 0, failed: 0, skipped: 0 };
  const reasons = new Map<string, number>();
  for (const c of cases) {
    const o = await outcome(device, manifest, c);
    count[o.status]++;
    if (o.status === 'failed') console.log(`FAIL ${o.line}`);
    if (o.status === 'skipped') reasons.set(o.reason, (reasons.get(o.reason) ?? 0) + 1);
  }
  device.destroy();
  for (const [reason, n] of reasons) console.log(`skipped ${n}: ${reason}`);
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed > 0 ? 1 : 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (e) => {
    // A wrong command line or file is told in one line; anything else is a defect of the runner and keeps its stack.
    const usage =
      e instanceof UsageError || e instanceof ManifestError || (e as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
    console.error(usage ? (e as Error).message : e);
    process.exitCode = 2;
  },
);
