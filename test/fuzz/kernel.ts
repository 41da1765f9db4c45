// A program as a kernel with its arguments: which parameters it has, how large its buffers are and what they hold. The same for
// the same program on every device.

import { fromBits, intRange, round, toBits } from '../../src/dsl/numerics.ts';
import type { Num } from '../../src/dsl/ops/row.ts';
import type { Definition, ParamInfo, Span } from '../../src/dsl/trace/definition.ts';
import type { ArgSpec, Signature } from '../../src/dsl/trace/signature.ts';
import { traceKernel } from '../../src/dsl/trace/trace.ts';
import type { Frame } from '../../src/dsl/trace/tracer.ts';
import { DTYPES, type DType, type DTypeName } from '../../src/dsl/types.ts';
import { random } from '../support/randomIr.ts';
import { LENGTH, type Program } from './program.ts';
import { lines, replay } from './replay.ts';
import { ALL_DTYPES } from './table.ts';

/** Memory of one dtype's input or output. `views`: where its pointer arguments start, in elements. */
export interface Memory {
  readonly name: string;
  readonly dtype: DType;
  readonly bytes: Uint8Array;
  readonly views: { readonly [param: string]: number };
}
export interface Kernel {
  readonly program: Program;
  readonly definition: Definition;
  readonly memory: readonly Memory[];
  readonly scalars: { readonly [name: string]: number | bigint };
  /** Steps that had no effect, and why. */
  readonly skipped: readonly string[];
}

const SCALARS: { readonly [name: string]: DTypeName } = { n: 'i32', stride: 'i32', wide: 'i64', x: 'f32' };
const KINDS = ['in', 'alt', 'out', 'back'] as const;
/** Elements behind the last one of a buffer that nothing may touch. */
const GUARD = 16;

function definition(program: Program, params: readonly string[], seen?: (s: ReturnType<typeof replay>) => void): Definition {
  const text = lines(program.steps);
  const locs: Span[] = ['fuzz', ...text, 'end'].map((t, i) => [i + 1, 1, i + 1, t.length + 1]);
  const info = (name: string): ParamInfo => ({
    name,
    kind: name in SCALARS ? 'scalar' : 'ptr',
    dtype: SCALARS[name] ?? (name.replace(/^\w+?_/, '') as DTypeName),
    optional: false,
    hasDefault: false,
    loc: locs[0],
  });
  return {
    kind: 'kernel',
    name: 'fuzz',
    file: `fuzz-${program.seed}.ts`,
    firstLine: 1,
    text: ['fuzz', ...text, 'end'].join('\n'),
    loc: locs[0],
    locs,
    params: [...params, ...Object.keys(SCALARS)].map(info),
    body: ($: Frame, args: { [name: string]: unknown }) => {
      const scene = replay(program, $, args);
      seen?.(scene);
    },
  };
}

/** Traces the program once with every pointer that it might use, to see which it does. */
export function kernelOf(program: Program): Kernel {
  const all = ALL_DTYPES.flatMap((d) => KINDS.map((k) => `${k}_${d}`));
  let scene: ReturnType<typeof replay> | undefined;
  const signature: { [name: string]: ArgSpec } = {};
  all.forEach((name, buffer) => {
    signature[name] = { kind: 'ptr', dtype: DTYPES[name.replace(/^\w+?_/, '') as DTypeName], buffer, divisibleBy: 1 };
  });
  // As a launch specialises: an integer that equals 1 is a constant.
  const { n, stride, wide, x } = program;
  const scalars: { [name: string]: number | bigint } = { n, stride, wide: BigInt(wide), x };
  for (const [name, d] of Object.entries(SCALARS)) {
    const dtype = DTYPES[d];
    const one = dtype.is_int() && Number(scalars[name]) === 1;
    signature[name] = one ? { kind: 'const', value: 1, dtype } : { kind: 'scalar', dtype, divisibleBy: 1 };
  }
  traceKernel(
    definition(program, all, (s) => (scene = s)),
    signature as Signature,
    { onPrint: () => {} },
  );
  const { used, sizes, skipped } = scene!;
  const params = all.filter((n) => used.has(n));
  const memory: Memory[] = [];
  for (const d of ALL_DTYPES) {
    for (const [first, second] of [
      ['in', 'alt'],
      ['out', 'back'],
    ]) {
      const here = [first, second].filter((k) => used.has(`${k}_${d}`));
      if (!here.length) continue;
      const dtype = DTYPES[d];
      const owned = first === 'in' ? LENGTH : (sizes.get(d) ?? 0);
      const bytes = new Uint8Array((owned + 2 * program.view + GUARD) * dtype.bytes);
      if (first === 'in') inputs(program, dtype, bytes);
      else fillWith(dtype, bytes, () => (dtype.is_bool() ? 1 : 77));
      const views = Object.fromEntries(here.map((k) => [`${k}_${d}`, k === first ? program.view : 2 * program.view]));
      memory.push({ name: `${first}_${d}`, dtype, bytes, views });
    }
  }
  return { program, definition: definition(program, params), memory, scalars, skipped };
}

// ---- contents
const SPECIAL: readonly number[] = [0, -0, Number.NaN, Infinity, -Infinity, 3e38, -3e38, 65504, 1e-3, 16777217];

function inputs(p: Program, d: DType, bytes: Uint8Array): void {
  const r = random(p.seed * 64 + ALL_DTYPES.indexOf(d.name));
  const pick = <T>(list: readonly T[]): T => list[Math.floor(r() * list.length)];
  fillWith(d, bytes, () => {
    if (d.is_bool()) return r() < 0.5 ? 0 : 1;
    // Multiples of 1/8: sums and products of few of them are exact in f32.
    if (d.is_floating()) return round(d, p.special && r() < 0.1 ? pick(SPECIAL) : Math.round(r() * 128 - 64) / 8);
    const [lo, hi] = intRange(d);
    if (p.special && r() < 0.2) return pick([lo, hi, lo + 1n, hi - 1n, hi / 2n]);
    return round(d, BigInt(Math.floor(r() * 40) - (d.is_int_signed() ? 12 : 0)));
  });
}
function fillWith(d: DType, bytes: Uint8Array, value: () => Num): void {
  const v = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += d.bytes) {
    const x = value();
    const bits = BigInt(toBits(d, d.bits === 64 ? x : typeof x === 'bigint' ? Number(x) : x));
    if (d.bytes === 8) v.setBigUint64(at, bits, true);
    else if (d.bytes === 4) v.setUint32(at, Number(bits), true);
    else if (d.bytes === 2) v.setUint16(at, Number(bits), true);
    else v.setUint8(at, Number(bits));
  }
}
/** Element `i` of a buffer. */
export function element(d: DType, bytes: Uint8Array, i: number): Num {
  const v = new DataView(bytes.buffer, bytes.byteOffset);
  const at = i * d.bytes;
  if (d.bytes === 8) return fromBits(d, v.getBigUint64(at, true));
  return fromBits(d, d.bytes === 4 ? v.getUint32(at, true) : d.bytes === 2 ? v.getUint16(at, true) : v.getUint8(at));
}
