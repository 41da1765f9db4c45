// Timestamps of launches: a query set with two entries a launch. In: the launches of one profile. Out: nanoseconds for each, as the
// device counts them (Dawn rounds to 65 µs unless the device was opened with `timestamps`). Refuses to know what launches do.

import type { LaunchRequest, LaunchTime } from '../backend.ts';

// GPUBufferUsage.COPY_SRC | QUERY_RESOLVE
const USAGE = 0x4 | 0x200;
/** WebGPU's limit for a query set is 4096 entries. Launches beyond are run but not timed. */
export const MAX_TIMED = 2048;

export class LaunchTimer {
  readonly buffer: GPUBuffer;
  private readonly set: GPUQuerySet;
  private readonly launches: LaunchRequest[] = [];

  constructor(gpu: GPUDevice) {
    this.set = gpu.createQuerySet({ type: 'timestamp', count: 2 * MAX_TIMED });
    this.buffer = gpu.createBuffer({ label: 'timestamps', size: 16 * MAX_TIMED, usage: USAGE });
  }
  /** Where the next launch writes its timestamps. */
  writes(request: LaunchRequest): GPUComputePassTimestampWrites | undefined {
    const i = this.launches.length;
    if (i >= MAX_TIMED) return undefined;
    this.launches.push(request);
    return { querySet: this.set, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
  }
  /** Encodes the copy of the timestamps into `buffer`; how many bytes. */
  resolve(encoder: GPUCommandEncoder): number {
    const n = this.launches.length;
    if (n) encoder.resolveQuerySet(this.set, 0, 2 * n, this.buffer, 0);
    return 16 * n;
  }
  times(stamps: BigUint64Array): LaunchTime[] {
    return this.launches.map(({ kernel, grid }, i) => ({
      kernel,
      grid,
      nanoseconds: Number(stamps[2 * i + 1] - stamps[2 * i]),
      began: Number(stamps[2 * i] - stamps[0]),
    }));
  }
  destroy(): void {
    this.set.destroy();
    this.buffer.destroy();
  }
}
