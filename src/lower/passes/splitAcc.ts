// Accumulators that are no fragments: a product whose accumulator is computed elementwise becomes a product and an addition,
// because moving the accumulator into result matrices costs as much as moving the product out, and the product must move
// out anyway. Needs: tile level. Gives: products that accumulate only onto what stays in matrices, or onto nothing.

import type { Func, Op } from '../../dsl/ir/ir.ts';
import { rebuild } from '../../dsl/ir/rewrite.ts';
import { type Pass, pass } from '../pass.ts';
import type { Target } from '../program.ts';
import { foreignAccumulators } from './fragments.ts';

export const splitAcc = (target: Target): Pass =>
  pass({
    name: 'splitAcc',
    doc: 'products on matrix units accumulate only onto what stays in matrices',
    run(func, cx): Func {
      const split = new Set<Op>(foreignAccumulators(func, target));
      if (!split.size) return func;
      return rebuild(
        func,
        (op, rw) => {
          if (!split.has(op)) return void rw.copy(op);
          const [a, b, acc] = op.operands.map((o) => rw.get(o));
          const product = rw.make('dot', [a, b], op.attrs, op.loc);
          rw.replace(op.results[0], rw.make('add', [acc, product], {}, op.loc));
          cx.fired('splitAcc', op.loc);
        },
        cx.rows,
      );
    },
  });
