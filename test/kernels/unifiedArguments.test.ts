// What unified_attention and the cache writes refuse before anything is launched or written, with the message: shapes, dtypes, strides,
// options, and values (lengths that do not add up, blocks and slots outside the cache) where the host knows them.

import { expect, it } from 'vitest';
import {
  ArgumentError,
  triton_reshape_and_cache_flash,
  triton_reshape_and_cache_flash_diffkv,
  type UnifiedAttentionArgs,
  unified_attention,
} from '../../kernels/index.ts';
import { type DTypeName, kernel, type Tensor, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const copy_kernel = kernel(function copy_kernel({ x, out }: { x: tl.ptr<tl.i32>; out: tl.ptr<tl.i32> }) {
  const i = tl.program_id(0);
  tl.store(out + i, tl.load(x + i));
});

onEachDevice('arguments of paged attention', (dev, kind) => {
  const zeros = (shape: number[], dtype: DTypeName = 'f32'): Tensor => dev().zeros(shape, dtype);
  const ints = (values: number[], shape = [values.length]): Tensor => dev().tensor(Int32Array.from(values), { shape });

  /** `call` throws an ArgumentError with exactly this text; nothing was launched. */
  const refuses = (call: () => unknown, text: string): void => {
    const { launches } = dev().stats;
    let error: unknown = null;
    try {
      call();
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as Error).message).toBe(text);
    expect(dev().stats.launches).toBe(launches);
  };

  /** Two sequences: 3 new tokens of 20, and 1 of 5, in a cache of 4 blocks of 16. */
  const batch = (): UnifiedAttentionArgs => ({
    q: zeros([4, 4, 32]),
    k: zeros([4, 16, 2, 32]),
    v: zeros([4, 16, 2, 32]),
    out: dev().full([4, 4, 32], 9),
    cu_seqlens_q: ints([0, 3, 4]),
    max_seqlen_q: 3,
    seqused_k: ints([20, 5]),
    max_seqlen_k: 20,
    softmax_scale: 0.2,
    causal: true,
    window_size: [-1, -1],
    block_table: ints([3, 1, 0, 2], [2, 2]),
    softcap: 0,
    q_descale: null,
    k_descale: null,
    v_descale: null,
  });
  type Change = (a: UnifiedAttentionArgs) => { [name in keyof UnifiedAttentionArgs]?: unknown };
  const cases: [string, Change, string][] = [
    // shapes
    [
      'two dimensions',
      () => ({ q: zeros([4, 128]) }),
      "'q': expected shape [num_tokens, num_query_heads, head_size], found [4, 128]",
    ],
    [
      'heads of another size',
      () => ({ k: zeros([4, 16, 2, 64]) }),
      "'k': expected shape [num_blocks, block_size, num_kv_heads, 32] (head_size of q), found [4, 16, 2, 64]",
    ],
    ['v unlike k', () => ({ v: zeros([4, 8, 2, 32]) }), "'v': expected shape [4, 16, 2, 32] (that of k), found [4, 8, 2, 32]"],
    [
      'heads that do not divide',
      () => ({ q: zeros([4, 3, 32]), out: zeros([4, 3, 32]) }),
      "'q': expected a multiple of k's 2 heads, found 3 heads",
    ],
    [
      'an output of other tokens',
      () => ({ out: zeros([5, 4, 32]) }),
      "'out': expected shape [4, 4, 32] (that of q), found [5, 4, 32]",
    ],
    [
      'starts of another batch',
      () => ({ cu_seqlens_q: ints([0, 4]) }),
      "'cu_seqlens_q': expected shape [3] (sequences of seqused_k, and one), found [2]",
    ],
    [
      'a table of another batch',
      () => ({ block_table: ints([0, 1, 2], [3, 1]) }),
      "'block_table': expected shape [2, blocks] (sequences of seqused_k), found [3, 1]",
    ],
    // dtypes
    [
      'integers',
      () => ({ q: zeros([4, 4, 32], 'i32') }),
      "'q': expected dtype f32 or f16 or bf16 or fp8e4nv or fp8e5, found i32",
    ],
    [
      'a cache of another float',
      () => ({ k: zeros([4, 16, 2, 32], 'f16') }),
      "'k': expected dtype f32 or fp8e4nv or fp8e5 (that of q, or fp8), found f16",
    ],
    ['planes of two dtypes', () => ({ v: zeros([4, 16, 2, 32], 'fp8e5') }), "'v': expected dtype f32 (that of k), found fp8e5"],
    [
      'a u8 cache',
      () => ({ k: zeros([4, 16, 2, 32], 'u8') }),
      "'k': expected dtype f32 or fp8e4nv or fp8e5 (that of q, or fp8), found u8",
    ],
    ['i64 lengths', () => ({ seqused_k: dev().tensor(BigInt64Array.of(20n, 5n)) }), "'seqused_k': expected dtype i32, found i64"],
    ['a float table', () => ({ block_table: zeros([2, 2]) }), "'block_table': expected dtype i32, found f32"],
    [
      'an output of integers',
      () => ({ out: zeros([4, 4, 32], 'i32') }),
      "'out': expected dtype f32 or f16 or bf16 or fp8e4nv, found i32",
    ],
    // strides
    [
      'elements of a query apart',
      () => ({ q: zeros([4, 32, 4]).transpose(1, 2) }),
      "'q': expected contiguous elements in the last dimension, found strides [128, 1, 4] of shape [4, 4, 32]",
    ],
    [
      'blocks of a table apart',
      () => ({ block_table: ints([0, 1, 2, 3], [2, 2]).transpose() }),
      "'block_table': expected contiguous elements in the last dimension, found strides [1, 2] of shape [2, 2]",
    ],
    // options
    ['no causal mask', () => ({ causal: false }), "'causal': expected true (only causal attention is supported), found false"],
    [
      'a scale of q',
      () => ({ q_descale: zeros([1]) }),
      "'q_descale': expected null (q scales are not supported), found a tensor",
    ],
    [
      'a scale that is not a number',
      () => ({ softmax_scale: Number.NaN }),
      "'softmax_scale': expected a finite number, found NaN",
    ],
    ['a negative soft cap', () => ({ softcap: -1 }), "'softcap': expected a number ≥ 0, found -1"],
    ['half a window', () => ({ window_size: [3.5, 0] }), "'window_size': expected an integer ≥ -1, found 3.5"],
    ['one number as window', () => ({ window_size: 4 }), "'window_size': expected a pair of integers, found 4"],
    ['sinks of other heads', () => ({ sinks: zeros([2]) }), "'sinks': expected shape [4] (one a head of q), found [2]"],
    ['f16 slopes', () => ({ alibi_slopes: zeros([4], 'f16') }), "'alibi_slopes': expected dtype f32, found f16"],
    [
      'a bias that is too small',
      () => ({ qq_bias: zeros([2, 2]) }),
      "'qq_bias': expected at least max_seqlen_q = 3 rows, found 2",
    ],
    ['a bias that is not square', () => ({ qq_bias: zeros([3, 4]) }), "'qq_bias': expected a square matrix, found shape [3, 4]"],
    ['a scale a row', () => ({ output_scale: zeros([4]) }), "'output_scale': expected a tensor of one element, found shape [4]"],
    [
      'an fp8 cache without scales',
      () => ({ k: zeros([4, 16, 2, 32], 'fp8e4nv'), v: zeros([4, 16, 2, 32], 'fp8e4nv') }),
      "'k_descale': expected the scale of the fp8 cache, found null",
    ],
    ['tiles of 24', () => ({ tile_size: 24 }), "'tile_size': expected a power of two, found 24"],
    ['tiles of 8', () => ({ tile_size: 8 }), "'tile_size': expected an integer ≥ 16, found 8"],
    ['fewer rows than heads', () => ({ block_m: 1 }), "'block_m': expected at least the 2 query heads of a kv head, found 1"],
    ['another path', () => ({ force: '1d' }), "'force': expected '2d', '3d' or null, found 1d"],
    [
      'scratch for fewer tokens',
      () => ({ segm_max: zeros([3, 4, 16]) }),
      "'segm_max': expected rows for the 4 tokens of q, found 3",
    ],
    // values
    ['a start after 0', () => ({ cu_seqlens_q: ints([1, 3, 4]) }), "'cu_seqlens_q': expected a first start of 0, found 1"],
    [
      'starts that fall',
      () => ({ cu_seqlens_q: ints([0, 5, 4]) }),
      "'max_seqlen_q': expected at least the 5 new tokens of sequence 0, found 3",
    ],
    [
      'starts that fall, with room',
      () => ({ cu_seqlens_q: ints([0, 5, 4]), max_seqlen_q: 9 }),
      "'cu_seqlens_q': expected starts that do not fall, found 5, 4 at 1",
    ],
    [
      'more tokens than q',
      () => ({ cu_seqlens_q: ints([0, 3, 5]) }),
      "'cu_seqlens_q': expected a last start of 4 (tokens of q), found 5",
    ],
    [
      'a sequence that is shorter than its new tokens',
      () => ({ seqused_k: ints([2, 5]) }),
      "'seqused_k': expected at least the 3 new tokens of sequence 0, found 2",
    ],
    [
      'a sequence that is longer than the table',
      () => ({ seqused_k: ints([20, 33]) }),
      "'seqused_k': expected at most the 32 tokens that block_table holds for sequence 1, found 33",
    ],
    [
      'a block outside the cache',
      () => ({ block_table: ints([3, 4, 0, 2], [2, 2]) }),
      "'block_table': expected blocks from 0 to 3, found 4 at [0, 1]",
    ],
    [
      'a negative block',
      () => ({ block_table: ints([3, 1, -1, 2], [2, 2]) }),
      "'block_table': expected blocks from 0 to 3, found -1 at [1, 0]",
    ],
  ];
  it.each(cases)('refuses %s', async (_name, change, text) => {
    const a = batch();
    refuses(
      () => unified_attention(dev(), { ...a, ...change(a) } as UnifiedAttentionArgs),
      `unified_attention: argument ${text}`,
    );
    expect((await a.out.toNumbers()).every((x) => x === 9)).toBe(true);
  });

  it('does not look at table entries past a sequence’s last block', () => {
    unified_attention(dev(), { ...batch(), block_table: ints([3, 1, 0, 99], [2, 2]) });
  });

  it('looks at values that a launch wrote when it is told to, and at none when it is told not to', async () => {
    const a = batch();
    const block_table = zeros([2, 2], 'i32');
    copy_kernel.launch(dev(), [4], { x: ints([3, 7, 0, 2]), out: block_table });
    const call = (checks?: boolean) => () => unified_attention(dev(), { ...a, block_table, checks });
    const outside = "unified_attention: argument 'block_table': expected blocks from 0 to 3, found 7 at [0, 1]";
    if (kind === 'webgpu') {
      // Unknown to the host: not checked, or refused.
      call()();
      const unknown =
        "unified_attention: argument 'block_table': expected values that the host knows (checks: true; await block_table.readBack() fetches them), found values that a launch wrote";
      refuses(call(true), unknown);
    }
    await block_table.readBack();
    refuses(call(), outside);
    refuses(call(true), outside);
    // The interpreter would find the access itself; a GPU clamps or drops it.
    if (kind === 'webgpu') call(false)();
    // Right again: the check that failed is not remembered as one that passed, nor the other way round.
    block_table.write([3, 1, 0, 2]);
    call(true)();
    block_table.write([3, 9, 0, 2]);
    refuses(call(true), outside.replace('7', '9'));
  });

  it('refuses slots outside the cache', async () => {
    const caches = { key_cache: zeros([3, 16, 2, 8]), value_cache: zeros([3, 16, 2, 8]) };
    const rows = { key: dev().full([4, 2, 8], 1), value: dev().full([4, 2, 8], 1) };
    const scales = { kv_cache_dtype: 'auto', k_scale: dev().full([1], 1), v_scale: dev().full([1], 1) };
    const slot_mapping = dev().tensor(BigInt64Array.of(0n, -1n, 48n));
    refuses(
      () => triton_reshape_and_cache_flash(dev(), { ...rows, ...caches, slot_mapping, ...scales }),
      "triton_reshape_and_cache_flash: argument 'slot_mapping': expected slots below 48, found 48 at 2",
    );
    expect((await caches.key_cache.toNumbers()).every((x) => x === 0)).toBe(true);
    const kv_cache = zeros([3, 16, 2, 16]);
    refuses(
      () => triton_reshape_and_cache_flash_diffkv(dev(), { ...rows, kv_cache, slot_mapping, ...scales }),
      "triton_reshape_and_cache_flash_diffkv: argument 'slot_mapping': expected slots below 48, found 48 at 2",
    );
    slot_mapping.write([0n, -1n, 47n]);
    triton_reshape_and_cache_flash(dev(), { ...rows, ...caches, slot_mapping, ...scales });
    const written = (await caches.key_cache.toNumbers()).filter((x) => x === 1).length;
    expect(written).toBe(2 * 2 * 8);
  });
});
