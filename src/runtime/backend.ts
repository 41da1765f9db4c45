// The line between what is the same on every device (tensors, checks, specialisation, caches) and what is not: a back end
// allocates memory, moves bytes, turns a traced kernel into something it can run, and runs it. Two exist: webgpu/ and interpDevice.ts.

import type { Loc } from '../dsl/diagnostics.ts';
import type { Func } from '../dsl/ir/ir.ts';
import type { KernelOptions } from '../dsl/kernel.ts';
import type { WgslProgram } from '../lower/program.ts';

/** A piece of device memory. `bytes` is padded to 16. `id` is unique in the process. */
export interface Memory {
  readonly id: number;
  readonly bytes: number;
  readonly label: string;
}

/** A region of memory seen as an n-dimensional array; strides and offset in elements of `elemBytes`. */
export interface StridedRegion {
  readonly memory: Memory;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly elemBytes: number;
}

/** What a launch passes for one parameter: a pointer (memory and the offset of its first element) or a scalar. */
export interface PointerArg {
  readonly memory: Memory;
  /** In elements of the pointer's dtype. */
  readonly base: number;
}
export interface LaunchRequest {
  readonly kernel: string;
  readonly loc: Loc;
  readonly grid: readonly [number, number, number];
  readonly pointers: ReadonlyMap<string, PointerArg>;
  readonly scalars: ReadonlyMap<string, number | bigint>;
}

/** How long one launch ran on the device. */
export interface LaunchTime {
  readonly kernel: string;
  readonly grid: readonly [number, number, number];
  readonly nanoseconds: number;
  /** When it began, in nanoseconds from a point that all launches of the profile share. */
  readonly began: number;
}

/** A compiled kernel of one back end. `program` is there where the back end compiles to WGSL. */
export interface Executable {
  readonly program: WgslProgram | null;
}

/** Numbers that decide what a device can run; infinite on the interpreter. */
export interface DeviceLimits {
  readonly workgroupStorage: number;
  readonly invocations: number;
  readonly storageBuffers: number;
  readonly bindingSize: number;
  readonly bufferSize: number;
  readonly workgroupsPerDimension: number;
}

/** What the device is, for people: `tessera doctor` prints it. */
export interface DeviceInfo {
  /** One line: adapter and driver, or 'interpreter'. */
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  /** The adapter is a software renderer. */
  readonly software: boolean;
  /** Features that the device was made with. */
  readonly features: readonly string[];
  readonly subgroupSize: readonly [number, number] | null;
  /** Shapes of subgroup matrices, e.g. `f16 x f16 -> f32 16x16x16`. */
  readonly subgroupMatrices: readonly string[];
  readonly limits: DeviceLimits;
}

/** Counters of a device. They only grow, but for `bytesAllocated` and `buffers`, which are what tensors hold now. */
export interface DeviceStats {
  launches: number;
  /** Kernels traced to Tile IR, and programs compiled for the device: once for each specialisation. */
  traces: number;
  compiles: number;
  /** Launches that found their specialisation in the cache. */
  hits: number;
  /** Command buffers submitted; launches that were batched share one. */
  submits: number;
  uploads: number;
  downloads: number;
  bytesAllocated: number;
  buffers: number;
  peakBytes: number;
  /** What the driver’s WGSL compiler said of our programs (after a sync); empty unless Tessera’s compiler has a bug. */
  readonly wgslMessages: string[];
}

/** Commands that a back end kept instead of running them. Memory that they use must live as long as they are replayed. */
export interface Recording {
  readonly launches: number;
  /** Enqueues everything again, in order, and submits it. */
  replay(): void;
  free(): void;
}

export interface Backend {
  readonly kind: 'webgpu' | 'interp';
  readonly info: DeviceInfo;
  /** Says why nothing can run any more, or null. */
  readonly lost: Error | null;
  /** Zero-filled. `bytes` is what will be used; the memory's own `bytes` are padded. */
  alloc(bytes: number, label: string): Memory;
  free(memory: Memory): void;
  /** The offset is a multiple of 4. Up to 3 bytes after the data may be zeroed: the caller sees to it that they are padding. */
  write(memory: Memory, byteOffset: number, data: Uint8Array): void;
  /** Overwrites with one repeated element. */
  fill(region: StridedRegion, element: Uint8Array): void;
  /** Copies element by element; shapes are equal; the regions are of different memory. */
  copy(from: StridedRegion, to: StridedRegion): void;
  /** Offset and length are arbitrary. */
  read(memory: Memory, byteOffset: number, bytes: number): Promise<Uint8Array>;
  /** The bytes of a memory, where they are to be had without waiting; else null. */
  peek(memory: Memory): Uint8Array | null;
  compile(func: Func, options: KernelOptions): Executable;
  /** Makes an ahead-of-time program runnable; throws on back ends that have no WGSL. */
  load(program: WgslProgram): Executable;
  launch(exe: Executable, request: LaunchRequest): void;
  /** Launches, copies and fills from here to `endRecording` are kept, not run. */
  beginRecording(): void;
  endRecording(): Recording;
  /** Times every launch until `endProfile`; says no where the device has no timestamps. */
  beginProfile(): boolean;
  endProfile(): Promise<LaunchTime[]>;
  /** Resolves when everything enqueued is done; rejects with the first fault since the last call. */
  sync(): Promise<void>;
  destroy(): void;
}

let lastId = 0;
export const nextMemoryId = (): number => ++lastId;
/** Buffers are padded so that every view as vec4<u32> covers the last element, and none is empty. */
export const paddedBytes = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);
