// The interpreter on several cores: programs of one launch are handed out to worker threads over shared memory, while launch() stays a
// call that returns when they are done. In: a compiled kernel and a run. Out: the same results and the same first error as one thread
// after another gives. Only in Node; elsewhere, and for kernels whose programs talk to each other (atomics), one thread does it all.

import type { Diagnostic, Loc } from '../dsl/diagnostics.ts';
import { type Func, walk } from '../dsl/ir/ir.ts';
import { printFunc } from '../dsl/ir/print.ts';
import { hasTrait } from '../dsl/ops/index.ts';
import { KernelError } from '../lower/interp/errors.ts';
import type { InterpBuffer, InterpProgram, Pid, RunOptions } from '../lower/interp/program.ts';

/** Words of shared memory through which the threads of a run agree. */
export const CONTROL = { next: 0, joined: 1, finished: 2, closed: 3, failed: 4, length: 5 } as const;

/** A run as a worker gets it: `text` comes once for each kernel. */
export interface Job {
  readonly kernel: number;
  readonly text?: string;
  readonly control: Int32Array;
  readonly total: number;
  readonly grid: Pid;
  readonly buffers: readonly InterpBuffer[];
  readonly scalars: RunOptions['scalars'];
}
/** What a worker has to say when it has finished: lines of device_print by program, and the error of its first program that failed. */
export interface Report {
  readonly lines: readonly (readonly [index: number, line: string])[];
  readonly error?: {
    readonly index: number;
    readonly loc: Loc;
    readonly pid: readonly number[];
    readonly diagnostics: readonly Diagnostic[];
  };
}

/** Main thread alone for so long before it calls for help: a kernel must be compiled once more in each worker. */
const ALONE_MS = 10;

interface Port {
  postMessage(message: Job): void;
}
interface Worker {
  readonly port: Port;
  alive: boolean;
}
interface Pool {
  readonly workers: readonly Worker[];
  take(worker: Worker): Report | undefined;
}

// Not by an import: browsers load this file too.
const threads = () => (typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads'));
type MessagePort = InstanceType<NonNullable<ReturnType<typeof threads>>['MessagePort']>;
/** Threads that a launch may use by default: one for each core, in Node. */
export const defaultThreads = (): number => (threads() ? (process.getBuiltinModule('node:os').availableParallelism?.() ?? 1) : 1);

const pools = new Map<number, Pool>();
function pool(size: number): Pool {
  const known = pools.get(size);
  if (known) return known;
  const { Worker, MessageChannel, receiveMessageOnPort } = threads()!;
  const ports = new Map<Worker, MessagePort>();
  // The same module beside this one: .js when published, .ts under a loader that takes it.
  const entry = new URL(`./interpWorker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  const workers = Array.from({ length: size }, () => {
    const { port1, port2 } = new MessageChannel();
    const thread = new Worker(entry, { workerData: port2, transferList: [port2], stdout: false, stderr: true });
    thread.unref();
    port1.unref();
    const w: Worker = { port: port1 as Port, alive: true };
    ports.set(w, port1);
    // A worker that cannot start (an application bundled without it) is never waited for: it has not joined anything.
    thread.on('error', () => void (w.alive = false));
    thread.on('exit', () => void (w.alive = false));
    return w;
  });
  const made: Pool = { workers, take: (w) => receiveMessageOnPort(ports.get(w)!)?.message as Report | undefined };
  pools.set(size, made);
  return made;
}

/** True if the programs of a kernel do not depend on each other by atomics: they may run at the same time. */
function independent(func: Func): boolean {
  let free = true;
  walk(func.body, (op) => {
    if (hasTrait(op.name, 'reads') && hasTrait(op.name, 'writes')) free = false;
    // A JavaScript function beside inline WGSL exists in this thread only.
    if (op.attrs.cpu !== undefined) free = false;
  });
  return free;
}

const kernels = new WeakMap<InterpProgram, { readonly id: number; readonly free: boolean; readonly sent: Set<Worker> }>();
let lastKernel = 0;

export const pidOf = (index: number, [x, y]: Pid): Pid => [index % x, Math.floor(index / x) % y, Math.floor(index / (x * y))];

/**
 * Runs a launch on up to `size` threads. Buffers are shared memory. Errors: `KernelError` of the lowest program that failed; programs
 * after it may have run.
 */
export function runThreaded(program: InterpProgram, run: RunOptions & { readonly grid: Pid }, size: number): void {
  const total = run.grid[0] * run.grid[1] * run.grid[2];
  let known = kernels.get(program);
  if (!known) kernels.set(program, (known = { id: ++lastKernel, free: independent(program.func), sent: new Set() }));
  if (size < 2 || total < 2 || !known.free) {
    program.run(run);
    return;
  }

  const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL.length));
  const lines: (readonly [number, string])[] = [];
  let index = 0;
  const { machine } = program.launch({ ...run, print: (line) => void lines.push([index, line]) });
  let failed: { readonly index: number; readonly error: unknown } | undefined;
  let helpers: Pool | undefined;
  const start = performance.now();
  try {
    while (!Atomics.load(control, CONTROL.failed) && (index = Atomics.add(control, CONTROL.next, 1)) < total) {
      machine.start(pidOf(index, run.grid));
      machine.run();
      // Called once, and only where what is left is worth it.
      if (!helpers && performance.now() - start > ALONE_MS && total - index > size)
        helpers = call(size - 1, known, program, run, control, total);
    }
  } catch (error) {
    failed = { index, error };
    Atomics.store(control, CONTROL.failed, 1);
  }
  if (helpers) {
    Atomics.store(control, CONTROL.closed, 1);
    for (let done: number; (done = Atomics.load(control, CONTROL.finished)) < Atomics.load(control, CONTROL.joined); )
      Atomics.wait(control, CONTROL.finished, done, 1000);
    for (const w of helpers.workers) {
      const report = helpers.take(w);
      if (!report) continue;
      lines.push(...report.lines);
      const { error } = report;
      if (error && !(failed && failed.index < error.index))
        failed = { index: error.index, error: new KernelError(error.loc, error.pid, [...error.diagnostics]) };
    }
  }
  // Lines appear as they would one program after another, up to the one that failed.
  const print = run.print ?? ((line: string) => console.log(line));
  lines.sort((a, b) => a[0] - b[0]);
  for (const [i, line] of lines) if (!failed || i <= failed.index) print(line);
  if (failed) throw failed.error;
}

function call(
  count: number,
  kernel: { readonly id: number; readonly sent: Set<Worker> },
  program: InterpProgram,
  run: RunOptions & { readonly grid: Pid },
  control: Int32Array,
  total: number,
): Pool {
  const p = pool(count);
  let text: string | undefined;
  for (const w of p.workers) {
    if (!w.alive) continue;
    if (!kernel.sent.has(w)) text ??= printFunc(program.func);
    const job: Job = { kernel: kernel.id, control, total, grid: run.grid, buffers: run.buffers, scalars: run.scalars };
    w.port.postMessage(kernel.sent.has(w) ? job : { ...job, text });
    kernel.sent.add(w);
  }
  return p;
}
