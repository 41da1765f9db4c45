// `tl.PropagateNan`: whether NaN wins or loses in minimum, maximum and clamp.

import type { Attrs } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { describeJs } from './math.ts';

/** NONE: a number wins against NaN (the default). ALL: NaN wins. */
export const PropagateNan = { NONE: 'none', ALL: 'all' } as const;
export type PropagateNan = (typeof PropagateNan)[keyof typeof PropagateNan];

export interface NanOptions {
  /** `tl.PropagateNan.ALL` makes the result NaN where an operand is; integers have none. */
  readonly propagate_nan?: PropagateNan;
}

/** The attribute that the option becomes; none for the default. */
export function nanAttrs(t: Trace, name: string, options: NanOptions): Attrs {
  for (const [k, v] of Object.entries(options)) {
    if (k !== 'propagate_nan') t.fail(TL.unknownArg, name, k, ['propagate_nan']);
    if (v !== PropagateNan.ALL && v !== PropagateNan.NONE)
      t.fail(TL.unsupportedArg, name, k, describeJs(v), 'tl.PropagateNan.NONE or tl.PropagateNan.ALL');
  }
  return options.propagate_nan === PropagateNan.ALL ? { propagate_nan: true } : {};
}
