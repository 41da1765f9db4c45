// Every fast expression against the row that it speeds up: same result on every element, for every dtype the row takes.
import { describe, expect, it } from 'vitest';
import { round } from '../../../src/dsl/numerics.ts';
import { OPS, rowOf } from '../../../src/dsl/ops/index.ts';
import type { Num } from '../../../src/dsl/ops/row.ts';
import { DTYPES, type DType, type DTypeName, type Type, tile } from '../../../src/dsl/types.ts';
import { EXPRESSIONS, elementLoop, evalLoop } from '../../../src/lower/interp/loops.ts';
import { allocate, type Store } from '../../../src/lower/interp/values.ts';

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  2,
  0.5,
  -0.5,
  1.5,
  2.5,
  3,
  7,
  -7,
  100,
  127,
  128,
  255,
  256,
  448,
  1000,
  32767,
  65504,
  65519,
  65520,
  1e5,
  2147483647,
  -2147483648,
  2147483648,
  4294967295,
  1e10,
  -1e10,
  1e-8,
  6e-8,
  1e-40,
  3e38,
  -3e38,
  1e19,
  -1e19,
  NaN,
  Infinity,
  -Infinity,
];

/** Values of a dtype: the special ones, then random bits. */
function samples(d: DType, n: number, seed: number): Store {
  const out = allocate(tile(d, [n]));
  let s = seed;
  const next = () => (s = (Math.imul(s, 1664525) + 1013904223) >>> 0);
  for (let i = 0; i < n; i++) {
    const k = next() % (SPECIAL.length * 2);
    const x = k < SPECIAL.length ? SPECIAL[k] : ((next() | 0) / 65536) * (next() % 3 ? 1 : 1000);
    const exact: Num = d.bits === 64 && d.kind !== 'float' && k % 3 === 0 ? (BigInt(next()) << 32n) | BigInt(next()) : x;
    out[i] = round(d, exact);
  }
  return out;
}
const N = 4096;
const refused = (): never => {
  throw new Error('refused');
};
/** Result type, or null where the row refuses the operands. */
function typeOf(name: string, operands: Type[], attrs = {}): Type | null {
  try {
    return rowOf(name)!.type(operands, attrs, refused)[0];
  } catch {
    return null;
  }
}

function check(name: string, operands: Type[], to: Type, attrs = {}) {
  const data = operands.map((t, i) => samples(t.elem as DType, N, 7 + 13 * i));
  const [a, b = a, c = a] = data;
  const fast = allocate(to);
  const slow = allocate(to);
  elementLoop(name, rowOf(name)!, operands, to, attrs)(fast, a, b, c, N);
  evalLoop(rowOf(name)!, operands, to, attrs)(slow, a, b, c, N);
  for (let i = 0; i < N; i++) {
    if (!Object.is(fast[i], slow[i]))
      expect.fail(`${name} ${operands.map((t) => t.elem)} at ${data.map((x) => x[i])}: fast ${fast[i]}, row ${slow[i]}`);
  }
}

describe('fast expressions mean what the rows mean', () => {
  it.each(Object.keys(EXPRESSIONS))('%s', (name) => {
    const row = OPS[name as 'add'];
    let checked = 0;
    for (const d of Object.values(DTYPES)) {
      const t = tile(d, [N]);
      const operands = row.args.map((_, i) => (name === 'where' && i === 0 ? tile(DTYPES.bool, [N]) : t));
      const to = typeOf(name, operands);
      if (!to) continue;
      check(name, operands, to);
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });

  it('casts between every two dtypes', () => {
    const names = Object.keys(DTYPES) as DTypeName[];
    for (const from of names) for (const to of names) check('cast', [tile(DTYPES[from], [N])], tile(DTYPES[to], [N]), { to });
  });
});
