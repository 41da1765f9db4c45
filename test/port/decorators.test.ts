// Decorators: what the file's own Python says of configs, heuristics and options is computed or translated, type-checks, and runs.

import { describe, expect, it } from 'vitest';
import { type Autotuned, cdiv, tuning } from '../../src/index.ts';
import { portSource } from '../../src/port/port.ts';
import { onEachDevice } from '../support/devices.ts';
import { portFixture, typeErrors } from './load.ts';

const HEAD = `import torch
import triton
import triton.language as tl

`;
const KERNEL = 'def k(p, n, q=None, B: tl.constexpr = 16, FLAG: tl.constexpr = 0):\n    tl.store(p + tl.arange(0, B), n)\n';
const text = (...lines: string[]): string => `${HEAD}${lines.join('\n')}\n@triton.jit\n${KERNEL}`;
/** What stands behind the kernel in the ported file, on one line; and the warnings. */
function ported(...lines: string[]): { readonly options: string; readonly warnings: string[]; readonly code: string } {
  const { code, diagnostics } = portSource(text(...lines), { file: 'k.py' });
  expect(diagnostics.filter((d) => d.severity !== 'warning')).toEqual([]);
  const options = code.slice(code.lastIndexOf('  }),\n') + 6);
  return {
    options: options
      .replace(/\s+/g, ' ')
      .replace(/,? \);.*$/, '')
      .trim(),
    warnings: diagnostics.map((d) => `${d.code} ${d.loc.line}:${d.loc.col} ${d.text}`),
    code,
  };
}
const configs = (...lines: string[]): string => {
  const { options, warnings } = ported(...lines);
  expect(warnings).toEqual([]);
  return /configs: \[ ?(.*?),? ?\], key/.exec(options)?.[1] ?? options;
};

describe('configs', () => {
  it.each<[python: string, typescript: string, before?: string[]]>([
    ['[triton.Config({"B": 64}, num_warps=4, num_stages=3, num_ctas=1, maxnreg=80)]', 'Config({ B: 64 }, { num_warps: 4, num_stages: 3, num_ctas: 1, maxnreg: 80 })'],
    ['[triton.Config({}, 8), triton.Config(kwargs=dict(B=2 ** 4), num_warps=None)]', 'Config({}, { num_warps: 8 }), Config({ B: 16 })'],
    ['[]', 'Config({})'],
    ['[triton.Config({"B": b}, num_warps=w) for b in (16, 32) for w in [b // 8] if b + w > 18]', 'Config({ B: 32 }, { num_warps: 4 })'],
    ['cs', 'Config({ B: 4 })', ['cs = []', 'cs.append(triton.Config({"B": 4}))']],
    ['cs', 'Config({ B: 1 }), Config({ B: 2 })', ['cs = [triton.Config({"B": 1})]', 'for b in range(2, 6, 4):', '    cs += [triton.Config({"B": b})]']],
    ['made(*[1], n=2)', 'Config({ B: 1 }), Config({ B: 2 })', ['def made(a, n, **rest):', '    return [triton.Config({"B": x}) for x in sorted([n, a], reverse=False)]']],
    ['cs', 'Config({ B: 8 })', ['import os', 'if os.environ.get("FAST", "0") == "1" or "X" in os.environ:', '    cs = [triton.Config({"B": 4})]', 'else:', '    cs = [triton.Config({"B": 8})]']],
    ['[c for c in cs if not (c.kwargs["B"] > 8 and c.num_warps == 4)]', 'Config({ B: 8 })', ['cs = [triton.Config({"B": b}) for b in [8, 16]]']],
    ['[triton.Config(s | {"FLAG": max(s.values())}) for s in ({"B": 2},)]', 'Config({ B: 2, FLAG: 2 })'],
    ['[triton.Config({"B": triton.cdiv(b, 2) if b % 2 else triton.next_power_of_2(b)}) for b in (5, 6)]', 'Config({ B: 3 }), Config({ B: 8 })'],
    ['[triton.Config({**base, "FLAG": True}) for base in [dict(zip(["B"], [32]))]]', 'Config({ B: 32, FLAG: true })'],
    ['[triton.Config({"B": sizes()[-1]})]', 'Config({ B: 64 })', ['import functools', '@functools.lru_cache', 'def sizes():', '    i = 16', '    while i < 64:', '        i *= 2', '    return [i]']],
  ])('%s', (python, typescript, before = []) => {
    expect(configs(...before, `@triton.autotune(configs=${python}, key=[])`)).toBe(typescript);
  }); // biome-ignore format: a table
  it('a list is what it was where the kernel stands, and comments stay', () => {
    const { code } = portSource(
      `${text('cs = [', '    # The usual one', '    triton.Config({"B": 1}),', ']', '@triton.autotune(cs, ["n"])')}\ncs = []\n`,
    );
    expect(code).toContain("    configs: [\n      // The usual one\n      Config({ B: 1 }),\n    ],\n    key: ['n'],\n");
  });
});

describe('functions of a launch', () => {
  it.each([
    ['args["n"] % (args["B"] * 2) == 0', 'args.n % (args.B * 2) === 0'],
    ['args["n"] // 3 + args["n"] % 5', 'Math.floor(args.n / 3) + (((args.n % 5) + 5) % 5)'],
    ['triton.cdiv(args["n"], 4) > 2 and not args["FLAG"]', 'cdiv(args.n, 4) > 2 && !args.FLAG'],
    ['args["q"] is None', 'args.q == null'],
    ['8 <= args["n"] < LIMIT', '8 <= args.n && args.n < 4096'],
    ['min(args["n"], 7) if args["n"] else max(1, 2)', 'args.n ? Math.min(args.n, 7) : 2'],
    ['args.get("n", 4) << 1', '(args.n ?? 4) * 2 ** 1'],
    ['args["p"].element_size() * args["p"].stride(0) + args["p"].shape[-1]', 'args.p.dtype.bytes * args.p.strides[0] + args.p.shape.at(-1)!'],
    ['args["p"].dtype == torch.float16', 'args.p.dtype === tl.float16'],
    ['int(args["n"] ** 0.5) + len(NAMES)', 'Math.trunc(args.n ** 0.5) + 2'],
    ['even(args["n"] + 1)', '(args.n + 1) % 2 === 0'],
  ])('%s', (python, typescript) => {
    const before = ['LIMIT = 1 << 12', 'NAMES = ["a", "b"]', 'def even(x):', '    return x % 2 == 0'];
    const { options, warnings, code } = ported(...before, `@triton.heuristics({"FLAG": lambda args: ${python}})`);
    expect(warnings).toEqual([]);
    expect(options.replace(/^\{ FLAG: \(args\) => (.*?),? \}$/, '$1').replace(/^\((.* \? .*)\)$/, '$1')).toBe(typescript);
    expect(code.slice(0, 400)).toContain(typescript.includes('cdiv') ? "import { cdiv, heuristics, kernel, tl } from 'tessera';" : "import { heuristics, kernel, tl } from 'tessera';");
  }); // biome-ignore format: a table
});

describe('what is left out, with its line', () => {
  it.each<[warning: string, lines: string[]]>([
    ['TL7007 6:27 the decorator `autotune` was left out: `torch.cuda.get_device_properties` is known only when the Python runs', ['b = 4', '@triton.autotune(configs=[torch.cuda.get_device_properties(0)], key=[])']],
    ['TL7007 5:5 the decorator `autotune` was left out: `torch.cuda.device_count` is known only when the Python runs', ['b = torch.cuda.device_count()', '@triton.autotune(configs=[triton.Config({"B": b})], key=[])']],
    ['TL7007 6:13 the decorator `autotune` was left out: `capability` is known only when the Python runs', ['def f():', '    return [capability(3)]', '@triton.autotune(f(), [])']],
    ['TL7007 6:5 the decorator `autotune` was left out: `with open("x") as f:` is known only when the Python runs', ['def f():', '    with open("x") as f:', '        return []', '@triton.autotune(f(), [])']],
    ['TL7010 5:37 warmup was left out: Triton counts milliseconds there', ['@triton.autotune([], key=[], warmup=25)']],
    ['TL7010 5:27 waves_per_eu was left out: the kernel has no such parameter', ['@triton.autotune(configs=[triton.Config({"B": 4, "waves_per_eu": 2})], key=[], use_cuda_graph=False)']],
    ['TL7010 5:19 num_ctas was left out: a program is one workgroup, and WebGPU has no clusters of them', ['@triton.autotune([triton.Config({"B": 4}, num_ctas=2)], [])']],
    ['TL7010 6:5 pre_hook was left out: `x["p"].block_shape` cannot be translated', ['def hook(x):', '    x["p"].block_shape = [x["B"]]', '@triton.autotune([triton.Config({"B": b}, pre_hook=hook) for b in (1, 2)], [])']],
    ['TL7010 5:49 pre_hook was left out: `y` cannot be translated', ['@triton.autotune([], [], pre_hook=lambda x: abs(y["p"]))']],
    ['TL7010 5:40 the heuristic of B was left out: `print(a["n"])` cannot be translated', ['@triton.heuristics({"B": lambda a: abs(print(a["n"]))})']],
    ['TL7010 5:38 the heuristic of B was left out: `num_warps`, which is no parameter, cannot be translated', ['@triton.heuristics({"B": lambda a: a["num_warps"] * 32})']],
    ['TL7007 6:11 the decorator `autotune` was left out: a computation that takes too long is known only when the Python runs', ['def f(n):', '    while True:', '        pass', '@triton.autotune(f(1), [])']],
    ['TL7007 6:12 the decorator `autotune` was left out: a function that calls itself too often is known only when the Python runs', ['def f(n):', '    return f(n)', '@triton.autotune(f(1), [])']],
    ['TL7007 5:23 the decorator `autotune` was left out: a list that is too long to write out is known only when the Python runs', ['@triton.autotune(list(range(10 ** 9)), [])']],
    ['TL7007 5:1 the decorator `no_grad` was left out', ['@torch.no_grad()']],
  ])('%s', (warning, lines) => {
    const { warnings, code } = ported(...lines);
    expect(warnings).toEqual([warning]);
    expect(code).toContain('export const k = ');
  }); // biome-ignore format: a table
});

it('options of jit', () => {
  const python = `${HEAD}@triton.jit(do_not_specialize=["n", 0], debug=True, noinline=False, version=None, repr=lambda _: "k")\n${KERNEL}`;
  const { code, diagnostics } = portSource(python);
  expect(code).toMatch(/\n {2}\{ do_not_specialize: \['n', 'p'\], debug: true, noinline: false \},\n\);\n$/);
  expect(diagnostics.map((d) => d.text)).toEqual(['repr was left out: there is nothing like it here']);
});

it('the fixture type-checks', () => {
  const { code, diagnostics } = portFixture('decorated');
  expect(typeErrors(code, 'decorated')).toEqual([]);
  expect(diagnostics.map((d) => d.text)).toEqual(['n_rows in key was left out: the kernel has no such parameter']);
});

onEachDevice('decorated kernels', (dev) => {
  const kernels = () => {
    tuning.store = new Map();
    return portFixture('decorated').exports as unknown as { readonly [name: string]: Autotuned<any> };
  };
  const grid = (meta: { [name: string]: number }) => [cdiv(meta.n, meta.BLOCK)];
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

  it('launch with heuristics on the first config, then on the one that was measured', async () => {
    const { bump } = kernels();
    const n = 40;
    const x = dev().tensor(Float32Array.from(upTo(n)));
    bump.launch(dev(), grid, { x, bias: null, n });
    expect(await x.toNumbers()).toEqual(upTo(n).map((v) => v + 1));
    const seen: unknown[] = [];
    tuning.onProgress = (p) => void seen.push([p.config.args.BLOCK, p.config.num_warps]);
    await bump.tune(dev(), grid, { x, bias: null, n });
    tuning.onProgress = null;
    // Of the three that `keep` leaves, the two that the model likes; tensors are as before.
    expect(seen).toEqual([
      [64, 4],
      [32, 4],
    ]);
    expect(await x.toNumbers()).toEqual(upTo(n).map((v) => v + 1));
    bump.launch(dev(), grid, { x, bias: dev().tensor([5]), n });
    expect(await x.toNumbers()).toEqual(upTo(n).map((v) => v + 6));
  });
  it('heuristics outside of configs fill the key', async () => {
    const { count } = kernels();
    const x = dev().tensor(Float32Array.from(upTo(50)));
    const sums = dev().tensor([3, 3]);
    const best = await count.tune(dev(), grid, { x, sums, n: 50 });
    expect(count.best(dev(), { x, sums, n: 60 })).toBe(best); // 64, too
    sums.fill(0);
    count.launch(dev(), grid, { x, sums, n: 50 });
    expect(await sums.toNumbers()).toEqual([49 * 25, 64]);
  });
  it('a hook of a config clears a tensor', async () => {
    const { fill } = kernels();
    const x = dev().tensor([7, 7, 7, 7]);
    fill.launch(dev(), [1], { x, N: 4 });
    expect(await x.toNumbers()).toEqual(Array(4).fill(1.0009765625));
    expect(dev().stats.wgslMessages).toEqual([]);
  });
});
