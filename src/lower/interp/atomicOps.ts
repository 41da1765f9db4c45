// Atomic operations on the interpreter: programs run one after another and a program's elements in order, so each element is read,
// changed by the row's `update` and written. Bounds are checked as for loads and stores.

import type { Op } from '../../dsl/ir/ir.ts';
import { round } from '../../dsl/numerics.ts';
import { ATOMIC } from '../../dsl/ops/atomic.ts';
import { maskOperand, rowOf } from '../../dsl/ops/index.ts';
import { numel, pointee, scalar } from '../../dsl/types.ts';
import type { Makers, SlotOf } from './maker.ts';
import { memoryOp } from './memory.ts';
import { registerClass } from './values.ts';

function atomic(op: Op, slot: SlotOf) {
  const [ptr, ...rest] = op.operands;
  const mask = maskOperand(op);
  const d = pointee(ptr.type);
  const n = numel(ptr.type.shape);
  const type = scalar(ptr.type.elem);
  const read = memoryOp('load', type, 1, false, false, op.loc);
  const write = memoryOp('store', type, 1, false, false, op.loc);
  const [o, p, ...values] = [op.results[0], ptr, ...rest.filter((v) => v !== mask)].map(slot);
  const m = mask && slot(mask);
  const update = rowOf(op.name)!.update!;
  const one = new (registerClass(d))(1);
  const address = new Float64Array(1);
  return ({ regs, regions, pid }: Parameters<ReturnType<Makers[string]>>[0]): undefined => {
    const out = regs[o] as Float64Array;
    for (let i = 0; i < n; i++) {
      if (m !== undefined && !regs[m][i]) {
        out[i] = (d.bits === 64 && d.is_int() ? 0n : 0) as number;
        continue;
      }
      address[0] = regs[p][i] as number;
      read(regions, one, address, undefined, undefined, pid);
      const old = one[0];
      out[i] = old as number;
      const next = update(
        old,
        values.map((v) => regs[v][i]),
        d,
      );
      one[0] = round(d, next) as never;
      write(regions, one, address, undefined, undefined, pid);
    }
    return undefined;
  };
}

export const ATOMIC_MAKERS: Makers = Object.fromEntries(
  Object.keys(ATOMIC).map((name): [string, Makers[string]] => [name, atomic]),
);
