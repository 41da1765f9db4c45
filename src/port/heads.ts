// The first lines of a ported function: its documentation, its parameters and their types.

import { expressions, ownExpressions, statements } from './ast.ts';
import { type Doc, group, hardline, indent, join } from './doc.ts';
import { text as expressionText } from './expressions.ts';
import { tsName } from './names.ts';
import { helperParamType, isConstexpr, kernelParamType } from './parameters.ts';
import type { BodyContext } from './statements.ts';

/**
 * `function k({ … }: { … }) `; `text` is the Python file, `given` what the caller knows of parameters, `gives` the types of what
 * configs and heuristics pass.
 */
export function kernelHead(
  c: BodyContext,
  text: string,
  given: { readonly [param: string]: string } = {},
  gives: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
): Doc {
  const { def } = c.fn;
  const name = tsName(def.name);
  const comments: Doc[] = [];
  const names = def.params.map((p, i): Doc => {
    const above = c.comments.before(p.from).flatMap((x): Doc[] => [x.text, hardline]);
    const value =
      p.value && !(p.value.k === 'constant' && p.value.value === null)
        ? [' = ', expressionText(c, p.value)]
        : p.value
          ? ' = null'
          : '';
    const trailing = c.comments.trailing(p.to);
    comments.push(...above, ...(trailing ? [trailing] : []));
    const last = i === def.params.length - 1;
    return [
      above,
      tsName(p.name) === p.name ? p.name : `${p.name}: ${tsName(p.name)}`,
      value,
      trailing ? [`, ${trailing}`] : last ? '' : ',',
    ];
  });
  const types = def.params.map((p, i): Doc => {
    // A constexpr stays one: it takes a more precise type of constexprs only.
    const fits = !isConstexpr(p, text) || given[p.name]?.startsWith('tl.constexpr');
    const known = fits ? given[p.name] : undefined;
    const type = kernelParamType(c.names, c.fn, p, text, known, gives.get(p.name));
    return [`${p.name}${p.value ? '?' : ''}: ${type}`, i === def.params.length - 1 ? { k: 'ifBroken', text: ';' } : ';'];
  });
  if (!def.params.length) return [`function ${name}() `];
  const line: Doc = { k: 'line', flat: ' ', hard: comments.length > 0 };
  const last = comments.length && def.params.length ? lastComma(names.at(-1)!) : '';
  const pattern = comments.length ? [...names.slice(0, -1), last] : names;
  const doc: Doc = [
    `function ${name}({`,
    indent(line, join(pattern, line), comments.length ? '' : { k: 'ifBroken', text: ',' }),
    line,
    '}: {',
    indent(line, join(types, line)),
    line,
    '}) ',
  ];
  // One group: on one line, or everything one a line.
  return { k: 'group', body: doc, broken: comments.length > 0 };
}
/** `function f(…) `. */
export function helperHead(c: BodyContext, text: string): Doc {
  const { def } = c.fn;
  const name = tsName(def.name);
  const params = def.params.map(
    (p): Doc => [
      `${tsName(p.name)}: ${helperParamType(c.names, c.fn, p, text)}`,
      p.value ? [' = ', expressionText(c, p.value)] : '',
    ],
  );
  c.comments.seek(def.header);
  const softline: Doc = { k: 'line', flat: '' };
  const inner = params.length
    ? [indent(softline, join(params, [',', { k: 'line', flat: ' ' }])), { k: 'ifBroken', text: ',' } as Doc, softline]
    : '';
  // TypeScript cannot infer what a function returns that calls itself.
  const itself = [...statements(def.body)].some((s) =>
    [...ownExpressions(s)].some((own) => [...expressions(own)].some((e) => e.k === 'name' && e.name === def.name)),
  );
  const result = itself
    ? (({ bool: ': boolean', tuple: ': any', none: ': void' } as const)[c.fn.result.kind as 'bool'] ?? ': number')
    : '';
  return group(`function ${name}(`, inner, `)${result} `);
}
const lastComma = (d: Doc): Doc => (Array.isArray(d) && d.at(-1) === '' ? [...d.slice(0, -1), ','] : d);

/** A docstring as a JSDoc comment. */
export function jsDoc(text: string | null): Doc {
  if (text === null || text.trim() === '') return '';
  const lines = text.replaceAll('*/', '*\\/').trim().split('\n');
  const margin = Math.min(
    ...lines
      .slice(1)
      .filter((l) => l.trim())
      .map((l) => l.length - l.trimStart().length),
  );
  const body = lines.map((l, i) => (i ? l.slice(margin) : l).trimEnd());
  if (body.length === 1) return [`/** ${body[0]} */`, hardline];
  return ['/**', ...body.flatMap((l): Doc[] => [hardline, l ? ` * ${l}` : ' *']), hardline, ' */', hardline];
}
