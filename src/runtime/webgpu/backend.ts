// The WebGPU back end: memory as GPUBuffers, launches encoded into one command buffer and submitted together. In: requests that were
// checked (launch.ts). Out: work on the queue; what goes wrong there is gathered in faults.ts. Refuses to know dtypes of tensors.

import { CompileError, diagnostic, NO_LOC } from '../../dsl/diagnostics.ts';
import type { Func } from '../../dsl/ir/ir.ts';
import type { KernelOptions } from '../../dsl/kernel.ts';
import { numel } from '../../dsl/types.ts';
import type { Target, WgslProgram } from '../../lower/program.ts';
import type {
  Backend,
  DeviceInfo,
  DeviceStats,
  Executable,
  LaunchRequest,
  LaunchTime,
  Memory,
  Recording,
  StridedRegion,
} from '../backend.ts';
import { nextMemoryId, paddedBytes } from '../backend.ts';
import { launchText } from '../launch.ts';
import { DEVICE } from '../messages.ts';
import { Faults } from './faults.ts';
import { LOG_BYTES, type LogSink, readLog } from './log.ts';
import { foldGrid, WgslExecutable } from './pipeline.ts';
import { type Command, type Dispatch, Recorder } from './recording.ts';
import { COPY_WGSL, copyWords } from './strided.ts';
import { LaunchTimer } from './timer.ts';

// GPUBufferUsage and GPUMapMode; Dawn in Node does not put these tables on globalThis.
const USAGE = { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 } as const;
const MAP_READ = 0x1;

/** Launches in one command buffer before it is submitted: enough to hide the cost of a submit, few enough to start early. */
const BATCH = 64;
const UNIFORM_BYTES = 64 * 1024;
/** Freed memory that may wait for the batch that uses it. */
const MOST_DYING = 64 << 20;
const NO_UNIFORMS = { view: new DataView(new ArrayBuffer(0)), at: 0 };
/** Launches named in the error when the device is lost. */
const REMEMBERED = 4;

export interface GpuMemory extends Memory {
  readonly buffer: GPUBuffer;
  /** Programs with a bind group that holds this buffer. */
  readonly users: Set<WgslExecutable>;
  /** Number of the last batch that uses it. */
  batch: number;
}

export class WebGpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly info: DeviceInfo;
  readonly target: Target;
  lost: Error | null = null;
  readonly gpu: GPUDevice;
  private readonly stats: DeviceStats;
  private readonly toWgsl: ((func: Func, target: Target, options: KernelOptions) => WgslProgram) | null;
  private readonly sink: LogSink;
  private readonly faults: Faults;
  private readonly uniformAlign: number;
  private readonly uniforms: GPUBuffer;
  private readonly uniformData = new ArrayBuffer(UNIFORM_BYTES);
  private readonly uniformView = new DataView(this.uniformData);
  private uniformUsed = 0;
  private encoder: GPUCommandEncoder | null = null;
  private pass: GPUComputePassEncoder | null = null;
  /** The program whose pipeline the pass has set. */
  private inPass: WgslExecutable | null = null;
  private readonly dynamicOffset = new Uint32Array(1);
  private batch = 1;
  private inBatch: LaunchRequest[] = [];
  /** Launches since the device was last seen idle, newest last. */
  private recent: LaunchRequest[] = [];
  private readonly withLog = new Set<WgslExecutable>();
  private copier: GPUComputePipeline | null = null;
  private timer: LaunchTimer | null = null;
  private recorder: Recorder | null = null;
  /** Memory that was freed, but that launches of this batch use. */
  private readonly dying: GpuMemory[] = [];
  private dyingBytes = 0;
  private destroying = false;
  /** Compilations whose messages have not arrived yet. */
  private readonly compiling = new Set<Promise<void>>();

  constructor(
    gpu: GPUDevice,
    info: DeviceInfo,
    target: Target,
    stats: DeviceStats,
    toWgsl: ((func: Func, target: Target, options: KernelOptions) => WgslProgram) | null,
    sink: LogSink,
  ) {
    this.gpu = gpu;
    this.info = info;
    this.target = target;
    this.stats = stats;
    this.toWgsl = toWgsl;
    this.sink = sink;
    this.faults = new Faults(gpu, () => stats.bytesAllocated);
    this.uniformAlign = gpu.limits.minUniformBufferOffsetAlignment;
    this.uniforms = gpu.createBuffer({ label: 'uniforms', size: UNIFORM_BYTES, usage: USAGE.UNIFORM | USAGE.COPY_DST });
    gpu.lost.then((reason) => {
      if (!this.destroying) this.lose(reason.message || String(reason.reason));
    });
  }

  private lose(reason: string): Error {
    const launches = this.recent.slice(-REMEMBERED).map(launchText);
    const loc = this.recent.at(-1)?.loc ?? NO_LOC;
    this.lost ??= new CompileError([diagnostic(loc, DEVICE.lost, reason, launches)]);
    return this.lost;
  }

  // ---- memory --------------------------------------------------------------------------------------------------------

  private buffer(label: string, size: number, usage: number): GPUBuffer {
    const text = `the allocation of ${label} (${size} bytes)`;
    return this.faults.watch(text, NO_LOC, () => this.gpu.createBuffer({ label, size, usage }));
  }
  alloc(used: number, label: string): GpuMemory {
    const bytes = paddedBytes(used);
    const buffer = this.buffer(label, bytes, USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST);
    return { id: nextMemoryId(), bytes, label, buffer, users: new Set(), batch: 0 };
  }
  free(memory: GpuMemory): void {
    for (const exe of memory.users) exe.forget(memory);
    memory.users.clear();
    // A buffer must live until its launches are submitted.
    if (memory.batch !== this.batch) memory.buffer.destroy();
    else {
      this.dying.push(memory);
      this.dyingBytes += memory.bytes;
      if (this.dyingBytes > MOST_DYING) this.flush();
    }
  }
  write(memory: GpuMemory, byteOffset: number, data: Uint8Array): void {
    this.flush(); // queue writes happen before command buffers that are submitted later
    const whole = data.length & ~3;
    const { queue } = this.gpu;
    this.faults.watch(`the upload to ${memory.label}`, NO_LOC, () => {
      if (whole) queue.writeBuffer(memory.buffer, byteOffset, data as Uint8Array<ArrayBuffer>, 0, whole);
      if (whole === data.length) return;
      const tail = new Uint8Array(4);
      tail.set(data.subarray(whole));
      queue.writeBuffer(memory.buffer, byteOffset + whole, tail);
    });
  }
  fill(region: StridedRegion, element: Uint8Array): void {
    const memory = region.memory as GpuMemory;
    const count = numel(region.shape);
    const from = region.offset * region.elemBytes;
    const bytes = count * region.elemBytes;
    const contiguous = region.strides.every((s, i) => region.shape[i] === 1 || s === numel(region.shape.slice(i + 1)));
    if (contiguous && from % 4 === 0 && bytes % 4 === 0 && element.every((b) => b === 0)) {
      if (this.recorder) {
        this.recorder.clear(memory, from, bytes);
        return;
      }
      this.use(memory);
      this.commands().clearBuffer(memory.buffer, from, bytes);
      return;
    }
    // One element, copied everywhere with strides of 0.
    const one = this.alloc(element.length, `fill of ${memory.label}`);
    this.write(one, 0, element);
    this.copy({ ...region, memory: one, offset: 0, strides: region.shape.map(() => 0) }, region);
    if (this.recorder) this.recorder.own.push(one.buffer);
    else this.free(one);
  }
  copy(from: StridedRegion, to: StridedRegion): void {
    const [src, dst] = [from.memory as GpuMemory, to.memory as GpuMemory];
    const words = copyWords(from, to);
    this.copier ??= this.faults.watch('the copy program', NO_LOC, () =>
      this.gpu.createComputePipeline({ layout: 'auto', compute: { module: this.gpu.createShaderModule({ code: COPY_WGSL }) } }),
    );
    const layout = this.copier.getBindGroupLayout(0);
    const groupOf = (uniforms: GPUBuffer, at: number): GPUBindGroup =>
      this.gpu.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: { buffer: src.buffer } },
          { binding: 1, resource: { buffer: dst.buffer } },
          { binding: 2, resource: { buffer: uniforms, offset: at, size: words.byteLength } },
        ],
      });
    const groups = foldGrid(Math.ceil(numel(to.shape) / 64), this.target.maxWorkgroupsPerDimension);
    if (this.recorder) {
      this.recorder.copy(groupOf, words, groups, dst.label);
      return;
    }
    const at = this.reserve(words.byteLength);
    new Uint32Array(this.uniformData, at, words.length).set(words);
    this.faults.watch(`a copy to ${dst.label}`, NO_LOC, () => {
      this.use(src);
      this.use(dst);
      this.encodeCopy(groupOf(this.uniforms, at), groups, dst.label);
    });
  }
  private encodeCopy(group: GPUBindGroup, groups: readonly [number, number, number], label: string): void {
    const pass = this.commands().beginComputePass({ label: `copy to ${label}` });
    pass.setPipeline(this.copier as GPUComputePipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...groups);
    pass.end();
  }
  peek(): null {
    return null;
  }
  async read(memory: GpuMemory, byteOffset: number, bytes: number): Promise<Uint8Array> {
    const from = byteOffset & ~3;
    const size = Math.ceil((byteOffset + bytes - from) / 4) * 4;
    const data = await this.readBack(memory.buffer, from, size, memory.label, memory);
    await this.report();
    return data.subarray(byteOffset - from, byteOffset - from + bytes).slice();
  }
  private async readBack(buffer: GPUBuffer, from: number, size: number, label: string, memory?: GpuMemory): Promise<Uint8Array> {
    const staging = this.buffer(`download of ${label}`, size, USAGE.MAP_READ | USAGE.COPY_DST);
    try {
      if (memory) this.use(memory);
      this.commands().copyBufferToBuffer(buffer, from, staging, 0, size);
      this.flush();
      try {
        await staging.mapAsync(MAP_READ);
      } catch (e) {
        await this.faults.settle();
        await Promise.all(this.compiling);
        const fault = this.faults.take();
        if (fault) throw fault;
        throw (
          this.lost ??
          (this.destroying ? new CompileError([diagnostic(NO_LOC, DEVICE.destroyed)]) : this.lose((e as Error).message))
        );
      }
      return new Uint8Array(staging.getMappedRange()).slice();
    } finally {
      staging.destroy();
    }
  }

  // ---- launches ------------------------------------------------------------------------------------------------------

  compile(func: Func, options: KernelOptions): Executable {
    if (!this.toWgsl) throw new Error('internal: this device was opened without the compiler');
    const program = this.toWgsl(func, this.target, options);
    return this.make(program, `${program.kernel} (${func.loc.file}:${func.loc.line})`);
  }
  load(program: WgslProgram): Executable {
    return this.make(program, program.kernel);
  }
  private make(program: WgslProgram, what: string): WgslExecutable {
    const exe = this.faults.watch(`the program of ${what}`, NO_LOC, () => new WgslExecutable(this.gpu, program));
    const told = exe.module.getCompilationInfo().then(
      ({ messages }) => {
        for (const m of messages) {
          const loc = m.type === 'error' ? program.lineMap[m.lineNum - 1] : null;
          if (loc && program.code.split('\n')[m.lineNum - 1]?.startsWith('  return ')) this.faults.inline(loc, m.message);
        }
        this.stats.wgslMessages.push(...messages.map((m) => `${what}: ${m.type} at WGSL line ${m.lineNum}: ${m.message}`));
      },
      () => undefined, // the device is gone; that is reported elsewhere
    );
    this.compiling.add(told);
    void told.then(() => this.compiling.delete(told));
    return exe;
  }

  launch(exe: WgslExecutable, request: LaunchRequest): void {
    const { program } = exe;
    if (program.log && !exe.log) {
      exe.log = this.buffer(`log of ${program.kernel}`, LOG_BYTES, USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST);
      this.withLog.add(exe);
    }
    const memories = program.bindings.map((b) => {
      const pointer = request.pointers.get(b.params[0]);
      if (!pointer) throw new Error(`internal: ${program.kernel} binds '${b.params[0]}', which is no pointer argument`);
      return pointer.memory as GpuMemory;
    });
    const groups = foldGrid(Math.ceil(numel(request.grid) / (program.programs ?? 1)), this.target.maxWorkgroupsPerDimension);
    if (this.recorder) {
      const { view, at } = program.uniform ? this.recorder.reserve(program.uniform.size) : NO_UNIFORMS;
      exe.writeUniforms(view, at, request);
      this.recorder.launch(exe, memories, at, groups, request);
      return;
    }
    const at = program.uniform ? this.reserve(program.uniform.size) : 0;
    exe.writeUniforms(this.uniformView, at, request);
    const group =
      exe.cachedBindGroup(memories) ??
      this.faults.watch(
        () => launchText(request),
        request.loc,
        () => exe.bindGroup(memories, this.uniforms),
      );
    for (const m of memories) this.use(m);
    this.encode({ exe, group, at, groups, request });
    if (this.inBatch.length >= BATCH) this.flush();
  }
  private encode({ exe, group, at, groups, request }: Dispatch): void {
    exe.logDirty = exe.program.log !== null;
    const timestampWrites = this.timer?.writes(request);
    if (timestampWrites) this.endPass();
    const pass = this.computePass(timestampWrites);
    if (this.inPass !== exe) pass.setPipeline(exe.pipeline);
    this.inPass = exe;
    this.dynamicOffset[0] = at;
    pass.setBindGroup(0, group, this.dynamicOffset, 0, exe.program.uniform ? 1 : 0);
    pass.dispatchWorkgroups(...groups);
    if (timestampWrites) this.endPass();
    this.recent.push(request);
    if (this.recent.length > 16 * REMEMBERED) this.recent.splice(0, this.recent.length - REMEMBERED);
    this.inBatch.push(request);
  }

  beginRecording(): void {
    this.recorder = new Recorder(this.gpu);
  }
  endRecording(): Recording {
    const recorder = this.recorder ?? new Recorder(this.gpu);
    this.recorder = null;
    const commands = this.faults.watch('a sequence', NO_LOC, () => recorder.finish());
    return {
      launches: commands.filter((c) => c.kind === 'launch').length,
      replay: () => {
        for (const c of commands) this.encodeAgain(c);
        this.flush();
      },
      free: () => {
        for (const buffer of recorder.own) buffer.destroy();
      },
    };
  }
  private encodeAgain(c: Command): void {
    if (c.kind === 'launch') this.encode(c.dispatch);
    else if (c.kind === 'copy') this.encodeCopy(c.group, c.groups, c.label);
    else this.commands().clearBuffer(c.memory.buffer, c.from, c.bytes);
  }

  /** The encoder, outside of any pass. */
  private commands(): GPUCommandEncoder {
    this.endPass();
    this.encoder ??= this.gpu.createCommandEncoder();
    return this.encoder;
  }
  /**
   * The pass that launches are encoded into: consecutive launches share one, which costs the host half as much. WebGPU orders the
   * dispatches of a pass and makes writes of one visible to the next.
   */
  private computePass(timestampWrites?: GPUComputePassTimestampWrites): GPUComputePassEncoder {
    this.pass ??= this.commands().beginComputePass(timestampWrites ? { timestampWrites } : undefined);
    return this.pass;
  }
  private endPass(): void {
    this.pass?.end();
    this.pass = null;
    this.inPass = null;
  }
  private use(memory: GpuMemory): void {
    memory.batch = this.batch;
  }
  /** Room for a uniform block in this batch; where it starts. */
  private reserve(bytes: number): number {
    const size = Math.ceil(bytes / this.uniformAlign) * this.uniformAlign;
    if (this.uniformUsed + size > UNIFORM_BYTES) this.flush();
    const at = this.uniformUsed;
    this.uniformUsed += size;
    return at;
  }
  /** Submits what is encoded. */
  private flush(): void {
    const { encoder } = this;
    if (!encoder) return;
    this.endPass();
    const requests = this.inBatch;
    const what = (): string => {
      const texts = [...new Set(requests.map(launchText))];
      return texts.length > 3
        ? `${texts.slice(0, 3).join(', ')} and ${texts.length - 3} more launches`
        : texts.join(', ') || 'a copy';
    };
    this.encoder = null;
    this.batch++;
    this.inBatch = [];
    this.faults.watch(what, requests[0]?.loc ?? NO_LOC, () => {
      if (this.uniformUsed) this.gpu.queue.writeBuffer(this.uniforms, 0, this.uniformData, 0, this.uniformUsed);
      this.gpu.queue.submit([encoder.finish()]);
    });
    this.uniformUsed = 0;
    this.stats.submits++;
    for (const memory of this.dying.splice(0)) memory.buffer.destroy();
    this.dyingBytes = 0;
  }

  beginProfile(): boolean {
    if (!this.gpu.features.has('timestamp-query')) return false;
    this.timer?.destroy();
    this.timer = new LaunchTimer(this.gpu);
    return true;
  }
  async endProfile(): Promise<LaunchTime[]> {
    const { timer } = this;
    this.timer = null;
    if (!timer) return [];
    try {
      const size = timer.resolve(this.commands());
      const bytes = size ? await this.readBack(timer.buffer, 0, size, 'timestamps') : new Uint8Array(0);
      await this.report();
      return timer.times(new BigUint64Array(bytes.buffer));
    } finally {
      timer.destroy();
    }
  }

  async sync(): Promise<void> {
    this.flush();
    await this.gpu.queue.onSubmittedWorkDone().catch(() => undefined);
    await this.report();
    this.recent = [];
  }
  /** Everything that launches have to say: faults, losses, prints and failed assertions. */
  private async report(): Promise<void> {
    await this.faults.settle();
    await Promise.all(this.compiling);
    const fault = this.faults.take();
    if (fault) throw fault;
    if (this.lost) throw this.lost;
    for (const exe of this.withLog) {
      const { log } = exe;
      if (!log || !exe.logDirty) continue;
      exe.logDirty = false;
      const words = await this.readBack(log, 0, LOG_BYTES, `the log of ${exe.program.kernel}`);
      this.commands().clearBuffer(log, 0, 4);
      this.flush();
      readLog(exe.program, new Uint32Array(words.buffer), this.sink);
    }
  }
  destroy(): void {
    this.destroying = true;
    this.encoder = null;
    for (const exe of this.withLog) exe.log?.destroy();
    this.timer?.destroy();
    this.uniforms.destroy();
    this.gpu.destroy();
  }
}
