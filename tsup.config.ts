// The published form: one file an entry, shared code in chunks, declarations beside them. Kernels are rewritten while they are
// bundled, so that `tessera/kernels` needs no front end.

import { defineConfig } from 'tsup';
import { esbuild as tessera } from './src/plugin.ts';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    frontend: 'src/frontend.ts',
    plugin: 'src/plugin.ts',
    register: 'src/register.ts',
    hooks: 'src/hooks.ts',
    cli: 'src/bin.ts',
    interpWorker: 'src/runtime/interpWorker.ts',
    kernels: 'kernels/index.ts',
    mpi: 'kernels/mpi_group.ts',
    port: 'src/port/port.ts',
  },
  format: 'esm',
  target: 'node20',
  platform: 'neutral',
  external: [/^node:/],
  splitting: true,
  dts: {
    // Tensors and devices are disposable; users need not have the library that says what that is.
    banner: '/// <reference lib="esnext.disposable" />',
    entry: {
      index: 'src/index.ts',
      frontend: 'src/frontend.ts',
      plugin: 'src/plugin.ts',
      kernels: 'kernels/index.ts',
      mpi: 'kernels/mpi_group.ts',
      port: 'src/port/port.ts',
      register: 'src/register.ts',
    },
  },
  clean: true,
  sourcemap: false,
  esbuildPlugins: [tessera()],
  plugins: [
    {
      // Shared chunks have no effects of their own; bundlers of applications would warn of imports for effect alone.
      name: 'no-bare-imports',
      renderChunk: (code) => ({ code: code.replace(/^import ['"]\.\/chunk-[^'"]+['"];\n/gm, '') }),
    },
  ],
});
