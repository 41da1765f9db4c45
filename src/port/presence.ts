// Where a parameter is used that a launch may leave out (Python's None): behind a comparison with None, behind a constexpr that says
// whether it is there, or always. TypeScript narrows only the first.

import { blocksOf, children, type Expr, expressions, ownExpressions, type Stmt } from './ast.ts';
import type { FunctionInfo, Types } from './types.ts';

/** `unused`: nowhere but in comparisons with None. */
export type Presence = 'unused' | 'always' | 'tested' | 'flagged';

interface Guard {
  readonly tested: boolean;
  readonly flagged: boolean;
}

const isNone = (e: Expr): boolean => e.k === 'constant' && e.value === null;
const isName = (e: Expr, name: string): boolean => e.k === 'name' && e.name === name;
/** `name is None`, `name != None`. */
const isNullTest = (e: Expr, name: string): boolean =>
  e.k === 'compare' && e.items.length === 2 && e.items.some((i) => isName(i, name)) && e.items.some(isNone);

/** Where the body of `fn` uses its parameter `name`. */
export function presence(fn: FunctionInfo, types: Types, name: string): Presence {
  const found = new Set<Presence>();
  /** True where `test` holds only if `name` is there (or, for `absent`, only if it is not). */
  const says = (test: Expr, absent: boolean): boolean =>
    test.k === 'logical'
      ? (test.op === 'and') !== absent && (says(test.a, absent) || says(test.b, absent))
      : test.k === 'compare' && isNullTest(test, name) && ['is', '=='].includes(test.ops[0]) === absent;
  const inner = (test: Expr, outer: Guard, otherwise: boolean): Guard => ({
    tested: outer.tested || says(test, otherwise),
    flagged: outer.flagged || types.of(test).constant || [...expressions(test)].some((e) => isNullTest(e, name)),
  });
  const value = (e: Expr, guard: Guard): void => {
    if (isNullTest(e, name)) return;
    if (isName(e, name)) found.add(guard.tested ? 'tested' : guard.flagged ? 'flagged' : 'always');
    else if (e.k === 'conditional') {
      value(e.test, guard);
      value(e.then, inner(e.test, guard, false));
      value(e.other, inner(e.test, guard, true));
    } else if (e.k === 'logical' && e.op === 'and') {
      value(e.a, guard);
      value(e.b, inner(e.a, guard, false));
    } else for (const part of children(e)) value(part, guard);
  };
  const block = (stmts: readonly Stmt[], guard: Guard): void => {
    for (const s of stmts) {
      if (s.k !== 'if') {
        for (const e of ownExpressions(s)) value(e, guard);
        for (const b of blocksOf(s)) block(b, guard);
        continue;
      }
      let rest = guard;
      for (const { test, body } of s.branches) {
        if (test) value(test, rest);
        block(body, test ? inner(test, rest, false) : rest);
        if (test) rest = inner(test, rest, true);
      }
    }
  };
  block(fn.def.body, { tested: false, flagged: false });
  return (['always', 'flagged', 'tested'] as const).find((p) => found.has(p)) ?? 'unused';
}
