// A run of the fuzzer: programs from fast-check in chunks of their own seed, shrunk where they fail, counted where they pass.

import * as fc from 'fast-check';
import type { Kind, Outcome } from './check.ts';
import { type GeneratorOptions, programs } from './generate.ts';
import type { Program } from './program.ts';

/** Programs of one seed; the rest of a chunk is left out after a failure in it. */
export const CHUNK = 25;
const FINE: readonly Kind[] = ['ok', 'refused'];
/** Attempts at a smaller program. */
const MAX_SHRINKS = 250;

export interface Failure {
  readonly seed: number;
  readonly program: Program;
  readonly outcome: Outcome;
  readonly shrinks: number;
}
export interface Report {
  readonly runs: number;
  readonly kinds: { readonly [K in Kind]?: number };
  readonly elements: number;
  readonly undecided: number;
  /** How many kernels held an op; how often steps had no effect, by reason; what was refused, by message. */
  readonly ops: ReadonlyMap<string, number>;
  readonly skipped: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
  readonly failures: readonly Failure[];
}
export interface SessionOptions extends GeneratorOptions {
  readonly runs: number;
  readonly seed: number;
  readonly run: (p: Program) => Promise<Outcome>;
  /** The session ends after so many minutes, whatever is left. */
  readonly minutes?: number;
  /** Failures after which the session ends. */
  readonly maxFailures?: number;
  readonly progress?: (done: number, failures: number) => void;
  readonly found?: (f: Failure) => void;
}

const count = (m: Map<string, number>, key: string): void => void m.set(key, (m.get(key) ?? 0) + 1);

export async function session(options: SessionOptions): Promise<Report> {
  const { runs, seed, run, progress, found, maxFailures = 20, minutes = Infinity } = options;
  const end = performance.now() + minutes * 60_000;
  const arbitrary = programs(options);
  const kinds: { [K in Kind]?: number } = {};
  const [ops, skipped, refused] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const failures: Failure[] = [];
  const known = new Set<string>();
  let [done, elements, undecided] = [0, 0, 0];
  for (let chunk = 0; done < runs && failures.length < maxFailures && performance.now() < end; chunk++) {
    let failing: Kind | null = null;
    let tries = 0;
    const last = new Map<Program, Outcome>();
    const property = fc.asyncProperty(arbitrary, async (program) => {
      if (failing && tries++ > MAX_SHRINKS) return true;
      const outcome = await run(program);
      if (failing) {
        // Shrinking: the same kind of failure in a smaller program.
        if (outcome.kind === failing) last.set(program, outcome);
        return outcome.kind !== failing;
      }
      progress?.(++done, failures.length);
      kinds[outcome.kind] = (kinds[outcome.kind] ?? 0) + 1;
      elements += outcome.elements;
      undecided += outcome.undecided;
      for (const o of outcome.ops) count(ops, o);
      for (const s of outcome.skipped) count(skipped, s.replace(/\d+/g, 'N').slice(0, 100));
      if (outcome.kind === 'refused') count(refused, outcome.text);
      if (FINE.includes(outcome.kind)) return true;
      // Messages that were seen before, but for numbers, are the same bug.
      const message = outcome.kind === 'mismatch' ? '' : `${outcome.kind} ${outcome.text.replace(/\d+/g, 'N').slice(0, 200)}`;
      if (message && known.has(message)) return true;
      known.add(message);
      failing = outcome.kind;
      last.set(program, outcome);
      return false;
    });
    const numRuns = Math.min(CHUNK, runs - done);
    const result = await fc.check(property, { numRuns, seed: seed * 100_003 + chunk });
    if (!result.failed) continue;
    const [program, outcome] = [...last].at(-1)!;
    const failure = { seed: seed * 100_003 + chunk, program, outcome, shrinks: result.numShrinks };
    failures.push(failure);
    found?.(failure);
  }
  return { runs: done, kinds, elements, undecided, ops, skipped, refused, failures };
}
