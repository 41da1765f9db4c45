// Rotated loops: a product on matrix units that needs nothing of its iteration but a load (scores: q, which does not change in
// the loop, times the keys that this step loads) is made at the end of the iteration before, beside the product that ends that one.
// A single subgroup waits for nobody, and so is left alone. Needs: tile level, after splitAcc, before prefetch. Gives: two waits for the workgroup less in each iteration, and two products
// at a time for the units to overlap; one product more than the loop has iterations.

import { definitions, type Func, type Op, useCounts, type Value } from '../../dsl/ir/ir.ts';
import { rebuild } from '../../dsl/ir/rewrite.ts';
import { type Pass, pass } from '../pass.ts';
import type { Target } from '../program.ts';
import { matrixInvocations, matrixProducts, through } from './fragments.ts';
import { analyzePointers } from './pointers.ts';
import { early, pipeline } from './prefetch.ts';

export const rotate = (target: Target): Pass =>
  pass({
    name: 'rotate',
    doc: 'makes the next iteration’s first product beside this one’s last',
    run(func, cx): Func {
      const products = new Set(matrixProducts(func, target));
      if (products.size < 2 || matrixInvocations(func, target)! <= target.subgroupMaxSize) return func;
      const defs = definitions(func);
      const uses = useCounts(func);
      const pointers = analyzePointers(func);
      return rebuild(
        func,
        (op, rw) => {
          const ahead = op.name === 'for' ? independent(op, products, early(op, defs, uses, pointers), defs) : [];
          if (!ahead.length) return void rw.copy(op);
          for (const p of ahead) cx.fired('rotate', p.loc);
          pipeline(op, ahead, 'last', rw, defs);
        },
        cx.rows,
      );
    },
  });

/** Products of the body onto nothing, of a tile from outside and a load that can be issued ahead; not all of its products. */
function independent(loop: Op, products: ReadonlySet<Op>, loads: readonly Op[], defs: ReadonlyMap<Value, Op>): Op[] {
  const inside = new Set(loop.regions[0].ops);
  const loaded = new Set(loads.map((l) => l.results[0]));
  const mine = loop.regions[0].ops.filter((op) => products.has(op));
  const found = mine.filter(({ operands: [a, b, acc] }) => {
    const left = defs.get(a);
    return !acc && left && !inside.has(left) && !loop.regions[0].args.includes(a) && loaded.has(through(b, defs));
  });
  return found.length < mine.length ? found : [];
}
