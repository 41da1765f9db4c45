// Loads whose `other` nobody sees. Needs: tile level. Gives: the attribute `unread` on masked loads whose elements go into addresses
// only, of accesses that the same mask turns off (a block table's entries: what a token's block is matters only where the token is
// read). Registers then hold whatever was read, one value where they all read one address, and no element is chosen by its mask.

import { definitions, type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { rebuild } from '../../dsl/ir/rewrite.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { isPtr } from '../../dsl/types.ts';
import { pass } from '../pass.ts';

export const unreadOther = pass({
  name: 'unreadOther',
  doc: 'finds loads whose masked-off elements only reach masked-off addresses',
  run(func, cx): Func {
    const facts = { defs: definitions(func), users: usersOf(func) };
    return rebuild(
      func,
      (op, rw) => {
        if (op.name !== 'load' || !op.operands[1] || !reachesMaskedOnly(op, facts)) return void rw.copy(op);
        cx.fired('unreadOther', op.loc);
        rw.copy({ ...op, attrs: { ...op.attrs, unread: true } });
      },
      cx.rows,
    );
  },
});

interface Facts {
  readonly defs: ReadonlyMap<Value, Op>;
  readonly users: ReadonlyMap<Value, readonly Op[]>;
}
/** A condition that a mask consists of, and how it was laid along the mask's dims: `1,_` puts it along the second one. */
interface Conjunct {
  readonly base: Value;
  readonly laid: string;
}

function usersOf(func: Func): Map<Value, Op[]> {
  const users = new Map<Value, Op[]>();
  walk(func.body, (op) => {
    for (const o of new Set(op.operands)) users.set(o, [...(users.get(o) ?? []), op]);
  });
  return users;
}

/** How a shape op lays out its operand; undefined for one that moves elements in another way. Broadcasting moves none. */
const laid = (op: Op): string | undefined =>
  op.name === 'broadcast_to' ? '' : op.name === 'expand_dims' ? `${String(op.attrs.axis)},` : undefined;

/** The conditions of which all must hold, with the shape ops between them and the mask. */
function conjuncts(mask: Value, defs: ReadonlyMap<Value, Op>, path = ''): Conjunct[] {
  const op = defs.get(mask);
  if (op?.name === 'and') return op.operands.flatMap((o) => conjuncts(o, defs, path));
  const step = op && laid(op);
  // One condition for all elements is the same along every dim.
  if (!mask.type.shape.length) return [{ base: mask, laid: '' }];
  return op && step !== undefined ? conjuncts(op.operands[0], defs, step + path) : [{ base: mask, laid: path }];
}

function reachesMaskedOnly(load: Op, { defs, users }: Facts): boolean {
  const own = conjuncts(load.operands[1], defs);
  const seen = new Map<Value, Set<string>>();
  const implied = (mask: Value | undefined, path: string): boolean => {
    const theirs = mask ? conjuncts(mask, defs) : [];
    return own.every((c) => {
      const along = c.base.type.shape.length ? c.laid + path : '';
      return theirs.some((t) => t.base === c.base && t.laid === along);
    });
  };
  const follow = (v: Value, path: string): boolean => {
    const paths = seen.get(v) ?? new Set();
    if (paths.has(path)) return true;
    seen.set(v, paths.add(path));
    return (users.get(v) ?? []).every((op) => {
      if (hasTrait(op.name, 'reads') && op.operands[0] === v && isPtr(v.type)) return implied(op.operands[1], path);
      if (!hasTrait(op.name, 'pure') || op.regions.length || !op.results.length) return false;
      if (hasTrait(op.name, 'elementwise') || op.name === 'addptr') return follow(op.results[0], path);
      const step = laid(op);
      return step !== undefined && follow(op.results[0], path + step);
    });
  };
  return (users.get(load.results[0]) ?? []).length > 0 && follow(load.results[0], '');
}
