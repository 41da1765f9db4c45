// A device that runs nothing: it takes launches as a real one does (checks, specialisation) and keeps what would be compiled. So that a
// workload's own setup says what its kernel is specialised to, without memory or a driver.

import type { KernelOptions } from 'tessera';
import type { Func } from '../src/dsl/ir/ir.ts';
import type { Definition } from '../src/dsl/trace/definition.ts';
import type { Signature } from '../src/dsl/trace/signature.ts';
import { type Backend, type DeviceInfo, type DeviceStats, nextMemoryId, paddedBytes } from '../src/runtime/backend.ts';
import { Device } from '../src/runtime/core.ts';
import { Data, type Workload } from './workload.ts';

export interface Captured {
  readonly definition: Definition;
  readonly signature: Signature;
  readonly options: KernelOptions;
}

const LIMITS: DeviceInfo['limits'] = {
  workgroupStorage: Infinity,
  invocations: Infinity,
  storageBuffers: Infinity,
  bindingSize: Infinity,
  bufferSize: Infinity,
  workgroupsPerDimension: Infinity,
};
const INFO: DeviceInfo = {
  description: 'nothing',
  vendor: '',
  architecture: '',
  driver: '',
  software: true,
  features: [],
  subgroupSize: null,
  subgroupMatrices: [],
  limits: LIMITS,
};
const nothing = (): undefined => undefined;

/** The specialisation that the last variant of a workload (its largest tiles) launches; setups launch kernels that fill data before. */
export async function capture(w: Workload): Promise<Captured> {
  const seen: { definition: Definition; signature: Signature }[] = [];
  let options: KernelOptions = {};
  const backend: Backend = {
    kind: 'webgpu',
    info: INFO,
    lost: null,
    alloc: (bytes, label) => ({ id: nextMemoryId(), bytes: paddedBytes(bytes), label }),
    free: nothing,
    write: nothing,
    fill: nothing,
    copy: nothing,
    peek: () => null,
    read: (_memory, _at, bytes) => Promise.resolve(new Uint8Array(bytes)),
    compile: (_func, o) => {
      options = o;
      return { program: null };
    },
    load: () => ({ program: null }),
    launch: nothing,
    beginRecording: nothing,
    endRecording: () => ({ launches: 0, replay: nothing, free: nothing }),
    beginProfile: () => false,
    endProfile: () => Promise.resolve([]),
    sync: () => Promise.resolve(),
    destroy: nothing,
  };
  // Whatever is counted starts at 0.
  const zero = new Proxy({} as { [name: string]: number }, { get: (t, k: string) => t[k] ?? 0 }) as unknown as DeviceStats;
  // Launch wants the parameters of the traced function; those of the definition that are not constants will do.
  const device = new Device(backend, zero, (definition, signature) => {
    seen.push({ definition, signature });
    return { params: definition.params.map((p) => ({ name: p.name })) } as unknown as Func;
  });
  const data = new Data(device);
  const job = await w.setup(data, false);
  job.variants.at(-1)?.launch();
  const last = seen.at(-1);
  if (!last) throw new Error(`${w.name} launches no kernel`);
  return { ...last, options };
}
