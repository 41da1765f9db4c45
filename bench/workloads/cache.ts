// Writing keys and values into a paged cache, through the host functions: 16384 tokens to shuffled blocks of 16 slots.

import { triton_reshape_and_cache_flash, triton_reshape_and_cache_flash_diffkv } from 'tessera/kernels';
import { largestError, randomInts, type Workload } from '../workload.ts';

const BLOCK = 16;

/** The slot of each token: blocks in random order, filled one after the other. */
function slots(tokens: number): number[] {
  const pick = randomInts(3);
  const blocks = Array.from({ length: Math.ceil(tokens / BLOCK) }, (_, i) => i);
  for (let i = blocks.length - 1; i > 0; i--) {
    const j = pick(i + 1);
    [blocks[i], blocks[j]] = [blocks[j], blocks[i]];
  }
  return Array.from({ length: tokens }, (_, t) => blocks[Math.floor(t / BLOCK)] * BLOCK + (t % BLOCK));
}

/** fp8 keeps three bits of mantissa: up to 1/16 of a value that is normally distributed. */
const TOLERANCE = { f16: 0, fp8e4nv: 0.3 };

type CacheDtype = keyof typeof TOLERANCE;
const SIZE = { f16: 2, fp8e4nv: 1 };

function reshape(name: string, cache: CacheDtype, target: number | null): Workload {
  return {
    name,
    goals: [{ reference: name, target }],
    setup(data, small) {
      const [tokens, heads, dim] = [small ? 64 : 16384, 8, 128];
      const [key, value] = [0, 1].map(() => data.randn([tokens, heads, dim], 'f16'));
      const slot = slots(tokens);
      const slot_mapping = data.ints(slot, 'i64');
      const paged = [tokens / BLOCK, BLOCK, heads, dim];
      const [key_cache, value_cache] = [0, 1].map(() => data.empty(paged, cache));
      const [k_scale, v_scale] = [data.one(), data.one()];
      const kv_cache_dtype = cache === 'f16' ? 'auto' : 'fp8';
      const args = { key, value, key_cache, value_cache, slot_mapping, kv_cache_dtype, k_scale, v_scale };
      return {
        variants: [{ label: 'host function', launch: () => triton_reshape_and_cache_flash(data.device, args) }],
        flops: 0,
        bytes: 2 * tokens * heads * dim * (2 + SIZE[cache]) + 8 * tokens,
        params: { cache, tokens, heads, dim, block: BLOCK },
        async check(launch) {
          const [from, to] = [
            [key, value],
            [key_cache, value_cache],
          ];
          for (const t of to) t.fill(0);
          launch();
          const pick = randomInts(5);
          let error = 0;
          for (let i = 0; i < 12; i++) {
            const t = i === 0 ? tokens - 1 : pick(tokens);
            const flat = to[i % 2].view([tokens, heads * dim]);
            const got = await flat.select(0, slot[t]).toFloat32();
            error = largestError(
              got,
              await from[i % 2]
                .view([tokens, heads * dim])
                .select(0, t)
                .toFloat32(),
              error,
            );
          }
          return { error, tolerance: TOLERANCE[cache] };
        },
      };
    },
  };
}

function diffkv(name: string, cache: CacheDtype, target: number | null): Workload {
  return {
    name,
    goals: [{ reference: name, target }],
    setup(data, small) {
      const [tokens, heads, dk, dv] = [small ? 64 : 16384, 8, 192, 128];
      const key = data.randn([tokens, heads, dk], 'f16');
      const value = data.randn([tokens, heads, dv], 'f16');
      const slot = slots(tokens);
      const slot_mapping = data.ints(slot, 'i64');
      const kv_cache = data.empty([tokens / BLOCK, BLOCK, heads, dk + dv], cache);
      const [k_scale, v_scale] = [data.one(), data.one()];
      const kv_cache_dtype = cache === 'f16' ? 'auto' : 'fp8';
      const args = { key, value, kv_cache, slot_mapping, kv_cache_dtype, k_scale, v_scale };
      return {
        variants: [{ label: 'host function', launch: () => triton_reshape_and_cache_flash_diffkv(data.device, args) }],
        flops: 0,
        bytes: tokens * heads * (dk + dv) * (2 + SIZE[cache]) + 8 * tokens,
        params: { cache, tokens, heads, dk, dv, block: BLOCK },
        async check(launch) {
          kv_cache.fill(0);
          launch();
          const pick = randomInts(5);
          const flat = kv_cache.view([tokens, heads, dk + dv]);
          let error = 0;
          for (let i = 0; i < 12; i++) {
            const [t, h] = [i === 0 ? tokens - 1 : pick(tokens), pick(heads)];
            const got = await flat.select(0, slot[t]).select(0, h).toFloat32();
            const want = await Promise.all([key, value].map((x) => x.select(0, t).select(0, h).toFloat32()));
            error = largestError(got, [...want[0], ...want[1]], error);
          }
          return { error, tolerance: TOLERANCE[cache] };
        },
      };
    },
  };
}

export const cacheWorkloads: readonly Workload[] = [
  reshape('reshape_and_cache_f16_t16384_h8_d128', 'f16', 1),
  reshape('reshape_and_cache_fp8_t16384_h8_d128', 'fp8e4nv', 1),
  diffkv('reshape_and_cache_diffkv_f16_t16384_h8_192_128', 'f16', 2.5),
  diffkv('reshape_and_cache_diffkv_fp8_t16384_h8_192_128', 'fp8e4nv', 3),
];
