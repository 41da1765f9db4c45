// `tessera build`: a kernel and a signature → NAME.wgsl and NAME.json, which launch without any of this package. The JSON is
// the WgslProgram (src/lower/program.ts) less its code. Same input, same bytes: no paths of this machine, no dates.

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { traceKernel } from '../dsl/trace/trace.ts';
import type { Target, WgslProgram } from '../lower/program.ts';
import { compileWgsl } from '../lower/wgsl/compile.ts';
import { loadKernel } from './load.ts';
import { parseTarget } from './lower.ts';
import { parseSignature } from './signature.ts';

export interface BuildOptions {
  readonly kernel?: string;
  readonly signature?: string;
  readonly out: string;
  readonly target?: string;
  /** Base name of the files; the kernel's name without it. */
  readonly name?: string;
}

/** Version of the JSON format; a reader refuses versions that it does not know. */
export const MANIFEST_VERSION = 1;

/** The manifest of a program, as plain data with keys in a fixed order. */
export function manifestOf(p: WgslProgram, signature: string, target: Target, wgslFile: string): object {
  const { code: _code, lineMap: _lines, log, ...rest } = p;
  return {
    version: MANIFEST_VERSION,
    wgsl: wgslFile,
    ...rest,
    log: log && {
      ...log,
      sites: log.sites.map(({ loc, ...s }) => ({ ...s, at: `${basename(loc.file)}:${loc.line}:${loc.col}` })),
    },
    limits: {
      maxComputeInvocationsPerWorkgroup: p.workgroupSize,
      maxComputeWorkgroupSizeX: p.workgroupSize,
      maxComputeWorkgroupStorageSize: p.workgroupStorage,
      maxStorageBuffersPerShaderStage: p.bindings.length + (log ? 1 : 0),
    },
    signature,
    target,
  };
}

/** Writes both files; returns what to tell the user. @throws CompileError, or an Error with Dawn's words if it refuses the WGSL. */
export async function build(file: string, options: BuildOptions): Promise<string> {
  const kernel = await loadKernel(file, options.kernel);
  const target = parseTarget(options.target);
  const func = traceKernel(kernel.definition, parseSignature(kernel.definition, options.signature), {
    onPrint: (s) => console.error(s),
  });
  const program = compileWgsl(func, target);
  const validated = await validate(program);
  const name = options.name ?? kernel.name;
  mkdirSync(options.out, { recursive: true });
  const [wgsl, json] = [join(options.out, `${name}.wgsl`), join(options.out, `${name}.json`)];
  writeFileSync(wgsl, program.code);
  writeFileSync(json, `${JSON.stringify(manifestOf(program, options.signature ?? '', target, basename(wgsl)), null, 2)}\n`);
  return [
    `${wgsl}: ${program.code.split('\n').length} lines, workgroup of ${program.workgroupSize}, ${program.bindings.length} buffers`,
    json,
    validated,
  ].join('\n');
}

/** Compiles the module with Dawn where there is an adapter. */
async function validate(p: WgslProgram): Promise<string> {
  const { NoAdapter, openGpu } = await import('../runtime/webgpu/adapter.ts');
  let gpu: GPUDevice;
  try {
    ({ gpu } = await openGpu({ features: p.features }));
  } catch (e) {
    if (e instanceof NoAdapter) return `not validated: ${e.message}`;
    throw e;
  }
  try {
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ code: p.code, label: p.kernel });
    const { messages } = await module.getCompilationInfo();
    gpu.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: p.entryPoint } });
    const error = await gpu.popErrorScope();
    if (messages.length || error) {
      const words = messages.map((m) => `${m.type} at WGSL line ${m.lineNum}: ${m.message}`);
      throw new Error(
        `the WGSL of ${p.kernel} does not validate (a bug of the compiler):\n${[...words, ...(error ? [error.message] : [])].join('\n')}`,
      );
    }
    return 'validated by WebGPU, no warnings';
  } finally {
    gpu.destroy();
  }
}
