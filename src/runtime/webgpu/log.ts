// device_print and device_assert of a launch on WebGPU: the ring buffer that programs write (layout in src/lower/program.ts), read
// back as text. In: the words. Out: lines for the log sink, and an error for a failed assertion. Refuses to know WebGPU calls.

import { CompileError, diagnostic } from '../../dsl/diagnostics.ts';
import { fromBits } from '../../dsl/numerics.ts';
import type { Num } from '../../dsl/ops/row.ts';
import { DTYPES, type DType } from '../../dsl/types.ts';
import { printLine, printNum } from '../../lower/interp/print.ts';
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
  const capacity = words.length - 1;
  const end = 1 + Math.min(used, capacity);
  let failed: { site: LogSite; where: string } | null = null;
  for (let at = 1; at + HEADER <= end; ) {
    const site = sites[words[at]];
    if (!site) break;
    const size = HEADER + site.values.reduce((n, d) => n + (DTYPES[d].bits === 64 ? 2 : 1), 0);
    if (at + size > end) break; // cut off by the end of the ring
    const pid = [...words.subarray(at + 1, at + 4)];
    const index = site.shape ? coordinates(site.shape, words[at + 4]) : [words[at + 4]];
    if (site.kind === 'assert') failed ??= { site, where: `program (${pid.join(', ')}), element (${index.join(', ')})` };
    else {
      let w = at + HEADER;
      site.values.forEach((name, k) => {
        const d = DTYPES[name];
        const value = readValue(d, words, w);
        w += d.bits === 64 ? 2 : 1;
        sink(printLine(pid, index, site.text, printNum(d, value), site.values.length > 1 ? k : undefined));
      });
    }
    at += size;
  }
  if (used > capacity) sink(`${program.kernel}: ${used - capacity} words of device_print output did not fit and were dropped`);
  if (failed) {
    const { site, where } = failed;
    throw new CompileError([diagnostic(site.loc, DEVICE.assertion, program.kernel, site.text, where)]);
  }
}

/** Floats narrower than f64 are logged as f32, integers narrower than a word as extended words, 64 bits as two words. */
function readValue(d: DType, words: Uint32Array, at: number): Num {
  if (d.bits === 64) return fromBits(d, BigInt(words[at]) | (BigInt(words[at + 1]) << 32n));
  return fromBits(d.kind === 'float' ? DTYPES.f32 : d.kind === 'int' ? DTYPES.i32 : DTYPES.u32, words[at]);
}
function coordinates(shape: readonly number[], index: number): number[] {
  const out: number[] = [];
  for (let d = shape.length - 1, rest = index; d >= 0; rest = Math.floor(rest / shape[d--])) out.unshift(rest % shape[d]);
  return out;
}
