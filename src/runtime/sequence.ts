// Launches recorded once and replayed often (`device.record`): what CUDA calls a graph. In: the commands that a back end kept, and the memory
// they use. Out: `replay()`, which checks nothing but that the memory lives, and costs one submit. Refuses to know back ends.

import { fail, NO_LOC } from '../dsl/diagnostics.ts';
import type { DeviceStats, Recording } from './backend.ts';
import { wroteOnDevice } from './hostCopy.ts';
import { SEQUENCE } from './messages.ts';
import type { Storage } from './tensor.ts';

/** What a recording gathers while its body runs. */
export class Tape {
  /** Memory of the tensors that launches and copies were given. */
  readonly used = new Set<Storage>();
  /** Memory that they write. */
  readonly written = new Set<Storage>();
  /** Memory of tensors that the body freed: scratch that every replay needs. */
  readonly kept = new Set<Storage>();
}

/** Commands that can be run again and again, with whatever their tensors hold then. Made by `device.record`. */
export class Sequence {
  private readonly recording: Recording;
  private readonly tape: Tape;
  private readonly stats: DeviceStats;
  private readonly alive: () => void;
  private readonly release: (storages: Iterable<Storage>) => void;
  private freed = false;

  constructor(
    recording: Recording,
    tape: Tape,
    host: { stats: DeviceStats; alive: () => void; release: (storages: Iterable<Storage>) => void },
  ) {
    this.recording = recording;
    this.tape = tape;
    this.stats = host.stats;
    this.alive = host.alive;
    this.release = host.release;
  }

  /** Launches that a replay enqueues. */
  get launches(): number {
    return this.recording.launches;
  }

  /**
   * Runs the recorded launches, copies and fills, in order, on the same tensors; new contents are written to these beforehand. Returns
   * at once; faults surface as those of launches do.
   * @throws CompileError TL4404 after `free()`, TL4405 when a tensor that the body did not free itself has been freed since.
   */
  replay(): void {
    this.alive();
    if (this.freed) fail(NO_LOC, SEQUENCE.freed);
    for (const s of this.tape.used) {
      if (s.gone && !this.tape.kept.has(s)) fail(NO_LOC, SEQUENCE.tensorGone, s.name, s.gone);
    }
    this.stats.launches += this.recording.launches;
    for (const s of this.tape.written) wroteOnDevice(s);
    this.recording.replay();
  }

  /** Gives back what the sequence holds: uniforms, and the memory of tensors that its body freed. */
  free(): void {
    if (this.freed) return;
    this.freed = true;
    this.recording.free();
    this.release(this.tape.kept);
  }
}
