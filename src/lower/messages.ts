// Messages of lowering and of limits that are known when a kernel is compiled (TL3xxx). One row a message.

import { message } from '../dsl/diagnostics.ts';

export const LOWER = {
  dtypeUnsupported: message('TL3001', (dtype: string, what: string) => ({
    text: `the WebGPU back end cannot ${what} ${dtype}`,
    notes: dtype === 'f64' ? ['WGSL has no 64-bit floats'] : [],
    help: 'use a 32-bit dtype, or run the kernel on the interpreter (device kind "interp")',
  })),
  pointerMerge: message('TL3002', (what: string, a: string, b: string) => ({
    text: `${what} chooses between pointers into different buffers ('${a}' and '${b}')`,
    notes: ['in WGSL a buffer is a binding, not a value: an address is an offset into one known buffer'],
    help: 'choose the offset instead of the pointer, or load from both and choose the value',
  })),
  workgroupMemory: message('TL3003', (what: string, need: number, limit: number, fits: string) => ({
    text: `${what} needs ${need} bytes of workgroup memory, but the device has ${limit}`,
    notes: [fits],
    help: 'use smaller blocks, or a device with a larger maxComputeWorkgroupStorageSize',
  })),
  invocations: message('TL3004', (asked: number, limit: number) => ({
    text: `the kernel asks for ${asked} invocations a program, but the device allows ${limit}`,
    help: 'lower num_warps (32 invocations a warp)',
  })),
  storageBuffers: message('TL3005', (need: number, limit: number, names: string) => ({
    text: `the kernel uses ${need} storage buffers, but the device allows ${limit}`,
    notes: [`buffers: ${names}`],
    help: 'pass pointers that are views of one tensor, which share a buffer, or split the kernel',
  })),
  mixedBuffer: message('TL3006', (params: string, dtypes: string) => ({
    text: `${params} share a buffer but have different dtypes (${dtypes})`,
    notes: ['a WGSL binding has one element type, and one buffer cannot be bound twice when it is written'],
    help: 'pass separate buffers, or the same dtype',
  })),
  opUnsupported: message('TL3007', (op: string) => ({
    text: `the WebGPU back end has no lowering for ${op} yet`,
    help: 'run the kernel on the interpreter (device kind "interp")',
  })),
  atomicWide: message('TL3010', (what: string, dtype: string) => ({
    text: `${what} on ${dtype} cannot be done in one step on WebGPU`,
    notes: ['WGSL has atomic operations on 32 bits only; of 64-bit integers, sums and bitwise operations can be made of them'],
    help: 'use i32 or u32 elements, or run the kernel on the interpreter (device kind "interp")',
  })),
  atomicWideResult: message('TL3011', (what: string, dtype: string) => ({
    text: `what ${what} on ${dtype} returns is not known on WebGPU`,
    notes: [
      'the two halves of a 64-bit element are changed one after the other; the element ends up right, but no one sees it whole',
    ],
    help: 'leave the result unused, use i32 or u32 elements, or run the kernel on the interpreter (device kind "interp")',
  })),
  tooManyElements: message('TL3008', (shape: string, each: number, invocations: number) => ({
    text: `a tile of ${shape} puts ${each} elements into each of ${invocations} invocations`,
    notes: ['more than 1024 registers an invocation do not compile on any device'],
    help: 'use a smaller block, or loop over parts of it',
  })),
};
