// Conversions of libdevice, which are casts here: `float2int_rn(x)` rounds, then converts. By name: what the cast gives, and how its text is
// made of that of its arguments. The dtypes are those that Triton's libdevice declares: unsigned results come as signed integers.

interface Conversion {
  readonly result: 'int' | 'float';
  /** The text, with $0 where the argument stands. */
  readonly text: string;
}
/** How each suffix rounds a float to an integer; the cast itself rounds toward zero. */
const ROUNDED = { rn: 'tl.rint($0)', rz: '$0', rd: 'tl.floor($0)', ru: 'tl.ceil($0)' };
const INTEGERS = { int: 'int32', uint: 'uint32', ll: 'int64', ull: 'uint64' };
const FLOATS = { float: 'float32', double: 'float64' };
const SIGN = { double_as_longlong: 'int64', float_as_int: 'int32', float_as_uint: 'int32' };
const FLOAT = { longlong_as_double: 'float64', int_as_float: 'float32', uint_as_float: 'float32' };

const cast = (x: string, dtype: string): string => `tl.cast(${x}, tl.${dtype})`;
const bits = (dtype: string): string => `tl.cast($0, tl.${dtype}, { bitcast: true })`;

function* conversions(): Generator<[string, Conversion]> {
  for (const [integer, dtype] of Object.entries(INTEGERS))
    for (const [float, to] of Object.entries(FLOATS)) {
      for (const [suffix, rounded] of Object.entries(ROUNDED)) {
        const text = cast(rounded, dtype);
        const signed = dtype.startsWith('u') ? cast(text, dtype.slice(1)) : text;
        yield [`${float}2${integer}_${suffix}`, { result: 'int', text: signed }];
      }
      yield [`${integer}2${float}_rn`, { result: 'float', text: cast(cast('$0', dtype), to) }];
    }
  yield ['double2float_rn', { result: 'float', text: cast('$0', 'float32') }];
  yield ['double2float_rz', { result: 'float', text: "tl.cast($0, tl.float32, { fp_downcast_rounding: 'rtz' })" }];
  for (const [name, dtype] of Object.entries(SIGN)) yield [name, { result: 'int', text: bits(dtype) }];
  for (const [name, dtype] of Object.entries(FLOAT)) yield [name, { result: 'float', text: bits(dtype) }];
}
export const CONVERSIONS: ReadonlyMap<string, Conversion> = new Map(conversions());
