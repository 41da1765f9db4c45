// The development form of `tessera/register`: `node --import ./scripts/register.mjs file.ts`. The hooks are TypeScript, and
// nothing can load TypeScript before they are installed; so they are bundled by esbuild into a cache directory named after
// the hash of their sources. Maps 'tessera' and its entries with kernels to this working tree.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { register } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const frontend = join(root, 'src', 'dsl', 'frontend');
const sources = [
  fileURLToPath(import.meta.url),
  join(root, 'package.json'),
  join(root, 'src', 'hooks.ts'),
  join(root, 'src', 'dsl', 'diagnostics.ts'),
  ...readdirSync(frontend)
    .filter((f) => f.endsWith('.ts'))
    .sort()
    .map((f) => join(frontend, f)),
];
const hash = createHash('sha256');
for (const file of sources) hash.update(`${file}\0`).update(readFileSync(file));
const version = hash.digest('hex').slice(0, 16);
const cache = join(root, 'node_modules', '.cache', 'tessera');
const bundle = join(cache, `hooks-${version}`);

if (!existsSync(bundle)) {
  const { build } = await import('esbuild');
  const partial = `${bundle}.${process.pid}`;
  // What older sources left here goes after a week; a process that still runs on it has long loaded it.
  for (const old of existsSync(cache) ? readdirSync(cache) : []) {
    if (/^(?:hooks|modules)-/.test(old) && Date.now() - statSync(join(cache, old)).mtimeMs > 7 * 86_400_000)
      rmSync(join(cache, old), { recursive: true, force: true });
  }
  await build({
    entryPoints: [join(root, 'src', 'hooks.ts')],
    outdir: partial,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true, // the compiler stays a file of its own, loaded when a kernel has to be compiled
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'error',
  });
  try {
    renameSync(partial, bundle);
  } catch {
    rmSync(partial, { recursive: true, force: true }); // another process was first
  }
}

process.setSourceMapsEnabled(true);
register(pathToFileURL(join(bundle, 'hooks.mjs')).href, {
  data: {
    version,
    cacheDir: join(cache, `modules-${version}`),
    alias: {
      tessera: pathToFileURL(join(root, 'src', 'index.ts')).href,
      'tessera/kernels': pathToFileURL(join(root, 'kernels', 'index.ts')).href,
      'tessera/mpi': pathToFileURL(join(root, 'kernels', 'mpi_group.ts')).href,
      'tessera/frontend': pathToFileURL(join(root, 'src', 'frontend.ts')).href,
    },
  },
});
