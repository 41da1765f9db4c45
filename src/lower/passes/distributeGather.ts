// Ops whose results come from places that only the data know, tile to lane: gathering through workgroup memory, counting by its
// atomics.

import { type Func, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { dtypeOf } from '../../dsl/types.ts';
import type { Target } from '../program.ts';
import type { Placement } from './assignLayouts.ts';
import type { Distributor } from './distribute.ts';
import type { Regs } from './lane.ts';
import { type Layout, laneParts, log2, regCount, regOffset } from './layout.ts';
import type { Lowerings } from './lowerings.ts';

/** The result lies where its operands do, if they have that shape. */
function placeLike(p: Placement, op: Op): void {
  const [r] = op.results;
  const same = op.operands.filter((o) => o.type.shape.join() === r.type.shape.join());
  p.set(r, p.best(same) ?? p.fallback(r.type.shape));
}

// ---- gather ----------------------------------------------------------------------------------------------------------

function emitGather(d: Distributor, op: Op): void {
  const { b } = d;
  const [src, index] = op.operands;
  const [result] = op.results;
  const axis = Number(op.attrs.axis);
  const { shape } = src.type;
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((p, q) => p * q, 1));
  const to = d.plan.home(result);
  const from = d.plan.working(op);
  const size = shape[0] * strides[0];
  // As much of the source at a time as fits, in slices of the first dimension.
  let rows = shape[0];
  while (rows > 1 && rows * strides[0] > d.smem.limitWords) rows /= 2;
  const part = rows * strides[0];
  const addresses = gatherAddresses(d, d.low(index, to), to, strides, axis, shape[axis]);
  const values = d.get(src, from);
  const dtype = dtypeOf(src.type);
  const words = b.scalars(values).map((x) => d.toWords(x));
  const columns = words[0].map((_, k) => {
    const out: Value[] = [];
    for (let slice = 0; slice < size / part; slice++) {
      const source = d.slice(from, rows, slice);
      const region = d.smem.allocate(part, b.loc, 'tl.gather');
      const phase = d.smem.phase();
      const base = d.laneAddress(source.inside, strides);
      const mask = d.bothOf(d.representative(from), source.mask);
      for (const r of source.regs)
        d.smem.store(b, region, phase, d.shift(base, d.offset(source.inside, strides, r)), words[r][k], mask);
      addresses.forEach((a, i) => {
        if (part === size) {
          out[i] = d.smem.load(b, region, phase, a);
          return;
        }
        const v = d.smem.load(b, region, phase, b.scalarOp('and', [a, b.i32(part - 1)]));
        const here = b.scalarOp('eq', [b.scalarOp('shr', [a, b.i32(log2(part))]), b.i32(slice)]);
        out[i] = out[i] ? b.pure('pick', [here, v, out[i]]) : v;
      });
    }
    return out;
  });
  const found = addresses.map((_, i) =>
    d.fromWords(
      columns.map((c) => c[i]),
      dtype,
    ),
  );
  d.hold(result, to, b.pack(found));
}
/** Row-major places in the source: the coordinates of each register's element, the one along the axis replaced by its index. */
function gatherAddresses(
  d: Distributor,
  index: Regs,
  layout: Layout,
  strides: readonly number[],
  axis: number,
  n: number,
): Value[] {
  const { b } = d;
  const others = strides.map((s, i) => (i === axis ? 0 : s));
  const base = d.laneAddress(layout, others);
  return Array.from({ length: regCount(layout) }, (_, r) => {
    const fixed = layout.dims.reduce((acc, _dim, i) => acc + regOffset(layout, i, r) * others[i], 0);
    // Cut to the source's size, so that an index outside of it still names one of its elements.
    const along = b.scalarOp('mul', [b.scalarOp('and', [b.at(index, r), b.i32(n - 1)]), b.i32(strides[axis])]);
    return b.scalarOp('add', [along, d.shift(base, fixed)]);
  });
}

// ---- histogram -------------------------------------------------------------------------------------------------------

/** Counters that a function's histograms need at a time: at most half of workgroup memory. */
export function counters(func: Func, target: Target): number {
  const most = 2 ** log2(target.maxWorkgroupStorage / 8);
  let n = 0;
  walk(func.body, (op) => {
    if (op.name === 'histogram') n = Math.max(n, Math.min(most, Number(op.attrs.num_bins)));
  });
  return n;
}

function emitHistogram(d: Distributor, op: Op): void {
  const { b } = d;
  const [x, mask] = op.operands;
  const [result] = op.results;
  const bins = Number(op.attrs.num_bins);
  const size = Math.min(bins, d.smem.counters);
  const from = d.plan.working(op);
  const to = d.plan.home(result);
  const values = d.get(x, from);
  const masks = mask && d.get(mask, from);
  const one = d.representative(from);
  const n = regCount(from);
  // Counted or not, and the place among the counters, for each element.
  const elements = Array.from({ length: n }, (_, r) => ({
    ...bin(d, b.at(values, r), bins),
    on: d.bothOf(one, masks && b.at(masks, r)),
  }));
  const all = 1 << d.plan.lanes;
  const out: Value[] = [];
  for (let slice = 0; slice < bins / size; slice++) {
    const attrs = () => ({ base: 0, size, phase: d.smem.phase(), array: 'counts' });
    const clear = attrs();
    for (let k = 0; k < size; k += all) {
      const some = size - k < all ? b.scalarOp('lt', [d.tid, b.i32(size - k)]) : undefined;
      b.effect('wg_count_clear', [d.shift(d.tid, k), ...(some ? [some] : [])], clear);
    }
    const count = attrs();
    for (const e of elements) {
      const here = bins === size ? undefined : b.scalarOp('eq', [b.scalarOp('shr', [e.index, b.i32(log2(size))]), b.i32(slice)]);
      const on = d.bothOf(d.bothOf(e.inside, e.on), here);
      const place = bins === size ? e.index : b.scalarOp('and', [e.index, b.i32(size - 1)]);
      b.effect('wg_count', [place, ...(on ? [on] : [])], count);
    }
    const read = attrs();
    const lanes = d.laneIndex(to, 0) ?? b.i32(0);
    // Register bits above the invocation bits say which slice a register is of.
    const known = laneParts(to, 0).every(([, bit]) => bit < log2(size));
    for (let r = 0; r < regCount(to); r++) {
      const fixed = regOffset(to, 0, r);
      if (known && fixed >> log2(size) !== slice) continue;
      const at = d.shift(lanes, known ? fixed & (size - 1) : fixed);
      const v = b.effect('wg_counted', [known ? at : b.scalarOp('and', [at, b.i32(size - 1)])], read);
      const here = () => b.scalarOp('eq', [b.scalarOp('shr', [at, b.i32(log2(size))]), b.i32(slice)]);
      out[r] = out[r] ? b.pure('pick', [here(), v, out[r]]) : v;
    }
  }
  d.hold(result, to, b.pack(out));
}
/** The bin of a value as an index, cut to the number of bins, and whether the value has a bin at all. */
function bin({ b }: Distributor, x: Value, bins: number): { index: Value; inside: Value | undefined } {
  const dtype = dtypeOf(x.type);
  if (dtype.is_bool()) {
    const index = b.pure('bitcast', [b.pure('encode', [x])], { type: 'i32' });
    return { index: b.scalarOp('and', [index, b.i32(bins - 1)]), inside: bins < 2 ? b.scalarOp('not', [x]) : undefined };
  }
  const last = bins - 1;
  const limits: Value[] = [];
  const fits = dtype.bits >= 32 || bins < 2 ** (dtype.bits - (dtype.is_int_signed() ? 1 : 0));
  if (fits) limits.push(b.scalarOp('le', [x, b.constant(dtype.bits === 64 ? BigInt(last) : last, dtype)]));
  if (dtype.is_int_signed()) limits.push(b.scalarOp('ge', [x, b.constant(dtype.bits === 64 ? 0n : 0, dtype)]));
  const low = dtype.bits === 64 ? b.pure('low_word', [x]) : b.scalarOp('cast', [x], { to: 'i32' });
  return {
    index: b.scalarOp('and', [low, b.i32(last)]),
    inside: limits.length ? limits.reduce((p, q) => b.scalarOp('and', [p, q])) : undefined,
  };
}

export const GATHERS: Lowerings = {
  gather: {
    place: (p, op) => {
      const [src] = op.operands;
      p.works(op, (p.best([src]) ?? p.fallback(src.type.shape)).layout);
      placeLike(p, op);
    },
    emit: emitGather,
  },
  histogram: {
    place: (p, op) => {
      const [x] = op.operands;
      p.works(op, (p.best([x]) ?? p.fallback(x.type.shape)).layout);
      p.set(op.results[0], p.fallback(op.results[0].type.shape));
    },
    emit: emitHistogram,
  },
};
