// Who is told of launches and compilations: Triton's launch_enter_hook, launch_exit_hook and jit_post_compile_hook.

import type { WgslProgram } from '../lower/program.ts';
import type { LaunchTime } from './backend.ts';
import type { Args } from './launch.ts';

/** A launch. */
export interface LaunchEvent extends Pick<LaunchTime, 'kernel' | 'grid'> {
  readonly args: Args;
  /** The arguments' specialisation was in the cache. */
  readonly cached: boolean;
}
/** A specialisation that was compiled. */
export interface CompileEvent {
  readonly kernel: string;
  /** Text that tells the specialisations of a kernel apart. */
  readonly key: string;
  /** What it was compiled to; null on the interpreter. */
  readonly program: WgslProgram | null;
  /** Time of tracing and compiling, without what the driver does with the WGSL. */
  readonly milliseconds: number;
}
export interface LaunchListener {
  /** Before the launch is enqueued. */
  readonly enter?: (event: LaunchEvent) => void;
  /** After it is enqueued; the device may not have begun. */
  readonly exit?: (event: LaunchEvent) => void;
}

export class Listeners {
  readonly launch = new Set<LaunchListener>();
  readonly compile = new Set<(event: CompileEvent) => void>();

  /** Runs `body` between the listeners of a launch. What a listener throws, the launch throws. */
  around(event: () => LaunchEvent, body: () => void): void {
    const e = this.launch.size ? event() : null;
    if (e) for (const l of this.launch) l.enter?.(e);
    body();
    if (e) for (const l of this.launch) l.exit?.(e);
  }
  compiled(event: CompileEvent): void {
    for (const f of this.compile) f(event);
  }
}
