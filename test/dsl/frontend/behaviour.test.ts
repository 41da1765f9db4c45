// What rewritten functions compute: every language feature as a small function, run as written and as rewritten.

import { describe, test } from 'vitest';
import { same } from './harness.ts';

const XS = [[-3], [-1], [0], [1], [2], [5], [10]];
const XY = [-2, 0, 1, 3, 7].flatMap((x) => [-1, 0, 2, 4].map((y) => [x, y]));

describe('expressions', () => {
  test.each([
    'function f(x) { return x + 1; }',
    'function f(x) { return (x + 1) * 2 - x / 4 % 3; }',
    'function f(x) { return x ** 2 ** 2 + -x - -1 + +x; }',
    'function f(x) { return (x & 6) | (x << 2) ^ (x >> 1) ^ ~x; }',
    'function f(x) { return [x < 1, x <= 1, x > 1, x >= 1, x === 1, x !== 1, x == 1, x != 1, !x]; }',
    'function f(x) { return (x > 0 && x < 5) || x === -1; }',
    'function f(x) { return x > 0 ? x > 3 ? "big" : "small" : { a: x }; }',
    'function f(x) { return x > 0 ? { a: x }.a : -1; }',
    'function f(x) { return x > 0 && { a: x }; }',
    'function f(x) { return [2.0, 1e3, .5, 0x1E, 1_000, -1.5, -2, 3n]; }',
    'function f(x) { return `<$' + '{x + 1}> $' + '{x > 0 ? "p" : "n"}`; }',
    'function f(x) { return Math.max(x, 2, ...[x + 1, x * 2]); }',
    'function f(x) { return [...[x, x + 1], , x * 2]; }',
    'function f(x) { const o = { x, y: x + 1, ["k" + 1]: x * 2, ...{ z: -x }, m(a) { return a + x; } }; return [o, o.m(1)].length + o.y + o["k1"]; }',
    'function f(x) { return (x as number)! + (<number>x) * (x satisfies number); }',
    'function f(x) { const o = { a: null, b: { c: x } }; return [(o.a ?? x) + 1, o.a?.b, o.b?.c, o["b"].c * 2]; }',
    'function f(x) { const o = { at: (i) => [i + x] }; const k = "at"; return o[k](1)[0] + o.at(2)[0]; }',
    'function f(x) { return new Array(3).fill(x + 1).map((v, i) => v * i); }',
    'function f(x) { return ((a) => a + x)(2) + (function (b) { return b * x; })(3); }',
    'function f(x) { return typeof x === "number" ? void 0 : 1; }',
    'function f(x) { return (\n    x +\n    1 // one\n  ); }',
    'function f(x) { return x // left\n    + 1 /* one */ * 2; }',
    'function f(x) { const o = { v: x, m: (a) => a + x }; return (o.m)(1) + o.m!(2) + (o as any)["m"](3) + ((o.m as any)(4)); }',
    '(x) => x * 2 + 1',
    'x => ({ y: x + 1 })',
    '(x = 1 + 1, y = x * 2) => x + y',
  ])('%s', (fn) => same(fn, XS));
});

describe('declarations and assignments', () => {
  test.each([
    'function f(x) { let a = x, b = a + 1; a = b * 2; return a - b; }',
    'function f(x) { let a = x; a += 2; a *= 3; a -= 1; a %= 7; a |= 8; a &= 13; a ^= 3; a <<= 2; a >>= 1; return a; }',
    'function f(x) { let a = x; a **= 2; a /= 4; return a; }',
    'function f(x) { let a = x; a++; ++a; a--; a++; --a; return a; }',
    'function f(x) { let m = x > 0; m &&= x < 5; m ||= x === -3; return m; }',
    'function f(x) { let a = null; a ??= x; a ??= 3; return a; }',
    'function f(x) { let a, b; a = b = x + 1; return a + b; }',
    'function f(x) { let a = 1, b = x; [a, b] = [b, a + 1]; return [a, b]; }',
    'function f(x) { const [a, , b = x + 2, ...c] = [x, 1, undefined, 4, 5]; return [a, b, c]; }',
    'function f(x) { const { a, b: { c }, d = x * 2 } = { a: x, b: { c: x + 1 } }; return a + c + d; }',
    'function f(x) { let a, b; ({ a, b = x + 1 } = { a: x }); return [a, b]; }',
    'function f(x) { const o = { n: 1, v: [1, 2] }; o.n += x; o.v[1] = x * 2; o["n"]++; return [o.n, o.v]; }',
    'function f(x: number): number { const a: number = x; let b: number; b = a as number; return b! + 1; }',
    'function f(x) { interface P { y: number } type Q = P; const p: Q = { y: x }; return p.y; }',
    'function f(x) { let a = x\n  a += 1\n  if (a > 0) a = 2\n  return a }',
    'function f(x) { let a = x; (a) += 1; (a = a * 2); return a; }',
    'function f(x, { y = x + 1, z: [w] = [x * 2] } = {}) { return x + y + w; }',
  ])('%s', (fn) => same(fn, XS));
});

describe('if and while', () => {
  test.each([
    'function f(x) { let a = 1; if (x > 0) a = x; return a; }',
    'function f(x) { let a = 1; if (x > 0) a = x; else a -= x; return a; }',
    'function f(x) { let a = 0; if (x > 3) { a = 1; } else if (x > 0) { a = 2; } else { a = 3; } return a; }',
    'function f(x) { let a = 0, b = 0; if (x > 0) { a = x; if (x > 2) b = a; else { b = -a; } } return [a, b]; }',
    'function f(x) { let a = 0; if (x > 0) { let a = 5; a += x; } else a = 2; return a; }',
    'function f(x) { const t = x; { const t = x * 2; if (t > 2) { x = t; } } return x + t; }',
    'function f(x) { let n = 0; while (x > 0) { x -= 2; n++; } return [x, n]; }',
    'function f(x) { let n = 0, m = 0; while (n < 4) { let k = 0; while (k < n) { k++; m += k * x; } n++; } return m; }',
    'function f(x) { if (x) ; else x = 3; ; return x; }',
    'function f(x) { let a; if (x > 0) { a = 1 } else { a = 2 } return a; }',
  ])('%s', (fn) => same(fn, XS));
});

describe('for', () => {
  test.each([
    'function f(x) { let s = 0; for (let i = 0; i < 5; i++) s += i * x; return s; }',
    'function f(x) { let s = 0; for (let i = x + 1; i <= 2 * 4; i += 1 + 1) { s += i; } return s; }',
    'function f(x) { let s = []; for (let i = 10; i > x; i -= 3) s = [...s, i]; for (let i = 3; i >= 0; --i) s = [...s, i]; return s; }',
    'function f(x) { const d = 2; let s = 0; for (let i = 9; i >= x; i -= d) s += i; for (let i: number = 0; i < 3; ++i) s *= 2; return s; }',
    'function f(x) { let s = 0; for (let i = 0; i < 4; i++) { for (let j = i; j < 4; j++) { if (j % 2 === 0) s += x; else s -= 1; } } return s; }',
    'function f(x) { let s = 0; for (let i = 0; i < 4; i++) { const i2 = i * 2; let t = i2; for (let i = 0; i < 2; i++) t += i; s += t; } return s + x; }',
    'function f(x) { let s = 0; for (const v of [1, 2, x]) { s += v; } return s; }',
    'function f(x) { let s = 0; for (let v of [1, 2, x]) { v += 1; s += v; } return s; }',
    'function f(x) { let s = 0; for (const [k, v] of Object.entries({ a: x, b: 2 })) s += v + k.length; return s; }',
    'function f(x) { let out = 0; for (const { a, b: [c] } of [{ a: x, b: [2] }, { a: 1, b: [x] }]) { out += a * c; } return out; }',
    'function f(x) { const acc = [0, 0]; for (const i of [0, 1]) { acc[i] = acc[i] * 0 + x + i; } return acc; }',
    'function f(x) { let a = 0, b = 1; for (let i = 0; i < 6; i++) { [a, b] = [b, a + b]; } return a + x; }',
    'function f(x) { let last = -1; for (let i = 0; i < 3; i++) { const g = () => i * x; last = g(); } return last; }',
  ])('%s', (fn) => same(fn, XS));
});

describe('return', () => {
  test.each([
    'function f(x, y) { if (x > 0) return 1; return 2; }',
    'function f(x, y) { if (x > 0) return 1; }',
    'function f(x, y) { if (x > 0) { return y + 1; } else { return y - 1; } }',
    'function f(x, y) { if (x > 0) { return 1; } else { y += 1; } return y; }',
    'function f(x, y) { if (x > 0) { y += x; } else { return 7; } y *= 2; return y; }',
    'function f(x, y) { if (x > 0) { if (y > 0) return 1; x += 5; } return x + y; }',
    'function f(x, y) { if (x > 0) { if (y > 0) return 1; x += 5; if (x > 7) return x; y = x; } else if (y === 0) return 4; x *= 2; return [x, y]; }',
    'function f(x, y) { if (x > 0) { if (y > 0) return 1; x += 5; } else { return 9; } const z = x * 2; if (z > 12) return z; return z + y; }',
    'function f(x, y) { { const t = x; if (t > 2) return t; y += t; } { const t = y; if (t < 0) return [t]; } return y; }',
    'function f(x, y) { let t = 0; if (x > 0) { let t = 5; if (y > 0) return t; y = t; } else { return 2; } t = t + 1; y += t; return [t, y]; }',
    'function f(x, y) { if (x < 0) return; if (y < 0) return; let s = 0; for (let i = 0; i < x; i++) s += y; return s; }',
    'function f(x, y) { if (x > 0) { if (y > 2) { return 1; } else if (y > 0) { return 2; } else { x = 9; } } else { if (y > 0) { x = 8; } else { return 3; } } return x; }',
    'function f(x, y) { if (x > 0) return 1; return 2; x = 3; return 4; }',
    'function f(x, y) { let a = 0; if (x > 0) { if (y > 0) { a = 1; return a + x; } a = 2; } if (a === 2) { if (y < 0) return "n"; a = 3; } return [a, x, y]; }',
    'function f(x, y) { const g = (v) => { if (v > 2) return v * 2; let w = v; if (w < 0) { w = -w; } return w; }; return g(x) + g(y); }',
    'function f(x, y) { function g(v) { if (v > 2) return "a"; return "b"; } let s = ""; for (let i = 0; i < 4; i++) { s += g(i + x); } return s; }',
    'function f(x, y) { return [1, 2, 3].map((v) => { if (v === x) return y; return v; }); }',
    'function f(x, y) { if (x > 0) return { a: x, b: [y] }; return { a: 0, b: [] }; }',
    'function f(x, y) { if (x > 0) return (\n y + 1\n ); return\n }',
    'function f(x, y) { if (x > 3) { return 1 } else if (x > 0) { y = y + 1 } else { return 3 } return y }',
    'function f(x, y) { if (x > 3) { if (y > 0) { return 1 } } else { if (y > 1) { return 2 } } }',
  ])('%s', (fn) => same(fn, XY));
});

describe('return without a value', () => {
  test.each([
    'function f(x, y) { if (x > 0) return; tl.put(x); }',
    'function f(x, y) { if (x > 0) { tl.put(1); return; } tl.put(x); if (y > 0) return; tl.put(y); return; }',
    'function f(x, y) { if (x > 0) { if (y > 0) return; x += 5; tl.put(1); } tl.put(x); }',
    'function f(x, y) { if (x > 0) { if (y > 0) { tl.put(0); return; } x += 5; } else if (x < 0) { if (y > 2) return; y = 9; } tl.put([x, y]); if (y > 3) return; tl.put(3); }',
    'function f(x, y) { if (x > 0) { if (y > 0) return; x += 5; if (x > 6) { if (y < 0) return; x = 0; } tl.put(x); } y += x; tl.put(y); }',
    'function f(x, y) { let t = 0; if (x > 0) { let t = 5; if (y > 0) return; y = t; } else { return; } t = t + 1; tl.put([t, y]); }',
    'function f(x, y) { let t = 0; if (x > 0) { t = 1; if (y > 0) { t = 2; return; } } else { t = 3; } t += y; for (let i = 0; i < 2; i++) { t += i; tl.put(t); } }',
    'function f(x, y) { const show = (v) => { if (v < 0) return; tl.put(v); }; show(x); show(y); }',
    'function f(x, y) { if (x > 2) return; else { if (y > 0) return; } if (x > 0) { tl.put(x); } else return; tl.put(y); }',
  ])('%s', (fn) => same(fn, XY));
});

describe('inner functions', () => {
  test.each([
    'function f(x) { let n = 0; const bump = (k) => { n += k; }; for (let i = 0; i < 3; i++) bump(i + x); return n; }',
    'function f(x) { let n = 0; function bump() { n += 1; } if (x > 0) { bump(); bump(); } return n; }',
    'function f(x) { let n = 0; const a = () => (n += 1); const b = () => { a(); }; const c = b; while (n < 3) { c(); } return n + x; }',
    'function f(x) { let n = 0; for (let i = 0; i < 2; i++) { [1, 2].forEach((v) => { n += v * x; }); } return n; }',
    'function f(x) { let n = 1; const g = () => { if (x > 0) return n; n += 2; return -n; }; const r = g(); return [r, n]; }',
    'function f(x) { const add = (a) => (b) => a + b; return add(1)(x); }',
    'function f(x) { const g = (a, b = a + x, ...c) => a + b + c.length; return g(1) + g(1, 2, 3, 4); }',
    'function f(x) { const fact = (n) => n <= 1 ? 1 : n * fact(n - 1); return fact(5) + x; }',
  ])('%s', (fn) => same(fn, XS));
});

describe('names', () => {
  test.each([
    'function f(x) { const $ = 3, $ret = 1; let $done = x, $set = 2; if (x > 0) { $set += 1; return $ + $ret; } $done += 1; return $done + $set; }',
    'function f(x) { const $rest1 = 4; if (x > 0) { x += 1; } else { return 1; } return x + $rest1 + scale; }',
    'function f(x) { const undefined_ = undefined; return [x === undefined, NaN !== NaN, Infinity > x, undefined_ === undefined]; }',
    'function f(x) { return helper(x) + scale * table[1]; }',
  ])('%s', (fn) => same(fn, XS, 'const scale = 2; const table = [1, 2, 3]; function helper(v) { return v + 1; }'));

  test('a function may be named by its variable only, and several stand in one file', () => {
    same(
      'function (x) { return g(x) + 1; }',
      XS,
      'const g = tl.fn((x) => h(x, 2)); const h = tl.fn(function h(a, b) { return a * b; });',
    );
  });
});
