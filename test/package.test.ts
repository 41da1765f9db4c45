// The published form, used as an installed package: built, imported by a plain Node program through `tessera/register`, driven by the
// command, and bundled for a browser. Declarations are left out (they take longest); `npm run build` makes them.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
// Inside node_modules, so that the package finds its dependencies.
const home = join(root, 'node_modules', '.cache', 'tessera', `package-test-${process.pid}`);
const app = join(home, 'app');
const run = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, args, { cwd: app })).stdout;

const PROGRAM = `import { cdiv, device, kernel, tl } from 'tessera';
const add = kernel(function add({ x, y, out, n, BLOCK }: {
  x: tl.ptr<tl.f32>; y: tl.ptr<tl.f32>; out: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr;
}) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const mask = offs < n;
  tl.store(out + offs, tl.load(x + offs, { mask }) + tl.load(y + offs, { mask }), { mask });
});
const dev = await device({ prefer: 'interp' });
const x = dev.tensor(Float32Array.of(1, 2, 3));
const out = dev.empty([3], 'f32');
add.launch(dev, [cdiv(3, 2)], { x, y: x, out, n: 3, BLOCK: 2 });
console.log([...(await out.download())].join());
dev.destroy();
`;

const PYTHON = `import triton
import triton.language as tl

@triton.autotune(configs=[triton.Config({"BLOCK": b}, num_warps=2) for b in (64, 128)], key=["n"])
@triton.heuristics({"EVEN": lambda args: args["n"] % args["BLOCK"] == 0})
@triton.jit
def double(x, n, BLOCK: tl.constexpr, EVEN: tl.constexpr):
    offs = tl.arange(0, BLOCK)
    mask = (offs < n) | EVEN
    tl.store(x + offs, tl.load(x + offs, mask=mask) * 2, mask=mask)
`;
const PORTED = `import { device } from 'tessera';
import { double } from './double.ts';
const dev = await device({ prefer: 'interp' });
const x = dev.tensor(Float32Array.of(1, 2, 3));
double.launch(dev, [1], { x, n: 3 });
console.log([...(await x.download())].join(), double.best(dev, { x, n: 3 }).args.BLOCK);
dev.destroy();
`;

beforeAll(async () => {
  mkdirSync(join(app, 'node_modules'), { recursive: true });
  cpSync(join(root, 'package.json'), join(home, 'package.json'));
  await promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/tsup/dist/cli-default.js'), '--no-dts', '-d', join(home, 'dist')],
    { cwd: root },
  );
  symlinkSync(home, join(app, 'node_modules', 'tessera'));
  writeFileSync(join(app, 'package.json'), '{"type":"module"}');
  writeFileSync(join(app, 'add.ts'), PROGRAM);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

it('runs a file through tessera/register', async () => {
  expect(await run('--import', 'tessera/register', 'add.ts')).toBe('2,4,6\n');
});
it('runs, checks and lowers a file through the command', async () => {
  const tessera = 'node_modules/tessera/dist/cli.js';
  expect(await run(tessera, 'run', 'add.ts')).toBe('2,4,6\n');
  expect(await run(tessera, 'check', 'add.ts', '-s', 'BLOCK=64')).toContain('add: ok');
  expect(await run(tessera, 'lower', 'add.ts', '-s', 'BLOCK=64')).toContain('@compute');
});
it('ports a kernel with its configs, which then runs', async () => {
  const tessera = 'node_modules/tessera/dist/cli.js';
  writeFileSync(join(app, 'double.py'), PYTHON);
  writeFileSync(join(app, 'ported.ts'), PORTED);
  expect(await run(tessera, 'port', 'double.py', '-o', 'double.ts')).toBe('double.ts: double\n');
  expect(await run(tessera, 'run', 'ported.ts')).toBe('2,4,6 64\n');
});
it('exports the kernels, compiled', async () => {
  const program = "import { _fwd_kernel } from 'tessera/kernels'; console.log(_fwd_kernel.definition.params.length)";
  expect(await run('--input-type=module', '-e', program)).toBe('23\n');
});
it('bundles for a browser without a warning, and without the front end', async () => {
  const { esbuild: plugin } = (await import(join(home, 'dist/plugin.js'))) as typeof import('../src/plugin.ts');
  const out = await build({
    entryPoints: [join(app, 'add.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    plugins: [plugin()],
    logLevel: 'silent',
  });
  expect(out.warnings).toEqual([]);
  expect(out.outputFiles[0].text).not.toContain('ts-morph');
  expect(readFileSync(join(app, 'add.ts'), 'utf8')).toBe(PROGRAM);
});
