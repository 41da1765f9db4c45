// device_print and device_assert of a launch on WebGPU: the ring buffer that programs write (layout in src/lower/program.ts), read
// back as text. In: the words. Out: lines for the log sink, and an error for a failed assertion. Refuses to know WebGPU calls.

import { CompileError, diagnostic, printLoc } from '../../dsl/diagnostics.ts';
import { fromBits } from '../../dsl/numerics.ts';
import { DTYPES } from '../../dsl/types.ts';
import type { LogSite, WgslProgram } from '../../lower/program.ts';
import { DEVICE } from '../messages.ts';

export const LOG_BYTES = 64 * 1024;
/** Where device_print goes: console.log unless the device was opened with `onLog`. */
export type LogSink = (line: string) => void;
/** site, three program ids, element index */
const HEADER = 5;

/** Prints the records of a log buffer. @throws CompileError TL4206 for the first failed assertion, after all prints. */
export function readLog(program: WgslProgram, words: Uint32Array, sink: LogSink): void {
  const sites = program.log?.sites ?? [];
  const used = words[0];
  const end = Math.min(used, words.length - 1);
  let failed: { site: LogSite; where: string } | null = null;
  for (let at = 1; at + HEADER <= end + 1; ) {
    const site = sites[words[at]];
    if (!site) break;
    const size = HEADER + site.values.reduce((n, d) => n + (DTYPES[d].bits === 64 ? 2 : 1), 0);
    if (at + size > end + 1) break; // cut off by the end of the ring
    const where = `program (${words[at + 1]}, ${words[at + 2]}, ${words[at + 3]}), element ${words[at + 4]}`;
    let w = at + HEADER;
    const values = site.values.map((name) => {
      const d = DTYPES[name];
      if (d.bits !== 64) return String(d.is_bool() ? words[w++] !== 0 : fromWord(name, words[w++]));
      const bits = BigInt(words[w]) | (BigInt(words[w + 1]) << 32n);
      w += 2;
      return String(fromBits(d, bits));
    });
    if (site.kind === 'print') sink(`${program.kernel} ${where}: ${[site.text, ...values].join(' ')}`);
    else failed ??= { site, where };
    at += size;
  }
  if (used > words.length - 1)
    sink(`${program.kernel}: ${used - words.length + 1} words of device_print output did not fit and were dropped`);
  if (failed)
    throw new CompileError([
      diagnostic(
        failed.site.loc,
        DEVICE.assertion,
        program.kernel,
        failed.site.text,
        `${failed.where}, ${printLoc(failed.site.loc)}`,
      ),
    ]);
}

/** Floats narrower than f32 are logged as f32; integers narrower than a word as sign- or zero-extended words. */
function fromWord(name: keyof typeof DTYPES, word: number): number {
  const d = DTYPES[name];
  return Number(fromBits(d.kind === 'float' ? DTYPES.f32 : d.kind === 'int' ? DTYPES.i32 : DTYPES.u32, word));
}
