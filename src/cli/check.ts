// `tessera check`: everything that can be said about a file's kernels without running them. The front end's findings first; if
// there are none, each kernel is traced and run through the passes as far as its signature is known.

import { CompileError, type Diagnostic, printDiagnostic } from '../dsl/diagnostics.ts';
import { transformSource } from '../dsl/frontend/transform.ts';
import { traceKernel } from '../dsl/trace/trace.ts';
import { runPipeline, tilePasses } from '../lower/pipeline.ts';
import { compileWgsl } from '../lower/wgsl/compile.ts';
import { loadKernels, readSource } from './load.ts';
import { parseTarget } from './lower.ts';
import { parseSignature } from './signature.ts';

export interface CheckOptions {
  readonly kernel?: string;
  readonly signature?: string;
  readonly target?: string;
}
export interface CheckResult {
  readonly text: string;
  readonly errors: number;
}

/** Checks one file. The text names every kernel: checked, or why it could only be parsed. */
export async function check(file: string, options: CheckOptions = {}): Promise<CheckResult> {
  const found: Diagnostic[] = [...(transformSource(readSource(file), file)?.diagnostics ?? [])];
  const lines: string[] = [];
  if (!found.length) {
    for (const [name, kernel] of await loadKernels(file)) {
      if (options.kernel !== undefined && name !== options.kernel) continue;
      try {
        const signature = parseSignature(kernel.definition, options.signature);
        runPipeline(traceKernel(kernel.definition, signature, { onPrint: () => {} }), tilePasses, { verify: true });
        compileWgsl(traceKernel(kernel.definition, signature, { onPrint: () => {} }), parseTarget(options.target));
        lines.push(`${name}: ok`);
      } catch (e) {
        if (!(e instanceof CompileError)) throw e;
        // A signature that is not complete is no fault of the file.
        const incomplete = options.signature === undefined && e.diagnostics.every((d) => d.code === 'TL6006');
        if (incomplete)
          lines.push(
            `${name}: parsed; ${e.diagnostics[0].text.replace(/^kernel \S+: /, '')}, so types were not checked (pass --signature)`,
          );
        else found.push(...e.diagnostics);
      }
    }
    if (!lines.length && !found.length) lines.push(`${file}: no kernels`);
  }
  const text = [
    ...found.map(printDiagnostic),
    ...lines,
    ...(found.length ? [`${found.length} error${found.length === 1 ? '' : 's'}`] : []),
  ];
  return { text: text.join('\n'), errors: found.length };
}
