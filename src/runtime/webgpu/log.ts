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

interface LogRecord {
  readonly site: LogSite;
  readonly pid: readonly number[];
  readonly element: number;
  /** Where its values start. */
  readonly at: number;
}

/** The records of a ring, in order of arrival. */
function recordsOf(sites: readonly LogSite[], words: Uint32Array): LogRecord[] {
  const out: LogRecord[] = [];
  const end = 1 + Math.min(words[0], words.length - 1);
  for (let at = 1; at + HEADER <= end; ) {
    const site = sites[words[at]];
    if (!site) break;
    const size = HEADER + site.values.reduce((n, d) => n + (DTYPES[d].bits === 64 ? 2 : 1), 0);
    if (at + size > end) break; // cut off by the end of the ring
    out.push({ site, pid: [...words.subarray(at + 1, at + 4)], element: words[at + 4], at: at + HEADER });
    at += size;
  }
  return out;
}

/**
 * Programs and invocations write in any order. For people: program by program, and where one program wrote at one site in a row,
 * element by element (an element's own records keep their order).
 */
function inOrder(records: readonly LogRecord[]): LogRecord[] {
  const sorted = [...records].sort((a, b) => a.pid[2] - b.pid[2] || a.pid[1] - b.pid[1] || a.pid[0] - b.pid[0]);
  const out: LogRecord[] = [];
  for (let i = 0; i < sorted.length; ) {
    const seen = new Map<number, number>();
    const run: { r: LogRecord; nth: number }[] = [];
    const { site, pid } = sorted[i];
    for (; i < sorted.length && sorted[i].site === site && sorted[i].pid.every((p, k) => p === pid[k]); i++) {
      const nth = seen.get(sorted[i].element) ?? 0;
      seen.set(sorted[i].element, nth + 1);
      run.push({ r: sorted[i], nth });
    }
    run.sort((a, b) => a.nth - b.nth || a.r.element - b.r.element);
    out.push(...run.map((x) => x.r));
  }
  return out;
}

/** Prints the records of a log buffer. @throws CompileError TL4206 for the first failed assertion, after all prints. */
export function readLog(program: WgslProgram, words: Uint32Array, sink: LogSink): void {
  let failed: LogRecord | null = null;
  const indexOf = ({ site, element }: LogRecord): number[] => (site.shape ? coordinates(site.shape, element) : [element]);
  for (const r of inOrder(recordsOf(program.log?.sites ?? [], words))) {
    if (r.site.kind === 'assert') {
      failed ??= r;
      continue;
    }
    let w = r.at;
    r.site.values.forEach((name, k) => {
      const d = DTYPES[name];
      const value = readValue(d, words, w);
      w += d.bits === 64 ? 2 : 1;
      sink(printLine(r.pid, indexOf(r), r.site.text, printNum(d, value, r.site.hex), r.site.values.length > 1 ? k : undefined));
    });
  }
  const lost = words[0] - (words.length - 1);
  if (lost > 0) sink(`${program.kernel}: ${lost} words of device_print output did not fit and were dropped`);
  if (failed) {
    const where = `program (${failed.pid.join(', ')}), element (${indexOf(failed).join(', ')})`;
    throw new CompileError([diagnostic(failed.site.loc, DEVICE.assertion, program.kernel, failed.site.text, where)]);
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
