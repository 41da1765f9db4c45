// The translation in a browser: bundled for one, and run where there is nothing of Node.

import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const path = (file: string): URL => new URL(`../../${file}`, import.meta.url);

it('bundles for browsers, without the front end, and runs', async () => {
  const { outputFiles } = await build({
    entryPoints: [path('src/port/port.ts').pathname],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'port',
    write: false,
    minify: true,
  });
  const [{ text }] = outputFiles;
  expect(text.length).toBeLessThan(220_000);
  const context = createContext({});
  runInContext(text, context);
  const code = runInContext('port.portSource("@triton.jit\\ndef k(p):\\n    tl.store(p, 1.)\\n").code', context);
  expect(code).toContain('export const k = kernel(function k({ p }: { p: tl.ptr }) {\n  tl.store(p, 1.0);\n});\n');
});
