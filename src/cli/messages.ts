// Messages of the command line (TL6xxx): files, kernel names, signatures.

import { message } from '../dsl/diagnostics.ts';

export const CLI = {
  noFile: message('TL6001', (file: string, why: string) => ({ text: `cannot read ${file}: ${why}`, help: 'check the path' })),
  noKernels: message('TL6002', (file: string) => ({
    text: `${file} has no kernel`,
    notes: ['a kernel is a value made by kernel(function …)'],
    help: 'write `const name = kernel(function name({ … }: { … }) { … })`',
  })),
  noSuchKernel: message('TL6003', (name: string, file: string, known: readonly string[]) => ({
    text: `${file} has no kernel '${name}'`,
    notes: [`kernels there: ${known.join(', ')}`],
    help: 'pass one of these with --kernel',
  })),
  whichKernel: message('TL6004', (file: string, known: readonly string[]) => ({
    text: `${file} has several kernels: ${known.join(', ')}`,
    help: 'pick one with --kernel NAME',
  })),
  signature: message('TL6005', (part: string, why: string) => ({
    text: `signature: '${part}' ${why}`,
    notes: [
      'forms: x=*f32 (pointer), x=*f32:16 (aligned to 16 bytes), n=i32, n=i32:16 (divisible by 16), BLOCK=1024, flag=true, p=null, s="auto", alias: y=*f32@x (same buffer as x)',
    ],
    help: 'separate the parts with commas; without names they go by position, as in Triton',
  })),
  missing: message('TL6006', (kernel: string, names: readonly string[]) => ({
    text: `kernel ${kernel}: the signature says nothing about ${names.join(', ')}`,
    help: `pass --signature "${names.map((n) => `${n}=…`).join(', ')}"`,
  })),
  never: message('TL6007', (kernel: string) => ({
    text: `the file never launched kernel ${kernel}`,
    notes: ['tessera debug runs the file on the interpreter and steps the first launch of the kernel'],
    help: 'launch the kernel in the file’s top level or pick another with --kernel',
  })),
  option: message('TL6008', (option: string, found: string, expected: string) => ({
    text: `${option} is '${found}'`,
    notes: [`expected: ${expected}`],
    help: 'see `tessera --help`',
  })),
};
