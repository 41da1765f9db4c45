// Node's module hooks (they run on a thread of their own, see `register.ts`): TypeScript files in, JavaScript modules with
// rewritten kernels and an inline source map out. Results are kept in a cache directory by content, so that a warm start
// loads neither the compiler nor esbuild. Decides nothing about kernels; that is `transformSource`.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { LoadHook, ResolveHook } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CompileError } from './dsl/diagnostics.ts';
import { mayDefineKernels } from './dsl/frontend/detect.ts';

/** What `register` hands to the hooks' thread. */
export interface HookOptions {
  /** Bare specifiers to file URLs; for the package's own development. */
  readonly alias?: { readonly [specifier: string]: string };
  /** Directory for transformed files; none: nothing is cached. */
  readonly cacheDir?: string | null;
  /** Part of every cache key: changes when the front end does. */
  readonly version: string;
}

let options: HookOptions = { version: '' };

export function initialize(data: HookOptions): void {
  options = data;
  if (options.cacheDir) mkdirSync(options.cacheDir, { recursive: true });
}

const TYPESCRIPT = /\.m?tsx?$/;
const JAVASCRIPT = /\.m?jsx?$/;

/** TypeScript's spellings of a module that is a `.ts` file: `./a.js`, `./a`, `./dir`. */
const CANDIDATES: readonly ((path: string) => string)[] = [
  (p) => p.replace(/\.([cm]?)js(x?)$/, '.$1ts$2'),
  (p) => `${p}.ts`,
  (p) => `${p}.tsx`,
  (p) => `${p}/index.ts`,
];

export const resolve: ResolveHook = async (specifier, context, next) => {
  const alias = options.alias?.[specifier];
  if (alias) return { url: alias, shortCircuit: true };
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!/^(?:\.{0,2}\/|file:)/.test(specifier)) throw error;
    const wanted = new URL(specifier, context.parentURL).href;
    for (const candidate of CANDIDATES) {
      const url = candidate(wanted);
      if (url !== wanted && existsSync(fileURLToPath(url))) return { url, shortCircuit: true };
    }
    throw error;
  }
};

export const load: LoadHook = async (url, context, next) => {
  const path = url.startsWith('file:') ? fileURLToPath(url.replace(/[?#].*$/, '')) : '';
  const typescript = TYPESCRIPT.test(path);
  const ours = typescript || (JAVASCRIPT.test(path) && !path.includes(`${sep}node_modules${sep}`));
  if (!ours) return next(url, context);
  const text = await readFile(path, 'utf8');
  if (!typescript && !mayDefineKernels(text)) return next(url, context);
  return { format: 'module', source: await compile(text, path), shortCircuit: true };
};

async function compile(text: string, path: string): Promise<string> {
  const file = shownName(path);
  const key = createHash('sha256').update(`${options.version}\0${path}\0${file}\0${text}`).digest('hex').slice(0, 32);
  const cached = options.cacheDir ? join(options.cacheDir, `${key}.mjs`) : null;
  if (cached) {
    try {
      return readFileSync(cached, 'utf8');
    } catch {
      // not there yet
    }
  }
  const js = await translate(text, path, file);
  if (cached) {
    // Written under another name first: processes that start at the same time must not read half a file.
    const partial = `${cached}.${process.pid}`;
    writeFileSync(partial, js);
    renameSync(partial, cached);
  }
  return js;
}

async function translate(text: string, path: string, file: string): Promise<string> {
  let code = text;
  if (mayDefineKernels(text)) {
    const { transformSource } = await import('./dsl/frontend/transform.ts');
    const result = transformSource(text, file);
    if (result?.diagnostics.length) throw new CompileError(result.diagnostics);
    // esbuild reads this map and composes its own with it.
    if (result) code = `${result.code}\n//# sourceMappingURL=${result.map.toUrl()}`;
  }
  const { transform } = await import('esbuild');
  const out = await transform(code, {
    loader: /x$/.test(path) ? 'tsx' : 'ts',
    format: 'esm',
    target: 'node20',
    sourcefile: pathToFileURL(path).href,
    sourcemap: 'inline',
  });
  return out.code;
}

/** How a file is named in diagnostics and kernels: relative to the working directory where it lies under it. */
function shownName(path: string): string {
  const rel = relative(process.cwd(), path);
  return rel.startsWith('..') || rel === '' ? path : rel.split(sep).join('/');
}
