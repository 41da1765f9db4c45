// The one importer of ts-morph. Text comes in, a syntax tree with parents goes out; no type checker, no file access, so
// that a file costs milliseconds. Everything else in the front end takes `ts` from here and knows no compiler package.

import { ts } from 'ts-morph';

export { ts };

const KINDS: readonly (readonly [RegExp, ts.ScriptKind])[] = [
  [/\.tsx$/, ts.ScriptKind.TSX],
  [/\.jsx$/, ts.ScriptKind.JSX],
  [/\.[cm]?js$/, ts.ScriptKind.JS],
];

/** Parses one file. Syntax errors do not throw; see `syntaxErrors`. */
export function parse(text: string, file: string): ts.SourceFile {
  const path = file.replace(/[?#].*$/, '');
  const kind = KINDS.find(([pattern]) => pattern.test(path))?.[1] ?? ts.ScriptKind.TS;
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind);
}

/** What the parser refused: start offset, length and text of each error. */
export function syntaxErrors(source: ts.SourceFile): { start: number; length: number; text: string }[] {
  // The parser keeps its errors on the tree under an internal name; the public way needs a whole Program.
  const found = (source as unknown as { parseDiagnostics?: readonly ts.DiagnosticWithLocation[] }).parseDiagnostics ?? [];
  return found.map((d) => ({ start: d.start, length: d.length, text: ts.flattenDiagnosticMessageText(d.messageText, ' ') }));
}
