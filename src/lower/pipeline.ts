// The list of tile passes, top to bottom, and the runner that walks any such list: verifies after each pass when asked, times
// it, notes which rewrite rules fired, and hands the function to whoever wants to see it in between. What a pass does stands
// in its own file; back ends append their own passes after these.

import { CompileError, type Loc } from '../dsl/diagnostics.ts';
import type { Func } from '../dsl/ir/ir.ts';
import { parseFunc } from '../dsl/ir/parse.ts';
import { verify } from '../dsl/ir/verify.ts';
import { again, type Pass, type PassContext, rowsOf } from './pass.ts';
import { canonicalize } from './passes/canonicalize.ts';
import { cse } from './passes/cse.ts';
import { dce } from './passes/dce.ts';
import { dotAcc } from './passes/dotAcc.ts';
import { fold } from './passes/fold.ts';
import { licm } from './passes/licm.ts';
import { narrow } from './passes/narrow.ts';
import { strength } from './passes/strength.ts';

export { again, type Pass, type PassContext, pass, rowsOf } from './pass.ts';

/** From traced IR to clean tile IR: the same function for both back ends. */
export const tilePasses: readonly Pass[] = [
  fold,
  canonicalize,
  cse,
  dce,
  strength,
  narrow,
  again(fold, 'narrowing leaves casts of constants'),
  again(canonicalize, 'narrowing leaves casts of casts'),
  dotAcc,
  licm,
  again(cse, 'narrowing and hoisting bring equal ops together'),
  again(dce, 'the 64-bit originals and folded operands are unused now'),
];

/** One application of a rewrite rule. */
export interface Fired {
  readonly pass: string;
  readonly rule: string;
  readonly loc: Loc;
}
export interface PassReport {
  readonly name: string;
  readonly ms: number;
  readonly fired: readonly Fired[];
}
export interface PipelineOptions {
  /** Verify the function after every pass (tests, the command line); a pass that breaks it is an internal error. */
  readonly verify?: boolean;
  /** Sees the function after each pass. `name` is the pass's; a repeated pass is seen each time. */
  readonly dumpAfter?: (name: string, func: Func) => void;
  /** Start behind the (last) pass of this name: the function was printed there. */
  readonly after?: string;
}
export interface PipelineResult {
  readonly func: Func;
  readonly reports: readonly PassReport[];
}

/** Passes that follow the last one named `name`. Throws for an unknown name, listing the known ones. */
export function passesAfter(passes: readonly Pass[], name: string): readonly Pass[] {
  const at = passes.map((p) => p.name).lastIndexOf(name);
  if (at < 0) throw new RangeError(`there is no pass '${name}'; the passes are ${passNames(passes).join(', ')}`);
  return passes.slice(at + 1);
}
/** Names of the passes of a list, each once, in order. */
export const passNames = (passes: readonly Pass[]): readonly string[] => [...new Set(passes.map((p) => p.name))];

/**
 * Runs `passes` on `func` in order and reports on each. The input is not changed.
 * @throws CompileError with the verifier's findings if `verify` is set and a pass breaks the function.
 */
export function runPipeline(func: Func, passes: readonly Pass[], options: PipelineOptions = {}): PipelineResult {
  const reports: PassReport[] = [];
  let current = func;
  for (const p of options.after === undefined ? passes : passesAfter(passes, options.after)) {
    const fired: Fired[] = [];
    const cx: PassContext = { rows: rowsOf(current), fired: (rule, loc) => void fired.push({ pass: p.name, rule, loc }) };
    const start = performance.now();
    current = p.run(current, cx);
    reports.push({ name: p.name, ms: performance.now() - start, fired });
    if (options.verify) {
      const problems = verify(current, rowsOf(current));
      if (problems.length) throw new CompileError(problems.map((d) => ({ ...d, text: `after ${p.name}: ${d.text}` })));
    }
    options.dumpAfter?.(p.name, current);
  }
  return { func: current, reports };
}

/** Parses IR text (either level) and runs what follows the pass it was dumped after, or all passes without `after`. */
export function resume(text: string, passes: readonly Pass[], options: PipelineOptions = {}): PipelineResult {
  const func = parseFunc(text, { lane: rowsOf({ level: 'lane' }) });
  return runPipeline(func, passes, options);
}
