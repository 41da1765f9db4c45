// The matrix product of microscaling formats: elements of 4 to 16 bits, 32 (or 16) of them along K with a common scale. It is a
// composition: both sides become bf16 (f16 if one is) and go through the product that exists, as Triton does without such units.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, type DType, dtypeOf, isPtr, type Type, tile } from '../types.ts';
import { describeJs } from './math.ts';
import { asUser } from './row.ts';
import { checkOptions } from './rules.ts';
import { reshapeTo } from './shape.ts';

const { u8, u16, u32, f16, bf16, f32, fp8e4nv, fp8e5 } = DTYPES;

/** How elements are stored. */
export type ScaledFormat = 'e2m1' | 'e4m3' | 'e5m2' | 'bf16' | 'fp16';
interface Format {
  /** Dtypes that hold it: its own, if Triton has one, and that of its bits. */
  readonly dtypes: readonly DType[];
  /** Elements in one of the dtype. */
  readonly packed: number;
}
const FORMATS: { readonly [F in ScaledFormat]: Format } = {
  e2m1: { dtypes: [u8], packed: 2 },
  e4m3: { dtypes: [fp8e4nv, u8], packed: 1 },
  e5m2: { dtypes: [fp8e5, u8], packed: 1 },
  bf16: { dtypes: [bf16, u16], packed: 1 },
  fp16: { dtypes: [f16, u16], packed: 1 },
};

export interface DotScaledOptions {
  /** Tile that the product is added to: [M, N] of f32. */
  readonly acc?: number | null;
  /** Lets Triton leave out the NaN of a scale of 0xff; here it is always made. */
  readonly fast_math?: boolean;
  /** For e2m1: two elements of one byte are neighbours along K (the default), or along M. */
  readonly lhs_k_pack?: boolean;
  /** For e2m1: two elements of one byte are neighbours along K (the default), or along N. */
  readonly rhs_k_pack?: boolean;
  /** f32, the only one that Triton has. */
  readonly out_dtype?: DType;
}
const OPTIONS = ['acc', 'fast_math', 'lhs_k_pack', 'rhs_k_pack', 'out_dtype'];

/** One side as given: which one, its tile, its format and whether K is the packed dimension. */
interface Side {
  readonly name: 'lhs' | 'rhs';
  readonly v: Value;
  readonly format: ScaledFormat;
  readonly kPack: boolean;
}

const swapped = (t: Trace, v: Value): Value => {
  const n = v.type.shape.length;
  return t.one('trans', [v], { perm: [...Array(n - 2).keys(), n - 1, n - 2] });
};
const same = (t: Trace, v: Value, x: number): Value => t.constant(x, dtypeOf(v.type), v.type.shape);

/** e2m1 in the low bits of u32 to f32: a sign, two bits of exponent, one of fraction; 0.5 is its only subnormal number. */
function fromE2m1(t: Trace, n: Value): Value {
  const magnitude = t.one('and', [n, same(t, n, 7)]);
  const half = 126 << 23;
  const small = t.one('mul', [magnitude, same(t, n, half)]);
  const normal = t.one('add', [t.one('shl', [magnitude, same(t, n, 22)]), same(t, n, half)]);
  const bits = t.one('where', [t.one('lt', [magnitude, same(t, n, 2)]), small, normal]);
  const sign = t.one('shl', [t.one('and', [n, same(t, n, 8)]), same(t, n, 28)]);
  return t.one('reinterpret', [t.one('or', [bits, sign])], { to: 'f32' });
}

/** The elements of packed bytes as f32, the lower half first; `last`: neighbours along the last dimension, else the one before. */
function unpack(t: Trace, v: Value, last: boolean): Value {
  const wide = t.cast(v, u32);
  const pair = t.one('join', [wide, t.one('shr', [wide, same(t, wide, 4)])]);
  const { shape } = v.type;
  const n = shape.length;
  const whole = shape.map((d, i) => (i === n - (last ? 1 : 2) ? 2 * d : d));
  const ordered = last ? pair : t.one('trans', [pair], { perm: [...Array(n - 1).keys(), n, n - 1] });
  return fromE2m1(t, reshapeTo(t, ordered, whole));
}

/** The elements of a side as f32 (e2m1) or their own dtype. */
function elements(t: Trace, { name, v, format, kPack }: Side): Value {
  if (format === 'e2m1') return unpack(t, v, kPack === (name === 'lhs'));
  const [own] = FORMATS[format].dtypes;
  return dtypeOf(v.type) === own ? v : t.one('reinterpret', [v], { to: own.name });
}

/** Elements of `x` [.., R, K] times their scales [.., R, K / group], as f32; a scale of 0xff makes them NaN, one of 0 zero. */
function scaled(t: Trace, x: Value, scale: Value): Value {
  const { shape } = x.type;
  const group = (shape.at(-1) as number) / (scale.type.shape.at(-1) as number);
  const spread = (s: Value): Value =>
    reshapeTo(t, t.broadcastTo(t.one('expand_dims', [s], { axis: shape.length }), [...s.type.shape, group]), shape);
  const wide = t.cast(x, f32);
  if (dtypeOf(scale.type) === fp8e4nv) return t.one('mul', [wide, spread(t.cast(scale, f32))]);
  // The bits of e8m0 are the exponent of an f32.
  const bits = spread(t.cast(scale, u32));
  const power = t.one('reinterpret', [t.one('shl', [bits, same(t, bits, 23)])], { to: 'f32' });
  const nan = t.constant(Number.NaN, f32, shape);
  return t.one('where', [t.one('eq', [bits, same(t, bits, 255)]), nan, t.one('mul', [wide, power])]);
}

function checkSide(t: Trace, { name, v, format, kPack }: Side): void {
  const row = FORMATS[format];
  const fits = !isPtr(v.type) && row.dtypes.includes(dtypeOf(v.type));
  if (!fits) t.fail(TL.dotScaledDtype, name, v.type, format, row.dtypes);
  if (!kPack && format !== 'e2m1')
    t.fail(TL.unsupportedArg, 'dot_scaled', `${name}_k_pack`, `false for the format '${format}'`, 'true (only e2m1 is packed)');
}

/** Its scales, checked against the shape [.., R, K] that its elements have with K last. */
function checkScale(t: Trace, name: string, scale: unknown, shape: readonly number[]): Value | null {
  if (scale === null || scale === undefined) return null;
  const v = t.value(scale, `${name}_scale of tl.dot_scaled`);
  const group = !isPtr(v.type) && v.type.elem === fp8e4nv ? 16 : 32;
  const want = [...shape.slice(0, -1), Math.floor((shape.at(-1) as number) / group)];
  const known = !isPtr(v.type) && (v.type.elem === u8 || v.type.elem === fp8e4nv);
  if (!known || v.type.shape.join() !== want.join()) t.fail(TL.dotScaledScale, name, v.type, want, group);
  return v;
}

const formatOf = (t: Trace, name: string, format: unknown): ScaledFormat =>
  typeof format === 'string' && Object.hasOwn(FORMATS, format)
    ? (format as ScaledFormat)
    : t.fail(
        TL.unsupportedArg,
        'dot_scaled',
        `${name}_format`,
        describeJs(format),
        Object.keys(FORMATS)
          .map((f) => `'${f}'`)
          .join(', '),
      );

/** Shape that the elements of a side have. */
const unpackedShape = ({ name, v, format, kPack }: Side): number[] => {
  const n = v.type.shape.length;
  const dim = n - (kPack === (name === 'lhs') ? 1 : 2);
  return v.type.shape.map((d, i) => (i === dim ? d * FORMATS[format].packed : d));
};
const turned = (s: readonly number[]): number[] => [...s.slice(0, -2), s[s.length - 1], s[s.length - 2]];

function dotScaled(t: Trace, lhs: Side, lhsScale: unknown, rhs: Side, rhsScale: unknown, acc: Value | null): Value {
  const [a, b]: [Type, Type] = [lhs.v.type, rhs.v.type];
  const rank = a.shape.length;
  if (isPtr(a) || isPtr(b) || rank !== b.shape.length || (rank !== 2 && rank !== 3) || (rank === 3 && a.shape[0] !== b.shape[0]))
    t.fail(TL.dotRank, a, b, 'tl.dot_scaled');
  for (const side of [lhs, rhs]) checkSide(t, side);
  const [sa, sb] = [unpackedShape(lhs), unpackedShape(rhs)];
  if (sa.at(-1) !== sb.at(-2)) t.fail(TL.dotScaledK, a, b, sa.at(-1) as number, sb.at(-2) as number);
  const scales = [checkScale(t, 'lhs', lhsScale, sa), checkScale(t, 'rhs', rhsScale, turned(sb))];
  const compute = lhs.format === 'fp16' || rhs.format === 'fp16' ? f16 : bf16;
  const [x, y] = [elements(t, lhs), elements(t, rhs)];
  const left = scales[0] ? scaled(t, x, scales[0]) : x;
  // Scales of the right side stand beside its columns, K last.
  const right = scales[1] ? swapped(t, scaled(t, swapped(t, y), scales[1])) : y;
  const result = tile(f32, [...sa.slice(0, -1), sb.at(-1) as number]);
  if (acc && (acc.type.elem !== f32 || acc.type.shape.join() !== result.shape.join()))
    t.fail(TL.dotAcc, acc.type, result, 'tl.dot_scaled');
  const operands = [t.cast(left, compute), t.cast(right, compute)];
  if ((sa.at(-1) as number) < 16) t.fail(TL.dotSmall, operands[0].type, operands[1].type, 16, 'tl.dot_scaled');
  return t.one('dot', acc ? [...operands, acc] : operands, { input_precision: 'ieee', out_dtype: 'f32' });
}

export const DOT_SCALED_FNS = {
  /**
   * Matrix product of two tiles in microscaling formats, plus `acc`, in f32: lhs is [M, K], rhs [K, N], or batches of them. e2m1 is
   * u8 with two elements a byte (the lower half first), e4m3 and e5m2 are fp8 or u8, bf16 and fp16 themselves or u16. A scale belongs to
   * 32 elements along K and is u8 (e8m0: 2 to the power of s - 127; 255 is NaN, 0 counts as zero), [M, K / 32] and [N, K / 32]; fp8e4nv
   * scales belong to 16 elements; null is no scale. Scaled elements are rounded to bf16, to f16 if one side is fp16.
   * @differs `fast_math` has no effect: the NaN of a scale of 255 is always made.
   * @cost unpacking and scaling every element before an ordinary product in bf16 or f16: memory is saved, arithmetic is not.
   */
  dot_scaled:
    (t: Trace) =>
    (
      lhs: number,
      lhs_scale: number | null,
      lhs_format: ScaledFormat,
      rhs: number,
      rhs_scale: number | null,
      rhs_format: ScaledFormat,
      acc?: number | null | DotScaledOptions,
      options: DotScaledOptions = {},
    ): number => {
      const given: DotScaledOptions =
        acc !== null && typeof acc === 'object' && !t.isValue(acc)
          ? (acc as DotScaledOptions)
          : { ...options, ...(acc != null ? { acc: acc as number } : {}) };
      checkOptions(t, 'dot_scaled', given, OPTIONS);
      for (const name of ['fast_math', 'lhs_k_pack', 'rhs_k_pack'] as const)
        if (given[name] !== undefined && typeof given[name] !== 'boolean')
          t.fail(TL.unsupportedArg, 'dot_scaled', name, describeJs(given[name]), 'true or false');
      const out = given.out_dtype ?? f32;
      if (out !== f32) t.fail(TL.unsupportedArg, 'dot_scaled', 'out_dtype', `${out}`, 'f32');
      const side = (name: 'lhs' | 'rhs', x: unknown, format: unknown, kPack = true): Side => ({
        name,
        v: t.value(x, `${name} of tl.dot_scaled`),
        format: formatOf(t, name, format),
        kPack,
      });
      return asUser(
        dotScaled(
          t,
          side('lhs', lhs, lhs_format, given.lhs_k_pack),
          lhs_scale,
          side('rhs', rhs, rhs_format, given.rhs_k_pack),
          rhs_scale,
          given.acc != null ? t.value(given.acc, 'acc of tl.dot_scaled') : null,
        ),
      );
    },
};
