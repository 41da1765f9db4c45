// One golden case on one device: uploads its tensors, keeps what the host function wrote, downloads and judges it. In: a case
// and an adapter. Out: passed with the largest error, failed with one line, or skipped with a reason. Knows no kernel by name.

import { ArgumentError } from '../../kernels/index.ts';
import { CompileError, type Device, type DTypeName, type Tensor } from '../../src/index.ts';
import { compareTensor, type Expected, type Mismatch, printMismatch, type Rule, ruleFor } from './compare.ts';
import type { Case, Distance, Manifest, Params, TensorRef } from './manifest.ts';
import { numberOf, numel, spanOf } from './manifest.ts';
import { bytesOf, encode, type GoldenDType, reader } from './numbers.ts';
import { lacking } from './refusals.ts';

/** How the cases of one kernel are run. */
export interface Adapter {
  /** Calls the host function with the case's tensors and options. */
  run(c: CaseRun): void | Promise<void>;
  /** The outputs are copied or packed data: they must have the same bits, whatever their dtype. */
  readonly copies?: (c: Case) => boolean;
  /** What u8 outputs hold, where that is not integers. */
  readonly codesInU8?: (c: Case) => 'fp8e4m3' | 'fp8e5m2' | undefined;
  /** Calls the host function for a case that Triton refuses; such a case records no tensors, only their sizes in `params`. */
  refused?(c: CaseRun): void | Promise<void>;
}

export type Outcome =
  /** `maxAbs`: largest |got − recorded| over finite elements. `ms`: from the launch to its end, uploads and judging left out. */
  | { readonly status: 'passed'; readonly maxAbs: number; readonly ms: number }
  | { readonly status: 'failed'; readonly line: string }
  | { readonly status: 'skipped'; readonly reason: string };

const DTYPE_NAMES: { readonly [golden: string]: DTypeName } = { fp8e4m3: 'fp8e4nv', fp8e5m2: 'fp8e5' };
const dtypeName = (d: GoldenDType): DTypeName => DTYPE_NAMES[d] ?? (d as DTypeName);

type Bits =
  | typeof Uint8Array
  | typeof Int8Array
  | typeof Uint16Array
  | typeof Int16Array
  | typeof Int32Array
  | typeof Uint32Array
  | typeof Float32Array
  | typeof Float64Array
  | typeof BigInt64Array
  | typeof BigUint64Array;
/** Array in which the device takes and gives elements of a dtype: numbers where JS has them, else raw bits. */
const ARRAYS: { readonly [D in GoldenDType]: Bits } = {
  bool: Uint8Array,
  u8: Uint8Array,
  fp8e4m3: Uint8Array,
  fp8e5m2: Uint8Array,
  i8: Int8Array,
  i16: Int16Array,
  u16: Uint16Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
};

/** What an adapter sees of a case: its options, its tensors on the device, and where to leave results. */
export class CaseRun {
  readonly device: Device;
  readonly case: Case;
  private readonly manifest: Manifest;
  private readonly owned: Tensor[] = [];
  private readonly inputs = new Map<string, Tensor>();
  private readonly results = new Map<string, Tensor>();

  constructor(device: Device, manifest: Manifest, c: Case) {
    this.device = device;
    this.manifest = manifest;
    this.case = c;
  }

  // ---- options -------------------------------------------------------------------------------------------------------

  /** An option; `A.B` is B of the options A. */
  private param(name: string): unknown {
    return name.split('.').reduce<unknown>((at, key) => (at as Params | null | undefined)?.[key], this.case.params);
  }
  /** An option that is a number; `undefined` where the case does not say. */
  number(name: string): number | undefined {
    const x = this.param(name);
    return x === undefined || x === null ? undefined : numberOf(x);
  }
  flag(name: string): boolean | undefined {
    const x = this.param(name);
    return x === undefined || x === null ? undefined : Boolean(x);
  }
  text(name: string): string | undefined {
    const x = this.param(name);
    return typeof x === 'string' ? x : undefined;
  }

  // ---- tensors -------------------------------------------------------------------------------------------------------

  has = (input: string): boolean => this.case.inputs.some((r) => r.name === input);
  records = (output: string): boolean => this.case.outputs.some((r) => r.name === output);

  /** Uploads all inputs, so that a run can be timed without it. */
  prepare(): void {
    for (const ref of this.case.inputs) this.inputs.set(ref.name, this.upload(ref, this.manifest.bytes(ref)));
  }

  /** An input. A strided one is a strided view of the recorded span. */
  input(name: string): Tensor {
    const t = this.inputs.get(name);
    if (!t) throw new Error(`${this.case.id} records no ${name}; it has ${[...this.inputs.keys()].join(', ')}`);
    return t;
  }

  /** An input that not every case has. */
  optional = (name: string): Tensor | null => (this.has(name) ? this.input(name) : null);

  /** An input once more, in memory of its own. */
  copy(name: string): Tensor {
    const t = this.input(name).clone();
    this.owned.push(t);
    return t;
  }

  /** The buffer that a launch changes in place: `NAME_before`, judged against `NAME_after`. */
  inPlace(name: string): Tensor {
    const t = this.input(`${name}_before`);
    this.results.set(`${name}_after`, t);
    return t;
  }

  /** An output buffer that the host function fills; it holds `params.out_fill` (or `fill`) everywhere before the launch. */
  output(name: string): Tensor {
    const ref = this.outputRef(name);
    const element = this.fillOf(ref) ?? new Uint8Array(bytesOf(ref.dtype));
    const bytes = new Uint8Array(ref.nbytes);
    for (let at = 0; at < bytes.length; at += element.length) bytes.set(element, at);
    const t = this.upload(ref, bytes);
    this.results.set(name, t);
    return t;
  }

  /** A tensor that the host function returned; the run frees it. */
  result(name: string, t: Tensor): void {
    this.owned.push(t);
    this.results.set(name, t);
  }

  /** A zeroed tensor that is neither input nor output of the recording. */
  scratch(shape: readonly number[], dtype: GoldenDType): Tensor {
    const t = this.device.zeros(shape, dtypeName(dtype));
    this.owned.push(t);
    return t;
  }

  private upload(ref: TensorRef, bytes: Uint8Array): Tensor {
    const copy = bytes.slice(); // own memory, aligned for every array type
    const data = new ARRAYS[ref.dtype](copy.buffer as ArrayBuffer);
    const t = this.device.tensor(data, { dtype: dtypeName(ref.dtype), shape: ref.shape, strides: ref.strides, name: ref.name });
    this.owned.push(t);
    return t;
  }

  // ---- judging -------------------------------------------------------------------------------------------------------

  /** f32 results of dots are recorded twice; ours are IEEE, so they are judged by the recording with IEEE dots. */
  private outputRef(name: string): TensorRef {
    const ieee = this.case.outputs.find((r) => r.name === `${name}_ieee`);
    return ieee ?? find(this.case.outputs, name, this.case.id);
  }

  private fillOf(ref: TensorRef): Uint8Array | undefined {
    const { params } = this.case;
    if (ref.name.endsWith('_after')) return undefined;
    const name = ref.name.replace(/_ieee$/, '');
    const family = name.replace(/_.*$/, '');
    const value = [`${name}_fill`, `${family}_fill`].map((key) => params[key]).find((x) => x !== undefined);
    return value === undefined ? undefined : encode(ref.dtype, numberOf(value));
  }

  /** Downloads every result and compares it. Outputs that the adapter left out are a mistake of the adapter. */
  async judge(adapter: Adapter): Promise<{ maxAbs: number; mismatches: Mismatch[] }> {
    const names = this.case.outputs.map((r) => r.name).filter((n) => !n.endsWith('_ieee'));
    const mismatches: Mismatch[] = [];
    let maxAbs = 0;
    for (const name of names) {
      const t = this.results.get(name);
      if (!t) throw new Error(`the adapter of ${this.case.kernel} gives no ${name}`);
      const ref = this.outputRef(name);
      const verdict = compareTensor(this.expected(ref, adapter), await downloadSpan(t, ref));
      maxAbs = Math.max(maxAbs, verdict.maxAbs);
      if (verdict.mismatch) mismatches.push(verdict.mismatch);
    }
    return { maxAbs, mismatches };
  }

  private expected(ref: TensorRef, adapter: Adapter): Expected {
    const codes = ref.dtype === 'u8' ? adapter.codesInU8?.(this.case) : undefined;
    const copied = adapter.copies?.(this.case) ?? false;
    const rule: Rule = codes ? { kind: 'codes', dtype: codes } : ruleFor(ref.dtype, this.distance(ref), copied);
    const { name, dtype, shape, strides } = ref;
    return { name, dtype, shape, strides, bytes: this.manifest.bytes(ref), rule, fill: this.fillOf(ref) };
  }

  /**
   * Outputs without a distance of their own are intermediate results (what each segment of the keys gives, with tf32 dots where the
   * operands are f32): they have that of `out`, in proportion to their size where they are larger.
   */
  private distance(ref: TensorRef): Distance | undefined {
    const per = this.case.ref_tolerance?.per_output ?? {};
    const { out } = per;
    if (per[ref.name] || !out?.ref_max) return per[ref.name];
    return {
      max_abs: out.max_abs * Math.max(1, largest(ref.dtype, this.manifest.bytes(ref)) / out.ref_max),
      rms_rel: out.rms_rel,
    };
  }

  free(): void {
    for (const t of this.owned) if (!t.gone) t.free();
  }
}

function find(refs: readonly TensorRef[], name: string, id: string): TensorRef {
  const ref = refs.find((r) => r.name === name);
  if (!ref) throw new Error(`${id} records no ${name}; it has ${refs.map((r) => r.name).join(', ')}`);
  return ref;
}

/** Largest finite magnitude of a recorded tensor. */
function largest(dtype: GoldenDType, bytes: Uint8Array): number {
  const read = reader(dtype, bytes);
  let most = 0;
  for (let i = 0; i < bytes.length / bytesOf(dtype); i++) {
    const x = Math.abs(Number(read(i)));
    if (Number.isFinite(x)) most = Math.max(most, x);
  }
  return most;
}

/** The bytes from the first to the last element, gaps included, as the recording has them. */
async function downloadSpan(t: Tensor, ref: TensorRef): Promise<Uint8Array> {
  const same = t.shape.length === ref.shape.length && t.shape.every((n, axis) => n === ref.shape[axis]);
  if (!same) throw new Error(`${ref.name} has shape [${t.shape.join(', ')}], recorded is [${ref.shape.join(', ')}]`);
  const flat = ref.strides ? t.as([spanOf(t.shape, t.strides)], [1]) : t;
  const data = await flat.download();
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Runs one case. An exception of the code under test is a failure of the case, not of the run; so is a kernel without an adapter. */
export async function runCase(device: Device, manifest: Manifest, c: Case, adapter: Adapter | undefined): Promise<Outcome> {
  if (!adapter) return { status: 'failed', line: `${c.id}: there is no host function for kernel ${c.kernel}` };
  const run = new CaseRun(device, manifest, c);
  try {
    if (c.error !== undefined) return await runRefused(run, adapter);
    run.prepare();
    await device.sync();
    const start = performance.now();
    await adapter.run(run);
    await device.sync();
    const ms = performance.now() - start;
    const { maxAbs, mismatches } = await run.judge(adapter);
    if (mismatches.length === 0) return { status: 'passed', maxAbs, ms };
    const rest = mismatches.length > 1 ? `; ${mismatches.length - 1} more tensors differ` : '';
    return { status: 'failed', line: `${c.id} ${printMismatch(mismatches[0])}${rest}` };
  } catch (e) {
    const reason = lacking(device, e);
    return reason ? { status: 'skipped', reason } : { status: 'failed', line: `${c.id} threw ${oneLine(e)}` };
  } finally {
    run.free();
  }
}

/** Passes when the compiler or the host function refuses the launch; any other exception is a failure, as is a launch that goes through. */
async function runRefused(run: CaseRun, adapter: Adapter): Promise<Outcome> {
  const { id } = run.case;
  if (!adapter.refused) return { status: 'failed', line: `${id}: no way to launch a refused case of ${run.case.kernel}` };
  try {
    await adapter.refused(run);
    await run.device.sync();
  } catch (e) {
    if (e instanceof CompileError || e instanceof ArgumentError) return { status: 'passed', maxAbs: 0, ms: 0 };
    return { status: 'failed', line: `${id} threw ${oneLine(e)}, expected a CompileError or an ArgumentError` };
  }
  return { status: 'failed', line: `${id} compiled, but Triton refuses it: ${run.case.error}` };
}

const oneLine = (e: unknown): string => {
  const text = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
  return text
    .split('\n')
    .map((l) => l.trim())
    .filter(Boolean)
    .join(' | ');
};

/** Elements of all tensors of a case: a measure of its size. */
export const caseSize = (c: Case): number => [...c.inputs, ...c.outputs].reduce((a, r) => a + numel(r.shape), 0);
