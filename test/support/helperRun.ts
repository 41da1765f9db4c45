// Runs one helper of the WGSL prelude on the device, an element an invocation.

import { helperOf, preludeText } from '../../src/lower/wgsl/prelude.ts';
import { compileModule, testDevice } from './wgslRun.ts';

/** Runs a helper over operand words; 64-bit operands take two words each, a result of vec4 four. */
export async function evaluate(name: string, operands: Uint32Array[], n: number): Promise<Uint32Array> {
  const { device } = await testDevice();
  const h = helperOf(name)!;
  const width = (t: string) => (t === 'vec2<u32>' ? 2 : t.startsWith('vec4') ? 4 : 1);
  const load = (t: string, i: number) =>
    t === 'vec2<u32>'
      ? `vec2<u32>(in${i}[g * 2u], in${i}[g * 2u + 1u])`
      : t === 'bool'
        ? `(in${i}[g] != 0u)`
        : t === 'u32'
          ? `in${i}[g]`
          : `bitcast<${t}>(in${i}[g])`;
  const put =
    width(h.ret) === 4
      ? 'let w = bitcast<vec4<u32>>(r); for (var k = 0u; k < 4u; k++) { out[g * 4u + k] = w[k]; }'
      : width(h.ret) === 2
        ? 'out[g * 2u] = r.x; out[g * 2u + 1u] = r.y;'
        : h.ret === 'bool'
          ? 'out[g] = select(0u, 1u, r);'
          : 'out[g] = bitcast<u32>(r);';
  const code = [
    ...preludeText([name]),
    ...h.params.map((_, i) => `@group(0) @binding(${i}) var<storage, read> in${i}: array<u32>;`),
    `@group(0) @binding(${h.params.length}) var<storage, read_write> out: array<u32>;`,
    `@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {`,
    `  let g = id.x; if (g >= ${n}u) { return; }`,
    `  let r = ${name}(${h.params.map(load).join(', ')}); ${put}`,
    `}`,
  ].join('\n');
  const module = await compileModule(device, code);
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const bufs = operands.map((o) => {
    const b = device.createBuffer({ size: o.byteLength, usage: 0x88 });
    device.queue.writeBuffer(b, 0, o as Uint32Array<ArrayBuffer>);
    return b;
  });
  const size = n * width(h.ret) * 4;
  const out = device.createBuffer({ size, usage: 0x84 });
  const read = device.createBuffer({ size, usage: 0x9 });
  const enc = device.createCommandEncoder();
  const pass = enc.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [...bufs, out].map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  );
  pass.dispatchWorkgroups(Math.ceil(n / 64));
  pass.end();
  enc.copyBufferToBuffer(out, 0, read, 0, size);
  device.queue.submit([enc.finish()]);
  await read.mapAsync(1);
  return new Uint32Array(read.getMappedRange().slice(0));
}
