// Rows that touch memory, and pointer arithmetic. A pointer is an address in elements of its pointee.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr, isTile, pointee, sameShape, type Type, withElem } from '../types.ts';
import { BlockPointer, boundaryCheck, checkPadding, type Padding, type PerDim } from './blocks.ts';
import { describeJs } from './math.ts';
import { asUser, op, type TypeFail } from './row.ts';
import { checkOptions, sameShapes } from './rules.ts';

/** Where Triton's hints may keep what is read and written, and what it evicts; '' is no hint. */
const LOAD_CACHES = ['', '.ca', '.cg', '.cv'] as const;
const STORE_CACHES = ['', '.wb', '.cg', '.cs', '.wt'] as const;
const EVICTIONS = ['', 'evict_last', 'evict_first'] as const;

export interface LoadOptions {
  /** Lanes where it is false are not read. */
  readonly mask?: boolean | number | null;
  /** Value of lanes that the mask turns off; without it they are undefined (0 here). */
  readonly other?: number | boolean | null;
  /** Block pointers: dimensions along which the block may reach beyond the tensor. What lies there is not read. */
  readonly boundary_check?: PerDim;
  /** Block pointers: value of what is not read, 'zero' or 'nan'; without it undefined (0 here). */
  readonly padding_option?: Padding;
  /** A hint of Triton's that WebGPU has no use for; accepted so that kernels port unchanged. */
  readonly cache_modifier?: (typeof LOAD_CACHES)[number];
  /** A hint as well, without effect. */
  readonly eviction_policy?: (typeof EVICTIONS)[number];
  /** Without effect: WGSL reads when it likes between barriers. */
  readonly volatile?: boolean;
}
export interface StoreOptions {
  /** Lanes where it is false are not written. */
  readonly mask?: boolean | number | null;
  /** Block pointers: dimensions along which the block may reach beyond the tensor. What lies there is not written. */
  readonly boundary_check?: PerDim;
  /** A hint that WebGPU has no use for; accepted so that kernels port unchanged. */
  readonly cache_modifier?: (typeof STORE_CACHES)[number];
  /** A hint as well, without effect. */
  readonly eviction_policy?: (typeof EVICTIONS)[number];
}
const LOAD_OPTIONS = ['mask', 'other', 'boundary_check', 'padding_option', 'cache_modifier', 'eviction_policy', 'volatile'];
const STORE_OPTIONS = ['mask', 'boundary_check', 'cache_modifier', 'eviction_policy'];

/** Refuses hints that Triton does not know. */
const checkHints = (t: Trace, name: string, options: LoadOptions | StoreOptions, caches: readonly string[]): void => {
  const known = { cache_modifier: caches, eviction_policy: EVICTIONS as readonly string[] };
  for (const [k, list] of Object.entries(known)) {
    const given = options[k as keyof typeof known];
    if (given != null && !list.includes(given))
      t.fail(TL.unsupportedArg, name, k, describeJs(given), list.map((x) => `'${x}'`).join(', '));
  }
};

/** Refuses options that only the other kind of pointer has. */
const refuse = (t: Trace, name: string, options: object, names: readonly string[], message: typeof TL.blockMask): void => {
  for (const [k, v] of Object.entries(options)) {
    const given = v != null && v !== '' && !(Array.isArray(v) && v.length === 0);
    if (given && names.includes(k)) t.fail(message, name, k);
  }
};
const maskOf = (t: Trace, what: string, mask: unknown, ptr: Value): Value => {
  const m = t.value(mask, what);
  if (m.type.elem !== DTYPES.bool) t.fail(TL.maskNotBool, what, m.type);
  if (!isTile(ptr.type) && isTile(m.type)) t.fail(TL.tileThroughScalarPointer, what, 'mask', m.type);
  return m;
};
const asPointer = (t: Trace, what: string, p: unknown): Value => {
  const v = t.value(p, what);
  if (!isPtr(v.type)) t.fail(TL.pointerExpected, what, v.type);
  return v;
};
/** What a pointer stores of a value: its own dtype. A bool is stored by way of i8, as Triton does (0.5 and 256 are false). */
const toPointee = (t: Trace, v: Value, d: DType): Value =>
  d === DTYPES.bool && !dtypeOf(v.type).is_fp8() ? t.cast(t.cast(v, dtypeOf(v.type).is_bool() ? d : DTYPES.i8), d) : t.cast(v, d);
const needPointer = (what: string, [p]: readonly Type[], fail: TypeFail): void => {
  if (!isPtr(p)) fail(TL.pointerExpected, what, p);
};

export const MEMORY = {
  /** Pointer plus offset, in elements. */
  addptr: op({
    doc: 'Pointer plus offset, in elements. `p + offs`.',
    args: ['ptr', 'offset'],
    traits: ['pure', 'cheap'],
    type: (ts, _a, fail) => {
      needPointer('+', ts, fail);
      if (isPtr(ts[1]) || !dtypeOf(ts[1]).is_int())
        fail(TL.types, '+', ts[0], ts[1], 'a pointer moves by an integer number of elements');
      sameShapes('+', ts, fail);
      return [ts[0]];
    },
  }),
  /**
   * Reads the elements that a tile of pointers points to.
   * @differs `cache_modifier`, `eviction_policy` and `volatile` are accepted and have no effect: WGSL has no such control.
   * @cost neighbouring elements are read as vectors of up to 16 bytes where contiguity is known (`tl.multiple_of` helps);
   * elements of 8 and 16 bits are parts of words.
   */
  load: op({
    doc: 'Reads the elements that a tile of pointers (or one pointer) points to. Lanes that `mask` turns off are not read and hold `other`.',
    args: ['ptr', 'mask?', 'other?'],
    // `unread` is a pass's: nobody sees what masked-off elements hold.
    attrs: ['unread'],
    traits: ['reads'],
    type: (ts, _a, fail) => {
      needPointer('tl.load', ts, fail);
      sameShapes('tl.load', ts, fail);
      const d = pointee(ts[0]);
      if (ts[1] && ts[1].elem !== DTYPES.bool) fail(TL.maskNotBool, 'tl.load', ts[1]);
      if (ts[2] && ts[2].elem !== d) fail(TL.operands, 'tl.load', ts, `other of ${d}`);
      return [withElem(ts[0], d)];
    },
    api:
      (t) =>
      (pointer: number | BlockPointer, options: LoadOptions = {}): number => {
        checkOptions(t, 'load', options, LOAD_OPTIONS);
        checkHints(t, 'load', options, LOAD_CACHES);
        if (pointer instanceof BlockPointer) {
          refuse(t, 'load', options, ['mask', 'other'], TL.blockMask);
          const padding = checkPadding(t, 'load', options.padding_option ?? '', pointer.dtype);
          return asUser(pointer.load(t, boundaryCheck(t, 'load', options.boundary_check, pointer.block_shape.length), padding));
        }
        refuse(t, 'load', options, ['boundary_check', 'padding_option'], TL.notBlock);
        let p = asPointer(t, 'tl.load', pointer);
        const { mask, other } = options;
        if (mask == null) {
          if (other != null) t.fail(TL.otherWithoutMask);
          return asUser(t.one('load', [p]));
        }
        let m = maskOf(t, 'tl.load', mask, p);
        [p, m] = t.broadcast('tl.load: pointer and mask', [p, m]);
        if (other == null) return asUser(t.one('load', [p, m]));
        let o = t.value(other, 'tl.load');
        if (!isTile(p.type) && isTile(o.type)) t.fail(TL.tileThroughScalarPointer, 'tl.load', 'other', o.type);
        o = toPointee(t, o, pointee(p.type));
        [p, m, o] = t.broadcast('tl.load: pointer, mask and other', [p, m, o]);
        return asUser(t.one('load', [p, m, o]));
      },
  }),
  /**
   * Writes a tile to the elements that a tile of pointers points to.
   * @differs `cache_modifier` and `eviction_policy` are accepted and have no effect.
   * @cost neighbouring elements are written as vectors; a lone element of 8 or 16 bits takes an atomic operation on the word
   * that holds it.
   */
  store: op({
    doc: 'Writes a tile to the elements that a tile of pointers points to, converted to the pointee. Lanes that `mask` turns off are not written.',
    args: ['ptr', 'value', 'mask?'],
    traits: ['writes', 'effect'],
    type: (ts, _a, fail) => {
      needPointer('tl.store', ts, fail);
      sameShapes('tl.store', ts, fail);
      if (ts[1].elem !== pointee(ts[0])) fail(TL.operands, 'tl.store', ts, `a value of ${pointee(ts[0])}`);
      if (ts[2] && ts[2].elem !== DTYPES.bool) fail(TL.maskNotBool, 'tl.store', ts[2]);
      return [];
    },
    api:
      (t) =>
      (pointer: number | BlockPointer, value: number | boolean, options: StoreOptions = {}): void => {
        checkOptions(t, 'store', options, STORE_OPTIONS);
        checkHints(t, 'store', options, STORE_CACHES);
        if (pointer instanceof BlockPointer) {
          refuse(t, 'store', options, ['mask'], TL.blockMask);
          pointer.store(t, value, boundaryCheck(t, 'store', options.boundary_check, pointer.block_shape.length));
          return;
        }
        refuse(t, 'store', options, ['boundary_check'], TL.notBlock);
        let p = asPointer(t, 'tl.store', pointer);
        let v = t.value(value, 'tl.store');
        if (isPtr(v.type)) t.fail(TL.pointerElement, 'tl.store', v.type);
        if (!isTile(p.type) && isTile(v.type)) t.fail(TL.tileThroughScalarPointer, 'tl.store', 'value', v.type);
        const before = p.type;
        v = toPointee(t, v, pointee(p.type));
        if (options.mask == null) {
          [p, v] = t.broadcast('tl.store: pointer and value', [p, v]);
          if (!sameShape(p.type.shape, before.shape)) t.fail(TL.storeShape, before, v.type);
          t.emit('store', [p, v]);
          return;
        }
        let m = maskOf(t, 'tl.store', options.mask, p);
        [p, v, m] = t.broadcast('tl.store: pointer, value and mask', [p, v, m]);
        if (!sameShape(p.type.shape, before.shape)) t.fail(TL.storeShape, before, v.type);
        t.emit('store', [p, v, m]);
      },
  }),
};
