// Functions of `tl` that are made of reductions.

import type { Value } from '../ir/ir.ts';
import type { Trace } from '../trace/context.ts';
import { REDUCE } from './reduce.ts';
import type { KeepDims } from './reduceArgs.ts';
import { asUser } from './row.ts';
import { checkOptions } from './rules.ts';

export interface SoftmaxOptions extends KeepDims {
  /** Accepted so that kernels port unchanged: the quotient is WGSL's either way. */
  readonly ieee_rounding?: boolean;
}

export const REDUCE_FNS = {
  /**
   * exp(x - max) / sum(exp(x - max)) along a dimension (the first without one). As in Triton the maximum and the sum are
   * broadcast against x: on a tile of rank 2 pass `keep_dims` unless the dimension is the first. f16 and bf16 compute in f32.
   * @differs `ieee_rounding` has no effect: the quotient is WGSL’s, within 2.5 ulp.
   * @cost two reductions, an exponential and a division an element
   */
  softmax:
    (t: Trace) =>
    (x: number, dim?: number | null, options: SoftmaxOptions = {}): number => {
      checkOptions(t, 'softmax', options, ['keep_dims', 'ieee_rounding']);
      const keep = { keep_dims: options.keep_dims ?? false };
      const z = t.one('sub', t.promote('tl.softmax', x, REDUCE.max.api!(t)(x, dim ?? 0, keep)));
      const num: Value = t.one('exp', [z]);
      const den = REDUCE.sum.api!(t)(asUser(num), dim ?? 0, keep);
      return asUser(t.one('div', t.promote('tl.softmax', num, den, true)));
    },
};
