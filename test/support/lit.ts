// Tests that live in IR files. A file is `; RUN: pass, pass` and sections `; ---- title`, each one function with expectations
// in comments: CHECK (some later line holds this), CHECK-NEXT (the next line), CHECK-NOT (no line from here to the next
// CHECK), FIRED (exactly these rules fired, in order of their names). `{{re}}` is a regular expression, blanks count once.

import { readFileSync } from 'node:fs';
import type { Func } from '../../src/dsl/ir/ir.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import { type Pass, runPipeline } from '../../src/lower/pipeline.ts';

export interface Section {
  readonly title: string;
  readonly text: string;
  readonly expectations: readonly { readonly kind: string; readonly text: string }[];
}
export interface LitFile {
  readonly passes: readonly string[];
  readonly sections: readonly Section[];
}
export interface LitRun {
  readonly before: Func;
  readonly after: Func;
  readonly printed: string;
  readonly fired: readonly string[];
}

/** Reads a lit file. Throws if a section expects nothing: a test that cannot fail. */
export function readLit(file: string): LitFile {
  const text = readFileSync(file, 'utf8');
  const run = /^; RUN:(.*)$/m.exec(text);
  if (!run) throw new Error(`${file} has no '; RUN:' line`);
  const [, ...parts] = text.split(/^; ---- /m);
  const sections = parts.map((part) => {
    const [title, ...lines] = part.split('\n');
    const expectations = lines.flatMap((l) => {
      const m = /^\s*; (CHECK|CHECK-NEXT|CHECK-NOT|FIRED):(.*)$/.exec(l);
      return m ? [{ kind: m[1], text: m[2].trim() }] : [];
    });
    if (!expectations.length) throw new Error(`${file}: '${title}' expects nothing`);
    return { title: title.trim(), text: lines.join('\n'), expectations };
  });
  return { passes: run[1].split(',').map((p) => p.trim()), sections };
}

/** Runs a section's function through the passes, verifying after each. */
export function runSection(section: Section, passes: readonly Pass[]): LitRun {
  const before = parseFunc(section.text);
  const { func, reports } = runPipeline(before, passes, { verify: true });
  const fired = reports.flatMap((r) => r.fired.map((f) => f.rule)).sort();
  return { before, after: func, printed: printFunc(func, { locs: false }), fired };
}

const squeeze = (s: string): string => s.trim().replace(/\s+/g, ' ');
const pattern = (s: string): RegExp =>
  new RegExp(
    squeeze(s)
      .split(/(\{\{.*?\}\})/)
      .map((p) => (p.startsWith('{{') ? p.slice(2, -2) : p.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join(''),
  );

/** What the output does not hold to, as one message; null when all expectations are met. */
export function checkSection(section: Section, run: Pick<LitRun, 'printed' | 'fired'>): string | null {
  const lines = run.printed.split('\n').map(squeeze);
  const wrong = (what: string): string => `${what}\n--- output ---\n${run.printed}--- fired: ${run.fired.join(', ')}`;
  let at = -1;
  let forbidden: string[] = [];
  const allowed = (from: number, to: number): string | undefined =>
    forbidden.find((f) => lines.slice(from, to).some((l) => pattern(f).test(l)));
  for (const { kind, text } of section.expectations) {
    if (kind === 'FIRED') {
      const want = text === 'none' ? [] : text.split(',').map((r) => r.trim());
      if (want.sort().join() !== run.fired.join()) return wrong(`FIRED: expected ${text}`);
    } else if (kind === 'CHECK-NOT') {
      forbidden.push(text);
    } else if (kind === 'CHECK-NEXT') {
      if (!pattern(text).test(lines[++at] ?? '')) return wrong(`CHECK-NEXT: ${text}\nfound: ${lines[at]}`);
    } else {
      const next = lines.findIndex((l, i) => i > at && pattern(text).test(l));
      if (next < 0) return wrong(`CHECK: ${text} is not in the rest of the output`);
      const bad = allowed(at + 1, next);
      if (bad !== undefined) return wrong(`CHECK-NOT: ${bad}`);
      forbidden = [];
      at = next;
    }
  }
  const bad = allowed(at + 1, lines.length);
  return bad === undefined ? null : wrong(`CHECK-NOT: ${bad}`);
}
