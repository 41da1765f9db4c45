// Conversions between register forms, one helper a pair of dtypes (`cast_f32_i32`). Registers: every float up to f32 is an f32;
// i8, i16 and i32 are i32; u8, u16 and u32 are u32; 64-bit integers are two words. Semantics are those of `convert` in
// src/dsl/numerics.ts (CUDA's): floats to integers truncate and saturate, NaN gives 0 (64-bit: the sign bit alone).

import { DTYPES, type DType } from '../../dsl/types.ts';
import type { Helper } from './prelude.ts';

const V = 'vec2<u32>';
/** WGSL type that holds a register of the dtype; f64 is not carried. */
export const registerType = (d: DType): string | null => {
  if (d.is_bool()) return 'bool';
  if (d.bits === 64) return d.is_floating() ? null : V;
  return d.is_floating() ? 'f32' : d.is_int_signed() ? 'i32' : 'u32';
};
const I32_OF_F32 = `if (is_nan(a)) { return 0; }
  if (a >= 2147483648.0f) { return 2147483647; }
  if (a <= -2147483648.0f) { return -2147483647 - 1; }
  return i32(a);`;
/** For i16 and i8, u16 and u8: CUDA converts to 16 bits at least. */
const I16_OF_F32 = `if (is_nan(a)) { return 0; }
  return i32(clamp(a, -32768.0f, 32767.0f));`;
const U16_OF_F32 = `if (is_nan(a)) { return 0u; }
  return u32(clamp(a, 0.0f, 65535.0f));`;
const U32_OF_F32 = `if (is_nan(a) || a <= 0.0f) { return 0u; }
  if (a >= 4294967296.0f) { return 4294967295u; }
  return u32(a);`;
/** |a| < 2^64 as words: the 24-bit significand, shifted. */
const WORDS_OF_MAGNITUDE = `let bits = bitcast<u32>(a) & 0x7fffffffu;
  let e = i32(bits >> 23u) - 150;
  let m = vec2<u32>((bits & 0x7fffffu) | 0x800000u, 0u);
  if (e < -23) { return vec2<u32>(0u); }
  if (e < 0) { return vec2<u32>(m.x >> u32(-e), 0u); }
  return u64_shl(m, vec2<u32>(u32(e), 0u));`;
/** Rounds to nearest even once: the top 24 bits and the rest, as an integer of at most 25 bits times a power of two. */
const F32_OF_U64 = `if (a.y == 0u) { return f32_of_u32(a.x); }
  let s = 32u - countLeadingZeros(a.y);
  let top = select((a.x >> s) | (a.y << (32u - s)), a.y, s == 32u);
  let lost = select(a.x & ((1u << (s & 31u)) - 1u), a.x, s == 32u);
  return f32_of_u32(top | select(0u, 1u, lost != 0u)) * bitcast<f32>((127u + s) << 23u);`;
/** The conversion of a full word, rounded to nearest even by hand: drivers round u32 to f32 as they like. */
const F32_OF_U32 = `if (a < 0x1000000u) { return f32(a); }
  let s = 8u - countLeadingZeros(a);
  let r = (a + (1u << (s - 1u)) - 1u + ((a >> s) & 1u));
  if (r < a) { return 4294967296.0f; }
  return f32(r >> s) * f32(1u << s);`;

const extra: { [name: string]: Helper } = {
  f32_of_u32: { params: ['u32'], ret: 'f32', body: F32_OF_U32 },
  f32_of_u64: { params: [V], ret: 'f32', body: F32_OF_U64, deps: ['f32_of_u32'] },
  i32_of_f32: { params: ['f32'], ret: 'i32', body: I32_OF_F32, deps: ['is_nan'] },
  u32_of_f32: { params: ['f32'], ret: 'u32', body: U32_OF_F32, deps: ['is_nan'] },
  i16_of_f32: { params: ['f32'], ret: 'i32', body: I16_OF_F32, deps: ['is_nan'] },
  u16_of_f32: { params: ['f32'], ret: 'u32', body: U16_OF_F32, deps: ['is_nan'] },
  u64_of_magnitude: { params: ['f32'], ret: V, body: WORDS_OF_MAGNITUDE, deps: ['u64_shl'] },
};

interface Expr {
  readonly text: string;
  readonly deps?: readonly string[];
}
/** Low 32 bits of an integer register as u32. */
const low = (from: DType): string =>
  from.bits === 64 ? 'a.x' : from.is_bool() ? 'select(0u, 1u, a)' : from.is_int_signed() ? 'bitcast<u32>(a)' : 'a';
/** Cuts u32 bits down to an integer dtype's register. */
function cut(to: DType, bits: string): string {
  if (to.bits === 32) return to.is_int_signed() ? `bitcast<i32>(${bits})` : bits;
  const up = 32 - to.bits;
  return to.is_int_signed() ? `(bitcast<i32>(${bits} << ${up}u) >> ${up}u)` : `(${bits} & ${2 ** to.bits - 1}u)`;
}

function expression(from: DType, to: DType): Expr | null {
  if (registerType(from) === null || registerType(to) === null) return null;
  if (from === to) return { text: 'return a;' };
  if (to.is_bool()) {
    // By bits: NaN is true, and so is a subnormal that the driver would flush.
    if (from.is_floating()) return { text: 'return (bitcast<u32>(a) & 0x7fffffffu) != 0u;' };
    return { text: from.bits === 64 ? 'return (a.x | a.y) != 0u;' : `return a != ${from.is_int_signed() ? '0' : '0u'};` };
  }
  if (to.is_floating()) return toFloat(from, to);
  if (from.is_floating()) return fromFloat(to);
  if (to.bits === 64) {
    const sign = from.is_int_signed() && from.bits < 64 ? 'bitcast<u32>(a >> 31u)' : '0u';
    return { text: from.bits === 64 ? 'return a;' : `return vec2<u32>(${low(from)}, ${sign});` };
  }
  return { text: `return ${cut(to, low(from))};` };
}
function toFloat(from: DType, to: DType): Expr {
  const round = to.bits < 32 ? `${to.name}_round` : '';
  const wrap = (x: string, ...deps: string[]): Expr =>
    round ? { text: `return ${round}(${x});`, deps: [round, ...deps] } : { text: `return ${x};`, deps };
  if (from.is_floating()) return from.bits < to.bits ? { text: 'return a;' } : wrap('a');
  if (from.is_bool()) return { text: 'return select(0.0f, 1.0f, a);' };
  // An integer that f32 does not hold is past the range of f16 and fp8, and 8 bits fit every float but fp8.
  if (from.bits < 32) return from.bits <= to.mantissa ? { text: 'return f32(a);' } : wrap('f32(a)');
  if (from.bits === 64) {
    if (!from.is_int_signed()) return wrap('f32_of_u64(a)', 'f32_of_u64');
    return wrap('(select(1.0f, -1.0f, (a.y >> 31u) == 1u) * f32_of_u64(i64_abs(a)))', 'f32_of_u64', 'i64_abs');
  }
  if (!from.is_int_signed()) return wrap('f32_of_u32(a)', 'f32_of_u32');
  return wrap('(select(1.0f, -1.0f, a < 0) * f32_of_u32(bitcast<u32>(abs(a))))', 'f32_of_u32');
}
function fromFloat(to: DType): Expr {
  if (to.bits === 64) {
    const signed = to.is_int_signed();
    const top = signed ? '9223372036854775808.0f' : '18446744073709551616.0f';
    const most = signed ? 'vec2<u32>(0xffffffffu, 0x7fffffffu)' : 'vec2<u32>(0xffffffffu)';
    const least = signed
      ? 'if (a <= -9223372036854775808.0f) { return vec2<u32>(0u, 0x80000000u); }'
      : 'if (a <= 0.0f) { return vec2<u32>(0u); }';
    const body = `if (is_nan(a)) { return vec2<u32>(0u, 0x80000000u); }
  if (a >= ${top}) { return ${most}; }
  ${least}
  let m = u64_of_magnitude(a);
  return ${signed ? 'select(m, i64_neg(m), a < 0.0f)' : 'm'};`;
    return { text: body, deps: ['is_nan', 'u64_of_magnitude', ...(signed ? ['i64_neg'] : [])] };
  }
  const helper = `${to.is_int_signed() ? 'i' : 'u'}${Math.max(to.bits, 16)}_of_f32`;
  return { text: `return ${cut(to, to.is_int_signed() ? `bitcast<u32>(${helper}(a))` : `${helper}(a)`)};`, deps: [helper] };
}

/** The bits of a register of `from`, zero-extended; `x` is an expression. */
function bitsOf(from: DType, x: string): Expr {
  if (from.is_floating()) {
    if (from.bits === 32) return { text: `bitcast<u32>(${x})` };
    if (from === DTYPES.bf16) return { text: `(bitcast<u32>(${x}) >> 16u)` };
    return { text: `${from}_encode(${x})`, deps: [`${from}_encode`] };
  }
  const u = from.is_int_signed() ? `bitcast<u32>(${x})` : x;
  return { text: from.is_int_signed() && from.bits < 32 ? `(${u} & ${2 ** from.bits - 1}u)` : u };
}
/** A register of `to` from bits that are zero-extended. */
function ofBits(to: DType, bits: string): Expr {
  if (!to.is_floating()) return { text: to.is_int_signed() ? cut(to, bits) : bits };
  if (to.bits === 32) return { text: `bitcast<f32>(${bits})` };
  if (to === DTYPES.bf16) return { text: `bitcast<f32>(${bits} << 16u)` };
  return { text: `${to}_decode(${bits})`, deps: [`${to}_decode`] };
}
function reinterpreted(from: DType, to: DType): Expr {
  if (from.bits === 64 || from.is_bool()) return { text: 'return a;' };
  const bits = bitsOf(from, 'a');
  const value = ofBits(to, bits.text);
  return { text: `return ${value.text};`, deps: [...(bits.deps ?? []), ...(value.deps ?? [])] };
}

const casts: { [name: string]: Helper } = {};
for (const from of Object.values(DTYPES))
  for (const to of Object.values(DTYPES)) {
    const types = { params: [registerType(from)!], ret: registerType(to)! };
    const e = expression(from, to);
    if (e) casts[`cast_${from}_${to}`] = { ...types, body: e.text, deps: e.deps };
    if (!e || from.bits !== to.bits) continue;
    const bits = reinterpreted(from, to);
    casts[`bits_as_${from}_${to}`] = { ...types, body: bits.text, deps: bits.deps };
  }
/** `cast_<from>_<to>` for every pair that the registers can hold, `bits_as_<from>_<to>` for those of one width. */
export const CASTS: { readonly [name: string]: Helper } = { ...extra, ...casts };
