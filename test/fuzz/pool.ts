// Runs programs in a child process, so that a crash or a hang of a driver is an outcome like any other. The child is replaced
// after a number of programs: what the runtime caches for each kernel would grow without bound.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Kind, Outcome } from './check.ts';
import type { Program } from './program.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
const REGISTER = fileURLToPath(new URL('../../scripts/register.mjs', import.meta.url));
const START_MS = 120_000;

export class Runner {
  private readonly device: string;
  private readonly timeout: number;
  private readonly perChild: number;
  private child: ChildProcess | null = null;
  private runs = 0;
  /** What the device calls itself. */
  description = '';
  constructor(device: 'interp' | 'webgpu', { timeout = 30_000, perChild = 400 } = {}) {
    this.device = device;
    this.timeout = timeout;
    this.perChild = perChild;
  }

  private async start(): Promise<ChildProcess> {
    const child = fork(CHILD, [this.device], {
      execArgv: ['--import', REGISTER],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    const answer = await this.next(child, START_MS);
    if (!('ready' in answer)) throw new Error(`the fuzzer's process does not start: ${(answer as Outcome).text}`);
    this.description = answer.ready;
    return child;
  }

  private next(child: ChildProcess, ms: number): Promise<Outcome | { readonly ready: string }> {
    return new Promise((resolve) => {
      let said = '';
      const ended = (kind: Kind, text: string): Outcome => ({ kind, text, elements: 0, undecided: 0, skipped: [], ops: [] });
      const done = (o: Outcome | { readonly ready: string }): void => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('exit');
        child.stderr!.removeAllListeners('data');
        if ('kind' in o && (o.kind === 'timeout' || o.kind === 'crash')) {
          child.kill('SIGKILL');
          this.child = null;
        }
        resolve(o);
      };
      const timer = setTimeout(() => done(ended('timeout', `no answer in ${ms / 1000} s`)), ms);
      child.stderr!.on('data', (d) => (said = (said + d).slice(-2000)));
      child.once('message', (m) => done(m as Outcome));
      child.once('exit', (code, signal) => done(ended('crash', `the process ended with ${signal ?? code}\n${said}`)));
    });
  }

  /** A program that did not answer gets one more try, alone in a new process and with more time: the machine may have been busy. */
  async run(program: Program): Promise<Outcome> {
    const outcome = await this.once(program, this.timeout);
    return outcome.kind === 'timeout' ? this.once(program, 4 * this.timeout) : outcome;
  }
  private async once(program: Program, ms: number): Promise<Outcome> {
    if (this.child && this.runs >= this.perChild) await this.stop();
    if (!this.child) {
      this.child = await this.start();
      this.runs = 0;
    }
    this.runs++;
    this.child.send(program);
    return (await this.next(this.child, ms)) as Outcome;
  }
  async stop(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (!child) return;
    await new Promise((r) => child.once('exit', r).kill());
  }
}
