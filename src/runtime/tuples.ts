// Arguments that are made of arguments: tuples and objects of tensors, scalars, constexprs and null, as a parameter's type says or, where it
// says nothing, as the launch gives them. In: a parameter and its argument. Out: the same for each part.

import type { ParamInfo } from '../dsl/trace/definition.ts';
import type { Argument } from './specialize.ts';

export interface Parts {
  /** Names of an object's parts; null for a tuple. */
  readonly keys: readonly string[] | null;
  readonly params: readonly ParamInfo[];
  readonly values: readonly Argument[];
}
type Bag = { readonly [key: string]: Argument };

const isPlain = (x: unknown): x is Bag =>
  typeof x === 'object' && x !== null && [Object.prototype, null].includes(Object.getPrototypeOf(x));
/** True for arrays and plain objects. */
export const isStructure = (x: unknown): x is readonly Argument[] | Bag => Array.isArray(x) || isPlain(x);

/** `template` under another name. */
const named = (template: ParamInfo, name: string): ParamInfo => ({
  ...template,
  name,
  ...(template.parts && { parts: template.parts.map((q) => named(q, name + q.name.slice(template.name.length))) }),
  ...(template.each && { each: named(template.each, `${name}[]`) }),
});

/** The parts of an argument; null for one that is a whole. The argument need not fit the parameter: `fits` says. */
export function partsOf(p: ParamInfo, x: Argument): Parts | null {
  if (!isStructure(x) || (p.kind !== 'tuple' && p.kind !== 'any')) return null;
  if (p.parts) {
    const bag = x as Bag;
    return { keys: p.keys ?? null, params: p.parts, values: p.parts.map((_, i) => bag[p.keys?.[i] ?? i]) };
  }
  const template: ParamInfo = p.each ?? { ...p, name: `${p.name}[]`, hasDefault: false };
  if (Array.isArray(x)) return { keys: null, params: x.map((_, i) => named(template, `${p.name}[${i}]`)), values: x };
  const keys = Object.keys(x as Bag);
  return { keys, params: keys.map((k) => named(template, `${p.name}.${k}`)), values: keys.map((k) => (x as Bag)[k]) };
}

/** True when an argument has the structure that the parameter's type says. */
export function fits(p: ParamInfo, x: Argument): boolean {
  if (p.each) return Array.isArray(x);
  if (!p.parts) return true;
  if (!p.keys) return Array.isArray(x) && x.length === p.parts.length;
  return isPlain(x) && Object.keys(x).every((k) => p.keys?.includes(k));
}

/** What a tuple's type says, for people: `[tl.ptr<tl.f32>, tl.i32]`. */
export const typeText = (p: ParamInfo): string => `${requiredText(p)}${p.optional ? ' | null' : ''}`;
function requiredText(p: ParamInfo): string {
  if (p.each) return `${typeText(p.each)}[]`;
  if (p.parts && p.keys) return `{ ${p.parts.map((q, i) => `${p.keys?.[i]}: ${typeText(q)}`).join(', ')} }`;
  if (p.parts) return `[${p.parts.map(typeText).join(', ')}]`;
  const dtype = p.dtype ? `tl.${p.dtype}` : '';
  return p.kind === 'scalar' ? dtype : p.kind === 'any' ? 'anything' : `tl.${p.kind}${dtype && `<${dtype}>`}`;
}

/** The part of the arguments at the end of a way. */
export const partAt = (args: Bag, way: readonly (string | number)[]): Argument =>
  way.reduce<Argument>((x, key) => (x as Bag)[key], args);

/** All leaves of the arguments of an ahead-of-time program by name; `null` parts were compiled into it. */
export function flatArguments(args: Bag): Bag {
  if (!Object.values(args).some(isStructure)) return args;
  const out: { [name: string]: Argument } = {};
  const apart = (name: string, x: Argument, inside: boolean): void => {
    if (Array.isArray(x)) x.forEach((v, i) => void apart(`${name}[${i}]`, v, true));
    else if (isPlain(x)) for (const [k, v] of Object.entries(x)) apart(`${name}.${k}`, v, true);
    else if (!inside || (x !== null && x !== undefined)) out[name] = x;
  };
  for (const [name, x] of Object.entries(args)) apart(name, x, false);
  return out;
}
