// Values made out of nothing, and ops that only say where elements are from now on: their results are their operands' registers
// under other names, asked for in the layout that makes it so.

import { fail } from '../../dsl/diagnostics.ts';
import { DTYPES, dtypeOf, isTile } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import { registerType } from '../wgsl/casts.ts';
import { fromPartner } from './exchange.ts';
import type { Regs } from './lane.ts';

import {
  compact,
  demandBroadcast,
  demandTrans,
  dropDim,
  innerReg,
  insertDim,
  isLane,
  isReg,
  laneBit,
  regBits,
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
  join: {
    // Pairs lie side by side in registers, as they would in memory.
    relabel: (_op, [a, b]) => {
      const pair = a ?? b;
      return pair && { dims: [...pair.dims.map((bits) => bits.map((x) => (isReg(x) ? x + 1 : x))), [0]] };
    },
    make: (d, op, layout, get) => {
      const [holder] = layout.dims[layout.dims.length - 1];
      const inner = compact(layout.dims.slice(0, -1));
      const [x, y] = op.operands.map((o) => get(o, inner.layout));
      const at = (regs: Regs, r: number) => d.b.at(regs, innerReg(inner, r));
      const pick = (r: number) => {
        if (!isLane(holder)) return at(isReg(holder) && (r >> holder) & 1 ? y : x, r);
        const left = d.b.pure('lane_is_zero', [d.tid], { bits: 1 << laneBit(holder) });
        return d.b.pure('pick', [left, at(x, r), at(y, r)]);
      };
      return d.b.pack(Array.from({ length: regCount(layout) }, (_, r) => pick(r)));
    },
  },
  split: {
    relabel: (_op, [x]) => x && dropDim(x, x.dims.length - 1).layout,
    make: ({ b }, op, layout, get, result) => {
      // Both halves in each invocation: the last dimension in the highest register bit.
      const top = regBits(layout);
      const regs = get(op.operands[0], { dims: [...layout.dims, [top]] });
      const half = op.results.indexOf(result) << top;
      return b.pack(Array.from({ length: 1 << top }, (_, r) => b.at(regs, r | half)));
    },
  },
};

export const FLIPS: Lowerings = {
  flip: {
    place: (p, op) => {
      const [x] = op.operands;
      p.set(op.results[0], p.best([x]) ?? p.fallback(x.type.shape));
    },
    make: (d, op, layout, get) => {
      const bits = layout.dims[Number(op.attrs.axis)];
      const registers = bits.filter(isReg).reduce((m, b) => m | (1 << b), 0);
      const lanes = bits.filter(isLane).reduce((m, b) => m | (1 << laneBit(b)), 0);
      const regs = fromPartner(d, get(op.operands[0], layout), lanes);
      return d.b.pack(Array.from({ length: regCount(layout) }, (_, r) => d.b.at(regs, r ^ registers)));
    },
  },
};
