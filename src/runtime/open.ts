// Opening a device: WebGPU where there is an adapter, else the interpreter, which is announced once. The parts of the compiler are
// handed in: device.ts gives all of them, an application that only launches ahead-of-time programs gives none.

import type { Func } from '../dsl/ir/ir.ts';
import type { KernelOptions } from '../dsl/kernel.ts';
import type { ProfileName } from '../lower/profiles.ts';
import type { Target, WgslProgram } from '../lower/program.ts';
import type { Backend, DeviceStats } from './backend.ts';
import { Device, type Trace } from './core.ts';
import { intercept } from './intercept.ts';
import { type AdapterOptions, infoOf, NoAdapter, openGpu, targetOf } from './webgpu/adapter.ts';
import { WebGpuBackend } from './webgpu/backend.ts';
import type { LogSink } from './webgpu/log.ts';

export interface DeviceOptions extends AdapterOptions {
  /** 'interp' for the interpreter; 'webgpu' (the default) for WebGPU where there is an adapter. */
  readonly prefer?: 'webgpu' | 'interp';
  /** Whom to choose workgroup sizes for; by default what the adapter is. Changes speed only. */
  readonly profile?: ProfileName;
  /** Interpreter: cores that share the programs of a launch. All by default in Node; 1 in browsers, and while a debugger listens. */
  readonly threads?: number;
  /** Receives the lines of device_print; console.log when absent. */
  readonly onLog?: LogSink;
}

export interface Compiler {
  readonly trace: Trace;
  readonly toWgsl: (func: Func, target: Target, options: KernelOptions) => WgslProgram;
  readonly interpreter: (sink: LogSink, threads?: number) => Backend;
}

const newStats = (): DeviceStats => ({
  launches: 0,
  traces: 0,
  compiles: 0,
  hits: 0,
  submits: 0,
  uploads: 0,
  downloads: 0,
  bytesAllocated: 0,
  buffers: 0,
  peakBytes: 0,
  wgslMessages: [],
});

let announced = false;

/** Opens a device with these parts of a compiler; see `device()`. With none it is WebGPU or an error, and runs `launchProgram` only. */
export async function openDevice(options: DeviceOptions, compiler: Compiler | null): Promise<Device> {
  const stats = newStats();
  const sink = options.onLog ?? ((line: string) => console.log(line));
  const trace = compiler?.trace ?? null;
  if ((options.prefer !== 'interp' && !intercept.listener) || !compiler) {
    try {
      const { gpu, adapter } = await openGpu(options);
      const backend = new WebGpuBackend(
        gpu,
        infoOf(gpu, adapter),
        targetOf(gpu, adapter, options.profile),
        stats,
        compiler?.toWgsl ?? null,
        sink,
      );
      return new Device(backend, stats, trace);
    } catch (e) {
      if (!(e instanceof NoAdapter) || !compiler) throw e;
      if (!announced)
        console.warn(`tessera: using the interpreter on the CPU: ${e.message}. Run \`tessera doctor\` to see what is missing.`);
      announced = true;
    }
  }
  return new Device(compiler.interpreter(sink, options.threads), stats, trace);
}
