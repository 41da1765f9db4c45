// Values made of values: tuples (arrays), plain objects, and objects of the library that hold traced values, such as block
// pointers. Control flow carries their leaves one by one and puts the whole together again on the other side.

import { Value } from '../ir/ir.ts';

/** What a value is made of. */
export interface Structure {
  /** Two values of different kinds cannot stand for one variable: `block_ptr<16x32xf16>`. */
  readonly kind: string;
  /** The parts in order, each with what is put behind the whole's name to name it: `[0]`, `.offset`. */
  readonly parts: readonly (readonly [path: string, value: unknown])[];
  /** The same whole of other parts. */
  rebuild(parts: readonly unknown[]): unknown;
}
/** Objects of the library that hold traced values have a method of this name. */
export const STRUCTURE: unique symbol = Symbol('tessera.structure');
export interface Structured {
  [STRUCTURE](): Structure;
}

/** True for an object of the library that holds traced values. */
export const isStructured = (x: unknown): x is Structured => typeof x === 'object' && x !== null && STRUCTURE in x;
const isPlain = (x: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(x));

/** What `x` is made of; null for a value that is one thing. */
export function structureOf(x: unknown): Structure | null {
  if (typeof x !== 'object' || x === null || x instanceof Value) return null;
  if (isStructured(x)) return x[STRUCTURE]();
  if (Array.isArray(x)) return { kind: '[]', parts: x.map((v, i) => [`[${i}]`, v] as const), rebuild: (parts) => [...parts] };
  if (!isPlain(x)) return null;
  const keys = Object.keys(x);
  return {
    kind: '{}',
    parts: keys.map((k) => [`.${k}`, (x as { [k: string]: unknown })[k]] as const),
    rebuild: (parts) => Object.fromEntries(keys.map((k, i) => [k, parts[i]])),
  };
}

export interface Leaf {
  /** The variable's name and the way to the leaf: `state[1].offset`. */
  readonly path: string;
  readonly value: unknown;
}
/** The parts of `x` that have no parts, left to right; `x` itself if it is one thing. */
export function leaves(name: string, x: unknown): Leaf[] {
  const s = structureOf(x);
  return s ? s.parts.flatMap(([path, v]) => leaves(name + path, v)) : [{ path: name, value: x }];
}
/** `x` with other leaves, in the order of `leaves`. */
export function withLeaves(x: unknown, values: readonly unknown[]): unknown {
  let next = 0;
  const make = (v: unknown): unknown => {
    const s = structureOf(v);
    return s ? s.rebuild(s.parts.map(([, part]) => make(part))) : values[next++];
  };
  return make(x);
}
/** True when `a` and `b` are made of leaves in the same way, or both are one thing. */
export function sameStructure(a: unknown, b: unknown): boolean {
  const [x, y] = [structureOf(a), structureOf(b)];
  if (!x || !y) return x === y;
  return (
    x.kind === y.kind &&
    x.parts.length === y.parts.length &&
    x.parts.every(([path, v], i) => path === y.parts[i][0] && sameStructure(v, y.parts[i][1]))
  );
}
/** `[tile<8xf32>, i32]`, `{ a: f32 }`, `block_ptr<16x32xf16>`; `leaf` describes what has no parts. */
export function describeStructure(x: unknown, leaf: (v: unknown) => string): string {
  const s = structureOf(x);
  if (!s) return leaf(x);
  const inner = s.parts.map(([path, v]) => (s.kind === '{}' ? `${path.slice(1)}: ` : '') + describeStructure(v, leaf));
  if (s.kind === '[]') return `[${inner.join(', ')}]`;
  return s.kind === '{}' ? `{ ${inner.join(', ')} }` : s.kind;
}
