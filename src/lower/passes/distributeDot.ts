// Matrix products, tile to lane: both operands are staged through workgroup memory in chunks of K, rows of A transposed so
// that an invocation's rows are neighbours; each invocation multiplies its block of rows and columns in registers. Sums are
// in f32 (i32 for integers), k ascending. f16 operands are widened to f32 in workgroup memory (exact). The next lowerings
// (tensor cores, packed f16) go beside this one.

import { fail } from '../../dsl/diagnostics.ts';
import { type Op, Value } from '../../dsl/ir/ir.ts';
import { DTYPES, type DType, dtypeOf } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import type { Distributor } from './distribute.ts';
import type { Regs } from './lane.ts';
import { type Layout, regCount, regOffset } from './layout.ts';
import type { Region } from './workgroupMemory.ts';

/** Words after which a chunk of K is long enough: larger ones only cost occupancy. */
const ENOUGH = 8192;

export function emitDot(d: Distributor, op: Op): void {
  const [a, b, acc] = op.operands;
  const [result] = op.results;
  const from = dtypeOf(a.type);
  const to = dtypeOf(result.type);
  if (from.is_fp8() || from.bits === 64) fail(op.loc, LOWER.dtypeUnsupported, from.name, 'compute dot on');
  const sum = from.is_int() ? DTYPES.i32 : DTYPES.f32;
  const [m, k] = a.type.shape;
  const n = b.type.shape[1];
  const layout = d.plan.home(result);
  // Rows of the staged operands, padded by a word against bank conflicts while they are written.
  const pitchA = m + 1;
  const pitchB = n + 1;
  const perK = pitchA + pitchB;
  const budget = Math.min(d.smem.limitWords, ENOUGH);
  let chunk = k;
  while (chunk > 1 && chunk * perK > budget) chunk /= 2;
  if (chunk * perK > d.smem.limitWords) {
    const fits = `a block of ${m / 2 ** Math.ceil(Math.log2(perK / d.smem.limitWords))} x ${n / 2 ** Math.ceil(Math.log2(perK / d.smem.limitWords))} would fit`;
    fail(op.loc, LOWER.workgroupMemory, `tl.dot of [${m}, ${k}] x [${k}, ${n}]`, perK * 4, d.smem.limitWords * 4, fits);
  }
  const layoutA = d.layoutOf(a);
  const layoutB = d.layoutOf(b);
  const regsA = d.get(a, layoutA);
  const regsB = d.get(b, layoutB);
  const region = d.smem.allocate(chunk * perK, op.loc, 'tl.dot');
  const partA: Region = { base: region.base, size: chunk * pitchA };
  const partB: Region = { base: region.base + partA.size, size: chunk * pitchB };

  let sums = start(d, acc, layout, sum, to);
  for (let c = 0; c < k / chunk; c++) {
    const phase = d.smem.phase();
    stage(d, regsA, layoutA, 1, chunk, c, [1, pitchA], partA, phase);
    stage(d, regsB, layoutB, 0, chunk, c, [pitchB, 1], partB, phase);
    sums = multiply(d, sums, layout, sum, chunk, { part: partA, pitch: pitchA }, { part: partB, pitch: pitchB }, phase);
  }
  d.hold(result, layout, to === sum ? sums : d.b.elementwise('cast', [sums], { to: to.name }, to));
}

function start(d: Distributor, acc: Value | undefined, layout: Layout, sum: DType, to: DType): Regs {
  if (!acc) return d.b.splat(d.b.constant(0, sum), regCount(layout));
  const regs = d.get(acc, layout);
  return to === sum ? regs : d.b.elementwise('cast', [regs], { to: sum.name }, sum);
}

/** Writes the part of an operand with k in chunk `c` to workgroup memory at sum(index * stride). */
function stage(
  d: Distributor,
  regs: Regs,
  layout: Layout,
  kDim: number,
  chunk: number,
  c: number,
  strides: readonly number[],
  region: Region,
  phase: number,
): void {
  const part = d.slice(layout, chunk, c, kDim);
  const mask = d.bothOf(d.representative(layout), part.mask);
  const base = d.laneAddress(part.inside, strides);
  for (const r of part.regs)
    d.smem.store(d.b, region, phase, d.shift(base, d.offset(part.inside, strides, r)), d.toWords(d.b.at(regs, r))[0], mask);
}

interface Staged {
  readonly part: Region;
  readonly pitch: number;
}
/** The chunk's loop over k: every invocation reads its rows and columns and multiplies them all. */
function multiply(
  d: Distributor,
  sums: Regs,
  layout: Layout,
  sum: DType,
  chunk: number,
  A: Staged,
  B: Staged,
  phase: number,
): Regs {
  const { b } = d;
  const rows = Array.from({ length: regCount(layout) }, (_, r) => regOffset(layout, 0, r));
  const cols = Array.from({ length: regCount(layout) }, (_, r) => regOffset(layout, 1, r));
  const laneRow = d.laneIndex(layout, 0) ?? b.i32(0);
  const laneCol = d.laneIndex(layout, 1) ?? b.i32(0);
  const kk = new Value({ elem: DTYPES.i32, shape: [] }, 'k');
  const carried = sums.vals.map((v) => new Value(v.type, 'dot'));
  const args = [kk, ...carried];
  // An end that the driver cannot see keeps it from unrolling the whole loop, which takes software drivers seconds to compile.
  const bounds = [b.i32(0), b.pure('opaque', [b.i32(chunk)]), b.i32(1)];
  b.open('loop', args);
  const baseA = b.scalarOp('add', [b.scalarOp('mul', [kk, b.i32(A.pitch)]), laneRow]);
  const baseB = b.scalarOp('add', [b.scalarOp('mul', [kk, b.i32(B.pitch)]), laneCol]);
  const reader = (part: Region, base: Value, name: string) => {
    const seen = new Map<number, Value>();
    return (offset: number): Value => {
      let v = seen.get(offset);
      if (!v) {
        v = d.fromWords([d.smem.load(b, part, phase, d.shift(base, offset))], sum);
        v.name ??= name;
        seen.set(offset, v);
      }
      return v;
    };
  };
  const readA = reader(A.part, baseA, 'a');
  const readB = reader(B.part, baseB, 'b');
  const w = sums.width;
  const group = (xs: Value[]): Value => (w === 1 ? xs[0] : b.pure('construct', xs));
  const next = carried.map((s, g) => {
    const regs = Array.from({ length: w }, (_, i) => g * w + i);
    const x = group(regs.map((r) => readA(rows[r])));
    const y = group(regs.map((r) => readB(cols[r])));
    if (sum.is_floating()) return b.pure('fma', [x, y, s]);
    return b.scalarOp('add', [s, b.scalarOp('mul', [x, y])]);
  });
  b.effect('yield', next);
  const body = b.close(args);
  const results = carried.map((v) => new Value(v.type, 'dot'));
  b.region({ name: 'for', operands: [...bounds, ...sums.vals], attrs: {}, results, regions: [body], loc: b.loc });
  return { width: w, vals: results };
}
