// The runner: order, reports, dumps, resuming from text, and what happens when a pass breaks the function.

import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { makeOp } from '../../src/dsl/ir/build.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import { applyRules, rule } from '../../src/dsl/ir/rewrite.ts';
import { pass, passesAfter, passNames, resume, runPipeline, tilePasses } from '../../src/lower/pipeline.ts';

const TEXT = `func @f(%x: i32, %out: ptr<i32> {buf=0}) {
  %a = constant {value=2} : i32
  %b = constant {value=3} : i32
  %c = mul %a, %b : i32
  %d = add %x, %c : i32
  store %out, %d
}`;

it('a pass is named like its file, and says what it needs and gives', () => {
  for (const name of passNames(tilePasses)) {
    const file = new URL(`../../src/lower/passes/${name}.ts`, import.meta.url);
    expect([name, existsSync(file)]).toEqual([name, true]);
    const head = readFileSync(file, 'utf8').slice(0, 900);
    expect([name, /Needs: /.test(head), /Gives: /.test(head), /Never/i.test(head)]).toEqual([name, true, true, true]);
  }
});
it('a repeated pass says why', () => {
  const seen = new Set<string>();
  for (const p of tilePasses) {
    expect([p.name, p.again !== undefined]).toEqual([p.name, seen.has(p.name)]);
    seen.add(p.name);
  }
});
it('reports what fired, with the time, and leaves the input alone', () => {
  const func = parseFunc(TEXT);
  const before = printFunc(func);
  const { reports } = runPipeline(func, tilePasses, { verify: true });
  expect(reports.map((r) => r.name)).toEqual(tilePasses.map((p) => p.name));
  expect(reports[0].fired).toMatchObject([{ pass: 'fold', rule: 'evaluate' }]);
  expect(reports.every((r) => r.ms >= 0)).toBe(true);
  expect(printFunc(func)).toBe(before);
});
it('going on from a dump gives what the whole run gives', () => {
  for (const from of passNames(tilePasses)) {
    let dump = '';
    const whole = runPipeline(parseFunc(TEXT), tilePasses, {
      dumpAfter: (name, f) => {
        if (name === from) dump = printFunc(f);
      },
    });
    expect(printFunc(resume(dump, tilePasses, { after: from }).func)).toBe(printFunc(whole.func));
  }
});
it('an unknown pass is named with the known ones', () => {
  expect(() => passesAfter(tilePasses, 'inline')).toThrow(/there is no pass 'inline'; the passes are fold, canonicalize/);
});
it('a pass that breaks the function is caught by name', () => {
  const bad = pass({
    name: 'bad',
    doc: 'drops the first op',
    run: (f) => ({ ...f, body: { ...f.body, ops: f.body.ops.slice(1) } }),
  });
  expect(() => runPipeline(parseFunc(TEXT), [bad], { verify: true })).toThrow(/after bad: .*before its definition/);
});
it('rules that never come to an end are reported', () => {
  const swap = rule('swap', (op, rw) =>
    op.name === 'add' ? rw.emit({ ...makeOp('add', [op.operands[1], op.operands[0]], {}, op.loc), results: op.results }) : null,
  );
  expect(() => applyRules(parseFunc(TEXT), [swap], () => {})).toThrow(/swap do not come to an end in f/);
});
