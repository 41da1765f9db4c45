// Arguments of a launch → one specialisation of the kernel. In: checked arguments. Out: the tracer's signature, and a text key that is
// equal exactly when signatures are. What Triton specialises on: dtypes, constexprs, integers equal to 1 or divisible by 16,
// pointers aligned to 16 bytes; and, because WGSL needs it, which pointers share a buffer. Refuses to know devices.

import type { ParamInfo } from '../dsl/trace/definition.ts';
import type { ArgSpec, Signature } from '../dsl/trace/signature.ts';
import { DTYPES, DType } from '../dsl/types.ts';
import type { Detail } from './options.ts';
import { Tensor } from './tensor.ts';
import { partsOf } from './tuples.ts';

/** An argument as a launch passes it. */
export type Argument = unknown;

/**
 * What is known of a tensor's first element. Memory starts aligned to at least 16 bytes, so its offset alone decides: when
 * offset · bytes is a multiple of 16, the offset in elements is divisible by 16 / bytes (4 for f32, 8 for f16, 16 for bool); else 1.
 */
export function pointerDivisibility(t: Tensor): number {
  return (t.offset * t.dtype.bytes) % 16 === 0 ? Math.max(1, 16 / t.dtype.bytes) : 1;
}

/** dtype of an integer or float argument whose parameter names none: Triton's (i32 if it fits, else i64, else u64; f32). */
export function scalarDtype(x: number | bigint | boolean): DType {
  if (typeof x === 'boolean') return DTYPES.bool;
  if (typeof x === 'number' && !Number.isInteger(x)) return DTYPES.f32;
  if (x >= -(2 ** 31) && x < 2 ** 31) return DTYPES.i32;
  return x < 2 ** 63 ? DTYPES.i64 : DTYPES.u64;
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;
/** A number for an object: the same object has the same number. */
export function identity(x: object): number {
  let id = identities.get(x);
  if (id === undefined) identities.set(x, (id = ++lastIdentity));
  return id;
}

/** Text of a constexpr value: equal values give equal text; functions and class instances are what they are, not what they hold. */
export function constKey(x: unknown): string {
  if (x === null || x === undefined || typeof x === 'boolean') return String(x);
  if (typeof x === 'number') return Object.is(x, -0) ? '-0' : String(x);
  if (typeof x === 'bigint') return `${x}n`;
  if (typeof x === 'string') return JSON.stringify(x);
  if (x instanceof DType) return `dtype ${x.name}`;
  if (Array.isArray(x)) return `[${x.map(constKey).join(',')}]`;
  if (typeof x === 'object' && Object.getPrototypeOf(x) === Object.prototype) {
    const entries = Object.entries(x).map(([k, v]) => `${JSON.stringify(k)}:${constKey(v)}`);
    return `{${entries.join(',')}}`;
  }
  return `#${identity(x as object)}`;
}

export interface Specialization {
  readonly signature: Signature;
  readonly key: string;
}

/** What a specialisation knows of one argument, and its part of the key. */
function specOf(
  p: ParamInfo,
  x: Argument,
  buffers: number[],
  detail: Detail,
): { readonly spec: ArgSpec | null; readonly key: string } {
  if (x === undefined) return { spec: null, key: '-|' };
  const inside = partsOf(p, x);
  if (inside) {
    const { keys, params, values } = inside;
    const specs = params.map((q, i) => specOf(q, values[i], buffers, detail));
    const parts = params.map((param, i) => ({ param, spec: specs[i].spec }));
    return {
      spec: { kind: 'tuple', keys, parts },
      key: `(${keys ? JSON.stringify(keys) : ''}${specs.map((s) => s.key).join('')})|`,
    };
  }
  if (x instanceof Tensor && p.kind !== 'constexpr') {
    const id = x.storage.memory.id;
    let buffer = buffers.indexOf(id);
    if (buffer < 0) buffer = buffers.push(id) - 1;
    const divisibleBy = detail === 'all' ? pointerDivisibility(x) : 1;
    return { spec: { kind: 'ptr', dtype: x.dtype, buffer, divisibleBy }, key: `*${x.dtype.name},${buffer},${divisibleBy}|` };
  }
  if (p.kind === 'constexpr' || x === null || (typeof x !== 'number' && typeof x !== 'bigint' && typeof x !== 'boolean')) {
    return {
      spec: { kind: 'const', value: x, ...(p.dtype && x !== null ? { dtype: DTYPES[p.dtype] } : {}) },
      key: `=${constKey(x)}|`,
    };
  }
  const dtype = p.dtype ? DTYPES[p.dtype] : scalarDtype(x);
  const isInt = dtype.kind === 'int' || dtype.kind === 'uint';
  if (isInt && detail !== 'dtype' && (x === 1 || x === 1n))
    return { spec: { kind: 'const', value: 1, dtype }, key: `${dtype.name}=1|` };
  const by16 = isInt && detail === 'all' && (typeof x === 'bigint' ? x % 16n === 0n : Number(x) % 16 === 0);
  const divisibleBy = by16 ? 16 : 1;
  return { spec: { kind: 'scalar', dtype, divisibleBy }, key: `${dtype.name},${divisibleBy}|` };
}

/** The key alone: what a launch that finds its specialisation in the cache needs. */
export function specializationKey(
  params: readonly ParamInfo[],
  args: { readonly [name: string]: Argument },
  details: readonly Detail[] | null = null,
): string {
  const buffers: number[] = []; // ids of memory in order of appearance: the number is the index
  let key = '';
  for (let i = 0; i < params.length; i++) key += specOf(params[i], args[params[i].name], buffers, details?.[i] ?? 'all').key;
  return key;
}

/** Specialises checked arguments. A parameter that the launch leaves to its default is absent from the signature. */
export function specialize(
  params: readonly ParamInfo[],
  args: { readonly [name: string]: Argument },
  details: readonly Detail[] | null = null,
): Specialization {
  const signature: { [name: string]: ArgSpec } = {};
  const buffers: number[] = [];
  let key = '';
  for (const [i, p] of params.entries()) {
    const s = specOf(p, args[p.name], buffers, details?.[i] ?? 'all');
    if (s.spec) signature[p.name] = s.spec;
    key += s.key;
  }
  return { signature, key };
}
