// Accumulation into dot: the sum of a matrix product and something else becomes a dot with an accumulator, which back ends
// keep in registers or tensor cores. Needs: tile level. Gives: `acc += dot(a, b)` as one op. As in Triton the products may
// then be added in another order. Never does so for f16 results, for a dot with other uses, or across regions.

import { type Block, definitions, type Func, type Op, useCounts, type Value, walk } from '../../dsl/ir/ir.ts';
import { rebuild } from '../../dsl/ir/rewrite.ts';
import { DTYPES, dtypeOf } from '../../dsl/types.ts';
import { pass } from '../pass.ts';
import { constantNum } from './constants.ts';

export const dotAcc = pass({
  name: 'dotAcc',
  doc: 'gives a dot the tile that its result is added to as accumulator',
  run(func, cx): Func {
    const uses = useCounts(func);
    const defs = definitions(func);
    const homes = new Map<Op, Block>();
    walk(func.body, (op, block) => void homes.set(op, block));
    const isZero = (v: Value | undefined): boolean => {
      const def = v && defs.get(v);
      return def?.name === 'constant' && Object.is(constantNum(def), 0);
    };
    /** The dot behind `v`, if it can take another accumulator at `at`. */
    const openDot = (v: Value, at: Op): Op | undefined => {
      const dot = defs.get(v);
      if (dot?.name !== 'dot' || uses.get(v) !== 1 || homes.get(dot) !== homes.get(at)) return undefined;
      const d = dtypeOf(v.type);
      return (d === DTYPES.f32 || d === DTYPES.i32) && (!dot.operands[2] || isZero(dot.operands[2])) ? dot : undefined;
    };
    const skip = new Set<Op>();
    const plans = new Map<Op, readonly [dot: Op, acc: Value]>();
    walk(func.body, (op) => {
      if (op.name !== 'add') return;
      const [x, y] = op.operands;
      const [dot, acc] = openDot(y, op) ? [openDot(y, op)!, x] : [openDot(x, op), y];
      if (!dot) return;
      plans.set(op, [dot, acc]);
      skip.add(dot);
    });
    return rebuild(
      func,
      (op, rw) => {
        if (skip.has(op)) return;
        const plan = plans.get(op);
        if (!plan) return void rw.copy(op);
        const [dot, acc] = plan;
        // acc + dot(a, b) = dot(a, b, acc)
        const operands = [dot.operands[0], dot.operands[1], acc].map((v) => rw.get(v));
        rw.replace(op.results[0], rw.make('dot', operands, dot.attrs, dot.loc));
        cx.fired('dotAcc', op.loc);
      },
      cx.rows,
    );
  },
});
