// What the host knows of device memory without waiting for the device: integers that it wrote itself (lengths, slots, block tables), until
// a launch or a copy writes there. So that range checks before a launch cost no download. Refuses to know what is checked.

import type { DType } from '../dsl/types.ts';

/** Memory that may have a copy on the host. */
export interface Copied {
  /** Without padding. */
  readonly bytes: number;
  /** The whole memory as the host knows it, or null. Not the caller's array: it stays as it was written. */
  host: Uint8Array | null;
  /** Changes with each write, so that a download that took a while can tell whether it is still true. */
  writes: number;
}

/** Copies beyond this are not kept: the data is then no table of lengths or blocks, and memory would double. */
const LARGEST = 1 << 20;

/** The host wrote `bytes` at an offset. */
export function wroteFromHost(m: Copied, dtype: DType, at: number, bytes: Uint8Array): void {
  m.writes++;
  const whole = at === 0 && bytes.length === m.bytes;
  const integers = dtype.kind === 'int' || dtype.kind === 'uint';
  if (whole) m.host = integers && bytes.length <= LARGEST ? bytes.slice() : null;
  else m.host?.set(bytes, at);
}

/** The device wrote somewhere in the memory. */
export function wroteOnDevice(m: Copied): void {
  m.writes++;
  m.host = null;
}
