// Tests run against the sources: kernels are rewritten by the plugin, 'tessera' means this working tree.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { vite as tessera } from './src/plugin.ts';

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export default defineConfig({
  plugins: [tessera()],
  resolve: {
    alias: [
      { find: /^tessera$/, replacement: path('./src/index.ts') },
      { find: /^tessera\/kernels$/, replacement: path('./kernels/index.ts') },
      { find: /^tessera\/mpi$/, replacement: path('./kernels/mpi_group.ts') },
    ],
  },
  test: { include: ['test/**/*.test.ts'], pool: 'forks', testTimeout: 120_000 },
});
