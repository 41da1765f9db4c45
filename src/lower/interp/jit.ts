// Makes one copy of a loop per combination of array classes, from a line of source. A shared loop would see every array class
// and every operation, and V8 would then look both up for each element; a copy of its own runs ten times faster.
// The texts are our own constants (never a kernel's): see loops.ts, tiles.ts and memory.ts.

const cache = new Map<string, unknown>();

/**
 * A function made from text, the same for the same `key`. `env` names the values that the text may use besides its
 * parameters; it must be a function of the key.
 */
export function specialise<F extends (...args: any[]) => any>(
  key: string,
  params: string,
  body: string,
  env: { [name: string]: unknown } = {},
): F {
  let f = cache.get(key) as F | undefined;
  if (!f) {
    const make = new Function(...Object.keys(env), `'use strict'; return function (${params}) { ${body} };`);
    f = make(...Object.values(env)) as F;
    cache.set(key, f);
  }
  return f;
}
