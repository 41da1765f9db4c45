// Finding a WebGPU adapter and making a GPUDevice of it: the browser's navigator.gpu, or Dawn (npm package `webgpu`) in Node, loaded only
// when asked. Asks for every limit the adapter has and the features that kernels can use. Refuses to know kernels and tensors.

import { fail, NO_LOC } from '../../dsl/diagnostics.ts';
import type { ProfileName } from '../../lower/profiles.ts';
import type { Target } from '../../lower/program.ts';
import type { DeviceInfo, DeviceLimits } from '../backend.ts';
import { DEVICE } from '../messages.ts';

export const SUBGROUP_MATRIX = 'chromium-experimental-subgroup-matrix';
/** Features that are taken whenever the adapter offers them. */
const WANTED = ['shader-f16', 'subgroups', 'subgroup-size-control', 'timestamp-query', SUBGROUP_MATRIX];

export interface AdapterOptions {
  /** Chooses among adapters: a power preference, or in Node (part of) the name of one. */
  readonly adapter?: 'low-power' | 'high-performance' | (string & {});
  /** Features without which the device is of no use. */
  readonly features?: readonly string[];
  /** Exact timestamps (Dawn quantises them to 65 µs otherwise), for benchmarks. */
  readonly timestamps?: boolean;
}

/** Why there is no adapter, for people. */
export class NoAdapter extends Error {}

const ENABLED = 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia';
const EXACT_TIME = 'disable-dawn-features=timestamp_quantization';

/**
 * Objects that Dawn's `create()` returned, by their options. They stay on globalThis until the process ends: a collected instance
 * aborts the process while any of its objects is in use, and wrappers of dead objects are collected in no certain order.
 */
const INSTANCES = Symbol.for('tessera.dawn');
type Instances = Map<string, GPU>;

async function gpuObject(options: AdapterOptions): Promise<GPU> {
  const browser = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (browser) return browser;
  if (typeof process === 'undefined' || !process.versions?.node) {
    throw new NoAdapter('this browser has no WebGPU (navigator.gpu), or the page is not served over https or from localhost');
  }
  const name = 'webgpu'; // a variable, so that bundlers for browsers do not try to resolve it
  let create: (options: string[]) => GPU;
  try {
    ({ create } = await import(/* @vite-ignore */ /* webpackIgnore: true */ name));
  } catch (e) {
    const missing = (e as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
    throw new NoAdapter(
      missing ? "the package 'webgpu' is not installed" : `the package 'webgpu' does not load: ${(e as Error).message}`,
    );
  }
  const args = [ENABLED, ...(options.timestamps ? [EXACT_TIME] : [])];
  if (options.adapter && !/^(low-power|high-performance)$/.test(options.adapter)) args.push(`adapter=${options.adapter}`);
  const g = globalThis as { [INSTANCES]?: Instances };
  g[INSTANCES] ??= new Map();
  const key = args.join(' ');
  let gpu = g[INSTANCES].get(key);
  if (!gpu) g[INSTANCES].set(key, (gpu = create(args)));
  return gpu;
}

/** The adapter, or a NoAdapter error that says what is in the way. */
export async function findAdapter(options: AdapterOptions = {}): Promise<GPUAdapter> {
  const gpu = await gpuObject(options);
  const power = options.adapter === 'low-power' ? 'low-power' : 'high-performance';
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: power });
  } catch (e) {
    throw new NoAdapter(`asking for an adapter failed: ${(e as Error).message}`);
  }
  if (!adapter) throw new NoAdapter('no adapter: no driver that Dawn accepts was found');
  return adapter;
}

interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}
type Info = GPUAdapterInfo & { subgroupMatrixConfigs?: readonly MatrixConfig[]; isFallbackAdapter?: boolean };

/** A GPUDevice with everything useful that the adapter has, and the adapter's info. An adapter makes one device. */
export async function openGpu(options: AdapterOptions = {}): Promise<{ gpu: GPUDevice; adapter: GPUAdapter }> {
  const adapter = await findAdapter(options);
  for (const f of options.features ?? []) {
    if (!adapter.features.has(f)) fail(NO_LOC, DEVICE.noFeature, f, adapterName(adapter.info));
  }
  const features = new Set([...WANTED.filter((f) => adapter.features.has(f)), ...(options.features ?? [])]);
  const requiredLimits: { [name: string]: number } = {};
  for (const name of limitNames(adapter.limits))
    requiredLimits[name] = adapter.limits[name as keyof GPUSupportedLimits] as number;
  const gpu = await adapter.requestDevice({ requiredFeatures: [...features] as GPUFeatureName[], requiredLimits });
  return { gpu, adapter };
}
/** Limits are getters of the prototype, in browsers and in Dawn. */
const limitNames = (limits: GPUSupportedLimits): string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(limits)).filter(
    (n) => typeof limits[n as keyof GPUSupportedLimits] === 'number',
  );

const adapterName = (info: GPUAdapterInfo): string => info.description || info.device || info.vendor || 'unknown';

const isSoftware = (info: Info): boolean => info.isFallbackAdapter === true || /llvmpipe|swiftshader/i.test(adapterName(info));

/** SwiftShader limits the argument of exp2 by a minimum that drops NaN, and makes exp of it. Of all built-ins only these two do that there. */
const losesNan = (info: Info): readonly string[] => (/swiftshader/i.test(adapterName(info)) ? ['exp', 'exp2'] : []);

const matrixConfigs = (gpu: GPUDevice, adapter: GPUAdapter): readonly MatrixConfig[] =>
  gpu.features.has(SUBGROUP_MATRIX) ? [...((adapter.info as Info).subgroupMatrixConfigs ?? [])] : [];

/** What the code generator needs to know of the device. */
export function targetOf(gpu: GPUDevice, adapter: GPUAdapter, profile?: ProfileName): Target {
  const subgroups = gpu.features.has('subgroups');
  return {
    profile: profile ?? (isSoftware(adapter.info) ? 'software' : 'gpu'),
    subgroups,
    subgroupMinSize: subgroups ? (adapter.info.subgroupMinSize ?? 0) : 0,
    subgroupMaxSize: subgroups ? (adapter.info.subgroupMaxSize ?? 0) : 0,
    shaderF16: gpu.features.has('shader-f16'),
    losesNan: losesNan(adapter.info),
    matrices: matrixConfigs(gpu, adapter).map((c) => ({
      type: c.componentType,
      result: c.resultComponentType,
      M: c.M,
      N: c.N,
      K: c.K,
    })),
    maxWorkgroupStorage: gpu.limits.maxComputeWorkgroupStorageSize,
    maxInvocations: gpu.limits.maxComputeInvocationsPerWorkgroup,
    maxStorageBuffers: gpu.limits.maxStorageBuffersPerShaderStage,
    maxWorkgroupsPerDimension: gpu.limits.maxComputeWorkgroupsPerDimension,
  };
}

export function infoOf(gpu: GPUDevice, adapter: GPUAdapter): DeviceInfo {
  const info = adapter.info as Info;
  const { limits } = gpu;
  const configs = matrixConfigs(gpu, adapter);
  return {
    description: adapterName(info),
    vendor: info.vendor,
    architecture: info.architecture,
    driver: info.description || info.device,
    software: isSoftware(info),
    features: [...gpu.features].sort(),
    subgroupSize: gpu.features.has('subgroups') ? [info.subgroupMinSize ?? 0, info.subgroupMaxSize ?? 0] : null,
    subgroupMatrices: configs.map(
      (c) => `${c.componentType} x ${c.componentType} -> ${c.resultComponentType} ${c.M}x${c.N}x${c.K}`,
    ),
    limits: {
      workgroupStorage: limits.maxComputeWorkgroupStorageSize,
      invocations: limits.maxComputeInvocationsPerWorkgroup,
      storageBuffers: limits.maxStorageBuffersPerShaderStage,
      bindingSize: limits.maxStorageBufferBindingSize,
      bufferSize: limits.maxBufferSize,
      workgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    } satisfies DeviceLimits,
  };
}
