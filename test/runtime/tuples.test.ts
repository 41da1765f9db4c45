// Tuples and objects as arguments of a kernel: what the launch checks, what a specialisation knows, what the kernel sees.

import { expect, it } from 'vitest';
import { parseTarget } from '../../src/cli/lower.ts';
import { parseSignature } from '../../src/cli/signature.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import { traceKernel } from '../../src/dsl/trace/trace.ts';
import { kernel, tl } from '../../src/index.ts';
import { compileWgsl } from '../../src/lower/wgsl/compile.ts';
import { onEachDevice } from '../support/devices.ts';

type Pair = readonly [tl.ptr<tl.f32>, tl.ptr<tl.f32> | null];

/** out = x * factor (+ y) + bias, all of it in tuples; a name like a part's is another parameter. */
const nested = kernel(function nested({
  args,
  rest,
  args__1,
}: {
  args: readonly [pair: Pair, numbers: readonly [tl.i32, tl.f32, tl.constexpr]];
  rest: { out: tl.ptr<tl.f32>; scale?: { factor: tl.f32; on: tl.constexpr<boolean> } | null };
  args__1: tl.i32;
}) {
  const [[x, y], [n, bias, BLOCK]] = args;
  const offs = tl.arange(0, BLOCK);
  const mask = offs < n;
  let v = tl.load(x + offs, { mask });
  if (rest.scale?.on) v *= rest.scale.factor;
  if (y !== null) v += tl.load(y + offs, { mask });
  tl.store(rest.out + offs, v + bias + args__1, { mask });
});

/** As many as the launch gives. */
const many = kernel(function many({ xs, out, n }: { xs: readonly tl.ptr[]; out: tl.ptr<tl.f32>; n: tl.i32 }) {
  const offs = tl.arange(0, 16);
  let sum = tl.zeros([16], tl.f32);
  for (const x of xs) sum += tl.cast(tl.load(x + offs), tl.f32);
  tl.store(out + offs, sum, { mask: offs < n });
});

/** No type says what `state` is. */
const untyped = kernel(function untyped({ state }: { state: any }) {
  const offs = tl.arange(0, 16);
  tl.store(state.out + offs, tl.load(state.in[0] + offs) * state.in[1]);
});

onEachDevice('tuples as arguments', (dev, kind) => {
  const numbers = async (t: { toNumbers(): Promise<number[]> }): Promise<number[]> => await t.toNumbers();
  const x = Float32Array.from({ length: 16 }, (_, i) => i);

  it('nest, with null, scalars and constexprs among them', async () => {
    const d = dev();
    const [a, b, out] = [d.tensor(x), d.tensor(x.map((v) => 100 * v)), d.full([16], -7, 'f32')];
    const { traces } = d.stats;
    nested.launch(d, [1], {
      args: [
        [a, b],
        [5, 0.5, 16],
      ],
      rest: { out },
      args__1: 3,
    });
    expect(await numbers(out)).toEqual([3.5, 104.5, 205.5, 306.5, 407.5, ...Array(11).fill(-7)]);
    nested.launch(d, [1], {
      args: [
        [a, null],
        [6, 0, 16],
      ],
      rest: { out, scale: { factor: 2, on: true } },
      args__1: 3,
    });
    expect(await numbers(out)).toEqual([3, 5, 7, 9, 11, 13, ...Array(10).fill(-7)]);
    // Other numbers are the same specialisation; other constexprs, and a part that is 1, are not.
    const { hits } = d.stats;
    nested.launch(d, [1], {
      args: [
        [a, null],
        [7, 1, 16],
      ],
      rest: { out, scale: { factor: 3, on: true } },
      args__1: 4,
    });
    expect([d.stats.traces - traces, d.stats.hits - hits]).toEqual([2, 1]);
    expect(await numbers(out)).toEqual([5, 8, 11, 14, 17, 20, 23, ...Array(9).fill(-7)]);
    nested.launch(d, [1], {
      args: [
        [a, null],
        [7, 1, 16],
      ],
      rest: { out, scale: { factor: 3, on: false } },
      args__1: 4,
    });
    nested.launch(d, [1], {
      args: [
        [a, null],
        [1, 1, 16],
      ],
      rest: { out, scale: { factor: 3, on: true } },
      args__1: 4,
    });
    expect(d.stats.traces - traces).toBe(4);
    for (const t of [a, b, out]) t.free();
  });
  it('have any number of parts, of any dtype', async () => {
    const d = dev();
    const [a, b, out] = [d.tensor(x), d.tensor(Int32Array.from(x)), d.full([16], -7, 'f32')];
    const { traces } = d.stats;
    many.launch(d, [1], { xs: [a, b, a], out, n: 4 });
    expect(await numbers(out)).toEqual([0, 3, 6, 9, ...Array(12).fill(-7)]);
    many.launch(d, [1], { xs: [], out, n: 2 });
    many.launch(d, [1], { xs: [a, a, b], out, n: 4 });
    expect(d.stats.traces - traces).toBe(3);
    expect(await numbers(out)).toEqual([0, 3, 6, 9, ...Array(12).fill(-7)]);
    for (const t of [a, b, out]) t.free();
  });
  it('follow from the launch where the type says nothing', async () => {
    const d = dev();
    const [a, out] = [d.tensor(x), d.full([16], -7, 'f32')];
    untyped.launch(d, [1], { state: { in: [a, 2.5], out } });
    expect(await numbers(out)).toEqual([...x].map((v) => 2.5 * v));
    for (const t of [a, out]) t.free();
  });
  it('share buffers among their parts', async () => {
    const d = dev();
    const a = d.tensor(x);
    untyped.launch(d, [1], { state: { in: [a, 2], out: a } });
    expect(await numbers(a)).toEqual([...x].map((v) => 2 * v));
    a.free();
  });
  if (kind === 'webgpu')
    it('are taken apart for a program compiled ahead of time, whose constants the launch leaves out', async () => {
      const d = dev();
      const text = 'args[0][1]=null, args[1][2]=16, rest.scale.on=true';
      const program = compileWgsl(traceKernel(nested.definition, parseSignature(nested.definition, text)), parseTarget());
      const [a, out] = [d.tensor(x), d.full([16], -7, 'f32')];
      d.launchProgram(program, [1], {
        args: [
          [a, null],
          [4, 0.5, null],
        ],
        rest: { out, scale: { factor: 2, on: null } },
        args__1: 3,
      });
      expect(await numbers(out)).toEqual([3.5, 5.5, 7.5, 9.5, ...Array(12).fill(-7)]);
      const { launches } = d.stats;
      expect(() => d.launchProgram(program, [1], { args: [[a], [4, 0.5, 16]], rest: { out }, args__1: 3 })).toThrow(
        /args\[1\]\[2\]/,
      );
      expect(d.stats.launches).toBe(launches);
      for (const t of [a, out]) t.free();
    });
  it('are checked part by part, and in their structure', () => {
    const d = dev();
    const [a, i, out] = [d.tensor(x), d.tensor(Int32Array.from(x)), d.full([16], -7, 'f32')];
    const wrong = (f: () => void): string[] => {
      try {
        f();
        return [];
      } catch (e) {
        return [...(e as Error).message.matchAll(/^error (TL\d+: .*)/gm)].map((m) => m[1]);
      }
    };
    const { launches } = d.stats;
    const good = [5, 0, 16] as const;
    expect(wrong(() => nested.launch(d, [1], { args: [[i, a], good], rest: { out }, args__1: 3 }))).toEqual([
      "TL4003: argument 'args[0][0]' points to f32, but the tensor holds i32",
    ]);
    expect(wrong(() => nested.launch(d, [1], { args: [[a] as never, good], rest: { out }, args__1: 3 }))).toEqual([
      "TL4024: argument 'args[0]' is [tl.ptr<tl.f32>, tl.ptr<tl.f32> | null], but the launch gives an array of 1",
    ]);
    expect(
      wrong(() =>
        nested.launch(d, [1], {
          args: [
            [null as never, null],
            [0.5, 0, 16],
          ],
          rest: {} as never,
          args__1: 3,
        }),
      ),
    ).toEqual([
      "TL4004: argument 'args[0][0]' is null, but its type tl.ptr<tl.f32> is not optional",
      "TL4007: argument 'args[1][0]' is i32, but 0.5 is not an integer",
      "TL4002: the launch of nested gives no argument 'rest.out'",
    ]);
    expect(wrong(() => nested.launch(d, [1], { args: [[a, a], good], rest: { out, scal: null } as never, args__1: 3 }))).toEqual([
      "TL4024: argument 'rest' is { out: tl.ptr<tl.f32>, scale: { factor: tl.f32, on: tl.constexpr } | null }, but the launch gives an object { out, scal }",
    ]);
    expect(wrong(() => many.launch(d, [1], { xs: a as never, out, n: 1 }))).toEqual([
      expect.stringMatching(/^TL4024: argument 'xs' is tl.ptr\[\], but the launch gives the tensor/),
    ]);
    expect(d.stats.launches).toBe(launches);
    for (const t of [a, i, out]) t.free();
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});

it('are compiled ahead of time from a signature that names parts', () => {
  const text = 'args[0][1]=null, args[1][2]=16, rest.scale.on=true, args[1][0]=i32:16';
  const func = traceKernel(nested.definition, parseSignature(nested.definition, text));
  expect(func.params.map((p) => p.name)).toEqual([
    'args[0][0]',
    'args[1][0]',
    'args[1][1]',
    'rest.out',
    'rest.scale.factor',
    'args__1',
  ]);
  expect(func.constants).toEqual({ 'args[0][1]': 'null', 'args[1][2]': '16', 'rest.scale.on': 'true' });
  const program = compileWgsl(func, parseTarget());
  expect(program.bindings.map((b) => b.params)).toEqual([['args[0][0]'], ['rest.out']]);
  expect(new Set(program.uniform?.fields.map((f) => f.name)).size).toBe(program.uniform?.fields.length);
  // Text of the IR keeps the names: threads of the interpreter are sent it.
  const text2 = printFunc(func);
  const again = parseFunc(text2);
  expect(again.params.map((p) => p.name)).toEqual(func.params.map((p) => p.name));
  expect(again.constants).toEqual(func.constants);
});
