// Canonical forms: the rules that later passes rely on seeing gone. Needs: tile level. Gives: constants on the right, no
// operation with a neutral operand, no chains of casts or rearrangements that one op expresses, no branch on a constant, no
// loop that runs never or once, no carried value that never changes. Never uses an identity that fails for NaN, inf or -0.

import type { Block, Op, Value } from '../../dsl/ir/ir.ts';
import { applyRules, type Rewriter, type Rule, rule } from '../../dsl/ir/rewrite.ts';
import { DTYPES, type DType, dtypeOf, isPtr, sameType } from '../../dsl/types.ts';
import { pass } from '../pass.ts';
import { constantOf, integerOf, makeConstant } from './constants.ts';

/** The second operand is this integer everywhere. */
const right = (op: Op, rw: Rewriter, c: bigint): boolean => op.operands.length === 2 && integerOf(op.operands[1], rw) === c;
const isFloat = (v: Value): boolean => !isPtr(v.type) && dtypeOf(v.type).is_floating();
const named = (op: Op, ...names: readonly string[]): boolean => names.includes(op.name);

/** Every value of `a` is a value of `b`; fp8 is left out because casts to it saturate infinities. */
function holds(b: DType, a: DType): boolean {
  if (a === b) return true;
  if (a.is_bool()) return true;
  if (b.is_bool()) return false;
  if (a.is_floating()) return b.is_floating() && b.bits > a.bits && b.mantissa >= a.mantissa;
  if (b.is_floating()) return a.bits <= b.mantissa;
  return a.kind === b.kind ? a.bits <= b.bits : a.kind === 'uint' && a.bits < b.bits;
}

export const arithmeticRules: readonly Rule[] = [
  // c + x = x + c
  rule('constantRight', (op, rw) => {
    if (!rw.trait(op, 'commutative') || op.operands.length !== 2) return null;
    const [a, b] = op.operands;
    if (constantOf(a, rw) === undefined || constantOf(b, rw) !== undefined) return null;
    return [rw.make(op.name, [b, a], op.attrs, op.loc)];
  }),
  // integers: x + 0 = x - 0 = x | 0 = x ^ 0 = x << 0 = x >> 0 = x; p + 0 = p
  rule('neutralZero', (op, rw) =>
    named(op, 'add', 'sub', 'or', 'xor', 'shl', 'shr', 'addptr') && right(op, rw, 0n) ? [op.operands[0]] : null,
  ),
  // x * 1 = x / 1 = x // 1 = x, floats too
  rule('neutralOne', (op, rw) => {
    if (!named(op, 'mul', 'div', 'floordiv')) return null;
    return constantOf(op.operands[1], rw) === 1 || right(op, rw, 1n) ? [op.operands[0]] : null;
  }),
  // integers: x * 0 = x & 0 = x % 1 = 0
  rule('absorb', (op, rw) => {
    const zero = (named(op, 'mul', 'and') && right(op, rw, 0n)) || (op.name === 'mod' && right(op, rw, 1n));
    return zero ? [makeConstant(op.results[0].type, 0, op.loc, rw)] : null;
  }),
  // integers: x & ~0 = x; bool: x && true = x, x || true = true
  rule('allOnes', (op, rw) => {
    if (!named(op, 'and', 'or')) return null;
    const d = dtypeOf(op.results[0].type);
    if (!right(op, rw, d.kind === 'int' ? -1n : (1n << BigInt(d.bits)) - 1n)) return null;
    return [op.operands[op.name === 'and' ? 0 : 1]];
  }),
  // x & x = x | x = x
  rule('same', (op) => (named(op, 'and', 'or') && op.operands[0] === op.operands[1] ? [op.operands[0]] : null)),
  // integers: x - x = x ^ x = 0, x != x = false; bool: x + x = false (sums wrap)
  rule('cancel', (op, rw) => {
    if (op.operands.length !== 2 || op.operands[0] !== op.operands[1] || isFloat(op.operands[0])) return null;
    const wraps = op.name === 'add' && op.operands[0].type.elem === DTYPES.bool;
    if (!wraps && !named(op, 'sub', 'xor', 'ne')) return null;
    return [makeConstant(op.results[0].type, 0, op.loc, rw)];
  }),
  // integers: (x + c) + d = x + (c + d)
  rule('addAdd', (op, rw) => {
    const inner = op.name === 'add' ? rw.def(op.operands[0]) : undefined;
    if (inner?.name !== 'add') return null;
    const [c, d] = [integerOf(inner.operands[1], rw), integerOf(op.operands[1], rw)];
    if (c === undefined || d === undefined) return null;
    const sum = makeConstant(op.results[0].type, c + d, op.loc, rw);
    return [rw.make('add', [inner.operands[0], sum], {}, op.loc)];
  }),
  // !!x = x, ~~x = x
  rule('notNot', (op, rw) => {
    const inner = op.name === 'not' ? rw.def(op.operands[0]) : undefined;
    return inner?.name === 'not' ? [inner.operands[0]] : null;
  }),
  // where(c, x, x) = x
  rule('whereSame', (op) => (op.name === 'where' && op.operands[1] === op.operands[2] ? [op.operands[1]] : null)),
  // where(true, x, y) = x, where(false, x, y) = y
  rule('whereConstant', (op, rw) => {
    const c = op.name === 'where' ? integerOf(op.operands[0], rw) : undefined;
    return c === undefined ? null : [op.operands[c ? 1 : 2]];
  }),
];

export const castRules: readonly Rule[] = [
  // cast<T>(x: T) = x
  rule('castSame', (op) => (op.name === 'cast' && sameType(op.operands[0].type, op.results[0].type) ? [op.operands[0]] : null)),
  // cast<C>(cast<B>(x: A)) = cast<C>(x) if B holds all of A, or if all are integers and C is no wider than B.
  // Not through a float to an integer: floats saturate where integers wrap. An integer gets to fp8 only through a float.
  rule('castCast', (op, rw) => {
    const inner = op.name === 'cast' ? rw.def(op.operands[0]) : undefined;
    if (inner?.name !== 'cast') return null;
    const [a, b, c] = [inner.operands[0], inner.results[0], op.results[0]].map((v) => dtypeOf(v.type));
    const integers = [a, b, c].every((d) => d.is_int()) && !b.is_bool() && !c.is_bool() && c.bits <= b.bits;
    const lossless = holds(b, a) && !(c.is_fp8() && (a.is_fp8() || a.is_int())) && !(b.is_floating() && c.is_int());
    return integers || lossless ? [rw.make('cast', [inner.operands[0]], op.attrs, op.loc)] : null;
  }),
];

export const bitRules: readonly Rule[] = [
  // the bits of x: B read as C, which were those of an A read as B, are those of the A read as C
  rule('bitsOfBits', (op, rw) => {
    const inner = op.name === 'reinterpret' ? rw.def(op.operands[0]) : undefined;
    if (inner?.name !== 'reinterpret') return null;
    const [x] = inner.operands;
    return [sameType(x.type, op.results[0].type) ? x : rw.make('reinterpret', [x], op.attrs, op.loc)];
  }),
];

export const shapeRules: readonly Rule[] = [
  // rearrange(x) = x if neither shape nor order changes
  rule('shapeSame', (op, rw) => {
    if (!rw.trait(op, 'shape') || !sameType(op.operands[0].type, op.results[0].type)) return null;
    const perm = op.attrs.perm as readonly number[] | undefined;
    return perm?.some((p, i) => p !== i) ? null : [op.operands[0]];
  }),
  // rearrange(broadcast(s)) = broadcast(s) to the new shape, for a scalar s
  rule('splatThrough', (op, rw) => {
    const inner = rw.trait(op, 'shape') ? rw.def(op.operands[0]) : undefined;
    if (inner?.name !== 'broadcast_to' || inner.operands[0].type.shape.length) return null;
    return [rw.make('broadcast_to', [inner.operands[0]], { shape: op.results[0].type.shape }, op.loc)];
  }),
  // broadcast(broadcast(x)) = broadcast(x), reshape(reshape(x)) = reshape(x)
  rule('shapeShape', (op, rw) => {
    const inner = named(op, 'broadcast_to', 'reshape') ? rw.def(op.operands[0]) : undefined;
    return inner?.name === op.name ? [rw.make(op.name, [inner.operands[0]], op.attrs, op.loc)] : null;
  }),
  // trans(trans(x, p), q) = trans(x, p ∘ q)
  rule('transTrans', (op, rw) => {
    const inner = op.name === 'trans' ? rw.def(op.operands[0]) : undefined;
    if (inner?.name !== 'trans') return null;
    const [p, q] = [inner.attrs.perm, op.attrs.perm] as (readonly number[])[];
    return [rw.make('trans', [inner.operands[0]], { perm: q.map((i) => p[i]) }, op.loc)];
  }),
];

export const memoryRules: readonly Rule[] = [
  // load(p, true) = load(p), store(p, x, true) = store(p, x)
  rule('maskTrue', (op, rw) => {
    const mask = op.name === 'load' ? 1 : op.name === 'store' ? 2 : 0;
    if (!mask || !op.operands[mask] || integerOf(op.operands[mask], rw) !== 1n) return null;
    const { results } = op;
    return rw.emit({ ...op, operands: op.operands.slice(0, mask), results });
  }),
  // load(p, false, o) = o, store(p, x, false) = nothing
  rule('maskFalse', (op, rw) => {
    if (op.name === 'store' && op.operands[2] && integerOf(op.operands[2], rw) === 0n) return [];
    if (op.name !== 'load' || !op.operands[1] || integerOf(op.operands[1], rw) !== 0n) return null;
    return [op.operands[2] ?? makeConstant(op.results[0].type, 0, op.loc, rw)];
  }),
];

/** Leaves out position i of a list where `drop[i]`. */
const without = <T>(list: readonly T[], drop: readonly boolean[]): readonly T[] => list.filter((_, i) => !drop[i]);

export const controlRules: readonly Rule[] = [
  // if (true) A else B = A, if (false) A else B = B
  rule('ifConstant', (op, rw) => {
    const c = op.name === 'if' ? integerOf(op.operands[0], rw) : undefined;
    return c === undefined ? null : rw.inline(op.regions[c ? 0 : 1], []);
  }),
  // for (lo; lo ≥ hi) A = nothing; for (lo; lo < hi ≤ lo + step) A = A with iv = lo
  rule('forConstant', (op, rw) => {
    if (op.name !== 'for') return null;
    const [lo, hi, step] = op.operands.map((o) => integerOf(o, rw));
    if (lo === undefined || hi === undefined || step === undefined || step === 0n) return null;
    const runs = (i: bigint): boolean => (step > 0n ? i < hi : i > hi);
    const init = op.operands.slice(3);
    if (!runs(lo)) return init;
    return runs(lo + step) ? null : rw.inline(op.regions[0], [op.operands[0], ...init]);
  }),
  // for (…; x = x0) { … yield x } = for (…) with x = x0
  rule('carriedUnchanged', (op, rw) => {
    if (op.name !== 'for') return null;
    const [body] = op.regions;
    const [iv, ...args] = body.args;
    const [bounds, init] = [op.operands.slice(0, 3), op.operands.slice(3)];
    const next = body.ops.at(-1)!;
    const drop = args.map((a, i) => next.operands[i] === a || rw.get(next.operands[i]) === init[i]);
    if (!drop.some((d) => d)) return null;
    args.forEach((a, i) => void (drop[i] && rw.replace(a, init[i])));
    const region: Block = {
      args: [iv, ...without(args, drop)],
      ops: [...body.ops.slice(0, -1), { ...next, operands: without(next.operands, drop) }],
    };
    rw.copy({ ...op, operands: [...bounds, ...without(init, drop)], results: without(op.results, drop), regions: [region] });
    return op.results.map((r, i) => (drop[i] ? init[i] : r));
  }),
  // if (c) { yield x } else { yield x } = x beside the if
  rule('yieldSame', (op, rw) => {
    if (op.name !== 'if') return null;
    const ends = op.regions.map((r) => r.ops.at(-1)!);
    const inside = new Set(op.regions.flatMap((r) => r.ops.flatMap((o) => o.results)));
    const drop = op.results.map((_, i) => ends[0].operands[i] === ends[1].operands[i] && !inside.has(ends[0].operands[i]));
    if (!drop.some((d) => d)) return null;
    const regions = op.regions.map(
      (r, k): Block => ({
        args: r.args,
        ops: [...r.ops.slice(0, -1), { ...ends[k], operands: without(ends[k].operands, drop) }],
      }),
    );
    rw.copy({ ...op, results: without(op.results, drop), regions });
    return op.results.map((r, i) => (drop[i] ? rw.get(ends[0].operands[i]) : r));
  }),
];

export const canonicalizeRules: readonly Rule[] = [
  ...arithmeticRules,
  ...castRules,
  ...bitRules,
  ...shapeRules,
  ...memoryRules,
  ...controlRules,
];

export const canonicalize = pass({
  name: 'canonicalize',
  doc: 'brings expressions and control flow into canonical form',
  run: (func, cx) => applyRules(func, canonicalizeRules, cx.fired, cx.rows),
});
