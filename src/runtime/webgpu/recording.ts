// Commands kept to be encoded again: dispatches with bind groups and uniforms of their own, copies, clears. In: what a back end would have
// encoded. Out: a list that costs one loop and one submit a replay (WebGPU has no command buffers that can be submitted twice).
// Refuses to know queues and batches: the back end encodes.

import type { LaunchRequest } from '../backend.ts';
import type { GpuMemory } from './backend.ts';
import type { WgslExecutable } from './pipeline.ts';

// GPUBufferUsage; Dawn in Node does not put these tables on globalThis.
const UNIFORM_COPY_DST = 0x40 | 0x8;

type Groups = readonly [x: number, y: number, z: number];

/** A launch with everything that encoding it takes. `at` is where its uniforms start in the buffer of its bind group. */
export interface Dispatch {
  readonly exe: WgslExecutable;
  readonly group: GPUBindGroup;
  readonly at: number;
  readonly groups: Groups;
  readonly request: LaunchRequest;
}
export type Command =
  | { readonly kind: 'launch'; readonly dispatch: Dispatch }
  | { readonly kind: 'copy'; readonly group: GPUBindGroup; readonly groups: Groups; readonly label: string }
  | { readonly kind: 'clear'; readonly memory: GpuMemory; readonly from: number; readonly bytes: number };

export class Recorder {
  /** Buffers that go with the sequence. */
  readonly own: GPUBuffer[] = [];
  private readonly gpu: GPUDevice;
  private readonly align: number;
  private data = new Uint8Array(4096);
  private used = 0;
  /** Made with the uniform buffer, whose size is known at the end. */
  private readonly pending: ((uniforms: GPUBuffer) => Command)[] = [];

  constructor(gpu: GPUDevice) {
    this.gpu = gpu;
    this.align = gpu.limits.minUniformBufferOffsetAlignment;
  }

  /** Room for a uniform block. The view is good until the next call. */
  reserve(bytes: number): { view: DataView; at: number } {
    const at = this.used;
    this.used += Math.ceil(bytes / this.align) * this.align;
    if (this.used > this.data.length) {
      const larger = new Uint8Array(2 * this.used);
      larger.set(this.data);
      this.data = larger;
    }
    return { view: new DataView(this.data.buffer), at };
  }
  launch(exe: WgslExecutable, memories: readonly GpuMemory[], at: number, groups: Groups, request: LaunchRequest): void {
    this.pending.push((uniforms) => ({
      kind: 'launch',
      dispatch: { exe, group: exe.newBindGroup(memories, uniforms), at, groups, request },
    }));
  }
  copy(groupOf: (uniforms: GPUBuffer, at: number) => GPUBindGroup, words: Uint32Array, groups: Groups, label: string): void {
    const { view, at } = this.reserve(words.byteLength);
    new Uint32Array(view.buffer, at, words.length).set(words);
    this.pending.push((uniforms) => ({ kind: 'copy', group: groupOf(uniforms, at), groups, label }));
  }
  clear(memory: GpuMemory, from: number, bytes: number): void {
    this.pending.push(() => ({ kind: 'clear', memory, from, bytes }));
  }

  /** Uploads the uniforms and makes the bind groups. */
  finish(): readonly Command[] {
    const size = Math.max(16, this.used);
    const uniforms = this.gpu.createBuffer({ label: 'uniforms of a sequence', size, usage: UNIFORM_COPY_DST });
    if (this.used) this.gpu.queue.writeBuffer(uniforms, 0, this.data as Uint8Array<ArrayBuffer>, 0, this.used);
    this.own.push(uniforms);
    return this.pending.map((make) => make(uniforms));
  }
}
