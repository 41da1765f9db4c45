// `tessera lower`: one kernel, one signature, the text of a stage. Also resumes from IR text.

import { CompileError, fail, NO_LOC } from '../dsl/diagnostics.ts';
import type { Func } from '../dsl/ir/ir.ts';
import { parseFunc } from '../dsl/ir/parse.ts';
import { printFunc } from '../dsl/ir/print.ts';
import { verify } from '../dsl/ir/verify.ts';
import { traceKernel } from '../dsl/trace/trace.ts';
import { passNames, rowsOf, runPipeline, tilePasses } from '../lower/pipeline.ts';
import type { Target } from '../lower/program.ts';
import { compileWgsl, lanePasses, targetPasses } from '../lower/wgsl/compile.ts';
import { loadKernel, readSource } from './load.ts';
import { CLI } from './messages.ts';
import { parseSignature } from './signature.ts';

export interface LowerOptions {
  readonly kernel?: string;
  readonly to: string;
  readonly signature?: string;
  readonly dumpAfter?: string;
  /** The file is IR text; with a name, text that was dumped after that pass. */
  readonly from?: string | boolean;
  readonly target?: string;
  readonly locs?: boolean;
}

/** A device that has what every WebGPU device has, and nothing more: what `build` and `lower` compile for by default. */
export const BASE_TARGET: Target = {
  profile: 'gpu',
  subgroups: false,
  subgroupMinSize: 0,
  subgroupMaxSize: 0,
  shaderF16: false,
  matrices: [],
  maxWorkgroupStorage: 16384,
  maxInvocations: 256,
  maxStorageBuffers: 8,
  maxWorkgroupsPerDimension: 65535,
};

/** `--target "f16,subgroups=32,matrices=16,storage=32768,invocations=1024,buffers=10"`. */
export function parseTarget(text = ''): Target {
  const t = { ...BASE_TARGET } as { -readonly [K in keyof Target]: Target[K] };
  for (const part of text
    .split(',')
    .map((s) => s.trim())
    .filter(Boolean)) {
    const [key, value] = part.split('=');
    const n = Number(value);
    if (key === 'f16') t.shaderF16 = true;
    else if (key === 'subgroups' && n > 0) Object.assign(t, { subgroups: true, subgroupMinSize: n, subgroupMaxSize: n });
    else if (key === 'storage' && n > 0) t.maxWorkgroupStorage = n;
    else if (key === 'invocations' && n > 0) t.maxInvocations = n;
    else if (key === 'matrices' && n > 0) t.matrices = [{ type: 'f16', result: 'f32', M: n, N: n, K: n }];
    else if (key === 'buffers' && n > 0) t.maxStorageBuffers = n;
    else
      fail(
        NO_LOC,
        CLI.option,
        '--target',
        part,
        'f16, subgroups=SIZE, matrices=SIZE, storage=BYTES, invocations=N, buffers=N, separated by commas',
      );
  }
  return t;
}

const LEVELS = ['ir', 'lane', 'wgsl'];

/** The text that `tessera lower` prints. */
export async function lower(file: string, options: LowerOptions): Promise<string> {
  if (!LEVELS.includes(options.to)) fail(NO_LOC, CLI.option, '--to', options.to, LEVELS.join(', '));
  const known = passNames([...tilePasses, ...targetPasses, ...lanePasses]);
  for (const [flag, name] of [
    ['--dump-after', options.dumpAfter],
    ['--from', options.from],
  ] as const) {
    if (typeof name === 'string' && !known.includes(name)) fail(NO_LOC, CLI.option, flag, name, `a pass: ${known.join(', ')}`);
  }
  let func: Func;
  if (options.from) {
    func = parseFunc(readSource(file), { lane: rowsOf({ level: 'lane' }) });
    const problems = verify(func, rowsOf(func));
    if (problems.length) throw new CompileError(problems);
  } else {
    const { definition } = await loadKernel(file, options.kernel);
    func = traceKernel(definition, parseSignature(definition, options.signature), { onPrint: (s) => console.error(s) });
  }
  const dumps: string[] = [];
  const dumpAfter = (name: string, f: Func): void => {
    if (name === options.dumpAfter) dumps.push(printFunc(f, { locs: options.locs }));
  };
  const after = typeof options.from === 'string' ? options.from : undefined;
  if (options.to === 'ir') {
    const result = runPipeline(func, tilePasses, { verify: true, dumpAfter, after });
    return options.dumpAfter ? dumps.join('\n') : printFunc(result.func, { locs: options.locs });
  }
  let lane: Func | null = null;
  const program = compileWgsl(func, parseTarget(options.target), {
    verify: true,
    after,
    dumpAfter: (name, f) => {
      dumpAfter(name, f);
      if (f.level === 'lane') lane = f;
    },
  });
  if (options.dumpAfter) return dumps.join('\n');
  return options.to === 'lane' ? printFunc(lane as unknown as Func, { locs: options.locs }) : program.code;
}
