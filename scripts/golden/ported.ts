// Ported kernels as values: Python text → TypeScript (`tessera port`) → the front end → JavaScript, in this process.

import { transformSync } from 'esbuild';
import { CompileError, type Diagnostic, type Loc, sourceLine } from '../../src/dsl/diagnostics.ts';
import { transformSource } from '../../src/dsl/frontend/transform.ts';
import type { AnyKernel } from '../../src/dsl/kernel.ts';
import { kernel, tl } from '../../src/index.ts';
import { type PortOptions, portSource } from '../../src/port/port.ts';

/** Exports of a ported file. @throws CompileError with what the front end refuses. */
export function loadPorted(code: string, file = 'ported.ts'): { readonly [name: string]: AnyKernel } {
  const rewritten = transformSource(code, file);
  if (!rewritten) throw new Error(`${file} defines no kernels`);
  if (rewritten.diagnostics.length) throw new CompileError(rewritten.diagnostics);
  const { code: js } = transformSync(rewritten.code, { loader: 'ts', format: 'cjs', sourcemap: false });
  const module = { exports: {} };
  new Function('require', 'module', 'exports', js)(() => ({ kernel, tl }), module, module.exports);
  return module.exports;
}

/** The last kernel of a Python text. @throws CompileError with what cannot be translated. */
export function portedKernel(python: string, options: PortOptions & { readonly file: string }): AnyKernel {
  const { code, diagnostics, kernels } = portSource(python, options);
  const errors = diagnostics.filter((d: Diagnostic) => d.severity === 'error');
  if (errors.length) throw new CompileError(errors);
  return loadPorted(code, options.file.replace(/\.py$/, '.ts'))[kernels[kernels.length - 1].exportName];
}

/** Numbers, from 1, of the lines after `head` that hold a statement. */
const statements = (lines: readonly string[], head: number, none: RegExp): number[] =>
  lines.flatMap((l, i) => (i > head && l.trim() && !none.test(l) ? [i + 1] : []));

/** Closing braces, `else`, and declarations that the port puts before a branch. */
const NO_STATEMENT = /^\s*(\}.*|let [\w, ]+!?(: [^=]*)?;)$/;

/** Which line of a Python text, from 1, a place in its port comes from: the port has a line for each statement, in the same order. */
export function pythonLine(python: string, loc: Loc): number {
  if (loc.file.endsWith('.py')) return loc.line;
  // Only the lines of the kernels are known.
  const code: string[] = [];
  for (let l: string | undefined = ''; l !== undefined || code.length < loc.line; ) {
    l = sourceLine(loc.file, code.length + 1);
    code.push(l ?? '');
  }
  const begin = code.findLastIndex((l) => l.startsWith('export const'));
  const head = code.findIndex((l, i) => i >= begin && l.endsWith('}) {'));
  const ours = statements(code, head, NO_STATEMENT);
  const lines = python.split('\n');
  const def = lines.findLastIndex((l) => l.startsWith('def '));
  const theirs = statements(lines, def, /^\s*(else:|#.*)$/);
  return ours.length === theirs.length ? (theirs[ours.indexOf(loc.line)] ?? 0) : 0;
}
