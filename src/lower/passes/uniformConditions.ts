// Uniform conditions: WGSL accepts a barrier only where it can prove that all invocations arrive. Conditions and bounds of
// control flow with a barrier inside are equal in the whole workgroup by construction; where WGSL's analysis could not see
// that, they are passed through workgroupUniformLoad. Comes in: lane IR with barriers. Goes out: the same, provable.

import { type Block, type Op, Value } from '../../dsl/ir/ir.ts';
import { pass } from '../pass.ts';

/** Ops that synchronise: they may stand only in uniform control flow. */
const SYNCS = new Set(['barrier', 'make_uniform', 'any_uniform', 'wg_sort']);
const syncs = (op: Op): boolean => SYNCS.has(op.name);
const contains = (b: Block): boolean => b.ops.some((op) => syncs(op) || op.regions.some(contains));

/** What WGSL takes to differ between invocations. */
const varyingSource = (op: Op): boolean =>
  op.name === 'local_id' ||
  op.name === 'wg_load' ||
  op.name === 'rmw_global' ||
  op.name === 'wg_load4' ||
  op.name === 'wg_counted' ||
  op.name === 'strip_load' ||
  op.name === 'subgroup_part' ||
  op.name === 'shuffle_xor' ||
  (op.name === 'load_global' && op.attrs.shared === true);

export const uniformConditions = pass({
  name: 'uniformConditions',
  doc: 'Conditions and bounds around barriers are provably uniform.',
  run: (func) => ({ ...func, body: makeUniform(func.body) }),
});

function makeUniform(body: Block): Block {
  const varying = new Set<Value>();
  let changed = true;
  const mark = (v: Value): void => {
    if (!varying.has(v)) {
      varying.add(v);
      changed = true;
    }
  };
  const flow = (from: readonly Value[], to: readonly Value[]): void =>
    to.forEach((t, i) => void (varying.has(from[i]) && mark(t)));
  /** A condition that will be made uniform does not make anything vary. */
  const visit = (block: Block, diverged: boolean): void => {
    if (diverged) block.args.forEach(mark);
    for (const op of block.ops) {
      if (!op.regions.length) {
        if (
          op.name !== 'make_uniform' &&
          op.name !== 'any_uniform' &&
          (diverged || varyingSource(op) || op.operands.some((o) => varying.has(o)))
        )
          op.results.forEach(mark);
        continue;
      }
      const fixed = op.regions.some(contains);
      const split = diverged || (!fixed && conditions(op).some((c) => varying.has(c)));
      const ends = op.regions.map((r) => r.ops.at(-1)?.operands ?? []);
      if (op.name === 'if') for (const e of ends) flow(e, op.results);
      else {
        const skip = op.name === 'for' ? 1 : 0;
        const carried = op.regions.map((r) => r.args.slice(skip));
        for (const to of carried) {
          flow(op.operands.slice(op.name === 'for' ? 3 : 0), to);
          flow(ends[ends.length - 1], to);
        }
        flow(carried[0], op.results);
        if (skip && !fixed) flow([op.operands[0]], [op.regions[0].args[0]]);
        if (skip && !fixed && op.operands.slice(0, 3).some((o) => varying.has(o))) mark(op.regions[0].args[0]);
      }
      if (split) op.results.forEach(mark);
      for (const r of op.regions) visit(r, split);
    }
  };
  while (changed) {
    changed = false;
    visit(body, false);
  }
  return rewrite(body, varying);
}

function conditions(op: Op): readonly Value[] {
  if (op.name === 'if') return [op.operands[0]];
  if (op.name === 'for') return op.operands.slice(0, 3);
  return op.regions[0].ops.at(-1)?.operands ?? [];
}

function rewrite(block: Block, varying: ReadonlySet<Value>): Block {
  const ops: Op[] = [];
  const fix = (v: Value, op: Op, out: Op[]): Value => {
    if (!varying.has(v)) return v;
    const u = new Value(v.type, v.name ? `${v.name}_u` : undefined);
    out.push({ name: 'make_uniform', operands: [v], attrs: {}, results: [u], regions: [], loc: op.loc });
    return u;
  };
  for (const op of block.ops) {
    if (!op.regions.some(contains)) {
      ops.push(op);
      continue;
    }
    let operands = op.operands;
    if (op.name === 'if') operands = [fix(op.operands[0], op, ops)];
    if (op.name === 'for') operands = op.operands.map((o, i) => (i < 3 ? fix(o, op, ops) : o));
    const regions = op.regions.map((r) => rewrite(r, varying));
    if (op.name === 'while') {
      const last = regions[0].ops.at(-1)!;
      const out = regions[0].ops.slice(0, -1);
      const c = fix(last.operands[0], op, out);
      regions[0] = { args: regions[0].args, ops: [...out, { ...last, operands: [c] }] };
    }
    ops.push({ ...op, operands, regions });
  }
  return { args: block.args, ops };
}
