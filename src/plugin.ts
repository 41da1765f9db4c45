// Public entry `tessera/plugin`: the front end in a bundler (unplugin: Vite, Vitest, esbuild, Rollup, webpack, …). A module goes
// in, the module with its kernels rewritten comes out; diagnostics become a build error with code frames. The compiler is
// loaded when the first file with kernels turns up.

import { relative, sep } from 'node:path';
import { createUnplugin, type UnpluginInstance } from 'unplugin';
import { CompileError } from './dsl/diagnostics.ts';
import { mayDefineKernels } from './dsl/frontend/detect.ts';

/** Options of the plugin; all may be left out. */
export interface PluginOptions {
  /** Files to look at. Default: TypeScript and JavaScript files outside `node_modules`. */
  include?: (id: string) => boolean;
  /** Directory that file names in diagnostics are relative to. Default: the working directory. */
  root?: string;
}

const isSource = (id: string): boolean => /\.[cm]?[jt]sx?$/.test(id) && !/[\\/]node_modules[\\/]/.test(id);

/** How a file is named in diagnostics and kernels: relative to `root` where it lies under it. */
function shownName(path: string, root: string): string {
  const rel = relative(root, path);
  return rel.startsWith('..') || rel === '' ? path : rel.split(sep).join('/');
}

export const unplugin = createUnplugin<PluginOptions | undefined>((options = {}) => ({
  name: 'tessera',
  // Before the bundler strips types: the types of parameters say what they are.
  enforce: 'pre',
  transformInclude: (id) => (options.include ?? isSource)(id.replace(/[?#].*$/, '')),
  async transform(code, id) {
    if (!mayDefineKernels(code)) return null;
    const { transformSource } = await import('./dsl/frontend/transform.ts');
    const file = shownName(id.replace(/[?#].*$/, ''), options.root ?? process.cwd());
    const result = transformSource(code, file);
    if (!result) return null;
    if (result.diagnostics.length) {
      const { line, col } = result.diagnostics[0].loc;
      // `id` and `loc` are what Vite's overlay and Rollup's log show.
      throw Object.assign(new CompileError(result.diagnostics), { id, loc: { file: id, line, column: col - 1 } });
    }
    return { code: result.code, map: result.map };
  },
}));

export default unplugin;
export const vite = unplugin.vite;
export const esbuild = unplugin.esbuild;
export const rollup = unplugin.rollup;
export const webpack: UnpluginInstance<PluginOptions | undefined>['webpack'] = unplugin.webpack;
