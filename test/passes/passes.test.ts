// Runs every *.ir file of this folder. Each section runs its passes with verification and must meet its CHECK lines; each
// rewrite rule must have a section that fires it and one, titled `not RULE: …`, where it must not fire.

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalizeRules } from '../../src/lower/passes/canonicalize.ts';
import { foldRules } from '../../src/lower/passes/fold.ts';
import { unreadOther } from '../../src/lower/passes/unreadOther.ts';
import { tilePasses } from '../../src/lower/pipeline.ts';
import { checkSection, readLit, runSection } from '../support/lit.ts';

const folder = new URL('.', import.meta.url).pathname;
const files = readdirSync(folder)
  .filter((f) => f.endsWith('.ir'))
  .map((name) => ({ name, lit: readLit(folder + name) }));
const passOf = (name: string) => {
  const p = [...tilePasses, unreadOther].find((q) => q.name === name);
  if (!p) throw new Error(`no pass '${name}'`);
  return p;
};
const tested = new Map<string, Set<string>>();

for (const { name, lit } of files) {
  describe(`${name} (${lit.passes.join(', ')})`, () => {
    for (const section of lit.sections) {
      it(section.title, () => {
        const passes = lit.passes[0] === 'all' ? tilePasses : lit.passes.map(passOf);
        const run = runSection(section, passes);
        for (const rule of run.fired) tested.set(rule, (tested.get(rule) ?? new Set()).add('fires'));
        const not = /^not (\w+)/.exec(section.title)?.[1];
        if (not) {
          expect(run.fired).not.toContain(not);
          tested.set(not, (tested.get(not) ?? new Set()).add('does not fire'));
        }
        const problem = checkSection(section, run);
        if (problem) expect.fail(problem);
      });
    }
  });
}

it('every rule fires in one section and must not in another', () => {
  const rules = [
    ...[...foldRules, ...canonicalizeRules].map((r) => r.name),
    ...[
      'repeated',
      'unused',
      'unusedCarried',
      'invariant',
      'dotAcc',
      'decided',
      'decidedMin',
      'divPow2',
      'modPow2',
      'lowBits',
      'rangeFits',
      'carriedLowBits',
      'unreadOther',
    ],
  ];
  for (const r of rules) expect([r, [...(tested.get(r) ?? [])].sort()]).toEqual([r, ['does not fire', 'fires']]);
  for (const r of tested.keys()) expect(rules).toContain(r);
});
