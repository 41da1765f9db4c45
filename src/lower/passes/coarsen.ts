// Several programs a workgroup: a device starts a limited number of workgroups a second, so programs of few invocations share one.
// Comes in: finished lane IR. Goes out: the same, with the number of programs a workgroup in attr `programs`; the module then
// hands each slice of invocations its own program id. Only where a slice never waits for the rest of its program through workgroup
// memory, and where the barriers that are left stand where all slices meet.

import { type Block, type Op, Value, walk } from '../../dsl/ir/ir.ts';
import { DTYPES, scalar } from '../../dsl/types.ts';
import { pass } from '../pass.ts';
import { laneRow } from './lane.ts';

/** Invocations a workgroup should have: fewer leave a multiprocessor short of work (H100: 1.4 to 1.8 × from 32 to 128; 256 adds nothing). */
const ENOUGH = 128;

/** Ops that use workgroup memory, or matrix units through it: what is true anywhere in the workgroup would be true of every program in it. */
const NEEDS_ITS_WORKGROUP = /^(wg|matrix|strip|subgroup)_|^any_uniform$/;

const isBarrier = (op: Op): boolean => op.name === 'barrier' || op.name === 'make_uniform';

export const coarsen = pass({
  name: 'coarsen',
  doc: 'Programs of few invocations share a workgroup.',
  run: (func, cx) => {
    const size = Number(func.attrs.workgroup_size);
    const programs = Math.floor(Math.min(ENOUGH, Number(func.attrs.workgroup_limit)) / size);
    if (programs < 2 || func.attrs.workgroup_words || !separable(func.body)) return func;
    cx.fired('coarsen', func.loc);
    const attrs = { ...func.attrs, programs };
    if (!func.body.ops.some(isBarrier)) return { ...func, attrs };
    // All slices must come to the barriers: those past the last program run the last one and write nothing.
    const live = new Value(scalar(DTYPES.bool), 'live');
    const make: Op = { name: 'live_program', operands: [], attrs: {}, results: [live], regions: [], loc: func.loc };
    const body = guard(func.body, live);
    return { ...func, attrs: { ...attrs, meets: true }, body: { args: body.args, ops: [make, ...body.ops] } };
  },
});

/** No barrier inside a region, and no effects but stores where slices without a program come along. */
function separable(body: Block): boolean {
  let ok = true;
  const meets = body.ops.some(isBarrier);
  walk(body, (op, block) => {
    if (isBarrier(op) && (block !== body || op.name === 'make_uniform')) ok = false;
    if (NEEDS_ITS_WORKGROUP.test(op.name)) ok = false;
    const atomic = laneRow(op.name)?.traits.includes('atomic');
    if (meets && (atomic || op.name === 'log_record' || op.name === 'merge_global')) ok = false;
  });
  return ok;
}

/** Every store under `live`, too. */
function guard(block: Block, live: Value): Block {
  const ops: Op[] = [];
  for (const op of block.ops) {
    if (op.name === 'store_global') {
      const [index, value, mask] = op.operands;
      let both = live;
      if (mask) {
        both = new Value(mask.type);
        ops.push({ name: 'and', operands: [mask, live], attrs: {}, results: [both], regions: [], loc: op.loc });
      }
      ops.push({ ...op, operands: [index, value, both] });
    } else ops.push(op.regions.length ? { ...op, regions: op.regions.map((r) => guard(r, live)) } : op);
  }
  return { args: block.args, ops };
}
