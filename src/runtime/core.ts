// The device that people hold: tensors, launches, the cache of specialisations, counters. One class over two back ends. The compiler
// is handed in, so that an application that launches ahead-of-time programs need not carry it. Refuses to know WebGPU.

import { CompileError, fail, type Loc, NO_LOC } from '../dsl/diagnostics.ts';
import type { Func } from '../dsl/ir/ir.ts';
import type { AnyKernel, Grid, LaunchOptions, LaunchTarget } from '../dsl/kernel.ts';
import { round } from '../dsl/numerics.ts';
import type { Definition } from '../dsl/trace/definition.ts';
import { leafSpecs, type Signature } from '../dsl/trace/signature.ts';
import { DTYPES, type DType, type DTypeName, numel } from '../dsl/types.ts';
import type { WgslProgram } from '../lower/program.ts';
import type {
  Backend,
  DeviceInfo,
  DeviceStats,
  Executable,
  LaunchRequest,
  LaunchTime,
  PointerArg,
  Recording,
} from './backend.ts';
import { paddedBytes } from './backend.ts';
import { dtypeFrom, encode, flatten, inferDtype, isTypedArray, type TensorData } from './convert.ts';
import { wroteFromHost, wroteOnDevice } from './hostCopy.ts';
import { type Args, checkArguments, checkGrid, checkLimits, checkProgramArguments, locOf } from './launch.ts';
import { type CompileEvent, type LaunchListener, Listeners } from './listeners.ts';
import { DEVICE, LAUNCH, SEQUENCE, TENSOR } from './messages.ts';
import { checkLaunchOptions, detailsOf } from './options.ts';
import { Sequence, Tape } from './sequence.ts';
import { identity, scalarDtype, specializationKey, specialize } from './specialize.ts';
import { checkShape, rowMajor, type Storage, spanOf, Tensor, type TensorHost } from './tensor.ts';
import { flatArguments, partAt } from './tuples.ts';

export type Trace = (def: Definition, signature: Signature) => Func;

export interface TensorOptions {
  /** Element type; without it that of the data: the typed array's, f32 for numbers, i64 for bigints, bool for booleans. */
  readonly dtype?: DType | DTypeName;
  /** Without it [length] for flat data, or that of the nesting. */
  readonly shape?: readonly number[];
  /** In elements. With them the data is the memory itself, from the first to the last element. */
  readonly strides?: readonly number[];
  /** Name in error messages. */
  readonly name?: string;
}

interface Specialized {
  readonly exe: Executable;
  /** Parameters of the traced function that are left, pointers and scalars, and the way to each from the launch's arguments. */
  readonly params: readonly (readonly [name: string, scalar: DType | null, way: readonly (string | number)[]])[];
  /** Pointers that the program may write through. */
  readonly written: ReadonlySet<string>;
}

/** A WebGPU device or the interpreter. Made by `device()`. */
export class Device implements TensorHost, LaunchTarget {
  readonly backend: Backend;
  readonly stats: DeviceStats;
  private readonly trace: Trace | null;
  private readonly storages = new Set<Storage>();
  private tape: Tape | null = null;
  private readonly specialized = new Map<string, Specialized>();
  private readonly loaded = new WeakMap<WgslProgram, Specialized>();
  private readonly listeners = new Listeners();
  private destroyed = false;
  private tensors = 0;

  constructor(backend: Backend, stats: DeviceStats, trace: Trace | null) {
    this.backend = backend;
    this.stats = stats;
    this.trace = trace;
  }

  get kind(): 'webgpu' | 'interp' {
    return this.backend.kind;
  }
  get info(): DeviceInfo {
    return this.backend.info;
  }
  private alive(): void {
    if (this.destroyed) fail(NO_LOC, DEVICE.destroyed);
    if (this.backend.lost) throw this.backend.lost;
  }

  // ---- tensors -------------------------------------------------------------------------------------------------------

  private allocate(bytes: number, what: string, name: string): Storage {
    this.alive();
    const size = paddedBytes(bytes);
    const max = this.info.limits.bufferSize;
    if (size > max) fail(NO_LOC, TENSOR.tooLarge, what, size, max);
    const storage: Storage = { memory: this.backend.alloc(bytes, name), name, bytes, gone: null, host: null, writes: 0 };
    this.storages.add(storage);
    this.stats.buffers++;
    this.stats.bytesAllocated += size;
    this.stats.peakBytes = Math.max(this.stats.peakBytes, this.stats.bytesAllocated);
    return storage;
  }
  /** @internal Tensor.free() */
  release(storage: Storage): void {
    if (!this.storages.delete(storage)) return;
    storage.gone = this.destroyed ? 'went with its device, which was destroyed' : 'was freed';
    if (this.tape?.used.has(storage)) this.tape.kept.add(storage);
    else this.giveBack(storage);
  }
  private giveBack({ memory }: Storage): void {
    this.backend.free(memory);
    this.stats.buffers--;
    this.stats.bytesAllocated -= memory.bytes;
  }
  /** @internal */
  wrote(storage: Storage): void {
    wroteOnDevice(storage);
    this.tape?.written.add(storage);
    this.used(storage);
  }
  /** @internal */
  used(storage: Storage): void {
    this.tape?.used.add(storage);
  }
  /** @internal */
  notRecording(what: string): void {
    if (this.tape) fail(NO_LOC, SEQUENCE.notRecordable, what);
  }

  /**
   * A tensor with data. f16 (bf16, fp8) from a Uint16Array (Uint8Array) takes raw bits, from other numbers it rounds to nearest
   * even; i64 takes a BigInt64Array, bigints or integer numbers; bool takes booleans or anything that is zero or not.
   * @throws CompileError TL41xx when data, shape and dtype do not go together.
   */
  tensor(data: TensorData, options: TensorOptions = {}): Tensor {
    const dtype = options.dtype ? dtypeFrom(options.dtype) : inferDtype(data);
    const name = options.name ?? `tensor ${++this.tensors}`;
    if (typeof data !== 'object') return this.full(options.shape ?? [], data, dtype, name);
    if (!isTypedArray(data) && !Array.isArray(data)) fail(NO_LOC, TENSOR.data, Object.prototype.toString.call(data));
    const nested = isTypedArray(data) ? { shape: [data.length], flat: data } : flatten(data);
    const shape = checkShape(options.shape ?? nested.shape);
    const strides = checkStrides(shape, options.strides ?? rowMajor(shape));
    const what = `${name} (${dtype}[${shape.join(', ')}])`;
    const want = options.strides ? spanOf(shape, strides) : numel(shape);
    if (nested.flat.length !== want) fail(NO_LOC, TENSOR.length, what, nested.flat.length, want);
    const bytes = encode(nested.flat, dtype, what);
    const storage = this.allocate(bytes.length, what, name);
    if (bytes.length) {
      this.backend.write(storage.memory, 0, bytes);
      wroteFromHost(storage, dtype, 0, bytes);
      this.stats.uploads++;
    }
    return new Tensor(this, storage, dtype, shape, strides);
  }
  /** A tensor that holds zeros. */
  empty(shape: readonly number[], dtype: DType | DTypeName = 'f32', name?: string): Tensor {
    const d = dtypeFrom(dtype);
    checkShape(shape);
    const label = name ?? `tensor ${++this.tensors}`;
    const storage = this.allocate(numel(shape) * d.bytes, `${label} (${d}[${shape.join(', ')}])`, label);
    return new Tensor(this, storage, d, shape, rowMajor(shape));
  }
  /** A tensor with these strides, that holds zeros between its first and last element (torch's `empty_strided`). */
  emptyStrided(shape: readonly number[], strides: readonly number[], dtype: DType | DTypeName = 'f32', name?: string): Tensor {
    const span = spanOf(checkShape(shape), checkStrides(shape, strides));
    const t = this.empty([span], dtype, name);
    return new Tensor(this, t.storage, t.dtype, shape, strides);
  }
  /** The same as `empty`: WebGPU clears new memory, and the interpreter does too. */
  zeros(shape: readonly number[], dtype: DType | DTypeName = 'f32', name?: string): Tensor {
    return this.empty(shape, dtype, name);
  }
  /** A tensor that holds one value everywhere. */
  full(shape: readonly number[], value: number | bigint | boolean, dtype?: DType | DTypeName, name?: string): Tensor {
    const t = this.empty(shape, dtype ?? (typeof value === 'number' ? DTYPES.f32 : scalarDtype(value)), name);
    try {
      t.fill(value);
    } catch (e) {
      t.free();
      throw e;
    }
    return t;
  }

  // ---- launches ------------------------------------------------------------------------------------------------------

  /**
   * Enqueues a kernel on a grid of programs. Returns at once; faults on the device surface at `sync()` or a download.
   * `options` are Triton's launch options (num_warps) and go before the kernel's own.
   * @throws CompileError TL40xx for a wrong argument, grid or limit (nothing is launched then), or what the compiler finds.
   */
  launch(kernel: AnyKernel, grid: Grid, args: Args, options: LaunchOptions = {}): void {
    this.alive();
    const def = kernel.definition;
    if (!this.trace) fail(locOf(def), LAUNCH.noCompiler, kernel.name);
    checkLaunchOptions(kernel, options);
    const details = detailsOf(kernel);
    const wrong = checkArguments(def, args, this);
    if (wrong.length) throw new CompileError(wrong);
    const loc = locOf(def);
    const dims = checkGrid(kernel.name, loc, grid, args);
    const warps = options.num_warps ?? kernel.options.num_warps ?? '';
    const cacheKey = `${identity(kernel)}:${warps}:${specializationKey(def.params, args, details)}`;
    let entry = this.specialized.get(cacheKey);
    const cached = entry !== undefined;
    if (entry) this.stats.hits++;
    else {
      const from = performance.now();
      const { signature } = specialize(def.params, args, details);
      const launchOptions = { ...kernel.options, ...options };
      const func = this.trace(def, signature);
      this.stats.traces++;
      const exe = this.backend.compile(func, launchOptions);
      this.stats.compiles++;
      this.checkProgram(exe, loc, args);
      const leaves = new Map(leafSpecs(signature).map((leaf) => [leaf.name, leaf]));
      const params = func.params.map(({ name }) => {
        const { spec, way } = leaves.get(name)!;
        return [name, spec.kind === 'scalar' ? spec.dtype : null, way] as const;
      });
      entry = { exe, params, written: writtenBy(exe.program) };
      this.specialized.set(cacheKey, entry);
      this.listeners.compiled({
        kernel: kernel.name,
        key: cacheKey,
        program: exe.program,
        milliseconds: performance.now() - from,
      });
    }
    const pointers = new Map<string, PointerArg>();
    const scalars = new Map<string, number | bigint>();
    for (const [name, dtype, way] of entry.params) {
      const x = way.length === 1 ? args[name] : partAt(args, way);
      if (x instanceof Tensor) {
        pointers.set(name, { memory: x.storage.memory, base: x.offset });
        this.used(x.storage);
        if (entry.written.has(name)) this.wrote(x.storage);
      } else if (dtype)
        scalars.set(name, round(dtype, Number.isInteger(x) && dtype.bits === 64 ? BigInt(x as number) : toNum(x)));
    }
    this.enqueue(entry.exe, { kernel: kernel.name, loc, grid: dims, pointers, scalars }, args, cached);
  }

  /**
   * Enqueues a program that was compiled ahead of time (`tessera build`), with its pointer and scalar arguments by name.
   * @throws CompileError TL40xx as `launch`; on the interpreter always, because it has no WGSL.
   */
  launchProgram(program: WgslProgram, grid: Grid, given: Args): void {
    this.alive();
    const args = flatArguments(given);
    const wrong = checkProgramArguments(program, args, this);
    if (wrong.length) throw new CompileError(wrong);
    const dims = checkGrid(program.kernel, NO_LOC, grid, args);
    let entry = this.loaded.get(program);
    const cached = entry !== undefined;
    if (entry) this.stats.hits++;
    else {
      this.checkProgram({ program }, NO_LOC, args);
      entry = { exe: this.backend.load(program), params: [], written: writtenBy(program) };
      this.stats.compiles++;
      this.loaded.set(program, entry);
    }
    const pointers = new Map<string, PointerArg>();
    const scalars = new Map<string, number | bigint>();
    for (const [name, x] of Object.entries(args)) {
      if (x instanceof Tensor) {
        pointers.set(name, { memory: x.storage.memory, base: x.offset });
        this.used(x.storage);
        if (entry.written.has(name)) this.wrote(x.storage);
      } else scalars.set(name, toNum(x));
    }
    this.enqueue(entry.exe, { kernel: program.kernel, loc: NO_LOC, grid: dims, pointers, scalars }, given, cached);
  }

  private checkProgram(exe: Executable, loc: Loc, args: Args): void {
    if (!exe.program) return;
    const wrong = checkLimits(exe.program, loc, this.info.limits, this.info.features, args);
    if (wrong.length) throw new CompileError(wrong);
  }
  private enqueue(exe: Executable, request: LaunchRequest, args: Args, cached: boolean): void {
    const { kernel, grid } = request;
    this.listeners.around(
      () => ({ kernel, grid, args, cached }),
      () => {
        if (!this.tape) this.stats.launches++;
        if (numel(grid)) this.backend.launch(exe, request);
      },
    );
  }

  /**
   * Calls `listener` before and after every launch is enqueued (a recorded one when it is recorded). Returns what takes it off again.
   * Source: Triton's `launch_enter_hook` and `launch_exit_hook`.
   */
  onLaunch(listener: LaunchListener): () => void {
    this.listeners.launch.add(listener);
    return () => void this.listeners.launch.delete(listener);
  }
  /** Calls `listener` after every specialisation that is compiled. Returns what takes it off again. Source: Triton's `jit_post_compile_hook`. */
  onCompile(listener: (event: CompileEvent) => void): () => void {
    this.listeners.compile.add(listener);
    return () => void this.listeners.compile.delete(listener);
  }

  /**
   * Keeps the launches, copies and fills of `body` instead of running them, for `replay()`: a step of a model that runs often, with
   * tensors whose contents change. A replay checks, traces and specialises nothing, and is one submit. `body` runs once, now, with what
   * the tensors hold now: grids and choices that it makes are kept. Tensors that it frees live on in the sequence.
   * @throws CompileError TL4401 to TL4403 for what cannot be recorded, and what `body` throws; nothing is kept then.
   */
  record(body: () => void): Sequence {
    this.alive();
    if (this.tape) fail(NO_LOC, SEQUENCE.nested);
    const tape = new Tape();
    this.tape = tape;
    this.backend.beginRecording();
    let recording: Recording | null = null;
    const host = {
      stats: this.stats,
      alive: () => this.alive(),
      release: (storages: Iterable<Storage>) => {
        if (!this.destroyed) for (const s of storages) this.giveBack(s);
      },
    };
    try {
      const result: unknown = body();
      recording = this.backend.endRecording();
      if (result instanceof Promise) {
        result.catch(() => undefined);
        fail(NO_LOC, SEQUENCE.asynchronous);
      }
      return new Sequence(recording, tape, host);
    } catch (e) {
      (recording ?? this.backend.endRecording()).free();
      host.release(tape.kept);
      throw e;
    } finally {
      this.tape = null;
    }
  }

  /**
   * Runs `body` and says how long each of its launches (the first 2048) took on the device. Dawn rounds to 65 µs unless the
   * device was opened with `timestamps: true`; the interpreter gives its own time. Rejects with TL4207 without timestamps.
   */
  async profile(body: () => void | Promise<void>): Promise<LaunchTime[]> {
    this.alive();
    this.notRecording('a profile');
    if (!this.backend.beginProfile()) fail(NO_LOC, DEVICE.noTimestamps, this.info.description);
    try {
      await body();
    } catch (e) {
      await this.backend.endProfile().catch(() => undefined);
      throw e;
    }
    return this.backend.endProfile();
  }

  /** Waits for everything enqueued. Rejects with the first fault since the last call, which names the launch. */
  async sync(): Promise<void> {
    this.alive();
    this.notRecording('a wait');
    await this.backend.sync();
  }
  /** Frees every tensor and the device. Later calls fail with TL4205. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const s of [...this.storages]) this.release(s);
    this.specialized.clear();
    this.backend.destroy();
  }
  declare [Symbol.dispose]: () => void;
}
if (Symbol.dispose) {
  Object.defineProperty(Device.prototype, Symbol.dispose, {
    value(this: Device) {
      this.destroy();
    },
  });
}

/** The interpreter's programs name none: what the host knows of its memory is the memory itself. */
const writtenBy = (program: WgslProgram | null): ReadonlySet<string> =>
  new Set(program?.bindings.flatMap((b) => (b.access === 'read_write' ? b.params : [])));

const toNum = (x: unknown): number | bigint => (typeof x === 'bigint' ? x : Number(x));

function checkStrides(shape: readonly number[], strides: readonly number[]): readonly number[] {
  const ok = strides.length === shape.length && strides.every((s) => Number.isSafeInteger(s) && s >= 0);
  return ok ? strides : fail(NO_LOC, TENSOR.strides, JSON.stringify(shape), JSON.stringify(strides));
}
