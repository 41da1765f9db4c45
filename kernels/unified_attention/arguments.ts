// What unified_attention asks of its arguments: shapes, dtypes and strides always, values of lengths and block tables where the host
// knows them. In: the arguments. Out: the launch plan, or an ArgumentError.

import { type Device, type DType, type Tensor, tl } from '../../src/index.ts';
import { Arguments } from '../check.ts';
import { type LaunchPlan, planUnifiedAttention, type UnifiedAttentionArgs } from './host.ts';

const FLOATS: readonly DType[] = [tl.float32, tl.float16, tl.bfloat16];
const FP8: readonly DType[] = [tl.float8e4nv, tl.float8e5];

export function checkUnifiedAttention(device: Device, args: UnifiedAttentionArgs): LaunchPlan {
  const check = new Arguments('unified_attention', device);
  checkCache(check, args);
  checkBatch(check, args);
  checkOptions(check, args);
  const plan = planUnifiedAttention(device, args);
  checkScratch(check, args, plan);
  checkValues(check, args);
  return plan;
}

function checkCache(check: Arguments, { q, k, v, out }: UnifiedAttentionArgs): void {
  check.tensor('q', q, ['num_tokens', 'num_query_heads', 'head_size']);
  check.dtype('q', q, [...FLOATS, ...FP8]);
  check.contiguous('q', q, 1);
  check.tensor('k', k, ['num_blocks', 'block_size', 'num_kv_heads', q.shape[2]], 'head_size of q');
  check.tensor('v', v, k.shape, 'that of k');
  // fp8 queries are multiplied with the codes of an fp8 cache; every other query with a cache of its dtype, or of fp8.
  if (FP8.includes(q.dtype)) check.dtype('k', k, [q.dtype], 'that of q');
  else check.dtype('k', k, [q.dtype, ...FP8], 'that of q, or fp8');
  check.dtype('v', v, [k.dtype], 'that of k');
  check.require(
    k.shape[2] > 0 && q.shape[1] % k.shape[2] === 0,
    'q',
    `a multiple of k's ${k.shape[2]} heads`,
    `${q.shape[1]} heads`,
  );
  check.tensor('out', out, q.shape, 'that of q');
  check.dtype('out', out, [...FLOATS, tl.float8e4nv]);
  check.contiguous('out', out, 1);
}

function checkBatch(check: Arguments, a: UnifiedAttentionArgs): void {
  check.tensor('seqused_k', a.seqused_k, ['num_seqs']);
  const num_seqs = a.seqused_k.shape[0];
  check.tensor('cu_seqlens_q', a.cu_seqlens_q, [num_seqs + 1], 'sequences of seqused_k, and one');
  check.tensor('block_table', a.block_table, [num_seqs, 'blocks'], 'sequences of seqused_k');
  for (const name of ['seqused_k', 'cu_seqlens_q', 'block_table'] as const) {
    check.dtype(name, a[name], [tl.int32]);
    check.contiguous(name, a[name], 1);
  }
  check.integer('max_seqlen_q', a.max_seqlen_q, 0);
  check.integer('max_seqlen_k', a.max_seqlen_k, 0);
}

function checkOptions(check: Arguments, a: UnifiedAttentionArgs): void {
  const [, num_query_heads] = a.q.shape;
  check.require(a.causal === true, 'causal', 'true (only causal attention is supported)', String(a.causal));
  check.require(a.q_descale === null || a.q_descale === undefined, 'q_descale', 'null (q scales are not supported)', 'a tensor');
  check.number('softmax_scale', a.softmax_scale);
  check.number('softcap', a.softcap, 0);
  check.require(
    Array.isArray(a.window_size) && a.window_size.length === 2,
    'window_size',
    'a pair of integers',
    String(a.window_size),
  );
  check.integer('window_size', a.window_size[0], -1);

  const fp8Cache = FP8.includes(a.k.dtype) && !FP8.includes(a.q.dtype);
  for (const name of ['k_descale', 'v_descale'] as const) {
    const scale = a[name];
    if (scale === null || scale === undefined) {
      check.require(!fp8Cache, name, 'the scale of the fp8 cache', 'null');
      continue;
    }
    check.tensor(name, scale, scale.shape);
    check.dtype(name, scale, [tl.float32]);
    check.require(scale.numel > 0, name, 'at least one element', 'none');
  }
  if (a.sinks) {
    check.tensor('sinks', a.sinks, [num_query_heads], 'one a head of q');
    check.dtype('sinks', a.sinks, FLOATS);
    check.contiguous('sinks', a.sinks);
  }
  if (a.alibi_slopes) {
    check.tensor('alibi_slopes', a.alibi_slopes, [num_query_heads], 'one a head of q');
    check.dtype('alibi_slopes', a.alibi_slopes, [tl.float32]);
    check.contiguous('alibi_slopes', a.alibi_slopes);
  }
  if (a.qq_bias) {
    check.tensor('qq_bias', a.qq_bias, ['n', 'n']);
    const [rows, columns] = a.qq_bias.shape;
    check.require(rows === columns, 'qq_bias', 'a square matrix', `shape [${rows}, ${columns}]`);
    check.require(rows >= a.max_seqlen_q, 'qq_bias', `at least max_seqlen_q = ${a.max_seqlen_q} rows`, String(rows));
    check.dtype('qq_bias', a.qq_bias, [tl.float32]);
    check.contiguous('qq_bias', a.qq_bias);
  }
  if (a.output_scale) {
    check.require(
      a.output_scale.numel === 1,
      'output_scale',
      'a tensor of one element',
      `shape [${a.output_scale.shape.join(', ')}]`,
    );
    check.dtype('output_scale', a.output_scale, [tl.float32]);
  }
  if (a.block_m !== undefined) {
    const group = num_query_heads / a.k.shape[2];
    check.powerOfTwo('block_m', a.block_m);
    check.require(a.block_m >= group, 'block_m', `at least the ${group} query heads of a kv head`, String(a.block_m));
  }
  if (a.tile_size !== undefined) {
    check.powerOfTwo('tile_size', a.tile_size);
    check.integer('tile_size', a.tile_size, a.q.dtype.bytes < 2 ? 32 : 16);
  }
  if (a.num_segments !== undefined) check.powerOfTwo('num_segments', a.num_segments);
  const force = a.force ?? null;
  check.require(force === null || force === '2d' || force === '3d', 'force', "'2d', '3d' or null", String(force));
}

function checkScratch(check: Arguments, a: UnifiedAttentionArgs, plan: LaunchPlan): void {
  const [num_tokens, num_query_heads] = a.q.shape;
  const segments = [num_query_heads, plan.NUM_SEGMENTS];
  const wanted: readonly (readonly [string, Tensor | null | undefined, number[]])[] = [
    ['segm_output', a.segm_output, [...segments, plan.HEAD_SIZE_PADDED]],
    ['segm_max', a.segm_max, segments],
    ['segm_expsum', a.segm_expsum, segments],
  ];
  for (const [name, t, rest] of wanted) {
    if (!t) continue;
    check.tensor(name, t, ['num_tokens', ...rest]);
    check.dtype(name, t, [tl.float32]);
    check.contiguous(name, t);
    check.require(t.shape[0] >= num_tokens, name, `rows for the ${num_tokens} tokens of q`, String(t.shape[0]));
  }
}

/** Lengths that add up, and blocks that exist. */
function checkValues(check: Arguments, a: UnifiedAttentionArgs): void {
  const [num_tokens] = a.q.shape;
  const [num_blocks, block_size] = a.k.shape;
  check.once([a.cu_seqlens_q, a.seqused_k, a.block_table], [num_tokens, num_blocks, block_size, a.max_seqlen_q, a.checks], () => {
    const starts = check.values('cu_seqlens_q', a.cu_seqlens_q, a.checks);
    const lengths = check.values('seqused_k', a.seqused_k, a.checks);
    const table = check.values('block_table', a.block_table, a.checks);
    if (starts) checkStarts(check, starts, num_tokens, a.max_seqlen_q);
    if (lengths) checkLengths(check, lengths, starts, table, { width: a.block_table.shape[1], num_blocks, block_size });
  });
}

function checkStarts(check: Arguments, starts: Float64Array, num_tokens: number, max_seqlen_q: number): void {
  const num_seqs = starts.length - 1;
  check.require(starts[0] === 0, 'cu_seqlens_q', 'a first start of 0', String(starts[0]));
  for (let s = 0; s < num_seqs; s++) {
    const length = starts[s + 1] - starts[s];
    check.require(length >= 0, 'cu_seqlens_q', 'starts that do not fall', `${starts[s]}, ${starts[s + 1]} at ${s}`);
    check.require(
      length <= max_seqlen_q,
      'max_seqlen_q',
      `at least the ${length} new tokens of sequence ${s}`,
      String(max_seqlen_q),
    );
  }
  check.require(
    starts[num_seqs] === num_tokens,
    'cu_seqlens_q',
    `a last start of ${num_tokens} (tokens of q)`,
    String(starts[num_seqs]),
  );
}

function checkLengths(
  check: Arguments,
  lengths: Float64Array,
  starts: Float64Array | null,
  table: Float64Array | null,
  { width, num_blocks, block_size }: { width: number; num_blocks: number; block_size: number },
): void {
  for (const [s, length] of lengths.entries()) {
    const queries = starts ? starts[s + 1] - starts[s] : 0;
    check.require(length >= queries, 'seqused_k', `at least the ${queries} new tokens of sequence ${s}`, String(length));
    if (starts && queries === 0) continue; // nothing of it is read
    const blocks = Math.ceil(length / block_size);
    const most = width * block_size;
    check.require(
      blocks <= width,
      'seqused_k',
      `at most the ${most} tokens that block_table holds for sequence ${s}`,
      String(length),
    );
    if (!table) continue;
    const at = table.subarray(s * width, s * width + blocks).findIndex((block) => block < 0 || block >= num_blocks);
    const found = `${table[s * width + at]} at [${s}, ${at}]`;
    check.require(at < 0, 'block_table', `blocks from 0 to ${num_blocks - 1}`, found);
  }
}
