// `tessera port`: Triton kernels in Python → a TypeScript file, on standard output or in a file. What cannot be translated is
// shown with its Python line; the file then holds the rest.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { printDiagnostic } from '../dsl/diagnostics.ts';
import type { FindModule } from '../port/imports.ts';
import { portSource } from '../port/port.ts';
import { readSource } from './load.ts';

export interface PortFileOptions {
  readonly out?: string;
  readonly strict?: boolean;
}
export interface PortFileResult {
  /** For standard output: the TypeScript, or one line that says what was written. */
  readonly text: string;
  /** For standard error. */
  readonly problems: string;
  readonly errors: number;
}

/** A module as Python finds it: relative to the importing file, else under one of the folders that the file is in. */
export const findModule: FindModule = (name, from) => {
  const [, dots, path] = /^(\.*)(.*)$/.exec(name)!;
  const parts = path.split('.').filter(Boolean);
  let folder = dirname(from);
  for (let i = 1; i < dots.length; i++) folder = join(folder, '..');
  for (let root = folder, depth = 0; depth < 12; root = join(root, '..'), depth++) {
    const base = join(root, ...parts);
    const file = [`${base}.py`, join(base, '__init__.py')].find((f) => existsSync(f));
    if (file) return { file, text: readFileSync(file, 'utf8') };
    if (dots) break;
  }
  return null;
};

/** Ports one file. Nothing is written if nothing could be translated. */
export function portFile(file: string, options: PortFileOptions = {}): PortFileResult {
  const { code, diagnostics, kernels } = portSource(readSource(file), { file, strict: options.strict, modules: findModule });
  const problems = diagnostics.map((d) => printDiagnostic(d)).join('\n\n');
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  if (!options.out || !code) return { text: code, problems, errors };
  writeFileSync(options.out, code);
  return { text: `${basename(options.out)}: ${kernels.map((k) => k.exportName).join(', ')}\n`, problems, errors };
}
