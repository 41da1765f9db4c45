// Joining, splitting, flipping, gathering, sorting and counting on the machine. Sorting walks the network that the op's file gives.

import { type NetworkStep, network } from '../../dsl/ops/order.ts';
import { numel, type Type } from '../../dsl/types.ts';
import { stop } from './errors.ts';
import { type Maker, type Makers, unary } from './maker.ts';
import { RUN } from './messages.ts';
import { gather } from './tiles.ts';
import { allocate, coordinates, copy, type Store } from './values.ts';

const join: Maker = (op, slot) => {
  const [o, a, b] = [op.results[0], ...op.operands].map(slot);
  return ({ regs }) => {
    const [out, x, y] = [regs[o], regs[a], regs[b]];
    for (let i = 0; i < x.length; i++) {
      out[2 * i] = x[i];
      out[2 * i + 1] = y[i];
    }
    return undefined;
  };
};
const split: Maker = (op, slot) => {
  const [x, l, r] = [op.operands[0], ...op.results].map(slot);
  return ({ regs }) => {
    const [from, left, right] = [regs[x], regs[l], regs[r]];
    for (let i = 0; i < left.length; i++) {
      left[i] = from[2 * i];
      right[i] = from[2 * i + 1];
    }
    return undefined;
  };
};

const flip: Maker = (op, slot) => {
  const { type } = op.operands[0];
  const axis = Number(op.attrs.axis);
  const inner = numel(type.shape.slice(axis + 1));
  const n = type.shape[axis];
  const source = Int32Array.from({ length: numel(type.shape) }, (_, i) => i + (n - 1 - 2 * (Math.floor(i / inner) % n)) * inner);
  return unary(op, slot, gather(type, source));
};

const gatherOp: Maker = (op, slot) => {
  const [src, index] = op.operands;
  const axis = Number(op.attrs.axis);
  const n = src.type.shape[axis];
  const inner = numel(src.type.shape.slice(axis + 1));
  const [o, x, at] = [op.results[0], src, index].map(slot);
  const size = index.type.shape[axis];
  return ({ regs, pid }) => {
    const [out, from, indices] = [regs[o], regs[x], regs[at]];
    for (let i = 0; i < out.length; i++) {
      const k = Number(indices[i]);
      if (!(k >= 0 && k < n)) stop(op.loc, pid, RUN.gatherIndex, indices[i], n, pid, coordinates(index.type.shape, i));
      const rest = i % inner;
      out[i] = from[(Math.floor(i / (inner * size)) * n + k) * inner + rest];
    }
    return undefined;
  };
};

/** Runs one step of a sorting network on rows of n elements, in place; returns the length of a row afterwards. */
function networkStep(data: Store, rows: number, n: number, step: NetworkStep, greatest: boolean): number {
  const far = 2 ** step.bit;
  if (step.kind === 'exchange') {
    const turn = typeof step.flip === 'number' ? 2 ** step.flip : 0;
    const all = step.flip === true;
    for (let base = 0; base < rows * n; base += n) {
      for (let i = 0; i < n; i++) {
        if (i & far) continue;
        const [a, b] = [data[base + i], data[base + i + far]];
        const flipped = turn ? (i & turn) !== 0 : all;
        if (a > b !== flipped) data[base + i] = b;
        if (b > a === flipped) data[base + i + far] = a;
      }
    }
    return n;
  }
  const m = n / 2;
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < m; j++) {
      const i = row * n + (j & (far - 1)) + 2 * (j & ~(far - 1));
      const [a, b] = [data[i], data[i + far]];
      // A NaN loses, as in the reductions.
      const first = b !== b || (a === a && (greatest ? a > b : a < b));
      data[row * m + j] = first ? a : b;
    }
  }
  return m;
}

const sort: Maker = (op, slot) => {
  const from: Type = op.operands[0].type;
  const to = op.results[0].type;
  const n = from.shape[from.shape.length - 1];
  const rows = numel(from.shape) / n;
  const steps = network(n, op.attrs);
  const greatest = Boolean(op.attrs.descending);
  const [o, x] = [op.results[0], op.operands[0]].map(slot);
  // In the result's dtype, which holds all values of the operand's.
  const work = allocate({ elem: to.elem, shape: from.shape });
  return ({ regs }) => {
    copy(work, regs[x]);
    let length = n;
    for (const s of steps) length = networkStep(work, rows, length, s, greatest);
    copy(regs[o], work.subarray(0, rows * length) as Store);
    return undefined;
  };
};

const histogram: Maker = (op, slot) => {
  const [o, x, m] = [op.results[0], ...op.operands].map(slot);
  return ({ regs }) => {
    const [counts, values] = [regs[o] as Int32Array, regs[x]];
    const mask = m === undefined ? undefined : regs[m];
    counts.fill(0);
    for (let i = 0; i < values.length; i++) {
      const v = Number(values[i]);
      if (v >= 0 && v < counts.length && (!mask || mask[i])) counts[v]++;
    }
    return undefined;
  };
};

export const ORDER_MAKERS: Makers = { join, split, flip, gather: gatherOp, sort, histogram };
