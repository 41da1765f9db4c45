// Rows that make values out of nothing: constants, program ids, ranges.

import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, DType, type DTypeName, numel, scalar, tile } from '../types.ts';
import { describeJs } from './math.ts';
import { asUser, op } from './row.ts';

/** Triton's largest number of elements in a tile. */
export const MAX_TILE = 1 << 20;

const gridAxis = (t: Trace, name: string, a: number): number => {
  const n = t.constInt(a, `tl.${name}: the axis`);
  if (n < 0 || n > 2) t.fail(TL.programAxis, `tl.${name}`, n);
  return n;
};

function needDtype(t: Trace, what: string, dtype: unknown): asserts dtype is DType {
  if (!(dtype instanceof DType)) t.fail(TL.notDtype, what, dtype === undefined ? 'none' : describeJs(dtype));
}
const sizes = (t: Trace, what: string, shape: readonly number[] | number): number[] =>
  t.constShape(Array.isArray(shape) ? shape : [shape], `${what}: the shape`);

export const CREATE = {
  /** A value known when the kernel is compiled; a tile of it if `shape` is given. */
  constant: op({
    doc: 'A value known when the kernel is compiled; with a shape, a tile that holds it everywhere.',
    args: [],
    attrs: ['value', 'dtype', 'shape'],
    traits: ['pure', 'cheap'],
    type: (_ts, attrs) => [tile(DTYPES[attrs.dtype as DTypeName], (attrs.shape as number[] | undefined) ?? [])],
  }),
  /** Id of this program along an axis of the grid. */
  program_id: op({
    doc: 'Id of this program along an axis of the grid (i32 scalar).',
    args: [],
    attrs: ['axis'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.i32)],
    api:
      (t) =>
      (axis = 0): number =>
        asUser(t.one('program_id', [], { axis: gridAxis(t, 'program_id', axis) })),
  }),
  /** Number of programs along an axis of the grid. */
  num_programs: op({
    doc: 'Number of programs along an axis of the grid (i32 scalar).',
    args: [],
    attrs: ['axis'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.i32)],
    api:
      (t) =>
      (axis = 0): number =>
        asUser(t.one('num_programs', [], { axis: gridAxis(t, 'num_programs', axis) })),
  }),
  /** The integers start, …, end - 1. */
  arange: op({
    doc: 'The integers from start to end - 1 as an i32 tile. The length is a power of two.',
    args: [],
    attrs: ['start', 'end'],
    traits: ['pure', 'cheap'],
    type: (_ts, { start, end }) => [tile(DTYPES.i32, [Number(end) - Number(start)])],
    api:
      (t) =>
      (start: number, end: number): number => {
        const a = t.constInt(start, 'the start of tl.arange');
        const b = t.constInt(end, 'the end of tl.arange');
        if (b <= a) t.fail(TL.arangeRange, a, b);
        t.constShape([b - a], 'the length of tl.arange');
        return asUser(t.one('arange', [], { start: a, end: b }));
      },
  }),
};

/** Functions of `tl` that are compositions: they emit the rows above. */
export const CREATE_FNS = {
  /**
   * A number as a scalar of the device: i32 (or i64, u64 where it must be) or f32. It then no longer takes the dtype of what it meets.
   * @differs Stands for what an assignment does in Triton, `x = 0.5`, which here leaves a number.
   * @cost nothing: a constant, spelled where it is used
   */
  to_tensor:
    (t: Trace) =>
    // Not T itself: of 1.0 that would be the type `1`.
    <T extends number | boolean>(x: T): T extends boolean ? boolean : number =>
      asUser(t.value(x, 'tl.to_tensor')),
  /**
   * A tile that holds `value` everywhere. `tl.full([M, N], 0.0, tl.f32)`.
   * @cost nothing: a constant, spelled where it is used
   */
  full:
    (t: Trace) =>
    (shape: readonly number[] | number, value: number | bigint | boolean, dtype: DType): number => {
      needDtype(t, 'tl.full', dtype);
      const s = sizes(t, 'tl.full', shape);
      if (t.isValue(value)) {
        if (numel(value.type.shape) !== 1) t.fail(TL.scalarExpected, 'the value of tl.full', value.type);
        const one = value.type.shape.length ? t.one('reshape', [value], { shape: [] }) : value;
        return asUser(t.broadcastTo(t.cast(one, dtype), s));
      }
      if (
        typeof value !== 'number' &&
        typeof value !== 'boolean' &&
        typeof value !== 'bigint' &&
        !((value as unknown) instanceof Number)
      )
        t.fail(TL.notValue, 'tl.full', describeJs(value));
      const n = typeof value === 'boolean' || typeof value === 'bigint' ? value : Number(value) + 0;
      // Bits of a mask may be written as a positive number, as in Triton: tl.full(shape, 0xffffffff, tl.i32).
      const bits = dtype.is_int_signed() && !dtype.is_bool() && (typeof n === 'bigint' || Number.isSafeInteger(n));
      return asUser(t.constant(bits ? BigInt.asIntN(dtype.bits, BigInt(n)) : n, dtype, s));
    },
  /**
   * A tile of zeros. `tl.zeros([M, N], tl.f32)`.
   * @cost nothing: a constant, spelled where it is used
   */
  zeros:
    (t: Trace) =>
    (shape: readonly number[] | number, dtype: DType): number => {
      needDtype(t, 'tl.zeros', dtype);
      return asUser(t.constant(0, dtype, sizes(t, 'tl.zeros', shape)));
    },
  /**
   * A tile of zeros with the shape and dtype of another.
   * @cost nothing: a constant, spelled where it is used
   */
  zeros_like:
    (t: Trace) =>
    (input: number): number => {
      const v = t.value(input, 'tl.zeros_like');
      return asUser(t.constant(0, v.type.elem as DType, v.type.shape));
    },
};
