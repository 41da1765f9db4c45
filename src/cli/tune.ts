// `tessera tune FILE`: runs the file with every `tune()` measuring anew, shows progress, keeps the results on disk. `tessera run` then
// finds them there.

import chalk from 'chalk';
import { tuning } from '../runtime/autotune.ts';
import { runFile } from './load.ts';
import { fileStore, tuneCachePath } from './tuneStore.ts';

const WIDTH = 24;
const show = (args: object): string =>
  Object.entries(args)
    .map(([k, v]) => `${k}=${v}`)
    .join(' ');

/** Resolves to what was tuned, as text. */
export async function tune(
  file: string,
  args: readonly string[],
  print: (line: string) => void = (l) => console.error(l),
): Promise<string> {
  const results: string[] = [];
  let best = Number.POSITIVE_INFINITY;
  tuning.store = fileStore();
  tuning.force = true;
  tuning.onProgress = ({ kernel, done, total, config, ms }) => {
    if (done === 1) best = Number.POSITIVE_INFINITY;
    if (ms !== null && ms < best) best = ms;
    const filled = Math.round((WIDTH * done) / total);
    const bar = chalk.green('█'.repeat(filled)) + chalk.gray('░'.repeat(WIDTH - filled));
    const { args: constexprs, ...options } = config;
    const time = ms === null ? chalk.yellow('does not fit this device') : `${ms.toFixed(4)} ms`;
    print(`${kernel} ${bar} ${done}/${total}  ${show({ ...constexprs, ...options })}: ${ms === best ? chalk.bold(time) : time}`);
    if (done === total)
      results.push(`${kernel}: best ${Number.isFinite(best) ? `${best.toFixed(4)} ms of ${total} configs` : 'none'}`);
  };
  await runFile(file, args);
  return results.length
    ? [...results, `kept in ${tuneCachePath()}`].join('\n')
    : 'the file tuned nothing: call `await kernel.tune(device, grid, args)` of an autotuned kernel in it';
}
