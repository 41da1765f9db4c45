// docs/language.md: prose from the files beside this one, functions from the type checker, their comments and the op table.

import { readFileSync } from 'node:fs';
import { rowOf } from '../../src/dsl/ops/index.ts';
import type { Row, Trait } from '../../src/dsl/ops/row.ts';
import { LIBDEVICE_LEFT_OUT } from './libdevice.ts';
import { factsOf } from './probes.ts';
import { type FunctionDoc, functionsOfTl, membersOf } from './signatures.ts';
import { TRITON_NAMES, WIDER_GAPS } from './triton.ts';

const prose = (name: string): string => readFileSync(new URL(`./${name}.md`, import.meta.url), 'utf8').trim();

/** Chapters in the order of the page: files under src/dsl that declare functions. */
const CHAPTERS: readonly (readonly [title: string, ...files: string[]])[] = [
  ['Programs and creation', 'create'],
  ['Memory', 'memory'],
  ['Block pointers and tensor descriptors', 'blocks', 'descriptors'],
  ['Atomic operations', 'atomic'],
  ['Arithmetic and choice', 'arith'],
  ['Conversion', 'cast'],
  ['Mathematics', 'math', 'softmax'],
  ['Precise arithmetic', 'precise'],
  ['libdevice', 'libdevice'],
  ['Shape', 'shape'],
  ['Rearranging', 'rearrange'],
  ['Reductions', 'reduce'],
  ['Scans', 'scan'],
  ['Functions of elements', 'element'],
  ['Sorting and counting', 'order'],
  ['Products', 'dot', 'dotScaled'],
  ['Random numbers', 'random'],
  ['Inline WGSL', 'inlineWgsl', 'inline'],
  ['Hints', 'hints'],
  ['Debugging', 'control', 'debug'],
  ['Loops, compile time and the rest', 'tl'],
];

/** What an op costs in WGSL where its own comment does not say (`@cost`): by its traits. */
const COSTS: readonly (readonly [Trait, string])[] = [
  [
    'atomic',
    'one atomic operation an element on a buffer that is then atomic throughout; neighbouring accesses are not joined into vectors',
  ],
  ['reduction', 'registers first, then subgroup shuffles where the device has them, then one round through workgroup memory'],
  ['shape', 'a relabeling of which invocation holds what: nothing, unless a use wants another layout'],
  ['cheap', 'nothing to speak of: it is computed again wherever that is cheaper than moving the result'],
  ['elementwise', 'one expression an element, vectors of up to four'],
];

const precision = (row: Row): string =>
  row.ulp === undefined ? '' : typeof row.ulp === 'number' ? `within ${row.ulp} ulp in WGSL` : 'in WGSL depends on the operand';

function entry(f: FunctionDoc): string {
  const row = rowOf(f.name);
  // The row's paragraph says more than the hover text; a composition has only the latter.
  const doc = row?.doc ?? f.doc;
  const { dtypes, shapes } = factsOf(f.name);
  const facts: [string, string][] = [
    ['shapes', shapes],
    ['dtypes', dtypes],
    ['precision', row ? precision(row) : ''],
    ['differs from Triton', f.differs],
    ['cost in WGSL', f.cost || (COSTS.find(([trait]) => row?.traits.includes(trait))?.[1] ?? '')],
  ];
  const lines = [
    `### \`tl.${f.name}\``,
    '',
    '```ts',
    ...f.signatures.map((s) => `tl.${f.name}${s}`),
    '```',
    '',
    doc,
    ...(f.options.length ? ['', ...f.options.map((o) => `- \`${o.name}: ${o.type}\`${o.doc ? ` ${o.doc}` : ''}`)] : []),
  ];
  const given = facts.filter(([, text]) => text);
  if (given.length)
    lines.push('', ...given.map(([what, text]) => `*${what}:* ${text}`).flatMap((l, i) => (i ? ['<br>' + l] : [l])));
  return lines.join('\n');
}

/** What a tensor descriptor has: Triton's methods under their names. */
function descriptorMembers(): string {
  const rows = membersOf('descriptors', 'TensorDescriptor').map(
    (m) => `| \`desc.${m.signature.replace(/\|/g, '\\|')}\` | ${m.doc} |`,
  );
  return [
    '### Tensor descriptors',
    '',
    'What `tl.make_tensor_descriptor` gives has:',
    '',
    '| | |',
    '| --- | --- |',
    ...rows,
  ].join('\n');
}

function leftOut(): string {
  const rows = Object.entries(TRITON_NAMES).flatMap(([name, reason]) => (reason === null ? [] : [`| \`${name}\` | ${reason} |`]));
  const wider = WIDER_GAPS.map(([what, reason]) => `| ${what} | ${reason} |`);
  const libdevice = LIBDEVICE_LEFT_OUT.map(([names, instead]) => `| ${names.map((n) => `\`${n}\``).join(' ')} | ${instead} |`);
  return [
    '## What is left out',
    '',
    prose('left-out'),
    '',
    '| Triton | here |',
    '| --- | --- |',
    ...rows,
    ...wider,
    '',
    '### libdevice',
    '',
    prose('libdevice'),
    '',
    '| libdevice | write |',
    '| --- | --- |',
    ...libdevice,
  ].join('\n');
}

/** The whole page. */
export function languagePage(): string {
  const functions = functionsOfTl().filter((f) => f.name !== 'fn');
  const placed = new Set<string>();
  const chapters = CHAPTERS.flatMap(([title, ...files]) => {
    const mine = functions.filter((f) => files.includes(f.file));
    for (const f of mine) placed.add(f.name);
    return mine.length
      ? [`## ${title}`, ...mine.map(entry), ...(files.includes('descriptors') ? [descriptorMembers()] : [])]
      : [];
  });
  const lost = functions.filter((f) => !placed.has(f.name));
  if (lost.length)
    throw new Error(`no chapter of scripts/reference/page.ts takes ${lost.map((f) => `${f.name} (${f.file}.ts)`).join(', ')}`);
  const parts = [
    '<!-- Written by `npm run reference`; edit the sources that it names, not this file. -->',
    prose('language'),
    ...chapters,
    leftOut(),
    prose('webgpu'),
    prose('add-an-op'),
  ];
  return `${parts.join('\n\n')}\n`;
}
