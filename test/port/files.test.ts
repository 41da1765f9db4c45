// What stands around kernels in a file: branches that define them, `triton.jit(…)` as a call, constants from Python's `math`; and
// parameters that launches leave out.

import { expect, it } from 'vitest';
import type { AnyKernel } from '../../src/index.ts';
import { portSource } from '../../src/port/port.ts';
import { onEachDevice } from '../support/devices.ts';
import { load } from './load.ts';

const port = (...lines: string[]) => portSource(['import triton', 'import triton.language as tl', ...lines, ''].join('\n'));
/** The port of a file that must have no errors. */
const code = (...lines: string[]): string => {
  const r = port(...lines);
  expect(r.diagnostics).toEqual([]);
  return r.code;
};
const types = (params: string, ...body: string[]): string =>
  /: \{ ?([\s\S]*?);?\s*\}\) \{/.exec(code('@triton.jit', `def k(${params}):`, ...body.map((l) => `    ${l}`)))![1];

it('finds kernels in branches, in functions, and behind triton.jit(…)', () => {
  const text = code(
    'try:', '    import gpu', 'except ImportError:', '    gpu = None',
    'if gpu:', '    @triton.jit', '    def half(x):', '        return tl.inline_asm_elementwise("mul $0, $1", "=r,r", [x], dtype=tl.float32, is_pure=True, pack=1)',
    'else:', '    # Without assembly', '    @triton.jit', '    def half(x):', '        # by hand', '        return x * 0.5',
    'if gpu:', '    @triton.jit', '    def twice(x): return x + x', 'else:', '    @triton.jit', '    def twice(x): return 2 * x',
    'def body(p):', '    tl.store(p, half(twice(tl.load(p))))', 'body = triton.jit(body)',
    'def build():', '    size = 4', '    @triton.jit', '    def inner(p):', '        tl.store(p, 1)', '    return inner',
  ); // biome-ignore format: lines of Python
  expect(text).toContain('  // by hand\n  return x * 0.5;');
  expect(text).toContain('return x + x;');
  expect(text).not.toContain('2 * x');
  expect(text).toContain('export const body = kernel(');
  expect(text).toContain('export const inner = kernel(');
  expect(text).not.toContain('const size');
});

it('writes constants that are computed with math', () => {
  const text = code(
    'import math', 'ROOT = math.sqrt(2.0 / math.pi)', 'EIGHT = math.pow(2, 3)', 'LEVELS: tl.constexpr = tl.constexpr(math.ceil(math.log2(100)))', 'FAR = -math.inf',
    '@triton.jit', 'def k(p, N: tl.constexpr):', '    tl.store(p, tl.load(p) * ROOT + EIGHT + LEVELS)', '    tl.store(p + 1, FAR)',
  ); // biome-ignore format: lines of Python
  expect(text).toContain('const ROOT = Math.sqrt(2.0 / Math.PI);');
  expect(text).toContain('const LEVELS = Math.ceil(Math.log2(100));');
  expect(text).toContain('const FAR = -Infinity;');
  // To JavaScript 8.0 is an integer.
  expect(text).toContain('  const EIGHT = 8.0;');
  expect(
    port('import math', '@triton.jit', 'def k(p):', '    tl.store(p, math.comb(4, 2))').diagnostics.map((d) => d.text),
  ).toEqual(['`math.comb` is not defined in this file']);
});

it('says which parameters a launch may leave out', () => {
  expect(types('p, w, HAS: tl.constexpr', 'if HAS:', '    w += 1', '    tl.store(p, tl.load(w))')).toContain(
    'w: tl.optional<tl.ptr>',
  );
  expect(types('p, w, HAS: tl.constexpr', 'x = tl.load(w) if HAS else 0', 'tl.store(p, x)')).toContain('w: tl.optional<tl.ptr>');
  expect(types('p, scale, HAS: tl.constexpr', 'x = tl.load(p)', 'if HAS:', '    x *= scale', 'tl.store(p, x)')).toContain(
    'scale: tl.optional<tl.f32>',
  );
  expect(types('p, w', 'if w is not None:', '    tl.store(p, tl.load(w))')).toContain('w: tl.ptr | null');
  expect(types('p, w', 'if w is None:', '    x = 0.0', 'else:', '    x = tl.load(w)', 'tl.store(p, x)')).toContain(
    'w: tl.ptr | null',
  );
  expect(types('p, w, n', 'w += n', 'tl.store(p, n)')).toContain('w: tl.ptr;');
  // TypeScript does not know what a flag says of another parameter.
  expect(types('p, w', 'HAS: tl.constexpr = w is not None', 'if HAS:', '    tl.store(p, tl.load(w))')).toContain(
    'w: tl.optional<tl.ptr>',
  );
  expect(types('p, w, n', 'if n > 3:', '    tl.store(p, tl.load(w))')).toContain('w: tl.ptr;');
});

it('guesses factors by their names, where their uses leave it open', () => {
  expect(types('p, eps', 'x = tl.load(p)', 'tl.store(p, x + eps)')).toContain('eps: tl.f32');
  expect(types('p, temperature', 'tl.store(p, tl.load(p) / temperature)')).toContain('temperature: tl.f32');
  expect(types('p, stride_alpha, n', 'tl.store(p + stride_alpha, tl.load(p) + n)')).toMatch(/stride_alpha: tl.i32;\s*n: tl.i32/);
  expect(types('p, beta, q, stride', 'tl.store(p, 1)')).toMatch(/beta: tl.f32;\s*q: unknown;\s*stride: tl.i32/);
});

it('takes switches for booleans, through helpers too, and literals for no evidence', () => {
  const text = code(
    '@triton.jit', 'def up(x, FLAT: tl.constexpr, TURN: tl.constexpr):', '    if FLAT:', '        x = tl.cumsum(x, 0, reverse=TURN)', '    return x',
    '@triton.jit', 'def k(p, smoothing, WHOLE: tl.constexpr, BACK: tl.constexpr, N: tl.constexpr):', '    x = tl.load(p + tl.arange(0, N))',
    '    tl.store(p, up(x, WHOLE, BACK) * (1 - smoothing))',
  ); // biome-ignore format: lines of Python
  expect(text).toMatch(/up\(x: number, FLAT: boolean, TURN: boolean\)/);
  expect(text).toMatch(/WHOLE: tl.constexpr<boolean>;\s*BACK: tl.constexpr<boolean>;\s*N: tl.constexpr\b[^<]/);
  expect(text).toContain('smoothing: tl.f32');
});

it('lets branches that exclude each other define one constexpr', () => {
  const text = code(
    '@triton.jit', 'def low(dtype: tl.constexpr):', '    if dtype.is_floating():', '        v: tl.constexpr = -1.5', '        return v', '    v: tl.constexpr = 0', '    return v',
    '@triton.jit', 'def k(p, N: tl.constexpr):', '    if N > 4:', '        H: tl.constexpr = N // 2', '    else:', '        H: tl.constexpr = N', '    tl.store(p, low(p.dtype.element_ty) + H)',
  ); // biome-ignore format: lines of Python
  expect(text).toContain('H = Math.floor(N / 2);');
  const twice = [
    '@triton.jit',
    'def k(p, N: tl.constexpr):',
    '    H: tl.constexpr = 1',
    '    if N > 4:',
    '        H: tl.constexpr = 2',
    '    tl.store(p, H)',
  ];
  expect(port(...twice).diagnostics.map((d) => [d.code, d.loc.line])).toEqual([['TL7008', 7]]);
});

onEachDevice('parameters that are left out', (dev) => {
  it('are null behind a constexpr', async () => {
    const { k } = load(
      code('@triton.jit', 'def k(p, w, scale, HAS: tl.constexpr):', '    x = tl.load(p)', '    if HAS:', '        x = x * tl.load(w) + scale', '    tl.store(p, x + 1)'),
    ) as { readonly k: AnyKernel & { launch(...args: unknown[]): void } }; // biome-ignore format: lines of Python
    const p = dev().tensor(Float32Array.of(5));
    k.launch(dev(), [1], { p, w: null, scale: null, HAS: false });
    expect(await p.toNumbers()).toEqual([6]);
    k.launch(dev(), [1], { p, w: dev().tensor(Float32Array.of(3)), scale: 0.5, HAS: true });
    expect(await p.toNumbers()).toEqual([19.5]);
  });
  it('are multiplied by numbers as in Triton: by an assigned one in f32, by a literal in their own dtype', async () => {
    const { k } = load(
      code('@triton.jit', 'def k(x_ptr, out, N: tl.constexpr):', '    x = tl.load(x_ptr + tl.arange(0, N))', '    a = 0.1', '    b = a + 0.0', '    tl.store(out + tl.arange(0, N), x * a - x * 0.1)', '    tl.store(out + N + tl.arange(0, N), x * b)'),
    ) as { readonly k: AnyKernel & { launch(...args: unknown[]): void } }; // biome-ignore format: lines of Python
    const x = dev().tensor([3, 7], { dtype: 'f16' });
    const out = dev().tensor(new Float32Array(4));
    k.launch(dev(), [1], { x_ptr: x, out, N: 2 });
    const f32 = Math.fround(0.1);
    // 3 · 0.1 and 7 · 0.1 of f16, as numpy has them.
    const f16 = [0.2998046875, 0.69970703125];
    const want = [
      ...[3, 7].map((v, i) => Math.fround(Math.fround(v * f32) - f16[i])),
      ...[3, 7].map((v) => Math.fround(v * f32)),
    ];
    expect(await out.toNumbers()).toEqual(want);
  });
  it('are tuples of tensors and numbers', async () => {
    const { k } = load(
      code('@triton.jit', 'def k(args, ptrs, out, N: tl.constexpr):', '    x, n = args', '    offs = tl.arange(0, N)', '    v = tl.load(x + offs) * n', '    for i in tl.static_range(2):', '        v += tl.load(ptrs[i] + offs)', '    tl.store(out + offs, v)'),
    ) as { readonly k: AnyKernel & { launch(...args: unknown[]): void } }; // biome-ignore format: lines of Python
    const of = (...values: number[]) => dev().tensor(Float32Array.from(values));
    for (const n of [3, 0.5]) {
      const out = of(0, 0);
      k.launch(dev(), [1], { args: [of(4, 8), n], ptrs: [of(1, 2), of(10, 20), of(0, 0)], out, N: 2 });
      expect(await out.toNumbers()).toEqual([4 * n + 11, 8 * n + 22]);
    }
  });
});
