// `--signature` text → Signature: what `tessera lower`, `check` and `build` know of arguments that no launch gives them.
// Parameters whose annotation says it all (tl.ptr<tl.f32>, tl.i32, defaults) need not be named.

import { fail, type Loc, NO_LOC } from '../dsl/diagnostics.ts';
import type { Definition, ParamInfo } from '../dsl/trace/definition.ts';
import type { ArgSpec, Signature } from '../dsl/trace/signature.ts';
import { DTYPES, type DType, type DTypeName } from '../dsl/types.ts';
import { CLI } from './messages.ts';

/** Triton's spellings next to ours. */
const ALIASES: { readonly [name: string]: DTypeName } = {
  fp16: 'f16', fp32: 'f32', fp64: 'f64', int1: 'bool', i1: 'bool', int8: 'i8', int16: 'i16', int32: 'i32', int64: 'i64',
  uint8: 'u8', uint16: 'u16', uint32: 'u32', uint64: 'u64', float16: 'f16', float32: 'f32', float64: 'f64', bfloat16: 'bf16',
  fp8e4m3: 'fp8e4nv', fp8e5m2: 'fp8e5',
}; // biome-ignore format: a table
const dtype = (name: string): DType | undefined => DTYPES[(ALIASES[name] ?? name) as DTypeName];

/** 16 bytes of alignment, counted in elements. */
const alignedElements = (d: DType): number => Math.max(1, 16 / d.bytes);

/** Splits at commas outside brackets and quotes. */
const split = (text: string): string[] =>
  (text.match(/(?:"[^"]*"|\[[^\]]*\]|[^,])+/g) ?? []).map((s) => s.trim()).filter(Boolean);

/** True for a parameter's name, or a part's: `args[1]`. */
const named = (params: readonly ParamInfo[], name: string): boolean =>
  params.some((p) => p.name === name || (p.parts !== undefined && named(p.parts, name)));

/**
 * Completes a signature for `def`. Unnamed parts go by position. Pointers that the text leaves out take their annotation's
 * dtype, unaligned and each in a buffer of its own.
 * @throws CompileError TL6005/TL6006
 */
export function parseSignature(def: Definition, text = ''): Signature {
  const given = new Map<string, string>();
  split(text).forEach((part, i) => {
    const m = /^([A-Za-z_$][\w$.[\]]*)\s*=\s*(.+)$/.exec(part);
    const name = m ? m[1] : def.params[i]?.name;
    if (!name || !named(def.params, name)) fail(NO_LOC, CLI.signature, part, `names no parameter of ${def.name}`);
    if (given.has(name)) fail(NO_LOC, CLI.signature, part, `says '${name}' twice`);
    given.set(name, m ? m[2] : part);
  });
  const buffers = new Map<string, number>();
  const bufferOf = (name: string): number => {
    if (!buffers.has(name)) buffers.set(name, buffers.size);
    return buffers.get(name) as number;
  };
  const missing: string[] = [];
  const signature: { [name: string]: ArgSpec } = {};
  const specOf = (p: ParamInfo): ArgSpec | null => {
    if (given.has(p.name)) return argument(p, given.get(p.name) as string, bufferOf);
    const spec = p.parts
      ? { kind: 'tuple' as const, keys: p.keys ?? null, parts: p.parts.map((param) => ({ param, spec: specOf(param) })) }
      : implied(p, bufferOf);
    if (!spec && !p.hasDefault) missing.push(p.name);
    return spec;
  };
  for (const p of def.params) {
    const spec = specOf(p);
    if (spec) signature[p.name] = spec;
  }
  if (missing.length) {
    const [line, col, endLine, endCol] = def.loc;
    const loc: Loc = { file: def.file, line, col, endLine, endCol, fn: def.name };
    fail(loc, CLI.missing, def.name, missing);
  }
  return signature;
}

function argument(p: ParamInfo, text: string, bufferOf: (name: string) => number): ArgSpec {
  const pointer = /^\*(\w+)(?::(16|1))?(?:@(\w+))?$/.exec(text);
  if (pointer) {
    const d =
      dtype(pointer[1]) ?? fail(NO_LOC, CLI.signature, text, `names no dtype; dtypes are ${Object.keys(DTYPES).join(', ')}`);
    return {
      kind: 'ptr',
      dtype: d,
      buffer: bufferOf(pointer[3] ?? p.name),
      divisibleBy: pointer[2] === '16' ? alignedElements(d) : 1,
    };
  }
  const typed = /^(\w+)(?::(16|1))?$/.exec(text);
  const d = typed ? dtype(typed[1]) : undefined;
  if (typed && d && p.kind !== 'constexpr') {
    if (typed[2] === '1') return { kind: 'const', value: d.bits === 64 && d.is_int() ? 1n : 1, dtype: d };
    return { kind: 'scalar', dtype: d, divisibleBy: typed[2] === '16' ? 16 : 1 };
  }
  if (d) return { kind: 'const', value: d };
  try {
    const value = JSON.parse(
      text
        .replace(/^-?(inf|Infinity)$/, (s) => (s[0] === '-' ? '"-inf"' : '"inf"'))
        .replace(/^True$/, 'true')
        .replace(/^False$/, 'false')
        .replace(/^None$/, 'null'),
    ) as unknown;
    const special = value === 'inf' ? Infinity : value === '-inf' ? -Infinity : value;
    const of = p.kind === 'scalar' && p.dtype ? DTYPES[p.dtype] : undefined;
    return {
      kind: 'const',
      value: of && of.bits === 64 && of.is_int() ? BigInt(special as number) : special,
      ...(of ? { dtype: of } : {}),
    };
  } catch {
    return fail(NO_LOC, CLI.signature, text, 'is neither a dtype nor a value');
  }
}

/** What the annotation alone says. */
function implied(p: ParamInfo, bufferOf: (name: string) => number): ArgSpec | null {
  if (p.kind === 'ptr' && p.dtype) return { kind: 'ptr', dtype: DTYPES[p.dtype], buffer: bufferOf(p.name), divisibleBy: 1 };
  if (p.kind === 'scalar' && p.dtype) return { kind: 'scalar', dtype: DTYPES[p.dtype], divisibleBy: 1 };
  return p.optional && !p.hasDefault ? { kind: 'const', value: null } : null;
}
