// What WebGPU cannot do, told by the codes of the compiler's own messages: a case that is refused for such a reason is skipped, with the
// reason. In: what a launch threw. Refuses to know cases by name; any other error is a failure of the case.

import { CompileError, type Device } from '../../src/index.ts';
import { LOWER } from '../../src/lower/messages.ts';

/** WGSL has no such thing, and nothing that a compiler may use instead: docs/language.md, "What WebGPU cannot do". */
const LACKS = [LOWER.dtypeUnsupported, LOWER.atomicWide, LOWER.atomicWideResult].map((m) => m.code);

/** The reason if the launch was refused because WebGPU lacks something; null otherwise, and on the interpreter, which lacks nothing. */
export function lacking(device: Pick<Device, 'kind'>, e: unknown): string | null {
  if (device.kind !== 'webgpu' || !(e instanceof CompileError)) return null;
  const [{ code, text, notes = [] }] = e.diagnostics;
  // The note says what is missing; a message of these codes without one is about something else.
  return LACKS.includes(code) && notes.length > 0 ? `${code}: ${text} (${notes[0]})` : null;
}
