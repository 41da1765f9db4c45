// The front end: TypeScript text in, the same text with every kernel rewritten for the tracer out. One function, used by the
// bundler plugin, the Node hook, the command line and live editing; it touches no files and knows no bundler.

import type { SourceMap } from 'magic-string';
import { type Diagnostic, registerSource } from '../diagnostics.ts';
import type { ParamInfo } from '../trace/definition.ts';
import { mayDefineKernels } from './detect.ts';
import { body, parameters, unusualKind } from './functions.ts';
import { type Found, Imports } from './imports.ts';
import { MSG } from './messages.ts';
import { fnParams, kernelParams } from './params.ts';
import { parse, syntaxErrors, ts } from './project.ts';
import { type FileState, Rewriter } from './rewriter.ts';
import { Scopes } from './scope.ts';
import { Writer } from './writer.ts';

export { mayDefineKernels } from './detect.ts';

/** A kernel of a transformed file. */
export interface KernelInfo {
  readonly name: string;
  /** The variable that holds it (`default` for a default export); null when it has none. */
  readonly binding: string | null;
  readonly exported: boolean;
  readonly line: number;
}

export interface TransformResult {
  /** Still TypeScript: types outside and inside kernels stay. Equal to the input when there are diagnostics. */
  readonly code: string;
  readonly map: SourceMap;
  readonly kernels: readonly KernelInfo[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Rewrites the kernels (`kernel(function …)`) and device functions (`tl.fn(function …)`) of one file into calls of the
 * tracer. Line numbers do not change. `file` is the name that diagnostics and kernels carry.
 *
 * Never throws on what a user writes: all findings are in `diagnostics`, with the source registered for code frames. Returns
 * null when the file defines no kernel and no device function.
 */
export function transformSource(text: string, file: string): TransformResult | null {
  if (!mayDefineKernels(text)) return null;
  const source = parse(text, file);
  const scopes = new Scopes();
  const imports = new Imports(source, scopes);
  if (imports.empty) return null;
  const found = imports.definitions();
  if (!found.length) return null;

  const state: FileState = { file, source, scopes, imports, writer: new Writer(text), diagnostics: [] };
  const kernels: KernelInfo[] = [];
  const errors = syntaxErrors(source);
  for (const e of errors) {
    const r = new Rewriter(state, found[0].fn, '');
    r.reportSpan(r.span(e.start, e.start + Math.max(1, e.length)), MSG.syntaxError, e.text);
  }
  // A tree with holes would only add follow-up errors.
  for (const f of errors.length ? [] : found) {
    const name = f.fn.name?.text ?? f.binding ?? 'anonymous';
    const r = new Rewriter(state, f.fn, name);
    definition(r, f);
    if (f.kind === 'kernel') kernels.push({ name, binding: f.binding, exported: f.exported, line: r.spanOf(f.call)[0] });
  }
  const { diagnostics } = state;
  if (diagnostics.length) {
    registerSource(file, 1, text.replaceAll('\r', ''));
    diagnostics.sort((a, b) => a.loc.line - b.loc.line || a.loc.col - b.loc.col);
  }
  const out = (diagnostics.length ? new Writer(text) : state.writer).finish(file);
  return {
    code: out.code,
    get map() {
      return out.map;
    },
    kernels,
    diagnostics,
  };
}

/** Replaces the function literal by its definition: `{ kind, name, body: function …, file, …, locs, params }`. */
function definition(r: Rewriter, { kind, fn }: Found): void {
  const { w, file } = r;
  const unusual = unusualKind(fn);
  if (unusual) r.report(fn, MSG.functionKind, unusual);
  const report: Rewriter['report'] = (n, m, ...args) => r.report(n, m, ...args);
  const params: ParamInfo[] = kind === 'kernel' ? kernelParams(fn, (n) => r.spanOf(n), report) : fnParams(fn, (n) => r.spanOf(n));

  w.copyTo(fn.getStart());
  w.put(`{ kind: '${kind}', name: '${r.name}', body: `);
  head(r, fn);
  parameters(r, fn.parameters);
  body(r, fn.body, kind === 'kernel');
  w.copyTo(fn.end);

  const loc = r.spanOf(fn);
  const lines = w.source
    .replaceAll('\r', '')
    .split('\n')
    .slice(loc[0] - 1, loc[2]);
  const data = {
    file: file.file,
    firstLine: loc[0],
    text: lines.join('\n'),
    loc,
    locs: r.spans,
    params,
  };
  const fields = Object.entries(data).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  w.put(`, ${fields.join(', ')} }`);
}

/** The tracer becomes the first parameter. */
function head(r: Rewriter, fn: Found['fn']): void {
  const { w, helper } = r;
  const first = fn.parameters[0];
  // `x => …` has no parentheses yet.
  if (ts.isArrowFunction(fn) && first && first.getStart() === fn.getStart()) {
    w.put(`(${helper.tracer}, `);
    w.copyTo(first.end);
    w.put(')');
    return;
  }
  w.copyTo(fn.parameters.pos);
  w.put(first ? `${helper.tracer}, ` : helper.tracer);
}
