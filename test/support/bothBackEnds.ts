// One kernel on both back ends with the same inputs: what WGSL left in memory against what the interpreter left. The
// interpreter is itself tested against outside references; here it is the oracle for layouts, barriers and addressing.

import type { Func } from '../../src/dsl/ir/ir.ts';
import { verify } from '../../src/dsl/ir/verify.ts';
import { fromBits } from '../../src/dsl/numerics.ts';
import type { Definition } from '../../src/dsl/trace/definition.ts';
import type { ArgSpec } from '../../src/dsl/trace/signature.ts';
import { traceKernel } from '../../src/dsl/trace/trace.ts';
import { DTYPES, type DTypeName } from '../../src/dsl/types.ts';
import { compileInterp } from '../../src/lower/interp/program.ts';
import { rowsOf, runPipeline, tilePasses } from '../../src/lower/pipeline.ts';
import type { Target } from '../../src/lower/program.ts';
import { lowerToWgsl } from '../../src/lower/wgsl/compile.ts';
import { runWgsl, testDevice } from './wgslRun.ts';

export type Typed =
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Int16Array
  | Uint8Array
  | Int8Array
  | BigInt64Array
  | BigUint64Array;

/** A pointer argument. `buffer`: arguments with one key share the array of the first. */
export interface PtrArg {
  readonly data: Typed;
  readonly dtype: DTypeName;
  readonly base?: number;
  readonly div?: number;
  readonly buffer?: string;
}
/** A scalar argument; plain values are constexpr. */
export interface ScalarArg {
  readonly scalar: number | bigint | boolean;
  readonly dtype: DTypeName;
  readonly div?: number;
}
export type Arg = PtrArg | ScalarArg | number | boolean | null;
const isPtrArg = (a: Arg): a is PtrArg => typeof a === 'object' && a !== null && 'data' in a;
const isScalarArg = (a: Arg): a is ScalarArg => typeof a === 'object' && a !== null && 'scalar' in a;

export const f32 = (data: Float32Array, more: Partial<PtrArg> = {}): PtrArg => ({ data, dtype: 'f32', div: 16, ...more });
export const f16 = (data: Uint16Array, more: Partial<PtrArg> = {}): PtrArg => ({ data, dtype: 'f16', div: 16, ...more });
export const i32 = (data: Int32Array, more: Partial<PtrArg> = {}): PtrArg => ({ data, dtype: 'i32', div: 16, ...more });
export const i64 = (data: BigInt64Array, more: Partial<PtrArg> = {}): PtrArg => ({ data, dtype: 'i64', div: 16, ...more });
export const int = (scalar: number, div = 1): ScalarArg => ({ scalar, dtype: 'i32', div });
export const float = (scalar: number): ScalarArg => ({ scalar, dtype: 'f32' });

export interface Options {
  readonly grid?: readonly number[];
  readonly target?: Partial<Target>;
  readonly workgroupSize?: number;
  readonly maxPerDimension?: number;
}

export function trace(kernel: { definition: Definition | null } | any, args: { [name: string]: Arg }): Func {
  const buffers: string[] = [];
  const signature: { [name: string]: ArgSpec } = {};
  for (const [name, a] of Object.entries(args)) {
    if (isPtrArg(a)) {
      const key = a.buffer ?? name;
      if (!buffers.includes(key)) buffers.push(key);
      signature[name] = { kind: 'ptr', dtype: DTYPES[a.dtype], buffer: buffers.indexOf(key), divisibleBy: a.div ?? 1 };
    } else if (isScalarArg(a)) signature[name] = { kind: 'scalar', dtype: DTYPES[a.dtype], divisibleBy: a.div ?? 1 };
    else signature[name] = { kind: 'const', value: a };
  }
  return traceKernel(kernel.definition, signature, { onPrint: () => {} });
}

/** Runs the kernel on both; the arguments' arrays hold WGSL's result afterwards, `want` the interpreter's. */
export async function runBoth(kernel: any, args: { [name: string]: Arg }, options: Options = {}) {
  const func = trace(kernel, args);
  const device = await testDevice();
  const want: { [param: string]: Typed } = {};
  const got: { [param: string]: Typed } = {};
  const first = new Map<string, string>();
  for (const [k, a] of Object.entries(args)) {
    if (!isPtrArg(a)) continue;
    const owner = first.get(a.buffer ?? k) ?? k;
    first.set(a.buffer ?? k, owner);
    got[k] = (args[owner] as PtrArg).data;
    want[k] = owner === k ? (a.data.slice() as Typed) : want[owner];
  }
  const scalars = Object.fromEntries(Object.entries(args).flatMap(([k, a]) => (isScalarArg(a) ? [[k, a.scalar]] : [])));
  const bases = Object.fromEntries(Object.entries(args).flatMap(([k, a]) => (isPtrArg(a) && a.base ? [[k, a.base]] : [])));
  const { func: clean } = runPipeline(func, tilePasses);
  compileInterp(clean).run({
    grid: options.grid ?? [1],
    scalars,
    buffers: Object.keys(want).map((k) => {
      const data = want[k];
      return {
        param: k,
        bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        byteOffset: (bases[k] ?? 0) * data.BYTES_PER_ELEMENT,
      };
    }),
    print: () => {},
  });
  const { program, lane } = lowerToWgsl(
    func,
    { ...device.target, ...options.target },
    { workgroupSize: options.workgroupSize, verify: true },
  );
  const problems = verify(lane, rowsOf(lane));
  if (problems.length) throw new Error(`lane IR: ${problems.map((p) => p.text).join('; ')}`);
  try {
    const log = await runWgsl(device, program, got, {
      grid: options.grid,
      scalars,
      bases,
      maxPerDimension: options.maxPerDimension,
    });
    return { want, got, program, lane, log };
  } catch (e) {
    throw new Error(`${(e as Error).message}\n${program.code}`);
  }
}

/** Elements as numbers, f16 bits decoded. */
export const numbers = (a: Typed, dtype: DTypeName = 'f32'): number[] =>
  Array.from(a as Iterable<number | bigint>, (x) =>
    dtype === 'f16' || dtype === 'bf16' ? Number(fromBits(DTYPES[dtype], Number(x))) : Number(x),
  );

/** Differences beyond `tolerance` (relative to the largest magnitude); NaN equals NaN. */
export function differences(got: Typed, want: Typed, tolerance: number, dtype: DTypeName = 'f32'): string[] {
  const a = numbers(got, dtype);
  const b = numbers(want, dtype);
  const scale = Math.max(1e-30, ...b.filter(Number.isFinite).map(Math.abs));
  return a.flatMap((x, i) =>
    Object.is(x, b[i]) || x === b[i] || Math.abs(x - b[i]) <= tolerance * scale || (x !== x && b[i] !== b[i])
      ? []
      : [`[${i}] got ${x}, want ${b[i]}`],
  );
}

/** Targets that change how code is lowered, beside the device's own. */
export const VARIANTS: [string, Partial<Target>][] = [
  ['the device as it is', {}],
  ['no subgroups, no f16', { subgroups: false, shaderF16: false }],
];

let state = 1;
export const seed = (s: number): void => void (state = s);
export const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
export const floats = (n: number, scale = 1): Float32Array => Float32Array.from({ length: n }, () => (random() * 2 - 1) * scale);
export const ints = (n: number, range = 1000): Int32Array =>
  Int32Array.from({ length: n }, () => Math.floor((random() * 2 - 1) * range));
