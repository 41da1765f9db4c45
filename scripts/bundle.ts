// Bundles a TypeScript program with kernels into one plain JS file, for machines with Node and nothing else:
// `node --import ./scripts/register.mjs scripts/bundle.ts ENTRY.ts OUT.mjs`. Only `webgpu` stays outside.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { esbuild as tessera } from '../src/plugin.ts';

const [entry, outfile] = process.argv.slice(2);
if (!entry || !outfile) {
  console.error('usage: bundle.ts ENTRY.ts OUT.mjs');
  process.exit(2);
}
const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['webgpu', 'esbuild', 'ts-morph'],
  alias: {
    tessera: path('../src/index.ts'),
    'tessera/kernels': path('../kernels/index.ts'),
    'tessera/mpi': path('../kernels/mpi_group.ts'),
  },
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  plugins: [tessera()],
  logLevel: 'error',
});
