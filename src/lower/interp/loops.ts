// Elementwise loops. A row's `eval` is what an op means; `EXPRESSIONS` spells the common ones as one line of JS per kind of
// dtype, which becomes a loop of its own (jit.ts). An op without an expression runs through its `eval`, element by element.
// The tests compare both on every dtype, so the table is an optimisation and never a second definition.

import type { Attrs } from '../../dsl/ir/ir.ts';
import { convert, cvtRange, round } from '../../dsl/numerics.ts';
import type { Num, Row } from '../../dsl/ops/row.ts';
import { DTYPES, type DType, isPtr, type Type } from '../../dsl/types.ts';
import { codec } from './codecs.ts';
import { specialise } from './jit.ts';
import { computeDtype, movePtr, type Store } from './values.ts';

/** Runs over `n` elements: `out[i] = f(a[i], b[i], c[i])`. */
export type Loop = (out: Store, a: Store, b: Store, c: Store, n: number) => void;

/** f: f32 and f64 · h: narrower floats (rounded by `r`) · i, u: integers up to 32 bits · w: i64, u64 · b: bool · p: pointers. */
type Kind = 'f' | 'h' | 'i' | 'u' | 'w' | 'b' | 'p';
function kindOf(t: Type): Kind {
  if (isPtr(t)) return 'p';
  const d = t.elem as DType;
  if (d.kind === 'float') return d.bits >= 32 ? 'f' : 'h';
  if (d.kind === 'bool') return 'b';
  return d.bits === 64 ? 'w' : d.kind === 'int' ? 'i' : 'u';
}

const all = (text: string, kinds = 'fhiuwbp'): { [K in Kind]?: string } => Object.fromEntries([...kinds].map((k) => [k, text]));
const wider = (sign: string) => ({ ...all(`a!==a?b:b!==b?a:a${sign}b?a:b`, 'fh'), ...all(`a${sign}b?a:b`, 'iuwb') });

/**
 * JS for an op on one element, by the kind of its last operand. Operands are a, b, c. Integer
 * results may leave their range: the store wraps them. Float results are rounded by the store (f32) or by `r` (narrower).
 */
export const EXPRESSIONS: { readonly [op: string]: { readonly [K in Kind]?: string } } = {
  add: all('a+b', 'fhiuw'),
  sub: all('a-b', 'fhiuw'),
  mul: { ...all('a*b', 'fhw'), ...all('Math.imul(a,b)', 'iu') },
  div: all('a/b', 'fh'),
  and: all('a&b', 'iuwb'),
  or: all('a|b', 'iuwb'),
  xor: all('a^b', 'iuwb'),
  shl: all('a<<b', 'iu'),
  shr: { i: 'a>>b', u: 'a>>>b' },
  minimum: wider('<'),
  maximum: wider('>'),
  neg: { ...all('0-a', 'fhiu'), w: '-a' },
  not: { ...all('~a', 'iuw'), b: 'a?0:1' },
  abs: { ...all('Math.abs(a)', 'fhi'), u: 'a', w: 'a<0n?-a:a' },
  eq: all('a===b?1:0'),
  ne: all('a!==b?1:0'),
  lt: all('a<b?1:0'),
  le: all('a<=b?1:0'),
  gt: all('a>b?1:0'),
  ge: all('a>=b?1:0'),
  where: all('a?b:c'),
  exp: { f: 'Math.exp(a)' },
  exp2: { f: '2**a' },
  log: { f: 'Math.log(a)' },
  log2: { f: 'Math.log2(a)' },
  sqrt: { f: 'Math.sqrt(a)' },
  rsqrt: { f: '1/Math.sqrt(a)' },
  floor: { f: 'Math.floor(a)' },
  ceil: { f: 'Math.ceil(a)' },
  clamp: all('c!==c||(b!==b||a>b?a:b)<c?(b!==b||a>b?a:b):c', 'fh'),
};

/** JS for a cast, or undefined where `convert` does it. */
function castExpression(from: Type, to: Type): string | undefined {
  const [k, t] = [kindOf(from), kindOf(to)];
  if (t === 'b') return k === 'w' ? 'a!==0n?1:0' : 'a!==0?1:0';
  if (k === 'w') return t === 'i' || t === 'u' ? 'Number(BigInt.asIntN(32,a))' : t === 'w' ? 'a' : undefined;
  if (t === 'w') return k === 'f' || k === 'h' ? undefined : 'BigInt(a)';
  if ((k === 'i' || k === 'u') && t === 'h') return 'Math.fround(a)';
  if ((k === 'f' || k === 'h') && (t === 'i' || t === 'u')) {
    const [lo, hi] = cvtRange(to.elem as DType);
    return (from.elem as DType).bits === 64 ? undefined : `a!==a?0:a<=${lo}?${lo}:a>=${hi}?${hi}:Math.trunc(a)`;
  }
  return 'a';
}

/** Source of the loop around an expression. Also used for reductions' steps, so it stays this small. */
function fastLoop(key: string, expression: string, to: Type, exact = false): Loop {
  const d = computeDtype(to);
  const r = isPtr(to) || exact ? undefined : codec(d).round;
  const value = r ? `r(${expression})` : expression;
  const b = /\bb\b/.test(expression) ? 'const b=B[i];' : '';
  const c = /\bc\b/.test(expression) ? 'const c=C[i];' : '';
  return specialise<Loop>(key, 'O,A,B,C,n', `for(let i=0;i<n;i++){const a=A[i];${b}${c}O[i]=${value};}`, { r });
}

/** The loop that a row's `eval` defines: right for every op and dtype, and slow. */
export function evalLoop(row: Row, operands: readonly Type[], to: Type, attrs: Attrs): Loop {
  const evaluate = row.eval!;
  const dtype = operands.length ? computeDtype(operands[0]) : DTYPES.i32;
  const target = computeDtype(to);
  const arity = operands.length;
  const v = new Array<Num>(arity).fill(0);
  const asItIs = isPtr(to) || (target.is_floating() && row.traits.includes('exact'));
  return (out, a, b, c, n) => {
    for (let i = 0; i < n; i++) {
      v[0] = a[i];
      if (arity > 1) v[1] = b[i];
      if (arity > 2) v[2] = c[i];
      const x = evaluate(v, dtype, target, attrs);
      out[i] = asItIs ? x : round(target, x);
    }
  };
}

/** JS for an op on elements a, b, c; undefined where its row's `eval` must do. */
export function expressionOf(name: string, operands: readonly Type[], to: Type, attrs: Attrs): string | undefined {
  if (name === 'cast') return castExpression(operands[0], to);
  // An option changes what an op means, and the table knows none.
  return Object.keys(attrs).length ? undefined : EXPRESSIONS[name]?.[kindOf(operands[operands.length - 1])];
}

/** The fastest loop for an elementwise op. At most three operands. */
export function elementLoop(name: string, row: Row, operands: readonly Type[], to: Type, attrs: Attrs): Loop {
  const key = `${name}:${operands.map((t) => computeDtype(t).name).join()}:${computeDtype(to).name}`;
  const cast = name === 'cast';
  const expression = expressionOf(name, operands, to, attrs);
  if (expression !== undefined) return fastLoop(key, expression, to, !cast && row.traits.includes('exact'));
  if (!cast) return evalLoop(row, operands, to, attrs);
  const [from, target] = [computeDtype(operands[0]), computeDtype(to)];
  return (out, a, _b, _c, n) => {
    for (let i = 0; i < n; i++) out[i] = convert(from, target, a[i]);
  };
}

/** Pointer plus offset in elements. */
export function addptrLoop(offset: Type): Loop {
  const sum = kindOf(offset) === 'w' ? 'move(A[i],B[i])' : 'A[i]+B[i]';
  return specialise<Loop>(`addptr:${computeDtype(offset).name}`, 'O,A,B,C,n', `for(let i=0;i<n;i++)O[i]=${sum};`, {
    move: movePtr,
  });
}
