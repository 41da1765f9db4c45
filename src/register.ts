// Public entry `tessera/register`: `node --import tessera/register file.ts` runs TypeScript with kernels, no build step.
// Installs the hooks of `hooks.ts` on Node's loader thread and turns source maps on, so that stack traces show TypeScript.

import { existsSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import type { HookOptions } from './hooks.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
const modules = join(process.cwd(), 'node_modules');
const data: HookOptions = {
  version,
  cacheDir: existsSync(modules) ? join(modules, '.cache', 'tessera', `modules-${version}`) : null,
};
process.setSourceMapsEnabled(true);
register('./hooks.js', import.meta.url, { data });
