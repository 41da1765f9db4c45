// Passes keep the meaning: every IR section of this folder and random functions run on the interpreter before and after the
// passes, over random arguments with NaN, infinities, -0 and wrapping integers, and leave the same numbers in memory.

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Func } from '../../src/dsl/ir/ir.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import { compileInterp } from '../../src/lower/interp/program.ts';
import { runPipeline, tilePasses } from '../../src/lower/pipeline.ts';
import { readLit } from '../support/lit.ts';
import { contents, copyBuffers, difference, random, randomArguments, randomFunc } from '../support/randomIr.ts';

const folder = new URL('.', import.meta.url).pathname;
/** Loops that do not end stop here. */
const maxSteps = 20_000;

/** Runs `before` and every stage of `passes` on the same arguments; null if `before` itself stops with an error. */
function compare(before: Func, seed: number): number | null {
  const stages: { name: string; func: Func }[] = [];
  runPipeline(before, tilePasses, { verify: true, dumpAfter: (name, func) => stages.push({ name, func }) });
  const args = randomArguments(before, random(seed));
  const run = (func: Func) => {
    const buffers = copyBuffers(args.buffers);
    compileInterp(func).run({ grid: [2], buffers, scalars: args.scalars, maxSteps, print: () => {} });
    return contents(func, buffers);
  };
  let want: ReturnType<typeof run>;
  try {
    want = run(before);
  } catch {
    return null;
  }
  if (!difference(run(stages.at(-1)!.func), want)) return stages.length;
  // Which pass was it?
  let last = before;
  for (const { name, func } of stages) {
    const differs = difference(run(func), want);
    if (differs)
      expect.fail(`after ${name}, ${differs}\n${printFunc(last, { locs: false })}=>\n${printFunc(func, { locs: false })}`);
    last = func;
  }
  return stages.length;
}

describe('sections', () => {
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.ir')))
    it(file, () => {
      for (const section of readLit(folder + file).sections) {
        let ran = 0;
        for (let seed = 1; seed <= 4; seed++) if (compare(parseFunc(section.text), seed) !== null) ran++;
        expect([section.title, ran > 0]).toEqual([section.title, true]);
      }
    });
});

describe('random functions', () => {
  for (let group = 0; group < 8; group++)
    it(`seeds ${group * 20} to ${group * 20 + 19}`, () => {
      for (let i = 0; i < 20; i++) {
        const seed = group * 20 + i;
        expect(compare(randomFunc(seed), seed), `seed ${seed} stops with an error`).not.toBeNull();
      }
    });
});
