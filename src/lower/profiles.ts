// What suits a kind of device: a table of figures that were measured, read by the passes that choose workgroup sizes. A profile changes
// speed only; every profile's code is right on every device.

import type { Target } from './program.ts';

export interface Profile {
  /** Bytes of a kernel's largest accesses that an invocation moves at once, where its elements lie side by side. */
  readonly accessBytes: number;
  /** Fewest elements an invocation holds. */
  readonly elements: number;
  /** Fewest elements an invocation holds in kernels whose invocations exchange values (reductions, scans, sorts). */
  readonly exchanged: number;
  /** Elements of a dot's result that an invocation holds, and fewest of any other tile in a kernel with a dot. */
  readonly dot: number;
  readonly besideDot: number;
  /** True if `num_warps` is obeyed by kernels with a dot: tuned sizes. Elsewhere it is the most that they get. */
  readonly tuned: boolean;
}

export type ProfileName = 'gpu' | 'software';

/**
 * `gpu`: measured on an H100 (docs/decisions/016, 017). `software`: measured on lavapipe and SwiftShader, where a barrier costs a switch
 * of every subgroup of the workgroup and registers are memory anyway (docs/decisions/019).
 */
export const PROFILES: { readonly [name in ProfileName]: Profile } = {
  gpu: { accessBytes: 16, elements: 4, exchanged: 4, dot: 16, besideDot: 4, tuned: true },
  software: { accessBytes: 32, elements: 8, exchanged: 32, dot: 64, besideDot: 64, tuned: false },
};

export const profileOf = (target: Pick<Target, 'profile'>): Profile => PROFILES[target.profile];
