// Launches the kernel of 01-vector-add from the two files that `tessera build` writes. WebGPU alone: nothing of Tessera is imported.
//   npm run -s tessera -- build examples/01-vector-add.ts --kernel add_kernel --signature 'BLOCK_SIZE=1024' -o build/aot
//   node examples/06-aot-launch/launch.mjs build/aot/add_kernel.json

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { create } from 'webgpu';

const manifestPath = process.argv[2];
const program = JSON.parse(readFileSync(manifestPath, 'utf8'));
const code = readFileSync(join(dirname(manifestPath), program.wgsl), 'utf8');

const gpu = create([]); // In a browser: navigator.gpu. Dawn wants this object kept for as long as the device lives.
const adapter = await gpu.requestAdapter();
const device = await adapter.requestDevice({ requiredFeatures: program.features, requiredLimits: program.limits });

const n = 10_000;
const [x, y] = [Float32Array.from({ length: n }, (_, i) => i / 8), Float32Array.from({ length: n }, (_, i) => 1000 - i)];
const grid = [Math.ceil(n / 1024), 1, 1]; // BLOCK_SIZE of the signature

// Storage buffers, padded to 16 bytes; usage: STORAGE, COPY_DST, COPY_SRC.
const buffer = (data, usage = 0x80 | 0x08 | 0x04) => {
  const b = device.createBuffer({ size: Math.ceil(data.byteLength / 16) * 16, usage });
  device.queue.writeBuffer(b, 0, data);
  return b;
};
const tensors = { x_ptr: buffer(x), y_ptr: buffer(y), output_ptr: buffer(new Float32Array(n)) };
const scalars = { n_elements: n };

// The uniform block: run-time scalars, offsets of pointers in their buffers, the grid, and bit patterns that the code asks for.
const block = new DataView(new ArrayBuffer(program.uniform.size));
for (const { offset, type, source } of program.uniform.fields) {
  if (source.kind === 'scalar' && type === 'f32') block.setFloat32(offset, scalars[source.param], true);
  else if (source.kind === 'scalar' && type === 'vec2<u32>') block.setBigInt64(offset, BigInt(scalars[source.param]), true);
  else if (source.kind === 'scalar') block.setInt32(offset, scalars[source.param], true);
  else if (source.kind === 'base') block.setUint32(offset, 0, true);
  else if (source.kind === 'grid') block.setUint32(offset, grid[source.axis], true);
  else block.setUint32(offset, source.bits, true);
}

const layoutOf = (b) => ({
  binding: b.binding,
  visibility: 0x4, // COMPUTE
  buffer: { type: b.access === 'read' ? 'read-only-storage' : 'storage' },
});
const layout = device.createBindGroupLayout({
  entries: [
    ...program.bindings.map(layoutOf),
    { binding: program.uniform.binding, visibility: 0x4, buffer: { type: 'uniform' } },
  ],
});
const entries = program.bindings.map((b) => ({ binding: b.binding, resource: { buffer: tensors[b.params[0]] } }));
entries.push({ binding: program.uniform.binding, resource: { buffer: buffer(block.buffer, 0x40 | 0x08) } });
const pipeline = device.createComputePipeline({
  layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
  compute: { module: device.createShaderModule({ code }), entryPoint: program.entryPoint },
});

// Program ids come from a flat index, so that a grid of any shape is folded into the dimensions that a dispatch may have.
// Small programs share a workgroup.
const groups = Math.ceil((grid[0] * grid[1] * grid[2]) / (program.programs ?? 1));
const width = Math.min(groups, device.limits.maxComputeWorkgroupsPerDimension);
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();
pass.setPipeline(pipeline);
pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
pass.dispatchWorkgroups(width, Math.ceil(groups / width));
pass.end();
const readback = device.createBuffer({ size: tensors.output_ptr.size, usage: 0x01 | 0x08 }); // MAP_READ, COPY_DST
encoder.copyBufferToBuffer(tensors.output_ptr, 0, readback, 0, readback.size);
device.queue.submit([encoder.finish()]);
await readback.mapAsync(0x1);
const got = new Float32Array(readback.getMappedRange()).slice(0, n);

const error = got.reduce((worst, v, i) => Math.max(worst, Math.abs(v - (x[i] + y[i]))), 0);
console.log(`${adapter.info.description || adapter.info.vendor}: ${n} sums from ${program.wgsl}, largest error ${error}`);
device.destroy();
process.exitCode = error === 0 ? 0 : 1;
