// Pointers chosen between buffers: an access through `where(c, p, q)`, p and q from different arguments, becomes an access to each
// under c and under its opposite; WGSL has no address that could be in either buffer. Comes in: tile IR. Goes out: the same, without
// such accesses. `tl.atomic_cas`, which has no mask, stays, and is refused later.

import { makeOp } from '../../dsl/ir/build.ts';
import type { Op, Value } from '../../dsl/ir/ir.ts';
import { applyRules, type Rewriter, type Rule, rule } from '../../dsl/ir/rewrite.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { isPtr } from '../../dsl/types.ts';
import { pass } from '../pass.ts';

/** Values that a pointer comes from: arguments, and what branches and loops hand over. */
function roots(v: Value, rw: Rewriter): readonly Value[] {
  const op = rw.def(v);
  if (!op || op.regions.length) return [v];
  return op.operands.filter((o) => isPtr(o.type)).flatMap((o) => roots(o, rw));
}
/** The choice behind a pointer if it is one between different arguments. */
function choice(v: Value, rw: Rewriter): Op | undefined {
  const op = rw.def(v);
  return op?.name === 'where' && isPtr(v.type) && new Set(roots(v, rw)).size > 1 ? op : undefined;
}
const moves = (op: Op): boolean => op.name === 'addptr' || hasTrait(op.name, 'shape') || hasTrait(op.name, 'hint');

const rules: readonly Rule[] = [
  // move(where(c, p, q)) = where(move(c), move(p), move(q))
  rule('choiceLast', (op, rw) => {
    const chosen = moves(op) && isPtr(op.operands[0].type) ? choice(op.operands[0], rw) : undefined;
    if (!chosen) return null;
    const [c, p, q] = chosen.operands;
    const move = (x: Value): Value => rw.make(op.name, [x, ...op.operands.slice(1)], op.attrs, op.loc);
    const mask = hasTrait(op.name, 'shape') ? move(c) : c;
    return [rw.make('where', [mask, move(p), move(q)], {}, op.loc)];
  }),
  // load(where(c, p, q), m, o) = where(c, load(p, c & m, o), load(q, !c & m, o)); the same for stores and atomic operations
  rule('accessEach', (op, rw) => {
    const at = rw.row(op).args.indexOf('mask?');
    const chosen = at > 0 && isPtr(op.operands[0].type) ? choice(op.operands[0], rw) : undefined;
    if (!chosen) return null;
    const [c, p, q] = chosen.operands;
    const mask = op.operands[at];
    const access = (pointer: Value, here: Value): Op => {
      const when = mask ? rw.make('and', [here, mask], {}, op.loc) : here;
      return makeOp(
        op.name,
        [pointer, ...op.operands.slice(1, at), when, ...op.operands.slice(at + 1)],
        op.attrs,
        op.loc,
        rw.rows,
      );
    };
    const made = [access(p, c), access(q, rw.make('not', [c], {}, op.loc))].map((a) => rw.emit(a));
    return op.results.length ? [rw.make('where', [c, made[0][0], made[1][0]], {}, op.loc)] : [];
  }),
];

export const pointerChoice = pass({
  name: 'pointerChoice',
  doc: 'No load or store goes through a pointer that `where` chooses between buffers.',
  run: (func, cx) => applyRules(func, rules, cx.fired, cx.rows),
});
