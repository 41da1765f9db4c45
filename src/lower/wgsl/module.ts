// Puts a WGSL module together: directives, header comment, bindings, uniform block, helpers, entry point with the program id
// decoding, body. Comes in: lane IR and the plans. Goes out: a WgslProgram, the same bytes for the same input.

import type { Loc } from '../../dsl/diagnostics.ts';
import { type Func, type Op, walk } from '../../dsl/ir/ir.ts';
import { dtypeOf, isPtr, printType } from '../../dsl/types.ts';
import type { AccessPlan } from '../passes/access.ts';
import type { LayoutPlan } from '../passes/assignLayouts.ts';
import { baseField, type Distributed } from '../passes/distribute.ts';
import { arrayBytes } from '../passes/distributeMatrix.ts';
import { layoutKey } from '../passes/layout.ts';
import type { AxisOrder } from '../passes/programOrder.ts';
import type { Binding, Target, UniformField, WgslProgram } from '../program.ts';
import { registerType } from './casts.ts';
import { Emitter, type Line } from './emit.ts';
import { Names, safeName } from './names.ts';
import { helperOf, preludeText } from './prelude.ts';
import { programLines } from './programs.ts';
import { NATIVE_F16 } from './smallFloats.ts';

const BITS: readonly (readonly [name: string, type: 'u32' | 'f32', bits: number])[] = [
  ['zero', 'u32', 0],
  ['inf', 'f32', 0x7f800000],
  ['neg_inf', 'f32', 0xff800000],
  ['nan', 'f32', 0x7fc00000],
  ['fma_x', 'f32', 0x3f800800],
  ['fma_y', 'f32', 0xbf801000],
];

export function moduleOf(
  tile: Func,
  lane: Func,
  plan: LayoutPlan,
  access: AccessPlan,
  out: Distributed,
  target: Target,
): WgslProgram {
  const names = new Names();
  for (const b of access.buffers) names.reserve(b.name);
  const emitter = new Emitter(names, target.losesNan);
  emitter.emit(lane.body);
  const ops: Op[] = [];
  walk(lane.body, (op) => void ops.push(op));
  const matrices = out.arrays.length > 0;
  const shuffles = matrices || ops.some((op) => op.name === 'shuffle_xor');
  const native = matrices || access.buffers.some((b) => b.mode === 'half');
  const body = emitter.lines.map((l) => l.text).join('\n');
  const uses = (word: string): boolean => new RegExp(`\\b${word}\\b`).test(body);
  const helpers = preludeText(emitter.helpers, matrices ? NATIVE_F16 : {});
  const helperText = helpers.join('\n');

  const fields = uniformFields(tile, ops, `${body}\n${helperText}`);
  const bindings: Binding[] = access.buffers.map((b, binding) => ({
    binding,
    name: b.name,
    access: b.written || b.mode === 'atomic' ? 'read_write' : 'read',
    params: b.params.map((p) => p.name),
    wgslType: b.wgslType,
  }));
  const logBinding = out.sites.length ? bindings.length : -1;
  const uniformBinding = bindings.length + (out.sites.length ? 1 : 0);
  const size = 1 << plan.lanes;

  const programs = Number(lane.attrs.programs ?? 1);

  const lines: Line[] = [];
  const put = (text: string, loc: Loc | null = null): void => void lines.push({ text, loc });
  if (native) put('enable f16;');
  if (shuffles) {
    put('enable subgroups;');
    put('requires subgroup_id;');
    // Conditions are equal in the whole workgroup by construction, hence in every subgroup.
    put('diagnostic(off, subgroup_uniformity);');
  }
  if (matrices) {
    put('enable chromium_experimental_subgroup_matrix;');
    put('diagnostic(off, chromium.subgroup_matrix_uniformity);');
  }
  for (const c of header(tile, plan, size, programs, ops)) put(`// ${c}`.trimEnd());
  put('');
  put('struct Uniforms {');
  for (const f of fields) put(`  ${f.name}: ${f.type},`);
  put('}');
  for (const b of bindings) put(`@group(0) @binding(${b.binding}) var<storage, ${b.access}> ${b.name}: array<${b.wgslType}>;`);
  if (logBinding >= 0) {
    put('struct Log { used: atomic<u32>, data: array<u32> }');
    put(`@group(0) @binding(${logBinding}) var<storage, read_write> tessera_log: Log;`);
  }
  put(`@group(0) @binding(${uniformBinding}) var<uniform> u: Uniforms;`);
  // All sizes are multiples of 16 bytes, so that the arrays of matrices begin at such addresses.
  const words = matrices ? 4 * Math.ceil(out.words / 4) : out.words;
  if (words) put(`var<workgroup> smem: array<u32, ${words}>;`);
  if (out.vectors) put(`var<workgroup> tiles: array<vec4<u32>, ${out.vectors}>;`);
  if (out.counters) put(`var<workgroup> counts: array<atomic<i32>, ${out.counters}>;`);
  for (const a of out.arrays) put(`var<workgroup> ${a.name}: array<array<${a.elem}, ${a.size}>, ${a.strips}>;`);
  // What is wrong with a kernel's own WGSL is reported at its place in the kernel.
  const inline = new Map(ops.filter((op) => op.attrs.fn !== undefined).map((op) => [String(op.attrs.fn), op.loc]));
  let place: Loc | null = null;
  for (const h of helpers) {
    const fn = /^fn (\w+)\(/.exec(h);
    if (fn) place = inline.get(fn[1]) ?? null;
    put(h, place);
  }
  put('');
  const local = uses('tid') || programs > 1;
  const inputs = ['@builtin(workgroup_id) wg: vec3<u32>', '@builtin(num_workgroups) nwg: vec3<u32>'];
  if ((local || matrices) && shuffles)
    inputs.push(
      '@builtin(subgroup_id) subgroup: u32',
      '@builtin(subgroup_size) subgroup_length: u32',
      '@builtin(subgroup_invocation_id) subgroup_lane: u32',
    );
  else if (local) inputs.push('@builtin(local_invocation_index) local: u32');
  put(`@compute @workgroup_size(${size * programs})`, tile.loc);
  put(`fn main(${inputs.join(', ')}) {`, tile.loc);
  const order = (lane.attrs.program_order ?? [0, 1, 2]) as AxisOrder;
  const backwards = (lane.attrs.backwards ?? []) as readonly number[];
  const meets = lane.attrs.meets === true;
  const number = shuffles ? '(subgroup * subgroup_length + subgroup_lane)' : 'local';
  for (const line of programLines({ order, backwards, programs, size, meets, local: number }, uses)) put(`  ${line}`);
  if (uses('tid')) put(`  let tid = i32(${shuffles || programs > 1 ? `${number} % ${size}u` : number});`);
  if (matrices) put(`  let sg = subgroup % ${Math.max(1, size / target.subgroupMaxSize)}u;`);
  lines.push(...emitter.lines);
  put('}');

  return {
    kernel: tile.name,
    code: `${lines.map((l) => l.text).join('\n')}\n`,
    entryPoint: 'main',
    workgroupSize: size * programs,
    ...(programs > 1 ? { programs } : {}),
    bindings,
    uniform: { binding: uniformBinding, size: uniformSize(fields), fields },
    log: logBinding >= 0 ? { binding: logBinding, sites: out.sites } : null,
    gridRule: 'flat',
    features: [
      ...(native ? ['shader-f16'] : []),
      ...(shuffles ? ['subgroups'] : []),
      ...(matrices ? ['chromium-experimental-subgroup-matrix'] : []),
    ],
    workgroupStorage:
      out.arrays.reduce((n, a) => n + arrayBytes(a), 0) +
      4 * (out.words + out.counters) +
      16 * out.vectors +
      [...emitter.helpers].reduce((n, h) => n + (helperOf(h)?.decl ? 16 : 0), 0),
    lineMap: lines.flatMap((l) => l.text.split('\n').map(() => l.loc)),
  };
}

const fieldBytes = (f: Pick<UniformField, 'type'>): number => (f.type === 'vec2<u32>' ? 8 : 4);
const uniformSize = (fields: readonly UniformField[]): number =>
  Math.ceil(fields.reduce((n, f) => n + fieldBytes(f), 0) / 16) * 16;

/** The uniform block: 64-bit scalars first, so that no field needs padding; then what the text uses. */
function uniformFields(func: Func, ops: readonly Op[], text: string): UniformField[] {
  const used = new Set(ops.filter((op) => op.name === 'uniform').map((op) => String(op.attrs.field)));
  const fields: Omit<UniformField, 'offset'>[] = [];
  for (const axis of [0, 1, 2] as const) fields.push({ name: `grid${axis}`, type: 'i32', source: { kind: 'grid', axis } });
  for (const p of func.params) {
    if (isPtr(p.value.type)) {
      if (used.has(baseField(p))) fields.push({ name: baseField(p), type: 'i32', source: { kind: 'base', param: p.name } });
    } else if (used.has(safeName(p.name))) {
      const d = dtypeOf(p.value.type);
      const type = d.is_bool() ? 'u32' : (registerType(d) as UniformField['type']);
      fields.push({ name: safeName(p.name), type, source: { kind: 'scalar', param: p.name, dtype: d.name } });
    }
  }
  for (const [name, type, bits] of BITS)
    if (text.includes(`u.${name}`)) fields.push({ name, type, source: { kind: 'bits', bits } });
  fields.sort((a, b) => fieldBytes(b) - fieldBytes(a));
  let offset = 0;
  return fields.map((f) => {
    const placed: UniformField = { ...f, offset };
    offset += fieldBytes(f);
    return placed;
  });
}

/** What the module is, for a person who reads it. */
function header(func: Func, plan: LayoutPlan, size: number, programs: number, ops: readonly Op[]): string[] {
  const out = [
    `kernel ${func.name}(${func.params.map((p) => `${p.name}: ${printType(p.value.type)}${p.divisibleBy > 1 ? ` /${p.divisibleBy}` : ''}`).join(', ')})`,
  ];
  const constants = Object.entries(func.constants);
  if (constants.length) out.push(`constants: ${constants.map(([k, v]) => `${k} = ${v}`).join(', ')}`);
  const share =
    programs > 1
      ? `${programs} programs of ${size} invocations share a workgroup`
      : `one program is a workgroup of ${size} invocations`;
  out.push(`${share}; ${ops.length} lane ops`);
  const seen = new Set<string>();
  walk(func.body, (op) => {
    for (const r of op.results) {
      if (!r.name || !r.type.shape.length || isPtr(r.type) || plan.remat(r) || seen.has(r.name) || seen.size >= 8) continue;
      seen.add(r.name);
      if (seen.size === 1) out.push('layouts (index bits, lowest first; r: register bit, t: invocation bit):');
      out.push(`  ${r.name}: ${printType(r.type)} [${layoutKey(plan.home(r))}]`);
    }
  });
  return out;
}
