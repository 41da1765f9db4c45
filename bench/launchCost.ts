// Host time of a cached launch against the least that WebGPU allows for the same work: one pass, one bind group that exists, one dynamic
// uniform offset, and a submit with one upload of uniforms every 64 dispatches; and of the same launches recorded and replayed. All in one
// process, in alternating rounds.

import type { Device } from 'tessera';
import type { WgslProgram } from '../src/lower/program.ts';
import type { WebGpuBackend } from '../src/runtime/webgpu/backend.ts';
import { add_kernel } from './kernels.ts';
import { summarize } from './measure.ts';

const BATCH = 64;
/** Launches a round; the queue is waited for between rounds, outside the measured time. */
const LAUNCHES = 640;
const USAGE = { COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 } as const;
const COMPUTE = 0x4;

export interface LaunchCost {
  readonly tessera_us: number;
  readonly webgpu_us: number;
  /** A launch of a sequence (`device.record`). */
  readonly replay_us: number;
  readonly ratio: number;
  readonly bindings: number;
  readonly rounds: number;
}

/** A function that encodes and submits `LAUNCHES` dispatches of a program by hand. */
function byHand(gpu: GPUDevice, program: WgslProgram): { round: () => void; free: () => void } {
  const size = program.uniform?.size ?? 16;
  const align = gpu.limits.minUniformBufferOffsetAlignment;
  const step = Math.ceil(size / align) * align;
  const uniforms = gpu.createBuffer({ size: step * BATCH, usage: USAGE.UNIFORM | USAGE.COPY_DST });
  const buffers = program.bindings.map(() => gpu.createBuffer({ size: 4096, usage: USAGE.STORAGE }));
  const layout = gpu.createBindGroupLayout({
    entries: [
      ...program.bindings.map((b): GPUBindGroupLayoutEntry => {
        const type = b.access === 'read' ? 'read-only-storage' : 'storage';
        return { binding: b.binding, visibility: COMPUTE, buffer: { type } };
      }),
      {
        binding: program.uniform?.binding ?? program.bindings.length,
        visibility: COMPUTE,
        buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: size },
      },
    ],
  });
  const pipeline = gpu.createComputePipeline({
    layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: gpu.createShaderModule({ code: program.code }), entryPoint: program.entryPoint },
  });
  const group = gpu.createBindGroup({
    layout,
    entries: [
      ...program.bindings.map((b, i) => ({ binding: b.binding, resource: { buffer: buffers[i] } })),
      { binding: program.uniform?.binding ?? program.bindings.length, resource: { buffer: uniforms, size } },
    ],
  });
  const words = new Uint32Array((step * BATCH) / 4);
  const n = 1024;
  const round = (): void => {
    for (let done = 0; done < LAUNCHES; done += BATCH) {
      const encoder = gpu.createCommandEncoder();
      for (let i = 0; i < BATCH; i++) {
        for (let w = 0; w < size / 4; w++) words[(i * step) / 4 + w] = n;
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group, [i * step]);
        pass.dispatchWorkgroups(1);
        pass.end();
      }
      gpu.queue.writeBuffer(uniforms, 0, words);
      gpu.queue.submit([encoder.finish()]);
    }
  };
  return {
    round,
    free: () => {
      for (const b of [uniforms, ...buffers]) b.destroy();
    },
  };
}

export async function launchCost(device: Device, rounds: number): Promise<LaunchCost> {
  const { gpu } = device.backend as WebGpuBackend;
  const n = 1024;
  const [x, y, out] = [0, 1, 2].map(() => device.empty([n], 'f32'));
  const programs: WgslProgram[] = [];
  const load = device.backend.compile.bind(device.backend);
  // The same program for both: what the back end makes of the kernel, seen as it passes.
  device.backend.compile = (func, options) => {
    const exe = load(func, options);
    if (exe.program) programs.push(exe.program);
    return exe;
  };
  const tessera = (): void => {
    for (let i = 0; i < LAUNCHES; i++) add_kernel.launch(device, [1], { x, y, out, n, BLOCK: 1024 });
  };
  tessera();
  device.backend.compile = load;
  const hand = byHand(gpu, programs[0]);
  const sequence = device.record(tessera);
  const times: [number[], number[], number[]] = [[], [], []];
  for (let r = -5; r < 2 * rounds; r++) {
    for (const [i, round] of [tessera, hand.round, () => sequence.replay()].entries()) {
      const from = performance.now();
      round();
      const took = performance.now() - from;
      await device.sync();
      if (r >= 0) times[i].push(took);
    }
  }
  hand.free();
  sequence.free();
  for (const t of [x, y, out]) t.free();
  const [ours, theirs, replayed] = times.map((t) => (summarize(t).median_ms * 1000) / LAUNCHES);
  return {
    tessera_us: ours,
    webgpu_us: theirs,
    replay_us: replayed,
    ratio: ours / theirs,
    bindings: programs[0].bindings.length + 1,
    rounds: 2 * rounds,
  };
}
