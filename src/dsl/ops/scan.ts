// Scans along one axis whose combining step is a row of the table. Scans by a function of the kernel: element.ts.

import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr } from '../types.ts';
import { axisOf, dtypeOption, sumDtype } from './reduceArgs.ts';
import { asUser, op } from './row.ts';
import { checkOptions } from './rules.ts';

export interface CumulateOptions {
  /** The axis, for calls that leave it out in front of the options; 0 by default. */
  readonly axis?: number;
  /** From the last element to the first. */
  readonly reverse?: boolean;
}
export interface CumsumOptions extends CumulateOptions {
  /** Dtype to sum in, and of the result. */
  readonly dtype?: DType;
}

/** A scan that combines with the row `combine`, in the dtype that `pick` chooses from the operand's and the option's. */
const cumulate = <O extends CumulateOptions>(
  name: 'cumsum' | 'cumprod',
  doc: string,
  combine: string,
  known: readonly string[],
  pick: (t: Trace, d: DType, o: O) => DType,
) =>
  op({
    doc,
    args: ['x'],
    attrs: ['axis', 'reverse'],
    traits: ['pure', 'scan'],
    type: ([x], _a, fail) => {
      if (isPtr(x)) fail(TL.pointerElement, `tl.${name}`, x);
      return [x];
    },
    combine,
    api:
      (t) =>
      (input: number | boolean, axis: number | O = 0, options?: O): number => {
        const object = typeof axis === 'object' && !t.isValue(axis) && !((axis as unknown) instanceof Number);
        const o = (object ? axis : (options ?? {})) as O;
        checkOptions(t, name, o, ['axis', ...known]);
        const v = t.value(input, `tl.${name}`);
        if (isPtr(v.type)) t.fail(TL.pointerElement, `tl.${name}`, v.type);
        if (v.type.shape.length === 0) t.fail(TL.reduceScalar, name, v.type);
        const a = axisOf(t, name, object ? (o.axis ?? 0) : axis, v.type.shape.length);
        // As Triton does before anything else.
        const d = dtypeOf(v.type) === DTYPES.bf16 ? DTYPES.f32 : dtypeOf(v.type);
        return asUser(t.one(name, [t.cast(t.cast(v, d), pick(t, d, o))], { axis: a, ...(o.reverse ? { reverse: true } : {}) }));
      },
  });

export const SCAN = {
  /**
   * Sums of the elements up to each one along an axis.
   * @differs The order of the additions is not Triton’s: the last bits may differ.
   * @cost log2(n) steps at most: registers, then shuffles, then workgroup memory for what is left.
   */
  cumsum: cumulate<CumsumOptions>(
    'cumsum',
    'Sums of the elements up to each one (from each one on with `reverse`) along an axis. bf16 sums in f32, integers narrower than 32 bits in 32.',
    'add',
    ['reverse', 'dtype'],
    (t, d, o) => dtypeOption(t, 'cumsum', o.dtype) ?? sumDtype(d),
  ),
  /**
   * Products of the elements up to each one along an axis.
   * @differs The order of the products is not Triton’s: the last bits may differ.
   * @cost log2(n) steps at most: registers, then shuffles, then workgroup memory for what is left.
   */
  cumprod: cumulate<CumulateOptions>(
    'cumprod',
    'Products of the elements up to each one (from each one on with `reverse`) along an axis. bf16 multiplies in f32; integers keep their dtype and wrap.',
    'mul',
    ['reverse'],
    (_t, d) => d,
  ),
};
