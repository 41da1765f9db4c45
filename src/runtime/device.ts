// `device()`: the device with the whole compiler behind it. This is the one place where the stages meet: tracer (dsl), WGSL and
// interpreter (lower), and the two back ends.

import { traceKernel } from '../dsl/trace/trace.ts';
import { compileWgsl } from '../lower/wgsl/compile.ts';
import type { Device } from './core.ts';
import { InterpBackend } from './interpDevice.ts';
import { defaultThreads } from './interpThreads.ts';
import { type Compiler, type DeviceOptions, openDevice } from './open.ts';

const COMPILER: Compiler = {
  trace: traceKernel,
  // num_warps is a wish: Triton's warps have 32 lanes, and a device may allow fewer invocations than a GPU's.
  toWgsl: (func, target, { num_warps }) => compileWgsl(func, target, { num_warps }),
  interpreter: (sink, threads = defaultThreads()) => new InterpBackend(sink, threads),
};

/**
 * Opens a device: WebGPU (the browser's, or Dawn through the npm package `webgpu` in Node) where there is an adapter, else the
 * interpreter, which is said once on stderr. The device has the adapter's largest limits and every feature that kernels can use.
 * @throws CompileError TL4201 when `features` names one that the adapter does not offer.
 */
export function device(options: DeviceOptions = {}): Promise<Device> {
  return openDevice(options, COMPILER);
}

export type { DeviceInfo, DeviceLimits, DeviceStats, LaunchTime } from './backend.ts';
export type { TensorData, TypedArray } from './convert.ts';
export { Device, type TensorOptions } from './core.ts';
export type { DeviceOptions } from './open.ts';
export type { Sequence } from './sequence.ts';
export { Tensor } from './tensor.ts';
