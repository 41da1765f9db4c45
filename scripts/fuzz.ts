// `npm run fuzz -- --runs N --seed S --device lavapipe|swiftshader|system|interp --ops RE --dtypes f32,i32 --minutes M`: random kernels on the
// interpreter against a device. Failures are shrunk and saved under test/fuzz/corpus. `--replay FILE…` runs saved ones.
// Exit code 1 if anything failed.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { DTypeName } from '../src/dsl/types.ts';
import { Runner } from '../test/fuzz/pool.ts';
import type { CorpusFile } from '../test/fuzz/program.ts';
import { lines } from '../test/fuzz/replay.ts';
import { type Failure, session } from '../test/fuzz/session.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values: o, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    device: { type: 'string', default: 'system' },
    ops: { type: 'string' },
    dtypes: { type: 'string' },
    minutes: { type: 'string' },
    timeout: { type: 'string', default: '30' },
    'max-failures': { type: 'string', default: '20' },
    save: { type: 'string', default: `${ROOT}test/fuzz/corpus` },
    replay: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const DRIVERS: { readonly [device: string]: string } = { lavapipe: 'system', system: 'system', swiftshader: 'swiftshader' };
const driver = DRIVERS[o.device];
if (!driver && o.device !== 'interp') {
  console.error(`--device ${o.device} is none of ${[...Object.keys(DRIVERS), 'interp'].join(', ')}`);
  process.exit(2);
}
// The driver is chosen by the environment that a process starts in: start again inside it.
if (driver && !process.env.TESSERA_FUZZ) {
  const again = [`${ROOT}scripts/with-vulkan.mjs`, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const r = spawnSync(process.execPath, again, {
    stdio: 'inherit',
    env: { ...process.env, TESSERA_DRIVER: driver, TESSERA_FUZZ: '1' },
  });
  process.exit(r.status ?? 1);
}

const runner = new Runner(o.device === 'interp' ? 'interp' : 'webgpu', { timeout: Number(o.timeout) * 1000 });
let failed = 0;
if (o.replay) {
  for (const file of positionals) {
    const { program } = JSON.parse(readFileSync(file, 'utf8')) as CorpusFile;
    const outcome = await runner.run(program);
    console.log(`${file}: ${outcome.kind} ${outcome.text}`);
    if (o.verbose) console.log(lines(program.steps).join('\n'));
    if (outcome.kind !== 'ok') failed++;
  }
} else failed = await fuzz();
await runner.stop();
process.exit(failed ? 1 : 0);

async function fuzz(): Promise<number> {
  const start = performance.now();
  const runs = Number(o.runs);
  const rate = (done: number): string => `${((done * 1000) / (performance.now() - start)).toFixed(1)} kernels/s`;
  let shown = 0;
  const report = await session({
    runs,
    seed: Number(o.seed),
    only: o.ops ? new RegExp(o.ops) : undefined,
    dtypes: o.dtypes ? (o.dtypes.split(',') as DTypeName[]) : undefined,
    minutes: o.minutes ? Number(o.minutes) : undefined,
    maxFailures: Number(o['max-failures']),
    run: (p) => runner.run(p),
    progress: (done, failures) => {
      const width = 30;
      const full = Math.round((width * done) / runs);
      const line = `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${done}/${runs} ${rate(done)}, ${failures} failed`;
      if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
      else if (performance.now() - shown > 60_000) {
        shown = performance.now();
        process.stderr.write(`${line}\n`);
      }
    },
    found: save,
  });
  const top = (m: ReadonlyMap<string, number>, n: number): string[] =>
    [...m]
      .sort((a, b) => b[1] - a[1])
      .slice(0, n)
      .map(([k, c]) => `  ${c} × ${k}`);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `\n${runner.description}: ${report.runs} kernels (seed ${o.seed}) in ${seconds.toFixed(0)} s, ${rate(report.runs)}`,
  );
  console.log(
    Object.entries(report.kinds)
      .map(([k, n]) => `${n} ${k}`)
      .join(', '),
  );
  console.log(
    `${report.elements} elements of outputs, ${report.undecided} undecided (they hang on a float within its tolerance)`,
  );
  console.log(
    `ops: ${[...report.ops]
      .sort((a, b) => b[1] - a[1])
      .map(([k, c]) => `${k} ${c}`)
      .join(', ')}`,
  );
  if (report.refused.size) console.log(['refused by the back end:', ...top(report.refused, 10)].join('\n'));
  if (o.verbose) console.log(['steps without effect:', ...top(report.skipped, 20)].join('\n'));
  console.log(report.failures.length ? `${report.failures.length} failures` : 'no failure');
  return report.failures.length;
}

function save(f: Failure): void {
  mkdirSync(o.save, { recursive: true });
  const file = `${o.save}/${f.outcome.kind}-${f.seed}.json`;
  const text = f.outcome.text.split('\n')[0].slice(0, 300);
  const data: CorpusFile = { comment: `${o.device}: ${f.outcome.kind}: ${text}`, seed: f.seed, program: f.program };
  writeFileSync(file, `${JSON.stringify(data, null, 1)}\n`);
  console.log(`\n${f.outcome.kind} (seed ${f.seed}, ${f.shrinks} shrinks) → ${file}\n  ${f.outcome.text.slice(0, 500)}`);
  console.log(
    lines(f.program.steps)
      .map((l) => `    ${l}`)
      .join('\n'),
  );
}
