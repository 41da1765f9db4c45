// Tessera kernels that the benchmarks need beside those they measure: made-up data filled in on the device, a reader that evicts the
// cache, a copy, and the grouped matrix product of examples/03 for any dtype.

import { cdiv, type Device, kernel, type Tensor, tl } from 'tessera';

const mix = tl.fn(function mix(x: number) {
  // A 32-bit integer finaliser: every bit of the result depends on every bit of x. Multipliers stay below 2^31 to be i32.
  let h = x;
  h = (h ^ (h >> 16)) * 73244475;
  h = (h ^ (h >> 16)) * 73244475;
  return h ^ (h >> 16);
});

/** Standard normal numbers (Box-Muller over hashes of the index), rounded to the dtype of `out`. */
export const noise_kernel = kernel(function noise_kernel({
  out,
  n,
  seed,
  shift,
  BLOCK,
}: {
  out: tl.ptr;
  n: tl.i32;
  seed: tl.i32;
  shift: tl.f32;
  BLOCK: tl.constexpr;
}) {
  const i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const a = mix(tl.cast(i, tl.uint32) + mix(tl.cast(seed, tl.uint32)));
  const b = mix(a + 40503);
  // 24 bits are what an f32 holds; half a step keeps the logarithm's argument off 0.
  const u = (tl.cast(a >> 8, tl.float32) + 0.5) * 5.9604644775390625e-8;
  const v = tl.cast(b >> 8, tl.float32) * 5.9604644775390625e-8;
  const z = tl.sqrt(-2.0 * tl.log(u)) * tl.cos(6.283185307179586 * v);
  tl.store(out + i, z + shift, { mask: i < n });
});

/** Fills `t` (contiguous from its first element) with normal numbers around `shift`. */
export function randomize(device: Device, t: Tensor, seed: number, shift = 0): void {
  const BLOCK = 1024;
  noise_kernel.launch(device, [cdiv(t.numel, BLOCK)], { out: t, n: t.numel, seed, shift, BLOCK });
}

/** Reads everything and keeps a sum for each program, so that nothing of it can be left out. */
export const evict_kernel = kernel(function evict_kernel({
  x,
  out,
  BLOCK,
}: {
  x: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  BLOCK: tl.constexpr;
}) {
  const pid = tl.program_id(0);
  tl.store(out + pid, tl.sum(tl.load(x + pid * BLOCK + tl.arange(0, BLOCK)), 0));
});

export const copy_kernel = kernel(function copy_kernel({
  x,
  out,
  n,
  BLOCK,
}: {
  x: tl.ptr;
  out: tl.ptr;
  n: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  tl.store(out + i, tl.load(x + i, { mask: i < n }), { mask: i < n });
});

export const add_kernel = kernel(function add_kernel({
  x,
  y,
  out,
  n,
  BLOCK,
}: {
  x: tl.ptr<tl.f32>;
  y: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  n: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const mask = i < n;
  tl.store(out + i, tl.load(x + i, { mask }) + tl.load(y + i, { mask }), { mask });
});

/** One row a program, held whole. */
export const softmax_kernel = kernel(function softmax_kernel({
  x,
  out,
  n_cols,
  BLOCK,
}: {
  x: tl.ptr<tl.f32>;
  out: tl.ptr<tl.f32>;
  n_cols: tl.i32;
  BLOCK: tl.constexpr;
}) {
  const row = tl.program_id(0);
  const i = tl.arange(0, BLOCK);
  const v = tl.load(x + row * n_cols + i, { mask: i < n_cols, other: -Infinity });
  const e = tl.exp(v - tl.max(v, 0));
  tl.store(out + row * n_cols + i, e / tl.sum(e, 0), { mask: i < n_cols });
});

/** C = A · B in f32 accumulation; C takes the dtype of its pointer. Program order is grouped as in examples/03-matmul.ts. */
export const matmul_kernel = kernel(function matmul_kernel({
  a_ptr,
  b_ptr,
  c_ptr,
  M,
  N,
  K,
  sam,
  sak,
  sbk,
  sbn,
  scm,
  scn,
  BM,
  BN,
  BK,
  GM,
}: {
  a_ptr: tl.ptr;
  b_ptr: tl.ptr;
  c_ptr: tl.ptr;
  M: tl.i32;
  N: tl.i32;
  K: tl.i32;
  sam: tl.i32;
  sak: tl.i32;
  sbk: tl.i32;
  sbn: tl.i32;
  scm: tl.i32;
  scn: tl.i32;
  BM: tl.constexpr;
  BN: tl.constexpr;
  BK: tl.constexpr;
  GM: tl.constexpr;
}) {
  const pid = tl.program_id(0);
  const nm = tl.cdiv(M, BM);
  const nn = tl.cdiv(N, BN);
  const per = GM * nn;
  const gid = tl.floordiv(pid, per);
  const first = gid * GM;
  const gsz = tl.minimum(nm - first, GM);
  const pm = first + ((pid % per) % gsz);
  const pn = tl.floordiv(pid % per, gsz);
  const om = (pm * BM + tl.arange(0, BM)) % M;
  const on = (pn * BN + tl.arange(0, BN)) % N;
  const ok = tl.arange(0, BK);
  let ap = a_ptr + tl.col(om) * sam + tl.row(ok) * sak;
  let bp = b_ptr + tl.col(ok) * sbk + tl.row(on) * sbn;
  let acc = tl.zeros([BM, BN], tl.float32);
  for (const k of tl.range(0, tl.cdiv(K, BK))) {
    const a = tl.load(ap, { mask: tl.row(ok) < K - k * BK, other: 0.0 });
    const b = tl.load(bp, { mask: tl.col(ok) < K - k * BK, other: 0.0 });
    acc = tl.dot(a, b, { acc });
    ap += BK * sak;
    bp += BK * sbk;
  }
  const cm = pm * BM + tl.arange(0, BM);
  const cn = pn * BN + tl.arange(0, BN);
  tl.store(c_ptr + tl.col(cm) * scm + tl.row(cn) * scn, acc, { mask: tl.col(cm) < M && tl.row(cn) < N });
});
