// Barriers: inserted where an invocation may read or overwrite what another has written (or still reads), in workgroup memory
// and in storage buffers that the kernel writes. Comes in: lane IR without barriers. Goes out: lane IR with them. Loops are
// walked twice, so that the end of an iteration meets the start of the next. Conditions are not its business.

import type { Block, Op } from '../../dsl/ir/ir.ts';
import { LANE_OPS } from '../../dsl/ops/lane.ts';
import type { Row } from '../../dsl/ops/row.ts';
import { pass } from '../pass.ts';
import { ALWAYS_APART } from './disjoint.ts';

/** One access since the last barrier. `same`: accesses with an equal key never conflict. */
interface Access {
  readonly space: 'workgroup' | 'storage';
  readonly writes: boolean;
  readonly buffer: string;
  readonly from: number;
  readonly to: number;
  readonly same: string;
  /** Atomic operations of one kind, whose order does not matter. */
  readonly commutes?: string;
  /** An atomic operation that comes after all accesses before it, and before all after it. */
  readonly orders?: boolean;
}
type Pending = readonly Access[];

function accessOf(op: Op): Access | undefined {
  const row = (LANE_OPS as { [n: string]: Row })[op.name];
  const writes = row?.traits.includes('writes') ?? false;
  if (!writes && !row?.traits.includes('reads')) return undefined;
  if (op.attrs.buffer === undefined) {
    const from = Number(op.attrs.base);
    // Stores of one phase write different words; a load conflicts with every store.
    const same = writes ? `phase ${op.attrs.phase}` : 'read';
    return { space: 'workgroup', writes, buffer: String(op.attrs.array ?? ''), from, to: from + Number(op.attrs.size), same };
  }
  if (!writes && !op.attrs.shared) return undefined;
  return {
    space: 'storage',
    writes,
    buffer: String(op.attrs.buffer),
    from: 0,
    to: 1,
    same: String(op.attrs.address),
    ...(op.attrs.commutes ? { commutes: String(op.attrs.commutes) } : {}),
    ...(row?.traits.includes('atomic') && op.attrs.relaxed !== true ? { orders: true } : {}),
  };
}
const conflict = (a: Access, b: Access): boolean => {
  if (a.space === 'storage' && b.space === 'storage' && Boolean(a.orders) !== Boolean(b.orders)) return true;
  if (a.commutes && a.commutes === b.commutes) return false;
  if (a.space !== b.space || a.buffer !== b.buffer || !(a.writes || b.writes) || a.from >= b.to || b.from >= a.to) return false;
  return a.same !== b.same || (a.same === '' && b.same === '');
};
const add = (p: Pending, a: Access): Pending =>
  p.some(
    (q) =>
      q.space === a.space &&
      q.writes === a.writes &&
      q.buffer === a.buffer &&
      q.from === a.from &&
      q.to === a.to &&
      q.same === a.same &&
      q.commutes === a.commutes &&
      q.orders === a.orders,
  )
    ? p
    : [...p, a];
const merge = (a: Pending, b: Pending): Pending => b.reduce(add, a);
/** In the next iteration an address of the same name is another address, unless the name says more. */
const aged = (p: Pending): Pending =>
  p.map((a) => (a.space === 'storage' && !a.same.startsWith(ALWAYS_APART) ? { ...a, same: '' } : a)).reduce<Pending>(add, []);

export const barriers = pass({
  name: 'barriers',
  doc: 'Every access that could meet another invocation’s has a barrier before it.',
  run: (func) => ({ ...func, body: run(func.body, []).block }),
});

const accessesIn = (b: Block): Access[] =>
  b.ops.flatMap((op) => [...[accessOf(op)].filter((a) => a !== undefined), ...op.regions.flatMap(accessesIn)]);

function run(block: Block, before: Pending): { block: Block; after: Pending } {
  let pending = before;
  const ops: Op[] = [];
  const barrier = (op: Op, workgroup: boolean, storage: boolean): void => {
    ops.push({ name: 'barrier', operands: [], attrs: { workgroup, storage }, results: [], regions: [], loc: op.loc });
    pending = pending.filter((p) => (p.space === 'workgroup' ? !workgroup : !storage));
  };
  for (const op of block.ops) {
    const access = accessOf(op);
    if (access) {
      if (pending.some((p) => conflict(p, access))) barrier(op, access.space === 'workgroup', access.space === 'storage');
      pending = add(pending, access);
      ops.push(op);
    } else if (op.regions.length === 0) {
      // A barrier that is there already, or an op that waits for all.
      if (op.name === 'barrier' || op.name === 'any_uniform')
        pending = pending.filter((p) => (p.space === 'workgroup' ? op.attrs.workgroup === false : !op.attrs.storage));
      ops.push(op);
    } else if (op.name === 'if') {
      const parts = op.regions.map((r) => run(r, pending));
      pending = parts.map((p) => p.after).reduce(merge, op.regions.length < 2 ? pending : []);
      ops.push({ ...op, regions: parts.map((p) => p.block) });
    } else {
      // What the loop touches after the code before it waits once, before the loop, not in every iteration.
      const inner = op.regions.flatMap(accessesIn);
      const meets = (space: Access['space']) => inner.some((a) => a.space === space && pending.some((p) => conflict(p, a)));
      if (meets('workgroup') || meets('storage')) barrier(op, meets('workgroup'), meets('storage'));
      // Regions run in order, then again from the first.
      const once = (start: Pending): { regions: Block[]; after: Pending } => {
        let state = start;
        const regions = op.regions.map((r) => {
          const out = run(r, state);
          state = out.after;
          return out.block;
        });
        return { regions, after: state };
      };
      const entry = merge(pending, aged(once(pending).after));
      const final = once(entry);
      ops.push({ ...op, regions: final.regions });
      pending = merge(pending, aged(final.after));
    }
  }
  return { block: { args: block.args, ops }, after: pending };
}
