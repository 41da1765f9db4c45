// The command line as a person uses it: every command once, its errors, and IR text that goes out and comes back in.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSignature } from '../../src/cli/signature.ts';
import { DTYPES } from '../../src/dsl/types.ts';
import { kernel, tl } from '../../src/index.ts';

const root = resolve(import.meta.dirname, '../..');
let folder: string;
interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
const tessera = (...args: string[]): Promise<Outcome> =>
  new Promise((done) => {
    const command = ['--import', './scripts/register.mjs', 'src/cli.ts', ...args];
    execFile(process.execPath, command, { cwd: root }, (e, out, err) => done({ code: e ? Number(e.code) : 0, out, err }));
  });

const KERNEL = `import { kernel, tl } from 'tessera';
export const scale = kernel(function scale({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const v = tl.load(x + offs, { mask: offs < n });
  tl.store(x + offs, v * 2, { mask: offs < n });
});
export const wrong = kernel(function wrong({ x }: { x: tl.ptr<tl.f32> }) {
  tl.store(x + tl.arange(0, 16), tl.zeros([32], tl.f32));
});
`;
const file = (): string => join(folder, 'k.ts');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-cli-'));
  writeFileSync(file(), KERNEL);
  writeFileSync(
    join(folder, 'syntax.ts'),
    KERNEL.replace('const v =', 'try { } finally { }\n  const v =').replace('v * 2', 'v ** 2'),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('check', () => {
  it('finds a type error, names what it could not check, and exits with 1', async () => {
    const { code, out } = await tessera('check', file());
    expect(code).toBe(1);
    expect(out).toMatch(/error TL1001: cannot broadcast tile<16xptr<f32>> with tile<32xf32>/);
    expect(out).toMatch(/k\.ts:8:3 \(in wrong\)/);
    expect(out).toMatch(/scale: parsed; the signature says nothing about BLOCK/);
    expect(out).toMatch(/\n1 error\n$/);
  });
  it('checks a kernel with a signature', async () => {
    expect(await tessera('check', file(), '-k', 'scale', '-s', 'BLOCK=64')).toMatchObject({ code: 0, out: 'scale: ok\n' });
  });
  it('shows what the front end refuses', async () => {
    const { code, out } = await tessera('check', join(folder, 'syntax.ts'));
    expect(code).toBe(1);
    expect(out).toMatch(/error TL2001: `try` is not in the kernel language\n {2}--> .*syntax\.ts:4:3/);
  });
  it('says that a file is not there', async () => {
    expect(await tessera('check', 'nowhere.ts')).toMatchObject({
      code: 1,
      err: expect.stringContaining('error TL6001: cannot read nowhere.ts: there is no such file'),
    });
  });
});

describe('lower', () => {
  it('prints IR that can be resumed after a pass, to the same end', async () => {
    const args = ['lower', file(), '-k', 'scale', '-s', 'BLOCK=64', '--locs'];
    const end = await tessera(...args, '--to', 'ir');
    const middle = await tessera(...args, '--to', 'ir', '--dump-after', 'dce');
    expect(middle.out).toMatch(/^func @scale\(%x: ptr<f32>/);
    // dce runs twice; the text printed after the first is not the end.
    const first = middle.out.split(/\n(?=func @)/)[0];
    writeFileSync(join(folder, 'k.ir'), first);
    expect((await tessera('lower', join(folder, 'k.ir'), '--from', '--to', 'ir', '--locs')).out).toBe(end.out);
  });
  it('prints lane IR and WGSL', async () => {
    const args = ['lower', file(), '-k', 'scale', '-s', 'x=*f32:16, n=i32:16, BLOCK=256'];
    expect((await tessera(...args, '--to', 'lane')).out).toMatch(/^func @scale\(.*\) lane /);
    // Aligned, and n divisible by 16: whole vectors.
    expect((await tessera(...args)).out).toMatch(/var<storage, read_write> x: array<vec4<f32>>;/);
  });
  it.each([
    [['-k', 'nope'], 'TL6003'],
    [[], 'TL6004'],
    [['-k', 'scale', '-s', 'BLOCK=64, y=3'], 'TL6005'],
    [['-k', 'scale'], 'TL6006'],
    [['-k', 'scale', '-s', 'BLOCK=64', '--to', 'ptx'], 'TL6008'],
    [['-k', 'scale', '-s', 'BLOCK=64', '--dump-after', 'magic'], 'TL6008'],
    [['-k', 'scale', '-s', 'BLOCK=64', '--target', 'cuda'], 'TL6008'],
  ])('refuses %j', async (args, code) => {
    const r = await tessera('lower', file(), ...args);
    expect(r.code).toBe(1);
    expect(r.err).toMatch(new RegExp(`^error ${code}: `, 'm'));
  });
});

it('ops lists the table and shows a row', async () => {
  expect((await tessera('ops')).out).toMatch(/\n {2}tl\.exp\(x\) +e raised to each element\.\n/);
  expect((await tessera('ops', 'tl.exp')).out).toMatch(
    /^tl\.exp\(x\)\n {2}e raised to each element\.\n {2}traits: pure, elementwise\n/,
  );
  expect((await tessera('ops', 'xyz')).err).toMatch(/error TL6008: NAME is 'xyz'/);
});
it('debug follows a script', async () => {
  const script = join(folder, 'commands');
  writeFileSync(script, 'break 26 if pid=1\nrun\nprint row_start\nquit\n');
  const { out } = await tessera('debug', 'examples/02-fused-softmax.ts', '--commands', script);
  expect(out).toMatch(/> run\nbreakpoint 1\npid \(1, 0, 0\) examples\/02-fused-softmax\.ts:26/);
  expect(out).toMatch(/row_start: i32 = 1\n/);
});
it('port translates, and shows what it cannot', async () => {
  const out = join(folder, 'ported.ts');
  expect(await tessera('port', 'test/port/fixtures/fused_softmax.py', '-o', out)).toMatchObject({
    code: 0,
    out: 'ported.ts: softmax_kernel\n',
  });
  expect(await tessera('check', out, '-s', 'output_ptr=*f32, input_ptr=*f32, BLOCK_SIZE=64, num_stages=2')).toMatchObject({
    code: 0,
  });
  writeFileSync(join(folder, 'k.py'), '@triton.jit\ndef k(p):\n    while True:\n        break\n');
  const { code, err } = await tessera('port', join(folder, 'k.py'));
  expect(code).toBe(1);
  expect(err).toMatch(/error TL7002: `break` cannot be translated\n {2}--> .*k\.py:4:9/);
});
it('build writes the same bytes every time', async () => {
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  for (const d of [a, b]) await tessera('build', file(), '-k', 'scale', '-s', 'BLOCK=64', '-o', d);
  for (const f of ['scale.wgsl', 'scale.json']) expect(readFileSync(join(a, f), 'utf8')).toBe(readFileSync(join(b, f), 'utf8'));
  expect(readFileSync(join(a, 'scale.json'), 'utf8')).not.toContain(folder);
});

describe('signatures', () => {
  const k = kernel(function k({
    x,
    y,
    n,
    B,
    F = true,
  }: {
    x: tl.ptr;
    y: tl.ptr<tl.f16> | null;
    n: tl.i64;
    B: tl.constexpr;
    F?: tl.constexpr<boolean>;
  }) {
    if (F && y !== null) tl.store(x, tl.load(y) + B, { mask: n > 0 });
  });
  const def = k.definition;

  it('reads names, positions, alignment, aliases and values', () => {
    expect(parseSignature(def, '*fp32:16, y=*f16@x, n=i64:16, B=1024, F=true')).toEqual({
      x: { kind: 'ptr', dtype: DTYPES.f32, buffer: 0, divisibleBy: 4 },
      y: { kind: 'ptr', dtype: DTYPES.f16, buffer: 0, divisibleBy: 1 },
      n: { kind: 'scalar', dtype: DTYPES.i64, divisibleBy: 16 },
      B: { kind: 'const', value: 1024 },
      F: { kind: 'const', value: true },
    });
  });
  it('fills in what annotations say', () => {
    expect(parseSignature(def, 'x=*i32, y=null, n=i64:1, B=inf')).toEqual({
      x: { kind: 'ptr', dtype: DTYPES.i32, buffer: 0, divisibleBy: 1 },
      y: { kind: 'const', value: null },
      n: { kind: 'const', value: 1n, dtype: DTYPES.i64 },
      B: { kind: 'const', value: Infinity },
    });
  });
});
