// What `tessera doctor` says: of this machine once, and of machines that are described by hand.

import { expect, it, describe as suite } from 'vitest';
import { describe, doctor, type Facts } from '../../src/cli/doctor.ts';
import type { DeviceInfo } from '../../src/runtime/backend.ts';

const gpu: DeviceInfo = {
  description: 'Some GPU (driver 580)',
  vendor: 'somebody',
  architecture: 'hopper',
  driver: '580',
  software: false,
  features: ['chromium-experimental-subgroup-matrix', 'core-features-and-limits', 'shader-f16', 'subgroups', 'timestamp-query'],
  subgroupSize: [32, 32],
  subgroupMatrices: ['f16 x f16 -> f32 16x16x16'],
  limits: {
    workgroupStorage: 49152,
    invocations: 1024,
    storageBuffers: 10,
    bindingSize: 2 ** 31 - 4,
    bufferSize: 2 ** 40,
    workgroupsPerDimension: 65535,
  },
};
const facts: Facts = {
  node: '20.19.0',
  platform: 'linux',
  arch: 'x64',
  webgpu: '0.6.2',
  device: gpu,
  trial: 'ok',
  withVulkan: null,
  vulkan: { loader: '/usr/lib/libvulkan.so.1', drivers: ['/usr/share/vulkan/icd.d/some_icd.json'] },
};

suite('doctor', () => {
  it('describes a GPU and asks for nothing', () => {
    expect(describe(facts)).toMatchInlineSnapshot(`
      "node                 20.19.0 on linux-x64
      webgpu package       0.6.2
      vulkan loader        /usr/lib/libvulkan.so.1
      vulkan drivers       some_icd.json
      device               WebGPU
      adapter              Some GPU (driver 580)
      vendor               somebody, hopper
      kind                 GPU
      f16 arithmetic       yes
      subgroups            yes, of 32 invocations
      subgroup matrices    f16 x f16 -> f32 16x16x16
      timestamps           yes
      other features       core-features-and-limits
      workgroup memory     48 KiB
      invocations          1024 a program
      storage buffers      10 a launch, 2 GiB each
      largest buffer       1024 GiB
      data there and back  ok"
    `);
  });
  it('says how to get what is missing', () => {
    const none = { ...facts, device: { missing: 'no adapter' }, trial: null };
    expect(describe({ ...none, webgpu: null })).toMatch(/device +interpreter[\s\S]*- WebGPU in Node: npm install webgpu$/);
    expect(describe({ ...none, vulkan: { loader: null, drivers: [] } })).toMatch(
      /apt install libvulkan1[\s\S]*apt install mesa-vulkan-drivers/,
    );
    expect(describe(none)).toMatch(/were refused: .*some_icd\.json[\s\S]*bookworm-backports/);
    expect(describe({ ...none, platform: 'darwin', vulkan: null })).toMatch(/update the graphics driver/);
  });
  it('notes software renderers and devices that do not work', () => {
    expect(describe({ ...facts, device: { ...gpu, software: true } })).toMatch(/Notes:\n- this is a software renderer/);
    expect(describe({ ...facts, trial: 'wrong data came back: 0,0,0,0' })).toMatch(/the adapter is there but does not work/);
    const plain = describe({ ...facts, device: { ...gpu, features: [], subgroupSize: null, subgroupMatrices: [] } });
    expect(plain).toMatch(/f16 arithmetic +no: f16 lives packed/);
    expect(plain).toMatch(/subgroups +no: reductions/);
  });
  it('finds a device here that works', async () => {
    expect(await doctor()).toMatch(/device +WebGPU[\s\S]*data there and back +ok/);
  });
});
