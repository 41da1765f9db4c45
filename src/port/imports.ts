// Helpers that a file imports: their definitions are put behind its text, as far as its kernels need them, so that all of it is
// translated as one file. Lines keep their numbers: what is left out of a module is blank.

import { type Expr, expressions, type FunctionDef, ownExpressions, statements } from './ast.ts';
import { Unportable } from './errors.ts';
import { type Module, parseModule } from './syntax.ts';

export interface PythonModule {
  /** Its name in messages; `modules` gets it for what it imports itself. */
  readonly file: string;
  readonly text: string;
}
/** Finds the module `name`, as `from` imports it: `pack.ops`, or `.ops` beside it. */
export type FindModule = (name: string, from: string) => PythonModule | null | undefined;

/** Where a line of the joined text comes from. */
export interface Chunk {
  /** The first of its lines, from 1. */
  readonly begin: number;
  readonly file: string;
  readonly text: string;
}

interface Import {
  readonly module: string;
  /** Null: the module itself. */
  readonly name: string | null;
}
/** What a text imports, by its name there, but for Triton's modules. */
function importsOf(text: string): Map<string, Import> {
  const out = new Map<string, Import>();
  for (const [, module, as] of text.matchAll(/^[ \t]*import[ \t]+([\w.]+)[ \t]+as[ \t]+(\w+)/gm))
    out.set(as, { module, name: null });
  for (const [, module, open, closed] of text.matchAll(/^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(?:\(([^)]*)\)|(.+))$/gm))
    for (const part of (open ?? closed).replace(/#.*$/gm, '').split(',')) {
      const [, name, as] = /^\s*(\w+)(?:\s+as\s+(\w+))?\s*$/.exec(part) ?? [];
      if (name) out.set(as ?? name, { module, name });
    }
  for (const [as, { module }] of out) if (/^(?:triton|torch|math)\b/.test(module)) out.delete(as);
  return out;
}

/** Names that a function reads, those of modules with what stands behind the dot. */
function namesIn(def: FunctionDef): Set<string> {
  const out = new Set<string>();
  const add = (e: Expr): void => {
    for (const x of expressions(e)) {
      if (x.k === 'name') out.add(x.name);
      else if (x.k === 'attribute' && x.x.k === 'name') out.add(`${x.x.name}.${x.name}`);
    }
  };
  for (const s of statements(def.body)) ownExpressions(s).forEach(add);
  for (const p of def.params) if (p.value) add(p.value);
  return out;
}

class Source {
  readonly file: string;
  readonly text: string;
  readonly module: Module;
  readonly imports: Map<string, Import>;
  /** Lines to take over, by their place. */
  readonly lines: string[] = [];
  /** What stands in the joined text for names of this one: members of modules, and names that another file defines too. */
  readonly renamed = new Map<string, string>();
  constructor({ file, text }: PythonModule) {
    this.file = file;
    this.text = text;
    this.module = parseModule(text);
    this.imports = importsOf(text);
  }
  definition(name: string): FunctionDef | { readonly name: string; readonly from: number; readonly to: number } | undefined {
    const fn = this.module.functions.findLast((f) => !(f instanceof Unportable) && f.name === name);
    return (fn as FunctionDef | undefined) ?? this.module.constants.find((c) => c.name === name);
  }
  /** Takes a definition over under the name that the importing file has for it. */
  take({ from, to, name }: { readonly from: number; readonly to: number; readonly name: string }, as: string): void {
    const begin = this.text.lastIndexOf('\n', from - 1) + 1;
    const rows = this.text.slice(begin, to).split('\n');
    const margin = from - begin;
    const there = this.text.slice(0, begin).split('\n').length - 1;
    // Wanted by two names: once more behind the end.
    const first = this.lines[there] === undefined ? there : Math.max(this.lines.length, this.text.split('\n').length);
    const renamed = new RegExp(`^(def\\s+|)${name}\\b`);
    rows.forEach((row, i) => {
      const line = row.slice(Math.min(margin, row.length - row.trimStart().length));
      this.lines[first + i] = as === name ? line : line.replace(renamed, `$1${as}`);
    });
  }
}

/** `text` with the helpers that its kernels import behind it, and where each part comes from. */
export function withImports(
  text: string,
  file: string,
  find: FindModule,
): { readonly text: string; readonly chunks: readonly Chunk[] } {
  const sources = new Map<string, Source>();
  const open = (name: string, from: string): Source | null => {
    const found = find(name, from);
    if (!found) return null;
    const known = sources.get(found.file) ?? new Source({ ...found, text: found.text.replace(/\r\n?/g, '\n') });
    sources.set(found.file, known);
    return known;
  };
  const main = new Source({ file, text });
  /** Who defines each name of the joined text. */
  const owners = new Map<string, string>();
  for (const f of main.module.functions) if (!(f instanceof Unportable)) owners.set(f.name, `${file}:${f.name}`);
  for (const c of main.module.constants) owners.set(c.name, `${file}:${c.name}`);

  /** Takes `name` of a module over as `as`, or as another name if `as` is taken; gives that name, null if there is no such definition. */
  const want = (source: Source, name: string, as: string, depth: number): string | null => {
    const def = source.definition(name);
    if (!def) {
      const onward = source.imports.get(name);
      const next = depth > 0 && onward?.name ? open(onward.module, source.file) : null;
      return next && want(next, onward!.name!, as, depth - 1);
    }
    const id = `${source.file}:${name}`;
    let free = as;
    for (let i = 2; owners.has(free) && owners.get(free) !== id; i++) free = `${as}_${i}`;
    if (owners.has(free)) return free;
    owners.set(free, id);
    source.take(def, free);
    if ('body' in def) resolve(source, def, depth - 1);
    return free;
  };
  const resolve = (source: Source, def: FunctionDef, depth: number): void => {
    if (depth < 0) return;
    const use = (path: string, from: Source | null, name: string, as: string): void => {
      const found = from && want(from, name, as, depth);
      if (found && found !== path) source.renamed.set(path, found);
    };
    for (const path of namesIn(def)) {
      const [head, member] = path.split('.') as [string, string?];
      const from = source.imports.get(head);
      if (member === undefined && source.definition(head)) {
        if (source !== main) use(head, source, head, head);
      } else if (from && member === undefined)
        use(head, from.name === null ? null : open(from.module, source.file), from.name!, head);
      else if (from) {
        // A member of a module: `tools.add`.
        const whole = `${from.module}${from.module.endsWith('.') ? '' : '.'}${from.name}`;
        use(path, open(from.name === null ? from.module : whole, source.file), member!, member!);
      }
    }
  };
  for (const f of main.module.functions) if (!(f instanceof Unportable)) resolve(main, f, 8);

  const chunks: Chunk[] = [{ begin: 1, file, text }];
  // A member has the room to stand where it stood behind its module's name: columns stay.
  const bare = ({ renamed }: Source, t: string): string =>
    [...renamed].reduce(
      (rest, [path, name]) =>
        rest.replace(new RegExp(`(?<![\\w.])${path.replace('.', '\\.')}\\b`, 'g'), name.padEnd(path.length)),
      t,
    );
  let joined = bare(main, text);
  for (const s of sources.values()) {
    if (!s.lines.length) continue;
    const triton = s.text.split('\n').map((l) => (/^\s*(?:import|from)\s+(?:triton|math)\b/.test(l) ? l.trimStart() : ''));
    const rows = Math.max(triton.length, s.lines.length);
    const body = Array.from({ length: rows }, (_, i) => s.lines[i] ?? triton[i] ?? '').join('\n');
    chunks.push({ begin: joined.split('\n').length + 1, file: s.file, text: s.text });
    joined = `${joined}\n${bare(s, body)}`;
  }
  return { text: joined, chunks };
}
