// WGSL in a kernel: an expression of the device's own language, element by element, in the place of Triton's inline assembly. The
// text becomes a function of scalars in the module; the interpreter runs the JavaScript function that is given beside it.

import type { Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import type { Trace } from '../trace/context.ts';
import { DTYPES, DType, type DTypeName, dtypeOf, isPtr, withElem } from '../types.ts';
import { describeJs } from './math.ts';
import { asUser, type Num, op } from './row.ts';
import { checkOptions } from './rules.ts';

export interface InlineWgslOptions {
  /** Dtype of the result. */
  readonly dtype: DType;
  /** An expression has no effects: true, as is the default. */
  readonly is_pure?: boolean;
  /** Elements that one evaluation takes: 1, as is the default. */
  readonly pack?: number;
  /** The same on the CPU, for the interpreter: takes and gives numbers (bigint for 64-bit integers, 0 or 1 for bool). */
  readonly cpu?: (...args: any[]) => number | bigint | boolean;
}

/** A function of the WGSL module: dtypes of its parameters and result, and the expression over $0, $1, … */
export interface InlineFunction {
  readonly text: string;
  readonly params: readonly DType[];
  readonly result: DType;
}
const FUNCTIONS = new Map<string, InlineFunction>();
const CPU: ((...args: any[]) => number | bigint | boolean)[] = [];
const cpuNumbers = new WeakMap<object, number>();

/** The function of a name in attr `fn`. */
export const inlineFunction = (name: string): InlineFunction | undefined => FUNCTIONS.get(name);
/** The JavaScript meaning that attr `cpu` names; undefined if none was given. */
export const inlineCpu = (n: unknown): ((...args: Num[]) => number | bigint | boolean) | undefined =>
  n === undefined ? undefined : CPU[Number(n)];

const { f32, f16, bf16, i32, u32, bool } = DTYPES;
const HELD = [f32, f16, bf16, i32, u32, bool];
const HELD_TEXT = 'f32, f16, bf16, i32, u32 or bool';
/** Most operands that a function of the module takes. */
const MOST = 8;

/** FNV-1a: the same text has the same name in every module. */
function nameOf(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return `tl_inline_${(h >>> 0).toString(16).padStart(8, '0')}`;
}

/** What is wrong with the text, or null. Names and types are the device's to check. */
function fault(text: string, operands: number): string | null {
  if (!text.trim()) return 'empty';
  const odd = /[;{}@]|\/[/*]/.exec(text);
  if (odd) return `no single expression: it contains ${odd[0]}`;
  let depth = 0;
  for (const c of text) {
    if (c === '(' || c === '[') depth++;
    if ((c === ')' || c === ']') && --depth < 0) break;
  }
  if (depth) return 'not balanced: a parenthesis is missing';
  for (const [, k] of text.matchAll(/\$(\d+)/g))
    if (Number(k) >= operands) return `about $${k}, but there are ${operands} operands`;
  return /\$(?!\d)/.test(text) ? 'wrong at a $ without a number' : null;
}

export const INLINE = {
  /** A WGSL expression, element by element. */
  inline_wgsl: op({
    doc: 'A WGSL expression of the operands, element by element. `tl.inline_wgsl_elementwise`.',
    args: ['...args'],
    attrs: ['fn', 'dtype', 'cpu'],
    traits: ['pure'],
    type: ([x], attrs) => [withElem(x, DTYPES[attrs.dtype as DTypeName])],
    wgsl: (v, cx) => `${cx.helper(String(cx.attrs.fn))}(${v.join(', ')})`,
  }),
};

export const INLINE_FNS = {
  /**
   * An expression of WGSL for each element: `tl.inline_wgsl_elementwise('countOneBits($0 ^ $1)', [a, b], { dtype: tl.u32, cpu
   * })`. $0, $1, … are the operands, broadcast to one shape; f16 and bf16 are f32 there. `cpu` is needed on the interpreter.
   * @differs Stands where Triton has `inline_asm_elementwise`: WGSL in place of PTX, one result, no packing.
   * @cost the expression once an element; vectors are taken apart
   */
  inline_wgsl_elementwise:
    (t: Trace) =>
    (text: string, args: readonly (number | boolean)[], options: InlineWgslOptions): number => {
      const name = 'inline_wgsl_elementwise';
      checkOptions(t, name, options, ['dtype', 'is_pure', 'pack', 'cpu']);
      const refuse = (what: string, found: string, want: string): never => t.fail(TL.unsupportedArg, name, what, found, want);
      if (typeof text !== 'string') refuse('the text', describeJs(text), 'a WGSL expression as a string');
      if (!Array.isArray(args) || args.length < 1 || args.length > MOST)
        refuse('the list of operands', describeJs(args), `an array of 1 to ${MOST} tiles or scalars`);
      if (!(options.dtype instanceof DType)) t.fail(TL.notDtype, `tl.${name}`, describeJs(options.dtype));
      if (!HELD.includes(options.dtype)) refuse('dtype', String(options.dtype), HELD_TEXT);
      if (options.is_pure === false) refuse('is_pure', 'false', 'true: an expression has no effects');
      if (options.pack !== undefined && options.pack !== 1) refuse('pack', String(options.pack), '1');
      if (options.cpu !== undefined && typeof options.cpu !== 'function')
        refuse('cpu', describeJs(options.cpu), 'a function of numbers');
      const values: Value[] = args.map((a) => t.value(a, `tl.${name}`));
      for (const v of values)
        if (isPtr(v.type) || !HELD.includes(dtypeOf(v.type))) t.fail(TL.unary, `tl.${name}`, v.type, HELD_TEXT);
      const wrong = fault(text, values.length);
      if (wrong) refuse('the text', wrong, 'one WGSL expression over $0, $1, …');
      const operands = t.broadcast(`tl.${name}`, values);
      const params = operands.map((o) => dtypeOf(o.type));
      const fn = nameOf(`${text}|${params.join()}|${options.dtype}`);
      FUNCTIONS.set(fn, { text, params, result: options.dtype });
      let cpu: number | undefined;
      if (options.cpu) {
        cpu = cpuNumbers.get(options.cpu) ?? CPU.push(options.cpu) - 1;
        cpuNumbers.set(options.cpu, cpu);
      }
      return asUser(t.one('inline_wgsl', operands, { fn, dtype: options.dtype.name, ...(cpu === undefined ? {} : { cpu }) }));
    },
};
