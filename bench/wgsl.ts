// WGSL written by hand, launched and timed like a compiled kernel: what the device can do when nobody generates the code. Sizes are
// constants of the text. Programs that need a flat index fold it themselves, as compiled ones do.

import type { WgslProgram } from '../src/lower/program.ts';

export interface HandWritten {
  readonly name: string;
  /** Names of the buffers in binding order; those in `writes` are written. */
  readonly buffers: readonly string[];
  readonly writes: readonly string[];
  /** WGSL type of the elements of each buffer, or of all. */
  readonly element: string | readonly string[];
  readonly workgroupSize: number;
  readonly features?: readonly string[];
  readonly workgroupStorage?: number;
  /** Directives before the bindings. */
  readonly head?: string;
  /** Everything after the bindings; the entry point is `main`. */
  readonly body: string;
}

/** A program that `device.launchProgram` takes. */
export function program(h: HandWritten): WgslProgram {
  const type = (i: number): string => (typeof h.element === 'string' ? h.element : h.element[i]);
  const access = (b: string): 'read' | 'read_write' => (h.writes.includes(b) ? 'read_write' : 'read');
  const vars = h.buffers.map((b, i) => `@group(0) @binding(${i}) var<storage, ${access(b)}> ${b}: array<${type(i)}>;`);
  return {
    kernel: h.name,
    code: [h.head ?? '', ...vars, h.body].join('\n'),
    entryPoint: 'main',
    workgroupSize: h.workgroupSize,
    bindings: h.buffers.map((name, i) => ({ binding: i, name, access: access(name), params: [name], wgslType: type(i) })),
    uniform: null,
    log: null,
    gridRule: 'flat',
    features: h.features ?? [],
    workgroupStorage: h.workgroupStorage ?? 0,
    lineMap: [],
  };
}

const FLAT = `@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) nw: vec3<u32>, @builtin(local_invocation_index) t: u32`;
const GROUP = `(w.z * nw.y + w.y) * nw.x + w.x`;

/** Copies n words, 16 bytes an invocation. Launch on `n / 1024` groups. */
export const copyVec4 = (words: number): WgslProgram =>
  program({
    name: 'wgsl_copy_vec4',
    buffers: ['x', 'out'],
    writes: ['out'],
    element: 'vec4<u32>',
    workgroupSize: 256,
    body: `@compute @workgroup_size(256) fn main(${FLAT}) {
      let i = (${GROUP}) * 256u + t;
      if (i < ${words / 4}u) { out[i] = x[i]; }
    }`,
  });

/** Matrix units alone: 4 × 2 accumulators a subgroup over operands that never change. 2 · 16³ · 8 · `steps` FLOPs a subgroup. */
export const matrixPeak = (steps: number): WgslProgram => {
  const each = (f: (i: number, j: number) => string): string =>
    [0, 1, 2, 3].flatMap((i) => [0, 1].map((j) => f(i, j))).join('\n');
  return program({
    name: 'wgsl_matrix_units',
    buffers: ['x', 'out'],
    writes: ['out'],
    element: ['f16', 'f32'],
    workgroupSize: 128,
    features: ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'],
    head: `enable f16;\nenable subgroups;\nenable chromium_experimental_subgroup_matrix;\ndiagnostic(off, chromium.subgroup_matrix_uniformity);`,
    body: `alias L = subgroup_matrix_left<f16, 16, 16>;
    alias R = subgroup_matrix_right<f16, 16, 16>;
    alias C = subgroup_matrix_result<f32, 16, 16>;
    @compute @workgroup_size(128) fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(local_invocation_index) t: u32) {
      ${[0, 1, 2, 3].map((i) => `let a${i} = subgroupMatrixLoad<L, row_major>(&x, ${i * 256}u, 16u);`).join('\n')}
      ${[0, 1].map((j) => `let b${j} = subgroupMatrixLoad<R, row_major>(&x, ${1024 + j * 256}u, 16u);`).join('\n')}
      ${each((i, j) => `var c${i}${j} = C();`)}
      for (var s = 0u; s < ${steps}u; s++) {
        ${each((i, j) => `c${i}${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}${j});`)}
      }
      let at = (w.x * 4u + t / 32u) * 2048u;
      ${each((i, j) => `subgroupMatrixStore<row_major>(&out, at + ${(i * 2 + j) * 256}u, c${i}${j}, 16u);`)}
    }`,
  });
};

/** f32 multiply-adds alone: 16 chains an invocation. 2 · 16 · `steps` · 256 FLOPs a workgroup. */
export const fmaPeak = (steps: number): WgslProgram =>
  program({
    name: 'wgsl_fma',
    buffers: ['x', 'out'],
    writes: ['out'],
    element: 'vec4<f32>',
    workgroupSize: 256,
    body: `@compute @workgroup_size(256) fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(local_invocation_index) t: u32) {
      let m = x[t];
      ${[0, 1, 2, 3].map((i) => `var c${i} = x[t + ${i + 1}u];`).join('\n')}
      for (var s = 0u; s < ${steps}u; s++) { ${[0, 1, 2, 3].map((i) => `c${i} = fma(c${i}, m, m);`).join(' ')} }
      out[w.x * 256u + t] = c0 + c1 + c2 + c3;
    }`,
  });

/** Launch on n / 1024 groups. */
export const addVec4 = (n: number): WgslProgram =>
  program({
    name: 'wgsl_add',
    buffers: ['x', 'y', 'out'],
    writes: ['out'],
    element: 'vec4<f32>',
    workgroupSize: 256,
    body: `@compute @workgroup_size(256) fn main(${FLAT}) {
      let i = (${GROUP}) * 256u + t;
      if (i < ${n / 4}u) { out[i] = x[i] + y[i]; }
    }`,
  });

/** Softmax of rows of 1024: 64 invocations a row, four vec4 each, tree reductions in workgroup memory. One group a row. */
export const softmaxRows = (): WgslProgram => {
  const tree = (op: string): string => `s[t] = v;
      workgroupBarrier();
      for (var d = 32u; d > 0u; d /= 2u) { if (t < d) { s[t] = ${op}; } workgroupBarrier(); }`;
  return program({
    name: 'wgsl_softmax',
    buffers: ['x', 'out'],
    writes: ['out'],
    element: 'vec4<f32>',
    workgroupSize: 64,
    workgroupStorage: 256,
    body: `var<workgroup> s: array<f32, 64>;
    @compute @workgroup_size(64) fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(local_invocation_index) t: u32) {
      let at = w.x * 256u + t;
      var a = x[at]; var b = x[at + 64u]; var c = x[at + 128u]; var d4 = x[at + 192u];
      let m4 = max(max(a, b), max(c, d4));
      var v = max(max(m4.x, m4.y), max(m4.z, m4.w));
      ${tree('max(s[t], s[t + d])')}
      let m = s[0];
      workgroupBarrier();
      a = exp(a - m); b = exp(b - m); c = exp(c - m); d4 = exp(d4 - m);
      v = dot(a + b + c + d4, vec4<f32>(1.0));
      ${tree('s[t] + s[t + d]')}
      let r = 1.0 / s[0];
      out[at] = a * r; out[at + 64u] = b * r; out[at + 128u] = c * r; out[at + 192u] = d4 * r;
    }`,
  });
};

/** n³ f32: 64 × 64 a group of 64 invocations, 8 × 8 each in vec4s, K in steps of 16 through workgroup memory. (n / 64)² groups. */
export const matmulF32 = (n: number): WgslProgram => {
  const rows = [0, 1, 2, 3, 4, 5, 6, 7];
  return program({
    name: 'wgsl_matmul',
    buffers: ['a', 'b', 'out'],
    writes: ['out'],
    element: 'vec4<f32>',
    workgroupSize: 64,
    workgroupStorage: 2 * 64 * 16 * 4,
    body: `var<workgroup> sa: array<f32, 1024>;
    var<workgroup> sb: array<vec4<f32>, 256>;
    @compute @workgroup_size(64) fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(local_invocation_index) t: u32) {
      let m0 = (w.x / ${n / 64}u) * 64u; let n0 = (w.x % ${n / 64}u) * 16u;
      let tm = t / 8u; let tn = t % 8u;
      ${rows.map((r) => `var p${r} = vec4<f32>(); var q${r} = vec4<f32>();`).join(' ')}
      for (var k = 0u; k < ${n}u; k += 16u) {
        for (var i = t; i < 256u; i += 64u) {
          let v = a[(m0 + i / 4u) * ${n / 4}u + k / 4u + i % 4u];
          let c = i % 4u * 4u; let r = i / 4u;
          sa[c * 64u + r] = v.x; sa[(c + 1u) * 64u + r] = v.y; sa[(c + 2u) * 64u + r] = v.z; sa[(c + 3u) * 64u + r] = v.w;
          sb[i] = b[(k + i / 16u) * ${n / 4}u + n0 + i % 16u];
        }
        workgroupBarrier();
        for (var i = 0u; i < 16u; i++) {
          let u = sb[i * 16u + tn * 2u]; let v = sb[i * 16u + tn * 2u + 1u];
          ${rows.map((r) => `{ let x = vec4<f32>(sa[i * 64u + tm * 8u + ${r}u]); p${r} = fma(x, u, p${r}); q${r} = fma(x, v, q${r}); }`).join('\n')}
        }
        workgroupBarrier();
      }
      ${rows.map((r) => `out[(m0 + tm * 8u + ${r}u) * ${n / 4}u + n0 + tn * 2u] = p${r}; out[(m0 + tm * 8u + ${r}u) * ${n / 4}u + n0 + tn * 2u + 1u] = q${r};`).join('\n')}
    }`,
  });
};
