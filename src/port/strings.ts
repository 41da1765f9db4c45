// Python string literals to their values, and values to TypeScript literals.

const ESCAPES: { readonly [c: string]: string } = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

/** The value of a Python string literal, prefix and quotes included in `literal`. */
export function pythonString(literal: string): string {
  const [, prefix, quote] = /^([a-zA-Z]*)('''|"""|'|")/.exec(literal) ?? ['', '', ''];
  const inner = literal.slice(prefix.length + quote.length, literal.length - quote.length);
  if (/r/i.test(prefix)) return inner;
  return inner.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\s\S])/g, (all, e: string) =>
    e.length > 1 ? String.fromCharCode(Number.parseInt(e.slice(1), 16)) : (ESCAPES[e] ?? all),
  );
}

/** A TypeScript literal in single quotes (double ones where that needs fewer escapes). */
export function tsString(value: string): string {
  const json = JSON.stringify(value);
  return value.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`;
}
/** The text between the backquotes of a template. */
export const templateText = (value: string): string => value.replace(/[`\\]|\$\{/g, (c) => `\\${c}`).replaceAll('\n', '\\n');
