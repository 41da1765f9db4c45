// Options of kernels and launches: what is refused, and what they say about specialisation.

import { CompileError, diagnostic } from '../dsl/diagnostics.ts';
import type { AnyKernel, KernelOptions, LaunchOptions } from '../dsl/kernel.ts';
import type { ParamInfo } from '../dsl/trace/definition.ts';
import { locOf } from './launch.ts';
import { LAUNCH } from './messages.ts';

interface Rule {
  readonly expected: string;
  readonly ok: (x: unknown, params: readonly ParamInfo[]) => boolean;
}
const count: Rule = { expected: 'a positive integer', ok: (x) => Number.isSafeInteger(x) && (x as number) > 0 };
const flag: Rule = { expected: 'true or false', ok: (x) => typeof x === 'boolean' };
const parameters: Rule = {
  expected: 'a list of parameters, by name or place',
  ok: (x, params) =>
    Array.isArray(x) && x.every((p) => (typeof p === 'number' ? params[p] !== undefined : params.some((q) => q.name === p))),
};
const LAUNCH_RULES: { readonly [K in keyof LaunchOptions]-?: Rule } = {
  num_warps: { expected: 'a power of two', ok: (x) => count.ok(x, []) && Number.isInteger(Math.log2(x as number)) },
  num_stages: { expected: 'an integer that is not negative', ok: (x) => Number.isSafeInteger(x) && (x as number) >= 0 },
  num_ctas: { expected: '1: a program is one workgroup, and WebGPU has no clusters of them', ok: (x) => x === 1 },
  enable_fp_fusion: flag,
  maxnreg: { expected: 'a positive integer, or null', ok: (x) => x === null || count.ok(x, []) },
  debug: flag,
};
const KERNEL_RULES: { readonly [K in keyof KernelOptions]-?: Rule } = {
  ...LAUNCH_RULES,
  do_not_specialize: parameters,
  do_not_specialize_on_alignment: parameters,
  noinline: flag,
};

/** @throws CompileError TL4025 for an option that does not exist, TL4026 for one whose value it does not take. */
function check(kernel: AnyKernel, options: object, rules: { readonly [name: string]: Rule }): void {
  const { params } = kernel.definition;
  const loc = locOf(kernel.definition);
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) throw new CompileError([diagnostic(loc, LAUNCH.unknownOption, kernel.name, name, Object.keys(rules))]);
    if (value !== undefined && !rule.ok(value, params))
      throw new CompileError([
        diagnostic(loc, LAUNCH.badOption, kernel.name, name, JSON.stringify(value) ?? String(value), rule.expected),
      ]);
  }
}
export const checkLaunchOptions = (kernel: AnyKernel, options: LaunchOptions): void => check(kernel, options, LAUNCH_RULES);

/** What of its value an argument is specialised on: all, all but divisibility and alignment, or its dtype alone. */
export type Detail = 'all' | 'unaligned' | 'dtype';
const details = new WeakMap<AnyKernel, readonly Detail[] | null>();

/** The detail of each parameter of a kernel, or null where it is 'all' for each. Checks the kernel's own options, once. */
export function detailsOf(kernel: AnyKernel): readonly Detail[] | null {
  const known = details.get(kernel);
  if (known !== undefined) return known;
  check(kernel, kernel.options, KERNEL_RULES);
  const { do_not_specialize: none = [], do_not_specialize_on_alignment: unaligned = [] } = kernel.options;
  const listed = (list: readonly (string | number)[], p: ParamInfo, i: number): boolean =>
    list.includes(p.name) || list.includes(i);
  const found =
    none.length || unaligned.length
      ? kernel.definition.params.map(
          (p, i): Detail => (listed(none, p, i) ? 'dtype' : listed(unaligned, p, i) ? 'unaligned' : 'all'),
        )
      : null;
  details.set(kernel, found);
  return found;
}
