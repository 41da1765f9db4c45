// What a back end hands to the runtime: a WGSL module with everything needed to launch it, as plain JSON data (the same
// object is written by `tessera build`). The runtime refuses to know how it was made.

import type { Loc } from '../dsl/diagnostics.ts';
import type { DTypeName } from '../dsl/types.ts';
import type { ProfileName } from './profiles.ts';

/** One shape that the device's matrix units multiply: [M, K] · [K, N] of `type`, accumulated in `result`. */
export interface MatrixConfig {
  readonly type: string;
  readonly result: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What of a device shapes the code. Part of the pipeline cache's key. */
export interface Target {
  /** Which row of the table of profiles (profiles.ts) suits the device. */
  readonly profile: ProfileName;
  readonly subgroups: boolean;
  /** Smallest and largest subgroup size that the device may use; 0 without subgroups. */
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly shaderF16: boolean;
  /** Built-in functions that give a number for NaN on this device; none if absent. Each has a helper `NAME_or_nan` in the prelude. */
  readonly losesNan?: readonly string[];
  /** What `chromium-experimental-subgroup-matrix` can multiply here; empty without it. */
  readonly matrices: readonly MatrixConfig[];
  readonly maxWorkgroupStorage: number;
  readonly maxInvocations: number;
  readonly maxStorageBuffers: number;
  readonly maxWorkgroupsPerDimension: number;
}

/** One storage binding. `params` are the pointer arguments (several if they alias) that live in the buffer. */
export interface Binding {
  readonly binding: number;
  readonly name: string;
  readonly access: 'read' | 'read_write';
  readonly params: readonly string[];
  /** WGSL type of the array element, e.g. `f32`, `vec4<f32>`, `atomic<u32>`. */
  readonly wgslType: string;
}

/** One field of the uniform block. `offset` and sizes in bytes. */
export interface UniformField {
  readonly name: string;
  readonly offset: number;
  readonly type: 'i32' | 'u32' | 'f32' | 'vec2<u32>';
  /** scalar: value of the argument (dtype says how to write it; i64/u64 as two words, low first; f16 as f32; bool as u32).
   *  base: offset of the pointer argument's first element in its buffer, in elements. grid: programs along `axis`.
   *  bits: the given u32 pattern (values that WGSL refuses as constants: inf, nan, zero). */
  readonly source:
    | { readonly kind: 'scalar'; readonly param: string; readonly dtype: DTypeName }
    | { readonly kind: 'base'; readonly param: string }
    | { readonly kind: 'grid'; readonly axis: 0 | 1 | 2 }
    | { readonly kind: 'bits'; readonly bits: number };
}

/** A device_print or device_assert site; records in the log buffer name it by index. */
export interface LogSite {
  readonly kind: 'print' | 'assert';
  readonly text: string;
  /** Print bits. */
  readonly hex?: boolean;
  readonly loc: Loc;
  /** dtypes of the values in a record. */
  readonly values: readonly DTypeName[];
  /** Shape of the values; the element index of a record counts in row-major order. Absent or [] for scalars. */
  readonly shape?: readonly number[];
}

export interface WgslProgram {
  readonly kernel: string;
  readonly code: string;
  readonly entryPoint: string;
  readonly workgroupSize: number;
  /** Programs that share a workgroup; 1 if absent. Surplus workgroups do nothing. */
  readonly programs?: number;
  readonly bindings: readonly Binding[];
  readonly uniform: { readonly binding: number; readonly size: number; readonly fields: readonly UniformField[] } | null;
  /**
   * Log ring for device_print/device_assert: word 0 counts words used (atomically), then records
   * [site, pid0, pid1, pid2, element index, values as u32 words (i64 two)...].
   */
  readonly log: { readonly binding: number; readonly sites: readonly LogSite[] } | null;
  /** Program ids are decoded from a flat workgroup index, so that any grid up to 2^32 programs launches (see gridRule). */
  readonly gridRule: 'flat';
  readonly features: readonly string[];
  /** Bytes of workgroup memory; invocations are `workgroupSize`. */
  readonly workgroupStorage: number;
  /** Source place of each line of `code` (index 0 is line 1), where it has one. */
  readonly lineMap: readonly (Loc | null)[];
}
