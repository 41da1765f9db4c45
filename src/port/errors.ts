// The one exception of a translation: a place in the Python text and what to say about it. One for each function at most.

import { type Diagnostic, diagnostic, type Loc, type Message } from '../dsl/diagnostics.ts';
import { PORT } from './messages.ts';

interface Place {
  readonly from: number;
  readonly to: number;
}
/** Raised at what cannot be read or translated; becomes a diagnostic when lines are known. */
export class Unportable extends Error {
  readonly at: Place;
  readonly diagnostic: (loc: Loc) => Diagnostic;
  constructor(at: Place, describe: (loc: Loc) => Diagnostic) {
    super('unportable');
    this.at = at;
    this.diagnostic = describe;
  }
}
/** Stops with a row of the message table. */
export function stop<A extends unknown[]>(at: Place, m: Message<A>, ...args: A): never {
  throw new Unportable(at, (loc) => diagnostic(loc, m, ...args));
}
/** Stops at something that has no translation. */
export const refuse = (at: Place, what: string, help: string): never => stop(at, PORT.notPortable, what, help);
