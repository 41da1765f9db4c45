// Random programs of branches, loops, early returns, shadowing and inner functions that assign: as written and as rewritten
// they must give the same results and effects.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { transformSource } from '../../../src/dsl/frontend/transform.ts';
import { moduleOf, same } from './harness.ts';

const variable = fc.constantFrom('a', 'b', 'x', 'y');
const atom = fc.oneof(variable, fc.integer({ min: -3, max: 5 }).map(String), fc.constantFrom('1.5', 'i'));

/** Statement lists. `R` marks where a return may stand: everywhere but in loops. */
const { list } = fc.letrec<{
  expr: string;
  cond: string;
  loopList: string;
  list: string;
  plain: string;
  loop: string;
  stmt: string;
}>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    atom,
    fc.tuple(tie('expr'), fc.constantFrom('+', '-', '*'), tie('expr')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('cond'), tie('expr'), tie('expr')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
  ),
  // No `>`: TypeScript reads `a < (b > (c))` as type arguments.
  cond: fc.oneof(
    { maxDepth: 1, depthSize: 'small' },
    fc.tuple(tie('expr'), fc.constantFrom('<', '<=', '===', '!=='), tie('expr')).map(([a, op, b]) => `${a} ${op} ${b}`),
    fc.tuple(tie('cond'), fc.constantFrom('&&', '||'), tie('cond')).map(([a, op, b]) => `(${a} ${op} ${b})`),
  ),
  plain: fc.oneof(
    fc.tuple(variable, fc.constantFrom('=', '+=', '-='), tie('expr')).map(([v, op, e]) => `${v} ${op} ${e};`),
    fc.tuple(variable, fc.constantFrom('++', '--')).map(([v, op]) => `${v}${op};`),
    tie('expr').map((e) => `tl.put(${e});`),
    fc.tuple(variable, variable).map(([v, w]) => `[${v}, ${w}] = [${w}, ${v} % 7];`),
    fc.constant('bump();'),
    fc.constant('const r = early(x); y += r;').map((s) => `{ ${s} }`),
  ),
  loop: fc.oneof(
    fc.tuple(fc.integer({ min: 0, max: 3 }), tie('loopList')).map(([n, b]) => `for (let i = 0; i < ${n}; i++) { ${b} }`),
    fc.tuple(fc.integer({ min: 0, max: 3 }), tie('loopList')).map(([n, b]) => `for (let i = ${n}; i >= 0; i -= 2) { ${b} }`),
    tie('loopList').map((b) => `for (const i of [2, 0]) { ${b} }`),
    fc.tuple(tie('cond'), tie('loopList')).map(([c, b]) => `{ let w = 0; while (w < 3 && ${c}) { w++; ${b} } }`),
  ),
  loopList: fc
    .array(
      fc.oneof(
        { maxDepth: 3, depthSize: 'small' },
        tie('plain'),
        tie('loop'),
        fc.tuple(tie('cond'), tie('loopList')).map(([c, b]) => `if (${c}) { ${b} }`),
      ),
      {
        maxLength: 3,
      },
    )
    .map((s) => s.join(' ')),
  stmt: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    tie('plain'),
    tie('loop'),
    fc.constant('R'),
    fc.tuple(tie('cond'), tie('list')).map(([c, t]) => `if (${c}) { ${t} }`),
    fc.tuple(tie('cond'), tie('list'), tie('list')).map(([c, t, e]) => `if (${c}) { ${t} } else { ${e} }`),
    fc.tuple(tie('cond'), tie('list')).map(([c, t]) => `if (${c}) { let a = y + 1; ${t} } else R`),
    tie('list').map((t) => `{ let b = x - 1; ${t} }`),
  ),
  list: fc.array(tie('stmt'), { minLength: 1, maxLength: 4 }).map((s) => s.join(' ')),
}));

const INPUTS = [-1, 0, 2].flatMap((x) => [-2, 1, 3].map((y) => [x, y]));

test.each([
  ['with a value', 'return [a, b, x, y];'],
  ['without a value', 'return;'],
])('random programs that return %s', (_, ret) => {
  let run = 0;
  fc.assert(
    fc.property(list, (body) => {
      const fn = `function f(x, y) { const i = 9; let a = 1, b = 2; const bump = () => { a += 1; tl.put(a); };
        const early = (v) => { if (v > 1) { if (b > 2) return 1; b += 1; } return v; };
        ${body.replaceAll('R', ret)} tl.put([a, b, x, y]); ${ret} }`;
      const result = transformSource(moduleOf(fn), 'test.ts')!;
      // Calling `bump` where `a` is shadowed is refused; everything else is in the language.
      const refused = result.diagnostics.filter((d) => d.code !== 'TL2016' && d.code !== 'TL2009');
      expect(refused, fn).toEqual([]);
      if (result.diagnostics.length) return;
      run++;
      same(fn, INPUTS);
    }),
    { numRuns: 80, seed: 7 },
  );
  expect(run).toBeGreaterThan(30);
});
