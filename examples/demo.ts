// The main job: compiles the kernels that ship with Tessera, runs each on inputs that real Triton was recorded on, and shows how
// long that takes and how far the results are from Triton's. `npm run demo`; `-- --device interp` takes the interpreter.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import chalk from 'chalk';
import { type Device, device as openDevice } from 'tessera';
import { caseSize, type Outcome, runCase } from '../scripts/golden/caseRun.ts';
import { ADAPTERS } from '../scripts/golden/kernels.ts';
import { type Case, type Manifest, readManifest } from '../scripts/golden/manifest.ts';

const MANIFEST = fileURLToPath(new URL('../test/golden/kernels.json', import.meta.url));

interface Row {
  readonly kernel: string;
  readonly shapes: string;
  readonly compile: number;
  readonly run: number;
  readonly outcome: Outcome;
}

const dtypeOf = (c: Case): string => c.inputs[0].dtype;

/** For every kernel and dtype: the case of middling size, so that the demo is short on any device. */
function choose(manifest: Manifest): Case[] {
  const groups = new Map<string, Case[]>();
  for (const c of manifest.cases) {
    if (c.error !== undefined) continue;
    const key = `${c.kernel} ${dtypeOf(c)}`;
    groups.set(key, [...(groups.get(key) ?? []), c]);
  }
  return [...groups.values()].map((cases) => {
    const bySize = cases.sort((a, b) => caseSize(a) - caseSize(b));
    return bySize[Math.floor((bySize.length - 1) / 2)];
  });
}

/** The first run compiles, the second finds the program in the cache: the difference is compiling. */
async function measure(device: Device, manifest: Manifest, c: Case): Promise<Row> {
  const first = await runCase(device, manifest, c, ADAPTERS[c.kernel]);
  const outcome = first.status === 'passed' ? await runCase(device, manifest, c, ADAPTERS[c.kernel]) : first;
  const ms = (o: Outcome): number => (o.status === 'passed' ? o.ms : Number.NaN);
  const shapes = c.inputs.slice(0, 2).map((r) => `${r.name} ${r.dtype}[${r.shape.join(', ')}]`);
  return {
    kernel: c.kernel,
    shapes: shapes.join('  '),
    compile: Math.max(0, ms(first) - ms(outcome)),
    run: ms(outcome),
    outcome,
  };
}

const error = ({ outcome }: Row): string => {
  if (outcome.status !== 'passed') return chalk.red('differs');
  return outcome.maxAbs === 0 ? chalk.green('0, same bits') : chalk.green(outcome.maxAbs.toExponential(2));
};

function print(rows: readonly Row[], device: Device): void {
  const columns: readonly [string, (r: Row) => string, 'left' | 'right'][] = [
    ['kernel', (r) => r.kernel, 'left'],
    ['device', () => device.kind, 'left'],
    ['shapes', (r) => r.shapes, 'left'],
    ['compile ms', (r) => r.compile.toFixed(1), 'right'],
    ['run ms', (r) => r.run.toFixed(1), 'right'],
    ['largest error', error, 'left'],
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  const width = (s: string): number => s.replace(/\x1b\[\d+m/g, '').length;
  const lines = [columns.map(([title]) => title), ...rows.map((r) => columns.map(([, cell]) => cell(r)))];
  const widths = columns.map((_, i) => Math.max(...lines.map((l) => width(l[i]))));
  lines.forEach((line, n) => {
    const cells = line.map((cell, i) => {
      const space = ' '.repeat(widths[i] - width(cell));
      return columns[i][2] === 'left' ? cell + space : space + cell;
    });
    console.log(n === 0 ? chalk.bold(cells.join('  ')) : cells.join('  '));
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { device: { type: 'string' } } });
  const start = performance.now();
  const manifest = readManifest(MANIFEST);
  const device = await openDevice(values.device === 'interp' ? { prefer: 'interp' } : {});
  console.log(`${chalk.bold('Tessera')} on ${device.kind}: ${device.info.description}\n`);
  const rows: Row[] = [];
  for (const c of choose(manifest)) rows.push(await measure(device, manifest, c));
  print(rows, device);
  device.destroy();

  const failed = rows.flatMap(({ outcome }) => (outcome.status === 'failed' ? [outcome.line] : []));
  for (const line of failed) console.log(chalk.red(`\n${line}`));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `\n${rows.length - failed.length} of ${rows.length} within tolerance of what Triton ${manifest.header.triton} computed on an ` +
      `${manifest.header.device}; ${seconds} s`,
  );
  return failed.length > 0 ? 1 : 0;
}

process.exitCode = await main();
