// What `tessera port` refuses: each with its Python line; and texts that are not Python as a whole, helpers, constants, names.

import { describe, expect, it } from 'vitest';
import { printDiagnostic } from '../../src/dsl/diagnostics.ts';
import { portSource } from '../../src/port/port.ts';
import { load } from './load.ts';

const kernel = (...body: string[]): string =>
  `import triton\nimport triton.language as tl\n\n@triton.jit\ndef k(p, n, N: tl.constexpr):\n${body.map((l) => `    ${l}`).join('\n')}\n`;

describe('refused at the line', () => {
  it.each<[code: string, line: number, col: number, text: RegExp, body: string[]]>([
    ['TL7002', 8, 9, /`break` cannot be translated/, ['i = 0', 'while i < n:', '    break']],
    ['TL7002', 7, 9, /`continue` cannot/, ['for i in range(n):', '    continue']],
    ['TL7002', 6, 11, /a slice with bounds/, ['x = p[0:4]']],
    ['TL7002', 6, 5, /an assignment to part of a value/, ['p[0] = 1']],
    ['TL7002', 6, 9, /a lambda/, ['f = lambda x: x']],
    ['TL7002', 6, 9, /inline assembly/, ['x = tl.inline_asm_elementwise("", "", [], tl.int32, True, 1)']],
    ['TL7002', 6, 14, /a pointer of another dtype/, ['x = p.to(tl.pointer_type(tl.int8))']],
    ['TL7002', 6, 18, /an argument list in a variable/, ['x = tl.zeros(*n)']],
    ['TL7003', 6, 9, /`foo` is not defined/, ['x = foo(n)']],
    ['TL7004', 6, 23, /tl\.load has no parameter `msk`/, ['x = tl.load(p, n, msk=n)']],
    [
      'TL7006',
      8,
      17,
      /the loop variable `i` is used after its loop/,
      ['for i in range(n):', '    tl.store(p, i)', 'tl.store(p, i + 1)'],
    ],
    ['TL7002', 7, 9, /one element of a tile/, ['x = tl.arange(0, 8)', 'y = x[0]']],
    ['TL7008', 7, 5, /the constexpr `c` is assigned twice/, ['c: tl.constexpr = 1', 'c: tl.constexpr = 2']],
    ['TL7001', 6, 11, /not Python/, ['x = (n +']],
  ])('%s line %i', (code, line, col, text, lines) => {
    const { diagnostics, code: ts } = portSource(kernel(...lines), { file: 'k.py' });
    const [d] = diagnostics;
    expect(`${d?.code} ${d?.text}`).toMatch(new RegExp(`^${code} .*${text.source}`));
    if (code !== 'TL7001') expect([d.loc.line, d.loc.col]).toEqual([line, col]);
    expect(printDiagnostic(d)).toContain(`k.py:${d.loc.line}:`);
    expect(ts).toBe('');
  });
  it('goes on with the other functions', () => {
    const r = portSource(`${kernel('x = p[0:4]')}\n@triton.jit\ndef fine(p):\n    tl.store(p, 1)\n`);
    expect(r.diagnostics.map((d) => d.code)).toEqual(['TL7002']);
    expect(r.kernels.map((k) => k.name)).toEqual(['fine']);
  });
  it('says that there is no kernel', () => {
    expect(portSource('def f(x):\n    return x\n').diagnostics.map((d) => d.code)).toEqual(['TL7005']);
  });
});

it('finds kernels in a text that is no Python, with its line numbers', () => {
  const text = `Skip to content\n\nSource code in a.py\n    @triton.jit\n    def k(p):  # first\n        x = tl.load(p)\n        tl.store(p, x[1:2])\n\nk(\n    p,\n)\nIt's a page.\n\n@triton.jit\ndef j(p):\n    tl.store(p, 1)\nMore text here.`;
  const r = portSource(text, { file: 'page.txt' });
  expect(r.kernels.map((k) => k.name)).toEqual(['j']);
  expect(r.diagnostics.map((d) => [d.code, d.loc.line])).toEqual([['TL7002', 7]]);
});

it('constants, helpers, imported functions, keyword arguments and reserved names', () => {
  const r = portSource(`import triton.language as lang
from triton.language.extra.libdevice import tanh as th
import triton

LOG2E: lang.constexpr = 1.44
TWO = lang.constexpr(2.0)
HOST = object()


@triton.jit
def scale(x, mask, by=3, KIND: lang.constexpr = "a"):
    if KIND == "a":
        return lang.where(mask, x * by, 0.0)
    return th(x)


@triton.jit
def kernel(p_ptr, var, N: lang.constexpr):
    offs = lang.arange(0, N)
    x = lang.load(p_ptr + offs)
    x = scale(x, offs < var, KIND="b") * LOG2E + TWO
    lang.store(p_ptr + offs, x)
`);
  expect(r.diagnostics).toEqual([]);
  expect(r.code.split('\n').slice(4).join('\n')).toBe(`const LOG2E = 1.44;

export const scale = tl.fn(function scale(x: number, mask: boolean, by: number = 3, KIND: string = 'a') {
  if (KIND === 'a') {
    return tl.where(mask, x * by, 0.0);
  }
  return tl.tanh(x);
});

export const kernel_ = kernel(function kernel_({ p_ptr, var: var_, N }: { p_ptr: tl.ptr; var: tl.i32; N: tl.constexpr }) {
  const TWO = 2.0;
  const offs = tl.arange(0, N);
  let x = tl.load(p_ptr + offs);
  x = scale(x, offs < var_, undefined, 'b') * LOG2E + TWO;
  tl.store(p_ptr + offs, x);
});
`);
  expect(Object.keys(load(r.code)).sort()).toEqual(['kernel_', 'scale']);
});

it('takes types that the caller knows, and guesses the rest', () => {
  const { code } = portSource(
    '@triton.jit\ndef k(x, out, n, total, eps, scale, flag: tl.constexpr, mode: tl.constexpr, dt: tl.constexpr, opt=None):\n' +
      '    offs = tl.arange(0, 16)\n    v = tl.load(x + offs, mask=offs < n)\n    if flag and mode == "fast":\n        v = v * scale\n' +
      '    if opt is not None:\n        v += tl.load(opt)\n    v = (tl.exp(v) + eps) / total\n    tl.store(out + offs, v.to(dt))\n',
    { types: { total: 'tl.i64' } },
  );
  for (const line of [
    'x: tl.ptr;',
    'out: tl.ptr;',
    'n: tl.i32;',
    'total: tl.i64;',
    'eps: tl.f32;',
    'scale: tl.optional<tl.f32>;',
    'flag: tl.constexpr<boolean>;',
    'mode: tl.constexpr<string>;',
    'dt: tl.constexpr<tl.dtype>;',
    'opt?: tl.ptr | null;',
    '  opt = null,',
  ])
    expect(code).toContain(line);
});

describe('is as strict as Triton if asked', () => {
  const text = (lines: readonly string[]) =>
    `SCALE = 3\n@triton.jit\ndef k(p, n: tl.int32, N: tl.constexpr):\n    x = tl.arange(0, 8)\n${lines.map((l) => `    ${l}`).join('\n')}\n`;
  it.each<string[]>([
    ['y = 0 < n < 5'],
    ['y = x if x > 0 else x'],
    ['y = +x'],
    ['if N in (1, 2):', '    tl.store(p, 1)'],
    ['y = not n'],
    ['if "text":', '    tl.store(p, 1)'],
    ['if 1.5:', '    tl.store(p, 1)'],
    ['while n:', '    n -= 1'],
    ['for i in (1, 2):', '    tl.store(p, i)'],
    ['a = b = n'],
    ['y = x + SCALE'],
    ['tl.static_print(f"{n}")'],
    ['y = abs(n)'],
    ['y = float(n)'],
    ['print(n)'],
    ['y = tl.program_id()'],
    ['y = tl.argmax(x)'],
    ['y = tl.pow(x, x)'],
    ['y = tl.zeros(16, tl.float32)'],
    ['y = tl.float32(n)'],
    ['y = tl.reduce(x, 0, tl.maximum)'],
    ['tl.static_assert(N == 1, msg="N")'],
    ['tl.device_print("größe", x)'],
    ['y = tl.minimum(x, 1, propagate_nan="all")'],
  ])('%s', (...lines) => {
    expect(portSource(text(lines)).diagnostics).toEqual([]);
    const strict = portSource(text(lines), { strict: true, file: 'k.py' }).diagnostics;
    expect(strict.map((d) => [d.code, d.loc.line])).toEqual([['TL7009', 5]]);
    expect(strict[0].help).not.toBe('');
  });
  it('makes numbers in variables values of the device, as Triton’s assignments do', () => {
    const { code, diagnostics } = portSource(text(['m = 16', 'k: tl.constexpr = 4', 'f = 0.5 if n > 3 else 1']), {
      strict: true,
    });
    expect(diagnostics).toEqual([]);
    expect(code).toContain('const m = tl.to_tensor(16);');
    expect(code).toContain('const k = 4;');
    expect(code).toContain('n > 3 ? tl.to_tensor(0.5) : tl.to_tensor(1)');
  });
});

describe('refused in any case, because Python refuses it or means something else', () => {
  const helper = '@triton.jit\ndef h(a, b=1):\n    return a, b\n\n';
  it.each<[code: string, text: RegExp, line: string]>([
    ['TL7016', /h is called without `a`/, 'y = h()'],
    ['TL7011', /h is called with 3 values, but takes 2/, 'y = h(n, n, n)'],
    ['TL7012', /h gets `a` twice/, 'y = h(n, a=n)'],
    ['TL7012', /tl\.load gets `pointer` twice/, 'y = tl.load(p, pointer=p)'],
    ['TL7013', /3 names on the left side, but only 2 values/, 'a, b, c = h(n)'],
    ['TL7014', /the result of tl\.advance is not used/, 'tl.advance(p, (1,))'],
    ['TL7015', /tl\.arange: end is 16\.0, a float/, 'y = tl.arange(0, 16.0)'],
    ['TL7015', /tl\.zeros: shape is a quotient/, 'y = tl.zeros((N / 2,), tl.float32)'],
    ['TL7002', /`is` between values/, 'y = n is p'],
    ['TL7002', /a text plus a number/, 'y = "a" + 1'],
    ['TL7002', /`~` of a float/, 'y = ~1.5'],
    ['TL7002', /`min` of one value/, 'y = min(n)'],
    ['TL7008', /the constexpr `N` is assigned twice/, 'N: tl.constexpr = 8'],
  ])('%s %s', (code, wanted, line) => {
    const [d, ...more] = portSource(helper + kernel(line).split('\n').slice(3).join('\n')).diagnostics;
    expect([d?.code, d?.loc.line, more]).toEqual([code, 7, []]);
    expect(d.text).toMatch(wanted);
  });
});

it('tells from which Python line each line of its output comes', () => {
  const python =
    '@triton.jit\ndef h(a):\n    return a\n\n\n@triton.jit\ndef k(p, n):\n    if n > 1:\n        a, b = n, 2\n    elif n > 0:\n        a = 3\n    tl.store(p, h(n))\n';
  const { code, lines } = portSource(python);
  const at = code
    .split('\n')
    .flatMap((l, i) => (/h\(a|return|if \(|a = |tl\.store/.test(l) ? [[l.trim(), lines[i]] as const] : []));
  expect(at.map(([, line]) => line)).toEqual([2, 3, 8, 9, 10, 11, 12]);
});
