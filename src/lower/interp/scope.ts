// Which source variables are visible at a step, and which SSA value each stands for: the latest definition before the step in
// the regions around it. Device functions are inlined; their variables are told apart by the call chain of their locations.

import type { Loc } from '../../dsl/diagnostics.ts';
import type { Value } from '../../dsl/ir/ir.ts';
import type { Code, Scope, Step } from './machine.ts';

/** A named value that a step can see. `loc` is its op's; null for the kernel's parameters. */
export interface Variable {
  readonly name: string;
  readonly value: Value;
  readonly loc: Loc | null;
}

/** Where a span stands: its function and the calls that led there, innermost first. */
export function callChain(loc: Loc): Loc[] {
  const chain: Loc[] = [];
  for (let l: Loc | undefined = loc; l; l = l.parent) chain.push(l);
  return chain;
}
/** The same for every span in one inlined call. */
const frameOf = (loc: Loc): string =>
  callChain(loc)
    .map((l, i) => (i === 0 ? (l.fn ?? '') : `${l.fn ?? ''}@${l.line}:${l.col}`))
    .join('<');

const encloses = (outer: Scope, inner: Scope): boolean => {
  for (let s: Scope | null = inner; s; s = s.parent) if (s === outer) return true;
  return false;
};

/** Named values defined before `step` runs (null: at the end), in order of definition; of one name in one call the last counts. */
export function variables(code: Code, step: Step | null): Variable[] {
  const found = new Map<string, Variable>();
  const add = (value: Value, loc: Loc | null, name = value.name) => {
    if (name === undefined) return;
    const key = `${loc ? frameOf(loc) : ''}\n${name}`;
    found.delete(key);
    found.set(key, { name, value, loc });
  };
  for (const p of code.params) add(p.value, null, p.name);
  const at = step?.index ?? code.steps.length;
  for (const s of code.steps) {
    if (s.index >= at) break;
    if (step ? !encloses(s.scope, step.scope) : s.scope.parent !== null) continue;
    if (s.kind === 'op') for (const r of s.op.results) add(r, s.op.loc);
    // A loop or branch that has been left shows its results; one that we are in shows its arguments.
    if (s.kind === 'enter') {
      const inside = step && s.op.regions.find((r) => within(step.scope, r));
      if (inside) {
        for (const a of inside.args) add(a, s.op.loc);
      } else {
        for (const r of s.op.results) add(r, s.op.loc);
      }
    }
  }
  return [...found.values()];
}

const within = (scope: Scope, block: Scope['block']): boolean => {
  for (let s: Scope | null = scope; s; s = s.parent) if (s.block === block) return true;
  return false;
};

/**
 * The value that `name` stands for just before `step`: in the innermost call first, then in its callers, then among the
 * kernel's parameters.
 */
export function variable(code: Code, step: Step | null, name: string): Value | undefined {
  const candidates = variables(code, step).filter((v) => v.name === name);
  for (const call of step ? callChain(step.op.loc) : []) {
    const frame = frameOf(call);
    const own = candidates.find((v) => v.loc !== null && frameOf(v.loc) === frame);
    if (own) return own.value;
  }
  return candidates.find((v) => v.loc === null)?.value ?? candidates.at(-1)?.value;
}
