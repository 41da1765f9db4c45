// What each idiom of Python and Triton becomes: bodies of a kernel, text against text.

import { describe, expect, it } from 'vitest';
import { portSource } from '../../src/port/port.ts';
import { typeErrors } from './load.ts';

const PARAMS = 'p, q, n, s: tl.float32, N: tl.constexpr, FLAG: tl.constexpr, DT: tl.constexpr, b=None';
const PRELUDE = ['offs = tl.arange(0, N)', 'x = tl.load(p + offs)', 'm = offs < n'];

/** Lines of the TypeScript body for lines of a Python body, behind some usual definitions. */
function body(...lines: string[]): string {
  const python = `@triton.jit\ndef k(${PARAMS}):\n${[...PRELUDE, ...lines.flatMap((l) => l.split('\n'))].map((l) => `    ${l}`).join('\n')}\n`;
  const { code, diagnostics } = portSource(python, { file: 'k.py' });
  expect(diagnostics).toEqual([]);
  const all = code.split('\n');
  const start = all.findIndex((l) => l.includes('const m = offs < n;'));
  return all
    .slice(start + 1, all.lastIndexOf('});'))
    .map((l) => l.slice(2))
    .join('\n');
}
const table = (rows: readonly (readonly [python: string, typescript: string])[]): void => {
  for (const [python, typescript] of rows) it(python.split('\n').join(' ⏎ '), () => expect(body(python)).toBe(typescript));
};
/** `y = …` as a constant. */
const values = (rows: readonly (readonly [python: string, typescript: string])[]): void =>
  table(rows.map(([a, b]) => [`y = ${a}`, `const y = ${b};`]));

describe('operators', () => {
  table([['y0, y1, y2, y3 = tl.rand4x(offsets=offs, seed=3)', 'const [y0, y1, y2, y3] = tl.rand4x(3, offs);']]);
  values([
    ['x * (n + 1) - x', 'x * (n + 1) - x'],
    ['offs // 4 % 8', 'tl.floordiv(offs, 4) % 8'],
    ['offs + n % 8', 'offs + (n % 8)'],
    ['n * 2 / 3', '(n * 2) / 3'],
    ['n - (n - 1)', 'n - (n - 1)'],
    ['N // 2', 'Math.floor(N / 2)'],
    ['N % 4 == 0', 'N % 4 === 0'],
    ['m & (x > 0) | (x < -1)', '(m && x > 0) || x < -1'],
    ['m ^ (x > 0)', 'm !== x > 0'],
    ['~m', '!m'],
    ['~offs', '~offs'],
    ['offs & 15 == 3', '(offs & 15) === 3'],
    ['not m', '!m'],
    ['not n > 3 and s > 0', '!(n > 3) && s > 0'],
    ['0 <= n < 8', '0 <= n && n < 8'],
    ['m * 2', 'tl.cast(m, tl.int1) * 2'],
    ['-x', '-x'],
    ['-(-x)', '-(-x)'],
    ['x if FLAG else x + 1', 'FLAG ? x : x + 1'],
    ['b is not None', 'b !== null'],
    ['x == x', 'x === x'],
    ['offs << 2 | 1', '(offs << 2) | 1'],
    ['2 ** 3', '2 ** 3'],
    ['1 << 5', '1 << 5'],
    ['1 << 40', '2 ** 40'],
    ['(N << 3) - 1', 'N * 2 ** 3 - 1'],
    ['N >> 1', 'Math.floor(N / 2 ** 1)'],
    ['0xFF00000000 | 1', '1095216660481'],
    ['N & 0xFFFFFFFF', 'Number(BigInt(N) & BigInt(0xFFFFFFFF))'],
    ['offs << 3', 'offs << 3'],
  ]);
});
describe('literals', () => {
  values([
    ['float("inf")', 'Infinity'],
    ['-float("inf")', '-Infinity'],
    ["float('-inf')", '-Infinity'],
    ['float("nan")', 'NaN'],
    ['1.', '1.0'],
    ['.5', '0.5'],
    ['1e-5', '1e-5'],
    ['0xFFFF', '0xFFFF'],
    ['18446744073709551615', '18446744073709551615n'],
    ['(True, None)', '[true, null]'],
    ["'it\\'s'", '"it\'s"'],
  ]);
});
describe('subscripts, attributes, methods', () => {
  values([
    ['x[:, None]', 'tl.col(x)'],
    ['x[None, :]', 'tl.row(x)'],
    ['x[None]', 'tl.row(x)'],
    ['x[:]', 'x'],
    ['x[:, None, None]', 'tl.expand_dims(x, [1, 2])'],
    ['(offs + 1)[None, :, None]', 'tl.expand_dims(offs + 1, [0, 2])'],
    ['x.to(tl.float16)', 'tl.cast(x, tl.float16)'],
    ['x.to(p.dtype.element_ty)', 'tl.cast(x, tl.dtype_of(p))'],
    ['x.to(DT, bitcast=True)', 'tl.cast(x, DT, { bitcast: true })'],
    ['x.dtype == tl.float32', 'tl.dtype_of(x) === tl.float32'],
    ['x.dtype.is_fp8()', 'tl.dtype_of(x).is_fp8()'],
    ['x.dtype.is_fp64()', 'tl.dtype_of(x).is_fp64()'],
    ['x.dtype.itemsize * 8', 'tl.dtype_of(x).bytes * 8'],
    ['x.dtype.primitive_bitwidth', 'tl.dtype_of(x).bits'],
    ['tl.where(m, x > 0, 0)', 'tl.where(m, tl.cast(x > 0, tl.int1), 0)'],
    ['tl.where(m, x > 0, m)', 'tl.where(m, x > 0, m)'],
    ['x.shape[0]', 'tl.shape_of(x)[0]'],
    ['x[:, None].T', 'tl.trans(tl.col(x))'],
    ['x.reshape(4, 8)', 'tl.reshape(x, [4, 8])'],
    ['tl.reshape(x, (4, 8), can_reorder=True)', 'tl.reshape(x, [4, 8])'],
    ['x.sum(axis=0)', 'tl.sum(x, 0)'],
    ['N.value', 'N'],
  ]);
});
describe('calls', () => {
  values([
    ['tl.sum(x, axis=0, keep_dims=True)', 'tl.sum(x, 0, { keep_dims: true })'],
    ['tl.sum(x, keep_dims=True)', 'tl.sum(x, { keep_dims: true })'],
    ['tl.zeros((N, ), dtype=tl.int32)', 'tl.zeros([N], tl.int32)'],
    ['tl.load(p + offs, m, 0.0)', 'tl.load(p + offs, { mask: m, other: 0.0 })'],
    ['tl.atomic_add(p + offs, x, mask=m)', 'tl.atomic_add(p + offs, x, { mask: m })'],
    ['tl.math.exp(x)', 'tl.exp(x)'],
    ['triton.language.exp(x)', 'tl.exp(x)'],
    ['min(n, 4)', 'tl.minimum(n, 4)'],
    ['max(N, 4)', 'Math.max(N, 4)'],
    ['triton.cdiv(n, N)', 'tl.cdiv(n, N)'],
    ['tl.float32(0.0)', 'tl.cast(0.0, tl.float32)'],
    ['x.logical_and(m)', 'x !== 0 && m'],
  ]);
  table([
    ['tl.static_assert(N >= 4, "too small")', "tl.static_assert(N >= 4, 'too small');"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a template
    ['tl.static_print(f"N={N}, {x.dtype}")', 'tl.static_print(`N=${N}, ${tl.dtype_of(x)}`);'],
    ['tl.device_print("x", x)', "tl.device_print('x', x);"],
    ['assert n > 0, "empty"', "tl.device_assert(n > 0, 'empty');"],
  ]);
  const made = 'd = tl.make_tensor_descriptor(p, shape=[n, n], strides=[n, 1], block_shape=[1, N])';
  const desc = 'const d = tl.make_tensor_descriptor(p, { shape: [n, n], strides: [n, 1], block_shape: [1, N] });';
  table([
    [`${made}\ny = d.gather(offs, 4)`, `${desc}\nconst y = d.gather(offs, 4);`],
    [`${made}\nd.scatter(x[:, None], y_offset=4, x_offsets=offs)`, `${desc}\nd.scatter(tl.col(x), offs, 4);`],
    [`${made}\nd.atomic_add([0, 0], value=x)`, `${desc}\nd.atomic_add([0, 0], x);`],
    ['y = x.gather(offs, axis=0)', 'const y = tl.gather(x, offs, 0);'],
    [
      'y = tl.dot_scaled(x, None, "e5m2", x, x, "e2m1", fast_math=True, rhs_k_pack=False)',
      "const y = tl.dot_scaled(x, null, 'e5m2', x, x, 'e2m1', { fast_math: true, rhs_k_pack: false });",
    ],
  ]);
  it('parameters that are taken apart', () => {
    const python = [
      '@triton.jit', 'def helper(t, offs):', '    return tl.load(t[0] + offs)', '',
      '@triton.jit', 'def use(pair):', '    a, b = pair', '    return a * b', '',
      '@triton.jit', 'def both(a, b):', '    return a + b, a - b', '',
      '@triton.jit', 'def k(args, more: tl.tuple, ptrs, out, N: tl.constexpr):',
      '    x, n, DT = args', '    offs = tl.arange(0, N)', '    v = helper(more, offs) * n + tl.load(x + offs)',
      '    for i in tl.static_range(2):', '        v += tl.load(ptrs[i] + offs)',
      '    if N > 4:', '        t = (v, v)', '    else:', '        t = both(offs, v)',
      '    tl.store(out + offs, use(t).to(DT))',
    ].join('\n'); // biome-ignore format: lines of Python
    const { code, diagnostics } = portSource(python, { file: 'k.py' });
    expect(diagnostics).toEqual([]);
    expect(code).toContain('tl.fn(function helper(t: any, offs: number)');
    expect(code).toContain('tl.fn(function use(pair: readonly number[])');
    expect(code).toContain(
      '  args: readonly [tl.ptr, number, any];\n  more: any;\n  ptrs: readonly tl.ptr[];\n  out: tl.ptr;\n  N: tl.constexpr;\n}',
    );
    expect(code).toContain('const [x, n, DT] = args;');
    expect(code).toContain('let t: readonly number[];');
    expect(typeErrors(code, 'tuples')).toEqual([]);
  });
});
describe('statements', () => {
  table([
    // A number that is assigned is f32 or i32 in Triton, whatever it meets; beside offsets nobody can tell.
    ['y = 1\ny += x', 'let y = tl.to_tensor(1);\ny += x;'],
    ['a = 0.5\ny = tl.where(m, x, a)', 'const a = tl.to_tensor(0.5);\nconst y = tl.where(m, x, a);'],
    ['a = 0.5\ny = a * 2 + x', 'const a = tl.to_tensor(0.5);\nconst y = a * 2 + x;'],
    ['a: tl.constexpr = 0.5\ny = x * a', 'const a = 0.5;\nconst y = x * a;'],
    ['y = x * 0.5', 'const y = x * 0.5;'],
    ['a = 4\ny = offs * a', 'const a = 4;\nconst y = offs * a;'],
    ['a = N * 2\ny = tl.zeros((a,), tl.float32)', 'const a = N * 2;\nconst y = tl.zeros([a], tl.float32);'],
    ['y = n\ny //= 2', 'let y = n;\ny = tl.floordiv(y, 2);'],
    ['y = m\ny &= x > 0', 'let y = m;\ny = y && x > 0;'],
    ['a, c = x, m', 'const a = x;\nconst c = m;'],
    ['a, c = n, 2\na, c = c, a', 'let a = n;\nlet c = 2;\n[a, c] = [c, a];'],
    ['a, _ = tl.split(x)', 'const [a] = tl.split(x);'],
    ['_, a = tl.split(x)', 'const [, a] = tl.split(x);'],
    ['a = c = x', 'const c = x;\nconst a = c;'],
    ['H: tl.constexpr = N // 2', 'const H = Math.floor(N / 2);'],
    [
      'if n > 3:\n    y = 1\nelse:\n    y = 2\ntl.store(q, y)',
      'let y: number;\nif (n > 3) {\n  y = 1;\n} else {\n  y = 2;\n}\ntl.store(q, y);',
    ],
    ['if FLAG:\n    y = 1\ntl.store(q, y)', 'let y!: number;\nif (FLAG) {\n  y = 1;\n}\ntl.store(q, y);'],
    ['if n > 3:\n    return\nelif n < 0:\n    pass', 'if (n > 3) {\n  return;\n} else if (n < 0) {}'],
    ['for i in range(n):\n    tl.store(q + i, i)', 'for (const i of tl.range(n)) {\n  tl.store(q + i, i);\n}'],
    [
      'for i in tl.static_range(0, N, 2):\n    i = i + 1\n    tl.store(q, i)',
      'for (let i of tl.static_range(0, N, 2)) {\n  i = i + 1;\n  tl.store(q, i);\n}',
    ],
    ['y = n\nwhile y > 1:\n    y = y // 2', 'let y = n;\nwhile (y > 1) {\n  y = tl.floordiv(y, 2);\n}'],
    [
      'for i in range(n):\n    y = i\n    tl.store(q, y)\nfor i in range(n):\n    y = i + 1\n    tl.store(q, y)',
      'for (const i of tl.range(n)) {\n  const y = i;\n  tl.store(q, y);\n}\nfor (const i of tl.range(n)) {\n  const y = i + 1;\n  tl.store(q, y);\n}',
    ],
    ['# before\ny = x  # behind\n\n# after', '// before\nconst y = x; // behind\n\n// after'],
    ['y = m\nif FLAG:\n    y = x\ntl.store(q, y)', 'let y: any = m;\nif (FLAG) {\n  y = x;\n}\ntl.store(q, y);'],
    [
      't = (x, n)\nfor i in range(n):\n    t = (t[1], t[0] + i)\ntl.store(q, t[-1])',
      'let t_0 = x;\nlet t_1 = n;\nfor (const i of tl.range(n)) {\n  [t_0, t_1] = [t_1, t_0 + i];\n}\ntl.store(q, t_1);',
    ],
    ['new = x\ntl.store(q, new)', 'const new_ = x;\ntl.store(q, new_);'],
  ]);
});

describe('pointers that functions of the file hand on', () => {
  const head = (python: string): string => {
    const { code, diagnostics } = portSource(python, { file: 'k.py' });
    expect(diagnostics).toEqual([]);
    return code.split('\n').find((l) => l.includes('= kernel(')) ?? '';
  };
  const OFFS = '    offs = tl.arange(0, 16)\n';
  it('whole', () =>
    expect(
      head(
        `@triton.jit\ndef row(p, i, s):\n    q = p + i * s\n    return q\n\n@triton.jit\ndef k(x, n):\n${OFFS}    tl.store(row(x, n, 16) + offs, 0)\n`,
      ),
    ).toContain('{ x: tl.ptr; n: tl.i32 }'));
  it('in tuples', () =>
    expect(
      head(
        `@triton.jit\ndef both(a, b, i):\n    return a + i, b + i\n\n@triton.jit\ndef k(x, y, n):\n${OFFS}    p, q = both(x, y, n)\n    tl.store(p + offs, tl.load(q + offs))\n`,
      ),
    ).toContain('{ x: tl.ptr; y: tl.ptr; n: tl.i32 }'));
  it('by number', () =>
    expect(
      head(
        `@triton.jit\ndef k(x, y, n):\n${OFFS}    both = (x, y)\n    for i in tl.static_range(2):\n        tl.store(both[i] + offs, n)\n`,
      ),
    ).toContain('{ x: tl.ptr; y: tl.ptr; n: tl.i32 }'));
  it('behind a number that may be one too', () =>
    expect(head(`@triton.jit\ndef k(x_ptr, n):\n    tl.store(n + x_ptr, 0)\n`)).toContain('{ x_ptr: tl.ptr; n: tl.i32 }'));
});
