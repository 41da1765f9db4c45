// One language case on one device: its Python is ported, compiled and launched; what it leaves is judged by the case's own rules.
// In: a case and the bytes of its manifest. Out: as for kernels: passed, failed with one line, skipped with a reason.

import type { Diagnostic } from '../../src/dsl/diagnostics.ts';
import { CompileError, type Device, type DTypeName, type Tensor, tl } from '../../src/index.ts';
import { bytesOf, type GoldenDType, reader } from './numbers.ts';
import type { OpsCase, OpsOutput, OpsReject, OpsScalar } from './opsManifest.ts';
import { portedKernel, pythonLine } from './ported.ts';
import { lacking } from './refusals.ts';

export type OpsOutcome =
  | { readonly status: 'passed' }
  /** `flushed`: what is wrong is explained by subnormal numbers that were taken for zero, as WGSL allows. */
  | { readonly status: 'failed'; readonly line: string; readonly flushed?: boolean }
  | { readonly status: 'skipped'; readonly reason: string };

/** Of a kernel that Triton refuses: `diagnostic` is our refusal. */
export interface RejectOutcome {
  readonly status: 'passed' | 'failed';
  /** What is wrong; empty if the reject passes. */
  readonly line: string;
  readonly diagnostic?: Diagnostic;
  /** Line of `pseudo` that the diagnostic points at, from 1; 0 if none. */
  readonly at: number;
}

const OURS: { readonly [golden: string]: DTypeName } = { fp8e4m3: 'fp8e4nv', fp8e5m2: 'fp8e5' };
const dtypeName = (d: string): DTypeName => OURS[d] ?? (d as DTypeName);
const NAMED: { readonly [text: string]: number } = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN };

/** The array that a device takes elements of a dtype in. */
function typed(dtype: GoldenDType, bytes: Uint8Array) {
  const { buffer } = Uint8Array.from(bytes);
  if (dtype === 'f64') return new Float64Array(buffer);
  if (dtype === 'f32') return new Float32Array(buffer);
  if (dtype === 'i64') return new BigInt64Array(buffer);
  if (dtype === 'u64') return new BigUint64Array(buffer);
  if (dtype === 'i32') return new Int32Array(buffer);
  if (dtype === 'u32') return new Uint32Array(buffer);
  if (dtype === 'i16') return new Int16Array(buffer);
  if (dtype === 'i8') return new Int8Array(buffer);
  return bytesOf(dtype) === 2 ? new Uint16Array(buffer) : new Uint8Array(buffer);
}

/** A scalar or constexpr as a launch takes it. */
function scalarValue({ dtype, value }: OpsScalar): unknown {
  if (dtype === 'none' || value === null) return null;
  if (dtype === 'dtype') return tl[dtypeName(String(value)) as 'f32'];
  if (dtype === 'bool' || typeof value === 'boolean') return Boolean(value);
  if (/^[iu]64$/.test(dtype)) return BigInt(value as string | number);
  return NAMED[String(value)] ?? (dtype === 'constexpr' ? value : Number(value));
}
/** What the caller knows of parameters: the dtypes that were passed, and which pointers were None. */
function paramTypes(scalars: readonly OpsScalar[], none: readonly string[]): { [param: string]: string } {
  const known = scalars.filter((s) => !['constexpr', 'dtype', 'none'].includes(s.dtype));
  return {
    ...Object.fromEntries(known.map((s) => [s.arg, `tl.${dtypeName(s.dtype)}`])),
    ...Object.fromEntries(scalars.filter((s) => s.dtype === 'constexpr' && s.float).map((s) => [s.arg, 'tl.constexpr<tl.f32>'])),
    ...Object.fromEntries(none.map((n) => [n, 'tl.ptr | null'])),
  };
}

/** The first line of what went wrong: the diagnostic's code and text. */
const reason = (e: unknown): string =>
  e instanceof CompileError
    ? `${e.diagnostics[0].code}: ${e.diagnostics[0].text}`
    : String((e as Error).message ?? e).split('\n')[0];

/** Ports, launches and judges a case. */
export async function runOpsCase(device: Device, c: OpsCase, bin: Uint8Array): Promise<OpsOutcome> {
  const tensors = new Map<string, Tensor>();
  let flushed: OpsOutcome | undefined;
  try {
    const none = c.args.filter((a) => a.kind === 'none').map((a) => a.name);
    const kernel = portedKernel(c.pseudo, { file: `${c.id}.py`, types: paramTypes(c.scalars, none) });
    const args: { [name: string]: unknown } = {};
    for (const a of c.args) {
      if (a.kind === 'tensor') {
        const ref = c.inputs.find((t) => t.arg === a.name) ?? c.outputs.find((t) => t.arg === a.name)!;
        const given = c.inputs.includes(ref) ? bin.subarray(ref.offset, ref.offset + ref.bytes) : new Uint8Array(ref.bytes);
        tensors.set(a.name, device.tensor(typed(ref.dtype, given), { dtype: dtypeName(ref.dtype), shape: ref.shape }));
        args[a.name] = tensors.get(a.name);
      } else args[a.name] = a.kind === 'none' ? null : scalarValue(c.scalars.find((s) => s.arg === a.name)!);
    }
    device.launch(kernel, c.grid, args);
    for (const o of c.outputs) {
      const got = await tensors.get(o.arg)!.download();
      const bytes = new Uint8Array(got.buffer, got.byteOffset, got.byteLength);
      const wrong = difference(o, bytes, bin.subarray(o.offset, o.offset + o.bytes));
      if (wrong && !wrong.flushed) return { status: 'failed', line: `${c.id} ${o.arg}${wrong.text}` };
      if (wrong) flushed ??= { status: 'failed', line: `${c.id} ${o.arg}${wrong.text}`, flushed: true };
    }
    return flushed ?? { status: 'passed' };
  } catch (e) {
    const lacks = lacking(device, e);
    return lacks ? { status: 'skipped', reason: lacks } : { status: 'failed', line: `${c.id} ${reason(e)}` };
  } finally {
    for (const t of tensors.values()) t.free();
  }
}

/** The smallest normal number of f32, as which bf16 is computed too. */
const SMALLEST_NORMAL = 2 ** -126;
/** Where two operands and their result may each be flushed to zero, the result is off by less than this. */
const FLUSH = 3 * SMALLEST_NORMAL;

/** The first element that breaks the output's rule, as text. */
function difference({ dtype, compare }: OpsOutput, got: Uint8Array, want: Uint8Array): { text: string; flushed: boolean } | null {
  const size = bytesOf(dtype);
  const [a, b] = [reader(dtype, got), reader(dtype, want)];
  const wrong: number[] = [];
  for (let i = 0; i < want.length / size; i++) {
    const at = i * size;
    const ulps = (): number => Math.abs(Number(code(got, at, size) - code(want, at, size)));
    if (!equal(a(i), b(i)) && !near(compare, a(i), b(i), ulps)) wrong.push(i);
  }
  if (wrong.length === 0) return null;
  const [i] = wrong;
  const flushed = wrong.every((k) => Math.abs(Number(a(k)) - Number(b(k))) < FLUSH);
  const which = flushed
    ? `; all ${wrong.length} wrong elements are off by less than ${FLUSH.toExponential(1)}: subnormal numbers taken for 0`
    : '';
  return { text: `[${i}] is ${a(i)}, Triton's ${b(i)} (${compare.mode}${which})`, flushed };
}
type Num = number | bigint;
const equal = (x: Num, y: Num): boolean => Object.is(x, y);
function near(rule: Compare, x: Num, y: Num, ulps: () => number): boolean {
  if (Number.isNaN(Number(x)) || Number.isNaN(Number(y))) return false;
  if (rule.mode === 'exact') return rule.zero_sign === 'any' && x === y;
  if (rule.mode === 'ulp') return x === y || ulps() <= rule.ulp;
  return x === y || Math.abs(Number(x) - Number(y)) <= rule.abs + rule.rel * Math.abs(Number(y));
}
type Compare = OpsOutput['compare'];
/** The bits of a float as one ordered integer. */
function code(bytes: Uint8Array, at: number, size: number): bigint {
  let bits = 0n;
  for (let i = size - 1; i >= 0; i--) bits = (bits << 8n) | BigInt(bytes[at + i]);
  const sign = 1n << BigInt(size * 8 - 1);
  return bits & sign ? -(bits & (sign - 1n)) : bits;
}

/** A kernel that Triton refuses must be refused here too, with a message that shows a line of it: the guilty one where that is recorded. */
export function runReject(device: Device, r: OpsReject): RejectOutcome {
  const tensors: Tensor[] = [];
  const pointers = Object.fromEntries(Object.keys(r.pointers).map((name) => [name, 'tl.ptr']));
  const failed = (why: string): RejectOutcome => ({ status: 'failed', line: `${r.id} ${why}`, at: 0 });
  try {
    const types = { ...paramTypes(r.scalars, []), ...pointers };
    const kernel = portedKernel(r.pseudo, { file: `${r.id}.py`, types, strict: true });
    const args: { [name: string]: unknown } = Object.fromEntries(r.scalars.map((s) => [s.arg, scalarValue(s)]));
    for (const [name, dtype] of Object.entries(r.pointers)) {
      tensors.push(device.tensor(typed(dtype, new Uint8Array(bytesOf(dtype) * 4096)), { dtype: dtypeName(dtype) }));
      args[name] = tensors[tensors.length - 1];
    }
    device.launch(kernel, [1], args);
    return failed(`is accepted; Triton: ${r.description}`);
  } catch (e) {
    if (!(e instanceof CompileError) || e.diagnostics[0].loc.line === 0) return failed(reason(e));
    const [diagnostic] = e.diagnostics;
    const at = pythonLine(diagnostic.loc);
    const [first, last] = r.lines ?? [at, at];
    if (at >= first && at <= last) return { status: 'passed', line: '', diagnostic, at };
    return { ...failed(`points at line ${at}, Triton at ${first}: ${diagnostic.text}`), diagnostic, at };
  } finally {
    for (const t of tensors) t.free();
  }
}
