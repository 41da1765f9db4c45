// Files that import helpers: from modules beside them, under other names, through modules that pass names on; and what is wrong in one.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { portFile } from '../../src/cli/port.ts';
import type { AnyKernel } from '../../src/index.ts';
import { portSource } from '../../src/port/port.ts';
import { onEachDevice } from '../support/devices.ts';
import { load } from './load.ts';

const FILES: { readonly [name: string]: string } = {
  'pack.maths': `import triton
import triton.language as tl
from triton.language.extra import libdevice
from .low import square as sq

BASE: tl.constexpr = 1.5

if triton.__version__:
    @triton.jit
    def grow(x):
        # by way of exp2
        return libdevice.exp2(x * BASE)


@triton.jit
def twice(x):
    return sq(x) + x


@triton.jit
def unused(x):
    return x
`,
  '.low': 'import triton\n\n@triton.jit\ndef square(x):\n    return x * x\n',
  'pack.front': 'from pack.maths import grow\n',
  'pack.wrong': 'import triton\n\n\n@triton.jit\ndef bad(x):\n    return x @ x\n',
};
const modules = (name: string) => (FILES[name] === undefined ? null : { file: `${name}.py`, text: FILES[name] });
const MAIN = `import triton
import triton.language as tl
import pack.maths as maths
from pack.front import (
    grow as g,  # under another name
)

@triton.jit
def k(p, N: tl.constexpr):
    offs = tl.arange(0, N)
    x = tl.load(p + offs)
    tl.store(p + offs, g(x) + maths.twice(x) + maths.grow(x))
`;

it('puts the helpers that kernels need behind them', () => {
  const { code, diagnostics, kernels, lines } = portSource(MAIN, { modules });
  expect(diagnostics).toEqual([]);
  expect(kernels.map((k) => k.name)).toEqual(['k']);
  expect(code).toContain('tl.store(p + offs, g(x) + twice(x) + grow(x));');
  expect(code).toContain('const BASE = 1.5;');
  expect(code.match(/^export const \w+/gm)).toEqual([
    'export const k',
    'export const g',
    'export const twice',
    'export const grow',
    'export const sq',
  ]);
  expect(code).toContain('  // by way of exp2\n  return tl.exp2(x * BASE);');
  // Lines are those of the file itself.
  const at = (text: string) => lines[code.split('\n').findIndex((l) => l.includes(text))];
  expect([at('const x = tl.load'), at('return tl.exp2')]).toEqual([11, 0]);
});

it('says what is wrong in a module at its own line, and what it cannot find', () => {
  const wrong = portSource(
    `from pack.wrong import bad\nfrom pack.none import lost\n\n@triton.jit\ndef k(p):\n    tl.store(p, bad(lost(p)))\n`,
    {
      file: 'k.py',
      modules,
    },
  );
  expect(wrong.diagnostics.map((d) => [d.code, d.loc.file, d.loc.line])).toEqual([
    ['TL7003', 'k.py', 6],
    ['TL7002', 'pack.wrong.py', 6],
  ]);
  expect(portSource(MAIN).diagnostics.map((d) => d.text)).toEqual(['`g` is not defined in this file']);
});

it('keeps names apart that two files define', () => {
  const own = portSource(
    `from pack.maths import twice\n\n@triton.jit\ndef sq(x):\n    return x\n\n@triton.jit\ndef k(p):\n    tl.store(p, twice(sq(tl.load(p))))\n`,
    { modules },
  );
  expect(own.diagnostics).toEqual([]);
  expect(own.code).toContain('twice(sq(tl.load(p)))');
  expect(own.code).toContain('return sq_2(x) + x;');
  expect(own.code).toContain('sq_2 = tl.fn(function sq_2(x: number) {\n  return x * x;');
});

it('finds modules in folders on the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-port-'));
  const put = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  put('pack/__init__.py', '');
  put('pack/maths.py', FILES['pack.maths']);
  put('pack/low.py', FILES['.low']);
  put('pack/front/__init__.py', FILES['pack.front']);
  put('pack/kernels/k.py', MAIN);
  const { text, problems } = portFile(join(folder, 'pack/kernels/k.py'));
  rmSync(folder, { recursive: true });
  expect(problems).toBe('');
  expect(text).toContain('export const sq = tl.fn(');
});

onEachDevice('imported helpers', (dev) => {
  it('run', async () => {
    const { k } = load(portSource(MAIN, { modules }).code) as { readonly k: AnyKernel & { launch(...args: unknown[]): void } };
    const p = dev().tensor(Float32Array.of(0, 2));
    k.launch(dev(), [1], { p, N: 2 });
    // 2 · 2^(1.5 x) + x² + x
    expect(await p.toNumbers()).toEqual([2, 22]);
  });
});
