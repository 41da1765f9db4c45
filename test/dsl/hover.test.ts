// What an editor shows for every function of `tl`: a signature whose parameters have names and types, and what the function does.
// The names are Triton's, as the porter's table has them.

import { Project } from 'ts-morph';
import { expect, it } from 'vitest';
import { type FunctionDoc, functionsOfTl } from '../../scripts/reference/signatures.ts';
import { tl } from '../../src/index.ts';
import { FUNCTIONS } from '../../src/port/names.ts';

const functions = functionsOfTl();
const words = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
/** Names of the parameters of a signature, rest parameters without their dots. */
const parameters = (signature: string): string[] => {
  const out: string[] = [];
  let depth = 0;
  for (const part of signature.replace(/^<[^(]*>/, '').split(/([(){}[\]<>,]|=>)/)) {
    if (/^[({[<]$/.test(part)) depth++;
    else if (/^[)}\]>]$/.test(part)) depth--;
    else if (depth === 1 && /^\s*(\.\.\.)?\w+\??:/.test(part)) out.push(part.replace(/[.\s]|\??:.*$/gs, ''));
    if (depth === 0 && out.length) break;
  }
  return out;
};

it('knows every function that exists', () => {
  const exist = Object.entries(tl).flatMap(([name, f]) => (typeof f === 'function' ? [name] : []));
  expect(functions.map((f) => f.name).sort()).toEqual(exist.sort());
});

it.each(functions.map((f) => [f.name, f] as const))('tl.%s says what it does', (name, f: FunctionDoc) => {
  expect(words(f.doc).length, `the comment of tl.${name}: "${f.doc}"`).toBeGreaterThan(2);
  for (const s of f.signatures) {
    expect(s, 'a parameter without a type').not.toMatch(/\w\??: any\b(?!\[\])/);
    if (name !== 'debug_barrier') expect(parameters(s).length, s).toBeGreaterThan(0);
    for (const p of parameters(s)) expect(p, s).toMatch(/^[a-z]/);
  }
});

/** Functions that one spelling of Triton's stands for, or whose Python arguments are no identifiers here. */
const OTHER_NAMES = new Set(['range', 'static_range', 'condition', 'to']);

it('parameters have the names that Triton gives them', () => {
  const odd = [...FUNCTIONS].flatMap(([python, row]) => {
    const f = functions.find((g) => g.name === (row.as ?? python));
    if (!f || row.as || OTHER_NAMES.has(python)) return [];
    return f.signatures.flatMap((s) => {
      const mine = parameters(s).filter((p) => p !== 'options');
      const want = row.params.slice(0, row.positional);
      // An overload may leave the optional ones to the options.
      return mine.every((p, i) => p === want[i]) ? [] : [`tl.${python}: ${mine.join(', ')} instead of ${want.join(', ')}`];
    });
  });
  expect(odd).toEqual([]);
});

it('options have documentation', () => {
  const bare = functions.flatMap((f) => f.options.filter((o) => !o.doc).map((o) => `tl.${f.name}: ${o.name}`));
  expect([...new Set(bare)]).toEqual([]);
});

it('an editor shows it where a kernel uses it', () => {
  const root = new URL('../..', import.meta.url).pathname;
  const project = new Project({ tsConfigFilePath: `${root}tsconfig.json`, skipAddingFilesFromTsConfig: true });
  const names = ['load', 'atomic_add', 'tanh', 'program_id', 'cat', 'rand', 'range'];
  const text = `import { tl } from 'tessera';\n${names.map((n) => `tl.${n};`).join('\n')}\n`;
  const file = project.createSourceFile(`${root}test/dsl/hovered.ts`, text);
  const service = project.getLanguageService().compilerObject;
  for (const n of names) {
    const info = service.getQuickInfoAtPosition(file.getFilePath(), text.indexOf(`tl.${n};`) + 3);
    const shown = (info?.displayParts ?? []).map((p) => p.text).join('');
    expect(shown, n).toMatch(new RegExp(`${n}: (<.*>)?\\((?=\\w)`));
    const doc = functions.find((f) => f.name === n)?.doc;
    expect(
      (info?.documentation ?? [])
        .map((p) => p.text)
        .join('')
        .replace(/\s+/g, ' '),
    ).toBe(doc);
  }
});
