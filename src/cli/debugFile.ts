// `tessera debug FILE`: runs the file with the interpreter as its device, keeps the first launch of the kernel (with its memory
// as it was before), and opens the debugger on that launch.

import { fail, NO_LOC } from '../dsl/diagnostics.ts';
import type { InterpProgram, RunOptions } from '../lower/interp/program.ts';
import { intercept } from '../runtime/intercept.ts';
import { runDebugger } from './debug.ts';
import { readSource, runFile } from './load.ts';
import { CLI } from './messages.ts';

export interface DebugFileOptions {
  readonly kernel?: string;
  readonly commands?: string;
}

/** Copies the memory of a launch; arguments that share memory keep sharing it. */
function snapshot(run: RunOptions): RunOptions {
  const copies = new Map<Uint8Array, Uint8Array>();
  const copy = (bytes: Uint8Array): Uint8Array => {
    if (!copies.has(bytes)) copies.set(bytes, bytes.slice());
    return copies.get(bytes) as Uint8Array;
  };
  return { ...run, buffers: run.buffers.map((b) => ({ ...b, bytes: copy(b.bytes) })) };
}

/** Resolves to the exit code. @throws CompileError TL6007 if the file launches no such kernel, or what the file threw. */
export async function debugFile(file: string, options: DebugFileOptions): Promise<number> {
  const commands = options.commands === undefined ? undefined : readSource(options.commands).split('\n');
  let captured: { program: InterpProgram; launch: RunOptions } | null = null;
  intercept.listener = (program, run) => {
    if (captured === null && (options.kernel === undefined || program.func.name === options.kernel))
      captured = { program, launch: snapshot(run) };
  };
  let thrown: unknown;
  try {
    await runFile(file);
  } catch (e) {
    // A kernel that fails is what a person wants to step; only a file that never got there has nothing to show.
    thrown = e;
  } finally {
    intercept.listener = null;
  }
  if (captured === null) {
    if (thrown) throw thrown;
    return fail(NO_LOC, CLI.never, options.kernel ?? '(any)');
  }
  const { program, launch } = captured as { program: InterpProgram; launch: RunOptions };
  return runDebugger({ program, launch, commands });
}
