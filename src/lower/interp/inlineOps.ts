// Inline WGSL on the interpreter: the JavaScript function that the kernel gives beside it, element by element.

import { round } from '../../dsl/numerics.ts';
import { inlineCpu } from '../../dsl/ops/inline.ts';
import type { Num } from '../../dsl/ops/row.ts';
import { dtypeOf, numel } from '../../dsl/types.ts';
import { stop } from './errors.ts';
import type { Makers } from './maker.ts';
import { RUN } from './messages.ts';

export const INLINE_MAKERS: Makers = {
  inline_wgsl: (op, slot) => {
    const cpu = inlineCpu(op.attrs.cpu);
    const [o, ...xs] = [op.results[0], ...op.operands].map(slot);
    const { type } = op.results[0];
    const n = numel(type.shape);
    return ({ regs, pid }) => {
      if (!cpu) return stop(op.loc, pid, RUN.inlineCpu);
      for (let i = 0; i < n; i++) {
        const r = cpu(...xs.map((x): Num => regs[x][i]));
        regs[o][i] = round(dtypeOf(type), typeof r === 'bigint' ? r : Number(r)) as never;
      }
      return undefined;
    };
  },
};
