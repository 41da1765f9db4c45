// Helper of the analysis tests: a function from text, and its values by name.

import { type Func, type Value, walk } from '../../src/dsl/ir/ir.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';

/** Parses `text` (the function's head and its ops) and finds values by the names in it. */
export function named(text: string): { func: Func; value: (name: string) => Value } {
  const func = parseFunc(text);
  const values = new Map<string, Value>();
  for (const p of func.params) values.set(p.name, p.value);
  walk(func.body, (op) => {
    for (const v of [...op.results, ...op.regions.flatMap((r) => r.args)]) if (v.name) values.set(v.name, v);
  });
  const value = (name: string): Value => {
    const v = values.get(name);
    if (!v) throw new Error(`the text names no %${name}`);
    return v;
  };
  return { func, value };
}
