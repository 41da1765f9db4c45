// Every error a person sees: where (file, line, column, source with a caret), what was found, what was expected, one thing
// to do. A message is made by a row of a message table (`messages.ts` of each folder); this file holds their shape, the
// source registry behind code frames, and the error class. It knows no stage of the compiler.

/** A span of kernel source. Lines and columns count from 1; `endCol` is one past the last character. */
export interface Loc {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly endLine: number;
  readonly endCol: number;
  /** Name of the kernel or device function the span is in. */
  readonly fn?: string;
  /** The call that led here, when the span is inside an inlined device function. */
  readonly parent?: Loc;
}

/** Where there is no source, e.g. IR parsed from text without locations. */
export const NO_LOC: Loc = Object.freeze({ file: '<none>', line: 0, col: 0, endLine: 0, endCol: 0 });

/** What a message says. `text` is one line; `notes` are further facts (shapes, dtypes); `help` is one thing to do. */
export interface MessageBody {
  readonly text: string;
  readonly notes?: readonly string[];
  readonly help: string;
}
/** A row of a message table: `code` is stable and documented, `make` fills the text in. */
export interface Message<A extends unknown[]> {
  readonly code: string;
  readonly make: (...args: A) => MessageBody;
}
export const message = <A extends unknown[]>(code: string, make: (...args: A) => MessageBody): Message<A> => ({ code, make });

/** A message with its place: what the editor, the command line and `CompileError` all show. */
export interface Diagnostic extends MessageBody {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly loc: Loc;
}

/** Makes a diagnostic. The location comes first on purpose: there is no message without a place. */
export function diagnostic<A extends unknown[]>(loc: Loc, m: Message<A>, ...args: A): Diagnostic {
  return { code: m.code, severity: 'error', loc, ...m.make(...args) };
}

/** One or more diagnostics, thrown. `message` is the whole text with code frames, without colour. */
export class CompileError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[], options?: ErrorOptions) {
    super(diagnostics.map((d) => printDiagnostic(d)).join('\n\n'), options);
    this.name = 'CompileError';
    this.diagnostics = diagnostics;
  }
}
/** Throws a `CompileError` with one diagnostic. */
export function fail<A extends unknown[]>(loc: Loc, m: Message<A>, ...args: A): never {
  throw new CompileError([diagnostic(loc, m, ...args)]);
}

// ---- source text, for code frames -----------------------------------------------------------------------------------

interface SourcePiece {
  readonly firstLine: number;
  readonly lines: readonly string[];
}
const pieces = new Map<string, SourcePiece[]>();

/** Makes the text of `file` from `firstLine` on known to code frames. Kernels register themselves when defined. */
export function registerSource(file: string, firstLine: number, text: string): void {
  const list = pieces.get(file) ?? [];
  pieces.set(file, [{ firstLine, lines: text.split('\n') }, ...list.filter((p) => p.firstLine !== firstLine)]);
}
/** The text of one line, or undefined where the source is not known. */
export function sourceLine(file: string, line: number): string | undefined {
  for (const p of pieces.get(file) ?? []) {
    const text = p.lines[line - p.firstLine];
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The source line with a caret under the span; empty where the source is not known. */
export function codeFrame(loc: Loc): string[] {
  const text = sourceLine(loc.file, loc.line);
  if (text === undefined) return [];
  const gutter = String(loc.line);
  const pad = ' '.repeat(gutter.length);
  const end = loc.endLine === loc.line ? loc.endCol : text.length + 1;
  const caret = ' '.repeat(Math.max(0, loc.col - 1)) + '^'.repeat(Math.max(1, end - loc.col));
  return [`${pad} |`, `${gutter} | ${text}`, `${pad} | ${caret}`];
}

export const printLoc = (loc: Loc): string => `${loc.file}:${loc.line}:${loc.col}`;

/** The whole text of a diagnostic: headline, place, code frame, notes, call chain, help. */
export function printDiagnostic(d: Diagnostic): string {
  const out = [`${d.severity} ${d.code}: ${d.text}`];
  if (d.loc !== NO_LOC)
    out.push(`  --> ${printLoc(d.loc)}${d.loc.fn ? ` (in ${d.loc.fn})` : ''}`, ...codeFrame(d.loc).map((l) => ` ${l}`));
  for (const n of d.notes ?? []) out.push(`  = note: ${n}`);
  for (let p = d.loc.parent; p; p = p.parent) out.push(`  = called from ${printLoc(p)}${p.fn ? ` (in ${p.fn})` : ''}`);
  out.push(`  = help: ${d.help}`);
  return out.join('\n');
}
