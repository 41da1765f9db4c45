// Bytes that an application ships: bundles by esbuild, minified, gzipped.   npm run -s bench:size

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { build } from 'esbuild';
import { header, table, writeResults } from './report.ts';

const path = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const runtime = `export { openDevice } from ${JSON.stringify(path('src/runtime/open.ts'))};`;
/** What is bundled, and what an application does with it. */
const ENTRIES = [
  {
    name: 'runtime + compiler',
    use: 'kernels compiled in the application, both back ends',
    contents: `export * from ${JSON.stringify(path('src/index.ts'))};`,
  },
  {
    name: 'runtime only',
    use: 'openDevice(…, null) and launchProgram: tensors, checks, profiling, no compiler',
    contents: runtime,
  },
  {
    name: 'launcher by hand',
    use: 'examples/07-aot-launch: WebGPU and a .json, nothing of this package',
    contents: readFileSync(path('examples/07-aot-launch/launch.mjs'), 'utf8'),
  },
] as const;

export interface Size {
  readonly name: string;
  readonly use: string;
  readonly minified: number;
  readonly gzip: number;
  readonly brotli: number;
  /** The largest inputs, in bytes of the minified bundle. */
  readonly largest: readonly (readonly [file: string, bytes: number])[];
}

export async function sizes(): Promise<Size[]> {
  const out: Size[] = [];
  for (const { name, use, contents } of ENTRIES) {
    const r = await build({
      stdin: { contents, resolveDir: path('.'), loader: 'js' },
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      external: ['webgpu', 'node:*'],
      logLevel: 'error',
    });
    const [file] = r.outputFiles;
    const inputs = Object.values(r.metafile.outputs)[0].inputs;
    const largest = Object.entries(inputs)
      .map(([f, { bytesInOutput }]) => [f, bytesInOutput] as const)
      .sort((a, b) => b[1] - a[1])
      .slice(0, 8);
    const { contents: bytes } = file;
    const [gzip, brotli] = [gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
    out.push({ name, use, minified: bytes.length, gzip, brotli, largest });
  }
  return out;
}

async function main(o: { out?: string }): Promise<void> {
  const results = await sizes();
  const kb = (n: number): string => `${(n / 1000).toFixed(1)} kB`;
  console.log(
    table(
      ['bundle', 'minified', 'gzip', 'brotli'],
      results.map((r) => [r.name, kb(r.minified), kb(r.gzip), kb(r.brotli)]),
    ),
  );
  const date = new Date().toISOString().slice(0, 10);
  const head = header('size', 'esbuild', 'ES modules, minified, one file; what Node alone uses stays outside.');
  writeResults(o.out ?? `bench/results/${date}-size.json`, { ...head, results });
}

const command = new Command('bench:size').option('--out <file>', 'where the JSON goes');
await main(command.parse().opts());
