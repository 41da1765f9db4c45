// Tuples that change: `s = (a, b)` in a loop carries two values, which TypeScript's tracer cannot carry in an array. Such a
// variable becomes one variable an element: `s[0]` is `s_0`, and `s` as a whole `(s_0, s_1)`.

import { type Expr, type FunctionDef, type Stmt, statements, targetNames } from './ast.ts';

/** Rewrites the tuples of a function that are assigned more than once, always by tuples of one length. */
export function splitTuples(def: FunctionDef): FunctionDef {
  const lengths = new Map<string, number | null>();
  const count = new Map<string, number>();
  const note = (name: string, value: Expr | null): void => {
    const length = value?.k === 'tuple' ? value.items.length : null;
    lengths.set(name, !lengths.has(name) || lengths.get(name) === length ? length : null);
    count.set(name, (count.get(name) ?? 0) + 1);
  };
  for (const p of def.params) note(p.name, null);
  for (const s of statements(def.body)) {
    if (s.k === 'assign') for (const t of s.targets) for (const n of targetNames(t)) note(n, t.k === 'name' ? s.value : null);
    else if (s.k === 'update') for (const n of targetNames(s.target)) note(n, null);
    else if (s.k === 'for') for (const n of targetNames(s.target)) note(n, null);
  }
  const split = new Map([...lengths].filter((e): e is [string, number] => e[1] !== null && (count.get(e[0]) ?? 0) > 1));
  if (!split.size) return def;
  const parts = (e: Expr & { readonly name: string }): Expr => ({
    k: 'tuple',
    items: Array.from({ length: split.get(e.name)! }, (_, i) => ({ k: 'name', name: `${e.name}_${i}`, from: e.from, to: e.to })),
    from: e.from,
    to: e.to,
  });
  const replace = (e: Expr): Expr | null => {
    if (e.k === 'name') return split.has(e.name) ? parts(e) : null;
    if (e.k !== 'index' || e.x.k !== 'name' || !split.has(e.x.name)) return null;
    const [i] = e.items;
    const at =
      i?.k === 'number' ? Number(i.text) : i?.k === 'unary' && i.x.k === 'number' ? split.get(e.x.name)! - Number(i.x.text) : -1;
    return at >= 0 && at < split.get(e.x.name)! ? { k: 'name', name: `${e.x.name}_${at}`, from: e.from, to: e.to } : null;
  };
  return { ...def, body: rewrite(def.body, replace) as readonly Stmt[] };
}

/** A copy of a tree with the expressions for which `replace` gives one put in their place. */
function rewrite(node: unknown, replace: (e: Expr) => Expr | null): unknown {
  if (Array.isArray(node)) return node.map((n) => rewrite(n, replace));
  if (typeof node !== 'object' || node === null) return node;
  const replaced = 'k' in node ? replace(node as Expr) : null;
  return replaced ?? Object.fromEntries(Object.entries(node).map(([key, value]) => [key, rewrite(value, replace)]));
}
