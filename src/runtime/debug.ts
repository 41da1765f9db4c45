// A launch on the interpreter, stopped wherever one likes: breakpoints, steps, variables, backtrace, watched memory. It is the
// model behind `tessera debug` (and later an editor's debug adapter), so it returns data and prints nothing. It runs between
// calls only: no thread, no callback.

import { type Loc, NO_LOC, sourceLine } from '../dsl/diagnostics.ts';
import { definitions, type Op, type Value } from '../dsl/ir/ir.ts';
import { hasTrait } from '../dsl/ops/index.ts';
import { DType, isPtr } from '../dsl/types.ts';
import { codec } from '../lower/interp/codecs.ts';
import { KernelError } from '../lower/interp/errors.ts';
import type { Machine, Scope, Step } from '../lower/interp/machine.ts';
import type { InterpProgram, Pid, RunOptions } from '../lower/interp/program.ts';
import { callChain, variable, variables } from '../lower/interp/scope.ts';
import type { Store } from '../lower/interp/values.ts';
import { type Birth, birth, type Special } from './born.ts';
import { formatNum, type Summary, summarize } from './inspect.ts';

/** Where and when to stop. Without a line: at the first op of each program that `pid` selects. */
export interface BreakpointSpec {
  readonly line?: number;
  /** A file, or the end of its path; the kernel's own file if absent. */
  readonly file?: string;
  /** Leading coordinates of the program id; missing ones match all. */
  readonly pid?: readonly number[];
}
export interface Breakpoint extends BreakpointSpec {
  readonly id: number;
  /** The line that has code: the one asked for, or the next that has. */
  readonly resolved?: number;
  /** The file it is in, or the end of its path; undefined where the kernel has no file. */
  readonly place?: string;
  hits: number;
}

export type StopReason = 'start' | 'step' | 'breakpoint' | 'watch' | 'birth' | 'program' | 'error' | 'end';
/** Why the session stands where it stands. */
export interface Stop {
  readonly reason: StopReason;
  readonly breakpoint?: Breakpoint;
  readonly watch?: WatchHit;
  readonly birth?: Birth;
  readonly error?: KernelError;
}

export interface Watch {
  readonly id: number;
  readonly param: string;
  readonly index: number;
}
export interface WatchHit extends Watch {
  readonly before: string;
  readonly after: string;
  /** The op that wrote. */
  readonly loc: Loc;
}

export interface Frame {
  readonly kind: 'call' | 'loop';
  /** Function name, or `for` / `while`. */
  readonly name: string;
  readonly loc: Loc;
  /** Loops: iteration from 0, and the induction variable of a `for`. */
  readonly iteration?: number;
  readonly at?: string;
}

/** A variable and its register. The array is live: copy it to keep it. */
export interface Inspected {
  readonly name: string;
  readonly value: Value;
  readonly data: Store;
  readonly summary: Summary;
  /** Null for pointers. */
  readonly dtype: DType | null;
}

const lineKey = (loc: Loc): string =>
  callChain(loc)
    .map((l) => `${l.file}:${l.line}`)
    .join('<');
/** Length of the call chain: 1 in the kernel. */
const depth = (loc: Loc): number => callChain(loc).length;
/** Ends of regions do bookkeeping only; nobody wants to stop there. */
const isQuiet = (s: Step): boolean => s.kind === 'again' || s.kind === 'leave';

/**
 * One launch under the debugger. `start()` first; then `run` methods until `state` is 'ended'. An error of the kernel stops
 * the session at the guilty op, where everything can still be looked at.
 */
export class DebugSession {
  readonly program: InterpProgram;
  readonly breakpoints: Breakpoint[] = [];
  readonly watches: Watch[] = [];
  /** Stop after an op that makes one of these (see born.ts). */
  readonly catches = new Set<Special>();
  state: 'new' | 'stopped' | 'failed' | 'ended' = 'new';
  private readonly options: RunOptions;
  private machine!: Machine;
  private pids!: Iterator<Pid>;
  /** At the first op of the launch, whose breakpoints have not been looked at. */
  private fresh = false;
  private nextId = 1;
  private readonly defs: Map<Value, Op>;
  private readonly watched = new Map<Watch, number | bigint>();
  /** What each buffer held before the launch. */
  private readonly memory: ReadonlyMap<Uint8Array, Uint8Array>;

  constructor(program: InterpProgram, options: RunOptions) {
    this.program = program;
    this.options = options;
    this.defs = definitions(program.func);
    this.memory = new Map(options.buffers.map((b) => [b.bytes, b.bytes.slice()]));
    this.begin();
  }

  private begin(): void {
    const { machine, programs } = this.program.launch(this.options);
    this.machine = machine;
    this.pids = programs[Symbol.iterator]();
    for (const w of this.watches) this.watched.set(w, this.element(w));
  }

  /** Goes to the first op of the first program, from any state, with memory as it was when the session was made. */
  start(): Stop {
    if (this.state !== 'new') {
      for (const [bytes, copy] of this.memory) bytes.set(copy);
      this.begin();
    }
    this.fresh = true;
    return this.nextPid() ? this.stopped({ reason: 'start' }) : this.ended();
  }

  // ---- where are we -------------------------------------------------------------------------------------------------

  get pid(): Pid {
    return this.machine.pid;
  }
  /** The step that runs next (after an error: the one that failed); null before the start and after the end. */
  get step(): Step | null {
    return this.state === 'new' || this.state === 'ended' || this.machine.done ? null : this.machine.next;
  }
  get loc(): Loc | null {
    return this.step?.op.loc ?? null;
  }

  /** Source lines around the current one (or around `line`); a line without known text is left out. */
  source(around = 5, line?: number): { readonly line: number; readonly text: string; readonly current: boolean }[] {
    const { loc } = this;
    if (!loc) return [];
    const centre = line ?? loc.line;
    const out: { line: number; text: string; current: boolean }[] = [];
    for (let l = Math.max(1, centre - around); l <= centre + around; l++) {
      const text = sourceLine(loc.file, l);
      if (text !== undefined) out.push({ line: l, text, current: l === loc.line });
    }
    return out;
  }

  /** Innermost first: each call of a device function, then the kernel; under each the loops that it is in. */
  backtrace(): Frame[] {
    const { step } = this;
    if (!step) return [];
    const loops: Scope[] = [];
    for (let s: Scope | null = step.scope; s; s = s.parent) if (s.loop >= 0) loops.push(s);
    const frames: Frame[] = [];
    for (const [i, loc] of callChain(step.op.loc).entries()) {
      const level = depth(step.op.loc) - i;
      frames.push({ kind: 'call', name: loc.fn ?? this.program.func.name, loc });
      for (const s of loops.filter((l) => depth(l.op!.loc) === level)) frames.push(this.loopFrame(s));
    }
    return frames;
  }

  private loopFrame(s: Scope): Frame {
    const op = s.op!;
    const [iv] = s.block.args;
    const at = op.name === 'for' ? `${iv.name ?? 'i'} = ${this.machine.read(iv).data[0]}` : undefined;
    return { kind: 'loop', name: op.name, loc: op.loc, iteration: this.machine.loops[s.loop].iteration, at };
  }

  // ---- values -------------------------------------------------------------------------------------------------------

  /** Every variable that can be printed here, innermost definition last. */
  variables(): Inspected[] {
    return this.step ? variables(this.program.code, this.step).map((v) => this.look(v.name, v.value)) : [];
  }

  /** A variable by its source name, as the current line sees it; undefined if there is none (yet). */
  inspect(name: string): Inspected | undefined {
    const v = this.step && variable(this.program.code, this.step, name);
    return v ? this.look(name, v) : undefined;
  }

  /** Constexpr arguments of the specialisation, as text. */
  get constants(): { readonly [name: string]: string } {
    return this.program.func.constants;
  }

  /** Names of the pointer parameters, in order: what pointer tiles point into. */
  get pointerNames(): string[] {
    return this.program.func.params.filter((p) => isPtr(p.value.type)).map((p) => p.name);
  }

  private look(name: string, value: Value): Inspected {
    const { data } = this.machine.read(value);
    const def = this.defs.get(value);
    const mask = def && hasTrait(def.name, 'reads') ? def.operands[1] : undefined;
    const summary = summarize(value.type, data, this.pointerNames, mask && this.machine.read(mask).data);
    return { name, value, data, summary, dtype: value.type.elem instanceof DType ? value.type.elem : null };
  }

  // ---- breakpoints and watches --------------------------------------------------------------------------------------

  /** Adds a breakpoint. Returns null if no code stands on that line or after it in the function it is in. */
  addBreakpoint(spec: BreakpointSpec): Breakpoint | null {
    const { loc } = this.program.func;
    const place = spec.file ?? (loc === NO_LOC ? undefined : loc.file);
    const resolved = spec.line === undefined ? undefined : this.resolve(spec.line, place);
    if (resolved === null) return null;
    const b: Breakpoint = { ...spec, id: this.nextId++, resolved, place, hits: 0 };
    this.breakpoints.push(b);
    return b;
  }
  removeBreakpoint(id: number): boolean {
    const i = this.breakpoints.findIndex((b) => b.id === id);
    if (i >= 0) this.breakpoints.splice(i, 1);
    return i >= 0;
  }

  private resolve(line: number, file: string | undefined): number | null {
    let best: number | null = null;
    for (const s of this.program.code.steps) {
      if (isQuiet(s)) continue;
      for (const l of callChain(s.op.loc)) {
        if (inFile(l, file) && l.line >= line && (best === null || l.line < best)) best = l.line;
      }
    }
    return best;
  }

  /** Stops after the op that changes element `index` of a pointer argument. Errors: a text if there is no such element. */
  addWatch(param: string, index: number): Watch | string {
    const r = this.machine.regions.find((x) => x.param === param);
    if (!r) return `there is no pointer argument '${param}'; there are: ${this.pointerNames.join(', ') || 'none'}`;
    const size = r.view.length - r.before;
    if (!Number.isInteger(index) || index < -r.before || index >= size) return `${param} has ${size} elements`;
    const w: Watch = { id: this.nextId++, param, index };
    this.watches.push(w);
    this.watched.set(w, this.element(w));
    return w;
  }
  removeWatch(id: number): boolean {
    const i = this.watches.findIndex((w) => w.id === id);
    if (i >= 0) this.watched.delete(this.watches.splice(i, 1)[0]);
    return i >= 0;
  }
  /** The watched element as text, decoded. */
  watchValue(w: Watch): string {
    return this.show(w, this.element(w));
  }

  private element(w: Watch): number | bigint {
    const r = this.machine.regions.find((x) => x.param === w.param)!;
    return r.view[w.index + r.before];
  }
  private show(w: Watch, raw: number | bigint): string {
    const { dtype } = this.machine.regions.find((x) => x.param === w.param)!;
    return formatNum(dtype, decode(dtype, raw));
  }
  private watchHit(loc: Loc): WatchHit | null {
    for (const w of this.watches) {
      const before = this.watched.get(w)!;
      const after = this.element(w);
      if (Object.is(before, after)) continue;
      this.watched.set(w, after);
      return { ...w, before: this.show(w, before), after: this.show(w, after), loc };
    }
    return null;
  }

  // ---- running ------------------------------------------------------------------------------------------------------

  /** To the next breakpoint, watched write, error, or the end of the launch. */
  continue(): Stop {
    return this.go({});
  }
  /** One op. */
  stepOp(): Stop {
    return this.go({ until: () => true });
  }
  /** To the next line, into device functions. */
  stepLine(): Stop {
    const from = this.here();
    return this.go({ until: (s, looped) => looped || lineKey(s.op.loc) !== from.key });
  }
  /** To the next line of this function or its callers. */
  stepOver(): Stop {
    const from = this.here();
    return this.go({ until: (s, looped) => depth(s.op.loc) <= from.depth && (looped || lineKey(s.op.loc) !== from.key) });
  }
  /** Out of the current device function; in the kernel itself, to the end of the program. */
  finish(): Stop {
    const from = this.here();
    return this.go({ until: (s) => depth(s.op.loc) < from.depth });
  }
  /** To the first op of the next program; breakpoints in the rest of this one are passed over. */
  nextProgram(): Stop {
    return this.go({ skipProgram: true });
  }

  private here(): { readonly key: string; readonly depth: number } {
    return this.loc ? { key: lineKey(this.loc), depth: depth(this.loc) } : { key: '', depth: 0 };
  }

  /** Every way of running. Watches, breakpoints and errors stop all of them; the end of a program stops steps. */
  private go(mode: Mode): Stop {
    if (this.state === 'ended' || this.state === 'failed') return { reason: 'end' };
    let visible: Step | null = null;
    // Whether a loop has gone back to its head: just now (a breakpoint in it is entered anew), and since we set out.
    let [looped, everLooped] = [false, false];
    if (this.state === 'new' && this.start().reason === 'end') return { reason: 'end' };
    const { machine } = this;
    if (this.fresh && !mode.until && !mode.skipProgram) {
      const breakpoint = machine.done ? null : this.breakpointAt(machine.next, null, true);
      this.fresh = false;
      if (breakpoint) return this.stopped({ reason: 'breakpoint', breakpoint });
    }
    this.fresh = false;
    for (;;) {
      if (machine.done) {
        if (!this.nextPid()) return this.ended();
        visible = null;
        looped = false;
        const stop = this.atProgramStart(mode);
        if (stop) return stop;
        continue;
      }
      const last = machine.next;
      try {
        machine.step();
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        this.state = 'failed';
        return { reason: 'error', error: e };
      }
      if (last.kind === 'again') looped = everLooped = true;
      if (!isQuiet(last)) {
        visible = last;
        looped = false;
      }
      const hit = this.watches.length && hasTrait(last.op.name, 'writes') ? this.watchHit(last.op.loc) : null;
      if (hit) return this.stopped({ reason: 'watch', watch: hit });
      for (const what of this.catches) {
        const born = birth(machine, last, what);
        if (born) return this.stopped({ reason: 'birth', birth: born });
      }
      if (machine.done || isQuiet(machine.next) || mode.skipProgram) continue;
      const breakpoint = this.breakpointAt(machine.next, looped ? null : visible, false);
      if (breakpoint) return this.stopped({ reason: 'breakpoint', breakpoint });
      if (mode.until?.(machine.next, everLooped)) return this.stopped({ reason: 'step' });
    }
  }

  private atProgramStart(mode: Mode): Stop | null {
    if (this.machine.done) return null;
    const breakpoint = this.breakpointAt(this.machine.next, null, true);
    if (breakpoint) return this.stopped({ reason: 'breakpoint', breakpoint });
    return mode.until || mode.skipProgram ? this.stopped({ reason: 'program' }) : null;
  }

  /** The breakpoint that `next` enters, coming from `last` (null: from the start of the program or of an iteration). */
  private breakpointAt(next: Step, last: Step | null, first: boolean): Breakpoint | null {
    const hit = this.breakpoints.find((b) => {
      if (b.pid?.some((x, i) => x !== this.pid[i])) return false;
      if (b.resolved === undefined) return first;
      return onLine(next, b) && !(last && onLine(last, b));
    });
    if (hit) hit.hits++;
    return hit ?? null;
  }

  private nextPid(): boolean {
    const n = this.pids.next();
    if (n.done) return false;
    this.machine.start(n.value);
    return true;
  }
  private stopped(s: Stop): Stop {
    this.state = 'stopped';
    return s;
  }
  private ended(): Stop {
    this.state = 'ended';
    return { reason: 'end' };
  }
}

interface Mode {
  /** Whether to stop before `next`. `looped`: a loop has gone back to its head on the way. */
  readonly until?: (next: Step, looped: boolean) => boolean;
  /** Run to the start of the next program whatever comes. */
  readonly skipProgram?: boolean;
}

const inFile = (loc: Loc, file: string | undefined): boolean =>
  file === undefined || loc.file === file || loc.file.endsWith(`/${file}`);
const onLine = (s: Step, b: Breakpoint): boolean => callChain(s.op.loc).some((l) => l.line === b.resolved && inFile(l, b.place));

function decode(d: DType, raw: number | bigint): number | bigint {
  const { table } = codec(d);
  return table ? table[Number(raw)] : raw;
}
