// The state of one program instance while it runs: registers, program counter, loop counters. One engine serves whole runs and
// single steps: every step is a closure that returns the next program counter, so a run can stop between any two ops.
// This file refuses to know what ops mean (compile.ts) and what a person wants to see (../../runtime/debug.ts).

import type { Loc } from '../../dsl/diagnostics.ts';
import type { Block, Op, Param, Value } from '../../dsl/ir/ir.ts';
import type { Num } from '../../dsl/ops/row.ts';
import { stop } from './errors.ts';
import type { Region } from './memory.ts';
import { RUN } from './messages.ts';
import { allocate, type Store } from './values.ts';

/** Does the work of a step and says which step is next; nothing means the one after it. */
export type Exec = (m: Machine) => number | undefined;

/** A region of the function that a step lies in. Loops have a number, their index in `Machine.loops`. */
export interface Scope {
  readonly parent: Scope | null;
  /** The op that owns the region; null for the function's body. */
  readonly op: Op | null;
  readonly block: Block;
  readonly loop: number;
  /** First step of the region and the step after its last. */
  readonly first: number;
  readonly end: number;
}

/**
 * op: an ordinary op · enter: the head of a loop or branch · test: `condition` of a while · again: the end of a loop's body ·
 * leave: the end of a branch.
 */
export type StepKind = 'op' | 'enter' | 'test' | 'again' | 'leave';

export interface Step {
  readonly index: number;
  readonly op: Op;
  readonly kind: StepKind;
  readonly scope: Scope;
  readonly exec: Exec;
}

/** A `for` or `while` while it runs. `iteration` counts from 0; -1 outside. */
export interface LoopState {
  iteration: number;
  i: Num;
  stop: Num;
  step: Num;
}

/** What a program is made of; see compile.ts. */
export interface Code {
  readonly params: readonly Param[];
  readonly steps: readonly Step[];
  readonly slots: ReadonlyMap<Value, number>;
  /** One value for each slot, for its type. */
  readonly slotValues: readonly Value[];
  readonly loops: readonly Op[];
  /** Fills in the registers that are the same for every program of a launch. */
  readonly prepare: readonly ((m: Machine) => void)[];
}

/** Extra checks that cost time; bounds, assertions and `assume` are always checked. */
export interface Checks {
  /** An integer division or remainder by zero is an error instead of what the op's row says. */
  readonly divisionByZero?: boolean;
  /** A 32-bit sum, difference or product that wraps on its way into an address is an error. */
  readonly addressOverflow?: boolean;
}

export interface MachineOptions {
  readonly grid: readonly [number, number, number];
  readonly regions: readonly Region[];
  readonly print: (line: string) => void;
  /** A program that takes more steps than this in its loops is stopped; without it, one that works for minutes. */
  readonly maxSteps: number | undefined;
  readonly checks: Checks;
}

/** Elements that one program may touch in loops where no `maxSteps` is given: a minute or two. */
const MAX_WORK = 2 ** 36;

/** A register as seen from outside: the live array, not a copy. */
export interface Reading {
  readonly value: Value;
  readonly data: Store;
}

export class Machine {
  readonly code: Code;
  readonly regs: Store[];
  readonly loops: LoopState[];
  readonly grid: readonly [number, number, number];
  readonly regions: readonly Region[];
  readonly print: (line: string) => void;
  readonly maxSteps: number;
  private readonly maxWork: number;
  readonly checks: Checks;
  pid: readonly [number, number, number] = [0, 0, 0];
  pc = 0;
  /** Steps taken and elements touched so far, counted at the ends of loop bodies. */
  steps = 0;
  private work = 0;

  constructor(code: Code, options: MachineOptions) {
    this.code = code;
    this.regs = code.slotValues.map((v) => allocate(v.type));
    this.loops = code.loops.map(() => ({ iteration: -1, i: 0, stop: 0, step: 0 }));
    this.grid = options.grid;
    this.regions = options.regions;
    this.print = options.print;
    this.maxSteps = options.maxSteps ?? Infinity;
    this.maxWork = options.maxSteps === undefined ? MAX_WORK : Infinity;
    this.checks = options.checks;
    for (const f of code.prepare) f(this);
  }

  /** Sets the machine to the first step of a program. */
  start(pid: readonly [number, number, number]): void {
    this.pid = pid;
    this.pc = 0;
    this.steps = 0;
    this.work = 0;
    for (const l of this.loops) l.iteration = -1;
  }

  get done(): boolean {
    return this.pc >= this.code.steps.length;
  }
  /** The step about to run. Not when `done`. */
  get next(): Step {
    return this.code.steps[this.pc];
  }

  /** Runs one step. Throws `KernelError` where the kernel goes wrong; the program counter then stays at the guilty step. */
  step(): void {
    const { pc } = this;
    this.pc = this.code.steps[pc].exec(this) ?? pc + 1;
  }

  /** Runs to the end. */
  run(): void {
    const { steps } = this.code;
    const n = steps.length;
    let pc = this.pc;
    while (pc < n) {
      this.pc = pc;
      pc = steps[pc].exec(this) ?? pc + 1;
    }
    this.pc = pc;
  }

  /** The register of a value. */
  read(v: Value): Reading {
    return { value: v, data: this.regs[this.code.slots.get(v)!] };
  }

  /** Counts the steps and the work of a loop's body; stops a program that does not end. */
  spend(steps: number, work: number, loop: number, loc: Loc): void {
    this.steps += steps;
    this.work += work;
    if (this.steps > this.maxSteps || this.work > this.maxWork) {
      stop(loc, this.pid, RUN.stepBudget, this.steps, this.pid, this.code.loops[loop].name, this.loops[loop].iteration);
    }
  }
}
