// Python's own functions and methods, and Triton's of the host, on values that are known.

import type { ExprOf } from '../ast.ts';
import { ConfigValue, type Dict, equal, items, Machine, Reference, truth, Unknown, type Value } from './values.ts';

/** A call with its arguments, positional and by name. */
export interface Call {
  readonly at: ExprOf<'call'>;
  readonly args: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
  /** Calls a function of the file. */
  readonly apply: (fn: Value, args: readonly Value[]) => Value;
}
type Builtin = (c: Call) => Value;

const wrong = (c: Call, what: string): never => {
  throw new Unknown(c.at, what);
};
const number = (c: Call, v: Value | undefined): number =>
  typeof v === 'number' ? v : typeof v === 'boolean' ? Number(v) : wrong(c, 'a number is expected here');
const list = (c: Call, v: Value | undefined): Value[] =>
  (v === undefined ? null : items(v)) ?? wrong(c, 'a list is expected here');

export const compareValues = (a: Value, b: Value): number => {
  if (Array.isArray(a) && Array.isArray(b)) {
    const i = a.findIndex((x, k) => k >= b.length || !equal(x, b[k]));
    return i < 0 ? a.length - b.length : i >= b.length ? 1 : compareValues(a[i], b[i]);
  }
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
};
const sorted = (c: Call): Value[] => {
  const key = c.named.get('key');
  const keyed = list(c, c.args[0]).map((v) => [v, key ? c.apply(key, [v]) : v] as const);
  keyed.sort(([, a], [, b]) => compareValues(a, b));
  const out = keyed.map(([v]) => v);
  return truth(c.named.get('reverse') ?? false) ? out.reverse() : out;
};
const extreme =
  (sign: number): Builtin =>
  (c) => {
    const values = c.args.length === 1 ? list(c, c.args[0]) : [...c.args];
    const key = c.named.get('key');
    const by = (v: Value): Value => (key ? c.apply(key, [v]) : v);
    if (!values.length) return c.named.get('default') ?? wrong(c, 'an empty list has no extreme');
    return values.reduce((a, b) => (sign * compareValues(by(b), by(a)) > 0 ? b : a));
  };
/** Python rounds halves to even. */
const round = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
export const text = (v: Value): string =>
  v === null ? 'None' : typeof v === 'boolean' ? (v ? 'True' : 'False') : typeof v === 'object' ? '?' : String(v);

/** Entries of a dictionary, or of a list of pairs. */
const pairs = (c: Call, v: Value | undefined): [Value, Value][] =>
  v === undefined ? [] : v instanceof Map ? [...v] : list(c, v).map((p) => [list(c, p)[0], list(c, p)[1]]);
const nothing = (_: unknown): null => null;

/** Lists that are longer are no configs. */
export const MAX_LENGTH = 100_000;
const shortest = (lists: readonly Value[][]): number => (lists.length ? Math.min(...lists.map((l) => l.length)) : 0);
const product = (c: Call, lists: readonly Value[][]): Value[][] => {
  if (lists.reduce((n, l) => n * l.length, 1) > MAX_LENGTH) wrong(c, 'a list that is too long to write out');
  return lists.reduce<Value[][]>((all, l) => all.flatMap((before) => l.map((v) => [...before, v])), [[]]);
};

/** Parameters of `triton.Config` in order; the first are the constexprs. */
const CONFIG = ['kwargs', 'num_warps', 'num_stages', 'num_ctas', 'maxnreg', 'pre_hook', 'ir_override'];

/** By name: Python's as they are, others with their modules. */
export const BUILTINS: { readonly [name: string]: Builtin } = {
  len: (c) => list(c, c.args[0]).length,
  range: (c) => {
    const [a, b, step = 1] = c.args.map((v) => number(c, v));
    const [from, to] = b === undefined ? [0, a] : [a, b];
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (!(count <= MAX_LENGTH)) wrong(c, 'a list that is too long to write out');
    return Array.from({ length: count }, (_, i) => from + i * step);
  },
  min: extreme(-1),
  max: extreme(1),
  sum: (c) => list(c, c.args[0]).reduce<number>((a, v) => a + number(c, v), 0),
  abs: (c) => Math.abs(number(c, c.args[0])),
  int: (c) => Math.trunc(typeof c.args[0] === 'string' ? Number(c.args[0]) : number(c, c.args[0])),
  float: (c) => (typeof c.args[0] === 'string' ? Number(c.args[0]) : number(c, c.args[0])),
  bool: (c) => truth(c.args[0]),
  str: (c) => text(c.args[0]),
  round: (c) => (c.args.length > 1 ? wrong(c, 'digits of `round`') : round(number(c, c.args[0]))),
  list: (c) => (c.args.length ? [...list(c, c.args[0])] : []),
  tuple: (c) => (c.args.length ? [...list(c, c.args[0])] : []),
  dict: (c) => new Map<Value, Value>([...pairs(c, c.args[0]), ...c.named]),
  sorted,
  reversed: (c) => [...list(c, c.args[0])].reverse(),
  filter: (c) => list(c, c.args[1]).filter((v) => truth(c.args[0] === null ? v : c.apply(c.args[0], [v]))),
  map: (c) => {
    const lists = c.args.slice(1).map((v) => list(c, v));
    return Array.from({ length: shortest(lists) }, (_, i) =>
      c.apply(
        c.args[0],
        lists.map((l) => l[i]),
      ),
    );
  },
  zip: (c) => {
    const lists = c.args.map((v) => list(c, v));
    return Array.from({ length: shortest(lists) }, (_, i) => lists.map((l) => l[i]));
  },
  enumerate: (c) => list(c, c.args[0]).map((v, i) => [i + number(c, c.args[1] ?? c.named.get('start') ?? 0), v]),
  all: (c) => list(c, c.args[0]).every(truth),
  any: (c) => list(c, c.args[0]).some(truth),
  print: () => null,
  'itertools.product': (c) =>
    product(
      c,
      c.args.map((v) => list(c, v)),
    ),
  'itertools.chain': (c) => c.args.flatMap((v) => list(c, v)),
  'math.ceil': (c) => Math.ceil(number(c, c.args[0])),
  'math.floor': (c) => Math.floor(number(c, c.args[0])),
  'math.log2': (c) => Math.log2(number(c, c.args[0])),
  'math.sqrt': (c) => Math.sqrt(number(c, c.args[0])),
  'math.prod': (c) => list(c, c.args[0]).reduce<number>((a, v) => a * number(c, v), 1),
  // The environment of whoever runs the translation says nothing of where kernels run: files are read as if it was empty.
  'os.getenv': (c) => c.args[1] ?? c.named.get('default') ?? null,
  'os.environ.get': (c) => c.args[1] ?? c.named.get('default') ?? null,
  'triton.cdiv': (c) => Math.ceil(number(c, c.args[0]) / number(c, c.args[1])),
  'triton.next_power_of_2': (c) => 2 ** Math.ceil(Math.log2(Math.max(1, number(c, c.args[0])))),
  'triton.runtime.driver.active.get_current_target': () => new Machine(),
  'triton.Config': (c) => {
    const given = new Map<string, Value>([...c.args.map((v, i): [string, Value] => [CONFIG[i] ?? '', v]), ...c.named]);
    const kwargs = given.get('kwargs') ?? new Map();
    given.delete('kwargs');
    return kwargs instanceof Map ? new ConfigValue(kwargs, given, c.at) : wrong(c, 'a Config that is not of a dictionary');
  },
};

/** Methods by the kind of value. The first argument is the value itself. */
export const METHODS: readonly { readonly is: (v: Value) => boolean; readonly of: { readonly [name: string]: Builtin } }[] = [
  {
    is: (v) => Array.isArray(v),
    of: {
      append: (c) => nothing((c.args[0] as Value[]).push(c.args[1])),
      extend: (c) => nothing((c.args[0] as Value[]).push(...list(c, c.args[1]))),
      copy: (c) => [...(c.args[0] as Value[])],
      index: (c) => (c.args[0] as Value[]).findIndex((v) => equal(v, c.args[1])),
      count: (c) => (c.args[0] as Value[]).filter((v) => equal(v, c.args[1])).length,
      sort: (c) => {
        const self = c.args[0] as Value[];
        return nothing(self.splice(0, self.length, ...sorted(c)));
      },
    },
  },
  {
    is: (v) => v instanceof Map,
    of: {
      get: (c) => (c.args[0] as Dict).get(c.args[1]) ?? c.args[2] ?? null,
      items: (c) => [...(c.args[0] as Dict)].map(([k, v]) => [k, v]),
      keys: (c) => [...(c.args[0] as Dict).keys()],
      values: (c) => [...(c.args[0] as Dict).values()],
      copy: (c) => new Map(c.args[0] as Dict),
      update: (c) => {
        for (const [k, v] of [...pairs(c, c.args[1]), ...c.named]) (c.args[0] as Dict).set(k, v);
        return null;
      },
    },
  },
  {
    is: (v) => typeof v === 'string',
    of: {
      startswith: (c) => (c.args[0] as string).startsWith(text(c.args[1])),
      endswith: (c) => (c.args[0] as string).endsWith(text(c.args[1])),
      lower: (c) => (c.args[0] as string).toLowerCase(),
      upper: (c) => (c.args[0] as string).toUpperCase(),
      strip: (c) => (c.args[0] as string).trim(),
      split: (c) => (c.args.length > 1 ? (c.args[0] as string).split(text(c.args[1])) : (c.args[0] as string).split(/\s+/)),
    },
  },
];

/** Attributes of values. */
export function attributeOf(v: Value, name: string): Value | undefined {
  if (v instanceof Machine) return name === 'backend' ? v.backend : undefined;
  if (v instanceof Reference) return new Reference(`${v.path}.${name}`);
  if (!(v instanceof ConfigValue)) return undefined;
  if (name === 'kwargs') return v.kwargs;
  return v.options.get(name) ?? CONFIG_DEFAULTS[name];
}
/** What `triton.Config` takes where nothing is said. */
export const CONFIG_DEFAULTS: { readonly [name: string]: number | null } = {
  num_warps: 4,
  num_stages: 3,
  num_ctas: 1,
  maxnreg: null,
  pre_hook: null,
};
