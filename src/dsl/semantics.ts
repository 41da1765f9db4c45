// Which dtype an operation computes in: Triton's promotion rules (triton/language/semantic.py: computation_type_impl,
// integer_promote_impl, to_tensor), as functions of dtypes. Shapes and IR are none of its business.

import { FloatLit } from './trace/context.ts';
import { DTYPES, type DType } from './types.ts';

const { bool, i32, i64, u32, u64, f16, bf16, f32, f64 } = DTYPES;

/** Dtype of a number or boolean on its own; null when no dtype holds it. */
export function defaultDtype(x: number | bigint | boolean | FloatLit): DType | null {
  if (typeof x === 'boolean') return bool;
  if (x instanceof FloatLit || (typeof x === 'number' && !Number.isInteger(x))) return floatDtype(Number(x));
  const n = BigInt(x);
  if (n >= -(2n ** 31n) && n < 2n ** 31n) return i32;
  if (n >= 0n && n < 2n ** 32n) return u32;
  if (n >= -(2n ** 63n) && n < 2n ** 63n) return i64;
  if (n >= 0n && n < 2n ** 64n) return u64;
  // A whole number that no integer dtype holds (1e30 from outside a kernel) can only be meant as a float.
  return typeof x === 'number' ? floatDtype(x) : null;
}
/** A finite number outside f32's normal range needs f64. */
function floatDtype(x: number): DType {
  const a = Math.abs(x);
  return !(a > 0 && Number.isFinite(a)) || (a >= 2 ** -126 && a <= (2 - 2 ** -23) * 2 ** 127) ? f32 : f64;
}

/** Common dtype of two integer dtypes: the wider; of equal width, the unsigned. */
export function promoteIntegers(a: DType, b: DType): DType {
  if (a.is_int_unsigned() === b.is_int_unsigned()) return a.bits > b.bits ? a : b;
  const [unsigned, signed] = a.is_int_unsigned() ? [a, b] : [b, a];
  return unsigned.bits >= signed.bits ? unsigned : signed;
}

const kindRank = (d: DType): number => (d.is_bool() ? 0 : d.is_int() ? 1 : 2);

/**
 * Dtype that a binary operation computes in. `aNumber`/`bNumber`: the operand is a plain number, which does not take part
 * in the promotion if its kind (bool < int < float) is not above the other's. Null: different signedness in a division.
 */
export function computationType(a: DType, aNumber: boolean, b: DType, bNumber: boolean, divOrMod: boolean): DType | null {
  const half = (d: DType): boolean => d === f16 || d === bf16;
  if (aNumber !== bNumber) {
    const [number, tile] = aNumber ? [a, b] : [b, a];
    if (kindRank(number) <= kindRank(tile)) return divOrMod && half(tile) ? f32 : tile;
  }
  if (a === f64 || b === f64) return f64;
  if (a === f32 || b === f32) return f32;
  if (a === f16 || b === f16) return divOrMod ? f32 : f16;
  if (a === bf16 && b === bf16) return divOrMod ? f32 : bf16;
  if (a === bf16 || b === bf16) return f32;
  if (a.is_fp8() && b.is_fp8()) return a === b ? a : f16;
  // fp8 with an integer: Triton refuses; computing in f16 would be a guess, so the caller reports it.
  if (a.is_floating() || b.is_floating()) return null;
  if (divOrMod && a.is_int_unsigned() !== b.is_int_unsigned()) return null;
  return promoteIntegers(a, b);
}
