// docs/language.md says what the sources say, and the lists of Triton's names are true.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LIBDEVICE_LEFT_OUT } from '../../scripts/reference/libdevice.ts';
import { languagePage } from '../../scripts/reference/page.ts';
import { probeOf } from '../../scripts/reference/probes.ts';
import { TRITON_NAMES } from '../../scripts/reference/triton.ts';
import { tl } from '../../src/index.ts';

/** All names of `triton.language.extra.libdevice` 3.6. */
const LIBDEVICE = (
  'abs acos acosh add_rd add_rn add_ru add_rz asin asinh atan atan2 atanh brev byte_perm cbrt ceil clz copysign cos cosh ' +
  'cospi cyl_bessel_i0 cyl_bessel_i1 div_rd div_rn div_ru div_rz double2float_rd double2float_rn double2float_ru ' +
  'double2float_rz double2hiint double2int_rd double2int_rn double2int_ru double2int_rz double2ll_rd double2ll_rn ' +
  'double2ll_ru double2ll_rz double2loint double2uint_rd double2uint_rn double2uint_ru double2uint_rz double2ull_rd ' +
  'double2ull_rn double2ull_ru double2ull_rz double_as_longlong erf erfc erfcinv erfcx erfinv exp exp10 exp2 expm1 ' +
  'fast_cosf fast_dividef fast_exp10f fast_expf fast_log10f fast_log2f fast_logf fast_powf fast_sinf fast_tanf fast_tanhf ' +
  'fdim ffs finitef float2int_rd float2int_rn float2int_ru float2int_rz float2ll_rd float2ll_rn float2ll_ru float2ll_rz ' +
  'float2uint_rd float2uint_rn float2uint_ru float2uint_rz float2ull_rd float2ull_rn float2ull_ru float2ull_rz ' +
  'float_as_int float_as_uint floor fma fma_rd fma_rn fma_ru fma_rz fmod hadd hiloint2double hypot ilogb int2double_rn ' +
  'int2float_rd int2float_rn int2float_ru int2float_rz int_as_float isfinited isinf isnan j0 j1 jn ldexp lgamma ' +
  'll2double_rd ll2double_rn ll2double_ru ll2double_rz ll2float_rd ll2float_rn ll2float_ru ll2float_rz llrint llround log ' +
  'log10 log1p log2 logb longlong_as_double mul24 mul_rd mul_rn mul_ru mul_rz mulhi nearbyint nextafter norm3d norm4d ' +
  'normcdf normcdfinv popc pow rcbrt rcp64h rcp_rd rcp_rn rcp_ru rcp_rz remainder rhadd rhypot rint rnorm3d rnorm4d round ' +
  'rsqrt rsqrt_rn sad saturatef scalbn signbit sin sinh sinpi sqrt sqrt_rd sqrt_rn sqrt_ru sqrt_rz sub_rd sub_rn sub_ru ' +
  'sub_rz tan tanh tgamma trunc uint2double_rn uint2float_rd uint2float_rn uint2float_ru uint2float_rz uint_as_float ' +
  'ull2double_rd ull2double_rn ull2double_ru ull2double_rz ull2float_rd ull2float_rn ull2float_ru ull2float_rz y0 y1 yn'
).split(' ');

it('docs/language.md is up to date: `npm run -s reference` writes it', () => {
  const page = readFileSync(new URL('../../docs/language.md', import.meta.url), 'utf8');
  expect(languagePage() === page, 'the page differs from what the sources say').toBe(true);
}, 60_000);

it('every name of triton.language is in tl, or listed with a reason', () => {
  const has = (name: string): boolean => Object.hasOwn(tl, name);
  const wrong = Object.entries(TRITON_NAMES).filter(([name, reason]) => (reason === null) !== has(name));
  expect(wrong.map(([name]) => name)).toEqual([]);
});

it('every function of libdevice is in tl, or listed once with what to write', () => {
  const listed = LIBDEVICE_LEFT_OUT.flatMap(([names]) => names);
  expect(listed.filter((n) => Object.hasOwn(tl, n))).toEqual([]);
  expect(new Set(listed).size).toBe(listed.length);
  expect(LIBDEVICE.filter((n) => !Object.hasOwn(tl, n) && !listed.includes(n))).toEqual([]);
  expect(listed.filter((n) => !LIBDEVICE.includes(n))).toEqual([]);
});

it('every entry says what the function takes and gives, and what it costs', () => {
  const page = languagePage();
  const entries = page.split('\n### `tl.').slice(1);
  /** Nothing of them is left when the kernel runs, or they take no values. */
  const apart = 'debug_barrier dtype_of shape_of range static_range static_assert static_print condition next_power_of_2'.split(
    ' ',
  );
  for (const entry of entries) {
    const name = entry.slice(0, entry.indexOf('`'));
    expect(entry, name).toContain('*cost in WGSL:*');
    if (apart.includes(name)) expect(probeOf(name), name).toBe(null);
    else for (const fact of ['*shapes:*', '*dtypes:*']) expect(entry, name).toContain(fact);
  }
}, 60_000);
