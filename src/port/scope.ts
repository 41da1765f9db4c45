// Where Python's function-wide variables are declared in TypeScript: in the innermost block that holds every use, at the first
// assignment if that stands there itself, else in front of the statement with the first use.

import { blocksOf, type Expr, expressions, ownExpressions, type Stmt, statements, targetNames } from './ast.ts';
import type { FunctionInfo } from './types.ts';

type Block = readonly Stmt[];

export interface Scope {
  /** Variables declared by this assignment itself. */
  readonly declares: ReadonlyMap<Stmt, readonly string[]>;
  /** Variables declared in front of a statement. */
  readonly hoisted: ReadonlyMap<Stmt, readonly string[]>;
  /** True for variables that are assigned once, by the statement that declares them. */
  isConstant(s: Stmt, name: string): boolean;
  /** The statements that assign a variable, in the order of the text. */
  assignments(name: string): readonly Stmt[];
  /** Names that no expression reads. */
  isRead(name: string): boolean;
  /** True if the body of this `for` assigns its variable. */
  assignsTarget(s: Stmt): boolean;
  /** A loop variable that is used behind its loop, with the use. */
  readonly escaped: { readonly name: string; readonly at: Expr } | null;
}

interface Ref {
  /** Blocks from the function's to the one of the statement, and the statement in each. */
  readonly path: readonly (readonly [Block, Stmt])[];
  readonly write: boolean;
  readonly stmt: Stmt;
  readonly at: Expr;
}

/** Plans the declarations of a function. */
export function planScope(fn: FunctionInfo): Scope {
  const refs = new Map<string, Ref[]>();
  const assigned = new Set<string>();
  const loopOnly = new Map<string, Expr>();
  const reads = new Set<string>();
  const add = (name: string, r: Ref): void => {
    const list = refs.get(name) ?? [];
    refs.set(name, [...list, r]);
  };
  const walk = (block: Block, path: Ref['path'], bound: ReadonlySet<string>): void => {
    for (const stmt of block) {
      const here = [...path, [block, stmt] as const];
      const writes = new Set(
        stmt.k === 'assign' ? stmt.targets.flatMap(targetNames) : stmt.k === 'update' ? targetNames(stmt.target) : [],
      );
      const targets: readonly Expr[] = stmt.k === 'assign' ? stmt.targets : [];
      for (const own of ownExpressions(stmt)) {
        const isTarget = targets.includes(own);
        for (const e of expressions(own)) {
          if (e.k !== 'name') continue;
          if (!isTarget) reads.add(e.name);
          if (bound.has(e.name)) continue;
          add(e.name, { path: here, write: isTarget || (stmt.k === 'update' && own === stmt.target), stmt, at: e });
        }
      }
      for (const w of writes) if (!bound.has(w)) assigned.add(w);
      const names = stmt.k === 'for' ? targetNames(stmt.target) : [];
      for (const n of names) loopOnly.set(n, (stmt as Extract<Stmt, { k: 'for' }>).target);
      for (const b of blocksOf(stmt)) walk(b, here, names.length ? new Set([...bound, ...names]) : bound);
    }
  };
  walk(fn.def.body, [], new Set());

  const declares = new Map<Stmt, string[]>();
  const hoisted = new Map<Stmt, string[]>();
  const constants = new Set<string>();
  /** Declares `name` for `list`, all of whose uses are at least `depth` blocks deep. */
  const place = (name: string, list: readonly Ref[], depth: number): void => {
    const common = commonDepth(list, depth);
    const groups = byBlock(list, common + 1);
    if (groups?.every((g) => startsFresh(g, name, common + 1))) {
      // Every block gives it a value before it reads it: one variable for each.
      for (const g of groups) place(name, g, common + 1);
      return;
    }
    const stmt = list[0].path[common][1];
    const direct = writesDirectly(list[0], name, common);
    const where = direct ? declares : hoisted;
    where.set(stmt, [...(where.get(stmt) ?? []), name]);
    if (direct && list.filter((r) => r.write).length === 1) constants.add(keyOf(stmt, name));
  };
  for (const name of assigned) if (!fn.params.has(name)) place(name, refs.get(name)!, 0);
  let escaped: Scope['escaped'] = null;
  for (const name of loopOnly.keys())
    if (!assigned.has(name) && !fn.params.has(name)) {
      const use = refs.get(name)?.[0];
      if (use) escaped ??= { name, at: use.at };
    }
  return {
    declares,
    hoisted,
    isConstant: (stmt, name) => constants.has(keyOf(stmt, name)),
    assignments: (name) => refs.get(name)?.flatMap((r) => (r.write && r.stmt.k === 'assign' ? [r.stmt] : [])) ?? [],
    isRead: (name) => reads.has(name),
    assignsTarget: (s) =>
      s.k === 'for' &&
      [...statements(s.body)].some(
        (x) =>
          (x.k === 'assign' && x.targets.flatMap(targetNames).some((n) => targetNames(s.target).includes(n))) ||
          (x.k === 'update' && targetNames(x.target).some((n) => targetNames(s.target).includes(n))),
      ),
    escaped,
  };
}
const readsIn = (s: Extract<Stmt, { k: 'assign' }>, name: string): boolean =>
  [...expressions(s.value)].some((e) => e.k === 'name' && e.name === name);

const keyOf = (s: Stmt, name: string): string => `${s.from} ${name}`;
/** How many blocks down all uses share one. */
function commonDepth(list: readonly Ref[], from: number): number {
  const depth = Math.min(...list.map((r) => r.path.length));
  let common = from;
  while (common + 1 < depth && list.every((r) => r.path[common + 1][0] === list[0].path[common + 1][0])) common++;
  return common;
}
/** Uses by the block that they are in at a depth; null if some are not that deep. */
function byBlock(list: readonly Ref[], depth: number): Ref[][] | null {
  if (list.some((r) => r.path.length <= depth)) return null;
  const groups = new Map<Block, Ref[]>();
  for (const r of list) groups.set(r.path[depth][0], [...(groups.get(r.path[depth][0]) ?? []), r]);
  return [...groups.values()];
}
const writesDirectly = (r: Ref, name: string, depth: number): boolean =>
  r.path.length === depth + 1 &&
  r.stmt.k === 'assign' &&
  r.stmt.targets.flatMap(targetNames).includes(name) &&
  !readsIn(r.stmt, name);
/** True if the uses in one block begin with a value that the block itself gives. */
function startsFresh(list: readonly Ref[], name: string, depth: number): boolean {
  const common = commonDepth(list, depth);
  if (writesDirectly(list[0], name, common)) return true;
  const groups = byBlock(list, common + 1);
  return groups !== null && groups.length > 1 && groups.every((g) => startsFresh(g, name, common + 1));
}
