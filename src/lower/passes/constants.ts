// Constants in the IR: reading the one value that a scalar or tile holds everywhere, and making such values. The attribute of
// a constant may be a number, bigint or boolean; here it is always the canonical Num of its dtype. No rewriting.

import type { Loc } from '../../dsl/diagnostics.ts';
import type { Op, Value } from '../../dsl/ir/ir.ts';
import type { Rewriter } from '../../dsl/ir/rewrite.ts';
import { round } from '../../dsl/numerics.ts';
import type { Num } from '../../dsl/ops/row.ts';
import { DTYPES, dtypeOf, isPtr, type Type } from '../../dsl/types.ts';

/** The value of a `constant` op as the canonical Num of its dtype. */
export function constantNum(op: Op): Num {
  const { value } = op.attrs;
  return round(dtypeOf(op.results[0].type), typeof value === 'boolean' ? Number(value) : (value as Num));
}
/** What `v` holds in every element, if a `constant` made it. */
export function constantOf(v: Value, rw: Rewriter): Num | undefined {
  const def = rw.def(v);
  return def?.name === 'constant' ? constantNum(def) : undefined;
}
/** The integer that `v` holds in every element, as bigint; undefined for floats and for values that are not constant. */
export function integerOf(v: Value, rw: Rewriter): bigint | undefined {
  if (isPtr(v.type) || !dtypeOf(v.type).is_int()) return undefined;
  const c = constantOf(v, rw);
  return c === undefined ? undefined : BigInt(c);
}
/** Attributes of the constant of type `t` that holds `value` everywhere. */
export function constantAttrs(t: Type, value: Num): Op['attrs'] {
  const d = dtypeOf(t);
  const exact = round(d, value);
  return {
    value: d === DTYPES.bool ? exact === 1 : exact,
    dtype: d.name,
    ...(t.shape.length ? { shape: t.shape } : {}),
  };
}
/** Emits the constant of type `t` that holds `value` everywhere. */
export const makeConstant = (t: Type, value: Num, loc: Loc, rw: Rewriter): Value =>
  rw.make('constant', [], constantAttrs(t, value), loc);
