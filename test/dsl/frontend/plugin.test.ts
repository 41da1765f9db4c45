// The front end where people use it: in esbuild and Vite, and under Node's loader hook in a process of its own.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuildModule from 'esbuild';
import { build as viteBuild } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { esbuild, rollup, vite, webpack } from '../../../src/plugin.ts';

const REGISTER = resolve(import.meta.dirname, '../../../scripts/register.mjs');
/** Stands for the package: `kernel` gives back what it is given, so that a test sees what the front end made. */
const PACKAGE = 'export const kernel = (d: unknown) => d as any;\nexport const tl: any = { fn: (d: unknown) => d };\n';
const GOOD = `import { kernel } from './index.ts';
interface P {
  n: number;
  SCALE?: number }
const offset = 3;
export const k = kernel(function k({ n, SCALE = 2 }: P) {
  if (n > 0) return; probe(n * SCALE + offset);
});
export let seen = 0;
function probe(x: number): void {
  seen = x;
  if (x > 90) throw new Error('too much');
}
`;
/** Runs the body with a tracer that computes, and prints what the kernel passed to \`probe\`. */
const MAIN = `import { k, seen } from './kernels.js';
const $ = {
  if: (_: number, c: boolean, a: () => void, b: () => void) => (c ? a() : b()),
  bin: (_: number, op: string, a: number, b: number): any => (op === '>' ? a > b : op === '*' ? a * b : a + b),
  call: (_: number, f: (...a: unknown[]) => unknown, args: unknown[]) => f(...args),
};
k.body($, { n: Number(process.argv[2] ?? -4) });
console.log(k.kind, k.name, k.params.length, seen);
`;
const BAD = `import { kernel } from './index.ts';\nexport const k = kernel(function k({ n }: { n: number }) {\n  do { n; } while (n > 0);\n  var a = 1;\n});\n`;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tessera-'));
  mkdirSync(join(dir, 'sub'));
  for (const [name, text] of Object.entries({ 'index.ts': PACKAGE, 'kernels.ts': GOOD, 'main.ts': MAIN, 'bad.ts': BAD }))
    writeFileSync(join(dir, name), text);
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(dir, 'sub', 'index.ts'),
    `import '../main.ts';\nimport { k } from '../kernels';\nconsole.log(k.file, import.meta.url.slice(-12));\n`,
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const node = (...args: string[]) => spawnSync(process.execPath, ['--import', REGISTER, ...args], { cwd: dir, encoding: 'utf8' });

describe('Node hook', () => {
  test('runs TypeScript with kernels; .js and extensionless imports find the .ts file', () => {
    const first = node('main.ts');
    expect(first.stderr).toBe('');
    expect(first.stdout).toBe('kernel k 2 -5\n');
    const second = node('sub/index.ts');
    expect(second.stdout).toBe('kernel k 2 -5\nkernels.ts sub/index.ts\n');
  });

  test('stack traces show the line of the TypeScript file', () => {
    const changed = join(dir, 'throws.ts');
    writeFileSync(changed, GOOD.replace('x > 90', 'x < 0'));
    writeFileSync(join(dir, 'throwMain.ts'), MAIN.replace('./kernels.js', './throws.js'));
    const { stderr } = node('throwMain.ts');
    expect(stderr).toContain('too much');
    expect(stderr).toMatch(/throws\.ts:12:\d+/); // where it is thrown
    expect(stderr).toMatch(/throws\.ts:7:\d+/); // the kernel's line
  });

  test('a refused kernel ends the process with its code frames', () => {
    const { status, stderr } = node('bad.ts');
    expect(status).toBe(1);
    expect(stderr).toContain('error TL2001: `do … while` is not in the kernel language\n  --> bad.ts:3:3 (in k)');
    expect(stderr).toContain('error TL2001: `var` is not in the kernel language\n  --> bad.ts:4:3 (in k)');
  });

  test("maps 'tessera' to this working tree", () => {
    writeFileSync(join(dir, 'where.ts'), `console.log(import.meta.resolve('tessera'));\n`);
    expect(node('where.ts').stdout.trim()).toBe(pathToFileURL(resolve(import.meta.dirname, '../../../src/index.ts')).href);
  });
});

describe('esbuild', () => {
  const options = {
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    sourcemap: 'inline',
  } as const;

  test('bundles a program that runs', async () => {
    const out = await esbuildModule.build({ ...options, entryPoints: [join(dir, 'main.ts')], plugins: [esbuild({ root: dir })] });
    const file = join(dir, 'bundle.mjs');
    writeFileSync(file, out.outputFiles[0].contents);
    expect(execFileSync(process.execPath, [file, '-10'], { encoding: 'utf8' })).toBe('kernel k 2 -17\n');
    expect(out.outputFiles[0].text).toContain('file: "kernels.ts"');
  });

  test('fails with the code frames', async () => {
    const built = esbuildModule.build({ ...options, entryPoints: [join(dir, 'bad.ts')], plugins: [esbuild({ root: dir })] });
    await expect(built).rejects.toThrow(
      /TL2001: `do … while` is not in the kernel language[\s\S]*3 \| {3}do \{[\s\S]*TL2001: `var`/,
    );
  });
});

describe('Vite', () => {
  const config = (entry: string) => ({
    configFile: false as const,
    root: dir,
    logLevel: 'silent' as const,
    plugins: [vite({ root: dir })],
    build: { ssr: join(dir, entry), write: false, minify: false },
  });

  test('builds a program that runs', async () => {
    const built = (await viteBuild(config('main.ts'))) as { output: { code: string }[] };
    const file = join(dir, 'vite.mjs');
    writeFileSync(file, built.output[0].code);
    expect(execFileSync(process.execPath, [file], { encoding: 'utf8' })).toBe('kernel k 2 -5\n');
  });

  test('fails with the code frames and the place', async () => {
    const error = await viteBuild(config('bad.ts')).then(
      () => null,
      (e: Error & { loc?: { line: number; column: number } }) => e,
    );
    expect(error?.message).toContain('3 |   do { n; } while (n > 0);');
    expect(error?.loc).toMatchObject({ line: 3, column: 2 });
  });
});

test('there is a plugin for Rollup and webpack too', () => {
  expect(rollup()).toMatchObject({ name: 'tessera' });
  expect(typeof webpack().apply).toBe('function');
});
