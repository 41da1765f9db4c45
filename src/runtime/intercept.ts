// A seam for the debugger: while a listener is set, every device is the interpreter, and the listener sees each launch before
// it runs.

import type { InterpProgram, RunOptions } from '../lower/interp/program.ts';

export type LaunchListener = (program: InterpProgram, run: RunOptions) => void;

export const intercept: { listener: LaunchListener | null } = { listener: null };
