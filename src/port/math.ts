// Python's module `math`, which files compute constants with: its names in JavaScript.

import type { Expr } from './ast.ts';

/** Names that `Math` has too. */
const SAME = new Set(
  'acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh exp expm1 floor hypot log log10 log1p log2 pow sin sinh sqrt tan tanh trunc'.split(
    ' ',
  ),
);
const OTHER: { readonly [name: string]: string } = { pi: 'Math.PI', e: 'Math.E', inf: 'Infinity', nan: 'NaN', fabs: 'Math.abs' };
/** Those that give an integer. */
const INTEGERS = new Set(['ceil', 'floor', 'trunc']);

/** What `math.name` is called in JavaScript; null for what has no counterpart. */
export const mathName = (name: string): string | null => OTHER[name] ?? (SAME.has(name) ? `Math.${name}` : null);
export const mathKind = (name: string): 'int' | 'float' => (INTEGERS.has(name) ? 'int' : 'float');

const VALUES: { readonly [name: string]: number } = { pi: Math.PI, e: Math.E, inf: Infinity, nan: Number.NaN };
const OPERATORS: { readonly [op: string]: (a: number, b: number) => number } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
};
interface Value {
  readonly value: number;
  readonly float: boolean;
}

/** The number that an expression of literals and `math` is, and whether Python calls it a float; null for all else. */
export function evaluate(e: Expr, math: (e: Expr) => string | null): Value | null {
  if (e.k === 'number') return { value: Number(e.text.replaceAll('_', '')), float: /[.eE]/.test(e.text) && !/^0x/i.test(e.text) };
  if (e.k === 'unary' && (e.op === '-' || e.op === '+')) {
    const x = evaluate(e.x, math);
    return x && { ...x, value: e.op === '-' ? -x.value : x.value };
  }
  if (e.k === 'binary' && OPERATORS[e.op]) {
    const [a, b] = [evaluate(e.a, math), evaluate(e.b, math)];
    return a && b && { value: OPERATORS[e.op](a.value, b.value), float: a.float || b.float || e.op === '/' };
  }
  if (e.k === 'attribute') {
    const value = VALUES[math(e) ?? ''];
    return value === undefined ? null : { value, float: true };
  }
  if (e.k !== 'call') return null;
  const name = math(e.fn);
  const js = name && mathName(name);
  const args = e.args.map((a) => evaluate(a.value, math));
  if (!name || !js?.startsWith('Math.') || args.includes(null)) return null;
  const f = Math[js.slice(5) as 'sqrt'] as (...x: number[]) => number;
  return { value: f(...args.map((a) => a!.value)), float: mathKind(name) === 'float' };
}
