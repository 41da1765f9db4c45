// Ported kernels as values: Python text → TypeScript → the front end → JavaScript, in this process.

import { readFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { printDiagnostic } from '../../src/dsl/diagnostics.ts';
import { transformSource } from '../../src/dsl/frontend/transform.ts';
import type { AnyKernel } from '../../src/dsl/kernel.ts';
import { kernel, tl } from '../../src/index.ts';
import { type PortOptions, type PortResult, portSource } from '../../src/port/port.ts';

export const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}.py`, import.meta.url), 'utf8');

/** Exports of a ported file. */
export function load(code: string, file = 'ported.ts'): { readonly [name: string]: AnyKernel } {
  const rewritten = transformSource(code, file);
  if (!rewritten || rewritten.diagnostics.length)
    throw new Error(`${rewritten?.diagnostics.map((d) => printDiagnostic(d)).join('\n') ?? 'no kernels'}\n${code}`);
  const { code: js } = transformSync(rewritten.code, { loader: 'ts', format: 'cjs', sourcemap: false });
  const module = { exports: {} };
  new Function('require', 'module', 'exports', js)(() => ({ kernel, tl }), module, module.exports);
  return module.exports;
}

/** Ports a fixture that must port without errors. */
export function portFixture(name: string, options: PortOptions = {}): PortResult & { readonly exports: ReturnType<typeof load> } {
  const r = portSource(fixture(name), { file: `${name}.py`, ...options });
  const errors = r.diagnostics.filter((d) => d.severity === 'error');
  if (errors.length) throw new Error(errors.map((d) => printDiagnostic(d)).join('\n'));
  return { ...r, exports: load(r.code, `${name}.ts`) };
}
