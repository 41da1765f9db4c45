// One WGSL program made ready for a device: pipeline, bind groups (cached), the bytes of its uniform block, its log buffer.
// In: a WgslProgram. Out: what the back end needs to encode a dispatch. Refuses to know how programs are made.

import { toBits } from '../../dsl/numerics.ts';
import { DTYPES } from '../../dsl/types.ts';
import type { UniformField, WgslProgram } from '../../lower/program.ts';
import type { Executable, LaunchRequest } from '../backend.ts';
import type { GpuMemory } from './backend.ts';

const COMPUTE = 0x4; // GPUShaderStage.COMPUTE; Dawn in Node does not put these tables on globalThis
/** Cached bind groups of one program; a launch loop over many tensors starts over rather than grow without bound. */
const MAX_BIND_GROUPS = 512;

export class WgslExecutable implements Executable {
  readonly program: WgslProgram;
  readonly pipeline: GPUComputePipeline;
  readonly module: GPUShaderModule;
  /** Ring for device_print and device_assert, made at the first launch that needs it. */
  log: GPUBuffer | null = null;
  /** A launch since the log was last read may have written to it. */
  logDirty = false;
  private readonly gpu: GPUDevice;
  private readonly layout: GPUBindGroupLayout;
  private readonly bindGroups = new Map<string, GPUBindGroup>();

  constructor(gpu: GPUDevice, program: WgslProgram) {
    this.gpu = gpu;
    this.program = program;
    const label = program.kernel;
    const entries: GPUBindGroupLayoutEntry[] = program.bindings.map((b) => ({
      binding: b.binding,
      visibility: COMPUTE,
      buffer: { type: b.access === 'read' ? 'read-only-storage' : 'storage' },
    }));
    if (program.uniform) {
      entries.push({
        binding: program.uniform.binding,
        visibility: COMPUTE,
        buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: program.uniform.size },
      });
    }
    if (program.log) entries.push({ binding: program.log.binding, visibility: COMPUTE, buffer: { type: 'storage' } });
    this.layout = gpu.createBindGroupLayout({ label, entries });
    this.module = gpu.createShaderModule({ label, code: program.code });
    this.pipeline = gpu.createComputePipeline({
      label,
      layout: gpu.createPipelineLayout({ label, bindGroupLayouts: [this.layout] }),
      compute: { module: this.module, entryPoint: program.entryPoint },
    });
  }

  /** The bind group for these memories, in the order of `program.bindings`, if it was made before. */
  cachedBindGroup(memories: readonly GpuMemory[]): GPUBindGroup | undefined {
    return this.bindGroups.get(keyOf(memories));
  }
  /** Makes and keeps the bind group for these memories and this uniform buffer. */
  bindGroup(memories: readonly GpuMemory[], uniform: GPUBuffer): GPUBindGroup {
    const group = this.newBindGroup(memories, uniform);
    if (this.bindGroups.size >= MAX_BIND_GROUPS) this.bindGroups.clear();
    this.bindGroups.set(keyOf(memories), group);
    for (const m of memories) m.users.add(this);
    return group;
  }
  /** The same, not cached. */
  newBindGroup(memories: readonly GpuMemory[], uniform: GPUBuffer): GPUBindGroup {
    const { program } = this;
    const entries: GPUBindGroupEntry[] = memories.map((m, i) => ({
      binding: program.bindings[i].binding,
      resource: { buffer: m.buffer },
    }));
    if (program.uniform)
      entries.push({ binding: program.uniform.binding, resource: { buffer: uniform, size: program.uniform.size } });
    if (program.log && this.log) entries.push({ binding: program.log.binding, resource: { buffer: this.log } });
    return this.gpu.createBindGroup({ label: program.kernel, layout: this.layout, entries });
  }
  /** Drops the bind groups that hold a memory which is being freed. */
  forget(memory: GpuMemory): void {
    const id = String(memory.id);
    for (const key of this.bindGroups.keys()) if (key.split(',').includes(id)) this.bindGroups.delete(key);
  }

  /** Writes the uniform block of a launch. */
  writeUniforms(view: DataView, at: number, request: LaunchRequest): void {
    for (const f of this.program.uniform?.fields ?? []) writeField(view, at + f.offset, f, request);
  }
}

const keyOf = (memories: readonly GpuMemory[]): string => memories.map((m) => m.id).join(',');

function writeField(view: DataView, at: number, field: UniformField, { grid, pointers, scalars, kernel }: LaunchRequest): void {
  const { source } = field;
  switch (source.kind) {
    case 'bits':
      view.setUint32(at, source.bits, true);
      return;
    case 'grid':
      view.setUint32(at, grid[source.axis], true);
      return;
    case 'base': {
      const pointer = pointers.get(source.param);
      if (!pointer) throw new Error(`internal: ${kernel} has a base for '${source.param}', which is no pointer argument`);
      view.setUint32(at, pointer.base, true);
      return;
    }
    case 'scalar': {
      const value = scalars.get(source.param);
      if (value === undefined)
        throw new Error(`internal: ${kernel} has a field for '${source.param}', which is no scalar argument`);
      const dtype = DTYPES[source.dtype];
      // f32 words hold every narrower float exactly; integers are written by their bits, so that negative ones wrap right.
      if (field.type === 'f32') view.setFloat32(at, Number(value), true);
      else if (field.type === 'vec2<u32>') view.setBigUint64(at, BigInt(toBits(dtype, value)), true);
      else if (dtype.kind === 'int') view.setInt32(at, Number(value), true);
      else view.setUint32(at, Number(toBits(dtype, value)), true);
    }
  }
}

/**
 * A grid of `total` programs as workgroup counts of at most `max` a dimension; the kernel finds its flat index from them and the
 * surplus (fewer than one row) ends at once.
 */
export function foldGrid(total: number, max: number): [number, number, number] {
  if (total <= max) return [total, 1, 1];
  const z = Math.ceil(total / (max * max));
  const perLayer = Math.ceil(total / z);
  const y = Math.ceil(perLayer / max);
  return [Math.ceil(perLayer / y), y, z];
}
