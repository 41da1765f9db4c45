// Programs as kernels: each step calls what a rewritten kernel would call. Types, promotion, broadcasting and regions are the
// tracer's; this file only chooses operands that fit and keeps away from what has no one right answer (races, floats that
// jump behind a tolerance, shifts by too much).

import type { Value } from '../../src/dsl/ir/ir.ts';
import type { Vars } from '../../src/dsl/trace/regions.ts';
import type { Frame } from '../../src/dsl/trace/tracer.ts';
import { DTYPES, type DTypeName, numel } from '../../src/dsl/types.ts';
import { anyMask, inputPointers, sitePointers, span } from './address.ts';
import { fold, MAPS } from './fold.ts';
import { type Order, type Program, SLOTS, type Step } from './program.ts';
import { ALONG, COMMUTING, domain, jumps, MOVES, OPERATORS, ROWS, SHIFTS, shapesOf } from './table.ts';
import { type Cell, dtype, fits, isFloat, isInt, isScalar, Scene, shapeOf, skip } from './trace.ts';

/** Outputs of different dtypes; with as many inputs they stay below the fewest storage buffers that a device may have. */
const MAX_OUTPUTS = 4;
const MAX_INPUTS = 3;
/** Values that nothing used are stored at the end, at most so many. */
const MAX_LEFT = 4;
const MAX_ELEMENTS = 512;
/** Inner dimension of dots. */
const K = 16;
const ROWS_FIRST: Order = { columns: false, reversed: false, xor: 0 };

const jumping = new Map<string, boolean>();
const jumpsAt = (name: string): boolean => {
  let j = jumping.get(name);
  if (j === undefined) jumping.set(name, (j = jumps(name)));
  return j;
};
const bool = (c: Cell): boolean => dtype(c).is_bool();
/** Floats behind a tolerance must not decide anything. */
const sure = (c: Cell): boolean => c.exact || !isFloat(c);

type Handlers = { [K in Step['do']]: (s: Scene, step: Extract<Step, { do: K }>) => void };

const HANDLERS: Handlers = {
  const: (s, { dtype: d, value, shape }) => {
    const t = DTYPES[d];
    const v = t.is_floating() ? value : t.is_bool() ? value > 1 : Math.trunc(value);
    s.push(s.call('full', shape, v, t));
  },
  range: (s, { start, size }) => s.push(s.call('arange', start, start + size)),
  program: (s, { count, axis }) => s.push(s.call(count ? 'num_programs' : 'program_id', axis)),
  argument: (s, { which }) => s.push(s.args[['n', 'stride', 'wide', 'x'][which]]),
  load: (s, step) => {
    const inputs = new Set([...s.used].filter((n) => /^(in|alt)_/.test(n)).map((n) => n.replace(/^\w+?_/, '')));
    if (inputs.size >= MAX_INPUTS && !inputs.has(step.dtype)) skip('enough inputs');
    const { pointers, mask: guard } = inputPointers(s, step);
    const { shape } = pointers.type;
    const more = anyMask(s, step.mask, shape);
    const mask = guard && more ? s.bin('&', guard, more) : (guard ?? more);
    const t = DTYPES[step.dtype];
    const other =
      step.other === null || t.is_floating() ? step.other : t.is_bool() ? step.other > 0 : Math.trunc(step.other) & 127;
    s.push(s.call('load', pointers, mask ? { mask, ...(other === null ? {} : { other }) } : {}));
  },
  op: (s, { name, operands }) => {
    const row = ROWS[name];
    const fine = jumpsAt(name) ? sure : () => true;
    const a = s.pick(operands[0], row.args[0] === 'condition' ? bool : fine);
    const cells = [a];
    for (let i = 1; i < row.args.length; i++) {
      const shape = cells.map(shapeOf).reduce((x, y) => (numel(x) >= numel(y) ? x : y));
      cells.push(
        s.pick(
          operands[i],
          (c) => fine(c) && numel(shapeOf(c)) <= MAX_ELEMENTS && (fits(shapeOf(c), shape) || fits(shape, shapeOf(c))),
        ),
      );
    }
    let values: Value[] = cells.map((c) => c.v);
    if (SHIFTS.has(name)) {
      if (bool(cells[0])) skip('a shift of bool');
      if (!isInt(cells[1])) skip('a shift by no integer');
      values = [values[0], s.bin('&', values[1], 7)];
    }
    const hull = domain(name);
    if (hull) {
      const x = s.cast(values[0], 'f32');
      values = [s.call('minimum', s.call('maximum', x, hull[0]), hull[1])];
    }
    const sign = OPERATORS[name];
    const result = sign
      ? values.length === 1
        ? s.un(sign, values[0])
        : s.bin(sign, values[0], values[1])
      : s.call(name, ...values);
    s.push(result, cells.every(sure) && !ROWS[name].ulp);
  },
  cast: (s, { a, to }) => {
    const c = s.pick(a, (x) => DTYPES[to].is_floating() || sure(x));
    s.push(s.cast(c.v, to), c.exact);
  },
  shape: (s, { name, a, b, n }) => {
    const move = MOVES[name];
    const c = s.pick(a, (x) => move.args(shapeOf(x), n) !== null);
    const args = move.args(shapeOf(c), n)!;
    if (!move.second) {
      s.push(s.call(name, c.v, ...args), c.exact);
      return;
    }
    if (name === 'gather') {
      const axis = args[0] as number;
      const shape = shapeOf(c);
      const i = s.pick(
        b,
        (x) =>
          isInt(x) && x !== c && shapeOf(x).length === shape.length && shapeOf(x).every((m, d) => d === axis || m === shape[d]),
      );
      s.push(s.call(name, c.v, s.cast(s.bin('&', i.v, shape[axis] - 1), 'i32'), axis), c.exact);
      return;
    }
    const d = s.pick(b, (x) => fits(shapeOf(x), shapeOf(c)) && (sure(x) || isFloat(c)));
    s.push(s.call(name, c.v, s.call('broadcast_to', s.cast(d.v, dtype(c)), ...shapeOf(c)), ...args), c.exact && d.exact);
  },
  along: (s, { name, a, axis, flag }) => {
    const f = ALONG[name];
    const c = s.pick(a, (x) => !isScalar(x) && (sure(x) || !f.picks));
    const d = f.last ? shapeOf(c).length - 1 : axis % shapeOf(c).length;
    const adds = !/^(arg)?(max|min)$|sort|or$/.test(name); // softmax too
    s.push(s.call(name, c.v, d, f.flag(flag)), c.exact && !(adds && isFloat(c)));
  },
  fold: (s, { scan, how, a, axis, reverse }) =>
    fold(
      s,
      s.pick(a, (x) => !isScalar(x)),
      how,
      scan,
      axis,
      reverse,
    ),
  histogram: (s, { a, bins, mask }) => {
    const c = s.pick(a, (x) => shapeOf(x).length === 1 && isInt(x));
    const on = anyMask(s, mask, shapeOf(c));
    s.push(s.call('histogram', s.bin('&', c.v, 63), bins, on ? { mask: on } : {}));
  },
  atomic: (s, { name, a, at, mask, site, order }) => {
    if (site !== null && s.sites.length) {
      const own = s.sites[s.sites.length - 1 - (site % s.sites.length)];
      const c = s.pick(a, (x) => numel(shapeOf(x)) === own.size && (DTYPES[own.dtype].is_floating() || sure(x)));
      const pointers = sitePointers(s, own, shapeOf(c), order, false, at);
      s.push(s.call(name, pointers, s.cast(c.v, own.dtype)), false);
      return;
    }
    if (!COMMUTING.includes(name)) skip('an order that matters');
    const c = s.pick(a, isInt);
    const d = dtype(c).name;
    if (!s.sizes.has(d) && s.sizes.size >= MAX_OUTPUTS) skip('enough outputs');
    const base = s.sizes.get(d) ?? 0;
    const index = s.pick(at, (x) => isInt(x) && fits(shapeOf(x), shapeOf(c)));
    const pointers = s.bin('+', s.pointer('out', d), s.bin('+', s.cast(s.bin('&', index.v, SLOTS - 1), 'i32'), base));
    const on = anyMask(s, mask, shapeOf(c));
    s.call(name, s.call('broadcast_to', pointers, ...shapeOf(c)), c.v, on ? { mask: on } : {});
    s.sizes.set(d, base + SLOTS);
  },
  map: (s, { how, a, b }) => {
    const x = s.pick(a, (c) => isInt(c) && !isScalar(c));
    const y = s.pick(b, (c) => isInt(c) && fits(shapeOf(c), shapeOf(x)));
    s.push(s.call('map_elementwise', MAPS[how % MAPS.length](s), x.v, s.cast(y.v, dtype(x))));
  },
  dot: (s, { dtype: to, a, b, acc }) => {
    // Any tile is a matrix of 16 columns or rows; the fewest that a dot takes.
    const fine = (c: Cell): boolean => {
      const n = numel(shapeOf(c));
      return n >= K && n <= 256 && (DTYPES[to].is_floating() || sure(c));
    };
    const [x, y] = [s.pick(a, fine), s.pick(b, fine)];
    const m = numel(shapeOf(x)) / K;
    const lhs = s.call('reshape', s.cast(x.v, to), m, K);
    const columns = s.call('reshape', s.cast(y.v, to), numel(shapeOf(y)) / K, K);
    const rhs = y === x ? s.call('trans', columns) : s.call('reshape', columns, K, numel(shapeOf(y)) / K);
    const shape = [m, rhs.type.shape[1]];
    const out: DTypeName = DTYPES[to].is_int() ? 'i32' : 'f32';
    let sum: Value | null = null;
    if (acc !== null) {
      const c = s.pick(acc, (z) => fits(shapeOf(z), shape) && (out === 'f32' || sure(z)));
      sum = s.call('broadcast_to', s.cast(c.v, out), ...shape);
    }
    s.push(s.call('dot', lhs, rhs, ...(sum ? [sum] : [])), out === 'i32');
  },
  store: (s, { a, order, place, mask, site, slot }) => {
    const sites = site === null ? [] : s.sites;
    const old = sites.length ? sites[sites.length - 1 - (site! % sites.length)] : null;
    const c = s.pick(a, (x) => !old || (numel(shapeOf(x)) === old.size && (DTYPES[old.dtype].is_floating() || sure(x))));
    store(s, c, order, old ? old.place : place, mask, old, slot);
  },
  reload: (s, { site, order, shape, alias, slot }) => {
    if (!s.sites.length) skip('nothing was stored');
    const at = s.sites[s.sites.length - 1 - (site % s.sites.length)];
    const shapes = at.size === 1 ? [[], [1]] : shapesOf(at.size);
    const pointers = sitePointers(s, at, shapes[shape % shapes.length], order, alias, slot);
    s.push(s.call('load', pointers), !DTYPES[at.dtype].is_floating());
  },
  set: (s, { variable, a }) => {
    if (!s.variables.length) skip('no variable');
    assign(s, s.variables[variable % s.variables.length], a);
  },
  if: (s, step) => {
    const scalars = s.cells.filter((c) => isScalar(c) && bool(c));
    let condition: Value;
    if (scalars.length) condition = s.pick(step.condition, (c) => isScalar(c) && bool(c)).v;
    else condition = s.bin('===', s.bin('&', s.pick(step.condition, (c) => isScalar(c) && isInt(c)).v, 1), 0);
    const variables = chosen(s, step.variables);
    const before = variables.map((c) => c.exact);
    const exact: boolean[][] = [];
    const branch = (body: readonly Step[]) => () => {
      variables.forEach((c, i) => {
        c.exact = before[i];
      });
      inside(s, variables, () => replaySteps(s, body));
      exact.push(variables.map((c) => c.exact));
    };
    statement(variables, (vars) => s.$.if(s.line, condition, branch(step.yes), branch(step.no), vars));
    variables.forEach((c, i) => {
      c.exact = exact.every((e) => e[i]);
    });
  },
  for: (s, step) => {
    const { from, trips, down } = step;
    const wide = (x: unknown): unknown => (step.wide ? s.call('cast', x, DTYPES.i64) : x);
    const end = from + trips * step.step;
    let [start, stop, by]: unknown[] = down ? [end, from, -step.step] : [from, end, step.step];
    let cmp = down ? '>' : '<';
    if (step.bound !== null) {
      const c = s.pick(step.bound, (x) => isScalar(x) && isInt(x));
      [start, stop, by, cmp] = [from, s.bin('+', s.cast(s.bin('&', c.v, 3), 'i32'), from), step.step, '<'];
    }
    const variables = chosen(s, step.variables);
    loop(variables);
    statement(variables, (vars) =>
      s.$.for(
        s.line,
        { start: wide(start), stop: wide(stop), step: by, cmp },
        (i) =>
          inside(s, variables, () => {
            s.push(i);
            s.cells[s.cells.length - 1].small = !step.wide;
            replaySteps(s, step.body);
            for (const [k, c] of variables.entries()) s.attempt('set', () => assign(s, c, k));
          }),
        vars,
        'i',
      ),
    );
  },
  while: (s, step) => {
    const trips = s.pick(step.trips, (c) => isScalar(c) && isInt(c));
    const counter: Cell = { v: s.cast(s.bin('&', trips.v, 3), 'i32'), exact: true, used: true };
    const variables = chosen(s, step.variables);
    loop(variables);
    const also =
      step.condition !== null && s.cells.some((c) => isScalar(c) && bool(c))
        ? s.pick(step.condition, (c) => isScalar(c) && bool(c))
        : null;
    const condition = (): unknown => {
      const more = s.bin('>', counter.v, 0);
      return also ? s.bin('&', more, also.v) : more;
    };
    statement([counter, ...variables], (vars) =>
      s.$.while(
        s.line,
        condition,
        () =>
          inside(s, variables, () => {
            replaySteps(s, step.body);
            for (const [k, c] of variables.entries()) s.attempt('set', () => assign(s, c, k));
            counter.v = s.bin('-', counter.v, 1);
          }),
        vars,
      ),
    );
  },
};

/** Distinct variables of a statement: values of the enclosing body, or its own variables. */
function chosen(s: Scene, picks: readonly number[]): Cell[] {
  const mine = (c: Cell): boolean => s.cells.indexOf(c) >= s.first || s.variables.includes(c);
  const out = new Set<Cell>();
  for (const k of picks) if (s.cells.some(mine)) out.add(s.pick(k, mine));
  return [...out];
}
/** A float that a loop carries may be inexact from its second trip on. */
const loop = (variables: readonly Cell[]): void => {
  for (const c of variables) if (isFloat(c)) c.exact = false;
};
/** A statement that assigns the variables; after an error they hold what they held. */
function statement(variables: readonly Cell[], emit: (vars: Vars) => void): void {
  const before = variables.map((c) => c.v);
  // A counter that is a variable of a loop inside becomes any number.
  for (const c of variables) c.small = false;
  const set = (values: readonly unknown[]): void => {
    variables.forEach((c, i) => {
      c.v = values[i] as Value;
    });
  };
  try {
    emit({ names: variables.map((_, i) => `v${i}`), get: () => variables.map((c) => c.v), set });
  } catch (e) {
    set(before);
    throw e;
  }
  for (const c of variables) c.used = false;
}
/** Runs the body of a statement; its values end with it. */
function inside(s: Scene, variables: Cell[], body: () => void): void {
  const { variables: outer, first } = s;
  const before = s.cells.length;
  s.variables = variables;
  s.first = before;
  try {
    body();
  } finally {
    s.variables = outer;
    s.first = first;
    s.cells.length = before;
  }
}
function assign(s: Scene, target: Cell, a: number): void {
  const floats = isFloat(target);
  const c = s.pick(a, (x) => x !== target && fits(shapeOf(x), shapeOf(target)) && (floats || sure(x)));
  const v = s.cast(c.v, dtype(target));
  target.v = s.call('broadcast_to', v, ...shapeOf(target));
  target.exact = target.exact && c.exact;
  target.small = false;
}

function store(
  s: Scene,
  c: Cell,
  order: Order,
  place: 'block' | 'interleaved' | 'strided',
  mask: number | null,
  old: Scene['sites'][number] | null,
  slot: number | null,
): void {
  const shape = shapeOf(c);
  let site = old;
  if (!site) {
    let d = dtype(c).name;
    if (!s.sizes.has(d) && s.sizes.size >= MAX_OUTPUTS)
      d = [...s.sizes.keys()].find((o) => DTYPES[o].is_floating() || sure(c)) ?? skip('enough outputs');
    site = {
      dtype: d,
      base: s.sizes.get(d) ?? 0,
      size: numel(shape),
      place,
      slots: slot !== null && numel(shape) <= 64 ? SLOTS : 1,
    };
    s.sizes.set(d, site.base + span(s.program, site));
    s.sites.push(site);
  }
  const pointers = sitePointers(s, site, shape, order, false, slot ?? 0);
  const on = anyMask(s, mask, shape);
  s.call('store', pointers, c.v, on ? { mask: on } : {});
}

function replaySteps(s: Scene, steps: readonly Step[]): void {
  for (const step of steps) {
    s.line++;
    s.attempt(step.do === 'op' || step.do === 'shape' || step.do === 'along' ? step.name : step.do, () => {
      (HANDLERS[step.do] as (s: Scene, step: Step) => void)(s, step);
    });
  }
}

/** Replays a program into the trace that is at work. */
export function replay(program: Program, $: Frame, args: { readonly [name: string]: unknown }): Scene {
  const s = new Scene(program, $, args);
  for (const v of [args.n, args.stride, s.call('program_id', 0)]) s.push(v);
  for (const c of s.cells) c.used = true;
  replaySteps(s, program.steps);
  s.line++;
  const left = s.cells.filter((c) => !c.used).slice(-MAX_LEFT);
  for (const [i, c] of left.entries())
    s.attempt('store', () => store(s, c, { ...ROWS_FIRST, columns: i % 2 === 1 }, 'block', null, null, null));
  return s;
}

/** A line for each step, those of bodies behind their statement: the kernel's text. */
export function lines(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    const bodies = Object.values(step).filter((x): x is Step[] => Array.isArray(x) && typeof x[0] === 'object');
    const own = Object.entries(step).filter(([k, x]) => k !== 'do' && !bodies.includes(x as Step[]));
    return [`${step.do} ${own.map(([k, x]) => `${k}=${JSON.stringify(x)}`).join(' ')}`, ...bodies.flatMap(lines)];
  });
}
