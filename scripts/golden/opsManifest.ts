// Manifests of language cases: each holds the Python source of one kernel, how it was launched, and what Triton left in memory.

import { readFileSync } from 'node:fs';
import { readBin } from './manifest.ts';
import type { GoldenDType } from './numbers.ts';

export type Compare =
  | { readonly mode: 'exact'; readonly zero_sign?: 'any' }
  | { readonly mode: 'ulp'; readonly ulp: number }
  | { readonly mode: 'abs_rel'; readonly abs: number; readonly rel: number };
export interface OpsTensor {
  readonly arg: string;
  readonly dtype: GoldenDType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
}
export interface OpsOutput extends OpsTensor {
  readonly compare: Compare;
}
export interface OpsScalar {
  readonly arg: string;
  /** A dtype, 'constexpr', 'dtype' (the value names one) or 'none'. */
  readonly dtype: string;
  readonly value: unknown;
  /** A constexpr that Python wrote as a float, which 1.0 would not show here. */
  readonly float?: boolean;
}
export interface OpsArg {
  readonly name: string;
  readonly kind: 'tensor' | 'scalar' | 'constexpr' | 'none';
}
export interface OpsCase {
  readonly id: string;
  readonly pseudo: string;
  readonly args: readonly OpsArg[];
  readonly grid: readonly number[];
  readonly inputs: readonly OpsTensor[];
  readonly scalars: readonly OpsScalar[];
  readonly outputs: readonly OpsOutput[];
}
/** A kernel that Triton refuses to compile. */
export interface OpsReject {
  readonly id: string;
  readonly description: string;
  readonly pseudo: string;
  readonly pointers: { readonly [arg: string]: GoldenDType };
  readonly scalars: readonly OpsScalar[];
  /** First and last line of the statement in `pseudo` that Triton points at, from 1. */
  readonly lines?: readonly [number, number];
  /** Triton's messages, the most telling first. */
  readonly errors?: readonly string[];
}
export interface OpsManifest {
  readonly bin: string;
  readonly cases: readonly OpsCase[];
  readonly rejects?: readonly OpsReject[];
}
/** Told from the kernels' format by what a case holds. */
export const isOpsManifest = (x: { readonly cases?: readonly object[] }): boolean =>
  x.cases?.[0] !== undefined && 'pseudo' in x.cases[0];

/** Numbers that JSON writes as floats: `JSON.parse` forgets that 1.0 is one. */
const FLOAT = /("value":\s*)(-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+))(?=\s*[,}])/g;
function marked(scalar: OpsScalar): OpsScalar {
  const { value } = scalar;
  const float = typeof value === 'object' && value !== null && 'float' in value;
  return float ? { ...scalar, value: value.float, float } : scalar;
}

/** Reads `path` and the file of tensors that it names. */
export function readOpsManifest(path: string): { readonly manifest: OpsManifest; readonly bytes: Uint8Array } {
  const text = readFileSync(path, 'utf8').replace(FLOAT, '$1{"float":$2}');
  const { cases, rejects, ...rest } = JSON.parse(text) as OpsManifest;
  const mark = <C extends { readonly scalars: readonly OpsScalar[] }>(c: C): C => ({ ...c, scalars: c.scalars.map(marked) });
  const manifest = { ...rest, cases: cases.map(mark), ...(rejects && { rejects: rejects.map(mark) }) };
  return { manifest, bytes: readBin(path, manifest.bin) };
}
