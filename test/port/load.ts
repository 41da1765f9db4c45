// Ported kernels as values: Python text → TypeScript → the front end → JavaScript, in this process.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Project } from 'ts-morph';
import { loadPorted } from '../../scripts/golden/ported.ts';
import { printDiagnostic } from '../../src/dsl/diagnostics.ts';
import { type PortOptions, type PortResult, portSource } from '../../src/port/port.ts';

export const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}.py`, import.meta.url), 'utf8');

export { loadPorted as load };

/** What the type checker says of a ported file. */
export function typeErrors(code: string, name: string): string[] {
  const root = resolve(import.meta.dirname, '../..');
  const project = new Project({ tsConfigFilePath: join(root, 'tsconfig.json'), skipAddingFilesFromTsConfig: true });
  const file = project.createSourceFile(join(root, 'test/port', `${name}.ported.ts`), code);
  return file.getPreEmitDiagnostics().map((d) => `${d.getLineNumber()}: ${JSON.stringify(d.getMessageText())}`);
}

/** Ports a fixture that must port without errors. */
export function portFixture(
  name: string,
  options: PortOptions = {},
): PortResult & { readonly exports: ReturnType<typeof loadPorted> } {
  const r = portSource(fixture(name), { file: `${name}.py`, ...options });
  const errors = r.diagnostics.filter((d) => d.severity === 'error');
  if (errors.length) throw new Error(errors.map((d) => printDiagnostic(d)).join('\n'));
  return { ...r, exports: loadPorted(r.code, `${name}.ts`) };
}
