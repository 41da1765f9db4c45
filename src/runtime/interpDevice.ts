// The interpreter as a back end: memory is bytes of this process, a launch runs to its end at once, on all cores. In: the same requests as WebGPU's.
// Out: results, or the interpreter's error thrown by launch() itself, at the op that was wrong. Refuses to know how ops run.

import { fail, NO_LOC } from '../dsl/diagnostics.ts';
import type { Func } from '../dsl/ir/ir.ts';
import { isPtr, pointee } from '../dsl/types.ts';
import { compileInterp, type InterpBuffer, type InterpProgram } from '../lower/interp/program.ts';
import type { WgslProgram } from '../lower/program.ts';
import type { Backend, DeviceInfo, Executable, LaunchRequest, LaunchTime, Memory, Recording, StridedRegion } from './backend.ts';
import { nextMemoryId, paddedBytes } from './backend.ts';
import { intercept } from './intercept.ts';
import { runThreaded } from './interpThreads.ts';
import { LAUNCH } from './messages.ts';
import { offsetsOf } from './tensor.ts';

interface CpuMemory extends Memory {
  /** Exactly the bytes of the tensor, so that the interpreter reports an access past its end; empty once freed. */
  data: Uint8Array;
}
interface InterpExecutable extends Executable {
  readonly interp: InterpProgram;
}

const INFO: DeviceInfo = Object.freeze({
  description: 'interpreter (CPU)',
  vendor: 'tessera',
  architecture: 'interpreter',
  driver: '',
  software: true,
  features: [],
  subgroupSize: null,
  subgroupMatrices: [],
  limits: {
    workgroupStorage: Infinity,
    invocations: Infinity,
    storageBuffers: Infinity,
    bindingSize: Infinity,
    bufferSize: 2 ** 32,
    workgroupsPerDimension: Infinity,
  },
});

export class InterpBackend implements Backend {
  readonly kind = 'interp';
  readonly info = INFO;
  readonly lost = null;
  private readonly sink: (line: string) => void;
  private readonly threads: number;
  private times: LaunchTime[] | null = null;
  private profileStart = 0;
  /** What is recorded, in order; null while nothing is. */
  private tape: { launches: number; readonly commands: (() => void)[] } | null = null;

  /** `threads` cores share the programs of a launch; with more than one, memory is shared between threads. */
  constructor(sink: (line: string) => void, threads = 1) {
    this.sink = sink;
    this.threads = threads;
  }

  alloc(bytes: number, label: string): CpuMemory {
    const Bytes = this.threads > 1 ? SharedArrayBuffer : ArrayBuffer;
    const data = new Uint8Array(new Bytes(paddedBytes(bytes)), 0, bytes);
    return { id: nextMemoryId(), bytes: paddedBytes(bytes), label, data };
  }
  free(memory: CpuMemory): void {
    memory.data = new Uint8Array(0);
  }
  write(memory: CpuMemory, byteOffset: number, data: Uint8Array): void {
    memory.data.set(data, byteOffset);
  }
  fill(region: StridedRegion, element: Uint8Array): void {
    if (this.keep(() => this.fill(region, element))) return;
    const { data } = region.memory as CpuMemory;
    for (const o of offsetsOf(region.shape, region.strides)) data.set(element, (region.offset + o) * region.elemBytes);
  }
  copy(from: StridedRegion, to: StridedRegion): void {
    if (this.keep(() => this.copy(from, to))) return;
    const [src, dst] = [(from.memory as CpuMemory).data, (to.memory as CpuMemory).data];
    const [f, t] = [offsetsOf(from.shape, from.strides), offsetsOf(to.shape, to.strides)];
    const size = to.elemBytes;
    for (let i = 0; i < t.length; i++) {
      const at = (from.offset + f[i]) * size;
      const goal = (to.offset + t[i]) * size;
      for (let b = 0; b < size; b++) dst[goal + b] = src[at + b];
    }
  }
  async read(memory: CpuMemory, byteOffset: number, bytes: number): Promise<Uint8Array> {
    return memory.data.slice(byteOffset, byteOffset + bytes);
  }
  peek(memory: CpuMemory): Uint8Array {
    return memory.data;
  }

  compile(func: Func): InterpExecutable {
    return { program: null, interp: compileInterp(func) };
  }
  load(program: WgslProgram): never {
    return fail(NO_LOC, LAUNCH.noWgsl, program.kernel);
  }
  launch(exe: InterpExecutable, request: LaunchRequest): void {
    if (this.keep(() => this.launch(exe, request), 1)) return;
    const buffers: InterpBuffer[] = [];
    for (const p of exe.interp.func.params) {
      const pointer = isPtr(p.value.type) ? request.pointers.get(p.name) : undefined;
      if (!pointer) continue;
      const { data } = pointer.memory as CpuMemory;
      buffers.push({ param: p.name, bytes: data, byteOffset: pointer.base * pointee(p.value.type).bytes });
    }
    const run = { grid: request.grid, buffers, scalars: Object.fromEntries(request.scalars), print: this.sink };
    intercept.listener?.(exe.interp, run);
    const threads = intercept.listener ? 1 : this.threads;
    const start = performance.now();
    runThreaded(exe.interp, run, threads);
    const nanoseconds = (performance.now() - start) * 1e6;
    this.times?.push({ kernel: request.kernel, grid: request.grid, nanoseconds, began: (start - this.profileStart) * 1e6 });
  }
  private keep(command: () => void, launches = 0): boolean {
    if (!this.tape) return false;
    this.tape.commands.push(command);
    this.tape.launches += launches;
    return true;
  }
  beginRecording(): void {
    this.tape = { launches: 0, commands: [] };
  }
  endRecording(): Recording {
    const { launches, commands } = this.tape ?? { launches: 0, commands: [] };
    this.tape = null;
    return {
      launches,
      replay: () => {
        for (const run of commands) run();
      },
      free: () => void commands.splice(0),
    };
  }
  beginProfile(): boolean {
    this.times = [];
    this.profileStart = performance.now();
    return true;
  }
  async endProfile(): Promise<LaunchTime[]> {
    const times = this.times ?? [];
    this.times = null;
    return times;
  }
  async sync(): Promise<void> {}
  destroy(): void {}
}
