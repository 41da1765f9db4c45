// A kernel on the interpreter: verified tile IR in, runs over raw buffers out. Programs run one after another, in an order of
// the caller's choice; hooks see every op before and after it runs, and cost nothing when absent.

import type { Loc } from '../../dsl/diagnostics.ts';
import type { Func, Op, Param, Value } from '../../dsl/ir/ir.ts';
import { round } from '../../dsl/numerics.ts';
import { dtypeOf, isPtr } from '../../dsl/types.ts';
import { compileCode } from './compile.ts';
import { stop } from './errors.ts';
import { type Checks, type Code, Machine, type Reading, type Scope, type Step } from './machine.ts';
import { type InterpBuffer, type Region, region } from './memory.ts';
import { RUN } from './messages.ts';
import { variable } from './scope.ts';
import { fill, MAX_PTR_PARAMS, PTR_SPAN } from './values.ts';

export type Pid = readonly [number, number, number];

/** What a hook sees. Everything is read from the machine when asked for. */
export interface Point {
  readonly step: Step;
  readonly op: Op;
  readonly loc: Loc;
  readonly pid: Pid;
  readonly machine: Machine;
  /** The register of a value, or of the variable of that name in scope; undefined if there is none. */
  read(what: Value | string): Reading | undefined;
}
/** An iteration of a loop begins or ends. */
export interface LoopEvent {
  readonly op: Op;
  readonly loc: Loc;
  readonly pid: Pid;
  readonly iteration: number;
}
export interface Hooks {
  before?(at: Point): void;
  after?(at: Point): void;
  enter?(loop: LoopEvent): void;
  exit?(loop: LoopEvent): void;
  /** A program is about to start, or has ended. */
  start?(pid: Pid): void;
  end?(pid: Pid): void;
}

export interface RunOptions {
  /** Programs along each axis; missing axes are 1. */
  readonly grid: readonly number[];
  /** One entry for each pointer parameter. */
  readonly buffers: readonly InterpBuffer[];
  /** One entry for each scalar parameter: a number, bigint (i64, u64) or boolean. */
  readonly scalars?: { readonly [param: string]: number | bigint | boolean };
  readonly hooks?: Hooks;
  /** Which programs run; all if absent. */
  readonly programs?: readonly Pid[] | ((pid: Pid) => boolean);
  /** Kernels must not depend on it. `shuffle` follows from `seed`. */
  readonly order?: 'forward' | 'reverse' | 'shuffle';
  readonly seed?: number;
  /** Steps that one program may take in its loops before it is stopped. Without it a program may work for about a minute. */
  readonly maxSteps?: number;
  /** Takes the lines of device_print; `console.log` if absent. */
  readonly print?: (line: string) => void;
  readonly checks?: Checks;
}

export interface InterpProgram {
  readonly func: Func;
  readonly code: Code;
  /** Runs a launch to its end. Errors: `KernelError` (TL5xxx) with the place in the kernel; memory written before stays written. */
  run(options: RunOptions): void;
  /** A machine ready for `start(pid)`, and the programs to run on it: what a debugger steps. */
  launch(options: RunOptions): { readonly machine: Machine; readonly programs: Iterable<Pid> };
}

/** Compiles a tile-level function for the interpreter. */
export function compileInterp(func: Func): InterpProgram {
  const code = compileCode(func);
  const launch = (options: RunOptions) => {
    const machine = new Machine(code, {
      grid: [options.grid[0] ?? 1, options.grid[1] ?? 1, options.grid[2] ?? 1],
      regions: regions(func, options.buffers),
      print: options.print ?? ((line) => console.log(line)),
      maxSteps: options.maxSteps,
      checks: options.checks ?? {},
    });
    setArguments(func, machine, options);
    return { machine, programs: programsOf(machine.grid, options) };
  };
  return {
    func,
    code,
    launch,
    run(options) {
      const { machine, programs } = launch(options);
      for (const pid of programs) {
        machine.start(pid);
        if (options.hooks) runHooked(machine, options.hooks);
        else machine.run();
      }
    },
  };
}

const pointers = (func: Func): Param[] => func.params.filter((p) => isPtr(p.value.type));

function regions(func: Func, buffers: readonly InterpBuffer[]): Region[] {
  const params = pointers(func);
  if (params.length > MAX_PTR_PARAMS)
    stop(func.loc, [], RUN.argument, params[MAX_PTR_PARAMS].name, `more than ${MAX_PTR_PARAMS} pointers`);
  return params.map((p) => {
    const b = buffers.find((x) => x.param === p.name);
    return region(p, b ?? stop(p.loc, [], RUN.argument, p.name, 'no buffer was given'));
  });
}

/** Parameters keep their registers for the whole launch. */
function setArguments(func: Func, machine: Machine, options: RunOptions): void {
  let pointer = 0;
  for (const p of func.params) {
    const { data } = machine.read(p.value);
    if (isPtr(p.value.type)) {
      fill(data, pointer++ * PTR_SPAN);
      continue;
    }
    const x = options.scalars?.[p.name];
    if (x === undefined) stop(p.loc, [], RUN.argument, p.name, 'no value was given');
    fill(data, round(dtypeOf(p.value.type), typeof x === 'boolean' ? Number(x) : x));
  }
}

/** Program ids, x fastest. */
function* everyPid([x, y, z]: Pid): Generator<Pid> {
  for (let k = 0; k < z; k++) for (let j = 0; j < y; j++) for (let i = 0; i < x; i++) yield [i, j, k];
}

function programsOf(grid: Pid, options: RunOptions): Iterable<Pid> {
  const { programs, order = 'forward' } = options;
  if (order === 'forward' && !programs) return everyPid(grid);
  let list = Array.isArray(programs) ? [...(programs as Pid[])] : [...everyPid(grid)];
  if (typeof programs === 'function') list = list.filter(programs);
  if (order === 'reverse') list.reverse();
  if (order === 'shuffle') shuffle(list, options.seed ?? 1);
  return list;
}

/** Fisher–Yates with a linear congruential generator: the same order for the same seed everywhere. */
function shuffle<T>(list: T[], seed: number): void {
  let s = seed >>> 0;
  for (let i = list.length - 1; i > 0; i--) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((s / 2 ** 32) * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
}

/** The hook's view of a machine that is about to run (or has just run) `step`. */
export function pointAt(machine: Machine, step: Step): Point {
  return {
    step,
    op: step.op,
    loc: step.op.loc,
    pid: machine.pid,
    machine,
    read: (what) => {
      if (typeof what !== 'string') return machine.code.slots.has(what) ? machine.read(what) : undefined;
      const v = variable(machine.code, step, what);
      return v && machine.read(v);
    },
  };
}

function runHooked(machine: Machine, hooks: Hooks): void {
  hooks.start?.(machine.pid);
  while (!machine.done) {
    const step = machine.next;
    const point = pointAt(machine, step);
    hooks.before?.(point);
    const before = loopOf(machine, step);
    machine.step();
    hooks.after?.(point);
    if (step.kind === 'again' || step.kind === 'test' || step.kind === 'enter') loopEvents(machine, step, before, hooks);
  }
  hooks.end?.(machine.pid);
}

/** Number and iteration of the loop that a control step belongs to. */
function loopOf(machine: Machine, step: Step): { readonly loop: number; readonly iteration: number } {
  const loop = step.kind === 'enter' ? machine.code.loops.indexOf(step.op) : step.scope.loop;
  return { loop, iteration: loop < 0 ? -1 : machine.loops[loop].iteration };
}

function loopEvents(machine: Machine, step: Step, before: ReturnType<typeof loopOf>, hooks: Hooks): void {
  const { loop } = before;
  if (loop < 0) return;
  const op = machine.code.loops[loop];
  const now = machine.loops[loop].iteration;
  const event = (iteration: number): LoopEvent => ({ op, loc: op.loc, pid: machine.pid, iteration });
  // A while enters an iteration once its test has passed, a for when it begins.
  if (step.kind === 'again') hooks.exit?.(event(before.iteration));
  const entered = op.name === 'while' ? step.kind === 'test' && now >= 0 : step.kind !== 'test' && now >= 0;
  if (entered) hooks.enter?.(event(now));
}

export { Machine } from './machine.ts';
export type { InterpBuffer, Scope, Step };
