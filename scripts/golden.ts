// Runs a golden manifest on a device: what real Triton computed against what our kernels compute here. In: the path of a
// manifest of a format that test/golden/README.md describes. Out: a line for each case that did not pass, a summary, exit code 1 if
// one failed.
//   npm run -s golden -- MANIFEST.json [--device interp|webgpu] [--filter RE] [--list] [--slow SECONDS]

import { parseArgs } from 'node:util';
import { device as openDevice } from '../src/index.ts';
import { ManifestError } from './golden/manifest.ts';
import { type Job, type Result, readSuite } from './golden/suite.ts';

const USAGE = 'usage: golden MANIFEST.json [--device interp|webgpu] [--filter RE] [--list] [--slow SECONDS]';

interface Options {
  readonly path: string;
  readonly device?: 'interp' | 'webgpu';
  readonly filter: RegExp;
  readonly list: boolean;
  /** Cases that took longer than so many seconds are told. */
  readonly slow: number;
}

class UsageError extends Error {}

function options(): Options {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      device: { type: 'string' },
      filter: { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
      slow: { type: 'string', default: 'Infinity' },
    },
  });
  if (positionals.length !== 1) throw new UsageError(USAGE);
  const { device } = values;
  if (device !== undefined && device !== 'interp' && device !== 'webgpu') {
    throw new UsageError(`--device is interp or webgpu, found ${device}\n${USAGE}`);
  }
  const slow = Number(values.slow);
  if (!(slow >= 0)) throw new UsageError(`--slow is a number of seconds, found ${values.slow}\n${USAGE}`);
  return { path: positionals[0], device, filter: regExp(values.filter), list: values.list, slow };
}

function regExp(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (e) {
    throw new UsageError(`--filter: ${(e as Error).message}`);
  }
}

async function main(): Promise<number> {
  const { path, device: kind, filter, list, slow } = options();
  const suite = readSuite(path);
  const [cases, rejects] = [suite.cases, suite.rejects].map((jobs) => jobs.filter((j) => filter.test(j.id)));
  if (cases.length + rejects.length === 0) throw new UsageError(`${path}: no case matches ${filter}`);
  if (list) {
    for (const { id } of [...cases, ...rejects]) console.log(id);
    console.log(`${cases.length} cases${rejects.length ? `, ${rejects.length} rejects` : ''}`);
    return 0;
  }
  const device = await openDevice({ prefer: kind });
  if (kind && device.kind !== kind) throw new UsageError(`there is no ${kind} device here; \`tessera doctor\` says why`);
  console.log(`${suite.name} on ${device.kind}: ${device.info.description}`);
  const run = async (jobs: readonly Job[]): Promise<{ [status in Result['status']]: number }> => {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const job of jobs) {
      const start = performance.now();
      const r = await job.run(device);
      const seconds = (performance.now() - start) / 1000;
      count[r.status]++;
      if (r.status === 'failed') console.log(`FAIL ${r.line}`);
      if (r.status === 'skipped') console.log(`SKIP ${job.id} ${r.reason}`);
      if (seconds > slow) console.log(`SLOW ${job.id} ${seconds.toFixed(1)} s`);
    }
    return count;
  };
  const refused = await run(rejects);
  const count = await run(cases);
  device.destroy();
  if (rejects.length) console.log(`rejects: ${refused.passed} refused, ${refused.failed} not`);
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed + refused.failed > 0 ? 1 : 0;
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
