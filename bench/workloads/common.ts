// Packing of ragged sequences (the kernels alone, as the reference times them) and the in-place correction of attention outputs.

import { cdiv, type DTypeName } from 'tessera';
import { _correct_attn_cp_out_kernel, _pack_seq_kernel, _unpack_seq_triton_kernel } from 'tessera/kernels';
import { randomize } from '../kernels.ts';
import { largestError, randomInts, type Workload } from '../workload.ts';

/** The lengths of the reference's run (numpy's default_rng(5), one of them full). */
const LENGTHS = [
  2916, 3397, 593, 4096, 2192, 2359, 2771, 1536, 4023, 705, 1508, 1886, 2559, 1976, 981, 674, 515, 686, 1045, 4094, 1196, 2850,
  3201, 1352, 1523, 2071, 1455, 4004, 1149, 3730, 3371, 3538,
];
const BLOCK = { BLOCK_T: 64, BLOCK_D: 64 };
const SIZE: { readonly [dtype: string]: number } = { f32: 4, f16: 2 };

function pack(kind: 'pack' | 'unpack', dtype: 'f32' | 'f16'): Workload {
  const name = `${kind}_seq_${dtype}_b32_l4096_d1024`;
  return {
    name,
    goals: [{ reference: name, target: 1 }],
    setup(data, small) {
      const lens = small ? [70, 13, 41] : LENGTHS;
      const [B, Lmax, D] = [lens.length, Math.max(...lens), small ? 96 : 1024];
      const N = lens.reduce((a, b) => a + b, 0);
      const lengths_ptr = data.ints(lens, 'i32');
      const starts = lens.map((_, b) => lens.slice(0, b).reduce((x, y) => x + y, 0));
      const [inShape, outShape] = [
        [N, D],
        [B * Lmax, D],
      ];
      const from = data.randn(kind === 'pack' ? inShape : outShape, dtype);
      const to = data.empty(kind === 'pack' ? outShape : inShape, dtype);
      const grid = [B, cdiv(Lmax, BLOCK.BLOCK_T), cdiv(D, BLOCK.BLOCK_D)];
      const options = { num_warps: 4, num_stages: 2 };
      const shared = { out_ptr: to, lengths_ptr, D, Lmax, ...BLOCK };
      const launch = (): void =>
        kind === 'pack'
          ? _pack_seq_kernel.launch(data.device, grid, { x_ptr: from, N, PAD_VALUE: -Infinity, ...shared }, options)
          : _unpack_seq_triton_kernel.launch(data.device, grid, { packed_ptr: from, B, ...shared }, options);
      return {
        variants: [{ label: 'kernel', launch }],
        flops: 0,
        bytes: (kind === 'pack' ? N + B * Lmax : 2 * N) * D * SIZE[dtype],
        params: { dtype, B, Lmax, D, N },
        async check(run) {
          to.fill(0);
          run();
          const pick = randomInts(9);
          const padding = new Array<number>(D).fill(-Infinity);
          let error = 0;
          for (let i = 0; i < 16; i++) {
            const b = i < 2 ? (B - 1) * i : pick(B);
            const t = i % 4 === 3 ? lens[b] - 1 : pick(kind === 'pack' ? Lmax : lens[b]);
            const [packed, ragged] = [b * Lmax + t, starts[b] + t];
            const got = await to.select(0, kind === 'pack' ? packed : ragged).toFloat32();
            const row = (): Promise<Float32Array> => from.select(0, kind === 'pack' ? ragged : packed).toFloat32();
            error = largestError(got, t < lens[b] ? await row() : padding, error);
          }
          return { error, tolerance: 0 };
        },
      };
    },
  };
}

function correct(dtype: DTypeName): Workload {
  const name = `correct_attn_out_${dtype}_n8_b4096_h32_d128`;
  return {
    name,
    goals: [{ reference: name, target: 1.3 }],
    setup(data, small) {
      const [N, B, H, D, rank] = [8, small ? 8 : 4096, 32, 128, 3];
      const out = data.randn([B, H, D], dtype);
      const lses = data.randn([N, B, H], 'f32');
      // Far above the others: the in-place factor stays near 1 over the repeats.
      const own = lses.select(0, rank);
      randomize(data.device, own, 99, 15);
      const lse = data.empty([B, H], 'f32');
      const launch = (): void =>
        _correct_attn_cp_out_kernel.launch(data.device, [B, H, 1], {
          outputs_ptr: out,
          new_output_ptr: out,
          lses_ptr: lses,
          vlse_ptr: lse,
          outputs_stride_B: out.strides[0],
          outputs_stride_H: out.strides[1],
          outputs_stride_D: out.strides[2],
          lses_stride_N: lses.strides[0],
          lses_stride_B: lses.strides[1],
          lses_stride_H: lses.strides[2],
          lse_idx: rank,
          HEAD_DIM: D,
          N_ROUNDED: N,
        });
      return {
        variants: [{ label: 'kernel', launch }],
        flops: 0,
        bytes: 2 * B * H * D * SIZE[dtype] + (N + 1) * B * H * 4,
        params: { dtype, N, B, H, D, rank },
        async check(run) {
          // Another rank's scale would hide in a factor of 1, so look where the factor is far from it.
          randomize(data.device, own, 97);
          randomize(data.device, out, 98);
          lse.fill(0);
          const pick = randomInts(4);
          const rows = Array.from({ length: 12 }, (_, i) => (i === 0 ? [B - 1, H - 1] : [pick(B), pick(H)]));
          const read = (): Promise<Float32Array[]> =>
            Promise.all(rows.map(([b, h]) => out.select(0, b).select(0, h).toFloat32()));
          const before = await read();
          run();
          const after = await read();
          let error = 0;
          for (const [i, [b, h]] of rows.entries()) {
            const l = await lses.select(1, b).select(1, h).toFloat32();
            const final = Math.log(l.reduce((sum, x) => sum + Math.exp(x), 0));
            const factor = Math.exp(l[rank] - final);
            error = largestError(
              await lse
                .select(0, b)
                .slice(0, h, h + 1)
                .toFloat32(),
              [final],
              error,
            );
            error = largestError(after[i], Array.from(before[i], (x) => x * factor), error); // biome-ignore format: one thing
          }
          randomize(data.device, own, 99, 15);
          return { error, tolerance: dtype === 'f16' ? 1e-3 : 5e-6 };
        },
      };
    },
  };
}

export const commonWorkloads: readonly Workload[] = [
  ...(['f32', 'f16'] as const).flatMap((dtype) => [pack('pack', dtype), pack('unpack', dtype)]),
  correct('f32'),
  correct('f16'),
];
