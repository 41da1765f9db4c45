// What goes wrong on the GPU, gathered until someone waits. In: error scopes around GPU calls, with text that names the launch or tensor.
// Out: at sync, one Error with everything since the last. WebGPU reports late and without a place; this is where the place is kept.

import { CompileError, diagnostic, type Loc, NO_LOC } from '../../dsl/diagnostics.ts';
import { DEVICE } from '../messages.ts';

export class Faults {
  private readonly gpu: GPUDevice;
  private readonly bytesHeld: () => number;
  private readonly pending = new Set<Promise<unknown>>();
  private found: { loc: Loc; kind: 'out-of-memory' | 'validation' | 'inline'; what: string; detail: string }[] = [];

  constructor(gpu: GPUDevice, bytesHeld: () => number) {
    this.gpu = gpu;
    this.bytesHeld = bytesHeld;
    // What no scope caught would go to the console and be lost.
    gpu.addEventListener('uncapturederror', (e) => {
      e.preventDefault?.();
      this.add('an operation', NO_LOC, e.error);
    });
  }

  /** Runs `body` so that errors which the GPU reports for it are known as errors of `what` (a function where the text costs). */
  watch<T>(what: string | (() => string), loc: Loc, body: () => T): T {
    this.gpu.pushErrorScope('out-of-memory');
    this.gpu.pushErrorScope('internal');
    this.gpu.pushErrorScope('validation');
    try {
      return body();
    } finally {
      for (let i = 0; i < 3; i++) {
        const p = this.gpu.popErrorScope().then(
          (e) => e && this.add(typeof what === 'string' ? what : what(), loc, e),
          () => undefined, // the device is lost: said elsewhere
        );
        this.pending.add(p);
        p.finally(() => this.pending.delete(p));
      }
    }
  }
  private add(what: string, loc: Loc, error: GPUError): void {
    const memory = error.constructor.name === 'GPUOutOfMemoryError' || /out of memory|OUT_OF_.*MEMORY/i.test(error.message);
    this.found.push({ what, loc, kind: memory ? 'out-of-memory' : 'validation', detail: error.message.trim() });
  }

  /** The device does not take a kernel's own WGSL. */
  inline(loc: Loc, detail: string): void {
    this.found.push({ loc, kind: 'inline', what: 'inline WGSL', detail });
  }

  /** Waits for the scopes that are open on the device's side. */
  async settle(): Promise<void> {
    while (this.pending.size) await Promise.all(this.pending);
  }
  /** The faults so far as one error, or null; they are then forgotten. An out-of-memory hides the refusals that follow from it. */
  take(): Error | null {
    const all = this.found;
    this.found = [];
    if (!all.length) return null;
    const own = all.filter((f) => f.kind === 'inline');
    if (own.length) return new CompileError(own.slice(0, 5).map((f) => diagnostic(f.loc, DEVICE.inlineWgsl, f.detail)));
    const memory = all.filter((f) => f.kind === 'out-of-memory');
    return new CompileError(
      (memory.length ? memory : all)
        .slice(0, 5)
        .map((f) =>
          f.kind === 'out-of-memory'
            ? diagnostic(f.loc, DEVICE.outOfMemory, f.what, f.detail, this.bytesHeld())
            : diagnostic(f.loc, DEVICE.validation, f.what, f.detail),
        ),
    );
  }
}
