// Public names of the package.

export { CompileError, type Diagnostic, type Loc } from './dsl/diagnostics.ts';
export { cdiv, next_power_of_2 } from './dsl/host.ts';
export {
  type AnyKernel,
  type Grid,
  type Kernel,
  type KernelOptions,
  kernel,
  type LaunchArgs,
  type LaunchOptions,
  type TensorArg,
} from './dsl/kernel.ts';
export { tl } from './dsl/tl.ts';
export { DTYPES, type DType, type DTypeName } from './dsl/types.ts';
export {
  type Autotuned,
  type AutotuneOptions,
  autotune,
  Config,
  type TunedArgs,
  type TuneProgress,
  type TuneStore,
  tuning,
} from './runtime/autotune.ts';
export {
  Device,
  type DeviceInfo,
  type DeviceLimits,
  type DeviceOptions,
  type DeviceStats,
  device,
  type Sequence,
  Tensor,
  type TensorData,
  type TensorOptions,
  type TypedArray,
} from './runtime/device.ts';
export { type Heuristic, heuristics } from './runtime/heuristics.ts';
export type { CompileEvent, LaunchEvent, LaunchListener } from './runtime/listeners.ts';
export { type BenchOptions, testing } from './runtime/testing.ts';
