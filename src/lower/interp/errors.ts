// The error of a running kernel: a diagnostic with a code frame at the op, plus the facts a program may want to read.

import { CompileError, diagnostic, type Loc, type Message } from '../../dsl/diagnostics.ts';

/** Thrown when a kernel goes wrong while it runs on the interpreter. `pid` is the program id it happened in. */
export class KernelError extends CompileError {
  readonly pid: readonly number[];
  readonly loc: Loc;
  get code(): string {
    return this.diagnostics[0].code;
  }
  constructor(loc: Loc, pid: readonly number[], d: ConstructorParameters<typeof CompileError>[0]) {
    super(d);
    this.name = 'KernelError';
    this.loc = loc;
    this.pid = [...pid];
  }
}

/** Throws a `KernelError` with one diagnostic. */
export function stop<A extends unknown[]>(loc: Loc, pid: readonly number[], m: Message<A>, ...args: A): never {
  throw new KernelError(loc, pid, [diagnostic(loc, m, ...args)]);
}
