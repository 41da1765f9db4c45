// fast-check arbitraries of programs. Weights aim at kernels of 5 to 25 steps that move values between layouts: small enough to
// compile in milliseconds, deep enough that loops hold barriers.

import * as fc from 'fast-check';
import type { DTypeName } from '../../src/dsl/types.ts';
import type { Order, Program, Step } from './program.ts';
import { ALL_DTYPES, ATOMIC, along, ELEMENTWISE, moves, ROWS } from './table.ts';

export interface GeneratorOptions {
  /** Ops, moves and reductions to draw from, by name; all if absent. */
  readonly only?: RegExp;
  readonly dtypes?: readonly DTypeName[];
}

/** Mostly small: what a kernel costs to compile grows with the elements an invocation holds. The later third is rare. */
const SHAPES: readonly (readonly number[])[] = [
  [16], [32], [4, 8], [8, 4], [8], [2, 4, 4], [64], [1, 8], [8, 1], [8, 8], [4, 4], [2, 2, 4],
  [16, 4], [2, 4, 8], [1], [2], [4, 1, 4], [128], [16, 16], [8, 32], [64, 2], [2, 2, 2, 4], [256], [512],
]; // biome-ignore format: a list
/** Numbers that constants, masked elements and arguments hold. */
const VALUES = [0, 1, 2, 3, -1, 5, 7, 0.5, -2.25, 8, 16, 31, 100, 127, -128, 255, 1000, 65535, 2147483647, -2147483648];

const from = <T>(list: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...list);
/** Mostly from the first half of the list. */
const early = <T>(list: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: from(list.slice(0, Math.ceil(list.length / 2))) }, { weight: 1, arbitrary: from(list) });
const nat = fc.nat({ max: 9 });
const sometimes = <T>(a: fc.Arbitrary<T>, freq = 3): fc.Arbitrary<T | null> => fc.option(a, { freq });
const order: fc.Arbitrary<Order> = fc.record({
  columns: fc.boolean(),
  reversed: fc.boolean(),
  xor: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 31 }) }),
});

/** Programs for `fc.property`. Everything shrinks: steps go away, numbers go to 0. */
export function programs({ only, dtypes = ALL_DTYPES }: GeneratorOptions = {}): fc.Arbitrary<Program> {
  const names = (all: readonly string[]): readonly string[] => (only ? all.filter((n) => only.test(n)) : all);
  const dtype = early(dtypes);
  const shape = early(SHAPES);
  const floats = dtypes.filter((d) => ['f32', 'f16', 'bf16', 'i8'].includes(d));

  const load: fc.Arbitrary<Extract<Step, { do: 'load' }>> = fc.record({
    do: fc.constant('load' as const),
    dtype,
    shape: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 5, arbitrary: shape }),
    strides: fc.array(from([1, 0, 2, 3, 8, 16, 17]), { minLength: 3, maxLength: 3 }),
    offset: from([0, 0, 1, 4, 16, 37]),
    apart: from([0, 1, 16, 64, 7]),
    reversed: fc.boolean(),
    dynamic: fc.boolean(),
    guard: fc.boolean(),
    other: sometimes(from(VALUES), 2),
    mask: sometimes(nat),
    gather: sometimes(nat),
    alias: fc.boolean(),
  });
  const leaf: [number, fc.Arbitrary<Step>][] = [
    [2, fc.record({ do: fc.constant('const' as const), dtype, value: from(VALUES), shape: fc.oneof(fc.constant([]), shape) })],
    [1, fc.record({ do: fc.constant('range' as const), start: from([0, 0, 3]), size: from([16, 8, 32, 64]) })],
    [1, fc.record({ do: fc.constant('program' as const), count: fc.boolean(), axis: fc.nat({ max: 2 }) })],
    [1, fc.record({ do: fc.constant('argument' as const), which: fc.nat({ max: 3 }) })],
    [6, load],
    [2, fc.record({ do: fc.constant('cast' as const), a: nat, to: dtype })],
    [
      2,
      fc.record({
        do: fc.constant('store' as const),
        a: nat,
        order,
        place: from(['block', 'interleaved', 'strided'] as const),
        mask: sometimes(nat),
        site: sometimes(nat),
        slot: sometimes(nat),
      }),
    ],
    [1, fc.record({ do: fc.constant('reload' as const), site: nat, order, shape: nat, alias: fc.boolean(), slot: nat })],
    [2, fc.record({ do: fc.constant('set' as const), variable: nat, a: nat })],
  ];
  const ops = names(ELEMENTWISE);
  // Operators and their like more often than the many functions.
  const cheap = ops.filter((n) => ROWS[n].traits.includes('cheap'));
  for (const [weight, list] of [
    [6, cheap],
    [3, ops],
  ] as const)
    if (list.length)
      leaf.push([weight, fc.record({ do: fc.constant('op' as const), name: from(list), operands: fc.tuple(nat, nat, nat) })]);
  const shapes = names(moves);
  if (shapes.length) leaf.push([4, fc.record({ do: fc.constant('shape' as const), name: from(shapes), a: nat, b: nat, n: nat })]);
  const folds = names(along);
  if (folds.length)
    leaf.push([3, fc.record({ do: fc.constant('along' as const), name: from(folds), a: nat, axis: nat, flag: fc.boolean() })]);
  if (names(['reduce', 'associative_scan']).length)
    leaf.push([
      1,
      fc.record({
        do: fc.constant('fold' as const),
        scan: fc.boolean(),
        how: nat,
        a: nat,
        axis: nat,
        reverse: fc.boolean(),
      }),
    ]);
  const atomics = names(ATOMIC);
  if (atomics.length)
    leaf.push([
      1,
      fc.record({
        do: fc.constant('atomic' as const),
        name: from(atomics),
        a: nat,
        at: nat,
        mask: sometimes(nat),
        site: sometimes(nat, 1),
        order,
      }),
    ]);
  if (names(['map_elementwise']).length) leaf.push([1, fc.record({ do: fc.constant('map' as const), how: nat, a: nat, b: nat })]);
  if (names(['histogram']).length)
    leaf.push([
      1,
      fc.record({ do: fc.constant('histogram' as const), a: nat, bins: from([8, 16, 4, 32]), mask: sometimes(nat) }),
    ]);
  if (floats.length && names(['dot']).length)
    leaf.push([1, fc.record({ do: fc.constant('dot' as const), dtype: from(floats), a: nat, b: nat, acc: sometimes(nat, 2) })]);

  const variables = fc.array(nat, { minLength: 0, maxLength: 3 });
  const plain = fc.oneof(...leaf.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  const { step } = fc.letrec<{ step: Step; body: readonly Step[] }>((tie) => ({
    body: fc.array(tie('step'), { minLength: 1, maxLength: 5 }),
    step: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      { weight: 24, arbitrary: plain },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('if' as const),
          condition: nat,
          variables,
          yes: tie('body'),
          no: tie('body'),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('for' as const),
          from: from([0, 0, 1, 2]),
          trips: fc.nat({ max: 4 }),
          step: from([1, 1, 2, 3]),
          down: fc.boolean(),
          bound: sometimes(nat, 2),
          wide: fc.boolean(),
          variables,
          body: tie('body'),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('while' as const),
          trips: nat,
          condition: sometimes(nat),
          variables,
          body: tie('body'),
        }),
      },
    ),
  }));
  return fc.record({
    seed: fc.nat({ max: 999 }),
    special: fc.boolean(),
    grid: from([[1], [2], [3, 2], [4], [2, 1, 2]]),
    num_warps: from([1, 4, 2, 8]),
    plain: fc.boolean(),
    view: from([0, 0, 1, 4, 3]),
    n: from([1024, 1000, 48, 0, 1, 37]),
    stride: from([1, 2, 16, 5]),
    wide: from([0, 3, 4294967297, -1, -5000000000]),
    x: from([1, 0.5, -3, 0, 100.25]),
    steps: fc
      .tuple(fc.array(load, { minLength: 1, maxLength: 2 }), fc.array(step, { minLength: 1, maxLength: 14, size: 'max' }))
      .map(([first, rest]) => [...first, ...rest]),
  });
}
