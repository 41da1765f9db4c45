// What benchmarks write: results as JSON with date and device, the reference they are compared with, and a table for people.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import chalk from 'chalk';
import type { Device } from 'tessera';
import type { WebGpuBackend } from '../src/runtime/webgpu/backend.ts';

/** A figure of the reference: a run of the original kernels on some machine, `{ workloads, interpreter }` by name. */
export interface ReferenceFigure {
  readonly name: string;
  readonly median_ms: number;
}
export interface Reference {
  readonly device: string;
  readonly figures: ReadonlyMap<string, ReferenceFigure>;
}

/** Reads a reference file. Entries with an error are left out. */
export function readReference(file: string): Reference {
  const doc = JSON.parse(readFileSync(file, 'utf8')) as {
    device?: string;
    workloads?: Partial<ReferenceFigure>[];
    interpreter?: Partial<ReferenceFigure>[];
  };
  const figures = new Map<string, ReferenceFigure>();
  for (const f of [...(doc.workloads ?? []), ...(doc.interpreter ?? [])])
    if (f.name && typeof f.median_ms === 'number') figures.set(f.name, f as ReferenceFigure);
  return { device: doc.device ?? 'unknown device', figures };
}

/** Our speed over the reference's for one figure; null where the reference has none. */
export interface Ratio {
  readonly reference: string;
  readonly ratio: number | null;
  readonly target: number | null;
}
export function ratioTo(
  reference: Reference | null,
  goals: readonly { readonly reference: string; readonly target: number | null }[],
  ms: number,
): Ratio[] {
  return goals.map(({ reference: name, target }) => {
    const theirs = reference?.figures.get(name)?.median_ms;
    return { reference: name, ratio: theirs === undefined ? null : theirs / ms, target };
  });
}

/** `0.93 of 1` in green, yellow or red: reached, within a factor of two, or not. */
export function ratioText({ ratio, target }: Ratio): string {
  if (ratio === null) return chalk.dim('-');
  const text = `${ratio < 0.0995 ? ratio.toPrecision(2) : ratio.toFixed(2)}${target === null ? '' : ` of ${target}`}`;
  if (target === null) return text;
  return (ratio >= target ? chalk.green : ratio >= target / 2 ? chalk.yellow : chalk.red)(text);
}

const width = (s: string): number => stripVTControlCharacters(s).length;

/** Columns padded to their widest cell; the first is left-aligned, the others right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((h, i) => Math.max(width(h), ...rows.map((r) => width(r[i] ?? ''))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => {
        const gap = ' '.repeat(widths[i] - width(c));
        return i ? gap + c : c + gap;
      })
      .join('  ')
      .trimEnd();
  return [chalk.bold(line(head)), ...rows.map(line)].join('\n');
}

export const fixed = (x: number, digits: number): string => (Number.isFinite(x) ? x.toFixed(digits) : '-');

/** The head of a result file; `results` and what else there is to say follow. */
export interface Header {
  readonly benchmark: string;
  readonly date: string;
  readonly device: string;
  readonly node: string;
  readonly method: string;
}
export function header(benchmark: string, device: string, method: string): Header {
  return { benchmark, date: new Date().toISOString().slice(0, 10), device, node: process.version, method };
}
export function writeResults(
  file: string,
  results: Header & { readonly results: readonly unknown[]; readonly [more: string]: unknown },
): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}

/** The device's own name where the adapter says it (its description is often the driver's), else the description. */
export function deviceName(device: Device): string {
  const { gpu } = device.backend as Partial<WebGpuBackend>;
  return gpu?.adapterInfo?.device || device.info.description;
}

/** bench/results/2026-01-31-gpu-nvidia-h100.json */
export function defaultFile(benchmark: string, device: string): string {
  const slug = device
    .toLowerCase()
    .replace(/\(.*?\)/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  return `bench/results/${new Date().toISOString().slice(0, 10)}-${benchmark}-${slug}.json`;
}
