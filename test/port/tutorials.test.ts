// Kernels in the manner of Triton's tutorials, ported by the command line and in this process, checked by the type checker and run
// on both devices as they come out, against float64 references.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { type Autotuned, cdiv, type Kernel, tuning } from '../../src/index.ts';
import { portSource } from '../../src/port/port.ts';
import { onEachDevice } from '../support/devices.ts';
import { fixture, portFixture, typeErrors } from './load.ts';

const root = resolve(import.meta.dirname, '../..');
const FIXTURES = ['fused_softmax', 'layer_norm', 'grouped_matmul'];

let state = 7;
const random = (n: number): Float32Array =>
  Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 4 - 2;
  });
const near = (got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void => {
  expect(got.length).toBe(want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) worst = Math.max(worst, Math.abs(got[i] - want[i]));
  expect(worst).toBeLessThan(tolerance);
};
const numbers = async (t: { toNumbers(): Promise<number[]> }): Promise<number[]> => t.toNumbers();

it.each(FIXTURES)('%s through the command line, and as TypeScript', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-port-'));
  const python = relative(root, fileURLToPath(new URL(`./fixtures/${name}.py`, import.meta.url)));
  const out = join(folder, `${name}.ts`);
  const command = ['--import', './scripts/register.mjs', 'src/cli.ts', 'port', python, '-o', out];
  await promisify(execFile)(process.execPath, command, { cwd: root });
  const code = readFileSync(out, 'utf8');
  rmSync(folder, { recursive: true });
  // What the tests below run differs in the file's name only.
  expect(code).toBe(portSource(fixture(name), { file: python }).code);

  expect(typeErrors(code, name)).toEqual([]);
});

onEachDevice('ported', (dev, kind) => {
  it('fused softmax', async () => {
    const { softmax_kernel } = portFixture('fused_softmax').exports as { [name: string]: Kernel };
    const [rows, cols] = [7, 45];
    const x = random(rows * cols);
    const input = dev().tensor(x, { shape: [rows, cols] });
    const output = dev().empty([rows, cols], 'f32');
    softmax_kernel.launch(dev(), [3], {
      output_ptr: output,
      input_ptr: input,
      input_row_stride: cols,
      output_row_stride: cols,
      n_rows: rows,
      n_cols: cols,
      BLOCK_SIZE: 64,
      num_stages: 2,
    });
    const want = [...Array(rows).keys()].flatMap((r) => {
      const row = [...x.subarray(r * cols, (r + 1) * cols)];
      const e = row.map((v) => Math.exp(v - Math.max(...row)));
      const sum = e.reduce((a, b) => a + b);
      return e.map((v) => v / sum);
    });
    near(await numbers(output), want, 1e-6);
  });

  it('layer norm, forward and backward', async () => {
    const kernels = portFixture('layer_norm').exports as { [name: string]: Kernel };
    const [M, N, GROUP, eps] = [6, 50, 2, 1e-5];
    const [x, w, b, dy] = [random(M * N), random(N), random(N), random(M * N)];
    const of = (a: Float32Array, shape: number[]) => dev().tensor(a, { shape });
    const [X, W, B, DY] = [of(x, [M, N]), of(w, [N]), of(b, [N]), of(dy, [M, N])];
    const [Y, DX] = [dev().empty([M, N], 'f32'), dev().empty([M, N], 'f32')];
    const [Mean, Rstd] = [dev().empty([M], 'f32'), dev().empty([M], 'f32')];
    const [DW, DB] = [dev().zeros([GROUP, N], 'f32'), dev().zeros([GROUP, N], 'f32')];
    const [FINAL_DW, FINAL_DB] = [dev().empty([N], 'f32'), dev().empty([N], 'f32')];
    kernels.layer_norm_fwd.launch(dev(), [M], { X, Y, W, B, Mean, Rstd, stride: N, N, eps, BLOCK_SIZE: 16 });
    kernels.layer_norm_bwd_dx.launch(dev(), [M], {
      DX,
      DY,
      DW,
      DB,
      X,
      W,
      Mean,
      Rstd,
      stride: N,
      N,
      GROUP_SIZE_M: GROUP,
      BLOCK_SIZE_N: 64,
    });
    kernels.layer_norm_bwd_dwdb.launch(dev(), [4], {
      DW,
      DB,
      FINAL_DW,
      FINAL_DB,
      M: GROUP,
      N,
      BLOCK_SIZE_M: 4,
      BLOCK_SIZE_N: 16,
    });

    const want = { y: [] as number[], dx: [] as number[], dw: Array(N).fill(0) as number[], db: Array(N).fill(0) as number[] };
    for (let r = 0; r < M; r++) {
      const row = [...x.subarray(r * N, (r + 1) * N)];
      const mean = row.reduce((a, v) => a + v) / N;
      const rstd = 1 / Math.sqrt(row.reduce((a, v) => a + (v - mean) ** 2, 0) / N + eps);
      const hat = row.map((v) => (v - mean) * rstd);
      const wdy = hat.map((_, i) => w[i] * dy[r * N + i]);
      const c1 = hat.reduce((a, h, i) => a + h * wdy[i], 0) / N;
      const c2 = wdy.reduce((a, v) => a + v) / N;
      hat.forEach((h, i) => {
        want.y.push(h * w[i] + b[i]);
        want.dx.push((wdy[i] - (h * c1 + c2)) * rstd);
        want.dw[i] += dy[r * N + i] * h;
        want.db[i] += dy[r * N + i];
      });
    }
    near(await numbers(Y), want.y, 1e-5);
    near(await numbers(DX), want.dx, 1e-5);
    near(await numbers(FINAL_DW), want.dw, 1e-4);
    near(await numbers(FINAL_DB), want.db, 1e-4);
  });

  it.each(['', 'leaky_relu'])('grouped matmul with its configs, activation "%s"', async (ACTIVATION) => {
    const { matmul_kernel } = portFixture('grouped_matmul').exports as unknown as { [name: string]: Autotuned<any> };
    tuning.store = new Map();
    const [M, N, K] = [70, 50, 40];
    const [a, b] = [random(M * K), random(K * N)];
    const A = dev().tensor(a, { shape: [M, K] });
    const B = dev().tensor(b, { shape: [K, N] });
    const C = dev().empty([M, N], 'f32');
    const strides = { stride_am: K, stride_ak: 1, stride_bk: N, stride_bn: 1, stride_cm: N, stride_cn: 1 };
    const args = { a_ptr: A, b_ptr: B, c_ptr: C, M, N, K, ...strides, ACTIVATION };
    const grid = (meta: { [name: string]: number }) => [cdiv(M, meta.BLOCK_SIZE_M) * cdiv(N, meta.BLOCK_SIZE_N)];
    const want = Array.from({ length: M * N }, (_, i) => {
      const [r, c] = [Math.floor(i / N), i % N];
      let sum = 0;
      for (let k = 0; k < K; k++) sum += a[r * K + k] * b[k * N + c];
      return ACTIVATION && sum < 0 ? 0.01 * sum : sum;
    });
    // With the first config, then with the one that is the fastest here.
    matmul_kernel.launch(dev(), grid, args);
    near(await numbers(C), want, 3e-2); // the kernel's result is f16
    const seen: unknown[] = [];
    tuning.onProgress = (p) => void seen.push(p.config.args.BLOCK_SIZE_M);
    const best = await matmul_kernel.tune(dev(), grid, args);
    tuning.onProgress = null;
    expect(seen).toEqual([32, 32, 16]);
    expect(matmul_kernel.best(dev(), args)).toBe(best);
    C.fill(0);
    matmul_kernel.launch(dev(), grid, args);
    near(await numbers(C), want, 3e-2);
  });

  // Only on the interpreter: WGSL neither promises that a program that waits for another one gets on, nor that its plain stores are
  // seen by the next one that takes the lock. Kernels for WebGPU add atomically, as layer_norm_bwd_dx does.
  if (kind === 'interp')
    it('rows added behind a lock', async () => {
      const { add_row_locked } = portFixture('layer_norm').exports as { [name: string]: Kernel };
      const [M, N, GROUP] = [7, 20, 3];
      const x = random(M * N);
      const Row = dev().tensor(new Float32Array(GROUP * N).fill(99), { shape: [GROUP, N] });
      const [Lock, Count] = [dev().zeros([GROUP], 'i32'), dev().zeros([GROUP], 'i32')];
      const args = { Row, Lock, Count, x: dev().tensor(x, { shape: [M, N] }), N, GROUP_SIZE_M: GROUP, BLOCK_SIZE_N: 32 };
      add_row_locked.launch(dev(), [M], args);
      const want = Array<number>(GROUP * N).fill(0);
      x.forEach((v, i) => {
        want[(Math.floor(i / N) % GROUP) * N + (i % N)] += v;
      });
      near(await numbers(Row), want, 1e-5);
      expect(await numbers(Lock)).toEqual([0, 0, 0]);
    });

  it('leaves the drivers nothing to complain of', () => expect(dev().stats.wgslMessages).toEqual([]));
});
