// Tuning results on disk: one JSON file, read at start, written after each result. Node only.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TuneStore } from '../runtime/autotune.ts';

/** `$TESSERA_TUNE_CACHE`, or a file under the user's cache folder. */
export const tuneCachePath = (): string =>
  process.env.TESSERA_TUNE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tessera', 'tuning.json');

/** A store over a file. A file that cannot be read (missing, broken) counts as empty; one that cannot be written is an error. */
export function fileStore(path = tuneCachePath()): TuneStore {
  let known: { [key: string]: string } = {};
  try {
    known = JSON.parse(readFileSync(path, 'utf8')) as { [key: string]: string };
  } catch {
    // nothing tuned yet
  }
  return {
    get: (key) => known[key],
    set(key, value) {
      known[key] = value;
      mkdirSync(dirname(path), { recursive: true });
      // Written beside and renamed, so that a reader never sees half a file.
      writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(known, null, 1)}\n`);
      renameSync(`${path}.${process.pid}`, path);
    },
  };
}
