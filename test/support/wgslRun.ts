// Runs a WgslProgram on Dawn directly, without the runtime: for tests of the WGSL back end alone. Refuses any message of
// the WGSL compiler, warnings included.

import { create, globals } from 'webgpu';
import { DTYPES } from '../../src/dsl/types.ts';
import type { Target, WgslProgram } from '../../src/lower/program.ts';

Object.assign(globalThis, globals);
const keep = globalThis as { __testGpu?: GPU };

export interface TestDevice {
  readonly device: GPUDevice;
  readonly name: string;
  readonly target: Target;
}
let opened: Promise<TestDevice> | undefined;

/** The adapter that Vulkan offers (the environment chooses the driver), with all optional features that code may use. */
export function testDevice(): Promise<TestDevice> {
  opened ??= open();
  return opened;
}
async function open(): Promise<TestDevice> {
  keep.__testGpu ??= create(['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia']) as GPU;
  const adapter = await keep.__testGpu.requestAdapter();
  if (!adapter) throw new Error('no Vulkan adapter: set VK_DRIVER_FILES (scripts/with-vulkan.mjs does)');
  const want = ['shader-f16', 'subgroups'].filter((f) => adapter.features.has(f as GPUFeatureName)) as GPUFeatureName[];
  const limits = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: want,
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    },
  });
  const info = adapter.info as GPUAdapterInfo & { subgroupMinSize?: number; subgroupMaxSize?: number };
  return {
    device,
    name: `${info.vendor} ${info.description}`,
    target: {
      subgroups: want.includes('subgroups' as GPUFeatureName),
      subgroupMinSize: info.subgroupMinSize ?? 0,
      subgroupMaxSize: info.subgroupMaxSize ?? 0,
      shaderF16: want.includes('shader-f16'),
      matrices: [],
      maxWorkgroupStorage: limits.maxComputeWorkgroupStorageSize,
      profile: 'gpu',
      maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
      maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
      maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    },
  };
}

/** Compiles a module and throws on any message at all. */
export async function compileModule(device: GPUDevice, code: string): Promise<GPUShaderModule> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code });
  const info = await module.getCompilationInfo();
  const error = await device.popErrorScope();
  if (info.messages.length || error) {
    const lines = code.split('\n');
    const text = info.messages.map((m) => `${m.type} ${m.lineNum}:${m.linePos} ${m.message}\n  ${lines[m.lineNum - 1] ?? ''}`);
    throw new Error(`WGSL messages:\n${text.join('\n')}\n${error?.message ?? ''}`);
  }
  return module;
}

/** One buffer by parameter name: bytes that are uploaded, and replaced by what the launch left. */
export type Buffers = { [param: string]: ArrayBufferView };

export interface RunOptions {
  readonly grid?: readonly number[];
  readonly scalars?: { readonly [param: string]: number | bigint | boolean };
  /** Element offset of a pointer in its buffer. */
  readonly bases?: { readonly [param: string]: number };
  readonly maxPerDimension?: number;
}

/** Runs the program once; buffers are updated in place. Returns the words of the log ring after the counter. */
export async function runWgsl(
  t: TestDevice,
  program: WgslProgram,
  buffers: Buffers,
  options: RunOptions = {},
): Promise<Uint32Array> {
  const { device } = t;
  const module = await compileModule(device, program.code);
  device.pushErrorScope('validation');
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module, entryPoint: program.entryPoint },
  });
  const entries: GPUBindGroupEntry[] = [];
  const back: { view: ArrayBufferView; gpu: GPUBuffer; read: GPUBuffer }[] = [];
  const storage = (bytes: number) =>
    device.createBuffer({ size: Math.max(16, Math.ceil(bytes / 16) * 16), usage: 0x80 | 0x4 | 0x8 });
  for (const b of program.bindings) {
    const view = b.params.map((p) => buffers[p]).find((v) => v);
    if (!view) throw new Error(`no buffer for ${b.params.join(', ')}`);
    const gpu = storage(view.byteLength);
    const padded = new Uint8Array(Math.ceil(view.byteLength / 4) * 4);
    padded.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    device.queue.writeBuffer(gpu, 0, padded);
    entries.push({ binding: b.binding, resource: { buffer: gpu } });
    if (b.access === 'read_write') back.push({ view, gpu, read: device.createBuffer({ size: gpu.size, usage: 0x1 | 0x8 }) });
  }
  const grid = [1, 1, 1].map((one, i) => options.grid?.[i] ?? one);
  if (program.uniform) {
    const data = new DataView(new ArrayBuffer(program.uniform.size));
    for (const f of program.uniform.fields) {
      const s = f.source;
      if (s.kind === 'bits') data.setUint32(f.offset, s.bits, true);
      else if (s.kind === 'grid') data.setUint32(f.offset, grid[s.axis], true);
      else if (s.kind === 'base') data.setInt32(f.offset, options.bases?.[s.param] ?? 0, true);
      else {
        const v = options.scalars?.[s.param];
        if (v === undefined) throw new Error(`no scalar ${s.param}`);
        if (DTYPES[s.dtype].is_floating()) data.setFloat32(f.offset, Number(v), true);
        else if (DTYPES[s.dtype].bits === 64) data.setBigUint64(f.offset, BigInt.asUintN(64, BigInt(v)), true);
        else data.setUint32(f.offset, Number(v) >>> 0, true);
      }
    }
    const u = device.createBuffer({ size: Math.ceil(program.uniform.size / 16) * 16, usage: 0x40 | 0x8 });
    device.queue.writeBuffer(u, 0, data.buffer);
    entries.push({ binding: program.uniform.binding, resource: { buffer: u } });
  }
  let log: { gpu: GPUBuffer; read: GPUBuffer } | undefined;
  if (program.log) {
    log = { gpu: storage(65536), read: device.createBuffer({ size: 65536, usage: 0x1 | 0x8 }) };
    entries.push({ binding: program.log.binding, resource: { buffer: log.gpu } });
  }
  const total = grid[0] * grid[1] * grid[2];
  const max = options.maxPerDimension ?? 65535;
  const x = Math.min(total, max);
  const y = Math.min(Math.ceil(total / x), max);
  const z = Math.ceil(total / (x * y));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(x, y, z);
  pass.end();
  for (const b of back) encoder.copyBufferToBuffer(b.gpu, 0, b.read, 0, b.gpu.size);
  if (log) encoder.copyBufferToBuffer(log.gpu, 0, log.read, 0, 65536);
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) throw new Error(`validation: ${error.message}`);
  for (const b of back) {
    await b.read.mapAsync(1);
    const bytes = new Uint8Array(b.read.getMappedRange());
    new Uint8Array(b.view.buffer, b.view.byteOffset, b.view.byteLength).set(bytes.subarray(0, b.view.byteLength));
    b.read.destroy();
  }
  let words = new Uint32Array();
  if (log) {
    await log.read.mapAsync(1);
    words = new Uint32Array(log.read.getMappedRange().slice(0));
  }
  for (const e of entries) ((e.resource as GPUBufferBinding).buffer as GPUBuffer).destroy();
  return words;
}
