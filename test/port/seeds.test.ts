// vLLM's kernels, ported from their Python text, against the hand-written ports in `kernels/`: the same Tile IR after the tile
// passes, for several signatures each.

import { describe, expect, it } from 'vitest';
import { _correct_attn_cp_out_kernel, _pack_seq_kernel, _unpack_seq_triton_kernel } from '../../kernels/common.ts';
import { _fwd_kernel } from '../../kernels/prefill_attention.ts';
import { reshape_and_cache_kernel_flash, reshape_and_cache_kernel_flash_diffkv } from '../../kernels/reshape_and_cache_flash.ts';
import { parseSignature } from '../../src/cli/signature.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import type { AnyKernel } from '../../src/dsl/kernel.ts';
import { traceKernel } from '../../src/dsl/trace/trace.ts';
import { runPipeline, tilePasses } from '../../src/lower/pipeline.ts';
import { portFixture } from './load.ts';

/** IR without places, with values named in the order of their appearance. */
function ir(kernel: AnyKernel, signature: string): string {
  const func = traceKernel(kernel.definition, parseSignature(kernel.definition, signature), { onPrint: () => {} });
  const names = new Map<string, string>();
  return printFunc(runPipeline(func, tilePasses).func, { locs: false }).replace(/%[\w.$]+/g, (name) => {
    if (!names.has(name)) names.set(name, `%v${names.size}`);
    return names.get(name)!;
  });
}

const cases: readonly (readonly [fixture: string, kernel: AnyKernel, signatures: readonly string[]])[] = [
  [
    'prefill_attention',
    _fwd_kernel,
    [
      'Q=*f16:16, K=*f16:16, V=*f16:16, B_Start_Loc=*i32, B_Seqlen=*i32, Out=*f16, kv_group_num=1, BLOCK_M=64, BLOCK_DMODEL=64, BLOCK_N=64, IS_CAUSAL=true, SLIDING_WINDOW_Q=0, SLIDING_WINDOW_K=0, Lk=64',
      'Q=*f32, K=*f32, V=*f32, B_Start_Loc=*i64, B_Seqlen=*i64, Out=*f32, kv_group_num=4, BLOCK_M=32, BLOCK_DMODEL=64, BLOCK_N=32, IS_CAUSAL=false, SLIDING_WINDOW_Q=16, SLIDING_WINDOW_K=8, Lk=40',
    ],
  ],
  [
    'common',
    _correct_attn_cp_out_kernel,
    [
      'outputs_ptr=*f32@a, new_output_ptr=*f32@a, lses_ptr=*f32, vlse_ptr=*f32, HEAD_DIM=64, N_ROUNDED=4',
      'outputs_ptr=*f16@a, new_output_ptr=*f16@a, lses_ptr=*f32, vlse_ptr=*f32, HEAD_DIM=128, N_ROUNDED=2, outputs_stride_D=i32:1',
    ],
  ],
  [
    'common',
    _pack_seq_kernel,
    [
      'x_ptr=*f32, out_ptr=*f32, lengths_ptr=*i32, N=100, D=48, Lmax=30, PAD_VALUE=-inf, BLOCK_T=64, BLOCK_D=64',
      'x_ptr=*i32, out_ptr=*i32, lengths_ptr=*i32, N=7, D=8, Lmax=3, PAD_VALUE=0, BLOCK_T=16, BLOCK_D=8',
    ],
  ],
  [
    'common',
    _unpack_seq_triton_kernel,
    [
      'packed_ptr=*f32, out_ptr=*f32, lengths_ptr=*i32, B=4, D=48, Lmax=30, BLOCK_T=64, BLOCK_D=64',
      'packed_ptr=*bf16, out_ptr=*bf16, lengths_ptr=*i32, B=1, D=8, Lmax=3, BLOCK_T=16, BLOCK_D=8',
    ],
  ],
  [
    'reshape_and_cache_flash',
    reshape_and_cache_kernel_flash,
    [
      'key_ptr=*f16, value_ptr=*f16, key_cache_ptr=*f16, value_cache_ptr=*f16, slot_mapping_ptr=*i64, k_scale=*f32, v_scale=*f32, num_heads=4, head_size=64, block_size=16, x=1, USE_HEAD_MAJOR_LAYOUT=false, FP8_KV_CACHE=false, TILE_SIZE=256',
      'key_ptr=*f32, value_ptr=*f32, key_cache_ptr=*fp8e4nv, value_cache_ptr=*fp8e4nv, slot_mapping_ptr=*i64, k_scale=*f32, v_scale=*f32, num_heads=3, head_size=40, block_size=8, x=8, USE_HEAD_MAJOR_LAYOUT=true, FP8_KV_CACHE=true, TILE_SIZE=128',
    ],
  ],
  [
    'reshape_and_cache_flash',
    reshape_and_cache_kernel_flash_diffkv,
    [
      'key_ptr=*f16, value_ptr=*f16, kv_cache_ptr=*f16, slot_mapping_ptr=*i64, k_scale=*f32, v_scale=*f32, num_heads=4, head_size_k=64, head_size_v=32, block_size=16, FP8_KV_CACHE=false, TILE_SIZE=64',
      'key_ptr=*bf16, value_ptr=*bf16, kv_cache_ptr=*fp8e5, slot_mapping_ptr=*i32, k_scale=*f32, v_scale=*f32, num_heads=1, head_size_k=16, head_size_v=16, block_size=4, FP8_KV_CACHE=true, TILE_SIZE=16',
    ],
  ],
];

describe('the same Tile IR as the kernels written by hand', () => {
  for (const [name, byHand, signatures] of cases)
    for (const [i, signature] of signatures.entries())
      it(`${byHand.name}, signature ${i}`, () => {
        const ported = portFixture(name).exports[byHand.name];
        expect(ir(ported, signature)).toBe(ir(byHand, signature));
      });
});
