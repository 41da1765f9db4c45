// Atomic operations, tile to lane: one invocation of each set of replicas does an element's operation, and hands what it returns to
// the others through workgroup memory if anyone asks for it. How a word is changed in one step is wgsl/atomics.ts.

import { fail } from '../../dsl/diagnostics.ts';
import type { Op } from '../../dsl/ir/ir.ts';
import { maskOperand } from '../../dsl/ops/index.ts';
import { DTYPES, isTile, pointee } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import { isTwoWordAtomic } from '../wgsl/atomics.ts';
import type { Placement } from './assignLayouts.ts';
import type { Distributor } from './distribute.ts';
import { addressKey } from './distributeMemory.ts';
import { regCount, SCALAR } from './layout.ts';
import type { Lowering } from './lowerings.ts';

function placeAtomic(p: Placement, op: Op): void {
  const [ptr] = op.operands;
  if (!isTile(ptr.type)) return;
  const home = p.accessed(op);
  p.works(op, home.layout);
  p.set(op.results[0], home);
}

function emitAtomic(d: Distributor, op: Op): void {
  const [ptr, ...rest] = op.operands;
  const [result] = op.results;
  const { b } = d;
  const dtype = pointee(ptr.type);
  const used = d.isUsed(result);
  if (dtype.bits === 64 && !isTwoWordAtomic(op.name)) fail(op.loc, LOWER.atomicWide, `tl.${op.name}`, dtype.name);
  if (dtype.bits === 64 && used) fail(op.loc, LOWER.atomicWideResult, `tl.${op.name}`, dtype.name);
  const layout = isTile(ptr.type) ? d.plan.working(op) : SCALAR;
  const buffer = d.access.of(ptr);
  const mask = maskOperand(op);
  const one = d.representative(layout);
  const at = d.get(ptr, layout);
  const when = mask && d.get(mask, layout);
  const values = rest.filter((v) => v !== mask).map((v) => d.get(v, layout));
  const attrs = {
    buffer: buffer.name,
    op: op.name,
    type: dtype.name,
    address: addressKey(d, op, layout),
    ...(op.attrs.relaxed === true ? { relaxed: true } : {}),
    ...(!used && COMMUTES.has(op.name) ? { commutes: op.name } : {}),
  };
  const old = Array.from({ length: regCount(layout) }, (_, r) => {
    const m = d.bothOf(one, when && b.at(when, r)) ?? b.constant(true, DTYPES.bool);
    return b.effect('rmw_global', [b.at(at, r), m, ...values.map((v) => b.at(v, r))], attrs);
  });
  if (!used) return;
  if (layout === SCALAR) d.hold(result, SCALAR, { width: 1, vals: [one ? b.effect('make_uniform', old) : old[0]] });
  else d.hold(result, layout, one ? d.move(b.pack(old), layout, layout) : b.pack(old));
}
/** Operations of one kind that may be done in any order, if no one looks at what they return. */
const COMMUTES: ReadonlySet<string> = new Set([
  'atomic_add',
  'atomic_max',
  'atomic_min',
  'atomic_and',
  'atomic_or',
  'atomic_xor',
]);

export const ATOMICS: Lowering = { place: placeAtomic, emit: emitAtomic };
