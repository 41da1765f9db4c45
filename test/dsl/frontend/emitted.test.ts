// The text that the front end emits (reviewed), what it says of parameters, and what it leaves alone.

import { SourceMap } from 'node:module';
import { transformSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { transformSource } from '../../../src/dsl/frontend/transform.ts';
import type { Definition } from '../../../src/dsl/trace/definition.ts';
import { bodyText, transformed } from './harness.ts';

test('operators, calls, names', () => {
  expect(bodyText('function f(x: number, y = 1.0) { const a = (x + y) * -2; return tl.exp(a).T[0]; }')).toMatchInlineSnapshot(
    `"function f($, x: number, y = $.flt(1.0)) { const a = $.name('a', $.bin(0, '*', $.bin(1, '+', x, y), -2)); return $.get(2, $.get(3, $.method(4, tl, 'exp', [a]), 'T'), 0); }"`,
  );
  expect(bodyText('(m) => g(m && !m || m ? `a$' + '{m + 1}` : { m })')).toMatchInlineSnapshot(
    `"($, m) => $.call(0, g, [$.cond(1, $.or(2, $.and(3, m, () => $.un(4, '!', m)), () => m), () => \`a\${$.bin(5, '+', m, 1)}\`, () => ({ m }))])"`,
  );
  expect(bodyText('function f(x) { let a = 1; a += x; a++; a &&= x > 1; return a; }')).toMatchInlineSnapshot(
    `"function f($, x) { let a = $.name('a', 1); a = $.name('a', $.bin(0, '+', a, x)); a = $.name('a', $.bin(1, '+', a, 1)); a = $.name('a', $.and(2, a, () => $.bin(3, '>', x, 1))); return a; }"`,
  );
});

test('control flow', () => {
  expect(
    bodyText(
      'function f(n) {\n  let s = 0;\n  for (let i = n; i >= 0; i -= 2) {\n    if (i > 3) s += i;\n    else { s = 1; }\n  }\n  return s;\n}',
    ),
  ).toMatchInlineSnapshot(`
    "function f($, n) {
      let s = $.name('s', 0);
      $.for(0, { start: n, stop: 0, step: -2, cmp: '>=' }, (i) => {
        $.if(1, $.bin(2, '>', i, 3), () => { s = $.name('s', $.bin(3, '+', s, i)); },
    () => { s = $.name('s', 1); }, { names: ['s'], get: () => [s], set: ($set) => { [s] = $set; } });
      }, { names: ['s'], get: () => [s], set: ($set) => { [s] = $set; } }, 'i');
      return s;
    }"
  `);
  expect(
    bodyText('function f(n) {\n  let s = 0;\n  while (s < n) s++;\n  for (const v of tl.range(n)) { s += v; }\n  return s;\n}'),
  ).toMatchInlineSnapshot(`
    "function f($, n) {
      let s = $.name('s', 0);
      $.while(0, () => $.bin(1, '<', s, n), () => { s = $.name('s', $.bin(2, '+', s, 1)); }, { names: ['s'], get: () => [s], set: ($set) => { [s] = $set; } });
      $.forOf(3, $.method(4, tl, 'range', [n]), (v) => { s = $.name('s', $.bin(5, '+', s, v)); }, { names: ['s'], get: () => [s], set: ($set) => { [s] = $set; } }, 'v');
      return s;
    }"
  `);
});

test('early returns', () => {
  expect(bodyText('function f(n) {\n  if (n < 0) return 1;\n  const a = n + 1;\n  return a;\n}')).toMatchInlineSnapshot(`
    "function f($, n) { let $ret;
      $.if(0, $.bin(1, '<', n, 0), () => { $ret = 1; }, () => {
      const a = $.name('a', $.bin(2, '+', n, 1));
      $ret = a; }, { names: ['$ret'], get: () => [$ret], set: ($set) => { [$ret] = $set; } }); return $ret;
    }"
  `);
  expect(
    bodyText('function f(n) {\n  if (n > 0) {\n    if (n > 5) return;\n    n = 2;\n  }\n  tl.put(n);\n}'),
  ).toMatchInlineSnapshot(`
    "function f($, n) { let $done = false;
      $.if(0, $.bin(1, '>', n, 0), () => {
        $.if(2, $.bin(3, '>', n, 5), () => { $done = true; }, () => {
        n = $.name('n', 2); }, { names: ['n', '$done'], get: () => [n, $done], set: ($set) => { [n, $done] = $set; } });
      }, null, { names: ['n', '$done'], get: () => [n, $done], set: ($set) => { [n, $done] = $set; } }); $.if(0, $.un(0, '!', $done), () => {
      $.method(4, tl, 'put', [n]); }, null, { names: [], get: () => [], set: () => {} });
    }"
  `);
  expect(
    bodyText('function f(n) {\n  if (n > 0) { n = 2; } else { return 0; }\n  n += 1;\n  return n;\n}'),
  ).toMatchInlineSnapshot(`
    "function f($, n) { let $ret;
      $.if(0, $.bin(1, '>', n, 0), () => { n = $.name('n', 2); $rest1(); }, () => { $ret = 0; }, { names: ['$ret'], get: () => [$ret, n], set: ($set) => { [$ret, n] = $set; } }); function $rest1() {
      n = $.name('n', $.bin(2, '+', n, 1));
      $ret = n; } return $ret;
    }"
  `);
});

/** The definition that a module's first `kernel(…)` gets. */
function definition(text: string): Definition {
  const js = transformSync(transformed(text), { loader: 'ts', format: 'cjs' }).code;
  let found: Definition | undefined;
  const kernel = (d: Definition) => {
    found ??= d;
  };
  new Function('require', 'module', 'exports', js)(() => ({ kernel, tl: { fn: (d: unknown) => d } }), {}, {});
  return found!;
}

describe('parameters', () => {
  const facts = (params: string, types: string, before = '') =>
    definition(
      `import { kernel, tl } from 'tessera';\n${before}\nexport const k = kernel(function k(${params}: ${types}) {});`,
    ).params.map(({ loc: _, ...p }) => p);
  const plain = { optional: false, hasDefault: false };

  test('a part of a named type', () => {
    const before = `type All = { a: tl.ptr<tl.f32>; b: tl.i32; C: tl.constexpr };`;
    const names = (type: string) => facts('{ a, b, C }', type, before).map((p) => p.kind);
    expect(names(`Omit<All, 'b'>`)).toEqual(['ptr', 'any', 'constexpr']);
    expect(names(`Pick<All, 'b' | 'C'> & { a: tl.bool }`)).toEqual(['scalar', 'scalar', 'constexpr']);
    expect(names(`Omit<All, 'a' | 'C'>`)).toEqual(['any', 'scalar', 'any']);
  });
  test('an object type in place', () => {
    const types = `{
      a: tl.ptr<tl.f32>; b: tl.ptr<tl.f16 | tl.f32>; c: tl.ptr; d: tl.ptr<tl.bf16> | null; e?: tl.ptr<tl.i64>;
      f: tl.i32; g: tl.float16; h: tl.bool | null; i: tl.constexpr; j: tl.constexpr<boolean>; k: tl.constexpr<tl.f32>; l: number;
      m: tl.ptr<tl.f16> | tl.ptr<tl.f32>; n: (tl.ptr<any> | null); o: tl.ptr<tl.f32> | number }`;
    expect(facts('{ a, b, c, d, e, f, g, h, i, j, k = 0.5, l, m, n, o, p = 2 }', types)).toEqual([
      { name: 'a', kind: 'ptr', dtype: 'f32', ...plain },
      { name: 'b', kind: 'ptr', ...plain },
      { name: 'c', kind: 'ptr', ...plain },
      { name: 'd', kind: 'ptr', dtype: 'bf16', ...plain, optional: true },
      { name: 'e', kind: 'ptr', dtype: 'i64', ...plain, optional: true },
      { name: 'f', kind: 'scalar', dtype: 'i32', ...plain },
      { name: 'g', kind: 'scalar', dtype: 'f16', ...plain },
      { name: 'h', kind: 'scalar', dtype: 'bool', ...plain, optional: true },
      { name: 'i', kind: 'constexpr', ...plain },
      { name: 'j', kind: 'constexpr', ...plain },
      { name: 'k', kind: 'constexpr', dtype: 'f32', ...plain, hasDefault: true },
      { name: 'l', kind: 'any', ...plain },
      { name: 'm', kind: 'ptr', ...plain },
      { name: 'n', kind: 'ptr', ...plain, optional: true },
      { name: 'o', kind: 'any', ...plain },
      { name: 'p', kind: 'any', ...plain, hasDefault: true },
    ]);
  });

  test('interfaces, aliases, extends and intersections of the file; renaming', () => {
    const before = `interface Base { n: tl.i32 }\ninterface P extends Base { x: F32 }\ntype F32 = tl.ptr<tl.f32>;\ntype Q = Readonly<P> & { y: tl.i64 };\n`;
    expect(facts('{ x: px, y, n, z }', 'Q', before)).toEqual([
      { name: 'x', kind: 'ptr', dtype: 'f32', ...plain },
      { name: 'y', kind: 'scalar', dtype: 'i64', ...plain },
      { name: 'n', kind: 'scalar', dtype: 'i32', ...plain },
      { name: 'z', kind: 'any', ...plain },
    ]);
  });

  test('types from elsewhere are not known', () => {
    expect(facts('{ x }', 'Params', `import type { Params } from './params.ts';`)).toEqual([
      { name: 'x', kind: 'any', ...plain },
    ]);
  });
});

describe('what counts as a definition', () => {
  const names = (text: string) =>
    transformSource(text, 'a.ts')?.kernels.map((k) => `${k.exported ? 'export ' : ''}${k.binding}=${k.name}:${k.line}`) ?? null;

  test.each([
    [`import { kernel as k } from 'tessera';\nexport const a = k(function b() {});`, ['export a=b:2']],
    [
      `import * as T from 'tessera';\nconst a = T.kernel(() => {}, { num_warps: 4 }), f = T.tl.fn((x) => x);\nexport { a };`,
      ['export a=a:2'],
    ],
    [
      `import * as tl from '../src/dsl/tl.ts';\nimport { kernel } from '../src/dsl/kernel.ts';\nexport default kernel(function k() { tl.f(); });`,
      ['export default=k:3'],
    ],
    [`import { kernel } from '../index.ts';\nfunction test() { const o = { run: kernel(function () {}) }; }`, ['run=run:2']],
    [`import { kernel } from 'tessera/kernels';\nexport const t = tune([1], kernel(({ x }) => { g(x); }));`, ['export t=t:2']],
    [`import { kernel } from 'tessera';\nconst make = (kernel: (f: unknown) => void) => kernel(function a() {});`, null],
    [`import { kernel } from 'linux';\nkernel(function a() {});`, null],
    [`import type { kernel } from 'tessera';\nexport const f = 1;`, null],
    [`import { kernel } from 'tessera';\nkernel(definition);`, null],
    [`const kernel = 1;`, null],
  ])('%s', (text, expected) => {
    expect(names(text)).toEqual(expected);
  });
});

describe('the rest of the file', () => {
  const text = `// head\nimport { kernel, tl } from 'tessera'\nlet n = 1 +  2; n++;\nexport const k: unknown = kernel(\n  // about k\n  function k({ x }: { x: tl.ptr<tl.f32> }) {\n    // comment\n    tl.store(x,\n      1.0 + // one\n      2);\n  }, { num_warps: 4 })\nenum E { A }\nexport const t = (n as number) + E.A; // tail\n`;
  const code = transformed(text);

  test('is byte for byte what it was, on the same lines', () => {
    const lines = text.split('\n');
    const out = code.split('\n');
    expect(out.length).toBe(lines.length);
    for (const i of [0, 1, 2, 3, 4, 6, 8, 11, 12, 13]) if (i !== 8) expect(out[i]).toBe(lines[i]);
    expect(out[10]).toMatch(/, \{ num_warps: 4 \}\)$/);
    expect(code).toContain('// one');
  });

  test('survives type stripping, and the source map points at the source', () => {
    const js = transformSync(code, { loader: 'ts' }).code;
    expect(js.replace(/text: ".*?", loc/, '')).not.toContain('tl.ptr');
    const map = new SourceMap(JSON.parse(transformSource(text, 'a.ts')!.map.toString()));
    const line = code.split('\n').findIndex((l) => l.includes("'store'"));
    const entry = map.findEntry(line, code.split('\n')[line].indexOf('x,')) as {
      originalLine: number;
      originalColumn: number;
      originalSource: string;
    };
    expect([entry.originalSource, entry.originalLine, entry.originalColumn]).toEqual(['a.ts', 7, 13]);
  });

  test('carriage returns and byte order marks do no harm', () => {
    const crlf = transformed(`\uFEFF${text.replaceAll('\n', '\r\n')}`);
    expect(crlf.replaceAll('\r\n', '\n').replace('\uFEFF', '')).toBe(code);
  });
});

test('a definition carries its source lines, spans and file', () => {
  const text = `import { kernel, tl } from 'tessera';\nexport const k = kernel(function k({ x, n }: { x: tl.ptr; n: tl.i32 }) {\n  tl.store(x, n +\n    1);\n});`;
  const d = definition(text);
  expect(d).toMatchObject({ kind: 'kernel', name: 'k', file: 'test.ts', firstLine: 2, loc: [2, 25, 5, 2] });
  expect(d.text).toBe(text.split('\n').slice(1).join('\n'));
  expect(d.locs).toEqual([
    [3, 3, 4, 7],
    [3, 15, 4, 6],
  ]);
  expect(d.params.map((p) => p.loc)).toEqual([
    [2, 38, 2, 39],
    [2, 41, 2, 42],
  ]);
});
