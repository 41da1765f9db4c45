// Memory access plan: for every load and store how many consecutive elements one invocation handles together, and for every
// buffer the WGSL array type that all its accesses can use. Comes in: layouts and axis facts. Goes out: data only.

import { fail } from '../../dsl/diagnostics.ts';
import { type Func, type Op, type Param, type Value, walk } from '../../dsl/ir/ir.ts';
import { hasTrait, maskOperand } from '../../dsl/ops/index.ts';
import { type DType, isPtr, isTile, pointee } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import type { Target } from '../program.ts';
import { safeName } from '../wgsl/names.ts';
import type { LayoutPlan } from './assignLayouts.ts';
import type { AxisInfo } from './axis.ts';
import { analyzeDisjoint } from './disjoint.ts';
import { isReg, type Layout, log2 } from './layout.ts';
import type { Pointers } from './pointers.ts';

/** `2^bits` consecutive elements along `dim`, all in registers of one invocation, aligned, under one mask bit. */
export interface Run {
  readonly dim: number;
  readonly bits: number;
}

/** How a buffer is declared: elements or words of `wordBytes`, `vec` of them a WGSL array element. */
export interface BufferPlan {
  readonly name: string;
  readonly params: readonly Param[];
  readonly dtype: DType;
  readonly written: boolean;
  /** `element`: array of the register type (or f16); `words`: u32 words that hold 2 or 4 elements; `atomic`: words, atomic, for an element, part of one or several. */
  readonly mode: 'element' | 'half' | 'words' | 'atomic';
  /** Array element is a vector of this many elements or words. */
  readonly vec: 1 | 2 | 4;
  readonly wgslType: string;
}
export interface AccessPlan {
  readonly buffers: readonly BufferPlan[];
  of(pointer: Value): BufferPlan;
  /** A name that accesses share if none of them touches an element of another. */
  apart(op: Op): string | undefined;
  /** The run of an access in a layout. */
  run(op: Op, layout: Layout): Run;
  /** Elements along each dim, in aligned groups, that an access finds at one address. */
  alike(op: Op): readonly number[];
}

const ELEMENT: { readonly [dtype: string]: string } = { f32: 'f32', i32: 'i32', u32: 'u32', i64: 'vec2<u32>', u64: 'vec2<u32>' };

export function planAccess(func: Func, plan: LayoutPlan, axis: AxisInfo, pointers: Pointers, target: Target): AccessPlan {
  const run = (op: Op, layout: Layout): Run => {
    const ptr = op.operands[0];
    const a = axis.get(ptr);
    const mask = maskOperand(op);
    let best: Run = { dim: 0, bits: 0 };
    layout.dims.forEach((bits, dim) => {
      let n = 0;
      while (n < bits.length && isReg(bits[n])) n++;
      const most = Math.min(
        a.contiguity[dim] ?? 1,
        a.divisibility[dim] ?? 1,
        mask ? (axis.get(mask).constancy[dim] ?? 1) : 2 ** 30,
      );
      const b = Math.min(n, log2(most), log2(Math.max(1, 16 / pointee(ptr.type).bytes)));
      if (b > best.bits) best = { dim, bits: b };
    });
    return best;
  };

  // Accesses by buffer number.
  const accesses = new Map<number, { op: Op; bits: number }[]>();
  walk(func.body, (op) => {
    const writes = hasTrait(op.name, 'writes');
    if (!writes && !hasTrait(op.name, 'reads')) return;
    const ptr = op.operands[0];
    let bits = 0;
    if (isTile(ptr.type) && (writes || !plan.remat(op.results[0])))
      bits = run(op, writes ? plan.working(op) : plan.home(op.results[0])).bits;
    for (const b of pointers.buffers(ptr)) accesses.set(b, [...(accesses.get(b) ?? []), { op, bits }]);
  });

  /**
   * Buffers of atomic operations, and where one of them orders other accesses, buffers through which programs may speak to each
   * other: what is written to memory as such is seen by everyone at once, and read from there.
   */
  const orders = [...accesses.values()].flat().some(({ op }) => hasTrait(op.name, 'atomic') && op.attrs.relaxed !== true);
  const atomic = (n: number): boolean =>
    accesses.get(n)!.some(({ op }) => hasTrait(op.name, 'atomic')) || (orders && pointers.written.has(n) && pointers.read.has(n));

  const buffers: BufferPlan[] = [];
  const byNumber = new Map<number, BufferPlan>();
  for (const [i, p] of func.params.entries()) {
    const number = p.buffer ?? -1 - i;
    if (!isPtr(p.value.type) || byNumber.has(number) || !accesses.has(number)) continue;
    const params = func.params.filter((q, k) => isPtr(q.value.type) && (q.buffer ?? -1 - k) === number);
    const made = bufferPlan(params, accesses.get(number)!, pointers.written.has(number), atomic(number), target);
    buffers.push(made);
    byNumber.set(number, made);
  }
  return {
    buffers,
    run,
    alike: (op) => axis.get(op.operands[0]).constancy,
    apart: analyzeDisjoint(func, pointers).group,
    of: (ptr) => {
      const [n] = pointers.buffers(ptr);
      return byNumber.get(n)!;
    },
  };
}

function bufferPlan(
  params: readonly Param[],
  uses: readonly { op: Op; bits: number }[],
  written: boolean,
  atomic: boolean,
  target: Target,
): BufferPlan {
  const dtypes = [...new Set(params.map((p) => pointee(p.value.type)))];
  if (dtypes.length > 1)
    fail(params[0].loc, LOWER.mixedBuffer, params.map((p) => `'${p.name}'`).join(' and '), dtypes.join(', '));
  const [dtype] = dtypes;
  const base = { name: safeName(params[0].name), params, dtype, written };
  if (atomic && dtype.bytes >= 2)
    return { ...base, mode: 'atomic', vec: 1, wgslType: dtype.name === 'i32' ? 'atomic<i32>' : 'atomic<u32>' };
  const narrowest = Math.min(...uses.map((u) => u.bits));
  if (dtype.is_floating() && dtype.bits === 64) fail(uses[0].op.loc, LOWER.dtypeUnsupported, dtype.name, 'load or store');
  if (dtype.bytes === 8) return { ...base, mode: 'element', vec: 1, wgslType: ELEMENT[dtype.name] };
  if (dtype.bytes === 4) {
    const vec = (1 << Math.min(2, narrowest)) as 1 | 2 | 4;
    return { ...base, mode: 'element', vec, wgslType: vec > 1 ? `vec${vec}<${ELEMENT[dtype.name]}>` : ELEMENT[dtype.name] };
  }
  const perWord = log2(4 / dtype.bytes);
  const owned = uses.every((u) => !hasTrait(u.op.name, 'writes') || u.bits >= perWord);
  if (owned) {
    const vec = (1 << Math.max(0, Math.min(2, narrowest - perWord))) as 1 | 2 | 4;
    return { ...base, mode: 'words', vec, wgslType: vec > 1 ? `vec${vec}<u32>` : 'u32' };
  }
  if (dtype.name === 'f16' && target.shaderF16) return { ...base, mode: 'half', vec: 1, wgslType: 'f16' };
  return { ...base, mode: 'atomic', vec: 1, wgslType: 'atomic<u32>' };
}
