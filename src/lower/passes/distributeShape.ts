// Values made out of nothing, and ops that only say where elements are from now on: their results are their operands' registers
// under other names, asked for in the layout that makes it so.

import { fail } from '../../dsl/diagnostics.ts';
import { DTYPES, dtypeOf, isTile } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import { registerType } from '../wgsl/casts.ts';

import {
  demandBroadcast,
  demandTrans,
  dropDim,
  innerReg,
  insertDim,
  regCount,
  regOffset,
  reshapeLayout,
  SCALAR,
  transLayout,
} from './layout.ts';
import type { Lowerings } from './lowerings.ts';

export const SOURCES: Lowerings = {
  constant: {
    make: (d, op, layout) => {
      const t = dtypeOf(op.results[0].type);
      if (registerType(t) === null) fail(op.loc, LOWER.dtypeUnsupported, t.name, 'make a constant of');
      return d.b.splat(d.b.constant(op.attrs.value as number, t), regCount(layout));
    },
  },
  program_id: { make: (d, op) => ({ width: 1, vals: [d.b.pure('pid', [], { axis: op.attrs.axis })] }) },
  num_programs: {
    make: (d, op) => ({ width: 1, vals: [d.b.pure('uniform', [], { field: `grid${op.attrs.axis}`, type: 'i32' })] }),
  },
  arange: {
    make: (d, op, layout) => {
      const n = regCount(layout);
      const lanes = d.laneIndex(layout, 0);
      const start = Number(op.attrs.start);
      const consts = d.b.pack(Array.from({ length: n }, (_, r) => d.b.i32(start + regOffset(layout, 0, r))));
      return lanes ? d.b.elementwise('add', [d.b.splat(lanes, n), consts], {}, DTYPES.i32) : consts;
    },
  },
};

export const RELABELINGS: Lowerings = {
  expand_dims: {
    relabel: (op, [x]) => x && insertDim(x, Number(op.attrs.axis)),
    make: (_d, op, layout, get) => get(op.operands[0], dropDim(layout, Number(op.attrs.axis)).layout),
  },
  trans: {
    relabel: (op, [x]) => x && transLayout(x, op.attrs.perm as number[]),
    make: (_d, op, layout, get) => get(op.operands[0], demandTrans(layout, op.attrs.perm as number[])),
  },
  reshape: {
    relabel: (_op, [x], result) => x && reshapeLayout(x, result.type.shape),
    make: (_d, op, layout, get) => get(op.operands[0], reshapeLayout(layout, op.operands[0].type.shape)),
  },
  broadcast_to: {
    relabel: (_op, [x]) => x,
    make: ({ b }, op, layout, get) => {
      const [x] = op.operands;
      const n = regCount(layout);
      if (!isTile(x.type)) return b.splat(get(x, SCALAR).vals[0], n);
      const inner = demandBroadcast(layout, x.type.shape);
      const regs = get(x, inner.layout);
      return b.pack(Array.from({ length: n }, (_, r) => b.at(regs, innerReg(inner, r))));
    },
  },
};
