// Every message of the front end: the text a person sees, with its code frame. Reviewed by eye; the texts are the contract.

import { expect, test } from 'vitest';
import { MSG } from '../../../src/dsl/frontend/messages.ts';
import { transformSource } from '../../../src/dsl/frontend/transform.ts';
import { messages } from './harness.ts';

const HEAD = `import { kernel, tl } from 'tessera';\n`;
/** What the front end says about a kernel with this body. */
const k = (body: string, before = ''): string =>
  messages(
    `${HEAD}${before}\nexport const k = kernel(function k({ x, n }: { x: tl.ptr<tl.f32>; n: tl.i32 }) {\n${body}\n});`,
  ).join('\n\n');
const whole = (text: string): string => messages(HEAD + text).join('\n\n');
const seen = new Set<string>();
const show = (text: string): string => {
  for (const [, code] of text.matchAll(/error (TL2\d+)/g)) seen.add(code);
  return `\n${text}\n`;
};

test('TL2000 syntax error', () => {
  expect(show(k('const a = ;'))).toMatchInlineSnapshot(`
    "
    error TL2000: syntax error: Expression expected.
      --> test.ts:4:11
       |
     4 | const a = ;
       |           ^
      = help: fix the syntax; nothing was compiled
    "
  `);
});

test('TL2001 not in the language', () => {
  expect(show(k('do { n -= 1; } while (n > 0);'))).toMatchInlineSnapshot(`
    "
    error TL2001: \`do … while\` is not in the kernel language
      --> test.ts:4:1 (in k)
       |
     4 | do { n -= 1; } while (n > 0);
       | ^^
      = help: write \`while (…) { … }\`, with the first round before it
    "
  `);
  expect(show(k('for (const i in [1]) { continue; }'))).toMatchInlineSnapshot(`
    "
    error TL2001: \`for … in\` is not in the kernel language
      --> test.ts:4:1 (in k)
       |
     4 | for (const i in [1]) { continue; }
       | ^^^
      = help: write \`for (const key of Object.keys(o))\`

    error TL2001: \`continue\` is not in the kernel language
      --> test.ts:4:24 (in k)
       |
     4 | for (const i in [1]) { continue; }
       |                        ^^^^^^^^
      = help: guard the rest of the body with \`if\`, or end a \`while\` by its condition
    "
  `);
  expect(show(k('switch (n) { case 1: break; default: tl.store(x, await n); }'))).toMatchInlineSnapshot(`
    "
    error TL2001: \`switch\` is not in the kernel language
      --> test.ts:4:1 (in k)
       |
     4 | switch (n) { case 1: break; default: tl.store(x, await n); }
       | ^^^^^^
      = help: write \`if … else if …\`

    error TL2001: \`await\` is not in the kernel language
      --> test.ts:4:50 (in k)
       |
     4 | switch (n) { case 1: break; default: tl.store(x, await n); }
       |                                                  ^^^^^
      = help: a kernel runs on the device from start to end; await its inputs before the launch
    "
  `);
  expect(show(k('try { throw 1; } catch {}'))).toMatchInlineSnapshot(`
    "
    error TL2001: \`try\` is not in the kernel language
      --> test.ts:4:1 (in k)
       |
     4 | try { throw 1; } catch {}
       | ^^^
      = help: check with \`tl.static_assert\` at compile time or \`tl.device_assert\` at run time

    error TL2001: \`throw\` is not in the kernel language
      --> test.ts:4:7 (in k)
       |
     4 | try { throw 1; } catch {}
       |       ^^^^^
      = help: use \`tl.static_assert\` at compile time or \`tl.device_assert\` at run time
    "
  `);
  expect(show(k('var a = 1, b = (n, 2); class C {}'))).toMatchInlineSnapshot(`
    "
    error TL2001: \`var\` is not in the kernel language
      --> test.ts:4:1 (in k)
       |
     4 | var a = 1, b = (n, 2); class C {}
       | ^^^
      = help: use \`let\` or \`const\`

    error TL2001: the comma operator is not in the kernel language
      --> test.ts:4:17 (in k)
       |
     4 | var a = 1, b = (n, 2); class C {}
       |                 ^^^^
      = help: write two statements

    error TL2001: a class is not in the kernel language
      --> test.ts:4:24 (in k)
       |
     4 | var a = 1, b = (n, 2); class C {}
       |                        ^^^^^
      = help: use functions and plain objects
    "
  `);
  expect(show(k('const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;'))).toMatchInlineSnapshot(`
    "
    error TL2001: \`>>>\` is not in the kernel language
      --> test.ts:4:12 (in k)
       |
     4 | const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;
       |            ^^^^^^^
      = help: cast to an unsigned type (\`tl.cast(x, tl.u32)\`) and use \`>>\`

    error TL2001: \`in\` is not in the kernel language
      --> test.ts:4:21 (in k)
       |
     4 | const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;
       |                     ^^^^^^^^
      = help: compute it outside the kernel, at module level, and close over the result

    error TL2001: \`instanceof\` is not in the kernel language
      --> test.ts:4:31 (in k)
       |
     4 | const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;
       |                               ^^^^^^^^^^^^^^^^^^
      = help: compute it outside the kernel, at module level, and close over the result

    error TL2001: \`this\` is not in the kernel language
      --> test.ts:4:51 (in k)
       |
     4 | const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;
       |                                                   ^^^^
      = help: use a parameter or a module constant

    error TL2001: a regular expression is not in the kernel language
      --> test.ts:4:57 (in k)
       |
     4 | const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;
       |                                                         ^^^
      = help: compute it outside the kernel, at module level, and close over the result

    error TL2001: \`delete\` is not in the kernel language
      --> test.ts:4:62 (in k)
       |
     4 | const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;
       |                                                              ^^^^^^
      = help: build a new object without the property

    error TL2001: \`>>>=\` is not in the kernel language
      --> test.ts:4:75 (in k)
       |
     4 | const a = [n >>> 1, "a" in n, n instanceof Array, this, /x/, delete n.a]; n >>>= 2;
       |                                                                           ^^^^^^^^
      = help: cast to an unsigned type (\`tl.cast(x, tl.u32)\`) and use \`>>\`
    "
  `);
  expect(
    show(k('const a = [new (f())(), import("a"), tag`x`, import.meta.url, { get a() { return 1; } }, arguments];')),
  ).toMatchInlineSnapshot(`
    "
    error TL2001: \`new\` of a computed class is not in the kernel language
      --> test.ts:4:12 (in k)
       |
     4 | const a = [new (f())(), import("a"), tag\`x\`, import.meta.url, { get a() { return 1; } }, arguments];
       |            ^^^^^^^^^^^
      = help: compute it outside the kernel, at module level, and close over the result

    error TL2001: a dynamic \`import()\` is not in the kernel language
      --> test.ts:4:25 (in k)
       |
     4 | const a = [new (f())(), import("a"), tag\`x\`, import.meta.url, { get a() { return 1; } }, arguments];
       |                         ^^^^^^^^^^^
      = help: import it at the top of the file

    error TL2001: a tagged template is not in the kernel language
      --> test.ts:4:38 (in k)
       |
     4 | const a = [new (f())(), import("a"), tag\`x\`, import.meta.url, { get a() { return 1; } }, arguments];
       |                                      ^^^^^^
      = help: compute it outside the kernel, at module level, and close over the result

    error TL2001: \`import.meta\` is not in the kernel language
      --> test.ts:4:46 (in k)
       |
     4 | const a = [new (f())(), import("a"), tag\`x\`, import.meta.url, { get a() { return 1; } }, arguments];
       |                                              ^^^^^^^^^^^
      = help: compute it outside the kernel, at module level, and close over the result

    error TL2001: a getter is not in the kernel language
      --> test.ts:4:65 (in k)
       |
     4 | const a = [new (f())(), import("a"), tag\`x\`, import.meta.url, { get a() { return 1; } }, arguments];
       |                                                                 ^^^
      = help: use a plain property or a function

    error TL2001: \`arguments\` is not in the kernel language
      --> test.ts:4:90 (in k)
       |
     4 | const a = [new (f())(), import("a"), tag\`x\`, import.meta.url, { get a() { return 1; } }, arguments];
       |                                                                                          ^^^^^^^^^
      = help: name the parameters
    "
  `);
  expect(show(k('const a = class {}; enum E {}'))).toMatchInlineSnapshot(`
    "
    error TL2001: a class is not in the kernel language
      --> test.ts:4:11 (in k)
       |
     4 | const a = class {}; enum E {}
       |           ^^^^^
      = help: use functions and plain objects

    error TL2001: an enum is not in the kernel language
      --> test.ts:4:21 (in k)
       |
     4 | const a = class {}; enum E {}
       |                     ^^^^
      = help: declare it at module level
    "
  `);
  expect(show(k('here: while (n > 0) { break here; }'))).toMatchInlineSnapshot(`
    "
    error TL2001: a label is not in the kernel language
      --> test.ts:4:1 (in k)
       |
     4 | here: while (n > 0) { break here; }
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: guard the rest of the body with \`if\`, or end a \`while\` by its condition

    error TL2001: \`break\` is not in the kernel language
      --> test.ts:4:23 (in k)
       |
     4 | here: while (n > 0) { break here; }
       |                       ^^^^^
      = help: guard the rest of the body with \`if\`, or end a \`while\` by its condition
    "
  `);
});

test('TL2002 return in a loop', () => {
  expect(show(k('while (n > 0) {\n  if (n > 3) return;\n  n -= 1;\n}'))).toMatchInlineSnapshot(`
    "
    error TL2002: \`return\` inside a loop is not in the kernel language
      --> test.ts:5:14 (in k)
       |
     5 |   if (n > 3) return;
       |              ^^^^^^^
      = note: a program of a GPU kernel runs its loops to the end; only \`if\` may end it early
      = help: keep the result in a \`let\` variable and return it after the loop, or guard the rest of the body with \`if\`
    "
  `);
});

test('TL2003 for header', () => {
  expect(show(k('for (let i = 0, j = 1; i < n; i++) {}'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: it declares several variables
      --> test.ts:4:6 (in k)
       |
     4 | for (let i = 0, j = 1; i < n; i++) {}
       |      ^^^^^^^^^^^^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`
    "
  `);
  expect(show(k('let i; for (i = 0; i < n; i++) {}'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: \`i = 0\` does not declare its variable with \`let\`
      --> test.ts:4:13 (in k)
       |
     4 | let i; for (i = 0; i < n; i++) {}
       |             ^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`
    "
  `);
  expect(show(k('for (;;) {}'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: it has no start
      --> test.ts:4:1 (in k)
       |
     4 | for (;;) {}
       | ^^^^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`
    "
  `);
  expect(show(k('for (let i = 0; ; i++) {}'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: it has no condition
      --> test.ts:4:1 (in k)
       |
     4 | for (let i = 0; ; i++) {}
       | ^^^^^^^^^^^^^^^^^^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`
    "
  `);
  expect(show(k('for (let i = 1; i < n; i *= 2) { break; }'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: its step is \`i *= 2\`
      --> test.ts:4:24 (in k)
       |
     4 | for (let i = 1; i < n; i *= 2) { break; }
       |                        ^^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`

    error TL2001: \`break\` is not in the kernel language
      --> test.ts:4:34 (in k)
       |
     4 | for (let i = 1; i < n; i *= 2) { break; }
       |                                  ^^^^^
      = help: guard the rest of the body with \`if\`, or end a \`while\` by its condition
    "
  `);
  expect(show(k('for (let i = 0; n > i; i++) {}'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: its condition \`n > i\` is not \`i < stop\`
      --> test.ts:4:17 (in k)
       |
     4 | for (let i = 0; n > i; i++) {}
       |                 ^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`
    "
  `);
  expect(show(k('for (let i = 0; i !== n; i++) {}'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: its condition \`i !== n\` is not \`i < stop\`
      --> test.ts:4:17 (in k)
       |
     4 | for (let i = 0; i !== n; i++) {}
       |                 ^^^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`
    "
  `);
  expect(show(k('for (let i = 0; i < n; ) {}'))).toMatchInlineSnapshot(`
    "
    error TL2003: this \`for\` header is not in the kernel language: it has no step
      --> test.ts:4:1 (in k)
       |
     4 | for (let i = 0; i < n; ) {}
       | ^^^^^^^^^^^^^^^^^^^^^^^^
      = note: accepted: for (let i = start; i < stop; i += step) { … }  with < <= > >= and i++ i-- i += e i -= e
      = help: write it as \`for (let i = start; i < stop; i += step) { … }\`, or use \`while\`
    "
  `);
});

test('TL2022 for-of header', () => {
  expect(show(k('let v; for (v of [1]) {}'))).toMatchInlineSnapshot(`
    "
    error TL2022: this \`for … of\` header is not in the kernel language: \`v\` is not a variable of its own
      --> test.ts:4:13 (in k)
       |
     4 | let v; for (v of [1]) {}
       |             ^
      = help: write it as \`for (const x of items) { … }\`; take things apart in the body
    "
  `);
  expect(show(k('for (const { a = 1 } of [{}]) {}'))).toMatchInlineSnapshot(`
    "
    error TL2022: this \`for … of\` header is not in the kernel language: a default in its pattern
      --> test.ts:4:12 (in k)
       |
     4 | for (const { a = 1 } of [{}]) {}
       |            ^^^^^^^^^
      = help: write it as \`for (const x of items) { … }\`; take things apart in the body
    "
  `);
  expect(show(k('for await (const a of [1]) {}'))).toMatchInlineSnapshot(`
    "
    error TL2022: this \`for … of\` header is not in the kernel language: \`for await\`
      --> test.ts:4:12 (in k)
       |
     4 | for await (const a of [1]) {}
       |            ^^^^^^^
      = help: write it as \`for (const x of items) { … }\`; take things apart in the body
    "
  `);
});

test('TL2004 loop variable assigned', () => {
  expect(show(k('for (let i = 0; i < n; i++) {\n  i = tl.multiple_of(i, 4);\n}'))).toMatchInlineSnapshot(`
    "
    error TL2004: the loop variable \`i\` is assigned in the body of its \`for\`
      --> test.ts:5:3 (in k)
       |
     5 |   i = tl.multiple_of(i, 4);
       |   ^^^^^^^^^^^^^^^^^^^^^^^^
      = note: a \`for\` is a range that is fixed when the loop starts, as in Triton
      = help: give the changed value a name of its own, e.g. \`const i1 = …\`, or use \`while\`
    "
  `);
});

test('TL2005 loop bound changes', () => {
  expect(show(k('let m = n; let s = 1;\nfor (let i = 0; i < m * 2; i += s) { m -= 1; s++; }'))).toMatchInlineSnapshot(`
    "
    error TL2005: the stop of this \`for\` depends on \`m\`, which the body changes
      --> test.ts:5:21 (in k)
       |
     5 | for (let i = 0; i < m * 2; i += s) { m -= 1; s++; }
       |                     ^
      = note: the stop is evaluated once, before the first round, as in Triton's range
      = help: copy it first (\`const stop = …\`) if one evaluation is meant, else use \`while\`

    error TL2005: the step of this \`for\` depends on \`s\`, which the body changes
      --> test.ts:5:33 (in k)
       |
     5 | for (let i = 0; i < m * 2; i += s) { m -= 1; s++; }
       |                                 ^
      = note: the step is evaluated once, before the first round, as in Triton's range
      = help: copy it first (\`const step = …\`) if one evaluation is meant, else use \`while\`
    "
  `);
});

test('TL2006 captured variable changes', () => {
  expect(
    show(k('tl.store(x, scale);', 'let scale = 1;\nexport function setScale(s: number) { scale = s; }')),
  ).toMatchInlineSnapshot(`
    "
    error TL2006: a kernel cannot close over \`scale\`, which changes
      --> test.ts:5:13 (in k)
       |
     5 | tl.store(x, scale);
       |             ^^^^^
      = note: it is assigned at line 3; a kernel is compiled once and would keep an old value
      = help: make \`scale\` a \`const\`, or pass it as a parameter (\`tl.constexpr\` for a compile-time value)
    "
  `);
  const loop = `for (let i = 0; i < 3; i++) { kernel(function a({ x }: { x: tl.ptr }) { tl.store(x, i); }); }`;
  expect(show(whole(loop))).toMatchInlineSnapshot(`
    "
    error TL2006: a kernel cannot close over \`i\`, which changes
      --> test.ts:2:85 (in a)
       |
     2 | for (let i = 0; i < 3; i++) { kernel(function a({ x }: { x: tl.ptr }) { tl.store(x, i); }); }
       |                                                                                     ^
      = note: it is assigned at line 2; a kernel is compiled once and would keep an old value
      = help: make \`i\` a \`const\`, or pass it as a parameter (\`tl.constexpr\` for a compile-time value)
    "
  `);
});

test('TL2007 assignment to an outer variable', () => {
  expect(show(k('count += 1; table[0] = 2; undeclared = 1;', 'let count = 0; const table = [1];'))).toMatchInlineSnapshot(`
    "
    error TL2007: a kernel cannot assign to \`count\`, which is declared outside it
      --> test.ts:4:1 (in k)
       |
     4 | count += 1; table[0] = 2; undeclared = 1;
       | ^^^^^
      = help: return the value from a \`tl.fn\`, or store it through a pointer

    error TL2007: a kernel cannot assign to \`table[0]\`, which is declared outside it
      --> test.ts:4:13 (in k)
       |
     4 | count += 1; table[0] = 2; undeclared = 1;
       |             ^^^^^^^^
      = help: return the value from a \`tl.fn\`, or store it through a pointer

    error TL2007: a kernel cannot assign to \`undeclared\`, which is declared outside it
      --> test.ts:4:27 (in k)
       |
     4 | count += 1; table[0] = 2; undeclared = 1;
       |                           ^^^^^^^^^^
      = help: return the value from a \`tl.fn\`, or store it through a pointer
    "
  `);
});

test('TL2008 assignment as a value', () => {
  expect(show(k('let a = 0; tl.store(x, (a = 2) + 1);'))).toMatchInlineSnapshot(`
    "
    error TL2008: an assignment is a statement of its own in a kernel
      --> test.ts:4:25 (in k)
       |
     4 | let a = 0; tl.store(x, (a = 2) + 1);
       |                         ^^^^^
      = help: assign on a line of its own, then use the variable
    "
  `);
});

test('TL2009 assignment in an operand', () => {
  expect(
    show(k('let a = 0; const f = () => { a += 1; return a; };\nconst b = n > 0 && f(); const c = n > 0 ? f() : 0;')),
  ).toMatchInlineSnapshot(`
    "
    error TL2009: \`a\` is assigned inside an operand of \`&&\`, which may not run
      --> test.ts:5:20 (in k)
       |
     5 | const b = n > 0 && f(); const c = n > 0 ? f() : 0;
       |                    ^^^
      = help: use \`if\` for the assignment

    error TL2009: \`a\` is assigned inside an operand of \`?:\`, which may not run
      --> test.ts:5:43 (in k)
       |
     5 | const b = n > 0 && f(); const c = n > 0 ? f() : 0;
       |                                           ^^^
      = help: use \`if\` for the assignment
    "
  `);
});

test('TL2010 increment as a value', () => {
  expect(show(k('let a = 0; const b = a++ + --a; const f = () => a++;'))).toMatchInlineSnapshot(`
    "
    error TL2010: \`a++\` gives no value in a kernel
      --> test.ts:4:22 (in k)
       |
     4 | let a = 0; const b = a++ + --a; const f = () => a++;
       |                      ^^^
      = help: write \`a++;\` as a statement of its own

    error TL2010: \`--a\` gives no value in a kernel
      --> test.ts:4:28 (in k)
       |
     4 | let a = 0; const b = a++ + --a; const f = () => a++;
       |                            ^^^
      = help: write \`--a;\` as a statement of its own

    error TL2010: \`a++\` gives no value in a kernel
      --> test.ts:4:49 (in k)
       |
     4 | let a = 0; const b = a++ + --a; const f = () => a++;
       |                                                 ^^^
      = help: write \`a++;\` as a statement of its own
    "
  `);
});

test('TL2011 const assigned', () => {
  expect(show(k('const a = 0; a += 1; function f() {} f = a;'))).toMatchInlineSnapshot(`
    "
    error TL2011: \`a\` is a const and cannot be assigned
      --> test.ts:4:14 (in k)
       |
     4 | const a = 0; a += 1; function f() {} f = a;
       |              ^
      = help: declare it with \`let a\`

    error TL2011: \`f\` is a const and cannot be assigned
      --> test.ts:4:38 (in k)
       |
     4 | const a = 0; a += 1; function f() {} f = a;
       |                                      ^
      = help: declare it with \`let f\`
    "
  `);
});

test('TL2012 parameters of a kernel', () => {
  expect(
    show(whole('kernel(function a(x, n) {}); kernel(function b(args) {}); kernel(({ x } = {}) => {});')),
  ).toMatchInlineSnapshot(`
    "
    error TL2012: a kernel takes one destructured object, found 2 parameters
      --> test.ts:2:22 (in a)
       |
     2 | kernel(function a(x, n) {}); kernel(function b(args) {}); kernel(({ x } = {}) => {});
       |                      ^
      = help: write \`kernel(function name({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) { … })\`

    error TL2012: a kernel takes one destructured object, found \`args\`
      --> test.ts:2:48 (in b)
       |
     2 | kernel(function a(x, n) {}); kernel(function b(args) {}); kernel(({ x } = {}) => {});
       |                                                ^^^^
      = help: write \`kernel(function name({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) { … })\`

    error TL2012: a kernel takes one destructured object, found a default for the whole object
      --> test.ts:2:75 (in anonymous)
       |
     2 | kernel(function a(x, n) {}); kernel(function b(args) {}); kernel(({ x } = {}) => {});
       |                                                                           ^^
      = help: write \`kernel(function name({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) { … })\`
    "
  `);
});

test('TL2013 parameter pattern', () => {
  expect(
    show(whole('kernel(function a({ x, ...rest }) {}); kernel(function b({ x: [y], ["z"]: z }) {});')),
  ).toMatchInlineSnapshot(`
    "
    error TL2013: a parameter of a kernel is a plain name, found \`...rest\`
      --> test.ts:2:24 (in a)
       |
     2 | kernel(function a({ x, ...rest }) {}); kernel(function b({ x: [y], ["z"]: z }) {});
       |                        ^^^^^^^
      = help: name every parameter: \`{ x, y, n = 4 }\`, each with its type

    error TL2013: a parameter of a kernel is a plain name, found the pattern \`x: [y]\`
      --> test.ts:2:60 (in b)
       |
     2 | kernel(function a({ x, ...rest }) {}); kernel(function b({ x: [y], ["z"]: z }) {});
       |                                                            ^^^^^^
      = help: name every parameter: \`{ x, y, n = 4 }\`, each with its type

    error TL2013: a parameter of a kernel is a plain name, found \`["z"]: z\`
      --> test.ts:2:68 (in b)
       |
     2 | kernel(function a({ x, ...rest }) {}); kernel(function b({ x: [y], ["z"]: z }) {});
       |                                                                    ^^^^^^^^
      = help: name every parameter: \`{ x, y, n = 4 }\`, each with its type
    "
  `);
});

test('TL2014 kernel returns a value', () => {
  expect(show(k('if (n > 0) return n;\nreturn x;'))).toMatchInlineSnapshot(`
    "
    error TL2014: a kernel returns nothing
      --> test.ts:4:12 (in k)
       |
     4 | if (n > 0) return n;
       |            ^^^^^^^^^
      = help: store results through a pointer (\`tl.store\`), or make this a \`tl.fn\`

    error TL2014: a kernel returns nothing
      --> test.ts:5:1 (in k)
       |
     5 | return x;
       | ^^^^^^^^^
      = help: store results through a pointer (\`tl.store\`), or make this a \`tl.fn\`
    "
  `);
});

test('TL2015 hidden assignment', () => {
  expect(show(k('let a = 0;\nconst o = { bump: () => { a += 1; } };\no.bump();'))).toMatchInlineSnapshot(`
    "
    error TL2015: this function assigns \`a\` of the enclosing kernel, and where it will run cannot be seen
      --> test.ts:5:19 (in k)
       |
     5 | const o = { bump: () => { a += 1; } };
       |                   ^^^^^^^^^^^^^^^^^
      = help: declare the function as \`const f = …\` and call \`f()\` by that name, or let it return the new value of \`a\`
    "
  `);
});

test('TL2016 shadowed effect', () => {
  expect(
    show(k('let a = 0; const bump = () => { a += 1; };\n{ const a = 5; if (n > 0) bump(); tl.store(x, a); }')),
  ).toMatchInlineSnapshot(`
    "
    error TL2016: a function called here assigns \`a\`, but that name means another variable at this place
      --> test.ts:5:16 (in k)
       |
     5 | { const a = 5; if (n > 0) bump(); tl.store(x, a); }
       |                ^^^^^^^^^^^^^^^^^^
      = help: rename one of the two \`a\`
    "
  `);
});

test('TL2017 property assigned in runtime control flow', () => {
  expect(
    show(
      k(
        'const v = [0, 0]; const o = { s: 1 };\nfor (let i = 0; i < n; i++) { v[0] += i; }\nif (n > 0) { o.s = 2; const w = [1]; w[0] = 3; }',
      ),
    ),
  ).toMatchInlineSnapshot(`
    "
    error TL2017: \`v[0]\` is assigned inside \`for\`, but only variables are carried out of it
      --> test.ts:5:31 (in k)
       |
     5 | for (let i = 0; i < n; i++) { v[0] += i; }
       |                               ^^^^
      = note: arrays and objects exist at trace time only; a branch or loop on the device cannot change them
      = help: keep the value in a \`let\` variable, or unroll with \`for (const i of tl.static_range(n))\`

    error TL2017: \`o.s\` is assigned inside \`if\`, but only variables are carried out of it
      --> test.ts:6:14 (in k)
       |
     6 | if (n > 0) { o.s = 2; const w = [1]; w[0] = 3; }
       |              ^^^
      = note: arrays and objects exist at trace time only; a branch or loop on the device cannot change them
      = help: keep the value in a \`let\` variable, or unroll with \`for (const i of tl.static_range(n))\`
    "
  `);
});

test('TL2019 nested definition', () => {
  expect(show(k('const f = tl.fn((a) => a + 1);'))).toMatchInlineSnapshot(`
    "
    error TL2019: \`tl.fn\` inside a kernel
      --> test.ts:4:11 (in k)
       |
     4 | const f = tl.fn((a) => a + 1);
       |           ^^^^^
      = help: define it at module level and call it here, or write a plain inner function \`const f = (x) => …\`
    "
  `);
});

test('TL2020 async and generator functions', () => {
  expect(
    show(whole('kernel(async function a({ x }) {}); tl.fn(function* b() {}); tl.fn(() => { const c = async () => 1; });')),
  ).toMatchInlineSnapshot(`
    "
    error TL2020: this function is async, which is not in the kernel language
      --> test.ts:2:8 (in a)
       |
     2 | kernel(async function a({ x }) {}); tl.fn(function* b() {}); tl.fn(() => { const c = async () => 1; });
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: write a plain \`function\`; a kernel runs on the device from start to end

    error TL2020: this function is a generator, which is not in the kernel language
      --> test.ts:2:43 (in b)
       |
     2 | kernel(async function a({ x }) {}); tl.fn(function* b() {}); tl.fn(() => { const c = async () => 1; });
       |                                           ^^^^^^^^^^^^^^^^
      = help: write a plain \`function\`; a kernel runs on the device from start to end

    error TL2020: this function is async, which is not in the kernel language
      --> test.ts:2:86 (in anonymous)
       |
     2 | kernel(async function a({ x }) {}); tl.fn(function* b() {}); tl.fn(() => { const c = async () => 1; });
       |                                                                                      ^^^^^^^^^^^^^
      = help: write a plain \`function\`; a kernel runs on the device from start to end
    "
  `);
});

test('TL2021 compound assignment of a computed target', () => {
  expect(show(k('const v = [1, 2]; v[tl.cdiv(1, 1)] += 1;'))).toMatchInlineSnapshot(`
    "
    error TL2021: \`v[tl.cdiv(1, 1)]\` is evaluated twice by a compound assignment
      --> test.ts:4:19 (in k)
       |
     4 | const v = [1, 2]; v[tl.cdiv(1, 1)] += 1;
       |                   ^^^^^^^^^^^^^^^^
      = help: put the object or index in a \`const\` first
    "
  `);
});

test('every message has been seen', () => {
  const codes = Object.values(MSG).map((m) => m.code);
  expect(new Set(codes).size, 'codes are distinct').toBe(codes.length);
  expect([...seen].sort()).toEqual([...codes].sort());
});

test('all findings of a file are reported, in order, and the code stays as it was', () => {
  const text = `${HEAD}const a = kernel(function a({ x }) { var y = 1; });\nconst b = tl.fn(function b(x) { return x >>> 1; });\n`;
  const result = transformSource(text, 'test.ts');
  expect(result?.diagnostics.map((d) => [d.code, d.loc.line, d.loc.col, d.loc.fn])).toEqual([
    ['TL2001', 2, 38, 'a'],
    ['TL2001', 3, 40, 'b'],
  ]);
  expect(result?.code).toBe(text);
});
