// What each part of a kernel assigns. Control flow is traced, so a branch or loop must say which outer variables it
// changes, those changed by inner functions that it calls included. Gives, for a range of source, the variables assigned in
// it and declared before it. Knows nothing of the emitted text.

import { ts } from './project.ts';
import { bare, type Decl, eachAssignment, isFunction, type Scopes } from './scope.ts';

/** A stretch of source text. */
export type Range = readonly [start: number, end: number];

/** An assignment, or a mention of an inner function that assigns. */
export interface Assigned {
  readonly decl: Decl;
  readonly pos: number;
}

export const within = (pos: number, [start, end]: Range): boolean => pos >= start && pos < end;
export const rangeOf = (n: ts.Node): Range => [n.getStart(), n.end];

export class Assignments {
  readonly #list: Assigned[] = [];
  /** Functions that assign outer variables and are neither named constants nor direct arguments: the caller refuses them. */
  readonly hidden: { node: ts.Node; decl: Decl }[] = [];

  constructor(root: ts.FunctionLikeDeclaration, scopes: Scopes) {
    const whole = rangeOf(root);
    const effects = new Map<Decl, Set<Decl>>();
    const work: Assigned[] = [];
    const record = (decl: Decl, pos: number, at: ts.Node) => {
      this.#list.push({ decl, pos });
      // Every inner function between the assignment and the variable's own scope has the assignment as an effect.
      for (let f = at.parent; f !== root && f !== decl.scope; f = f.parent) {
        if (!isFunction(f)) continue;
        const holder = holderOf(f, scopes);
        if (holder === 'hidden') this.hidden.push({ node: f, decl });
        else if (holder !== 'immediate') {
          const known = effects.get(holder) ?? new Set();
          effects.set(holder, known.add(decl));
          work.push({ decl, pos: holder.pos });
        }
      }
    };
    eachAssignment(root, (target, at) => {
      if (!ts.isIdentifier(target)) return;
      const decl = scopes.lookup(target, target.text);
      if (decl && within(decl.pos, whole)) record(decl, target.getStart(), at);
    });
    if (!effects.size) return;
    // Mentioning such a function counts as assigning; a function that mentions it has the effect too, until nothing changes.
    const seen = new Set<string>();
    while (work.length) {
      const { decl, pos } = work.pop()!;
      const holder = [...effects.keys()].find((d) => d.pos === pos)!;
      if (seen.has(`${pos}:${decl.pos}`)) continue;
      seen.add(`${pos}:${decl.pos}`);
      (function walk(n: ts.Node, me: Assignments): void {
        if (ts.isIdentifier(n) && n.text === holder.name && n !== holder.node && scopes.lookup(n, n.text) === holder) {
          record(decl, n.getStart(), n);
          // Under a second name (`const g = f`) the effect goes along.
          const alias = holderOf(n, scopes);
          if (alias === 'hidden') me.hidden.push({ node: n, decl });
          else if (alias !== 'immediate') {
            effects.set(alias, (effects.get(alias) ?? new Set()).add(decl));
            work.push({ decl, pos: alias.pos });
          }
        }
        ts.forEachChild(n, (c) => walk(c, me));
      })(root, this);
    }
  }

  /** Variables assigned in one of `ranges` and declared before the first, in order of their declaration. */
  outer(...ranges: Range[]): Decl[] {
    const found = new Set<Decl>();
    for (const a of this.#list) if (a.decl.pos < ranges[0][0] && ranges.some((r) => within(a.pos, r))) found.add(a.decl);
    return [...found].sort((a, b) => a.pos - b.pos);
  }

  /** True when `decl` is assigned in the range. */
  has(decl: Decl, range: Range): boolean {
    return this.#list.some((a) => a.decl === decl && within(a.pos, range));
  }
}

/** The name by which a function (or a mention of one) is called later; 'immediate' where it is called or passed on the spot. */
function holderOf(f: ts.Node, scopes: Scopes): Decl | 'immediate' | 'hidden' {
  if (ts.isFunctionDeclaration(f) && f.name) return scopes.lookup(f, f.name.text)!;
  let n = f;
  while (n.parent && ts.isExpression(n.parent) && bare(n.parent) === f) n = n.parent;
  const p = n.parent;
  if (ts.isVariableDeclaration(p) && ts.isIdentifier(p.name)) {
    const decl = scopes.lookup(p.name, p.name.text)!;
    return decl.kind === 'const' ? decl : 'hidden';
  }
  return ts.isCallExpression(p) ? 'immediate' : 'hidden';
}
