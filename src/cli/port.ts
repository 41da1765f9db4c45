// `tessera port`: Triton kernels in Python → a TypeScript file, on standard output or in a file. What cannot be translated is
// shown with its Python line; the file then holds the rest.

import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { printDiagnostic } from '../dsl/diagnostics.ts';
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

/** Ports one file. Nothing is written if nothing could be translated. */
export function portFile(file: string, options: PortFileOptions = {}): PortFileResult {
  const { code, diagnostics, kernels } = portSource(readSource(file), { file, strict: options.strict });
  const problems = diagnostics.map((d) => printDiagnostic(d)).join('\n\n');
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  if (!options.out || !code) return { text: code, problems, errors };
  writeFileSync(options.out, code);
  return { text: `${basename(options.out)}: ${kernels.map((k) => k.exportName).join(', ')}\n`, problems, errors };
}
