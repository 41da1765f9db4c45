// One IR program on both back ends with the same inputs: what WGSL left in memory against what the interpreter left.
// The interpreter is itself tested against outside references; here it is the oracle for layouts, barriers and addressing.

import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { verify } from '../../src/dsl/ir/verify.ts';
import { compileInterp } from '../../src/lower/interp/program.ts';
import { rowsOf, runPipeline, tilePasses } from '../../src/lower/pipeline.ts';
import type { Target, WgslProgram } from '../../src/lower/program.ts';
import { lowerToWgsl } from '../../src/lower/wgsl/compile.ts';
import { type Buffers, runWgsl, testDevice } from './wgslRun.ts';

export interface Case {
  readonly ir: string;
  /** By parameter; parameters with one `buf` number share the array of the first. */
  readonly buffers: Buffers;
  readonly grid?: readonly number[];
  readonly scalars?: { readonly [param: string]: number | bigint | boolean };
  readonly bases?: { readonly [param: string]: number };
  readonly target?: Partial<Target>;
  readonly workgroupSize?: number;
  readonly maxPerDimension?: number;
}
type Typed = Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array | BigInt64Array;

/** Runs the case on both; the buffers hold WGSL's result afterwards, `want` the interpreter's. */
export async function runBoth(c: Case): Promise<{ want: { [param: string]: Typed }; program: WgslProgram; log: Uint32Array }> {
  const func = parseFunc(c.ir);
  const device = await testDevice();
  const want: { [param: string]: Typed } = {};
  for (const [k, v] of Object.entries(c.buffers)) want[k] = (v as Typed).slice() as Typed;
  const { func: clean } = runPipeline(func, tilePasses);
  const params = clean.params.filter((p) => p.buffer !== undefined);
  compileInterp(clean).run({
    grid: c.grid ?? [1],
    scalars: c.scalars,
    buffers: params.map((p) => {
      const first = params.find((q) => q.buffer === p.buffer && want[q.name])!;
      const data = want[first.name];
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return { param: p.name, bytes, byteOffset: (c.bases?.[p.name] ?? 0) * data.BYTES_PER_ELEMENT };
    }),
    print: () => {},
  });
  const target = { ...device.target, ...c.target };
  const { program, lane } = lowerToWgsl(func, target, { workgroupSize: c.workgroupSize });
  const problems = verify(lane, rowsOf(lane));
  if (problems.length) throw new Error(`lane IR: ${problems.map((p) => p.text).join('; ')}`);
  try {
    const log = await runWgsl(device, program, c.buffers, { grid: c.grid, scalars: c.scalars, bases: c.bases, maxPerDimension: c.maxPerDimension });
    return { want, program, log };
  } catch (e) {
    throw new Error(`${(e as Error).message}\n${program.code}`);
  }
}

/** Targets that change how reductions and f16 are lowered, beside the device's own. */
export const VARIANTS: { readonly [name: string]: Partial<Target> } = {
  'as the device is': {},
  'no subgroups, no f16': { subgroups: false, shaderF16: false },
};
