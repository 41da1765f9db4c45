// WGSL of atomic operations: one function per operation, dtype and buffer, since WGSL passes no pointers into storage. Words of 32
// bits have the language's own atomics; floats, halves of words and everything else go through compare-exchange until no one
// interferes. 64-bit integers are two words: sums carry, bits need no more. A lane whose last argument is false does nothing.

import { DTYPES, type DType, type DTypeName } from '../../dsl/types.ts';
import type { Helper } from './prelude.ts';

const NATIVE: { readonly [op: string]: string } = {
  atomic_add: 'atomicAdd',
  atomic_max: 'atomicMax',
  atomic_min: 'atomicMin',
  atomic_and: 'atomicAnd',
  atomic_or: 'atomicOr',
  atomic_xor: 'atomicXor',
  atomic_xchg: 'atomicExchange',
};
/** Positive numbers compare as signed integers, negative ones the other way round as unsigned: as in Triton, NaN included. */
const F32_MAX = 'select(min(old, b), bitcast<u32>(max(bitcast<i32>(old), bitcast<i32>(b))), b < 0x80000000u)';
const F32_MIN = 'select(max(old, b), bitcast<u32>(min(bitcast<i32>(old), bitcast<i32>(b))), b < 0x80000000u)';
/** The next bits of an f32 from `old` and the operand's bits `b`. */
const F32: { readonly [op: string]: string } = {
  atomic_add: 'bitcast<u32>(bitcast<f32>(old) + bitcast<f32>(b))',
  atomic_max: F32_MAX,
  atomic_min: F32_MIN,
};

/** Replaces word `at` by `next` (of its value `word`) until no one comes between; `back` is what is returned. */
const retry = (at: string, next: string, back: string, done = 'false'): string =>
  `var word = atomicLoad(&${at});
  loop {
    ${next}
    if (${done}) { return ${back}; }
    let r = atomicCompareExchangeWeak(&${at}, word, full);
    if (r.exchanged) { return ${back}; }
    word = r.old_value;
  }`;
const cas = (at: string, cmp: string, val: string, back: (x: string) => string): string =>
  `loop {
    let r = atomicCompareExchangeWeak(&${at}, ${cmp}, ${val});
    if (r.exchanged || r.old_value != ${cmp}) { return ${back('r.old_value')}; }
  }`;

function word32(op: string, d: DType, at: string): string {
  const float = d.is_floating();
  const back = (x: string): string => (float ? `bitcast<f32>(${x})` : x);
  if (op === 'atomic_cas')
    return `if (!d) { return ${back(float ? '0u' : d.is_int_signed() ? '0' : '0u')}; }
  ${float ? `let cmp = bitcast<u32>(b);\n  let val = bitcast<u32>(c);\n  ${cas(at, 'cmp', 'val', back)}` : cas(at, 'b', 'c', back)}`;
  if (!float) return `if (!c) { return ${d.is_int_signed() ? '0' : '0u'}; }\n  return ${NATIVE[op]}(&${at}, b);`;
  if (op === 'atomic_xchg') return `if (!c) { return 0.0f; }\n  return bitcast<f32>(atomicExchange(&${at}, bitcast<u32>(b)));`;
  const next = F32[op].replaceAll('old', 'word').replaceAll(/\bb\b/g, 'bits');
  return `if (!c) { return 0.0f; }\n  let bits = bitcast<u32>(b);\n  ${retry(at, `let full = ${next};`, 'bitcast<f32>(word)', 'full == word')}`;
}

/** Half a word: f16, bf16, and compare-exchange of any 16 bits. */
function word16(op: string, d: DType, buffer: string): string {
  const at = `${buffer}[a >> 1u]`;
  const decode = (x: string): string =>
    d === DTYPES.f16
      ? `unpack2x16float(${x}).x`
      : d === DTYPES.bf16
        ? `bitcast<f32>(${x} << 16u)`
        : d.is_int_signed()
          ? `(bitcast<i32>(${x} << 16u) >> 16u)`
          : x;
  const encode = (x: string): string =>
    d === DTYPES.f16
      ? `f16_encode(f16_round(${x}))`
      : d === DTYPES.bf16
        ? `(bitcast<u32>(bf16_round(${x})) >> 16u)`
        : d.is_int_signed()
          ? `(bitcast<u32>(${x}) & 65535u)`
          : x;
  const zero = d.is_floating() ? '0.0f' : d.is_int_signed() ? '0' : '0u';
  const start = `let s = u32(a & 1) * 16u;`;
  const put = (x: string): string => `let old = (word >> s) & 65535u;\n    let full = (word & ~(65535u << s)) | ((${x}) << s);`;
  if (op === 'atomic_cas')
    return `if (!d) { return ${zero}; }\n  ${start}\n  let cmp = ${encode('b')};\n  let val = ${encode('c')};\n  ${retry(at, put('val'), decode('old'), 'old != cmp')}`;
  return `if (!c) { return ${zero}; }\n  ${start}\n  ${retry(at, put(encode(`${decode('old')} + b`)), decode('old'))}`;
}

/** Two words. Sums: whoever adds to the low word knows whether that carried. */
function word64(op: string, buffer: string): string | undefined {
  const [lo, hi] = [`${buffer}[2 * a]`, `${buffer}[2 * a + 1]`];
  const off = 'if (!c) { return vec2<u32>(0u); }';
  if (op === 'atomic_add')
    return `${off}\n  let lo = atomicAdd(&${lo}, b.x);\n  let carry = select(0u, 1u, lo + b.x < lo);\n  return vec2<u32>(lo, atomicAdd(&${hi}, b.y + carry));`;
  if (op === 'atomic_and' || op === 'atomic_or' || op === 'atomic_xor')
    return `${off}\n  return vec2<u32>(${NATIVE[op]}(&${lo}, b.x), ${NATIVE[op]}(&${hi}, b.y));`;
  return undefined;
}

/** Whether the element ends up right without a lock; what is returned is only a snapshot where one word is enough. */
export const isTwoWordAtomic = (op: string): boolean => word64(op, '') !== undefined;

const REGISTER = (d: DType): string =>
  d.bits === 64 ? 'vec2<u32>' : d.is_floating() ? 'f32' : d.is_int_signed() ? 'i32' : 'u32';

/** The function of a name like `tl_rmw_atomic_add_f32__out`: operation, dtype, buffer. */
export function atomicHelper(name: string): Helper | undefined {
  const m = /^tl_rmw_(atomic_[a-z]+)_([a-z0-9]+)__(.+)$/.exec(name);
  if (!m) return undefined;
  const [, op, dtype, buffer] = m;
  const d = DTYPES[dtype as DTypeName];
  const body = d.bits === 64 ? word64(op, buffer) : d.bits === 16 ? word16(op, d, buffer) : word32(op, d, `${buffer}[a]`);
  if (!body) return undefined;
  const values = op === 'atomic_cas' ? 2 : 1;
  const deps = d === DTYPES.f16 ? ['f16_encode', 'f16_round'] : d === DTYPES.bf16 ? ['bf16_round'] : [];
  return { params: ['i32', ...Array<string>(values).fill(REGISTER(d)), 'bool'], ret: REGISTER(d), body, deps };
}
