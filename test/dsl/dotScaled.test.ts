// tl.dot_scaled on every device against products in double precision of what the formats' bits mean.

import { expect, it } from 'vitest';
import { kernel, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

type Format = 'e2m1' | 'e4m3' | 'e5m2' | 'bf16' | 'fp16';
interface Scaled {
  a: tl.ptr; b: tl.ptr; sa?: tl.ptr | null; sb?: tl.ptr | null; acc?: tl.ptr<tl.f32> | null; out: tl.ptr<tl.f32>;
  M: tl.constexpr; N: tl.constexpr; K: tl.constexpr;
  FA: tl.constexpr<Format>; FB: tl.constexpr<Format>;
  PA: tl.constexpr<boolean>; PB: tl.constexpr<boolean>;
  AS: tl.constexpr; // elements of a scale
} // biome-ignore format: one line a group

const scaled = kernel(function scaled({ a, b, sa = null, sb = null, acc = null, out, M, N, K, FA, FB, PA, PB, AS }: Scaled) {
  const [pa, pb] = [FA === 'e2m1' ? 2 : 1, FB === 'e2m1' ? 2 : 1];
  const [ma, ka] = PA ? [M, tl.cdiv(K, pa)] : [tl.cdiv(M, pa), K];
  const [kb, nb] = PB ? [tl.cdiv(K, pb), N] : [K, tl.cdiv(N, pb)];
  const x = tl.load(a + tl.col(tl.arange(0, ma)) * ka + tl.row(tl.arange(0, ka)));
  const y = tl.load(b + tl.col(tl.arange(0, kb)) * nb + tl.row(tl.arange(0, nb)));
  const groups = tl.cdiv(K, AS);
  const s = sa === null ? null : tl.load(sa + tl.col(tl.arange(0, M)) * groups + tl.row(tl.arange(0, groups)));
  const r = sb === null ? null : tl.load(sb + tl.col(tl.arange(0, N)) * groups + tl.row(tl.arange(0, groups)));
  const at = tl.col(tl.arange(0, M)) * N + tl.row(tl.arange(0, N));
  const before = acc === null ? null : tl.load(acc + at);
  tl.store(out + at, tl.dot_scaled(x, s, FA, y, r, FB, { acc: before, lhs_k_pack: PA, rhs_k_pack: PB }));
});

const batched = kernel(function batched({ a, b, sa, sb, out }: { a: tl.ptr; b: tl.ptr; sa: tl.ptr; sb: tl.ptr; out: tl.ptr }) {
  const x = tl.reshape(tl.load(a + tl.arange(0, 2 * 8 * 16)), [2, 8, 16]);
  const y = tl.reshape(tl.load(b + tl.arange(0, 2 * 32 * 16)), [2, 32, 16]);
  const s = tl.reshape(tl.load(sa + tl.arange(0, 16)), [2, 8, 1]);
  const r = tl.reshape(tl.load(sb + tl.arange(0, 32)), [2, 16, 1]);
  const z = tl.dot_scaled(x, s, 'e2m1', y, r, 'e5m2', { fast_math: true });
  tl.store(out + tl.arange(0, 2 * 8 * 16), tl.reshape(z, [2 * 8 * 16]));
});

/** A float of `exponent` and `fraction` bits, the bias in the middle, from its bits. */
function decode(bits: number, exponent: number, fraction: number, special: 'ieee' | 'e4m3' | 'none'): number {
  const sign = (bits >> (exponent + fraction)) & 1 ? -1 : 1;
  const [e, f] = [(bits >> fraction) & (2 ** exponent - 1), bits & (2 ** fraction - 1)];
  const bias = 2 ** (exponent - 1) - 1;
  if (special === 'ieee' && e === 2 ** exponent - 1) return f ? Number.NaN : sign * Infinity;
  if (special === 'e4m3' && (bits & 0x7f) === 0x7f) return Number.NaN;
  return sign * (e ? 1 + f / 2 ** fraction : f / 2 ** fraction) * 2 ** ((e || 1) - bias);
}
const VALUE: { readonly [F in Format]: (bits: number) => number } = {
  e2m1: (x) => decode(x, 2, 1, 'none'),
  e4m3: (x) => decode(x, 4, 3, 'e4m3'),
  e5m2: (x) => decode(x, 5, 2, 'ieee'),
  bf16: (x) => decode(x, 8, 7, 'ieee'),
  fp16: (x) => decode(x, 5, 10, 'ieee'),
};
const random = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed >>> 8;
};
/** Bits of elements: any of the 4-bit and fp8 formats that are finite, the wider ones of moderate size. */
function elementBits(format: Format, n: number, seed: number): Uint16Array {
  const next = random(seed);
  const one = (): number => {
    if (format === 'e2m1') return next() & 15;
    if (format === 'bf16') return ((next() & 1) << 15) | ((120 + (next() % 12)) << 7) | (next() & 127);
    if (format === 'fp16') return ((next() & 1) << 15) | ((10 + (next() % 8)) << 10) | (next() & 1023);
    const bits = next() & 255;
    return Number.isFinite(VALUE[format](bits)) ? bits : 0;
  };
  return Uint16Array.from({ length: n }, one);
}
/** Rows × columns of elements as they lie in memory, e2m1 packed along its dimension. */
function stored(format: Format, bits: Uint16Array, rows: number, cols: number, alongCols: boolean): Uint8Array | Uint16Array {
  if (format === 'bf16' || format === 'fp16') return bits;
  if (format !== 'e2m1') return Uint8Array.from(bits);
  const at = (r: number, c: number): number => bits[r * cols + c];
  if (alongCols)
    return Uint8Array.from({ length: (rows * cols) / 2 }, (_, i) => {
      const [r, c] = [Math.floor(i / (cols / 2)), i % (cols / 2)];
      return at(r, 2 * c) | (at(r, 2 * c + 1) << 4);
    });
  return Uint8Array.from({ length: (rows * cols) / 2 }, (_, i) => {
    const [r, c] = [Math.floor(i / cols), i % cols];
    return at(2 * r, c) | (at(2 * r + 1, c) << 4);
  });
}
const power = (s: number): number => (s === 255 ? Number.NaN : s === 0 ? 0 : 2 ** (s - 127));
const scales = (n: number, seed: number): Uint8Array => Uint8Array.from({ length: n }, random(seed)).map((s) => 119 + (s % 16));

/** The product, and the sum of magnitudes that its rounding is measured by. */
function reference(x: (m: number, k: number) => number, y: (k: number, n: number) => number, M: number, N: number, K: number) {
  const out: { sum: number; size: number }[] = [];
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++) {
      let [sum, size] = [0, 0];
      for (let k = 0; k < K; k++) {
        const p = x(m, k) * y(k, n);
        sum += p;
        size += Math.abs(p);
      }
      out.push({ sum, size });
    }
  return out;
}
function compare(got: ArrayLike<number>, want: readonly { sum: number; size: number }[]): void {
  const wrong = want.flatMap(({ sum, size }, i) => {
    const ok = Number.isNaN(sum) ? Number.isNaN(got[i]) : Math.abs(got[i] - sum) <= size * 2 ** -20;
    return ok ? [] : [`${i}: ${got[i]} instead of ${sum}`];
  });
  expect(wrong).toEqual([]);
}

interface Case {
  FA: Format;
  FB: Format;
  M: number;
  N: number;
  K: number;
  /** Without it both sides are packed along K. */
  packs?: readonly [boolean, boolean];
  scales?: 'both' | 'left' | 'right' | 'none' | 'fp8';
  acc?: boolean;
  /** Elements stand under their fp8 or 16-bit dtype instead of their bits'. */
  typed?: boolean;
}
const CASES: readonly Case[] = [
  { FA: 'e2m1', FB: 'e2m1', M: 16, N: 16, K: 64 },
  { FA: 'e2m1', FB: 'e4m3', M: 32, N: 8, K: 32, scales: 'both', acc: true },
  { FA: 'e2m1', FB: 'e2m1', M: 16, N: 32, K: 32, packs: [false, false] },
  { FA: 'e2m1', FB: 'e2m1', M: 8, N: 16, K: 64, packs: [true, false], scales: 'right' },
  { FA: 'e2m1', FB: 'bf16', M: 16, N: 16, K: 128, packs: [false, true], scales: 'left' },
  { FA: 'e5m2', FB: 'e4m3', M: 16, N: 16, K: 64, typed: true },
  { FA: 'e4m3', FB: 'e5m2', M: 64, N: 16, K: 32, scales: 'none' },
  { FA: 'bf16', FB: 'e2m1', M: 16, N: 16, K: 64, scales: 'right', typed: true },
  { FA: 'fp16', FB: 'e2m1', M: 16, N: 16, K: 32, scales: 'right' },
  { FA: 'fp16', FB: 'fp16', M: 16, N: 16, K: 16, scales: 'none', typed: true },
  { FA: 'bf16', FB: 'bf16', M: 16, N: 16, K: 32 },
  { FA: 'e2m1', FB: 'e2m1', M: 16, N: 16, K: 32, scales: 'fp8' },
];

onEachDevice('tl.dot_scaled', (dev) => {
  it.each(CASES.map((c) => [`${c.FA} times ${c.FB}, ${c.M}x${c.N}x${c.K}, scales: ${c.scales ?? 'both'}`, c] as const))(
    '%s',
    async (_, c) => {
      const { FA, FB, M, N, K, packs: [PA, PB] = [true, true], scales: which = 'both' } = c;
      const d = dev();
      const [x, y] = [elementBits(FA, M * K, 3), elementBits(FB, K * N, 5)];
      const held = (f: Format, data: Uint8Array | Uint16Array) => {
        const own = { e2m1: 'u8', e4m3: 'fp8e4nv', e5m2: 'fp8e5', bf16: 'bf16', fp16: 'f16' } as const;
        return d.tensor(data, { dtype: c.typed ? own[f] : data instanceof Uint8Array ? 'u8' : 'u16' });
      };
      const AS = which === 'fp8' ? 16 : 32;
      const groups = Math.ceil(K / AS);
      const some = (on: boolean, rows: number, seed: number): Uint8Array | null => {
        if (!on) return null;
        if (which === 'fp8') return Uint8Array.from(elementBits('e4m3', rows * groups, seed));
        const s = scales(rows * groups, seed);
        // One row that is not a number, one that is zero.
        s[rows > 2 ? groups : 0] = 255;
        s[s.length - 1] = 0;
        return s;
      };
      const sa = some(which !== 'none' && which !== 'right', M, 7);
      const sb = some(which !== 'none' && which !== 'left', N, 9);
      const factor = which === 'fp8' ? VALUE.e4m3 : power;
      const tensor = (s: Uint8Array | null) => (s ? d.tensor(s, { dtype: which === 'fp8' ? 'fp8e4nv' : 'u8' }) : null);
      const acc = c.acc ? Float32Array.from({ length: M * N }, (_, i) => (i % 13) - 6) : null;
      const out = d.full([M * N], -7, 'f32');
      const a = held(FA, stored(FA, x, M, K, PA));
      const b = held(FB, stored(FB, y, K, N, !PB));
      const args = { a, b, sa: tensor(sa), sb: tensor(sb), acc: acc && d.tensor(acc), out, M, N, K, FA, FB, PA, PB, AS };
      scaled.launch(d, [1], args);
      const want = reference(
        (m, k) => VALUE[FA](x[m * K + k]) * (sa ? factor(sa[m * groups + Math.floor(k / AS)]) : 1),
        (k, n) => VALUE[FB](y[k * N + n]) * (sb ? factor(sb[n * groups + Math.floor(k / AS)]) : 1),
        M,
        N,
        K,
      ).map(({ sum, size }, i) => ({ sum: sum + (acc ? acc[i] : 0), size: size + 8 }));
      // The check would hold for a product of zeros.
      expect(want.some(({ sum }) => Math.abs(sum) > 1)).toBe(true);
      compare((await out.download()) as Float32Array, want);
      for (const t of [a, b, args.sa, args.sb, args.acc, out]) t?.free();
    },
  );
  it('multiplies batches', async () => {
    const d = dev();
    const [B, M, N, K] = [2, 8, 16, 32];
    const [x, y] = [elementBits('e2m1', B * M * K, 3), elementBits('e5m2', B * K * N, 5)];
    const [sa, sb] = [scales(B * M, 7), scales(B * N, 9)];
    const out = d.full([B * M * N], -7, 'f32');
    const a = d.tensor(stored('e2m1', x, B * M, K, true));
    batched.launch(d, [1], { a, b: d.tensor(Uint8Array.from(y)), sa: d.tensor(sa), sb: d.tensor(sb), out });
    const want = [0, 1].flatMap((q) =>
      reference(
        (m, k) => VALUE.e2m1(x[(q * M + m) * K + k]) * power(sa[q * M + m]),
        (k, n) => VALUE.e5m2(y[(q * K + k) * N + n]) * power(sb[q * N + n]),
        M,
        N,
        K,
      ),
    );
    compare((await out.download()) as Float32Array, want);
  });
  it('gives the driver’s WGSL compiler nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});
