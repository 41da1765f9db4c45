// The WGSL helper functions that emitted code may call, with what each needs; only those that are used are printed. A helper
// is written for scalars; `name_v2` and `name_v4` are made from it. Exact where the row says exact: 64-bit integers on two
// words, NaN tests on bits (drivers fold or mis-order the float forms). No IR here.

import { inlineFunction } from '../../dsl/ops/inline.ts';
import { atomicHelper } from './atomics.ts';
import { CASTS, registerType } from './casts.ts';
import { EXACT_HELPERS } from './exactHelpers.ts';
import { MATH_HELPERS } from './mathHelpers.ts';
import { SMALL_FLOATS } from './smallFloats.ts';
import { SORT_HELPERS } from './sortHelpers.ts';

/** A helper: parameter types, result type (empty for none), body (parameters are a, b, c, …), helpers it calls, module-scope declarations. */
export interface Helper {
  readonly params: readonly string[];
  readonly ret: string;
  readonly body: string;
  readonly deps?: readonly string[];
  readonly decl?: string;
}
const fn = (params: string, ret: string, body: string, ...deps: string[]): Helper => ({
  params: params.split(' '),
  ret,
  body,
  deps,
});
const V = 'vec2<u32>';
const V2 = `${V} ${V}`;

/** Shift-and-subtract division of two-word integers: quotient in .xy, remainder in .zw. x / 0 is x, x % 0 is 0. */
const UDIVREM = `if (b.x == 0u && b.y == 0u) { return vec4<u32>(a, 0u, 0u); }
  if (a.y == 0u && b.y == 0u) { return vec4<u32>(a.x / b.x, 0u, a.x % b.x, 0u); }
  var q = vec2<u32>(0u);
  var r = vec2<u32>(0u);
  for (var i = 63; i >= 0; i--) {
    let top = r.y >> 31u;
    r = vec2<u32>((r.x << 1u) | (select(a.x >> u32(i & 31), a.y >> u32(i & 31), i > 31) & 1u), (r.y << 1u) | (r.x >> 31u));
    if (top == 1u || r.y > b.y || (r.y == b.y && r.x >= b.x)) {
      r = u64_sub(r, b);
      if (i > 31) { q.y |= 1u << u32(i & 31); } else { q.x |= 1u << u32(i & 31); }
    }
  }
  return vec4<u32>(q, r);`;

const ADD = 'let lo = a.x + b.x; return vec2<u32>(lo, a.y + b.y + select(0u, 1u, lo < a.x));';
const SUB = 'return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));';
const MUL = `let al = a.x & 65535u; let ah = a.x >> 16u; let bl = b.x & 65535u; let bh = b.x >> 16u;
  let mid = ah * bl + ((al * bl) >> 16u);
  let mid2 = al * bh + (mid & 65535u);
  return vec2<u32>(a.x * b.x, ah * bh + (mid >> 16u) + (mid2 >> 16u) + a.x * b.y + a.y * b.x);`;
const SHL = `let n = b.x & 63u;
  if (n == 0u) { return a; }
  if (n >= 32u) { return vec2<u32>(0u, a.x << (n & 31u)); }
  return vec2<u32>(a.x << n, (a.y << n) | (a.x >> (32u - n)));`;
const shr = (fill: string, high: string) => `let n = b.x & 63u;
  if (n == 0u) { return a; }
  let up = ${fill};
  if (n >= 32u) { return vec2<u32>(${high.replace('N', '(n & 31u)')}, up); }
  return vec2<u32>((a.x >> n) | (a.y << (32u - n)), ${high.replace('N', 'n')});`;
const ARITH_HIGH = 'bitcast<u32>(bitcast<i32>(a.y) >> N)';

const words: { [name: string]: Helper } = {
  i64_neg: fn(V, V, 'return u64_sub(vec2<u32>(0u), a);', 'u64_sub'),
  i64_abs: fn(V, V, 'return select(a, i64_neg(a), (a.y >> 31u) == 1u);', 'i64_neg'),
  u64_divrem: fn(V2, 'vec4<u32>', UDIVREM, 'u64_sub'),
  u64_div: fn(V2, V, 'return u64_divrem(a, b).xy;', 'u64_divrem'),
  u64_rem: fn(V2, V, 'return u64_divrem(a, b).zw;', 'u64_divrem'),
  i64_div: fn(
    V2,
    V,
    `if (b.x == 0u && b.y == 0u) { return a; }
  let q = u64_divrem(i64_abs(a), i64_abs(b)).xy;
  return select(q, i64_neg(q), ((a.y ^ b.y) >> 31u) == 1u);`,
    'u64_divrem',
    'i64_abs',
    'i64_neg',
  ),
  i64_rem: fn(
    V2,
    V,
    'let r = u64_divrem(i64_abs(a), i64_abs(b)).zw; return select(r, i64_neg(r), (a.y >> 31u) == 1u);',
    'u64_divrem',
    'i64_abs',
    'i64_neg',
  ),
  i64_shl: fn(V2, V, SHL),
  u64_shl: fn(V2, V, SHL),
  u64_shr: fn(V2, V, shr('0u', '(a.y >> N)')),
  i64_shr: fn(V2, V, shr('bitcast<u32>(bitcast<i32>(a.y) >> 31u)', ARITH_HIGH)),
  u64_lt: fn(V2, 'bool', 'return a.y < b.y || (a.y == b.y && a.x < b.x);'),
  i64_lt: fn(V2, 'bool', 'return bitcast<i32>(a.y) < bitcast<i32>(b.y) || (a.y == b.y && a.x < b.x);'),
};
for (const s of ['i64', 'u64']) {
  const lt = `${s}_lt`;
  Object.assign(words, {
    [`${s}_add`]: fn(V2, V, ADD),
    [`${s}_sub`]: fn(V2, V, SUB),
    [`${s}_mul`]: fn(V2, V, MUL),
    [`${s}_and`]: fn(V2, V, 'return a & b;'),
    [`${s}_or`]: fn(V2, V, 'return a | b;'),
    [`${s}_xor`]: fn(V2, V, 'return a ^ b;'),
    [`${s}_eq`]: fn(V2, 'bool', 'return all(a == b);'),
    [`${s}_ne`]: fn(V2, 'bool', 'return any(a != b);'),
    [`${s}_gt`]: fn(V2, 'bool', `return ${lt}(b, a);`, lt),
    [`${s}_le`]: fn(V2, 'bool', `return !${lt}(b, a);`, lt),
    [`${s}_ge`]: fn(V2, 'bool', `return !${lt}(a, b);`, lt),
    [`${s}_min`]: fn(V2, V, `return select(a, b, ${lt}(b, a));`, lt),
    [`${s}_max`]: fn(V2, V, `return select(a, b, ${lt}(a, b));`, lt),
  });
}

const floats: { [name: string]: Helper } = {
  is_nan: fn('f32', 'bool', 'return (bitcast<u32>(a) & 0x7fffffffu) > 0x7f800000u;'),
  fne: fn('f32 f32', 'bool', 'return a != b || is_nan(a) || is_nan(b);', 'is_nan'),
  // c, or NaN where a or b is: `min` and `max` drop it.
  keep_nan: fn(
    'f32 f32 f32',
    'f32',
    'return bitcast<f32>(select(bitcast<u32>(c), 0x7fc00000u, is_nan(a) || is_nan(b)));',
    'is_nan',
  ),
  exp_or_nan: fn('f32', 'f32', 'return keep_nan(a, a, exp(a));', 'keep_nan'),
  exp2_or_nan: fn('f32', 'f32', 'return keep_nan(a, a, exp2(a));', 'keep_nan'),
  erf: fn(
    'f32',
    'f32',
    `let t = min(abs(a), 4.05f);
  if (is_nan(a)) { return a; }
  if (t < 1e-9f) { return a * 1.1283791671f; }
  if (t < 1.0f) {
    let s = a * a;
    var r = -0.000009667044650996104f;
    r = fma(r, s, 0.00011265958892181516f);
    r = fma(r, s, -0.0008484080317430198f);
    r = fma(r, s, 0.005221031606197357f);
    r = fma(r, s, -0.026865430176258087f);
    r = fma(r, s, 0.11283782124519348f);
    r = fma(r, s, -0.37612637877464294f);
    r = fma(r, s, 0.12837916612625122f);
    return fma(r, a, a);
  }
  var r = -0.0000016168066849786555f;
  r = fma(r, t, 0.000045669570681639016f);
  r = fma(r, t, -0.000593647884670645f);
  r = fma(r, t, 0.004745349753648043f);
  r = fma(r, t, -0.026382185518741608f);
  r = fma(r, t, 0.11001409590244293f);
  r = fma(r, t, 0.6318936347961426f);
  r = fma(r, t, 1.1301952600479126f);
  r = fma(r, t, -0.00031099183252081275f);
  return sign(a) * (1.0f - exp(-r));`,
    'is_nan',
  ),
  // Exact: subtracts y times the largest power of two that fits, until less than y is left.
  fmod: fn(
    'f32 f32',
    'f32',
    `var x = abs(a);
  let y = abs(b);
  if (is_nan(a) || is_nan(b) || x > 3.4028234e38f || y == 0.0f) { return bitcast<f32>(bitcast<u32>(a) | 0x7fc00000u); }
  if (y > 3.4028234e38f) { return a; }
  let ey = i32(bitcast<u32>(y) >> 23u);
  while (x >= y) {
    let up = max(i32(bitcast<u32>(x) >> 23u) - ey, 0);
    var t = select(y, bitcast<f32>(bitcast<u32>(y) + (u32(up) << 23u)), ey > 0);
    if (t > x) { t = t * 0.5f; }
    x = x - t;
  }
  return bitcast<f32>(bitcast<u32>(x) | (bitcast<u32>(a) & 0x80000000u));`,
    'is_nan',
  ),
};

// Workgroup variables have 16 bytes: drivers place them one behind the other, and a matrix is loaded from the 16-byte boundary below
// its address, whatever that is (seen on an H100: matrices shifted by a word behind a variable of 4 bytes).
const uniformly: { [name: string]: Helper } = {
  // The flag is taken back at once, so that it is 0 whenever this is called.
  any_uniform: {
    params: ['bool', 'i32'],
    ret: 'bool',
    body: `if (a) { flag_any.x = 1u; }
  let r = workgroupUniformLoad(&flag_any).x != 0u;
  if (r) {
    if (b == 0) { flag_any.x = 0u; }
    workgroupBarrier();
  }
  return r;`,
    decl: 'var<workgroup> flag_any: vec4<u32>;',
  },
};
for (const [name, type] of [
  ['bool', 'bool'],
  ['i32', 'i32'],
  ['u32', 'u32'],
  ['f32', 'f32'],
  ['f16', 'f32'],
  ['bf16', 'f32'],
  ['fp8e4nv', 'f32'],
  ['fp8e5', 'f32'],
  ['i8', 'i32'],
  ['i16', 'i32'],
  ['u8', 'u32'],
  ['u16', 'u32'],
  ['i64', V],
  ['u64', V],
])
  uniformly[`make_uniform_${name}`] = {
    params: [type, 'i32'],
    ret: type,
    body: `if (b == 0) { uniform_${name} = vec4<${type === V ? 'u32' : type}>(${type === V ? 'a, a' : 'a'}); }\n  return workgroupUniformLoad(&uniform_${name})${type === V ? '.xy' : '.x'};`,
    decl: `var<workgroup> uniform_${name}: vec4<${type === V ? 'u32' : type}>;`,
  };

const HELPERS: { readonly [name: string]: Helper } = {
  ...words,
  ...floats,
  ...SMALL_FLOATS,
  ...uniformly,
  ...CASTS,
  ...EXACT_HELPERS,
  ...MATH_HELPERS,
  ...SORT_HELPERS,
};

const LETTERS = 'abcdefgh';
/** A kernel's own WGSL expression as a function. */
function inlineHelper(name: string | undefined): Helper | undefined {
  const f = name === undefined ? undefined : inlineFunction(name);
  if (!f) return undefined;
  const text = f.text.replaceAll(/\$(\d+)/g, (_, k) => LETTERS[Number(k)]);
  return { params: f.params.map((d) => registerType(d)!), ret: registerType(f.result)!, body: `return ${text};` };
}

/** The helper of a name, vector forms (`_v2`, `_v4`) included; undefined where there is none. */
export function helperOf(name: string): Helper | undefined {
  const atomic = atomicHelper(name) ?? inlineHelper(/^(tl_inline_[0-9a-f]+)$/.exec(name)?.[1]);
  if (atomic) return atomic;
  const m = /^(.+)_v([24])$/.exec(name);
  const base = HELPERS[m ? m[1] : name] ?? (m ? inlineHelper(m[1]) : undefined);
  if (!m || !base) return base;
  const n = Number(m[2]);
  const parts = [...'xyzw'.slice(0, n)].map((c) => `${m[1]}(${base.params.map((_, i) => `${LETTERS[i]}.${c}`).join(', ')})`);
  return {
    params: base.params.map((p) => `vec${n}<${p}>`),
    ret: `vec${n}<${base.ret}>`,
    body: `return vec${n}<${base.ret}>(${parts.join(', ')});`,
    deps: [m[1]],
  };
}

/** Module-scope text of the helpers and all they need, each once, in order of need. */
export function preludeText(names: Iterable<string>, instead: { readonly [name: string]: Helper } = {}): string[] {
  const out: string[] = [];
  const seen = new Set<string>();
  const add = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const h = instead[name] ?? helperOf(name);
    if (!h) throw new Error(`internal: no WGSL helper '${name}'`);
    for (const d of h.deps ?? []) add(d);
    if (h.decl) out.push(h.decl);
    out.push(
      `fn ${name}(${h.params.map((t, i) => `${LETTERS[i]}: ${t}`).join(', ')})${h.ret && ` -> ${h.ret}`} {`,
      ...`  ${h.body}`.split('\n'),
      '}',
    );
  };
  for (const n of [...names].sort()) add(n);
  return out;
}
