// Integer narrowing: 64-bit arithmetic in 32 bits where nobody can tell. Needs: tile level. Gives: i64 → i32 and u64 → u32
// for values of which only the low 32 bits are demanded, and for values whose range fits. Never changes a loaded or stored
// value, never narrows a division or comparison whose operands may not fit, and never rewrites 32-bit code.
//
// Pointer offsets demand only their low 32 bits: a buffer has fewer than 2^31 elements (checked at launch), so the sum of
// the offsets of an access in bounds is the same modulo 2^32. After this pass pointer arithmetic is modulo 2^32.

import { type Block, definitions, type Func, type Op, Value, walk } from '../../dsl/ir/ir.ts';
import { type Rewriter, rebuild } from '../../dsl/ir/rewrite.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { DTYPES, type DType, dtypeOf, isPtr, type Type, withElem } from '../../dsl/types.ts';
import { type PassContext, pass } from '../pass.ts';
import { makeConstant } from './constants.ts';
import { analyzeRanges, fits } from './ranges.ts';

/** Low bits of the result depend on low bits of the operands only (besides ops with trait `shape` or `hint`). */
const LOW_BITS: ReadonlySet<string> = new Set(['add', 'sub', 'mul', 'neg', 'and', 'or', 'xor', 'not', 'shl', 'where', 'sum']);
/** Right in 32 bits if every operand, and the result, fits in 32 bits. */
const EXACT: ReadonlySet<string> = new Set('floordiv mod shr minimum maximum abs clamp eq ne lt le gt ge max min'.split(' '));

const isWide = (t: Type): boolean => !isPtr(t) && dtypeOf(t).is_int() && dtypeOf(t).bits === 64;
const half = (d: DType): DType => (d === DTYPES.i64 ? DTYPES.i32 : DTYPES.u32);
const narrowed = (t: Type): Type => withElem(t, half(dtypeOf(t)));

/** Which values of a function are computed in 32 bits. */
interface Plan {
  /** The value is made in 32 bits; its users get that, or a cast of it. */
  narrow(v: Value): boolean;
  /** An op with 64-bit operands and a narrow or bool result is computed from their low halves. */
  exact(op: Op): boolean;
  readonly defs: ReadonlyMap<Value, Op>;
  /** The op whose region a `yield` ends. */
  readonly parents: ReadonlyMap<Op, Op>;
}

function makePlan(func: Func): Plan {
  const ranges = analyzeRanges(func);
  const defs = definitions(func);
  const parents = new Map<Op, Op>();
  /** Carried region arguments share the fate of the result they end up in. */
  const leader = new Map<Value, Value>();
  const inductions = new Map<Value, Op>();
  walk(func.body, (op) => {
    if (hasTrait(op.name, 'element')) return;
    op.regions.forEach((r) => {
      const end = r.ops.at(-1);
      if (end) parents.set(end, op);
      const carried = op.name === 'for' ? r.args.slice(1) : r.args;
      carried.forEach((a, i) => void leader.set(a, op.results[i]));
    });
    if (op.name === 'for') inductions.set(op.regions[0].args[0], op);
  });
  const lead = (v: Value): Value => leader.get(v) ?? v;
  const fitsHalf = (v: Value): boolean => fits(ranges.get(v), half(dtypeOf(v.type)));
  const smallShift = (op: Op): boolean => {
    const r = ranges.operand(op, 1);
    return r !== null && r.lo >= 0n && r.hi <= 31n;
  };
  const lowBits = (op: Op): boolean =>
    (op.name === 'shl' ? smallShift(op) : LOW_BITS.has(op.name)) || hasTrait(op.name, 'shape') || hasTrait(op.name, 'hint');
  const exact = (op: Op): boolean =>
    EXACT.has(op.name) &&
    op.operands.some((o) => isWide(o.type)) &&
    op.results.every((v) => !isWide(v.type) || fitsHalf(v)) &&
    op.operands.every((v, i) => !isWide(v.type) || fits(ranges.operand(op, i), half(dtypeOf(v.type)))) &&
    (op.name !== 'shr' || smallShift(op));
  /** The induction variable, and the step beyond the last round, stay within 32 bits. */
  const loopFits = (op: Op): boolean => {
    const [lo, hi, step] = op.operands.slice(0, 3).map((o) => ranges.get(o));
    if (!lo || !hi || !step || !op.operands.slice(0, 3).every(fitsHalf)) return false;
    const d = half(dtypeOf(op.operands[0].type));
    const last = step.lo > 0n ? hi.hi + step.hi : step.hi < 0n ? hi.lo + step.lo : null;
    return last !== null && fits({ lo: last, hi: last }, d);
  };

  const full = new Set<Value>();
  const staysWide = (v: Value): boolean => full.has(lead(v)) && !fitsHalf(lead(v));
  /** Whether the op needs all 64 bits of its operand. */
  const demands = (op: Op, i: number): boolean => {
    if (op.name === 'addptr') return false;
    if (op.name === 'cast') {
      const to = dtypeOf(op.results[0].type);
      if (to.bits === 64 && to.is_int()) return staysWide(op.results[0]);
      return to.is_int() && !to.is_bool() ? false : !fitsHalf(op.operands[i]);
    }
    if (lowBits(op)) return staysWide(op.results[0]);
    if (EXACT.has(op.name)) return !exact(op);
    const parent = parents.get(op);
    if (op.name === 'yield' && parent) return staysWide(parent.results[i]);
    if (op.name === 'for') return i < 3 ? !loopFits(op) : staysWide(op.results[i - 3]);
    if (op.name === 'while') return staysWide(op.results[i]);
    return true;
  };
  for (let size = -1; size !== full.size; ) {
    size = full.size;
    walk(func.body, (op) => {
      op.operands.forEach((o, i) => {
        if (isWide(o.type) && !full.has(lead(o)) && demands(op, i)) full.add(lead(o));
      });
    });
  }

  const narrow = (v: Value): boolean => {
    if (!isWide(v.type)) return false;
    const loop = inductions.get(v);
    if (loop) return loopFits(loop);
    const op = defs.get(lead(v));
    if (!op || staysWide(v)) return false;
    if (op.name === 'cast') return isWide(op.operands[0].type);
    return hasTrait(op.name, 'control') || lowBits(op) || exact(op);
  };
  return { narrow, exact, defs, parents };
}

export const narrow = pass({
  name: 'narrow',
  doc: 'computes 64-bit integers in 32 bits where only the low bits are demanded or the range is known to fit',
  run(func: Func, cx: PassContext): Func {
    const plan = makePlan(func);
    const low = new Map<Value, Value>();

    /** The low half of a value of the old function. */
    const lowOf = (v: Value, op: Op, rw: Rewriter): Value => {
      if (!isWide(v.type)) return rw.get(v);
      const known = low.get(v);
      if (known) return known;
      const def = plan.defs.get(v);
      const to = half(dtypeOf(v.type));
      if (def?.name === 'constant') {
        const c = makeConstant(narrowed(v.type), def.attrs.value as bigint, def.loc, rw);
        c.name ??= v.name;
        return c;
      }
      const source = def?.name === 'cast' ? def.operands[0] : undefined;
      const short = source && dtypeOf(source.type).is_int() && dtypeOf(source.type).bits <= 32;
      return castTo(rw.get(short ? source : v), to, op, rw);
    };
    const castTo = (v: Value, to: DType, op: Op, rw: Rewriter): Value =>
      dtypeOf(v.type) === to ? v : rw.make('cast', [v], { to: to.name }, op.loc);
    /** The whole value: exact, because a narrow value is only wanted whole where it fits. */
    const wholeOf = (v: Value, op: Op, rw: Rewriter): Value => {
      const l = low.get(v);
      return l ? rw.make('cast', [l], { to: dtypeOf(v.type).name }, op.loc) : rw.get(v);
    };
    const settle = (from: Value, to: Value): void => {
      to.name ??= from.name;
      low.set(from, to);
    };

    const regionOp = (op: Op, rw: Rewriter): void => {
      if (hasTrait(op.name, 'element')) {
        const operands = op.operands.map((o) => wholeOf(o, op, rw));
        rw.emit({ ...op, operands, regions: op.regions.map((r) => rw.block(r)) });
        return;
      }
      const offset = op.name === 'for' ? 3 : 0;
      const part = (v: Value, narrowIt: boolean) => (narrowIt ? lowOf(v, op, rw) : wholeOf(v, op, rw));
      const counts = op.name === 'for' && plan.narrow(op.regions[0].args[0]);
      const operands = op.operands.map((o, i) =>
        op.name === 'if' ? rw.get(o) : part(o, i < offset ? counts : plan.narrow(op.results[i - offset])),
      );
      const fresh = (v: Value): Value => {
        if (!plan.narrow(v)) return v;
        settle(v, new Value(narrowed(v.type), v.name));
        return low.get(v)!;
      };
      // Arguments before bodies, results after: the results' names are not in scope inside.
      const regions = op.regions.map((r): Block => {
        const args = r.args.map(fresh);
        return rw.block(r, args.every((a, i) => a === r.args[i]) ? r.args : args);
      });
      const changed = op.results.some((r) => plan.narrow(r)) || counts;
      if (changed) cx.fired('carriedLowBits', op.loc);
      rw.emit({ ...op, operands, regions, results: op.results.map(fresh) });
    };

    return rebuild(
      func,
      (op, rw) => {
        if (op.regions.length) return regionOp(op, rw);
        const result = op.results[0];
        const parent = plan.parents.get(op);
        if (op.name === 'yield' && parent) {
          const operands = op.operands.map((o, i) => (plan.narrow(parent.results[i]) ? lowOf(o, op, rw) : wholeOf(o, op, rw)));
          rw.emit(operands.every((o, i) => o === op.operands[i]) ? op : { ...op, operands });
          return;
        }
        if (result && plan.narrow(result)) {
          const parts = op.operands.map((o) => lowOf(o, op, rw));
          const to = half(dtypeOf(result.type));
          settle(result, op.name === 'cast' ? castTo(parts[0], to, op, rw) : rw.make(op.name, parts, op.attrs, op.loc));
          cx.fired(plan.exact(op) ? 'rangeFits' : 'lowBits', op.loc);
          return;
        }
        const takesLow =
          plan.exact(op) ||
          (op.name === 'addptr' && isWide(op.operands[1].type)) ||
          (op.name === 'cast' && low.has(op.operands[0]));
        if (takesLow) {
          const parts = op.operands.map((o) => lowOf(o, op, rw));
          const to = op.name === 'cast' ? dtypeOf(result.type) : undefined;
          rw.replace(result, to ? castTo(parts[0], to, op, rw) : rw.make(op.name, parts, op.attrs, op.loc));
          cx.fired(plan.exact(op) ? 'rangeFits' : 'lowBits', op.loc);
          return;
        }
        const operands = op.operands.map((o) => wholeOf(o, op, rw));
        rw.emit(operands.every((o, i) => o === op.operands[i]) ? op : { ...op, operands });
      },
      cx.rows,
    );
  },
});
