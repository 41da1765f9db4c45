// Loads and stores: typed views of the launch's buffers, one per pointer argument, with every access checked against the bytes
// of the buffer. A lane that the mask turns off touches nothing. What is wrong is worked out only once something is wrong.

import type { Loc } from '../../dsl/diagnostics.ts';
import type { Param } from '../../dsl/ir/ir.ts';
import { type DType, pointee, printType, type Type } from '../../dsl/types.ts';
import { codec } from './codecs.ts';
import { stop } from './errors.ts';
import { specialise } from './jit.ts';
import { type Access, RUN } from './messages.ts';
import { coordinates, PTR_SPAN, ptrOffset, ptrParam, registerClass, type Store } from './values.ts';

/**
 * Memory of one pointer argument: raw little-endian bytes as in the golden files (f16, bf16 and fp8 as bits, bool one byte).
 * Several arguments may share `bytes`, at different offsets and with different dtypes. All of `bytes` may be accessed.
 */
export interface InterpBuffer {
  /** Name of the kernel's pointer parameter. */
  readonly param: string;
  readonly bytes: Uint8Array;
  /** Where element 0 of the argument lies; a multiple of the element's size. 0 if absent. */
  readonly byteOffset?: number;
}

/** One pointer argument while a launch runs. */
export interface Region {
  readonly param: string;
  readonly dtype: DType;
  readonly view: { readonly length: number; [i: number]: number | bigint };
  /** Elements of the view before element 0 of the argument. */
  readonly before: number;
  /** Which bytes the view covers, to find the arguments that alias an address. */
  readonly bytes: Uint8Array;
}

/** Views a buffer for a parameter. Errors: TL5006 if it is not aligned to its elements. */
export function region(p: Param, b: InterpBuffer): Region {
  const dtype = pointee(p.value.type);
  const { raw } = codec(dtype);
  const size = raw.BYTES_PER_ELEMENT;
  const offset = b.byteOffset ?? 0;
  const start = b.bytes.byteOffset + offset;
  if (start % size !== 0)
    stop(p.loc, [], RUN.argument, p.name, `element 0 lies at byte ${start}, which is no multiple of ${size}`);
  const before = Math.max(0, Math.floor(offset / size));
  const first = start - before * size;
  const length = Math.max(0, Math.floor((b.bytes.byteOffset + b.bytes.byteLength - first) / size));
  return { param: p.name, dtype, view: new raw(b.bytes.buffer, first, length) as Region['view'], before, bytes: b.bytes };
}

/** Index in the region's view that a pointer stands for. */
const base = (param: number, r: Region): number => param * PTR_SPAN - r.before;

type Access3 = (
  reg: Store,
  ptr: Store,
  mask: Store | undefined,
  other: Store | undefined,
  n: number,
  view: Region['view'],
  base: number,
) => number;

/** Both loops return the first lane whose address is not in the view, or -1. `V[j]` is the raw element. */
function loadLoop(d: DType, masked: boolean, other: boolean): Access3 {
  const c = codec(d);
  const value = c.table ? 'T[V[j]]' : d.kind === 'bool' ? 'V[j]?1:0' : 'V[j]';
  const off = other ? 'X[i]' : d.bits === 64 && d.kind !== 'float' ? '0n' : '0';
  return specialise<Access3>(
    `load:${d.name}:${masked}:${other}`,
    'R,P,M,X,n,V,base',
    `const len=V.length;for(let i=0;i<n;i++){${masked ? `if(!M[i]){R[i]=${off};continue;}` : ''}
     const j=P[i]-base;if(!(j>=0&&j<len))return i;R[i]=${value};}return -1;`,
    { T: c.table },
  );
}
function storeLoop(d: DType, masked: boolean): Access3 {
  const c = codec(d);
  return specialise<Access3>(
    `store:${d.name}:${masked}`,
    'R,P,M,X,n,V,base',
    `const len=V.length;for(let i=0;i<n;i++){${masked ? 'if(!M[i])continue;' : ''}
     const j=P[i]-base;if(!(j>=0&&j<len))return i;V[j]=${c.encode ? 'E(R[i])' : 'R[i]'};}return -1;`,
    { E: c.encode },
  );
}

const ONE_LANE = new Float64Array(1);

/** What a load or store does: register, pointers, mask and other are arrays; `pid` and `loc` are for the error. */
export type MemoryOp = (
  regions: readonly Region[],
  reg: Store,
  ptr: Store,
  mask: Store | undefined,
  other: Store | undefined,
  pid: readonly number[],
) => void;

/** Makes the closure for one access. `type` is the pointer operand's type. */
export function memoryOp(what: 'load' | 'store', type: Type, n: number, masked: boolean, hasOther: boolean, loc: Loc): MemoryOp {
  const d = pointee(type);
  const loop = what === 'load' ? loadLoop(d, masked, hasOther) : storeLoop(d, masked);
  const single = what === 'load' ? loadLoop(d, false, false) : storeLoop(d, false);
  const one = new (registerClass(d))(1);
  const off = one[0];
  return (regions, reg, ptr, mask, other, pid) => {
    let lane = 0;
    if (mask) while (lane < n && !mask[lane]) lane++;
    // With every lane off the loop only fills in `other`, and the region does not matter.
    const p = lane < n ? ptrParam(ptr[lane] as number) : 0;
    const r = regions[p];
    if (r && loop(reg, ptr, mask, other, n, r.view, base(p, r)) < 0) return;
    // Either something is out of bounds, or the tile points into several arguments: lane by lane.
    for (let i = 0; i < n; i++) {
      if (mask && !mask[i]) {
        if (what === 'load') (reg as Float64Array)[i] = (other ? other[i] : off) as number;
        continue;
      }
      const q = regions[ptrParam(ptr[i] as number)];
      if (!q) stop(loc, pid, RUN.badPointer, what, pid);
      ONE_LANE[0] = ptr[i] as number;
      (one as Float64Array)[0] = reg[i] as number;
      const bad = single(one, ONE_LANE, undefined, undefined, 1, q.view, base(ptrParam(ptr[i] as number), q)) >= 0;
      if (bad) stop(loc, pid, RUN.outOfBounds, describe(what, regions, type, ptr, mask, n, i, pid));
      if (what === 'load') (reg as Float64Array)[i] = one[0] as number;
    }
  };
}

const inside = (regions: readonly Region[], p: number): boolean => {
  const r = regions[ptrParam(p)];
  const j = r ? ptrOffset(p) + r.before : -1;
  return r !== undefined && j >= 0 && j < r.view.length;
};

/** The facts of a bad access; `bad` is the first lane at fault. */
function describe(
  what: 'load' | 'store',
  regions: readonly Region[],
  type: Type,
  ptr: Store,
  mask: Store | undefined,
  n: number,
  bad: number,
  pid: readonly number[],
): Access {
  const param = ptrParam(ptr[bad] as number);
  const r = regions[param];
  let [count, on, low, high] = [0, 0, Infinity, -Infinity];
  for (let i = 0; i < n; i++) {
    if (mask && !mask[i]) continue;
    on++;
    const p = ptr[i] as number;
    if (!inside(regions, p)) count++;
    if (ptrParam(p) !== param) continue;
    low = Math.min(low, ptrOffset(p));
    high = Math.max(high, ptrOffset(p));
  }
  return {
    what,
    pid,
    param: r.param,
    dtype: r.dtype.name,
    index: ptrOffset(ptr[bad] as number),
    before: r.before,
    length: r.view.length - r.before,
    type: printType(type),
    lane: coordinates(type.shape, bad),
    bad: count,
    on,
    total: n,
    range: [low, high],
    masked: mask !== undefined,
  };
}
