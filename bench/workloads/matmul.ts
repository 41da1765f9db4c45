// The grouped matrix product, and the ceilings of the device: copies by Tessera and by hand, matrix units and multiply-adds alone.

import { cdiv } from 'tessera';
import { copy_kernel, matmul_kernel } from '../kernels.ts';
import { copyVec4, fmaPeak, matrixPeak } from '../wgsl.ts';
import { type Data, type Job, largestError, randomInts, type Workload } from '../workload.ts';

/** BM, BN, BK, GM, num_warps; what a device cannot hold is reported and passed over. */
const CONFIGS = [
  [64, 64, 32, 8, 4],
  [128, 64, 32, 8, 8],
  [128, 128, 32, 8, 8],
  [128, 128, 64, 8, 8],
  [128, 256, 32, 8, 8],
] as const;

function matmul(dtype: 'f16' | 'f32', reference: string, target: number): Workload {
  return {
    name: `matmul_${dtype}_4096`,
    goals: [{ reference, target }],
    setup(data, small) {
      const n = small ? 128 : 4096;
      const [a, b] = [0, 1].map(() => data.randn([n, n], dtype));
      const c = data.empty([n, n], dtype);
      const args = { a_ptr: a, b_ptr: b, c_ptr: c, M: n, N: n, K: n, sam: n, sak: 1, sbk: n, sbn: 1, scm: n, scn: 1 };
      const variants = CONFIGS.slice(0, small ? 1 : undefined).map(([BM, BN, BK, GM, num_warps]) => ({
        label: `${BM} × ${BN} × ${BK}, ${num_warps} warps`,
        launch: () => matmul_kernel.launch(data.device, [cdiv(n, BM) * cdiv(n, BN)], { ...args, BM, BN, BK, GM }, { num_warps }),
      }));
      return {
        variants,
        flops: 2 * n ** 3,
        bytes: 3 * n * n * (dtype === 'f16' ? 2 : 4),
        params: { dtype, n },
        async check(launch) {
          c.fill(0);
          launch();
          const pick = randomInts(6);
          const rights = await b.toFloat32();
          let error = 0;
          for (const row of [0, n - 1, pick(n), pick(n)]) {
            const [left, got] = await Promise.all([a, c].map((t) => t.select(0, row).toFloat32()));
            const want = new Float64Array(n);
            left.forEach((x, k) => {
              for (let j = 0; j < n; j++) want[j] += x * rights[k * n + j];
            });
            error = largestError(got, want, error);
          }
          // Results are about 64, up to 350: half a step of f16 there is 1/8.
          return { error, tolerance: dtype === 'f16' ? 0.15 : 2e-3 };
        },
      };
    },
  };
}

/** A copy is right when some of its rows are. */
function copy(name: string, launcher: (data: Data, x: Copied, out: Copied, words: number) => () => void): Workload {
  return {
    name,
    goals: [{ reference: 'copy_ceiling_2GiB', target: null }],
    setup(data, small): Job {
      const words = small ? 1 << 18 : 1 << 28;
      const x = data.randn([words], 'f32');
      const out = data.empty([words], 'f32');
      return {
        variants: [{ label: 'copy', launch: launcher(data, x, out, words) }],
        flops: 0,
        bytes: 8 * words,
        params: { words },
        async check(launch) {
          out.fill(0);
          launch();
          const pick = randomInts(2);
          let error = 0;
          for (const at of [0, words - 4096, pick(words - 4096), pick(words - 4096)]) {
            const [got, want] = await Promise.all([out, x].map((t) => t.slice(0, at, at + 4096).toFloat32()));
            error = largestError(got, want, error);
          }
          return { error, tolerance: 0 };
        },
      };
    },
  };
}
type Copied = ReturnType<Data['empty']>;

const GROUPS = 1056;

export const COPY_CEILING = 'ceiling_copy_wgsl';
export const MATRIX_CEILING = 'ceiling_matrix_units_f16';
export const FMA_CEILING = 'ceiling_fma_f32';

/** These run first: the others are compared with them. */
export const ceilings: readonly Workload[] = [
  copy(COPY_CEILING, (data, x, out, words) => {
    const p = copyVec4(words);
    return () => data.device.launchProgram(p, [words / 1024], { x, out });
  }),
  copy('copy_tessera', (data, x, out, n) => () => {
    copy_kernel.launch(data.device, [cdiv(n, 1024)], { x, out, n, BLOCK: 1024 });
  }),
  {
    name: MATRIX_CEILING,
    goals: [],
    needs: ['chromium-experimental-subgroup-matrix', 'shader-f16'],
    setup(data, small) {
      const [groups, steps] = small ? [4, 8] : [GROUPS, 1024];
      const x = data.randn([2048], 'f16');
      const out = data.empty([groups * 4 * 2048], 'f32');
      const p = matrixPeak(steps);
      const launch = (): void => data.device.launchProgram(p, [groups], { x, out });
      return { variants: [{ label: 'WGSL', launch }], flops: groups * 4 * steps * 8 * 2 * 16 ** 3, bytes: 0, params: { steps } };
    },
  },
  {
    name: FMA_CEILING,
    goals: [],
    setup(data, small) {
      const [groups, steps] = small ? [4, 16] : [GROUPS, 4096];
      const x = data.randn([4 * 512], 'f32');
      const out = data.empty([groups * 1024], 'f32');
      const p = fmaPeak(steps);
      const launch = (): void => data.device.launchProgram(p, [groups], { x, out });
      return { variants: [{ label: 'WGSL', launch }], flops: groups * 256 * steps * 32, bytes: 0, params: { steps } };
    },
  },
];

export const matmulWorkloads: readonly Workload[] = [
  matmul('f32', 'matmul_torch_f32_4096_no_tf32', 0.6),
  matmul('f16', 'matmul_triton_f16_4096', 0.35),
];
