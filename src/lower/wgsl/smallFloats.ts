// Helpers for the floats that WGSL lacks or may treat as it likes: f16, bf16 and fp8 in f32 registers. One text, filled in from
// the dtype's limits, rounds a register (`f16_round`), turns a rounded one into memory bits (`fp8e5_encode`), or does both at
// once (`fp8e4nv_round_encode`). No branches: they stand behind every operation on these dtypes. Values are those of numerics.ts.

import { floatFormat, toBits } from '../../dsl/numerics.ts';
import { DTYPES, type DType } from '../../dsl/types.ts';
import type { Helper } from './prelude.ts';

const f32Bits = (x: number): number => Number(toBits(DTYPES.f32, x));
const hex = (n: number): string => `0x${n.toString(16)}u`;
/** A power of two as WGSL reads it exactly. */
const power = (x: number): string => (Number.isInteger(x) ? `${x}.0f` : `${x}f`);

/**
 * The parts of the texts. `m` is the magnitude's bits. Below the least normal number the sum with a large power of two has no
 * room for bits under the dtype's unit, so the hardware rounds there; above it the bits to drop are rounded as an integer.
 */
function parts(d: DType) {
  const format = floatFormat(d);
  const drop = 23 - d.mantissa;
  const unit = 2 ** (format.emin - d.mantissa);
  const least = hex(f32Bits(2 ** format.emin));
  const nan = hex(format.nan);
  return {
    head: 'let bits = bitcast<u32>(a);\n  let m = bits & 0x7fffffffu;',
    /** Rounded, with the bits to drop still there. */
    rounded: `(m + ${hex(2 ** (drop - 1) - 1)} + ((m >> ${drop}u) & 1u))`,
    keep: hex(2 ** 32 - 2 ** drop),
    drop,
    units: `let units = bitcast<u32>(bitcast<f32>(min(m, ${least})) + ${power(unit * 2 ** 23)}) - ${hex(f32Bits(unit * 2 ** 23))};`,
    unit: power(unit),
    perUnit: power(1 / unit),
    largest: hex(f32Bits(format.max)),
    tiny: `m < ${least}`,
    /** From f32's exponent field to the dtype's. */
    rebase: hex((126 + format.emin) * 2 ** d.mantissa),
    /** Bits of the largest result of rounding, in the dtype and as f32. */
    most: hex(Number(toBits(d, format.saturates ? format.max : Infinity))),
    mostF32: hex(f32Bits(format.saturates ? format.max : Infinity)),
    /** The first f32 that rounds past the largest number. */
    over: hex(f32Bits(2 ** (Math.floor(Math.log2(format.max)) + 1))),
    saturates: format.saturates,
    top: hex(Number(toBits(d, format.hasInf ? Infinity : format.max))),
    nan,
    isNan: 'm > 0x7f800000u',
    sign: d.bits === 8 ? '((bits >> 24u) & 0x80u)' : '((bits >> 16u) & 0x8000u)',
  };
}

function round(d: DType): Helper {
  const p = parts(d);
  // Triton's conversions to fp8 clamp and make the positive NaN; those to f16 overflow to infinity.
  const normal = p.saturates ? `min(normal, ${p.mostF32})` : `select(normal, ${p.mostF32}, normal >= ${p.over})`;
  const result = p.saturates
    ? `return bitcast<f32>(select((bits & 0x80000000u) | r, 0x7fc00000u, ${p.isNan}));`
    : `return select(bitcast<f32>((bits & 0x80000000u) | r), a, ${p.isNan});`;
  const body = `${p.head}
  let normal = ${p.rounded} & ${p.keep};
  ${p.units}
  let tiny = bitcast<u32>(f32(units) * ${p.unit});
  let r = select(${normal}, tiny, ${p.tiny});
  ${result}`;
  return { params: ['f32'], ret: 'f32', body };
}
function roundEncode(d: DType): Helper {
  const p = parts(d);
  const result = p.saturates
    ? `return select(${p.sign} | select(normal, units, ${p.tiny}), ${p.nan}, ${p.isNan});`
    : `return ${p.sign} | select(select(normal, units, ${p.tiny}), ${p.nan}, ${p.isNan});`;
  const body = `${p.head}
  let normal = min((${p.rounded} >> ${p.drop}u) - ${p.rebase}, ${p.most});
  ${p.units}
  ${result}`;
  return { params: ['f32'], ret: 'u32', body };
}
function encode(d: DType): Helper {
  const p = parts(d);
  const body = `${p.head}
  let normal = min((m >> ${p.drop}u) - ${p.rebase}, ${p.top});
  ${p.units}
  return ${p.sign} | select(select(normal, units, ${p.tiny}), ${p.nan}, ${p.isNan});`;
  return { params: ['f32'], ret: 'u32', body };
}

/** Toward zero: cut bits, finite numbers stay finite. Below the least normal number the units are counted in full. */
function cutOff(d: DType): Helper {
  const p = parts(d);
  const body = `${p.head}
  let normal = select(min(m & ${p.keep}, ${p.largest}), m, m >= 0x7f800000u);
  let tiny = bitcast<u32>(f32(u32(bitcast<f32>(select(0u, m, ${p.tiny})) * ${p.perUnit})) * ${p.unit});
  let r = select(normal, tiny, ${p.tiny});
  return bitcast<f32>((bits & 0x80000000u) | r);`;
  return { params: ['f32'], ret: 'f32', body };
}

const { f16, fp8e4nv, fp8e5 } = DTYPES;
/** fp8e4nv has no infinity: what f16 reads as 1.875 is NaN, everything else is f16 with its exponent 8 too small. */
const E4NV_DECODE = `let x = H * 256.0f;
  let bits = bitcast<U>(x);
  return bitcast<F>(select(bits, bits | U(0x7fc00000u), abs(x) == F(480.0f)));`;
const e4nvDecode = (h: string, u: string, f: string): string => E4NV_DECODE.replace('H', h).replaceAll('U', u).replaceAll('F', f);
/** Both halves of a word that holds an f16 in each half, as the odd or the even bytes of `a` make it. */
const HALVES = (odd: string, even: string): string => `let odd = unpack2x16float(${odd});
  let even = unpack2x16float(${even});`;
const FOUR = 'vec4<f32>(even.x, odd.x, even.y, odd.y)';

/**
 * Of modules with matrix units, whose operands the hardware rounds as well: on the devices that have them the conversion is IEEE's
 * to the last bit (an H100 was compared on all 2^32 patterns), and storing a large tile takes an eighth of the instructions.
 */
export const NATIVE_F16: { readonly [name: string]: Helper } = {
  f16_round_encode: { params: ['f32'], ret: 'u32', body: 'return bitcast<u32>(vec2<f16>(f16(a), 0.0h));' },
};

export const SMALL_FLOATS: { readonly [name: string]: Helper } = {
  f16_round: round(f16),
  f16_round_encode: roundEncode(f16),
  // The operand is an f16 value already; SwiftShader packs infinity as NaN.
  f16_encode: {
    params: ['f32'],
    ret: 'u32',
    body: `let bits = bitcast<u32>(a);
  let h = pack2x16float(vec2<f32>(a, 0.0f)) & 0xffffu;
  return select(h, ((bits >> 16u) & 0x8000u) | 0x7c00u, (bits & 0x7fffffffu) == 0x7f800000u);`,
  },
  f16_decode: { params: ['u32'], ret: 'f32', body: 'return unpack2x16float(a).x;' },
  bf16_round: {
    params: ['f32'],
    ret: 'f32',
    body: `let bits = bitcast<u32>(a);
  let nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return bitcast<f32>(select(bits + 0x7fffu + ((bits >> 16u) & 1u), bits | 0x400000u, nan) & 0xffff0000u);`,
  },
  f16_truncate: cutOff(f16),
  fp8e5_truncate: cutOff(fp8e5),
  bf16_truncate: {
    params: ['f32'],
    ret: 'f32',
    body: `let bits = bitcast<u32>(a);
  return bitcast<f32>((bits | select(0u, 0x400000u, (bits & 0x7fffffffu) > 0x7f800000u)) & 0xffff0000u);`,
  },
  fp8e4nv_round: round(fp8e4nv),
  fp8e4nv_encode: encode(fp8e4nv),
  fp8e4nv_round_encode: roundEncode(fp8e4nv),
  fp8e5_round: round(fp8e5),
  fp8e5_encode: encode(fp8e5),
  fp8e5_round_encode: roundEncode(fp8e5),
  // One code, zero-extended.
  fp8e5_decode: { params: ['u32'], ret: 'f32', body: 'return unpack2x16float(a << 8u).x;' },
  fp8e4nv_decode: {
    params: ['u32'],
    ret: 'f32',
    body: e4nvDecode('unpack2x16float(((a & 0x7fu) << 7u) | ((a & 0x80u) << 8u)).x', 'u32', 'f32'),
  },
  // Four codes in a word: two conversions of halves.
  fp8e5_decode_word: {
    params: ['u32'],
    ret: 'vec4<f32>',
    body: `${HALVES('a & 0xff00ff00u', '(a << 8u) & 0xff00ff00u')}
  return ${FOUR};`,
  },
  fp8e4nv_decode_word: {
    params: ['u32'],
    ret: 'vec4<f32>',
    body: `let b = a << 8u;
  ${HALVES('((a & 0x7f007f00u) >> 1u) | (a & 0x80008000u)', '((b & 0x7f007f00u) >> 1u) | (b & 0x80008000u)')}
  ${e4nvDecode(FOUR, 'vec4<u32>', 'vec4<f32>')}`,
  },
};
