// Structured control flow, hints, and what talks to a person at run time. Rows with regions have no `eval`: the interpreter
// and the lowering walk their regions.

import { TL } from '../messages.ts';
import { DTYPES, dtypeOf, isPtr, printType, sameType, type Type } from '../types.ts';
import { asUser, op, type TypeFail } from './row.ts';
import { checkOptions } from './rules.ts';

const scalarBool = (what: string, c: Type, fail: TypeFail): void => {
  if (c.elem !== DTYPES.bool || c.shape.length) fail(TL.conditionTile, what, c);
};

export const CONTROL = {
  /** Runs its region for iv = lo, lo + step, … while iv < hi (or > hi for a negative step); carries values through. */
  for: op({
    doc: 'Counted loop. Region arguments: the induction variable, then the carried values; `yield` gives their next values.',
    args: ['lo', 'hi', 'step', '...init'],
    traits: ['control'],
    type: (ts, _a, fail) => {
      for (const [i, what] of ['start', 'end', 'step'].entries()) {
        const t = ts[i];
        if (isPtr(t) || t.shape.length || !dtypeOf(t).is_int()) fail(TL.loopBound, what, printType(t));
        if (!sameType(t, ts[0])) fail(TL.operands, 'for', ts.slice(0, 3), 'bounds of one type');
      }
      return ts.slice(3);
    },
  }),
  /** Loop with a condition region and a body region, both over the carried values. */
  while: op({
    doc: 'Loop. The first region ends in `condition`, the second in `yield`; both have the carried values as arguments.',
    args: ['...init'],
    traits: ['control'],
    type: (ts) => ts,
  }),
  /** Runs one of two regions. */
  if: op({
    doc: 'Runs the first region if the condition holds, else the second; both yield the results.',
    args: ['condition'],
    traits: ['control'],
    type: ([c], _a, fail) => {
      scalarBool('if', c, fail);
      return [];
    },
  }),
  yield: op({ doc: 'Ends a region with its values.', args: ['...values'], traits: ['terminator'], type: () => [] }),
  condition: op({
    doc: 'Ends the first region of a while: go on if true.',
    args: ['condition'],
    traits: ['terminator'],
    type: ([c], _a, fail) => {
      scalarBool('while', c, fail);
      return [];
    },
  }),
};

const hint = (name: 'multiple_of' | 'max_contiguous' | 'max_constancy', doc: string) =>
  op({
    doc,
    args: ['x'],
    attrs: ['values'],
    traits: ['pure', 'hint', 'cheap'],
    type: ([x]) => [x],
    api:
      (t) =>
      <T extends number>(input: T, values: number | readonly number[]): T => {
        const list = (Array.isArray(values) ? values : [values]).map((v) => t.constInt(v, `tl.${name}`));
        const x = t.value(input, `tl.${name}`);
        const want = Math.max(x.type.shape.length, name === 'multiple_of' ? 1 : 0);
        if (list.length !== want) t.fail(TL.hintCount, `tl.${name}`, list.length, x.type, want);
        return asUser(t.one(name, [x], { values: list }));
      },
  });

export const HINTS = {
  /** States that every value (the first of each block) is a multiple of `values`. */
  multiple_of: hint(
    'multiple_of',
    'States that all values are multiples of `values` (one number a dimension). Wrong hints give wrong results.',
  ),
  /** States how many consecutive values are contiguous. */
  max_contiguous: hint('max_contiguous', 'States that values come in contiguous runs of `values` (one number a dimension).'),
  /** States how many consecutive values are equal. */
  max_constancy: hint('max_constancy', 'States that values come in constant runs of `values` (one number a dimension).'),
  /**
   * States that a condition holds; the compiler may use it.
   * @differs The interpreter checks it; on WebGPU it is taken for true.
   * @cost nothing: it helps the analysis of ranges
   */
  assume: op({
    doc: 'States that a scalar condition holds. It is not checked on the GPU; the interpreter checks it.',
    args: ['condition'],
    traits: ['effect'],
    type: ([c], _a, fail) => {
      scalarBool('tl.assume', c, fail);
      return [];
    },
    api:
      (t) =>
      (cond: boolean): void => {
        if (typeof cond === 'boolean') {
          if (!cond) t.fail(TL.staticAssert, 'tl.assume(false)');
          return;
        }
        t.emit('assume', [t.value(cond, 'tl.assume')]);
      },
  }),
};

export interface PrintOptions {
  /** Print the bits of the values as hexadecimal numbers, all of a dtype equally long. */
  readonly hex?: boolean;
}
const isOptions = (x: unknown): x is PrintOptions =>
  typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype;

export const DEBUG = {
  /**
   * Prints values at run time, with program ids.
   * @differs Prints when the launch has ended, from a ring of 64 KiB a kernel: what is too much is left out.
   * @cost one atomic operation and a few stores an element, and the host reads the ring after the launch.
   */
  device_print: op({
    doc: 'Prints a prefix and the values of tiles or scalars at run time, one line an element, with the program id; their bits with { hex: true }.',
    args: ['...values'],
    attrs: ['prefix', 'hex'],
    traits: ['effect'],
    type: (ts, _a, fail) => {
      for (const t of ts) if (isPtr(t)) fail(TL.pointerElement, 'tl.device_print', t);
      return [];
    },
    api:
      (t) =>
      (prefix: string, ...values: (number | boolean | PrintOptions)[]): void => {
        if (typeof prefix !== 'string')
          t.fail(TL.unsupportedArg, 'device_print', 'the first argument', String(prefix), 'a string');
        const last = values.at(-1);
        const options = isOptions(last) ? last : {};
        checkOptions(t, 'device_print', options, ['hex']);
        const vs = values.slice(0, values.length - Number(isOptions(last))).map((v) => t.value(v, 'tl.device_print'));
        const attrs = { prefix, ...(options.hex ? { hex: true } : {}) };
        t.emit('device_print', vs.length > 1 ? t.broadcast('tl.device_print', vs) : vs, attrs);
      },
  }),
  /**
   * Stops the launch with a message if a condition fails at run time.
   * @differs Needs no TRITON_DEBUG; on WebGPU the program goes on and the host reports the error when the launch has ended.
   * @cost the host reads a ring of 64 KiB after the launch.
   */
  device_assert: op({
    doc: 'Reports an error with the message and the program id if the condition is false anywhere (where the mask holds).',
    args: ['condition', 'mask?'],
    attrs: ['msg'],
    traits: ['effect'],
    type: (ts, _a, fail) => {
      for (const t of ts) if (t.elem !== DTYPES.bool) fail(TL.maskNotBool, 'tl.device_assert', t);
      return [];
    },
    api:
      (t) =>
      (cond: boolean, msg = '', mask?: boolean | null): void => {
        const c = t.value(cond, 'tl.device_assert');
        t.emit('device_assert', mask == null ? [c] : t.broadcast('tl.device_assert', [c, t.value(mask, 'tl.device_assert')]), {
          msg,
        });
      },
  }),
  /**
   * Lets all invocations of the program meet.
   * @differs Never needed for what a kernel itself writes and reads in tiles: the compiler puts barriers in.
   * @cost one barrier
   */
  debug_barrier: op({
    doc: 'All invocations of a program meet here, and see what was written to memory before. The compiler waits where it must by itself.',
    args: [],
    traits: ['effect'],
    type: () => [],
    api: (t) => (): void => void t.emit('debug_barrier', []),
  }),
};
