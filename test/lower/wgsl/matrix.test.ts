// Matrix products on subgroup matrices: what the emitted text holds, and that devices without them get none of it. What it computes
// is tested on tensor cores, by the golden runs.
import { expect, it } from 'vitest';
import { _fwd_kernel } from '../../../kernels/prefill_attention.ts';
import { _flash_fwd_kernel } from '../../../kernels/prefill_attention_flash.ts';
import { kernel, tl } from '../../../src/index.ts';
import type { Target } from '../../../src/lower/program.ts';
import { lowerToWgsl } from '../../../src/lower/wgsl/compile.ts';
import { f16, float, i32, int, trace } from '../../support/bothBackEnds.ts';

const TARGET: Target = {
  subgroups: true,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  shaderF16: true,
  matrices: [{ type: 'f16', result: 'f32', M: 16, N: 16, K: 16 }],
  maxWorkgroupStorage: 49152,
  profile: 'gpu',
  maxInvocations: 1024,
  maxStorageBuffers: 10,
  maxWorkgroupsPerDimension: 65535,
};
type P = tl.ptr;
const matmul = kernel(function matmul({
  a,
  b,
  c,
  K,
  N,
  BM,
  BN,
  BK,
}: {
  a: P;
  b: P;
  c: P;
  K: tl.i32;
  N: tl.i32;
  BM: tl.constexpr;
  BN: tl.constexpr;
  BK: tl.constexpr;
}) {
  const rows = tl.program_id(0) * BM + tl.arange(0, BM);
  const cols = tl.program_id(1) * BN + tl.arange(0, BN);
  let x = a + tl.col(rows) * K + tl.row(tl.arange(0, BK));
  let y = b + tl.col(tl.arange(0, BK)) * N + tl.row(cols);
  let acc = tl.zeros([BM, BN], tl.f32);
  for (const _k of tl.range(0, K, BK)) {
    acc = tl.dot(tl.load(x), tl.load(y), { acc });
    x += BK;
    y += BK * N;
  }
  tl.store(c + tl.col(rows) * N + tl.row(cols), acc);
});
const e = f16(new Uint16Array(8), { div: 8 });
const product = (BM: number, BN: number, BK: number) =>
  trace(matmul, { a: e, b: e, c: e, K: int(64, 16), N: int(64, 16), BM, BN, BK });
const attention = (k: typeof _fwd_kernel | typeof _flash_fwd_kernel, D: number, BLOCK_M: number, BLOCK_N: number) => {
  const s = int(64, 16);
  const n = i32(new Int32Array(4));
  const strides = {
    stride_qbs: s,
    stride_qh: s,
    stride_kbs: s,
    stride_kh: s,
    stride_vbs: s,
    stride_vh: s,
    stride_obs: s,
    stride_oh: s,
  };
  const blocks = { BLOCK_M, BLOCK_DMODEL: D, BLOCK_N, IS_CAUSAL: true, SLIDING_WINDOW_Q: 0, SLIDING_WINDOW_K: 0, Lk: D };
  return trace(k, {
    Q: e,
    K: e,
    V: e,
    sm_scale: float(1),
    B_Start_Loc: n,
    B_Seqlen: n,
    Out: e,
    ...strides,
    kv_group_num: 1,
    ...blocks,
  });
};
const count = (text: string, what: RegExp): number => [...text.matchAll(what)].length;
/** The text of the loop over k or keys that runs one iteration at a time, without what only runs when something must be rescaled. */
const loopOf = (code: string): string =>
  [...code.matchAll(/\n {2}for \((?:var .*?|); [^&\n]*\{\n[\s\S]*?\n {2}\}\n/g)]
    .at(-1)![0]
    .replace(/\n {4}if \(\w+\) \{\n[\s\S]*?\n {4}\} else \{/, '');

it('a product keeps its accumulator in matrices, and loads the next operands while it multiplies', () => {
  const { program } = lowerToWgsl(product(128, 128, 32), TARGET, { verify: true });
  expect(program.features).toContain('chromium-experimental-subgroup-matrix');
  expect(program.workgroupSize).toBe(128);
  const loop = loopOf(program.code);
  expect(count(loop, /subgroupMatrixMultiplyAccumulate/g)).toBe(4 * 4 * 2);
  expect(count(loop, /subgroupMatrixStore/g)).toBe(0);
  expect(count(loop, /workgroupBarrier/g)).toBe(2);
  expect(loop).toMatch(/= a\[/);
  expect(program.code.split('\n  for (')[0]).toMatch(/= a\[/);
});
it('most of a loop of products runs in pieces of constant length, the rest one by one', () => {
  const { code } = lowerToWgsl(product(128, 128, 32), TARGET).program;
  expect(code).toMatch(/for \(; (\w+) < (.+) && \2 - \1 > 96; \1 \+= 128\) \{\n {4}for \(var n = 0; n < 4; n \+= 1\) \{/);
  expect(code).toMatch(/\n {2}for \(; \w+ < .+; \w+ \+= 32\) \{/);
});
it.each([
  ['faithful', _fwd_kernel],
  ['flash', _flash_fwd_kernel],
] as const)('%s attention stores scores, not its accumulator, in each step', (_name, k) => {
  const { program } = lowerToWgsl(attention(k, 128, 128, 32), TARGET, { verify: true });
  const loop = loopOf(program.code);
  expect(count(loop, /subgroupMatrixStore/g)).toBe(2);
  expect(count(loop, /subgroupMatrixMultiplyAccumulate/g)).toBe(2 * 8 + 2 * 8);
  expect(count(loop, /any_uniform\(/g)).toBe(1);
  // One wait for the scores and the operands' places, and one for the weights and the decision to rescale.
  expect(count(loop, /workgroupBarrier/g)).toBe(1);
  expect(program.workgroupStorage).toBeLessThanOrEqual(TARGET.maxWorkgroupStorage);
});
it('variables of workgroup memory have multiples of 16 bytes, so that matrices begin at such addresses', () => {
  const { code } = lowerToWgsl(attention(_fwd_kernel, 64, 64, 32), TARGET).program;
  const sizes = [
    ...code.matchAll(/var<workgroup> \w+: (?:array<array<(f16|f32), (\d+)>, (\d+)>|vec4<\w+>|array<(u32), (\d+)>)/g),
  ];
  expect(sizes.length).toBe(count(code, /var<workgroup>/g));
  for (const [, elem, n, strips, word, words] of sizes) {
    if (elem) expect((Number(n) * Number(strips) * (elem === 'f16' ? 2 : 4)) % 16).toBe(0);
    if (word) expect(Number(words) % 4).toBe(0);
  }
});
it('what does not fit, and devices without matrix units, take the other lowering', () => {
  const big = lowerToWgsl(attention(_fwd_kernel, 128, 64, 64), TARGET).program;
  const none = lowerToWgsl(product(64, 64, 32), { ...TARGET, matrices: [] }).program;
  for (const p of [big, none]) expect(p.code).not.toMatch(/subgroupMatrix/);
});
it('gives the same bytes for the same kernel', () => {
  expect(lowerToWgsl(product(64, 64, 32), TARGET).program).toEqual(lowerToWgsl(product(64, 64, 32), TARGET).program);
});
it('a single subgroup stages keys and values in one place, one after the other', () => {
  const { code } = lowerToWgsl(attention(_flash_fwd_kernel, 64, 16, 16), TARGET, { verify: true }).program;
  // 16 rows of 64 and 8 elements, and the weights' 16 of 16 and 8.
  expect(code).toContain(`operands: array<array<f16, ${16 * 72 + 16 * 24}>, 1>`);
  expect(count(loopOf(code), /subgroupMatrixStore/g)).toBe(1);
});
/** Scores of 16 queries, added up over blocks of 16 keys that a table names. */
const paged = kernel(function paged({
  q,
  k,
  table,
  scale,
  out,
  blocks,
}: {
  q: P;
  k: P;
  table: tl.ptr<tl.i32>;
  scale: tl.ptr<tl.f32>;
  out: P;
  blocks: tl.i32;
}) {
  const rows = tl.arange(0, 16);
  const dims = tl.arange(0, 64);
  const Q = tl.load(q + tl.col(rows) * 64 + tl.row(dims));
  let acc = tl.zeros([16, 16], tl.f32);
  for (const j of tl.range(0, blocks)) {
    const token = j * 16 + rows;
    const block = tl.load(table + tl.floordiv(token, 16));
    const codes = tl.load(k + tl.row(block * 1024 + (token % 16) * 64) + tl.col(dims));
    const K = tl.dtype_of(codes).is_fp8() ? tl.cast(tl.cast(codes, tl.float32) * tl.load(scale), tl.float16) : codes;
    acc = tl.dot(Q, K, { acc });
  }
  tl.store(out + tl.col(rows) * 16 + tl.row(rows), acc);
});
it.each(['f16', 'fp8e4nv'] as const)(
  'keys of %s behind a table are asked for a step early, and the table once a block',
  (name) => {
    const k = name === 'f16' ? e : { ...e, dtype: name, div: 16 };
    const one = i32(new Int32Array(4), { div: 4 });
    const args = { q: e, k, table: one, scale: { ...one, dtype: 'f32' }, out: e, blocks: int(4) };
    const { program } = lowerToWgsl(trace(paged, args as never), TARGET, { verify: true });
    expect(program.code).toContain(' k: array<vec4<u32>>');
    const [before] = program.code.split('\n  for (');
    const loop = loopOf(program.code);
    for (const part of [before, loop]) {
      expect(count(part, / = table\[/g)).toBe(1);
      expect(count(part, / = k\[/g)).toBe(name === 'f16' ? 4 : 2);
    }
    // A mask is looked at where the words are staged: all are let through by one branch, or zeros are put in.
    expect(count(loop, /select\(vec4<u32>\(0u\), /g)).toBe(name === 'f16' ? 4 : 2);
    expect(loop.indexOf('select(vec4<u32>(0u)')).toBeLessThan(loop.indexOf(' = k['));
    // Codes stay words until they are staged; their factor is read before the loop.
    expect(count(loop, /decode_word\(/g)).toBe(name === 'f16' ? 0 : 8);
    expect(count(loop, / = scale\[/g)).toBe(0);
  },
);
