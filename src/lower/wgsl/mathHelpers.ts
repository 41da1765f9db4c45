// Functions that WGSL lacks, or leaves to drivers that are coarse or wrong near special values: trigonometry with exact reduction,
// hyperbolic functions, logarithms and exponentials near zero, powers, roots. Series are Taylor's or fitted to the function
// over the interval in the comment (relative error below 2^-25); NaN is told by bits. No IR here.

import type { Helper } from './prelude.ts';

/** Horner's scheme in `z`, coefficients from the constant upwards. */
const series = (...c: readonly number[]): string =>
  c.reduceRight((acc, k) => (acc ? `(${literal(k)} + z * ${acc})` : literal(k)), '');
const literal = (x: number): string => `${x < 0 ? '(' : ''}${/[.e]/.test(String(x)) ? x : `${x}.0`}f${x < 0 ? ')' : ''}`;
const factorials = (from: number, step: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => {
    let f = 1;
    for (let k = 2; k <= from + i * step; k++) f *= k;
    return 1 / f;
  });

const one = (body: string, ...deps: string[]): Helper => ({ params: ['f32'], ret: 'f32', body, deps });
const two = (body: string, ...deps: string[]): Helper => ({ params: ['f32', 'f32'], ret: 'f32', body, deps });
const bool = (body: string, ...deps: string[]): Helper => ({ params: ['f32'], ret: 'bool', body, deps });
const SIGNED = (x: string): string => `bitcast<f32>(bitcast<u32>(${x}) | (bitcast<u32>(a) & 0x80000000u))`;

/** The bits of 2/pi behind 32 zeros, so that a window of 96 bits can begin before the point. */
const TWO_OVER_PI = [0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab];
/**
 * The angle modulo pi/2, and the quadrant (0 to 3) as a float. Up to 100 the multiple of pi/2 has 6 bits and its three parts 17
 * each, so their products and differences are exact; above, the significand is multiplied by those 96 bits of 2/pi that matter.
 */
const REDUCE = `let n = abs(a);
  if (n < 0.785f) { return vec2<f32>(a, 0.0f); }
  if (n < 100.0f) {
    let k = round(a * 0.63661977f);
    return vec2<f32>(((a - k * 1.5707855224609375f) - k * 0.000010804273188114166f) - k * 6.07710062827671e-11f, f32(i32(k) & 3));
  }
  let bits = bitcast<u32>(n);
  let m = (bits & 0x7fffffu) | 0x800000u;
  let at = (bits >> 23u) - 150u + 30u;
  var t = array<u32, 8>(${TWO_OVER_PI.map((w) => `${w}u`).join(', ')});
  let i = at >> 5u;
  let s = at & 31u;
  let left = 31u - s;
  let w0 = (t[i] << s) | ((t[i + 1u] >> 1u) >> left);
  let w1 = (t[i + 1u] << s) | ((t[i + 2u] >> 1u) >> left);
  let w2 = (t[i + 2u] << s) | ((t[i + 3u] >> 1u) >> left);
  let low = u64_mul(vec2<u32>(m, 0u), vec2<u32>(w2, 0u));
  let mid = u64_add(u64_mul(vec2<u32>(m, 0u), vec2<u32>(w1, 0u)), vec2<u32>(low.y, 0u));
  let top = m * w0 + mid.y;
  var q = top >> 30u;
  var f = vec2<u32>((mid.x << 2u) | (low.x >> 30u), (top << 2u) | (mid.x >> 30u));
  let over = (f.y >> 31u) == 1u;
  if (over) { q += 1u; f = i64_neg(f); }
  let zeros = min(countLeadingZeros(f.y), 31u);
  let word = u64_shl(f, vec2<u32>(zeros, 0u)).y;
  let r = f32(word) * bitcast<f32>((95u - zeros) << 23u) * 1.5707964f;
  let down = over != (a < 0.0f);
  return vec2<f32>(select(r, -r, down), f32(select(q, 4u - (q & 3u), a < 0.0f) & 3u));`;

const SIN_KERNEL = `let z = a * a; return a + a * z * ${series(-0.1666666716337204, 0.008333329111337662, -0.00019839234300889075, 0.000002717358938753023)};`;
const COS_KERNEL = `let z = a * a; return 1.0f + z * ((-0.5f) + z * ${series(0.0416666679084301, -0.0013888883404433727, 0.00002479981394995, -2.720139491430018e-7)});`;
const INVALID = 'if ((bitcast<u32>(a) & 0x7fffffffu) >= 0x7f800000u) { return bitcast<f32>(bitcast<u32>(a) | 0x7fc00000u); }';
const NAN = 'if (is_nan(a)) { return a; }';

/** (0, 0.5]: the series of asin is fitted there. */
const ASIN_KERNEL = `let z = a * a; return a + a * z * ${series(0.16666659712791443, 0.07500510662794113, 0.04451572149991989, 0.03181760758161545, 0.014402614906430244, 0.037565186619758606)};`;
/** [0, 1], in two parts: below tan(pi/8) the fitted series, above it pi/4 plus the series of (x-1)/(x+1). */
const ATAN_KERNEL = `let far = a > 0.41421357f;
  let x = select(a, (a - 1.0f) / (a + 1.0f), far);
  let z = x * x;
  let r = x + x * z * ${series(-0.33333316445350647, 0.19998487830162048, -0.14243802428245544, 0.10595638304948807, -0.060824863612651825)};
  return select(r, 0.78539816f + r, far);`;

/** 2 atanh(x/(2+x)), whose series converges fast where 1 + x would lose bits. */
const LOG1P = `if (is_nan(a) || a <= -1.0f) { return tl_log(1.0f + a); }
  if (a > 0.5f || a < -0.4f) { return tl_log(1.0f + a); }
  let s = a / (2.0f + a);
  let z = s * s;
  let r = 2.0f * (s + s * z * ${series(1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11)});
  return select(r, a, abs(a) < 1e-8f);`;
const EXPM1 = `if (abs(a) < 1e-8f || is_nan(a)) { return a; }
  if (abs(a) >= 0.5f) { return exp(a) - 1.0f; }
  let z = a;
  return a + a * a * ${series(...factorials(2, 1, 8))};`;
/** Half of e^x as a product of two different factors: of (0.5 * h) * h a driver may make 0.5 * (h * h), which overflows first. */
const SINH = `${NAN}
  let x = abs(a);
  if (x < 1.0f) {
    let z = a * a;
    return a + a * z * ${series(...factorials(3, 2, 4))};
  }
  let h = exp(0.5f * x);
  let r = h * exp(0.5f * x - 0.6931472f) - select(0.0f, 0.5f / (h * h), x < 20.0f);
  return ${SIGNED('r')};`;
const COSH = `${NAN}
  let x = abs(a);
  let h = exp(0.5f * x);
  return h * exp(0.5f * x - 0.6931472f) + select(0.0f, 0.5f / (h * h), x < 20.0f);`;
const TANH = `${NAN}
  let x = abs(a);
  if (x < 0.625f) {
    let z = a * a;
    return a + a * z * ${series(-0.3333328366279602, 0.13331490755081177, -0.05374349653720856, 0.020650578662753105, -0.005717036779969931)};
  }
  let r = 1.0f - 2.0f / (exp(2.0f * min(x, 20.0f)) + 1.0f);
  return ${SIGNED('r')};`;
const ASINH = `${NAN}
  let x = abs(a);
  if (x > 1e9f) { let r = tl_log(x) + 0.6931472f; return ${SIGNED('r')}; }
  let z = x * x;
  let r = tl_log1p(x + z / (1.0f + sqrt(1.0f + z)));
  return ${SIGNED('r')};`;
const ACOSH = `${NAN}
  if (a < 1.0f) { return bitcast<f32>(bitcast<u32>(a) | 0x7fc00000u); }
  if (a > 1e9f) { return tl_log(a) + 0.6931472f; }
  let t = a - 1.0f;
  return tl_log1p(t + sqrt(2.0f * t + t * t));`;
const ATANH = `${NAN}
  let x = abs(a);
  if (x > 1.0f) { return bitcast<f32>(bitcast<u32>(a) | 0x7fc00000u); }
  if (x == 1.0f) { return bitcast<f32>((bitcast<u32>(a) & 0x80000000u) | 0x7f800000u); }
  let r = 0.5f * tl_log1p(2.0f * x / (1.0f - x));
  return ${SIGNED('r')};`;

const ASIN = `${NAN}
  let x = abs(a);
  if (x > 1.0f) { return bitcast<f32>(bitcast<u32>(a) | 0x7fc00000u); }
  var r = 0.0f;
  if (x <= 0.5f) { r = tl_asin_kernel(x); } else { r = 1.5707964f - 2.0f * tl_asin_kernel(sqrt(0.5f * (1.0f - x))); }
  return ${SIGNED('r')};`;
const ACOS = `${NAN}
  let x = abs(a);
  if (x > 1.0f) { return bitcast<f32>(bitcast<u32>(a) | 0x7fc00000u); }
  if (x <= 0.5f) { return 1.5707964f - tl_asin_kernel(a); }
  let r = 2.0f * tl_asin_kernel(sqrt(0.5f * (1.0f - x)));
  return select(r, 3.1415927f - r, a < 0.0f);`;
const ATAN = `${NAN}
  let x = abs(a);
  var r = 0.0f;
  if (x <= 1.0f) { r = tl_atan_kernel(x); } else { r = 1.5707964f - tl_atan_kernel(1.0f / min(x, 1e18f)); }
  return ${SIGNED('r')};`;
const ATAN2 = `if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  let y = abs(a);
  let x = abs(b);
  let huge = y > 3.4028234e38f && x > 3.4028234e38f;
  let small = min(x, y);
  let large = max(x, y);
  var r = 0.0f;
  if (huge) { r = 0.78539816f; } else if (large > 0.0f) {
    // Both scaled, so that the quotient of subnormal or huge numbers is not lost.
    let k = select(select(1.0f, 16777216.0f, large < 1e-18f), 5.9604645e-8f, large > 1e18f);
    r = tl_atan_kernel((small * k) / (large * k));
  }
  if (y > x) { r = 1.5707964f - r; }
  if ((bitcast<u32>(b) >> 31u) == 1u) { r = 3.1415927f - r; }
  return ${SIGNED('r')};`;
const TAN = `${INVALID}
  let r = tl_trig_reduce(a);
  let s = tl_sin_kernel(r.x);
  let c = tl_cos_kernel(r.x);
  return select(s / c, -(c / s), (i32(r.y) & 1) == 1);`;
const SIN = `${INVALID}
  let r = tl_trig_reduce(a);
  let q = i32(r.y);
  let v = select(tl_sin_kernel(r.x), tl_cos_kernel(r.x), (q & 1) == 1);
  return select(v, -v, (q & 2) == 2);`;
const COS = `${INVALID}
  let r = tl_trig_reduce(a);
  let q = i32(r.y) + 1;
  let v = select(tl_sin_kernel(r.x), tl_cos_kernel(r.x), (q & 1) == 1);
  return select(v, -v, (q & 2) == 2);`;

/** log2 of a positive finite number as exponent and rest: the rest is relatively exact near 1. */
const LOG2_PARTS = `let x = tl_unpack(bitcast<u32>(a));
  let up = select(0, 1, x.x > 11863283);
  let m = f32(x.x) * select(1.1920929e-7f, 5.9604645e-8f, up == 1);
  let s = (m - 1.0f) / (m + 1.0f);
  let z = s * s;
  return vec2<f32>(f32(x.y + 23 + up), 2.885390082f * (s + s * z * ${series(1 / 3, 1 / 5, 1 / 7, 1 / 9)}));`;
/** |a|^b: the whole part of b * log2(a) is split off before rounding can reach it. */
const POW_MAGNITUDE = `let l = tl_log2_parts(a);
  if (abs(b) > 1e10f) {
    let up = (l.x + l.y > 0.0f) == (b > 0.0f);
    return select(select(0.0f, u.inf, up), 1.0f, l.x + l.y == 0.0f);
  }
  let high = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
  let low = b - high;
  let n = round(high * l.x);
  if (n > 1000.0f) { return u.inf; }
  if (n < -1000.0f) { return 0.0f; }
  let f = ((high * l.x - n) + low * l.x) + b * l.y;
  let k = round(f);
  let e = i32(n + k);
  if (e > 128) { return u.inf; }
  if (e < -151) { return 0.0f; }
  let half = e / 2;
  return exp2(f - k) * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(e - half + 127) << 23u);`;
const POW = `let ua = bitcast<u32>(a) & 0x7fffffffu;
  let ub = bitcast<u32>(b) & 0x7fffffffu;
  if (ub == 0u || bitcast<u32>(a) == 0x3f800000u) { return 1.0f; }
  if (ua > 0x7f800000u || ub > 0x7f800000u) { return bitcast<f32>(max(ua, ub) | 0x7fc00000u); }
  let whole = ub >= 0x4b800000u || (ub >= 0x3f800000u && floor(b) == b);
  let odd = whole && ub < 0x4b800000u && (i32(b) & 1) == 1;
  let negative = (bitcast<u32>(a) >> 31u) == 1u;
  let sign = select(0u, 0x80000000u, negative && odd);
  let down = (bitcast<u32>(b) >> 31u) == 1u;
  if (ub == 0x7f800000u) {
    if (ua == 0x3f800000u) { return 1.0f; }
    return bitcast<f32>(select(0u, 0x7f800000u, (ua > 0x3f800000u) != down) | (ub & 0u));
  }
  if (ua == 0u) { return bitcast<f32>(sign | select(0u, 0x7f800000u, down)); }
  if (ua == 0x7f800000u) { return bitcast<f32>(sign | select(0x7f800000u, 0u, down)); }
  if (negative && !whole) { return bitcast<f32>(ua | 0x7fc00000u); }
  return bitcast<f32>(sign | bitcast<u32>(tl_pow_magnitude(bitcast<f32>(ua), b)));`;

/** What is no positive finite number: -inf at 0, NaN below it, inf and NaN themselves. Told by bits: some drivers forget them. */
const LOG_EDGES = `let bits = bitcast<u32>(a);
  if (bits - 1u >= 0x7f7fffffu) {
    if ((bits & 0x7fffffffu) == 0u) { return bitcast<f32>(bits | 0xff800000u); }
    if (bits == 0x7f800000u) { return a; }
    return bitcast<f32>(bits | 0x7fc00000u);
  }
  let l = tl_log2_parts(a);`;
/** The exponent times ln 2 is exact in its first part of 15 bits. */
const LOG = `${LOG_EDGES}
  return l.x * 0.693145751953125f + (l.x * 0.0000014286068f + l.y * 0.6931472f);`;
const LOG2 = `${LOG_EDGES}
  return l.x + l.y;`;
const LOG10 = `${LOG_EDGES}
  return l.x * 0.301025390625f + (l.x * 0.0000046050391f + l.y * 0.30103f);`;

/** A third of the exponent by bits, then Newton's steps: each doubles the digits. */
const CBRT = `let ua = bitcast<u32>(a) & 0x7fffffffu;
  if (ua >= 0x7f800000u || ua == 0u) { return a; }
  let x = tl_unpack(ua);
  let third = (x.y + 300) / 3 - 100;
  let m = f32(x.x << u32(x.y - 3 * third)) * 5.9604645e-8f;
  var t = 0.56271594f + m * (0.53992736f + m * (-0.11911758f + m * 0.01217961f));
  t = t - (t - m / (t * t)) * 0.33333334f;
  t = t - (t - m / (t * t)) * 0.33333334f;
  t = t - (t - m / (t * t)) * 0.33333334f;
  let r = t * 256.0f * bitcast<f32>(u32(third + 127) << 23u);
  return ${SIGNED('r')};`;
const HYPOT = `let ua = bitcast<u32>(a) & 0x7fffffffu;
  let ub = bitcast<u32>(b) & 0x7fffffffu;
  if (ua == 0x7f800000u || ub == 0x7f800000u) { return bitcast<f32>(0x7f800000u | (ua & 0u)); }
  if (ua > 0x7f800000u || ub > 0x7f800000u) { return bitcast<f32>(max(ua, ub) | 0x7fc00000u); }
  let x = bitcast<f32>(max(ua, ub));
  let y = bitcast<f32>(min(ua, ub));
  if (y == 0.0f) { return x; }
  let k = select(select(1.0f, 1.8446744e19f, x < 1e-15f), 5.421011e-20f, x > 1e18f);
  return sqrt((x * k) * (x * k) + (y * k) * (y * k)) / k;`;
const ROUND_AWAY = `let x = abs(a);
  let t = trunc(x);
  let r = select(t, t + 1.0f, x - t >= 0.5f);
  return ${SIGNED('r')};`;

export const MATH_HELPERS: { readonly [name: string]: Helper } = {
  tl_trig_reduce: { params: ['f32'], ret: 'vec2<f32>', body: REDUCE, deps: ['u64_mul', 'u64_add', 'u64_shl', 'i64_neg'] },
  tl_sin_kernel: one(SIN_KERNEL),
  tl_cos_kernel: one(COS_KERNEL),
  tl_asin_kernel: one(ASIN_KERNEL),
  tl_atan_kernel: one(ATAN_KERNEL),
  tl_sin: one(SIN, 'tl_trig_reduce', 'tl_sin_kernel', 'tl_cos_kernel'),
  tl_cos: one(COS, 'tl_trig_reduce', 'tl_sin_kernel', 'tl_cos_kernel'),
  tl_tan: one(TAN, 'tl_trig_reduce', 'tl_sin_kernel', 'tl_cos_kernel'),
  tl_asin: one(ASIN, 'is_nan', 'tl_asin_kernel'),
  tl_acos: one(ACOS, 'is_nan', 'tl_asin_kernel'),
  tl_atan: one(ATAN, 'is_nan', 'tl_atan_kernel'),
  tl_atan2: two(ATAN2, 'is_nan', 'tl_atan_kernel'),
  tl_sinh: one(SINH, 'is_nan'),
  tl_cosh: one(COSH, 'is_nan'),
  tl_tanh: one(TANH, 'is_nan'),
  tl_asinh: one(ASINH, 'is_nan', 'tl_log', 'tl_log1p'),
  tl_acosh: one(ACOSH, 'is_nan', 'tl_log', 'tl_log1p'),
  tl_atanh: one(ATANH, 'is_nan', 'tl_log1p'),
  tl_log: one(LOG, 'tl_log2_parts'),
  tl_log2: one(LOG2, 'tl_log2_parts'),
  tl_log1p: one(LOG1P, 'is_nan', 'tl_log'),
  tl_expm1: one(EXPM1, 'is_nan'),
  tl_log2_parts: { params: ['f32'], ret: 'vec2<f32>', body: LOG2_PARTS, deps: ['tl_unpack'] },
  tl_pow_magnitude: two(POW_MAGNITUDE, 'tl_log2_parts'),
  tl_pow: two(POW, 'tl_pow_magnitude'),
  tl_cbrt: one(CBRT, 'tl_unpack'),
  tl_hypot: two(HYPOT),
  tl_round_away: one(ROUND_AWAY),
  tl_is_inf: bool('return (bitcast<u32>(a) & 0x7fffffffu) == 0x7f800000u;'),
  tl_is_finite: bool('return (bitcast<u32>(a) & 0x7fffffffu) < 0x7f800000u;'),
  tl_sign_bit: { params: ['f32'], ret: 'i32', body: 'return i32(bitcast<u32>(a) >> 31u);' },
  tl_copysign: two('return bitcast<f32>((bitcast<u32>(a) & 0x7fffffffu) | (bitcast<u32>(b) & 0x80000000u));'),
  tl_exp10: one('return tl_pow(10.0f, a);', 'tl_pow'),
  tl_log10: one(LOG10, 'tl_log2_parts'),
  tl_fdim: two('return select(select(0.0f, a - b, a > b), a + b, is_nan(a) || is_nan(b));', 'is_nan'),
  tl_saturate: one('return select(0.0f, min(a, 1.0f), a > 0.0f);'),
  tl_rcp_rn: one('return tl_div_rn(1.0f, a);', 'tl_div_rn'),
  tl_clz_u64: {
    params: ['vec2<u32>'],
    ret: 'i32',
    body: 'return i32(select(32u + countLeadingZeros(a.x), countLeadingZeros(a.y), a.y != 0u));',
  },
  tl_popc_u64: { params: ['vec2<u32>'], ret: 'i32', body: 'return i32(countOneBits(a.x) + countOneBits(a.y));' },
  tl_ffs_u64: {
    params: ['vec2<u32>'],
    ret: 'i32',
    body: 'return select(select(i32(firstTrailingBit(a.y)) + 33, 0, a.y == 0u), i32(firstTrailingBit(a.x)) + 1, a.x != 0u);',
  },
  tl_brev_u64: { params: ['vec2<u32>'], ret: 'vec2<u32>', body: 'return reverseBits(a.yx);' },
};
