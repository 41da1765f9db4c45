// Random kernels: every program that once failed, for ever after, and a small batch of new ones, on each device.
// `npm run fuzz` runs more; docs/testing.md says how.

import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS } from '../support/devices.ts';
import { check, openRig, type Rig } from './check.ts';
import { programs } from './generate.ts';
import { kernelOf } from './kernel.ts';
import type { CorpusFile } from './program.ts';
import { lines } from './replay.ts';
import { ELEMENTWISE, jumps } from './table.ts';

const folder = new URL('./corpus/', import.meta.url);
const corpus = readdirSync(folder).filter((f) => f.endsWith('.json'));
/** The first programs of a fixed seed; enough to notice a generator that makes nothing of use. */
const BATCH = { numRuns: 20, seed: 7 };

describe.each(KINDS)('on %s', (kind) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig(kind);
  });
  afterAll(() => rig?.device.destroy());

  it.each(corpus)('%s', async (file) => {
    const { program } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as CorpusFile;
    const { kind, text, ops } = await check(rig, program);
    expect([kind, text]).toEqual(['ok', '']);
    expect(ops).toContain('store');
  });
  it('a batch of a fixed seed', async () => {
    const ops = new Set<string>();
    for (const program of fc.sample(programs(), BATCH)) {
      const outcome = await check(rig, program);
      // What a back end refuses with a message (64-bit atomic minima) is no wrong answer.
      if (outcome.kind !== 'refused') expect([outcome.kind, outcome.text], lines(program.steps).join('\n')).toEqual(['ok', '']);
      for (const o of outcome.ops) ops.add(o);
    }
    expect(ops.size).toBeGreaterThan(40);
    expect([...ops]).toEqual(expect.arrayContaining(['load', 'store', 'for', 'if', 'while', 'cast']));
  });
});

describe('the generator', () => {
  it('knows the ops that jump', () => {
    expect(ELEMENTWISE.filter(jumps)).toEqual(expect.arrayContaining(['lt', 'eq', 'floor', 'ceil', 'mod']));
    expect(['add', 'mul', 'div', 'exp', 'sqrt', 'minimum', 'where', 'abs'].filter(jumps)).toEqual([]);
  });
  it('replays to the same kernel', () => {
    for (const p of fc.sample(programs(), { numRuns: 20, seed: 3 })) {
      const [a, b] = [kernelOf(p), kernelOf(JSON.parse(JSON.stringify(p)))];
      expect([a.skipped, a.memory.map((m) => [m.name, m.bytes])]).toEqual([b.skipped, b.memory.map((m) => [m.name, m.bytes])]);
    }
  });
});
