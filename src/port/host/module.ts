// The host's part of a Python file, run from top to bottom as far as it can be.

import { Unportable } from '../errors.ts';
import type { Module } from '../syntax.ts';
import type { Evaluator } from './evaluate.ts';
import { Scope, Unknown } from './values.ts';

/** Runs a module; `decorate` is called where a kernel stands, with the names as they are there. */
export function runModule(module: Module, evaluator: Evaluator, decorate: (kernel: string, scope: Scope) => void): void {
  const scope = new Scope(null);
  for (const item of module.host) {
    if (item.k === 'kernel') {
      decorate(item.name, scope);
      continue;
    }
    try {
      if (item.k === 'function') evaluator.define(item.read(), scope);
      else evaluator.run(item.read(), scope);
    } catch (e) {
      const why = unknown(e, evaluator);
      // Whatever it would have changed is not known from here on.
      for (const name of item.k === 'function' ? [item.name] : item.assigns) scope.set(name, why);
    }
  }
}

/** What stopped a computation: something that only a run tells, or Python that is not read. Throws what is neither. */
export function unknown(e: unknown, evaluator: Evaluator): Unknown {
  if (e instanceof Unknown) return e;
  if (e instanceof Unportable) return new Unknown(e.at, `\`${evaluator.show(e.at)}\``);
  throw e;
}
