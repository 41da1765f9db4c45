// Checks of a launch, all before anything is launched. In: a kernel, a grid, arguments by name. Out: a grid of three numbers, or one
// CompileError with a diagnostic for every argument that is wrong, each at the kernel's parameter. Refuses to know back ends.

import { CompileError, type Diagnostic, diagnostic, type Loc, NO_LOC } from '../dsl/diagnostics.ts';
import type { Grid } from '../dsl/kernel.ts';
import { intRange } from '../dsl/numerics.ts';
import type { Definition, ParamInfo, Span } from '../dsl/trace/definition.ts';
import { DTYPES, DType } from '../dsl/types.ts';
import type { WgslProgram } from '../lower/program.ts';
import type { DeviceLimits, LaunchRequest } from './backend.ts';
import { LAUNCH } from './messages.ts';
import { type Argument, scalarDtype } from './specialize.ts';
import { Tensor, type TensorHost } from './tensor.ts';
import { fits, isStructure, partsOf, typeText } from './tuples.ts';

export type Args = { readonly [name: string]: Argument };

const MAX_ELEMENTS = 2 ** 31;

const locs = new WeakMap<Span, Loc>();
/** The place of a definition, or of one of its parameters. */
export function locOf(def: Definition, span: Span = def.loc): Loc {
  let loc = locs.get(span);
  if (!loc) {
    const [line, col, endLine, endCol] = span;
    loc = { file: def.file, line, col, endLine, endCol, fn: def.name };
    locs.set(span, loc);
  }
  return loc;
}
const nameSets = new WeakMap<Definition, ReadonlySet<string>>();
function namesOf(def: Definition): ReadonlySet<string> {
  let names = nameSets.get(def);
  if (!names) nameSets.set(def, (names = new Set(def.params.map((p) => p.name))));
  return names;
}

/** A value as messages show it. */
function show(x: unknown): string {
  if (x instanceof Tensor) return `the tensor ${x}`;
  if (x instanceof DType) return `the dtype ${x}`;
  if (typeof x === 'function') return 'a function';
  if (typeof x === 'bigint') return `${x}n`;
  if (ArrayBuffer.isView(x)) return `a ${x.constructor.name} (host data, not a tensor)`;
  if (Array.isArray(x)) return `an array of ${x.length}`;
  if (typeof x === 'object' && x !== null && isStructure(x)) return `an object { ${Object.keys(x).join(', ')} }`;
  return typeof x === 'object' && x !== null ? 'an object' : typeof x === 'string' ? JSON.stringify(x) : String(x);
}
const ptrText = (p: ParamInfo): string => (p.dtype ? `tl.ptr<tl.${p.dtype}>` : 'tl.ptr');

/** The three grid dimensions. Zero programs are allowed: the launch then does nothing. */
export function checkGrid(kernel: string, loc: Loc, grid: Grid, args: Args): readonly [number, number, number] {
  const dims: unknown = typeof grid === 'function' ? grid(args as Parameters<typeof grid>[0]) : grid;
  const text = (): string => (Array.isArray(dims) ? `[${dims.map(String).join(', ')}]` : String(dims));
  const bad = (why: string): never => {
    throw new CompileError([diagnostic(loc, LAUNCH.badGrid, kernel, text(), why)]);
  };
  if (!Array.isArray(dims)) return bad('is not an array');
  if (dims.length < 1 || dims.length > 3) return bad(`has ${dims.length} dimensions`);
  for (const n of dims) {
    if (!Number.isSafeInteger(n)) return bad(`has ${String(n)}, which is not an integer`);
    if (n < 0) return bad(`has the negative size ${n}`);
  }
  const [x, y = 1, z = 1] = dims as number[];
  // A product of doubles that is too large stays too large however it is rounded.
  if (x * y * z > 2 ** 32) {
    const total = BigInt(x) * BigInt(y) * BigInt(z);
    throw new CompileError([diagnostic(loc, LAUNCH.tooManyPrograms, kernel, text(), String(total))]);
  }
  return [x, y, z];
}

function checkTensor(
  p: { readonly name: string; readonly dtype?: string },
  t: Tensor,
  loc: Loc,
  host: TensorHost,
  limits: DeviceLimits,
): Diagnostic[] {
  const out: Diagnostic[] = [];
  if (t.device !== host) {
    return [
      diagnostic(loc, LAUNCH.otherDevice, p.name, String(t), t.device.backend.info.description, host.backend.info.description),
    ];
  }
  if (t.gone) out.push(diagnostic(loc, LAUNCH.freedTensor, p.name, String(t), t.gone));
  if (p.dtype && t.dtype.name !== p.dtype) out.push(diagnostic(loc, LAUNCH.pointerDtype, p.name, p.dtype, t.dtype.name));
  const { bytes } = t.storage.memory;
  const elements = Math.floor(t.storage.bytes / t.dtype.bytes);
  if (elements >= MAX_ELEMENTS) out.push(diagnostic(loc, LAUNCH.tooManyElements, p.name, String(t), String(elements)));
  if (bytes > limits.bindingSize) {
    const fit = Math.floor(limits.bindingSize / t.dtype.bytes);
    out.push(diagnostic(loc, LAUNCH.bindingSize, p.name, String(t), bytes, limits.bindingSize, fit));
  }
  return out;
}

function checkScalar(name: string, dtypeName: string | undefined, x: unknown, loc: Loc): Diagnostic[] {
  if (typeof x !== 'number' && typeof x !== 'bigint' && typeof x !== 'boolean') {
    return [diagnostic(loc, LAUNCH.notNumber, name, dtypeName ?? 'number', show(x))];
  }
  const dtype = dtypeName ? DTYPES[dtypeName as keyof typeof DTYPES] : scalarDtype(x);
  if (dtype.kind === 'float' || typeof x === 'boolean') return [];
  if (typeof x === 'number' && !Number.isInteger(x)) return [diagnostic(loc, LAUNCH.notInteger, name, dtype.name, String(x))];
  if (dtype === DTYPES.i32 && x === ((x as number) | 0)) return [];
  const [lo, hi] = intRange(dtype);
  if (BigInt(x) >= lo && BigInt(x) <= hi) return [];
  return [diagnostic(loc, LAUNCH.outOfRange, name, dtype.name, String(x), String(lo), String(hi))];
}

function checkConstexpr(p: ParamInfo, x: unknown, loc: Loc): Diagnostic[] {
  const bad = (want: string): Diagnostic[] => [diagnostic(loc, LAUNCH.badConstexpr, p.name, want, show(x))];
  if (x instanceof Tensor || ArrayBuffer.isView(x)) return bad('a compile-time value');
  if (!p.dtype || (x === null && p.optional)) return [];
  const dtype = DTYPES[p.dtype];
  if (typeof x !== 'number' && typeof x !== 'bigint' && typeof x !== 'boolean') return bad(dtype.name);
  if (dtype.is_bool()) return typeof x === 'boolean' || Number(x) === 0 || Number(x) === 1 ? [] : bad('bool');
  return checkScalar(p.name, p.dtype, x, loc);
}

/** Everything that is wrong with the arguments of a launch on `host`; empty when nothing is. */
export function checkArguments(def: Definition, args: Args, host: TensorHost): Diagnostic[] {
  const out: Diagnostic[] = [];
  const names = namesOf(def);
  for (const name in args) {
    if (!names.has(name)) out.push(diagnostic(locOf(def), LAUNCH.unknownArgument, def.name, name, [...names]));
  }
  for (const p of def.params) checkArgument(def, p, args[p.name], host, out);
  return out;
}

function checkArgument(def: Definition, p: ParamInfo, x: Argument, host: TensorHost, out: Diagnostic[]): void {
  const loc = locOf(def, p.loc);
  const inside = partsOf(p, x);
  if (x === undefined) {
    if (!p.hasDefault && !p.optional) out.push(diagnostic(loc, LAUNCH.missingArgument, def.name, p.name, p.kind));
  } else if (x !== null && !fits(p, x)) {
    out.push(diagnostic(loc, LAUNCH.tupleParts, p.name, typeText(p), show(x)));
  } else if (inside) {
    inside.params.forEach((q, i) => void checkArgument(def, q, inside.values[i], host, out));
  } else if (p.kind === 'constexpr') {
    out.push(...checkConstexpr(p, x, loc));
  } else if (x === null) {
    if (!p.optional && p.kind !== 'any') {
      const type = p.kind === 'ptr' ? ptrText(p) : p.kind === 'tuple' ? typeText(p) : `tl.${p.dtype ?? 'scalar'}`;
      out.push(diagnostic(loc, LAUNCH.nullPointer, p.name, type));
    }
  } else if (x instanceof Tensor) {
    if (p.kind === 'scalar') out.push(diagnostic(loc, LAUNCH.notNumber, p.name, p.dtype ?? 'number', show(x)));
    else out.push(...checkTensor(p, x, loc, host, host.backend.info.limits));
  } else if (p.kind === 'ptr') {
    out.push(diagnostic(loc, LAUNCH.notTensor, p.name, ptrText(p), show(x)));
  } else if (p.kind !== 'any' || !(x instanceof DType || typeof x === 'function')) {
    // A dtype or a function is a compile-time value wherever it is passed, as in Triton.
    out.push(...checkScalar(p.name, p.dtype, x, loc));
  }
}

/** The same for an ahead-of-time program, whose parameters are those of its bindings and uniform fields. */
export function checkProgramArguments(program: WgslProgram, args: Args, host: TensorHost): Diagnostic[] {
  const out: Diagnostic[] = [];
  const pointers = new Map(program.bindings.flatMap((b) => b.params.map((p) => [p, b] as const)));
  const scalars = new Map<string, string>();
  for (const f of program.uniform?.fields ?? []) if (f.source.kind === 'scalar') scalars.set(f.source.param, f.source.dtype);
  const names = [...pointers.keys(), ...scalars.keys()];
  for (const name of Object.keys(args)) {
    if (!names.includes(name)) out.push(diagnostic(NO_LOC, LAUNCH.unknownArgument, program.kernel, name, names));
  }
  const { limits } = host.backend.info;
  for (const name of names) {
    const x = args[name];
    if (x === undefined) out.push(diagnostic(NO_LOC, LAUNCH.missingArgument, program.kernel, name, 'argument'));
    else if (scalars.has(name)) out.push(...checkScalar(name, scalars.get(name), x, NO_LOC));
    else if (!(x instanceof Tensor)) out.push(diagnostic(NO_LOC, LAUNCH.notTensor, name, 'a pointer', show(x)));
    else out.push(...checkTensor({ name }, x, NO_LOC, host, limits));
  }
  return out.length ? out : checkSharing(program, args);
}

/** Which arguments share a buffer is compiled into a program: one binding is one buffer, and two of them never are when one is written. */
function checkSharing({ kernel, bindings }: WgslProgram, args: Args): Diagnostic[] {
  const out: Diagnostic[] = [];
  const bound = bindings.map((b) => {
    const [first, ...others] = b.params.map((name) => ({ name, id: (args[name] as Tensor).storage.memory.id }));
    for (const o of others)
      if (o.id !== first.id) out.push(diagnostic(NO_LOC, LAUNCH.separateBuffers, kernel, first.name, o.name));
    return { ...first, writes: b.access === 'read_write' };
  });
  bound.forEach((b, i) => {
    const other = bound.slice(0, i).find((o) => o.id === b.id && (o.writes || b.writes));
    if (other) out.push(diagnostic(NO_LOC, LAUNCH.sharedBuffer, kernel, other.name, b.name));
  });
  return out;
}

/** Limits that a compiled program may break on this device, and features it needs; the launch would fail, so say it now. */
export function checkLimits(
  program: WgslProgram,
  loc: Loc,
  limits: DeviceLimits,
  features: readonly string[],
  args: Args,
): Diagnostic[] {
  const out: Diagnostic[] = [];
  const { kernel, workgroupStorage, workgroupSize, bindings } = program;
  if (workgroupStorage > limits.workgroupStorage) {
    const factor = 2 ** Math.ceil(Math.log2(workgroupStorage / limits.workgroupStorage));
    const blocks = Object.entries(args)
      .filter(([, v]) => typeof v === 'number' && v >= 16 && Number.isInteger(Math.log2(v)))
      .sort(([, a], [, b]) => (b as number) - (a as number))
      .map(([k, v]) => `${k}=${v}`);
    out.push(diagnostic(loc, LAUNCH.workgroupMemory, kernel, workgroupStorage, limits.workgroupStorage, blocks, factor));
  }
  if (workgroupSize > limits.invocations)
    out.push(diagnostic(loc, LAUNCH.invocations, kernel, workgroupSize, limits.invocations));
  const buffers = bindings.length + (program.log ? 1 : 0);
  if (buffers > limits.storageBuffers) {
    const names = bindings.map((b) => b.params.join(' = '));
    out.push(diagnostic(loc, LAUNCH.storageBuffers, kernel, buffers, limits.storageBuffers, names));
  }
  for (const f of program.features) {
    if (!features.includes(f)) out.push(diagnostic(loc, LAUNCH.missingFeature, kernel, f));
  }
  return out;
}

/** `add[16, 1, 1] (kernels/add.ts:3:20)`: how errors that come later name a launch. */
export function launchText(r: LaunchRequest): string {
  const grid = `${r.kernel}[${r.grid.join(', ')}]`;
  return r.loc === NO_LOC ? grid : `${grid} (${r.loc.file}:${r.loc.line}:${r.loc.col})`;
}
