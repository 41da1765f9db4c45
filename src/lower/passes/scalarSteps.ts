// Scalar steps: a pointer tile that a loop carries and moves by one scalar an iteration becomes the tile before the loop plus a
// carried scalar. Needs: tile level. Gives: one register carried instead of one an element, and addresses whose tile part
// does not change in the loop. Only pointers that the loop's results do not hand on.

import { type Block, definitions, type Func, type Op, useCounts, Value } from '../../dsl/ir/ir.ts';
import { rebuild } from '../../dsl/ir/rewrite.ts';
import { dtypeOf, isPtr, isTile, scalar, type Type } from '../../dsl/types.ts';
import { pass } from '../pass.ts';

interface Step {
  readonly slot: number;
  /** What the pointer moves by: a scalar from outside the loop, or a number. */
  readonly by: Value | number;
  readonly type: Type;
}

export const scalarSteps = pass({
  name: 'scalarSteps',
  doc: 'pointer tiles that move by a scalar are carried as a scalar',
  run(func, cx): Func {
    const defs = definitions(func);
    const uses = useCounts(func);
    return rebuild(
      func,
      (op, rw) => {
        const steps = op.name === 'for' ? find(op, defs, uses) : [];
        if (!steps.length) return void rw.copy(op);
        for (const s of steps) cx.fired('scalarSteps', defs.get(op.regions[0].ops.at(-1)!.operands[s.slot])!.loc);
        const [body] = op.regions;
        const bySlot = new Map(steps.map((s) => [s.slot, s]));
        const keep = <T>(xs: readonly T[]): T[] => xs.filter((_, i) => !bySlot.has(i));
        const { loc } = op;
        const inits = op.operands.slice(3).map((o) => rw.get(o));
        const zeros = steps.map((s) => rw.make('constant', [], { value: 0, dtype: dtypeOf(s.type).name }, loc));
        const bys = steps.map((s) =>
          typeof s.by === 'number' ? rw.make('constant', [], { value: s.by, dtype: dtypeOf(s.type).name }, loc) : rw.get(s.by),
        );
        const offsets = steps.map((s) => new Value(s.type, body.args[s.slot + 1].name));
        const args = [body.args[0], ...keep(body.args.slice(1)), ...offsets];
        const full: Block = rw.extend(
          body,
          args,
          () => false,
          () => steps.map((_, i) => rw.make('add', [offsets[i], bys[i]], {}, loc)),
          () => {
            steps.forEach((s, i) => {
              const shape = body.args[s.slot + 1].type.shape;
              const spread = rw.make('broadcast_to', [offsets[i]], { shape }, loc);
              rw.replace(body.args[s.slot + 1], rw.make('addptr', [inits[s.slot], spread], {}, loc));
            });
          },
        );
        const end = full.ops.at(-1)!;
        const count = body.args.length - 1;
        const operands = [...keep(end.operands.slice(0, count)), ...end.operands.slice(count)];
        const inner: Block = { args, ops: [...full.ops.slice(0, -1), { ...end, operands }] };
        rw.emit({
          ...op,
          operands: [...op.operands.slice(0, 3).map((o) => rw.get(o)), ...keep(inits), ...zeros],
          regions: [inner],
          results: [...keep(op.results), ...steps.map((s) => new Value(s.type))],
        });
      },
      cx.rows,
    );
  },
});

function find(loop: Op, defs: ReadonlyMap<Value, Op>, uses: ReadonlyMap<Value, number>): Step[] {
  const [body] = loop.regions;
  const inside = new Set(body.ops.flatMap((op) => op.results));
  const ends = body.ops.at(-1)!.operands;
  const out: Step[] = [];
  body.args.slice(1).forEach((arg, slot) => {
    if (!isPtr(arg.type) || !isTile(arg.type) || uses.get(loop.results[slot])) return;
    const next = defs.get(ends[slot]);
    if (next?.name !== 'addptr' || next.operands[0] !== arg || !inside.has(ends[slot])) return;
    const step = next.operands[1];
    const def = defs.get(step);
    if (def?.name === 'constant') out.push({ slot, by: Number(def.attrs.value), type: scalar(dtypeOf(step.type)) });
    else if (
      def?.name === 'broadcast_to' &&
      !def.operands[0].type.shape.length &&
      !inside.has(def.operands[0]) &&
      !body.args.includes(def.operands[0])
    )
      out.push({ slot, by: def.operands[0], type: def.operands[0].type });
  });
  return out.filter((s) => dtypeOf(s.type).bits === 32);
}
