// `kernel(function …)`: what a kernel is to the host. It holds the definition that the front end made and forwards launches to
// the device; compiling and running are the device's business.

import { fail, NO_LOC, registerSource } from './diagnostics.ts';
import { TL } from './messages.ts';
import type { LaunchArg } from './tl.ts';
import type { Definition } from './trace/definition.ts';
import type { DType } from './types.ts';

/** What a launch, a config or a kernel may say of how it is compiled. */
export interface LaunchOptions {
  /** Triton's launch options, as defaults of the kernel. A program gets at most num_warps · 32 invocations, with a dot exactly those where the device can. */
  readonly num_warps?: number;
  /** Accepted so that kernels port unchanged; WebGPU has no software pipelining to steer yet. */
  readonly num_stages?: number;
  /** Accepted so that kernels port unchanged: a program is one workgroup, and WGSL leaves fusing of a * b + c to the driver. */
  readonly num_ctas?: number;
  readonly enable_fp_fusion?: boolean;
  /** Accepted: WebGPU has no such limit of registers. */
  readonly maxnreg?: number | null;
  /** Accepted: `tl.device_assert` always checks, and the interpreter always finds accesses out of bounds. */
  readonly debug?: boolean;
}
/** Options of `kernel(…)`: defaults of its launches, and what Triton's `jit` takes. */
export interface KernelOptions extends LaunchOptions {
  /** Parameters, by name or place, whose values make no new specialisation: an integer that is 1 or divisible by 16 is like any other. */
  readonly do_not_specialize?: readonly (string | number)[];
  /** The same for divisibility and the alignment of pointers alone; 1 stays special. */
  readonly do_not_specialize_on_alignment?: readonly (string | number)[];
  /** Accepted: WGSL of a program is one function. */
  readonly noinline?: boolean;
}

/** What the language needs to know of a tensor; the runtime's `Tensor` is one. */
export interface TensorArg {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

type OptionalKeys<P> = { [K in keyof P]-?: undefined extends P[K] ? K : never }[keyof P];
/** Launch arguments by name: tensors for pointers, numbers for scalars, values for constexprs. */
export type LaunchArgs<P> = { [K in Exclude<keyof P, OptionalKeys<P>>]: LaunchArg<P[K], TensorArg> } & {
  [K in OptionalKeys<P>]?: LaunchArg<Exclude<P[K], undefined>, TensorArg>;
};
/** Programs along up to three axes, or a function of the launch's arguments (Triton's `lambda meta`). */
export type Grid =
  | readonly number[]
  | ((meta: { readonly [name: string]: never } & { readonly [name: string]: number }) => readonly number[]);

/** Where kernels run. `Device` of the runtime is one. */
export interface LaunchTarget {
  launch(kernel: AnyKernel, grid: Grid, args: { readonly [name: string]: unknown }, options?: LaunchOptions): void;
}

/** A kernel whose parameters are not known statically. */
export interface AnyKernel {
  readonly name: string;
  readonly definition: Definition;
  readonly options: KernelOptions;
}

/** A kernel with parameters P. `launch` checks its arguments, compiles what is new, and enqueues; see `Device.launch`. */
export interface Kernel<P = any> extends AnyKernel {
  /** A kernel that another kernel calls is expanded there, like a function made by `tl.fn`: `other({ x, n, BLOCK: 16 })`. */
  (params: P): void;
  /**
   * Runs the kernel once for every program of the grid: `k.launch(dev, [cdiv(n, 256)], { x, n, BLOCK: 256 })`. Checks the arguments, compiles
   * what is new, and enqueues; `await dev.sync()` or a download waits.
   * @throws CompileError for wrong arguments and for kernels that do not compile, before anything runs.
   */
  launch(device: LaunchTarget, grid: Grid, args: LaunchArgs<P>, options?: LaunchOptions): void;
}

/** Told of every kernel that is made: how tools find the kernels of a file that does not export them. */
export const kernelListeners = new Set<(k: AnyKernel) => void>();

/** The parts of a kernel put together. It is a function, which the tracer knows; plain JavaScript cannot call it. */
export function kernelObject<P>(
  name: string,
  options: KernelOptions,
  definition: () => Definition,
  launch: Kernel<P>['launch'],
): Kernel<P> {
  const call = (): never => fail(NO_LOC, TL.kernelCalled, name);
  return Object.defineProperties(call, {
    name: { value: name },
    options: { value: options, enumerable: true },
    definition: { get: definition, enumerable: true },
    launch: { value: launch, enumerable: true },
  }) as unknown as Kernel<P>;
}

/**
 * Makes a kernel of a function with one destructured object parameter whose type says what each parameter is:
 * `kernel(function add({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) { … })`.
 * The front end rewrites the function when the file is loaded or bundled; without it, `launch` fails with what to do.
 */
export function kernel<P>(source: ((params: P) => void) | Definition, options: KernelOptions = {}): Kernel<P> {
  const name = source.name || 'kernel';
  // Launch errors show the parameter's line, which the tracer may never see.
  if (typeof source !== 'function') registerSource(source.file, source.firstLine, source.text);
  const made: Kernel<P> = kernelObject(
    name,
    options,
    () => (typeof source === 'function' ? fail(NO_LOC, TL.untransformed, name) : source),
    (device, grid, args, launchOptions) => device.launch(made, grid, args as { readonly [name: string]: unknown }, launchOptions),
  );
  for (const listener of kernelListeners) listener(made);
  return made;
}
