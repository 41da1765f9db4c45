// Which host function runs the cases of which golden kernel. This table is the only place that knows kernels by name; the shapes
// and options of a case are read from the case.

import {
  AttentionType,
  CPTritonContext,
  context_attention_fwd,
  correct_attn_out,
  cp_lse_ag_out_rs,
  localGroup,
  pack_seq_triton,
  TritonAttentionImpl,
  TritonAttentionMetadataBuilder,
  triton_reshape_and_cache_flash,
  triton_reshape_and_cache_flash_diffkv,
  type UnifiedAttentionArgs,
  unified_attention,
  unpack_seq_triton,
} from '../../kernels/index.ts';
import type { Adapter, CaseRun } from './caseRun.ts';
import type { Case } from './manifest.ts';
import type { GoldenDType } from './numbers.ts';

/** fp8 caches may be kept in u8 tensors; they hold e4m3 codes, whatever the name of the cache dtype says. */
const fp8Codes = (c: Case): 'fp8e4m3' | undefined => (autoCopies(c) ? undefined : 'fp8e4m3');
/** Caches written with 'auto' hold copies of the keys and values. */
const autoCopies = (c: Case): boolean => c.params.kv_cache_dtype === 'auto';

const cacheArgs = (c: CaseRun) => ({
  key: c.input('key'),
  value: c.input('value'),
  slot_mapping: c.input('slot_mapping'),
  kv_cache_dtype: c.text('kv_cache_dtype') ?? 'auto',
  k_scale: c.input('k_scale'),
  v_scale: c.input('v_scale'),
});

/**
 * Results do not depend on the sizes of programs, tiles and segments; what each segment gives does, and which tile is masked as a whole (on
 * which the cases marked as quirks turn). Those take the recorded sizes.
 */
function recordedSizes(c: CaseRun): Partial<UnifiedAttentionArgs> {
  const segments = c.records('segm_output');
  if (!segments && c.text('quirk') === undefined) return {};
  return {
    block_m: c.number('launch.BLOCK_M'),
    tile_size: c.number('launch.TILE_SIZE'),
    num_segments: c.number('launch.NUM_SEGMENTS') || undefined,
    ...(segments && {
      segm_output: c.output('segm_output'),
      segm_max: c.output('segm_max'),
      segm_expsum: c.output('segm_expsum'),
    }),
  };
}

export const ADAPTERS: { readonly [kernel: string]: Adapter | undefined } = {
  prefill_attention: {
    run: (c) =>
      context_attention_fwd(c.device, {
        q: c.input('q'),
        k: c.input('k'),
        v: c.input('v'),
        o: c.output('out'),
        b_start_loc: c.input('b_start_loc'),
        b_seq_len: c.input('b_seq_len'),
        max_input_len: c.number('max_input_len') ?? 0,
        is_causal: c.flag('causal'),
        softmax_scale: c.number('softmax_scale'),
        sliding_window_q: c.number('sliding_window_q'),
        sliding_window_k: c.number('sliding_window_k'),
        block_m: c.number('block_m'),
        block_n: c.number('block_n'),
      }),
  },

  pack_seq: {
    copies: () => true,
    run: async (c) => {
      const [pad_value, block_t, block_d] = [c.number('pad_value'), c.number('block_t'), c.number('block_d')];
      c.result(
        'out',
        await pack_seq_triton(c.device, { x: c.input('x'), lengths: c.input('lengths'), pad_value, block_t, block_d }),
      );
    },
  },

  unpack_seq: {
    copies: () => true,
    run: async (c) => {
      const [packed_tensor, lengths] = [c.input('packed'), c.input('lengths')];
      const [block_t, block_d] = [c.number('block_t'), c.number('block_d')];
      c.result('out', await unpack_seq_triton(c.device, { packed_tensor, lengths, block_t, block_d }));
    },
  },

  correct_attn_out: {
    run: (c) => {
      const lses = c.input('lses');
      const cp_rank = c.number('cp_rank') ?? 0;
      const ctx = new CPTritonContext();
      if (c.flag('ctx_reuse')) {
        // The recorded launch is then the second one through the context.
        const [, lse] = correct_attn_out(c.device, { out: c.copy('out_before'), lses, cp_rank, ctx });
        lse.free();
      }
      const [, lse] = correct_attn_out(c.device, { out: c.inPlace('out'), lses, cp_rank, ctx });
      c.result('lse', lse);
    },
    refused: (c) => {
      const [N, B, H, D] = ['N', 'B', 'H', 'D'].map((name) => c.number(name) ?? 1);
      const out = c.scratch([B, H, D], c.text('dtype') as GoldenDType);
      correct_attn_out(c.device, { out, lses: c.scratch([N, B, H], 'f32'), cp_rank: c.number('cp_rank') ?? 0 });
    },
  },

  reshape_and_cache_flash: {
    copies: autoCopies,
    codesInU8: fp8Codes,
    run: (c) => {
      let caches: { key_cache: ReturnType<CaseRun['inPlace']>; value_cache: ReturnType<CaseRun['inPlace']> };
      if (c.has('kv_cache_before')) {
        const [key_cache, value_cache] = c.inPlace('kv_cache').unbind(1);
        caches = { key_cache, value_cache };
      } else {
        caches = { key_cache: c.inPlace('key_cache'), value_cache: c.inPlace('value_cache') };
      }
      triton_reshape_and_cache_flash(c.device, { ...cacheArgs(c), ...caches });
    },
  },

  reshape_and_cache_flash_diffkv: {
    copies: autoCopies,
    codesInU8: fp8Codes,
    run: (c) => triton_reshape_and_cache_flash_diffkv(c.device, { ...cacheArgs(c), kv_cache: c.inPlace('kv_cache') }),
  },

  unified_attention: {
    run: (c) => {
      const [k, v] = c.has('kv_cache') ? c.input('kv_cache').unbind(1) : [c.input('key_cache'), c.input('value_cache')];
      const window = c.number('sliding_window') ?? 0;
      unified_attention(c.device, {
        q: c.input('q'),
        k,
        v,
        out: c.output('out'),
        cu_seqlens_q: c.input('query_start_loc'),
        max_seqlen_q: c.number('max_query_len') ?? 0,
        seqused_k: c.input('seq_lens'),
        max_seqlen_k: c.number('max_seq_len') ?? 0,
        softmax_scale: c.number('scale') ?? 1,
        causal: true,
        window_size: window > 0 ? [window - 1, 0] : [-1, -1],
        block_table: c.input('block_table'),
        softcap: c.number('softcap') ?? 0,
        q_descale: null,
        k_descale: c.optional('k_scale'),
        v_descale: c.optional('v_scale'),
        alibi_slopes: c.optional('alibi_slopes'),
        output_scale: c.optional('output_scale'),
        qq_bias: c.optional('qq_bias'),
        sinks: c.optional('sinks'),
        force: (c.text('force') as UnifiedAttentionArgs['force']) ?? null,
        ...recordedSizes(c),
      });
    },
  },

  cp_lse_ag_out_rs: {
    run: async (c) => {
      const outs = c.copy('cp_attn_out');
      c.result('corrected', outs);
      const lses = c.input('cp_attn_lse');
      const [N, B, H, D] = outs.shape;
      const final = c.scratch([N, B, H / N, D], c.text('dtype') as GoldenDType);
      c.result('final', final);
      const ranks = localGroup(c.device, N).map(async (cp_group, r) => {
        const cp_attn_out = outs.select(0, r);
        const out = await cp_lse_ag_out_rs(c.device, { cp_attn_out, cp_attn_lse: lses.select(0, r), cp_group });
        final.select(0, r).copyFrom(out);
        out.free();
      });
      await Promise.all(ranks);
    },
  },

  triton_attn_forward: {
    run: async (c) => {
      const query = c.input('query');
      const kv_cache = c.inPlace('kv_cache');
      const builder = new TritonAttentionMetadataBuilder(
        { block_size: kv_cache.shape[2] },
        [],
        {
          model_config: {
            get_num_attention_heads: () => query.shape[1],
            get_num_kv_heads: () => kv_cache.shape[3],
            get_head_size: () => query.shape[2],
          },
        },
        c.device,
      );
      const attn_metadata = builder.build(0, {
        query_start_loc: c.input('query_start_loc'),
        seq_lens: c.input('seq_lens'),
        num_actual_tokens: c.number('num_actual_tokens') ?? query.shape[0],
        max_query_len: c.number('max_query_len') ?? 0,
        max_seq_len: c.number('max_seq_len') ?? 0,
        block_table_tensor: c.input('block_table'),
        slot_mapping: c.input('slot_mapping'),
      });
      const slopes = await c.optional('alibi_slopes')?.toNumbers();
      const impl = new TritonAttentionImpl(c.device, {
        num_heads: builder.num_heads_q,
        head_size: builder.headdim,
        scale: c.number('scale') ?? 1,
        num_kv_heads: builder.num_heads_kv,
        alibi_slopes: slopes ?? null,
        sliding_window: c.number('sliding_window') || null,
        kv_cache_dtype: c.text('kv_cache_dtype') ?? 'auto',
        logits_soft_cap: c.number('softcap') ?? null,
        attn_type: AttentionType.DECODER,
        kv_sharing_target_layer_name: c.flag('kv_sharing') ? 'an earlier layer' : null,
        sinks: c.optional('sinks'),
      });
      impl.forward(c.device, {
        layer: { _k_scale: c.input('k_scale'), _v_scale: c.input('v_scale'), _q_scale_float: 1 },
        query,
        key: c.optional('key'),
        value: c.optional('value'),
        kv_cache,
        attn_metadata,
        output: c.inPlace('output'),
        output_scale: c.optional('output_scale'),
      });
      impl.free();
    },
  },
};
