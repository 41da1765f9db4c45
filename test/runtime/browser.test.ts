// The package's main entry must load in a browser: no Node module may be imported by it, directly or from afar.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

it('the main entry bundles for a browser without Node modules', async () => {
  const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    metafile: true,
    logLevel: 'silent',
  });
  expect(result.errors).toEqual([]);
  const imports = Object.values(result.metafile.outputs).flatMap((o) => o.imports);
  expect(imports.map((i) => i.path)).toEqual([]);
  expect(result.outputFiles[0].text).toContain('navigator');
});
