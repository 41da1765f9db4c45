// Kernels written by hand for the runtime's tests: as the front end would define them, as tile IR for the interpreter and as a WGSL
// program. So the runtime is tested apart from the tracer and the code generator.

import { registerSource } from '../../src/dsl/diagnostics.ts';
import type { Func } from '../../src/dsl/ir/ir.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import type { AnyKernel } from '../../src/dsl/kernel.ts';
import type { Definition, ParamInfo } from '../../src/dsl/trace/definition.ts';
import type { Signature } from '../../src/dsl/trace/signature.ts';
import type { LogSite, WgslProgram } from '../../src/lower/program.ts';
import type { Device } from '../../src/runtime/core.ts';
import { InterpBackend } from '../../src/runtime/interpDevice.ts';
import { type DeviceOptions, openDevice } from '../../src/runtime/open.ts';

interface Handmade extends AnyKernel {
  /** Tile IR for a signature. */
  readonly ir: (sig: Signature) => string;
  readonly wgsl: WgslProgram;
}
const handmade = new Map<string, Handmade>();

const param = (name: string, kind: ParamInfo['kind'], line: number, more: Partial<ParamInfo> = {}): ParamInfo => ({
  name,
  kind,
  optional: false,
  hasDefault: false,
  loc: [line, 3, line, 3 + name.length],
  ...more,
});

function define(name: string, params: ParamInfo[], ir: Handmade['ir'], wgsl: WgslProgram): Handmade {
  const file = `${name}.kernel.ts`;
  const text = [`const ${name} = kernel(function ${name}({`, ...params.map((p) => `  ${p.name},`), '}) {});'].join('\n');
  registerSource(file, 1, text);
  const definition: Definition = {
    kind: 'kernel',
    name,
    file,
    firstLine: 1,
    text,
    loc: [1, 7, 1, 7 + name.length],
    locs: [],
    params,
    body: () => undefined,
  };
  const k = { name, definition, options: {}, ir, wgsl };
  handmade.set(name, k);
  return k;
}

/** A device of each kind on which the hand-made kernels can be launched. */
export function open(kind: 'webgpu' | 'interp', options: DeviceOptions = {}): Promise<Device> {
  const find = (name: string): Handmade => handmade.get(name)!;
  return openDevice(
    { ...options, prefer: kind },
    {
      trace: (def, sig) => parseFunc(find(def.name).ir(sig)),
      toWgsl: (func) => withoutConstants(find(func.name).wgsl, func),
      interpreter: (sink) => new InterpBackend(sink),
    },
  );
}

/** An integer that was equal to 1 is no parameter of the traced function any more, so it has no field in the uniform block. */
function withoutConstants(p: WgslProgram, func: Func): WgslProgram {
  const left = func.params.map((q) => q.name);
  const gone = p.uniform!.fields.filter((f) => f.source.kind === 'scalar' && !left.includes(f.source.param));
  if (!gone.length) return p;
  const code = gone.reduce((text, f) => text.replaceAll(`u.${f.name})`, '1)'), p.code);
  return { ...p, code, uniform: { ...p.uniform!, fields: p.uniform!.fields.filter((f) => !gone.includes(f)) } };
}

const FLAT = 'let flat = (wg.z * groups.y + wg.y) * groups.x + wg.x; if (flat >= u.grid0 * u.grid1 * u.grid2) { return; }';
const ENTRY = (size: number): string =>
  `@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32)`;
const GRID_FIELDS = ([0, 1, 2] as const).map((axis) => ({
  name: `grid${axis}`,
  offset: 4 * axis,
  type: 'u32' as const,
  source: { kind: 'grid' as const, axis },
}));

interface Field {
  readonly name: string;
  readonly type: 'i32' | 'u32' | 'f32' | 'vec2<u32>';
  readonly source: NonNullable<WgslProgram['uniform']>['fields'][number]['source'];
}
/** A program whose bindings are numbered in order, the uniform block (grid first, each further field in 8 bytes) and log last. */
export function program(
  kernel: string,
  size: number,
  bindings: readonly { access: 'read' | 'read_write'; params: string[]; wgslType: string }[],
  fields: readonly Field[],
  body: string,
  sites?: readonly LogSite[],
): WgslProgram {
  const rows = fields.map((f, i) => ({ ...f, offset: 16 + 8 * i }));
  const uniformBinding = bindings.length;
  const code = [
    'struct U { grid0: u32, grid1: u32, grid2: u32,',
    ...rows.map((f) => `@align(8) ${f.name}: ${f.type},`),
    '}',
    ...bindings.map((b, i) => `@group(0) @binding(${i}) var<storage, ${b.access}> ${b.params[0]}: array<${b.wgslType}>;`),
    `@group(0) @binding(${uniformBinding}) var<uniform> u: U;`,
    ...(sites ? [`@group(0) @binding(${uniformBinding + 1}) var<storage, read_write> log: array<atomic<u32>>;`] : []),
    `${ENTRY(size)} { ${FLAT}`,
    body,
    '}',
  ].join('\n');
  return {
    kernel,
    code,
    entryPoint: 'main',
    workgroupSize: size,
    bindings: bindings.map((b, i) => ({ binding: i, name: b.params[0], ...b })),
    uniform: { binding: uniformBinding, size: 16 + 8 * Math.ceil(rows.length / 2) * 2, fields: [...GRID_FIELDS, ...rows] },
    log: sites ? { binding: uniformBinding + 1, sites } : null,
    gridRule: 'flat',
    features: [],
    workgroupStorage: 0,
    lineMap: [],
  };
}
const base = (p: string): Field => ({ name: `${p}_base`, type: 'u32', source: { kind: 'base', param: p } });

/** out[i] = x[i] + y[i] for i < n, 64 elements a program. */
export const add = define(
  'add',
  [
    param('x', 'ptr', 2, { dtype: 'f32' }),
    param('y', 'ptr', 3, { dtype: 'f32', optional: true }),
    param('out', 'ptr', 4, { dtype: 'f32' }),
    param('n', 'scalar', 5, { dtype: 'i32' }),
    param('BLOCK', 'constexpr', 6, { dtype: 'i32' }),
  ],
  (sig) => `func @add(%x: ptr<f32>, %y: ptr<f32>, %out: ptr<f32>${sig.n.kind === 'const' ? '' : ', %n: i32'}) {
    %pid = program_id {axis=0} : i32
    ${sig.n.kind === 'const' ? '%n = constant {value=1} : i32' : ''}
    %b = constant {value=64} : i32
    %s = mul %pid, %b : i32
    %r = arange {start=0, end=64} : tile<64xi32>
    %st = broadcast_to %s {shape=[64]} : tile<64xi32>
    %o = add %st, %r : tile<64xi32>
    %nt = broadcast_to %n {shape=[64]} : tile<64xi32>
    %m = lt %o, %nt : tile<64xbool>
    %xb = broadcast_to %x {shape=[64]} : tile<64xptr<f32>>
    %xp = addptr %xb, %o : tile<64xptr<f32>>
    %yb = broadcast_to %y {shape=[64]} : tile<64xptr<f32>>
    %yp = addptr %yb, %o : tile<64xptr<f32>>
    %ob = broadcast_to %out {shape=[64]} : tile<64xptr<f32>>
    %op = addptr %ob, %o : tile<64xptr<f32>>
    %xv = load %xp, %m : tile<64xf32>
    %yv = load %yp, %m : tile<64xf32>
    %z = add %xv, %yv : tile<64xf32>
    store %op, %z, %m
  }`,
  program(
    'add',
    64,
    [
      { access: 'read', params: ['x'], wgslType: 'f32' },
      { access: 'read', params: ['y'], wgslType: 'f32' },
      { access: 'read_write', params: ['out'], wgslType: 'f32' },
    ],
    [base('x'), base('y'), base('out'), { name: 'n', type: 'i32', source: { kind: 'scalar', param: 'n', dtype: 'i32' } }],
    `let i = flat * 64u + lane;
     if (i32(i) < u.n) { out[u.out_base + i] = x[u.x_base + i] + y[u.y_base + i]; }`,
  ),
);

/** out[program] = program id, one program an element: for grids beyond one dimension of workgroups. */
export const ids = define(
  'ids',
  [param('out', 'ptr', 2, { dtype: 'i32' })],
  () => `func @ids(%out: ptr<i32>) {
    %x = program_id {axis=0} : i32
    %y = program_id {axis=1} : i32
    %nx = num_programs {axis=0} : i32
    %r = mul %y, %nx : i32
    %i = add %r, %x : i32
    %p = addptr %out, %i : ptr<i32>
    store %p, %i
  }`,
  program(
    'ids',
    1,
    [{ access: 'read_write', params: ['out'], wgslType: 'i32' }],
    [base('out')],
    'out[u.out_base + flat] = i32(flat);',
  ),
);

/** Stores scalars of every kind as f32, and prints one of them. */
export const scalars = define(
  'scalars',
  [
    param('out', 'ptr', 2, { dtype: 'f32' }),
    param('i', 'scalar', 3, { dtype: 'i64' }),
    param('h', 'scalar', 4, { dtype: 'f16' }),
    param('b', 'scalar', 5, { dtype: 'bool' }),
  ],
  () => `func @scalars(%out: ptr<f32>, %i: i64, %h: f16, %b: bool) {
    %fi = cast %i {to="f32"} : f32
    %fh = cast %h {to="f32"} : f32
    %fb = cast %b {to="f32"} : f32
    %one = constant {value=1} : i32
    %two = constant {value=2} : i32
    %p1 = addptr %out, %one : ptr<f32>
    %p2 = addptr %out, %two : ptr<f32>
    store %out, %fi
    store %p1, %fh
    store %p2, %fb
    device_print %fh {prefix="h"}
  }`,
  program(
    'scalars',
    1,
    [{ access: 'read_write', params: ['out'], wgslType: 'f32' }],
    [
      base('out'),
      { name: 'i', type: 'vec2<u32>', source: { kind: 'scalar', param: 'i', dtype: 'i64' } },
      { name: 'h', type: 'f32', source: { kind: 'scalar', param: 'h', dtype: 'f16' } },
      { name: 'b', type: 'u32', source: { kind: 'scalar', param: 'b', dtype: 'bool' } },
    ],
    `out[u.out_base] = f32(i32(u.i.y)) * 4294967296.0 + f32(u.i.x);
     out[u.out_base + 1u] = u.h;
     out[u.out_base + 2u] = f32(u.b);
     let at = 1u + atomicAdd(&log[0], 6u);
     atomicStore(&log[at + 5u], bitcast<u32>(u.h));`,
    [
      {
        kind: 'print',
        text: 'h',
        loc: { file: 'scalars.kernel.ts', line: 1, col: 1, endLine: 1, endCol: 2 },
        values: ['f16'],
        shape: [],
      },
    ],
  ),
);

/** Fails an assertion in program 0. */
export const asserts = define(
  'asserts',
  [param('out', 'ptr', 2, { dtype: 'f32' })],
  () => `func @asserts(%out: ptr<f32>) {
    %c = constant {value=false} : bool
    device_assert %c {msg="x must be positive"}
  }`,
  program(
    'asserts',
    1,
    [{ access: 'read_write', params: ['out'], wgslType: 'f32' }],
    [base('out')],
    `out[u.out_base] = 1.0; let at = 1u + atomicAdd(&log[0], 5u); atomicStore(&log[at + 4u], 5u);`,
    [
      {
        kind: 'assert',
        text: 'x must be positive',
        loc: { file: 'asserts.kernel.ts', line: 2, col: 3, endLine: 2, endCol: 6 },
        values: [],
        shape: [2, 4],
      },
    ],
  ),
);
