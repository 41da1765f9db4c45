// Helpers: kernels from IR text, arguments from typed arrays.
import { parseFunc } from '../../../src/dsl/ir/parse.ts';
import { compileInterp, type InterpBuffer, type RunOptions } from '../../../src/lower/interp/program.ts';

export type Arrays = { readonly [param: string]: ArrayBufferView };

export const buffers = (arrays: Arrays): InterpBuffer[] =>
  Object.entries(arrays).map(([param, a]) => ({ param, bytes: new Uint8Array(a.buffer, a.byteOffset, a.byteLength) }));

export const compile = (text: string) => compileInterp(parseFunc(text));

/** Parses, compiles and runs a kernel over arrays, which it changes in place. */
export function run(text: string, arrays: Arrays, options: Partial<RunOptions> = {}): void {
  compile(text).run({ grid: [1], buffers: buffers(arrays), ...options });
}
