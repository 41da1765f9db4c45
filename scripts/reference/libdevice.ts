// Every function of `triton.language.extra.libdevice` 3.6 that `tl` does not have under the same name, by the reason or by what to write. The
// reference prints the table; a test checks that it and `tl` are all of libdevice.

const each = (stems: string, ...ends: string[]): string[] => stems.split(' ').flatMap((s) => ends.map((e) => s + e));

export const LIBDEVICE_LEFT_OUT: readonly (readonly [names: readonly string[], instead: string])[] = [
  [
    each('add sub mul', '_rn'),
    'the operators, which round to nearest. A driver may fuse `a * b + c`; `tl.fma` and `tl.div_rn` round as they say on every device',
  ],
  [['fma_rn'], '`tl.fma`'],
  [['rsqrt_rn'], '`tl.rsqrt`, within 2 ulp; `tl.rcp_rn(tl.sqrt_rn(x))` rounds twice'],
  [
    [...each('add sub mul div fma', '_rd', '_ru', '_rz'), ...each('rcp sqrt', '_rd', '_ru', '_rz')],
    'WGSL rounds to nearest only; other directions would cost tens of operations an element',
  ],
  [each('int2float uint2float ll2float ull2float', '_rn'), '`tl.cast(x, tl.f32)`'],
  [each('int2float uint2float ll2float ull2float', '_rd', '_ru', '_rz'), 'as other directions of rounding'],
  [each('float2int float2uint float2ll float2ull', '_rz'), '`tl.cast(x, tl.i32)` and the like, which truncate and saturate'],
  [
    each('float2int float2uint float2ll float2ull', '_rn', '_rd', '_ru'),
    '`tl.cast(tl.rint(x), tl.i32)`, `tl.cast(tl.floor(x), tl.i32)`, `tl.cast(tl.ceil(x), tl.i32)`; `tl.llrint` gives i64 at once',
  ],
  [
    ['float_as_int', 'float_as_uint', 'int_as_float', 'uint_as_float', 'double_as_longlong', 'longlong_as_double'],
    '`tl.cast(x, tl.i32, { bitcast: true })` and the like',
  ],
  [
    [
      ...each('double2int double2uint double2ll double2ull', '_rn', '_rd', '_ru', '_rz'),
      ...each('double2float ll2double ull2double', '_rn', '_rd', '_ru', '_rz'),
      ...each('int2double uint2double', '_rn'),
      'double2hiint',
      'double2loint',
      'hiloint2double',
      'rcp64h',
      'isfinited',
    ],
    'WGSL has no f64; on the interpreter `tl.cast` and `tl.finitef` take it',
  ],
  [
    each('fast_', 'sinf', 'cosf', 'tanf', 'tanhf', 'expf', 'exp10f', 'logf', 'log2f', 'log10f', 'powf'),
    'the functions without `fast_` and `f`, which `tessera port` writes',
  ],
  [['fast_dividef'], '`x / y`, within 2.5 ulp'],
  [['mulhi'], '`tl.umulhi(a, b)`, less b where a is negative and a where b is'],
  [['mul24'], '`x * y`, which is no slower here'],
  [
    ['hadd', 'rhadd', 'sad'],
    '`(a & b) + ((a ^ b) >> 1)`, `(a \\| b) - ((a ^ b) >> 1)`, `tl.abs(a - b) + c` where that does not overflow',
  ],
  [['byte_perm'], 'shifts and masks of the two words'],
  [['sinpi', 'cospi'], '`tl.sin` and `tl.cos` of `3.14159274 * (x - 2.0 * tl.rint(x * 0.5))`'],
  [['rcbrt', 'rhypot'], '`1.0 / tl.cbrt(x)`, `1.0 / tl.hypot(x, y)`'],
  [
    each('norm3d norm4d rnorm3d rnorm4d', ''),
    '`tl.hypot(tl.hypot(x, y), z)` and the like; `tl.sqrt` of the sum of squares where that does not overflow',
  ],
  [['remainder'], '`x - y * tl.rint(x / y)` where the quotient is small'],
  [['ldexp', 'scalbn'], '`x * tl.exp2(n)`, n a float; exact where the device’s `exp2` of whole numbers is'],
  [['ilogb', 'logb'], 'the exponent’s bits: `((tl.cast(x, tl.i32, { bitcast: true }) >> 23) & 255) - 127`, for normal numbers'],
  [['nextafter'], '`tl.cast(bits + 1, tl.f32, { bitcast: true })` away from zero, for finite numbers'],
  [
    [
      'erfc',
      'erfcx',
      'erfinv',
      'erfcinv',
      'normcdf',
      'normcdfinv',
      'lgamma',
      'tgamma',
      ...each('j y', '0', '1', 'n'),
      'cyl_bessel_i0',
      'cyl_bessel_i1',
    ],
    'no use in kernels that we know of; `normcdf(x)` is `0.5 * (1.0 + tl.erf(x * 0.70710678))` where it is not small',
  ],
];
