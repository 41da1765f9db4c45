// Stores that meet: of two stores to one element, the first waits for the second and both become one (a tile filled with padding,
// then partly overwritten, is written once). Comes in: lane IR without barriers. Goes out: the same with fewer stores. Only
// stores of one block are looked at, and nothing between them may read the buffer.

import { type Block, type Op, Value } from '../../dsl/ir/ir.ts';
import { LANE_OPS } from '../../dsl/ops/lane.ts';
import type { Row } from '../../dsl/ops/row.ts';
import { type PassContext, pass } from '../pass.ts';
import { Masks } from './masks.ts';

export const mergeStores = pass({
  name: 'mergeStores',
  doc: 'An element that a program writes twice in a row is written once.',
  run: (func, cx) => ({ ...func, body: merge(func.body, new Masks(func.body), cx) }),
});

function merge(block: Block, masks: Masks, cx: PassContext): Block {
  const ops: (Op | null)[] = block.ops.map((op) =>
    op.regions.length ? { ...op, regions: op.regions.map((r) => merge(r, masks, cx)) } : op,
  );
  ops.forEach((first, i) => {
    if (first?.name !== 'store_global') return;
    const [index, value, mask] = first.operands;
    for (let j = i + 1; j < ops.length; j++) {
      const op = ops[j];
      if (!op) continue;
      if (op.name === 'store_global' && op.attrs.buffer === first.attrs.buffer && op.operands[0] === index) {
        const [, second, where] = op.operands;
        if (masks.implied(where, masks.known(mask))) ops[i] = null;
        else if (masks.implied(mask, masks.known(where))) {
          const both = new Value(second.type);
          const choice = {
            name: 'pick',
            operands: [where!, second, value],
            attrs: {},
            results: [both],
            regions: [],
            loc: op.loc,
          };
          ops[i] = null;
          ops[j] = { ...op, operands: mask ? [index, both, mask] : [index, both] };
          ops.splice(j, 0, choice);
        } else return;
        cx.fired('mergeStores', op.loc);
        return;
      }
      if (!passes(first, op)) return;
    }
  });
  return { args: block.args, ops: ops.filter((op) => op !== null) };
}

/** A store may move behind what cannot touch its element: other buffers, and other elements of the same tile. */
function passes(store: Op, op: Op): boolean {
  const row = (LANE_OPS as { [n: string]: Row })[op.name];
  // What other programs may wait for must not be put off.
  if (row?.traits.includes('atomic') && op.attrs.relaxed !== true) return false;
  const touches = row?.traits.includes('reads') || row?.traits.includes('writes');
  if (touches && op.attrs.buffer === store.attrs.buffer)
    return op.name === 'store_global' && op.attrs.address === store.attrs.address;
  return op.regions.every((r) => r.ops.every((o) => passes(store, o)));
}
