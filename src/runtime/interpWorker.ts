// A worker thread of the interpreter: takes programs of a run from the shared counter until there are none. In: jobs, kernels as IR
// text. Out: a report for each job. See interpThreads.ts.

import { type MessagePort, workerData } from 'node:worker_threads';
import { CompileError } from '../dsl/diagnostics.ts';
import { parseFunc } from '../dsl/ir/parse.ts';
import { KernelError } from '../lower/interp/errors.ts';
import { compileInterp, type InterpProgram } from '../lower/interp/program.ts';
import { CONTROL, type Job, pidOf, type Report } from './interpThreads.ts';

const port = workerData as MessagePort;
const programs = new Map<number, InterpProgram>();

port.on('message', (job: Job) => {
  const { control } = job;
  // Join first, look at the gate after: the main thread closes it first and counts the joined after. One of both sees the other.
  Atomics.add(control, CONTROL.joined, 1);
  try {
    const report = Atomics.load(control, CONTROL.closed) ? undefined : work(job);
    if (report) port.postMessage(report);
  } finally {
    Atomics.add(control, CONTROL.finished, 1);
    Atomics.notify(control, CONTROL.finished);
  }
});

function work({ kernel, text, control, total, grid, buffers, scalars }: Job): Report | undefined {
  let program = programs.get(kernel);
  try {
    if (!program && text !== undefined) programs.set(kernel, (program = compileInterp(parseFunc(text))));
  } catch {
    // A kernel that holds what text cannot say (a JavaScript function): the main thread does it alone.
  }
  if (!program) return undefined;
  const lines: [number, string][] = [];
  let index = 0;
  const { machine } = program.launch({ grid, buffers, scalars, print: (line) => void lines.push([index, line]) });
  try {
    while (!Atomics.load(control, CONTROL.failed) && (index = Atomics.add(control, CONTROL.next, 1)) < total) {
      machine.start(pidOf(index, grid));
      machine.run();
    }
    return { lines };
  } catch (e) {
    Atomics.store(control, CONTROL.failed, 1);
    if (!(e instanceof CompileError)) throw e;
    const { loc, pid } = e instanceof KernelError ? e : { loc: e.diagnostics[0].loc, pid: [] };
    return { lines, error: { index, loc, pid, diagnostics: e.diagnostics } };
  }
}
