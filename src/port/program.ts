// What the names of a Python file mean: its `@triton.jit` functions, module constants, and what it calls Triton's modules.
// Types are inferred here, over all functions together, until nothing changes.

import { type Expr, expressions, ownExpressions, statements } from './ast.ts';
import { Unportable } from './errors.ts';
import type { Kind } from './names.ts';
import { initialParams, markPointers, passTypes } from './parameters.ts';
import type { Module } from './syntax.ts';
import { ANY, type FunctionInfo, findDeviceNumbers, inferVariables, type Names, type Ty, Types, ty } from './types.ts';

const MODULES: readonly (readonly [string, string])[] = [
  ['tl', 'triton.language'],
  ['triton', 'triton'],
  ['libdevice', 'triton.language.extra.libdevice'],
  ['tldevice', 'triton.language.extra.libdevice'],
  ['tl_math', 'triton.language.math'],
];
/** Names of Triton's modules and functions as the file imports them. */
function importsOf(text: string): Map<string, string> {
  const out = new Map(MODULES);
  for (const [, module, name] of text.matchAll(/^[ \t]*import[ \t]+(triton[\w.]*)[ \t]+as[ \t]+(\w+)/gm)) out.set(name, module);
  for (const [, module, open, closed] of text.matchAll(
    /^[ \t]*from[ \t]+(triton[\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|(.+))$/gm,
  ))
    for (const part of (open ?? closed).replace(/#.*$/gm, '').split(',')) {
      const [, name, as] = /^\s*(\w+)(?:\s+as\s+(\w+))?\s*$/.exec(part) ?? [];
      if (name) out.set(as ?? name, `${module}.${name}`);
    }
  return out;
}
const dotted = (e: Expr): string | null => {
  if (e.k === 'name') return e.name;
  if (e.k !== 'attribute') return null;
  const x = dotted(e.x);
  return x === null ? null : `${x}.${e.name}`;
};

export interface Program extends Names {
  readonly list: readonly FunctionInfo[];
}

/** Infers types over all functions together, until nothing changes. */
function infer(program: Program): void {
  // Which numbers are values of the device depends on what they meet, and changes what is constant.
  do settle(program);
  while (program.list.map((fn) => findDeviceNumbers(program, fn)).includes(true));
}
function settle(program: Program): void {
  for (let round = 0, changed = true; changed && round < 12; round++) {
    changed = false;
    for (const fn of program.list)
      for (const step of [inferVariables, markPointers, passTypes]) changed = step(program, fn) || changed;
  }
}
/** Takes note of what constexprs of a kernel are by the values that they get, as TypeScript types. */
export function learn(program: Program, fn: FunctionInfo, gives: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [name, types] of gives) {
    const old = fn.params.get(name);
    const [only] = types;
    if (types.size === 1 && GIVEN[only] && old?.constant && old.kind === 'any')
      fn.params.set(name, { ...old, kind: GIVEN[only] });
  }
  infer(program);
}
const GIVEN: { readonly [type: string]: Kind } = { boolean: 'bool', string: 'string', 'tl.dtype': 'dtype' };

/** Collects and infers. */
export function readProgram(
  module: Module,
  text: string,
  strict: boolean,
  given: { readonly [param: string]: string } = {},
): Program {
  const imports = importsOf(text);
  const list: FunctionInfo[] = [];
  const functions = new Map<string, FunctionInfo>();
  for (const def of module.functions) {
    if (def instanceof Unportable) continue;
    const info: FunctionInfo = {
      def,
      isKernel: true,
      params: new Map(),
      vars: new Map(),
      result: ANY,
      pointers: new Set(),
      parts: new Map(),
      tensors: new Set(),
    };
    list.push(info);
    functions.set(def.name, info);
  }
  const constants = new Map<string, Expr>();
  for (const c of module.constants) {
    try {
      constants.set(c.name, c.value());
    } catch (e) {
      // A constant of the host that no kernel can use.
      if (!(e instanceof Unportable)) throw e;
    }
  }
  const program: Program = {
    list,
    functions,
    constants,
    math(e) {
      const path = imports.has('math') ? null : dotted(e);
      return path?.startsWith('math.') ? path.slice(5) : null;
    },
    strict,
    path(e) {
      const path = dotted(e);
      if (path === null) return null;
      const [head, ...rest] = path.split('.');
      const base = imports.get(head);
      return base === undefined ? null : [base, ...rest].join('.');
    },
    library(e) {
      const full = this.path(e)?.replace(/^triton(\.language)?(\.(math|extra|cuda|hip|libdevice|standard|core))*\.?/, '');
      return full || null;
    },
  };
  for (const fn of list) initialParams(fn, text);
  if (strict) for (const fn of list) for (const [n, t] of fn.params) if (t === ANY) fn.params.set(n, givenType(given[n]) ?? t);
  infer(program);
  for (const fn of list) {
    for (const s of statements(fn.def.body))
      for (const own of ownExpressions(s))
        for (const e of expressions(own))
          if (e.k === 'name' && !new Types(program, fn).variable(e.name)) demote(functions.get(e.name));
    if (
      [...statements(fn.def.body)].some(
        (s) => s.k === 'return' && s.value && !(s.value.k === 'constant' && s.value.value === null),
      )
    )
      demote(fn);
  }
  return program;
}
/** What a type that the caller knows, such as `tl.i64`, says. */
const givenType = (text = ''): Ty | null => {
  const [, kind] = /^tl\.(ptr$|bool|[iu]\d|b?f)/.exec(text) ?? [];
  if (kind === undefined) return null;
  return ty(kind === 'ptr' || kind === 'bool' ? kind : /\d/.test(kind) ? 'int' : 'float', 0);
};
/** A function that another one uses, or that returns a value, is no kernel. */
const demote = (fn: FunctionInfo | undefined): void => {
  if (fn) fn.isKernel = false;
};
