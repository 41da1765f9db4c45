// Messages of `tessera port` (TL7xxx): what of a Python file cannot be translated, and what a person should look at.

import { message } from '../dsl/diagnostics.ts';

const DECORATOR_HELP: { readonly [name: string]: string } = {
  autotune: 'write the configs out in numbers, or add `autotune(kernel, { configs, key })` to the ported file by hand',
  heuristics: 'pass its constants at the launch, or add `heuristics(kernel, { NAME: (args) => … })` to the ported file by hand',
  jit: 'add its options to the ported file by hand: `kernel(function …, { do_not_specialize: […] })`',
};

export const PORT = {
  syntax: message('TL7001', (found: string) => ({
    text: `not Python that can be read: ${found}`,
    help: 'fix the line; the rest of the function was not translated',
  })),
  notPortable: message('TL7002', (what: string, help: string) => ({ text: `${what} cannot be translated`, help })),
  unknownName: message('TL7003', (name: string) => ({
    text: `\`${name}\` is not defined in this file`,
    notes: [
      'known are parameters, variables, `@triton.jit` functions, module constants, `tl`, `triton` and a few built-in functions',
    ],
    help: 'put its definition into the file, or pass the value as a `tl.constexpr` parameter',
  })),
  keyword: message('TL7004', (fn: string, name: string, known: readonly string[]) => ({
    text: `${fn} has no parameter \`${name}\``,
    notes: [`its parameters: ${known.join(', ')}`],
    help: 'check the spelling against Triton’s documentation',
  })),
  noKernels: message('TL7005', () => ({
    text: 'there is no `@triton.jit` function here',
    help: 'give a Python file, or a text that contains one, with kernels at module level',
  })),
  loopVariable: message('TL7006', (name: string) => ({
    text: `the loop variable \`${name}\` is used after its loop`,
    help: 'keep its last value in a variable of its own',
  })),
  missing: message('TL7016', (fn: string, name: string, known: readonly string[]) => ({
    text: `${fn} is called without \`${name}\``,
    notes: [`its parameters: ${known.join(', ')}`],
    help: `pass ${name}`,
  })),
  tooMany: message('TL7011', (fn: string, found: number, known: readonly string[]) => ({
    text: `${fn} is called with ${found} values, but takes ${known.length}`,
    notes: [`its parameters: ${known.join(', ')}`],
    help: 'leave out what is too much',
  })),
  twice: message('TL7012', (fn: string, name: string) => ({
    text: `${fn} gets \`${name}\` twice`,
    notes: ['once by its place and once by its name'],
    help: 'leave one of them out',
  })),
  unpack: message('TL7013', (wanted: number, has: number) => ({
    text: `${wanted} names on the left side, but only ${has} value${has === 1 ? '' : 's'} on the right`,
    help: 'name as many as there are',
  })),
  unused: message('TL7014', (fn: string, help: string) => ({
    text: `the result of ${fn} is not used`,
    notes: ['it has no other effect; Triton refuses this too'],
    help,
  })),
  floatSize: message('TL7015', (fn: string, name: string, found: string) => ({
    text: `${fn}: ${name} is ${found}, a float`,
    notes: ['expected: an integer; `/` gives a float in Python'],
    help: 'divide with `//`, or write the number without a point',
  })),
  reassigned: message('TL7008', (name: string) => ({
    text: `the constexpr \`${name}\` is assigned twice`,
    help: 'give the second value a name of its own',
  })),
  strict: message('TL7009', (what: string, help: string) => ({
    text: `Triton does not compile ${what}`,
    notes: ['it was asked for a strict translation; without that, it would be translated as Python means it'],
    help,
  })),
  decorator: message('TL7007', (name: string, why: string | null) => ({
    text: `the decorator \`${name}\` was left out${why === null ? '' : `: ${why}`}`,
    help: DECORATOR_HELP[name] ?? 'see whether the kernel needs what it does',
  })),
  option: message('TL7010', (name: string, why: string) => ({
    text: `${name} was left out: ${why}`,
    help: 'see whether the kernel needs it, and add it to the ported file by hand',
  })),
};
