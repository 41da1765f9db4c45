// Ops that move elements without changing them, on the machine.

import { type Makers, unary } from './maker.ts';
import { broadcast, sameElements, transpose } from './tiles.ts';

export const SHAPE_MAKERS: Makers = {
  expand_dims: (op, slot) => unary(op, slot, sameElements),
  reshape: (op, slot) => unary(op, slot, sameElements),
  broadcast_to: (op, slot) => unary(op, slot, broadcast(op.operands[0].type, op.results[0].type)),
  trans: (op, slot) => unary(op, slot, transpose(op.operands[0].type, op.results[0].type, op.attrs.perm as readonly number[])),
};
