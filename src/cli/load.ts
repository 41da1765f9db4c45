// Loads a kernel file for a command: reads it, compiles its kernels (all diagnostics at once), imports it, finds exports.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CompileError, fail, NO_LOC } from '../dsl/diagnostics.ts';
import { type AnyKernel, kernelListeners } from '../dsl/kernel.ts';
import { CLI } from './messages.ts';

/** Text of a file. @throws CompileError TL6001 */
export function readSource(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (e) {
    return fail(
      NO_LOC,
      CLI.noFile,
      file,
      (e as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (e as Error).message,
    );
  }
}

/** Imports a TypeScript file through the Node hook (which `tessera` has registered). */
export async function importFile(file: string): Promise<{ readonly [name: string]: unknown }> {
  readSource(file);
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as { readonly [name: string]: unknown };
  } catch (e) {
    // Errors cross the loader's thread as plain objects; show their text, not the loader's stack.
    if (e instanceof Error && /error TL\d+/.test(e.message) && !(e instanceof CompileError))
      throw Object.assign(new Error(e.message), { name: 'CompileError', stack: e.message });
    throw e;
  }
}

/** Runs a file as the main program, with its own arguments. */
export async function runFile(file: string, args: readonly string[] = []): Promise<void> {
  process.argv = [process.argv[0], resolve(file), ...args];
  await importFile(file);
}

/** Kernels that a file defines (exported or not) or re-exports, by name. */
export async function loadKernels(file: string): Promise<Map<string, AnyKernel>> {
  const made: AnyKernel[] = [];
  const listener = (k: AnyKernel): void => void made.push(k);
  kernelListeners.add(listener);
  try {
    const exported = new Set(Object.values(await importFile(file)));
    const own = (k: AnyKernel): boolean => exported.has(k) || resolve(k.definition.file) === resolve(file);
    return new Map(made.filter(own).map((k) => [k.name, k]));
  } finally {
    kernelListeners.delete(listener);
  }
}

/** The kernel `name` of a file, or its only one. @throws CompileError TL6002-TL6004 */
export async function loadKernel(file: string, name?: string): Promise<AnyKernel> {
  const kernels = await loadKernels(file);
  const known = [...kernels.keys()];
  if (known.length === 0) fail(NO_LOC, CLI.noKernels, file);
  if (name === undefined)
    return known.length === 1 ? (kernels.get(known[0]) as AnyKernel) : fail(NO_LOC, CLI.whichKernel, file, known);
  return kernels.get(name) ?? fail(NO_LOC, CLI.noSuchKernel, name, file, known);
}
