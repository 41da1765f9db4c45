// Correctly rounded f32 arithmetic by integers: division, square root and fused multiply-add, whatever the driver's own operations
// lose (WGSL allows 2.5 ulp in a division, and an `fma` that rounds twice). A number is taken apart into significand and
// exponent, the result is computed with all its bits, and rounded to nearest even once. Plain helpers; no IR here.

import type { Helper } from './prelude.ts';

/** |x| by its bits (finite, not zero) as a significand of 24 bits and the exponent of its lowest. */
const UNPACK = `if (a < 0x800000u) {
    let k = countLeadingZeros(a) - 8u;
    return vec2<i32>(bitcast<i32>(a << k), -149 - bitcast<i32>(k));
  }
  return vec2<i32>(bitcast<i32>((a & 0x7fffffu) | 0x800000u), bitcast<i32>(a >> 23u) - 150);`;

/**
 * The f32 nearest to b * 2^c with the sign bit a; b is not zero. With d it is rounded to odd instead: then a later rounding to
 * fewer bits is as if it were the only one.
 */
const PACK = `let top = select(31u - countLeadingZeros(b.x), 63u - countLeadingZeros(b.y), b.y != 0u);
  let shift = max(bitcast<i32>(top) - 23, -149 - c);
  var q = 0u;
  if (shift > 63) {
    let over = shift == 64 && (b.y > 0x80000000u || (b.y == 0x80000000u && b.x != 0u));
    q = select(0u, 1u, d || over);
  } else if (shift > 0) {
    q = u64_shr(b, vec2<u32>(u32(shift), 0u)).x;
    let lost = u64_shl(b, vec2<u32>(u32(64 - shift), 0u));
    let half = lost.y >> 31u;
    let rest = (lost.y << 1u) | lost.x;
    if (d) {
      q |= select(0u, 1u, (half | rest) != 0u);
    } else if (half == 1u && (rest != 0u || (q & 1u) == 1u)) {
      q += 1u;
    }
  } else {
    q = b.x << u32(-shift);
  }
  let e = c + shift + 149;
  if (e > 254) { return bitcast<f32>(a | 0x7f800000u); }
  return bitcast<f32>(a | min((u32(e) << 23u) + q, 0x7f800000u));`;

/** The quotient of the driver is a few units off at most; the exact remainder says how many. */
const DIV = `let sign = (bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u;
  let ua = bitcast<u32>(a) & 0x7fffffffu;
  let ub = bitcast<u32>(b) & 0x7fffffffu;
  if (ua > 0x7f800000u || ub > 0x7f800000u || (ua == ub && (ua == 0u || ua == 0x7f800000u))) {
    return bitcast<f32>(ua | 0x7fc00000u);
  }
  if (ua == 0x7f800000u || ub == 0u) { return bitcast<f32>(sign | 0x7f800000u); }
  if (ub == 0x7f800000u || ua == 0u) { return bitcast<f32>(sign); }
  let x = tl_unpack(ua);
  let y = tl_unpack(ub);
  let m = bitcast<u32>(y.x);
  let up = select(0u, 1u, x.x < y.x);
  let n = bitcast<u32>(x.x) << up;
  var q = u32(f32(n) / f32(m) * 16777216.0f);
  var rest = bitcast<i32>((n << 24u) - q * m);
  while (rest < 0) { q -= 1u; rest += y.x; }
  while (rest >= y.x) { q += 1u; rest -= y.x; }
  return tl_pack(sign, vec2<u32>((q << 1u) | select(0u, 1u, rest != 0), 0u), x.y - y.y - 25 - i32(up), false);`;

/** The root has 24 bits and is never half way between two numbers. */
const SQRT = `let bits = bitcast<u32>(a);
  if ((bits & 0x7fffffffu) > 0x7f800000u || bits == 0x7f800000u || (bits & 0x7fffffffu) == 0u) { return a; }
  if ((bits >> 31u) == 1u) { return bitcast<f32>(bits | 0x7fc00000u); }
  let x = tl_unpack(bits);
  let up = 23u + (bitcast<u32>(x.y + 1) & 1u);
  var r = u32(sqrt(f32(x.x) * f32(1u << up)));
  var rest = bitcast<i32>((bitcast<u32>(x.x) << up) - r * r);
  while (rest < 0) { rest += bitcast<i32>(2u * r) - 1; r -= 1u; }
  while (rest > bitcast<i32>(2u * r)) { rest -= bitcast<i32>(2u * r) + 1; r += 1u; }
  let q = r + select(0u, 1u, rest > bitcast<i32>(r));
  return tl_pack(0u, vec2<u32>(q, 0u), (x.y - i32(up)) / 2, false);`;

/**
 * a * b + c with one rounding (to odd, with d). Both terms are integers of 63 bits with an exponent; of the smaller one, the bits
 * that are shifted out are gathered in its lowest.
 */
const FMA = `let ua = bitcast<u32>(a) & 0x7fffffffu;
  let ub = bitcast<u32>(b) & 0x7fffffffu;
  let uc = bitcast<u32>(c) & 0x7fffffffu;
  let sp = (bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u;
  let sw = bitcast<u32>(c) & 0x80000000u;
  if (ua >= 0x7f800000u || ub >= 0x7f800000u || uc >= 0x7f800000u) {
    let infinite = ua == 0x7f800000u || ub == 0x7f800000u;
    let invalid = infinite && (ua == 0u || ub == 0u || (uc == 0x7f800000u && sp != sw));
    if (invalid || max(max(ua, ub), uc) > 0x7f800000u) { return bitcast<f32>(ua | 0x7fc00000u); }
    return select(c, bitcast<f32>(sp | 0x7f800000u), infinite);
  }
  if (ua == 0u || ub == 0u) { return select(c, bitcast<f32>(sp & sw), uc == 0u); }
  let x = tl_unpack(ua);
  let y = tl_unpack(ub);
  var p = u64_mul(vec2<u32>(bitcast<u32>(x.x), 0u), vec2<u32>(bitcast<u32>(y.x), 0u));
  let up = countLeadingZeros(p.y) - 1u;
  p = u64_shl(p, vec2<u32>(up, 0u));
  let ep = x.y + y.y - i32(up);
  if (uc == 0u) { return tl_pack(sp, p, ep, d); }
  let z = tl_unpack(uc);
  let w = vec2<u32>(0u, bitcast<u32>(z.x) << 7u);
  let ew = z.y - 39;
  let first = ep > ew || (ep == ew && !u64_lt(p, w));
  let big = select(w, p, first);
  let small = select(p, w, first);
  let e = max(ep, ew);
  let by = u32(e - min(ep, ew));
  var s = vec2<u32>(1u, 0u);
  if (by == 0u) {
    s = small;
  } else if (by < 63u) {
    s = u64_shr(small, vec2<u32>(by, 0u));
    s.x |= select(0u, 1u, any(u64_shl(small, vec2<u32>(64u - by, 0u)) != vec2<u32>(0u)));
  }
  let sign = select(sw, sp, first);
  if (sp == sw) { return tl_pack(sign, u64_add(big, s), e, d); }
  let r = u64_sub(big, s);
  if ((r.x | r.y) == 0u) { return 0.0f; }
  return tl_pack(sign, r, e, d);`;

/** Drivers either fuse or not: (1 + 2^-12)² - (1 + 2^-11) is 2^-24 or 0. The numbers stand in the uniform block, unseen by the compiler. */
const FUSED = `if (fma(u.fma_x, u.fma_x, u.fma_y) != 0.0f) { return fma(a, b, c); }
  return tl_fma_bits(a, b, c, false);`;

const V = 'vec2<u32>';
const PRODUCT = `let p = u64_mul(vec2<u32>(a.x, 0u), vec2<u32>(b.x, 0u)).y;
  let m = u64_mul(vec2<u32>(a.y, 0u), vec2<u32>(b.x, 0u));
  let n = u64_mul(vec2<u32>(a.x, 0u), vec2<u32>(b.y, 0u));
  let mid = u64_add(u64_add(vec2<u32>(p, 0u), vec2<u32>(m.x, 0u)), vec2<u32>(n.x, 0u)).y;
  let h = u64_mul(vec2<u32>(a.y, 0u), vec2<u32>(b.y, 0u));
  return u64_add(u64_add(h, vec2<u32>(mid, 0u)), u64_add(vec2<u32>(m.y, 0u), vec2<u32>(n.y, 0u)));`;

export const EXACT_HELPERS: { readonly [name: string]: Helper } = {
  tl_unpack: { params: ['u32'], ret: 'vec2<i32>', body: UNPACK },
  tl_pack: { params: ['u32', V, 'i32', 'bool'], ret: 'f32', body: PACK, deps: ['u64_shl', 'u64_shr'] },
  tl_div_rn: { params: ['f32', 'f32'], ret: 'f32', body: DIV, deps: ['tl_unpack', 'tl_pack'] },
  tl_sqrt_rn: { params: ['f32'], ret: 'f32', body: SQRT, deps: ['tl_unpack', 'tl_pack'] },
  tl_fma_bits: {
    params: ['f32', 'f32', 'f32', 'bool'],
    ret: 'f32',
    body: FMA,
    deps: ['tl_unpack', 'tl_pack', 'u64_mul', 'u64_shl', 'u64_shr', 'u64_lt', 'u64_add', 'u64_sub'],
  },
  tl_fma_rn: { params: ['f32', 'f32', 'f32'], ret: 'f32', body: FUSED, deps: ['tl_fma_bits'] },
  tl_fma_odd: { params: ['f32', 'f32', 'f32'], ret: 'f32', body: 'return tl_fma_bits(a, b, c, true);', deps: ['tl_fma_bits'] },
  tl_mulhi_u32: {
    params: ['u32', 'u32'],
    ret: 'u32',
    body: 'return u64_mul(vec2<u32>(a, 0u), vec2<u32>(b, 0u)).y;',
    deps: ['u64_mul'],
  },
  tl_mulhi_i32: {
    params: ['i32', 'i32'],
    ret: 'i32',
    body: 'return bitcast<i32>(tl_mulhi_u32(bitcast<u32>(a), bitcast<u32>(b)));',
    deps: ['tl_mulhi_u32'],
  },
  tl_mulhi_u64: { params: [V, V], ret: V, body: PRODUCT, deps: ['u64_mul', 'u64_add'] },
};
