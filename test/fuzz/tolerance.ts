// How far two back ends may be apart: the kernel runs again on the interpreter with every inexact result moved by up to the
// precision that its row states (always up, always down, at random), and what reaches memory says what that does to it. Rows
// without a stated precision are exact. Integers that move too are undecided: they hang on a float that drivers may differ in.

import type { Block, Func, Op, Value } from '../../src/dsl/ir/ir.ts';
import { round } from '../../src/dsl/numerics.ts';
import { rowOf } from '../../src/dsl/ops/index.ts';
import { DType, numel } from '../../src/dsl/types.ts';
import { compileInterp, type InterpBuffer, type Point } from '../../src/lower/interp/program.ts';
import { type Random, random } from '../support/randomIr.ts';

const TINY = 2 ** -126;
const LARGE = 2 ** 127;
/** Partial sums that overflow depend on their order; operands that are infinite do not. */
const size = (x: number): number => (Number.isFinite(x) ? Math.abs(x) : 0);
const dtypeOf = (v: Value): DType | null => (v.type.elem instanceof DType ? v.type.elem : null);
const floats = (v: Value | undefined): v is Value => v !== undefined && dtypeOf(v)?.is_floating() === true;

/** Size of the last place of a number of dtype d. */
export const ulpOf = (x: number, d: DType): number => {
  if (!Number.isFinite(x)) return 0;
  const e = Math.max(Math.floor(Math.log2(Math.abs(x) || 2 ** -200)), d.bits === 16 && d.mantissa === 10 ? -14 : -126);
  return 2 ** (e - d.mantissa);
};

/** Sums and products depend on the order that a device folds in; choosing among elements does not. */
const CHOOSES = ['maximum', 'minimum', 'gt', 'lt', 'or', 'and', 'xor'];
const folds = (op: Op): boolean => {
  const traits = rowOf(op.name)?.traits ?? [];
  if (op.name === 'dot') return true;
  return (traits.includes('reduction') || traits.includes('scan')) && !CHOOSES.includes(rowOf(op.name)?.combine ?? '');
};

/** Values that back ends may compute differently. */
export function inexactValues(func: Func): Set<Value> {
  const found = new Set<Value>();
  let grown = true;
  const mark = (v: Value | undefined): void => {
    if (!floats(v) || found.has(v)) return;
    found.add(v);
    grown = true;
  };
  const link = (from: readonly Value[], ...to: readonly (readonly Value[])[]): void => {
    from.forEach((v, i) => {
      if (found.has(v)) for (const t of to) mark(t[i]);
    });
  };
  const visit = (block: Block): void => {
    for (const op of block.ops) {
      const yields = op.regions.map((r) => r.ops.at(-1)?.operands ?? []);
      if (op.name === 'for' || op.name === 'while') {
        const skip = op.name === 'for' ? 1 : 0;
        const args = op.regions.map((r) => r.args.slice(skip));
        for (const from of [op.operands.slice(op.name === 'for' ? 3 : 0), yields.at(-1)!, op.results])
          link(from, op.results, ...args);
      } else if (op.name === 'if') for (const y of yields) link(y, op.results);
      else {
        const row = rowOf(op.name);
        const first = row?.ulp || folds(op) || (row?.traits.includes('reads') && stored.has(bufferOf(op.operands[0])));
        if (first || op.operands.some((o) => found.has(o))) op.results.forEach(mark);
        if (row?.traits.includes('writes') && op.operands.slice(1).some((o) => found.has(o)))
          stored.add(bufferOf(op.operands[0]));
      }
      for (const r of op.regions) visit(r);
    }
  };
  // Pointers of one dtype are taken for one buffer: coarse, and enough here.
  const stored = new Set<string>();
  const bufferOf = (p: Value): string => JSON.stringify((p.type.elem as { ptr: DType }).ptr.name);
  while (grown) {
    grown = false;
    visit(func.body);
  }
  return found;
}

/** By how much element `i` of an op's result may be off, in ulp of the result or absolutely. */
function bound(at: Point, op: Op, inexact: ReadonlySet<Value>, d: DType): (i: number, x: number) => number {
  const row = rowOf(op.name);
  const operands = op.operands.map((o) => at.read(o)!.data);
  const behind = op.operands.some((o) => inexact.has(o));
  const eps = 2 ** -d.mantissa;
  if (op.name === 'dot') {
    const [a, b, acc] = operands as unknown as Float64Array[];
    const [, k] = op.operands[0].type.shape;
    const n = op.results[0].type.shape[1];
    return (i) => {
      let sum = acc ? size(acc[i]) : 0;
      for (let j = 0; j < k; j++) sum += size(a[Math.floor(i / n) * k + j] * b[j * n + (i % n)]);
      return sum > LARGE ? Infinity : sum * (k + 2) * eps;
    };
  }
  if (folds(op)) {
    const x = operands[0] as Float64Array;
    const large = d.mantissa === 10 ? 65504 : LARGE;
    const { shape } = op.operands[0].type;
    const axis = Number(op.attrs.axis ?? 0);
    const length = shape[axis] ?? 1;
    const inner = numel(shape.slice(axis + 1));
    const scan = rowOf(op.name)!.traits.includes('scan');
    if (row?.combine === 'mul')
      return (i, y) => {
        // Some grouping may multiply the large factors, or the small ones, first.
        const o = scan ? Math.floor(i / (length * inner)) : Math.floor(i / inner);
        let [most, least] = [1, 1];
        for (let k = 0; k < length; k++) {
          const f = size(x[(o * length + k) * inner + (i % inner)]);
          most *= Math.max(1, f);
          if (f) least *= Math.min(1, f);
        }
        return most > large || least < 1 / large ? Infinity : size(y) * length * eps;
      };
    return (i, y) => {
      const o = scan ? Math.floor(i / (length * inner)) : Math.floor(i / inner);
      let sum = size(y);
      for (let k = 0; k < length; k++) sum += size(x[(o * length + k) * inner + (i % inner)]);
      return sum > large ? Infinity : sum * length * eps;
    };
  }
  if (!row?.traits.includes('elementwise')) return () => 0;
  const own = row.ulp ?? 0;
  const single = operands.map((o) => o.length);
  return (i, x) => {
    const u = typeof own === 'function' ? own(...operands.map((o, k) => Number(o[single[k] === 1 ? 0 : i]))) : own;
    return (u + (behind ? 1 : 0)) * ulpOf(x, d);
  };
}

/** A run: +1 or -1 for all errors in one direction, 0 at random. Even runs flush tiny numbers to zero. */
function perturbed(
  func: Func,
  run: Omit<Parameters<ReturnType<typeof compileInterp>['run']>[0], 'hooks'>,
  inexact: ReadonlySet<Value>,
  way: number,
  r: Random,
): void {
  const after = (at: Point): void => {
    const { op, step } = at;
    const [v] = op.results;
    if (step.kind !== 'op' || !floats(v) || op.name === 'constant') return;
    const d = dtypeOf(v)!;
    const data = at.read(v)!.data as unknown as { [i: number]: number; readonly length: number };
    if (inexact.has(v)) {
      const by = bound(at, op, inexact, d);
      // What a driver's functions make of NaN is theirs to say: SwiftShader's exp gives infinity.
      const operands = rowOf(op.name)?.ulp ? op.operands.filter(floats).map((o) => at.read(o)!.data) : [];
      for (let i = 0; i < data.length; i++) {
        const x = data[i];
        const most = by(i, x);
        // Moved away from what it is, so that the difference shows. NaN may be from an operand that was moved: then both ways, over the runs.
        if (most === Infinity) data[i] = Number.isNaN(x) && r() < 0.5 ? 1 : Number.NaN;
        if (operands.some((o) => Number.isNaN(o[o.length === 1 ? 0 : i]))) data[i] = 1;
        if (!Number.isFinite(x) || most === Infinity) continue;
        const delta = most * (way || r() * 2 - 1);
        if (delta) data[i] = Number(round(d, x + delta));
      }
    }
    if (way <= 0 && rowOf(op.name)?.traits.includes('elementwise'))
      for (let i = 0; i < data.length; i++) {
        const x = data[i];
        if (x !== 0 && Math.abs(x) < TINY) data[i] = 0;
        else if (x === 0 && r() < 0.5) data[i] = -x;
      }
  };
  compileInterp(func).run({ ...run, hooks: { after } });
}

export interface Slack {
  /** Largest distance of element `i` of a memory from the unmoved run; Infinity where a run gave NaN or an infinity, or an integer moved. */
  of(memory: string, i: number): number;
}

/** Runs the kernel `times` times with moved results. `fresh` makes buffers, `read` an element of one. */
export function slackOf(
  func: Func,
  setup: () => { readonly buffers: readonly InterpBuffer[]; readonly read: (memory: string, i: number) => number },
  run: {
    readonly grid: readonly number[];
    readonly scalars: { readonly [name: string]: number | bigint };
    readonly maxSteps: number;
  },
  want: (memory: string, i: number) => number,
  times: number,
): Slack {
  const inexact = inexactValues(func);
  const r = random(12345);
  const reads = Array.from({ length: times }, (_, k) => {
    const { buffers, read } = setup();
    perturbed(func, { ...run, buffers, print: () => {} }, inexact, [1, -1, 0][Math.min(k, 2)], r);
    return read;
  });
  return {
    of: (memory, i) => {
      const w = want(memory, i);
      let most = 0;
      for (const read of reads) {
        const x = read(memory, i);
        if (!Object.is(x, w) && !(x === w))
          most = Math.max(most, Number.isFinite(x) && Number.isFinite(w) ? Math.abs(x - w) : Infinity);
      }
      return most;
    },
  };
}
