// A golden manifest on disk: cases as JSON, tensors as raw little-endian bytes in a `.bin` (or brotli-packed `.bin.br`)
// beside it. In: a path. Out: cases, and the bytes of each tensor. Knows the format, nothing of kernels or devices.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { bytesOf, type GoldenDType, isKnown } from './numbers.ts';

export interface TensorRef {
  readonly name: string;
  readonly dtype: GoldenDType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly nbytes: number;
  /** In elements. The bytes of a strided ref span its first to its last element, gaps included. */
  readonly strides?: readonly number[];
}

/** How far the recorded result is from a float64 reference. */
export interface Distance {
  readonly max_abs: number;
  readonly rms_rel: number;
  /** Largest value of the reference. */
  readonly ref_max?: number;
}

export type Params = { readonly [name: string]: unknown };

export interface Case {
  readonly id: string;
  /** Name of the host function to call, a key of the adapter table. */
  readonly kernel: string;
  readonly params: Params;
  readonly inputs: readonly TensorRef[];
  readonly outputs: readonly TensorRef[];
  readonly ref_tolerance?: { readonly per_output: { readonly [output: string]: Distance } };
  /** Triton refused to compile the case. */
  readonly error?: string;
}

export interface Manifest {
  readonly name: string;
  readonly header: { readonly [key: string]: unknown };
  readonly cases: readonly Case[];
  /** The bytes of a tensor; a view into the file's memory, not to be written to. */
  bytes(ref: TensorRef): Uint8Array;
}

/** A file that is not what it should be. The message is for the person who named the file. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** Numbers that JSON cannot hold stand as strings. */
export function numberOf(x: unknown): number {
  if (typeof x === 'number') return x;
  const special: { [text: string]: number } = { nan: NaN, inf: Infinity, '-inf': -Infinity };
  if (typeof x === 'string' && x in special) return special[x];
  throw new ManifestError(`${JSON.stringify(x)} is not a number`);
}

export const numel = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Elements from the first to the last of a strided view; 0 when it is empty. */
export const spanOf = (shape: readonly number[], strides: readonly number[]): number =>
  shape.includes(0) ? 0 : 1 + shape.reduce((last, n, axis) => last + (n - 1) * strides[axis], 0);

/** Reads `path` and the `.bin` it names. Throws `ManifestError` with the reason when the pair is unusable. */
export function readManifest(path: string): Manifest {
  const { cases, ...header } = parse(path);
  if (!Array.isArray(cases)) throw new ManifestError(`${path}: no "cases"`);
  const bin = readBin(path, header.bin);
  const list = cases.map((c, i) => checkCase(path, c, i, bin.length));
  return {
    name: basename(path),
    header,
    cases: list,
    bytes: (ref) => bin.subarray(ref.offset, ref.offset + ref.nbytes),
  };
}

function parse(path: string): { [key: string]: unknown } {
  if (!existsSync(path)) throw new ManifestError(`${path}: no such file`);
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (e) {
    throw new ManifestError(`${path}: not JSON (${(e as Error).message})`);
  }
}

/** The bytes of the file `name` beside the manifest at `path`, unpacked if it lies there as `.br`. */
export function readBin(path: string, name: unknown): Uint8Array {
  if (typeof name !== 'string') throw new ManifestError(`${path}: no "bin", the name of the file with the tensors`);
  const bin = join(dirname(path), name);
  // Plain byte arrays: the slices of a Buffer would share its memory.
  if (existsSync(bin)) return new Uint8Array(readFileSync(bin));
  if (existsSync(`${bin}.br`)) return new Uint8Array(brotliDecompressSync(readFileSync(`${bin}.br`)));
  throw new ManifestError(`${path}: neither ${name} nor ${name}.br lies beside it`);
}

function checkCase(path: string, raw: unknown, i: number, binBytes: number): Case {
  const c = raw as { [key: string]: unknown };
  const where = `${path}: case ${typeof c.id === 'string' ? c.id : i}`;
  if (typeof c.id !== 'string') throw new ManifestError(`${where}: no "id"`);
  if (typeof c.kernel !== 'string') throw new ManifestError(`${where}: no "kernel": not a manifest of the kernels format`);
  const refs = (key: 'inputs' | 'outputs'): TensorRef[] =>
    ((c[key] ?? []) as TensorRef[]).map((r) => checkRef(`${where}: ${key} ${r.name}`, r, binBytes));
  return {
    id: c.id,
    kernel: c.kernel,
    params: (c.params ?? {}) as Params,
    inputs: refs('inputs'),
    outputs: refs('outputs'),
    ...(c.ref_tolerance ? { ref_tolerance: c.ref_tolerance as Case['ref_tolerance'] } : {}),
    ...(typeof c.error === 'string' ? { error: c.error } : {}),
  };
}

function checkRef(where: string, r: TensorRef, binBytes: number): TensorRef {
  if (!isKnown(r.dtype)) throw new ManifestError(`${where}: dtype ${r.dtype} is unknown`);
  const elements = r.strides ? spanOf(r.shape, r.strides) : numel(r.shape);
  if (elements * bytesOf(r.dtype) !== r.nbytes)
    throw new ManifestError(`${where}: ${r.nbytes} bytes given, ${elements} elements of ${r.dtype} expected`);
  if (r.offset + r.nbytes > binBytes)
    throw new ManifestError(`${where}: ends at byte ${r.offset + r.nbytes} of a file of ${binBytes}`);
  return r;
}
