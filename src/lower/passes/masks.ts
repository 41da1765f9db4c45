// What a mask says: lane-level conditions as sets of conjuncts, so that passes can ask whether one implies another. Comes in: the
// ops that make lane values. Goes out: sets of names. Nothing is simplified here.

import { type Block, type Op, type Value, walk } from '../../dsl/ir/ir.ts';

/** Conditions known to hold, by name; equal names are equal conditions. */
export type Known = ReadonlySet<string>;

export class Masks {
  private readonly defs = new Map<Value, Op>();
  private readonly ids = new Map<Value, number>();

  constructor(body: Block) {
    walk(body, (op) => {
      for (const r of op.results) this.defs.set(r, op);
    });
  }
  def(v: Value): Op | undefined {
    return this.defs.get(v);
  }
  /** Names of the conditions that all hold where `v` (component `i` of it, if a vector) does. */
  conjuncts(v: Value | undefined, i = 0): string[] {
    if (!v) return [];
    const op = this.defs.get(v);
    if (op?.name === 'and') return op.operands.flatMap((o) => this.conjuncts(o, i));
    if (op?.name === 'extract') return this.conjuncts(op.operands[0], Number(op.attrs.i));
    if (op?.name === 'splat') return this.conjuncts(op.operands[0]);
    if (op?.name === 'construct') return this.conjuncts(op.operands[i]);
    if (op?.name === 'constant' && op.attrs.value === true) return [];
    let id = this.ids.get(v);
    if (id === undefined) this.ids.set(v, (id = this.ids.size));
    return [`${id}.${i}`];
  }
  known(...masks: readonly (Value | undefined)[]): Known {
    return new Set(masks.flatMap((m) => this.conjuncts(m)));
  }
  /** True where `mask` (none: always) holds whenever `known` does. */
  implied(mask: Value | undefined, known: Known): boolean {
    return this.conjuncts(mask).every((c) => known.has(c));
  }
}
