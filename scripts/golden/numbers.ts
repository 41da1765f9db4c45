// Bits of the golden files' element types to numbers and back. In: raw little-endian bytes. Out: float64 values (i64 as
// bigint). Written apart from the conversions of src/ on purpose: a comparer must not share the mistakes of what it judges.

/** Element types as golden files spell them. */
export type GoldenDType =
  | 'bool'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'f16'
  | 'bf16'
  | 'f32'
  | 'f64'
  | 'fp8e4m3'
  | 'fp8e5m2';

/** Bits of exponent and mantissa of the sub-word floats. e4m3 has no infinities: its top exponent holds numbers, 0x7f is NaN. */
const SMALL = {
  f16: { exponent: 5, mantissa: 10, finiteOnly: false },
  bf16: { exponent: 8, mantissa: 7, finiteOnly: false },
  fp8e4m3: { exponent: 4, mantissa: 3, finiteOnly: true },
  fp8e5m2: { exponent: 5, mantissa: 2, finiteOnly: false },
} as const;
type Small = keyof typeof SMALL;

const BYTES: { readonly [D in GoldenDType]: number } = {
  bool: 1,
  i8: 1,
  u8: 1,
  fp8e4m3: 1,
  fp8e5m2: 1,
  i16: 2,
  u16: 2,
  f16: 2,
  bf16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  i64: 8,
  u64: 8,
  f64: 8,
};

export const bytesOf = (dtype: GoldenDType): number => BYTES[dtype];
export const isFp8 = (dtype: GoldenDType): boolean => dtype === 'fp8e4m3' || dtype === 'fp8e5m2';
export const isFloat = (dtype: GoldenDType): boolean => dtype === 'f64' || dtype === 'f32' || dtype in SMALL;
export const isKnown = (dtype: string): dtype is GoldenDType => dtype in BYTES;

/** The value of a sub-word float. */
export function decodeSmall(dtype: Small, bits: number): number {
  const { exponent, mantissa, finiteOnly } = SMALL[dtype];
  const sign = (bits >> (exponent + mantissa)) & 1 ? -1 : 1;
  const e = (bits >> mantissa) & ((1 << exponent) - 1);
  const m = bits & ((1 << mantissa) - 1);
  const top = (1 << exponent) - 1;
  const bias = (1 << (exponent - 1)) - 1;
  if (e === top && !finiteOnly) return m === 0 ? sign * Infinity : NaN;
  if (e === top && m === (1 << mantissa) - 1) return NaN;
  return e === 0 ? sign * m * 2 ** (1 - bias - mantissa) : sign * (2 ** mantissa + m) * 2 ** (e - bias - mantissa);
}

/** Bits of the value nearest to `x`, ties to even. Overflow gives infinity, or the largest number where there is none. */
export function encodeSmall(dtype: Small, x: number): number {
  const { exponent, mantissa, finiteOnly } = SMALL[dtype];
  const sign = (x < 0 || Object.is(x, -0) ? 1 : 0) << (exponent + mantissa);
  const top = (1 << exponent) - 1;
  const infinity = top << mantissa;
  if (Number.isNaN(x)) return finiteOnly ? infinity | ((1 << mantissa) - 1) : infinity | (1 << (mantissa - 1));
  const largest = finiteOnly ? (infinity | ((1 << mantissa) - 1)) - 1 : infinity;
  const a = Math.abs(x);
  if (a === Infinity) return sign | largest;
  const bias = (1 << (exponent - 1)) - 1;
  const e = Math.max(1 - bias, a === 0 ? -Infinity : Math.floor(Math.log2(a)));
  const scaled = a / 2 ** (e - mantissa); // in units of the last place; exact, both are powers of two apart
  const down = Math.floor(scaled);
  const rest = scaled - down;
  const units = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
  // A carry out of the mantissa walks into the exponent field, as it should.
  const code = e === 1 - bias ? units : ((e + bias) << mantissa) + (units - (1 << mantissa));
  return sign | Math.min(code, largest);
}

/** Reads element `i` of `bytes` as a number (bigint for 64-bit integers). */
export function reader(dtype: GoldenDType, bytes: Uint8Array): (i: number) => number | bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case 'bool':
    case 'u8':
      return (i) => view.getUint8(i);
    case 'i8':
      return (i) => view.getInt8(i);
    case 'i16':
      return (i) => view.getInt16(2 * i, true);
    case 'u16':
      return (i) => view.getUint16(2 * i, true);
    case 'i32':
      return (i) => view.getInt32(4 * i, true);
    case 'u32':
      return (i) => view.getUint32(4 * i, true);
    case 'i64':
      return (i) => view.getBigInt64(8 * i, true);
    case 'u64':
      return (i) => view.getBigUint64(8 * i, true);
    case 'f32':
      return (i) => view.getFloat32(4 * i, true);
    case 'f64':
      return (i) => view.getFloat64(8 * i, true);
    case 'f16':
    case 'bf16':
      return (i) => decodeSmall(dtype, view.getUint16(2 * i, true));
    case 'fp8e4m3':
    case 'fp8e5m2':
      return (i) => decodeSmall(dtype, view.getUint8(i));
  }
}

/** The bytes of one element that holds `value`, rounded to the dtype. */
export function encode(dtype: GoldenDType, value: number): Uint8Array {
  const out = new Uint8Array(BYTES[dtype]);
  const view = new DataView(out.buffer);
  switch (dtype) {
    case 'f32':
      view.setFloat32(0, value, true);
      break;
    case 'f64':
      view.setFloat64(0, value, true);
      break;
    case 'f16':
    case 'bf16':
      view.setUint16(0, encodeSmall(dtype, value), true);
      break;
    case 'fp8e4m3':
    case 'fp8e5m2':
      view.setUint8(0, encodeSmall(dtype, value));
      break;
    case 'i64':
    case 'u64':
      view.setBigInt64(0, BigInt.asIntN(64, BigInt(Math.trunc(value))), true);
      break;
    default: {
      let left = Math.trunc(value);
      for (let b = 0; b < out.length; b++, left = Math.floor(left / 256)) out[b] = left & 255;
    }
  }
  return out;
}

/** Sign and magnitude of a code as one ordered integer: neighbouring values differ by 1, both zeros are 0. */
export const orderedCode = (code: number, bits: number): number => {
  const magnitude = code & ((1 << (bits - 1)) - 1);
  return code >> (bits - 1) ? -magnitude : magnitude;
};
