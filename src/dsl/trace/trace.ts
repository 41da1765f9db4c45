// One specialisation of a kernel → its Tile IR: parameters from the signature, the rewritten body run once.

import { fail, type Loc } from '../diagnostics.ts';
import type { Func, Param } from '../ir/ir.ts';
import { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { describeJs } from '../ops/math.ts';
import { DTYPES, DType, ptrTo, scalar } from '../types.ts';
import { FloatLit, withTrace } from './context.ts';
import type { Definition, ParamInfo, Span } from './definition.ts';
import { Emitter } from './emitter.ts';
import type { ArgSpec, Signature } from './signature.ts';
import { Frame, wrapJsError } from './tracer.ts';

export interface TraceOptions {
  /** Where `tl.static_print` goes; the console by default. */
  readonly onPrint?: (text: string) => void;
}

const spanLoc = (def: Definition, [line, col, endLine, endCol]: Span): Loc => ({
  file: def.file,
  line,
  col,
  endLine,
  endCol,
  fn: def.name,
});

/** How a constant argument is shown in headers of IR and WGSL. */
const show = (x: unknown): string => (x instanceof DType ? `tl.${x}` : typeof x === 'string' ? JSON.stringify(x) : describeJs(x));

/**
 * Traces a kernel for one signature. Throws a CompileError at the kernel's line for anything that does not type-check.
 * Same definition and signature, same IR.
 */
export function traceKernel(def: Definition, signature: Signature, options: TraceOptions = {}): Func {
  const e = new Emitter(options.onPrint);
  const frame = new Frame(e, def);
  const params: Param[] = [];
  const constants: { [name: string]: string } = {};
  e.loc = spanLoc(def, def.loc);

  const argument = (p: ParamInfo, spec: ArgSpec | null | undefined): unknown => {
    const loc = spanLoc(def, p.loc);
    if (!spec) return p.hasDefault ? undefined : p.optional ? null : fail(loc, TL.constexprMissing, p.name, def.name);
    if (spec.kind === 'tuple') {
      const { keys } = spec;
      const parts = spec.parts.map((part) => argument(part.param, part.spec));
      return keys ? Object.fromEntries(keys.map((k, i) => [k, parts[i]])) : parts;
    }
    if (spec.kind === 'const') {
      constants[p.name] = show(spec.value);
      // An integer argument that equals 1 keeps its dtype; a constexpr is a plain value.
      if (spec.dtype && p.kind !== 'constexpr') {
        e.loc = loc;
        const v = e.constant(spec.value as number, spec.dtype);
        v.name = p.name;
        return v;
      }
      if (p.kind !== 'constexpr' || typeof spec.value !== 'number') return spec.value;
      // A float stays one in arithmetic at compile time: 0.5 * 2 is 1.0.
      const float = p.dtype ? DTYPES[p.dtype].is_floating() : !Number.isInteger(spec.value);
      return float ? new FloatLit(spec.value) : spec.value;
    }
    const value = new Value(scalar(spec.kind === 'ptr' ? ptrTo(spec.dtype) : spec.dtype), p.name);
    params.push({
      name: p.name,
      value,
      divisibleBy: spec.divisibleBy,
      ...(spec.kind === 'ptr' ? { buffer: spec.buffer } : {}),
      loc,
    });
    return value;
  };

  const args: { [name: string]: unknown } = {};
  const ops = e.region(() => {
    for (const p of def.params) {
      const a = argument(p, signature[p.name]);
      if (a !== undefined) args[p.name] = a;
    }
    try {
      withTrace(e, () => def.body(frame, args));
    } catch (err) {
      throw wrapJsError(err, e.loc);
    }
  });
  return { name: def.name, level: 'tile', params, body: { args: [], ops }, loc: spanLoc(def, def.loc), constants, attrs: {} };
}
