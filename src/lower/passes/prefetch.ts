// Prefetch: a load in a counted loop that feeds a product on matrix units is issued one iteration early. Needs: tile level. Gives:
// the loaded tile as a carried value; the first one is loaded before the loop, the next one at the start of each iteration,
// masked off where there is no next iteration. Only loads whose address and mask follow from the loop's own counters, from
// buffers that the kernel never writes.

import { type Block, definitions, type Func, type Op, useCounts, Value } from '../../dsl/ir/ir.ts';
import { type Rewriter, rebuild } from '../../dsl/ir/rewrite.ts';
import { hasTrait } from '../../dsl/ops/index.ts';
import { isTile } from '../../dsl/types.ts';
import { type Pass, pass } from '../pass.ts';
import type { Target } from '../program.ts';
import { matrixOperands } from './fragments.ts';
import { analyzePointers } from './pointers.ts';

export const prefetch = (target: Target): Pass =>
  pass({
    name: 'prefetch',
    doc: 'loads the operands of the next iteration’s products while this one’s are multiplied',
    run(func, cx): Func {
      const operands = matrixOperands(func, target);
      if (!operands.size) return func;
      const defs = definitions(func);
      const uses = useCounts(func);
      const pointers = analyzePointers(func);
      return rebuild(
        func,
        (op, rw) => {
          const loads = op.name === 'for' ? early(op, defs, uses, pointers).filter((l) => operands.has(l.results[0])) : [];
          if (!loads.length) return void rw.copy(op);
          for (const l of loads) cx.fired('prefetch', l.loc);
          pipeline(op, loads, 'first', rw, defs);
        },
        cx.rows,
      );
    },
  });

/** Loads that stand in the loop's own body and can be computed from an iteration's arguments alone. */
export function early(
  loop: Op,
  defs: ReadonlyMap<Value, Op>,
  uses: ReadonlyMap<Value, number>,
  pointers: ReturnType<typeof analyzePointers>,
): Op[] {
  const [body] = loop.regions;
  const inside = new Set(body.ops);
  const ends = body.ops.at(-1)!.operands;
  const known = new Map<Value, boolean>();
  const constant = (load: Op): boolean => ![...pointers.buffers(load.operands[0])].some((b) => pointers.written.has(b));
  /** A value of the body that pure ops, and loads of what nobody writes (block tables), make of arguments and outer values. */
  const simple = (v: Value): boolean => {
    const k = known.get(v);
    if (k !== undefined) return k;
    known.set(v, false);
    const op = defs.get(v);
    let ok: boolean;
    const arg = body.args.indexOf(v);
    if (arg >= 0) ok = arg === 0 || (!!defs.get(ends[arg - 1]) && stepOf(ends[arg - 1], v));
    else if (!op || !inside.has(op)) ok = true;
    else
      ok =
        (hasTrait(op.name, 'pure') || (hasTrait(op.name, 'reads') && constant(op))) &&
        !op.regions.length &&
        op.name !== 'dot' &&
        !hasTrait(op.name, 'reduction') &&
        op.operands.every(simple);
    known.set(v, ok);
    return ok;
  };
  /** The next value of an argument follows from itself and simple values. */
  const stepOf = (next: Value, arg: Value): boolean => {
    const op = defs.get(next);
    return (
      next === arg ||
      !op ||
      !inside.has(op) ||
      (hasTrait(op.name, 'pure') && !op.regions.length && op.operands.every((o) => o === arg || simple(o)))
    );
  };
  return body.ops.filter(
    (op) =>
      hasTrait(op.name, 'reads') &&
      op.results[0] &&
      isTile(op.results[0].type) &&
      uses.get(op.results[0]) === 1 &&
      constant(op) &&
      op.operands.every(simple),
  );
}

/**
 * Moves ops of a loop's body one iteration ahead: their results become carried values, the first ones are made before the loop, and
 * the next ones at the start or the end of each iteration. Loads that they take are made with them, masked off where there
 * is no next iteration.
 */
export function pipeline(
  loop: Op,
  ahead: readonly Op[],
  where: 'first' | 'last',
  rw: Rewriter,
  defs: ReadonlyMap<Value, Op>,
): void {
  const [body] = loop.regions;
  const inside = new Set(body.ops);
  const ends = body.ops.at(-1)!.operands;
  const [lo, hi, step, ...inits] = loop.operands.map((o) => rw.get(o));
  const loc = loop.loc;
  /** The ops with the body's arguments standing for `args`, loads masked by `live`. */
  const issue = (env: Map<Value, Value>, live: Value): Value[] => {
    const at = (v: Value): Value => {
      const known = env.get(v);
      if (known) return known;
      const op = defs.get(v);
      if (!op || !inside.has(op)) return rw.get(v);
      const operands = op.operands.map(at);
      if (hasTrait(op.name, 'reads')) {
        const [, mask] = operands;
        const all = rw.make('broadcast_to', [live], { shape: op.results[0].type.shape }, op.loc);
        operands[1] = mask ? rw.make('and', [mask, all], {}, op.loc) : all;
      }
      const made = rw.make(op.name, operands, op.attrs, op.loc);
      made.name ??= v.name;
      env.set(v, made);
      return made;
    };
    return ahead.map((op) => at(op.results[0]));
  };
  const first = issue(
    new Map<Value, Value>([[body.args[0], lo], ...inits.map((v, i) => [body.args[i + 1], v] as const)]),
    rw.make('lt', [lo, hi], {}, loc),
  );
  const args = [...body.args, ...ahead.map((l) => new Value(l.results[0].type, l.results[0].name))];
  const current = args.slice(body.args.length);
  let made: readonly Value[] = [];
  const skip = new Set(ahead);
  const issueNext = (): void => {
    const iv = rw.make('add', [body.args[0], step], {}, loc);
    // What an argument is in the next iteration, computed here again; what that takes is the same as in the body.
    const now = new Map<Value, Value>();
    const same = (v: Value): Value => {
      const known = now.get(v);
      if (known) return known;
      const op = defs.get(v);
      if (!op || !inside.has(op) || !hasTrait(op.name, 'pure')) return rw.get(v);
      const made = rw.make(op.name, op.operands.map(same), op.attrs, op.loc);
      now.set(v, made);
      return made;
    };
    const next = new Map<Value, Value>([[body.args[0], iv]]);
    const needed = neededArgs(ahead, body, defs, inside);
    body.args.slice(1).forEach((a, i) => void (needed.has(a) && next.set(a, same(ends[i]))));
    made = issue(next, rw.make('lt', [iv, hi], {}, loc));
  };
  const inner: Block = rw.extend(
    body,
    args,
    (op) => skip.has(op),
    () => {
      if (where === 'last') issueNext();
      return made;
    },
    () => {
      if (where === 'first') issueNext();
      ahead.forEach((op, i) => void rw.replace(op.results[0], current[i]));
    },
  );
  rw.emit({
    ...loop,
    operands: [lo, hi, step, ...inits, ...first],
    regions: [inner],
    results: [...loop.results, ...ahead.map((l) => new Value(l.results[0].type))],
  });
}

/** Arguments of the loop that the ops are computed from. */
function neededArgs(ahead: readonly Op[], body: Block, defs: ReadonlyMap<Value, Op>, inside: ReadonlySet<Op>): Set<Value> {
  const out = new Set<Value>();
  const seen = new Set<Value>();
  const visit = (v: Value): void => {
    if (seen.has(v)) return;
    seen.add(v);
    if (body.args.includes(v)) out.add(v);
    const op = defs.get(v);
    if (op && inside.has(op)) op.operands.forEach(visit);
  };
  for (const op of ahead) op.operands.forEach(visit);
  return out;
}
