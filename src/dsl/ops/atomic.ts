// Rows that read and write memory in one step: what other programs do to the element comes before or after, never in between. All
// return what the element held before. `update` is their meaning on one element; the back ends make it indivisible.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { toBits } from '../numerics.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr, isTile, pointee, sameShape, type Type, withElem } from '../types.ts';
import { describeJs } from './math.ts';
import { asUser, type Num, op, type TypeFail } from './row.ts';
import { checkOptions, sameShapes } from './rules.ts';

/** What an atomic operation orders besides its own element, by Triton's names. */
export const SEMANTICS = ['acquire', 'release', 'acq_rel', 'relaxed'] as const;
/** Who sees it as one step; every one of them gets the device's widest. */
export const SCOPES = ['gpu', 'cta', 'sys'] as const;

export interface CasOptions {
  /** Which accesses before and after it are ordered with it; acq_rel by default. */
  readonly sem?: (typeof SEMANTICS)[number] | null;
  /** Who sees it as one step: the device, a program or the system. All are the device here. */
  readonly scope?: (typeof SCOPES)[number] | null;
}
export interface AtomicOptions extends CasOptions {
  /** Elements where it is false are left alone; what is returned for them is undefined (0 here). */
  readonly mask?: boolean | number | null;
}

const isNarrow = (d: DType): boolean => d.bits < 16 || (d.bits === 16 && d.is_int());
const INTEGERS = 'i32, u32, i64 or u64';
const NUMBERS = 'i32, u32, i64, u64, f32 or f64';
const integers = (d: DType): boolean => d.is_int() && !isNarrow(d);
const numbers = (d: DType): boolean => integers(d) || (d.is_floating() && d.bits >= 32);

/** sem and scope as attributes; relaxed is the only one that says anything. */
function ordering(t: Trace, name: string, { sem, scope }: CasOptions): { relaxed: boolean } {
  const known = (k: string, v: unknown, list: readonly string[]): void => {
    if (v != null && v !== '' && !list.includes(v as string))
      t.fail(TL.unsupportedArg, name, k, describeJs(v), list.map((x) => `'${x}'`).join(', '));
  };
  known('sem', sem, SEMANTICS);
  known('scope', scope, SCOPES);
  return { relaxed: sem === 'relaxed' };
}

/** Pointer and other operands, brought to the pointer's shape, which they must not enlarge. */
function operandsOf(t: Trace, name: string, ptr: unknown, others: readonly Value[]): Value[] {
  const what = `tl.${name}`;
  const p = t.value(ptr, what);
  if (!isPtr(p.type)) t.fail(TL.pointerExpected, what, p.type);
  for (const v of others) {
    if (isPtr(v.type)) t.fail(TL.pointerElement, what, v.type);
    if (!isTile(p.type) && isTile(v.type)) t.fail(TL.tileThroughScalarPointer, what, 'value', v.type);
  }
  const all = t.broadcast(`${what}: pointer and values`, [p, ...others]);
  if (!sameShape(all[0].type.shape, p.type.shape)) {
    const larger = others.find((v) => v.type.shape.length > p.type.shape.length || !sameShape(v.type.shape, p.type.shape));
    t.fail(TL.atomicShape, what, p.type, (larger ?? p).type);
  }
  return all;
}
const element = (what: string, [p]: readonly Type[], fail: TypeFail): DType =>
  isPtr(p) ? pointee(p) : fail(TL.pointerExpected, what, p);

const rmw = (
  name: string,
  doc: string,
  accepts: (d: DType) => boolean,
  expected: string,
  update: (old: Num, x: Num, d: DType) => Num,
) =>
  op({
    doc: `${doc} Returns what the elements held before.`,
    args: ['ptr', 'val', 'mask?'],
    attrs: ['relaxed'],
    traits: ['reads', 'writes', 'effect', 'atomic'],
    type: (ts, _a, fail) => {
      const d = element(`tl.${name}`, ts, fail);
      sameShapes(`tl.${name}`, ts, fail);
      if (!accepts(d)) fail(TL.atomicDtype, `tl.${name}`, d, expected);
      if (ts[1].elem !== d) fail(TL.operands, `tl.${name}`, ts, `a value of ${d}`);
      if (ts[2] && ts[2].elem !== DTYPES.bool) fail(TL.maskNotBool, `tl.${name}`, ts[2]);
      return [withElem(ts[0], d)];
    },
    update: (old, [x], d) => update(old, x, d),
    api:
      (t) =>
      (pointer: number, val: number, options: AtomicOptions = {}): number => {
        checkOptions(t, name, options, ['mask', 'sem', 'scope']);
        const attrs = ordering(t, name, options);
        const p = t.value(pointer, `tl.${name}`);
        if (!isPtr(p.type)) t.fail(TL.pointerExpected, `tl.${name}`, p.type);
        const d = pointee(p.type);
        if (!accepts(d)) t.fail(TL.atomicDtype, `tl.${name}`, d, expected);
        const v = t.value(val, `tl.${name}`);
        if (isPtr(v.type)) t.fail(TL.pointerElement, `tl.${name}`, v.type);
        const others = [t.cast(v, d)];
        if (options.mask != null) {
          const m = t.value(options.mask, `tl.${name}`);
          if (m.type.elem !== DTYPES.bool) t.fail(TL.maskNotBool, `tl.${name}`, m.type);
          others.push(m);
        }
        return asUser(t.one(name, operandsOf(t, name, p, others), attrs));
      },
  });

const sum = (a: any, b: any): Num => a + b;
/** Of floats Triton compares the bits: as signed integers where the value is positive, turned round where it is negative. */
const extreme =
  (larger: boolean) =>
  (old: Num, x: Num, d: DType): Num => {
    if (d.is_int()) return x > old === larger ? x : old;
    const bits = (v: Num): bigint => BigInt.asIntN(d.bits, BigInt(toBits(d, v)));
    const unsigned = (v: bigint): bigint => BigInt.asUintN(d.bits, v);
    const [a, b] = [bits(old), bits(x)];
    const take = b >= 0n ? b > a === larger : unsigned(b) < unsigned(a) === larger;
    return take ? x : old;
  };

export const ATOMIC = {
  /**
   * Adds to the elements behind the pointers and returns what they held before.
   * @differs On WebGPU a 64-bit sum is two words that are added one after the other: it is right, but what it returns may not be used.
   * @cost 32-bit integers have an instruction; floats and 16 bits compare and exchange until nobody came between, so hot
   * elements are slow.
   */
  atomic_add: rmw(
    'atomic_add',
    'Adds to the elements behind the pointers, each in one step.',
    (d) => !isNarrow(d),
    'i32, u32, i64, u64, f16, bf16, f32 or f64',
    sum,
  ),
  /**
   * Leaves the larger of element and value behind; returns what was there before.
   * @differs 64-bit integers are refused on WebGPU, whose atomics have 32 bits.
   */
  atomic_max: rmw('atomic_max', 'Leaves the larger of element and value behind.', numbers, NUMBERS, extreme(true)),
  /**
   * Leaves the smaller of element and value behind; returns what was there before.
   * @differs 64-bit integers are refused on WebGPU, whose atomics have 32 bits.
   */
  atomic_min: rmw('atomic_min', 'Leaves the smaller of element and value behind.', numbers, NUMBERS, extreme(false)),
  /** Keeps the bits that the value has too; returns what the elements held before. */
  atomic_and: rmw('atomic_and', 'Bitwise and with the elements.', integers, INTEGERS, (a: any, b: any) => a & b),
  /** Sets the bits that the value has; returns what the elements held before. */
  atomic_or: rmw('atomic_or', 'Bitwise or with the elements.', integers, INTEGERS, (a: any, b: any) => a | b),
  /** Turns over the bits that the value has; returns what the elements held before. */
  atomic_xor: rmw('atomic_xor', 'Bitwise exclusive or with the elements.', integers, INTEGERS, (a: any, b: any) => a ^ b),
  /**
   * Puts a value in the place of each element and returns what was there before.
   * @differs 64-bit integers are refused on WebGPU, whose atomics have 32 bits.
   */
  atomic_xchg: rmw('atomic_xchg', 'Puts the value in the place of the element.', numbers, NUMBERS, (_old, x) => x),
  /**
   * Puts `val` where an element holds `cmp`, bit for bit, and returns what it held before.
   * @differs No locks between programs of it on WebGPU, which does not promise that one that waits lets others get on; no 64-bit integers
   * there either.
   */
  atomic_cas: op({
    doc: 'Puts val in the place of the element where that holds cmp, bit for bit. Returns what the elements held before.',
    args: ['ptr', 'cmp', 'val'],
    attrs: ['relaxed'],
    traits: ['reads', 'writes', 'effect', 'atomic'],
    type: (ts, _a, fail) => {
      const d = element('tl.atomic_cas', ts, fail);
      sameShapes('tl.atomic_cas', ts, fail);
      if (d.bits < 16) fail(TL.atomicDtype, 'tl.atomic_cas', d, 'dtypes of 16, 32 or 64 bits');
      for (const x of ts.slice(1)) if (x.elem !== d) fail(TL.operands, 'tl.atomic_cas', ts, `cmp and val of ${d}`);
      return [withElem(ts[0], d)];
    },
    update: (old, [cmp, val], d) => (toBits(d, old) === toBits(d, cmp) ? val : old),
    api:
      (t) =>
      (pointer: number, cmp: number, val: number, options: CasOptions = {}): number => {
        checkOptions(t, 'atomic_cas', options, ['sem', 'scope']);
        const attrs = ordering(t, 'atomic_cas', options);
        const p = t.value(pointer, 'tl.atomic_cas');
        if (!isPtr(p.type)) t.fail(TL.pointerExpected, 'tl.atomic_cas', p.type);
        const d = pointee(p.type);
        // A number takes the dtype of the elements; a value of the device has its own, and it must be theirs.
        const others = [cmp, val].map((x) => {
          const v = t.value(x, 'tl.atomic_cas');
          return t.isValue(x) || isPtr(v.type) || dtypeOf(v.type) === d ? v : t.cast(v, d);
        });
        return asUser(t.one('atomic_cas', operandsOf(t, 'atomic_cas', p, others), attrs));
      },
  }),
};
