// Ported kernels as values: Python text → TypeScript (`tessera port`) → the front end → JavaScript, in this process.

import { transformSync } from 'esbuild';
import { CompileError, type Diagnostic, type Loc } from '../../src/dsl/diagnostics.ts';
import { transformSource } from '../../src/dsl/frontend/transform.ts';
import type { AnyKernel } from '../../src/dsl/kernel.ts';
import * as tessera from '../../src/index.ts';
import { type PortOptions, portSource } from '../../src/port/port.ts';

/** Exports of a ported file. @throws CompileError with what the front end refuses. */
export function loadPorted(code: string, file = 'ported.ts'): { readonly [name: string]: AnyKernel } {
  const rewritten = transformSource(code, file);
  if (!rewritten) throw new Error(`${file} defines no kernels`);
  if (rewritten.diagnostics.length) throw new CompileError(rewritten.diagnostics);
  const { code: js } = transformSync(rewritten.code, { loader: 'ts', format: 'cjs', sourcemap: false });
  const module = { exports: {} };
  new Function('require', 'module', 'exports', js)(() => tessera, module, module.exports);
  return module.exports;
}

/** The Python line of each line of a ported file. */
const LINES = new Map<string, readonly number[]>();

/** The last kernel of a Python text, without its configs. @throws CompileError with what cannot be translated. */
export function portedKernel(python: string, options: PortOptions & { readonly file: string }): AnyKernel {
  const { code, diagnostics, kernels, lines } = portSource(python, options);
  const errors = diagnostics.filter((d: Diagnostic) => d.severity === 'error');
  if (errors.length) throw new CompileError(errors);
  const file = options.file.replace(/\.py$/, '.ts');
  LINES.set(file, lines);
  const made = loadPorted(code, file)[kernels[kernels.length - 1].exportName];
  return 'kernel' in made ? (made as unknown as tessera.Autotuned<any>).kernel : made;
}

/** Which line of its Python text, from 1, a place in a ported kernel comes from; 0 if that is not known. */
export const pythonLine = (loc: Loc): number =>
  loc.file.endsWith('.py') ? loc.line : (LINES.get(loc.file)?.[loc.line - 1] ?? 0);
