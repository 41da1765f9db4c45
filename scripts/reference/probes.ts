// Which dtypes and shapes a function of `tl` takes, and what it gives: asked of the function itself, by a call for each dtype. So the page
// cannot claim what the language does not do. A line of PROBES is such a call; elementwise rows need none, functions of compile time have none.

import { CompileError } from '../../src/dsl/diagnostics.ts';
import { Value } from '../../src/dsl/ir/ir.ts';
import { rowOf } from '../../src/dsl/ops/index.ts';
import { withTrace } from '../../src/dsl/trace/context.ts';
import { Emitter } from '../../src/dsl/trace/emitter.ts';
import { DTYPES, type DType, dtypeOf, type Elem, isPtr, ptrTo, type Type, tile } from '../../src/dsl/types.ts';
import { tl } from '../../src/index.ts';

/** Sizes that stand for names. */
const [M, N, K] = [16, 64, 32];
const NAMES: ReadonlyMap<number, string> = new Map([
  [M, 'M'],
  [N, 'N'],
  [K, 'K'],
  [2 * N, '2·N'],
  [M * N, 'M·N'],
]);
const shapeText = (t: Type): string => {
  if (!t.shape.length) return isPtr(t) ? 'a pointer' : 'a scalar';
  return `${isPtr(t) ? 'pointers ' : ''}\`[${t.shape.map((n) => NAMES.get(n) ?? n).join(', ')}]\``;
};

/** Operands of a probe, by what they are: `x` of the dtype that is asked about. To the type checker they are what users have. */
interface Operands {
  readonly d: DType;
  x(...shape: number[]): number;
  mask(...shape: number[]): boolean;
  /** Of a dtype that is always the same. */
  of(dtype: DType, ...shape: number[]): number;
  pointers(...shape: number[]): number;
}
type Probe = (o: Operands) => unknown;

type Fn = (...args: any[]) => unknown;
const fnOf = (name: string): Fn => (tl as unknown as { [name: string]: Fn })[name];
const many = (names: string, probe: (f: Fn) => Probe): { [name: string]: Probe } =>
  Object.fromEntries(names.split(' ').map((n) => [n, probe(fnOf(n))]));
const block = (o: Operands) =>
  tl.make_block_ptr(o.pointers(), { shape: [M, N], strides: [N, 1], offsets: [0, 0], block_shape: [M, N], order: [1, 0] });
const descriptor = (o: Operands) =>
  tl.make_tensor_descriptor(o.pointers(), { shape: [M, N], strides: [N, 1], block_shape: [M, N] });

const PROBES: { readonly [name: string]: Probe } = {
  ...many('program_id num_programs', (f) => () => f(0)),
  arange: () => tl.arange(0, N),
  full: (o) => tl.full([M, N], 1, o.d),
  zeros: (o) => tl.zeros([M, N], o.d),
  to_tensor: () => tl.to_tensor(1),
  zeros_like: (o) => tl.zeros_like(o.x(M, N)),
  load: (o) => tl.load(o.pointers(M, N), { mask: o.mask(M, N) }),
  store: (o) => tl.store(o.pointers(M, N), o.x(M, N), { mask: o.mask(M, N) }),
  load_tensor_descriptor: (o) => tl.load_tensor_descriptor(descriptor(o), [0, 0]),
  store_tensor_descriptor: (o) => tl.store_tensor_descriptor(descriptor(o), [0, 0], o.x(M, N)),
  make_block_ptr: block,
  make_tensor_descriptor: descriptor,
  advance: (o) => tl.advance(block(o), [0, N]),
  ...many(
    'atomic_add atomic_max atomic_min atomic_and atomic_or atomic_xor atomic_xchg',
    (f) => (o) => f(o.pointers(M, N), o.x(M, N), { mask: o.mask(M, N) }),
  ),
  atomic_cas: (o) => tl.atomic_cas(o.pointers(M, N), o.x(M, N), o.x(M, N)),
  where: (o) => tl.where(o.mask(M, N), o.x(M, N), o.x(M, N)),
  fdiv: (o) => tl.fdiv(o.x(M, N), o.x(M, N)),
  clamp: (o) => tl.clamp(o.x(M, N), o.x(M, N), o.x(M, N)),
  cast: (o) => tl.cast(o.x(M, N), o.d),
  ...many('sigmoid round', (f) => (o) => f(o.x(M, N))),
  softmax: (o) => tl.softmax(o.x(M, N), 1, { keep_dims: true }),
  cdiv: (o) => tl.cdiv(o.x(M, N), o.x(M, N)),
  expand_dims: (o) => tl.expand_dims(o.x(M, N), 1),
  broadcast_to: (o) => tl.broadcast_to(o.x(1, N), [M, N]),
  broadcast: (o) => tl.broadcast(o.x(M, 1), o.x(1, N)),
  reshape: (o) => tl.reshape(o.x(M, N), [M * N]),
  view: (o) => tl.view(o.x(M, N), [M * N]),
  ravel: (o) => tl.ravel(o.x(M, N)),
  trans: (o) => tl.trans(o.x(M, N)),
  permute: (o) => tl.permute(o.x(M, N), [1, 0]),
  col: (o) => tl.col(o.x(N)),
  row: (o) => tl.row(o.x(N)),
  join: (o) => tl.join(o.x(M, N), o.x(M, N)),
  split: (o) => tl.split(o.x(M, N, 2)),
  flip: (o) => tl.flip(o.x(M, N)),
  gather: (o) => tl.gather(o.x(M, N), o.of(DTYPES.i32, M, K), 1),
  cat: (o) => tl.cat(o.x(N), o.x(N), { can_reorder: true }),
  interleave: (o) => tl.interleave(o.x(M, N), o.x(M, N)),
  ...many('sum max min argmax argmin xor_sum reduce_or', (f) => (o) => f(o.x(M, N), 1)),
  ...many('cumsum cumprod', (f) => (o) => f(o.x(M, N), 1)),
  reduce: (o) => tl.reduce(o.x(M, N), 1, (a: number, _b: number) => a),
  associative_scan: (o) => tl.associative_scan(o.x(M, N), 1, (a: number, _b: number) => a),
  map_elementwise: (o) => tl.map_elementwise((a: number) => a, o.x(M, N)),
  ...many('sort bitonic_merge', (f) => (o) => f(o.x(M, N))),
  topk: (o) => tl.topk(o.x(M, N), 8),
  histogram: (o) => tl.histogram(o.x(M), N),
  dot: (o) => tl.dot(o.x(M, K), o.x(K, N)),
  dot_scaled: (o) => tl.dot_scaled(o.x(M, K), o.of(DTYPES.u8, M, 1), 'bf16', o.x(K, N), null, 'bf16'),
  ...many('randint randint4x rand rand4x randn randn4x', (f) => (o) => f(1, o.x(N))),
  philox: (o) => tl.philox(1, o.x(N), o.x(N), o.x(N), o.x(N)),
  philox_impl: (o) => tl.philox_impl(o.x(N), o.x(N), o.x(N), o.x(N), o.x(), o.x()),
  uint_to_uniform_float: (o) => tl.uint_to_uniform_float(o.x(N)),
  pair_uniform_to_normal: (o) => tl.pair_uniform_to_normal(o.x(N), o.x(N)),
  inline_wgsl_elementwise: (o) => tl.inline_wgsl_elementwise('$0', [o.x(M, N)], { dtype: o.d }),
  ...many('multiple_of max_contiguous max_constancy', (f) => (o) => f(o.x(N), 4)),
  swizzle2d: (o) => tl.swizzle2d(o.x(), o.x(), M, N, 2),
  device_print: (o) => tl.device_print('x', o.x(M, N)),
  device_assert: (o) => tl.device_assert(o.mask(M, N)),
  assume: (o) => tl.assume(o.mask()),
};

/** The call that shows what a function takes; null for functions of compile time. */
export function probeOf(name: string): Probe | null {
  if (Object.hasOwn(PROBES, name)) return PROBES[name];
  const row = rowOf(name);
  if (!row?.traits.includes('elementwise')) return null;
  return (o) => fnOf(name)(...row.args.map(() => o.x(M, N)));
}

interface Answer {
  readonly operands: readonly Value[];
  readonly results: readonly Value[];
  /** Nothing of it is of the dtype. */
  readonly fixed: boolean;
}

/** What a function makes of operands of one dtype; null if it refuses them. */
function ask(probe: Probe, d: DType): Answer | null {
  const e = new Emitter(() => undefined);
  e.caller = (f, args) => (f as (...xs: readonly unknown[]) => unknown)(...args);
  const operands: Value[] = [];
  const operand = (elem: Elem, shape: readonly number[]): any => {
    const v = new Value(tile(elem, shape));
    operands.push(v);
    return v;
  };
  let fixed = true;
  const own = (): DType => {
    fixed = false;
    return d;
  };
  const o: Operands = {
    get d() {
      return own();
    },
    x: (...shape) => operand(own(), shape),
    mask: (...shape) => operand(DTYPES.bool, shape),
    of: (dtype, ...shape) => operand(dtype, shape),
    pointers: (...shape) => operand(ptrTo(own()), shape),
  };
  try {
    const result = withTrace(e, () => probe(o));
    return { operands, results: [result].flat().filter((r) => r instanceof Value), fixed };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return null;
  }
}

const joined = (texts: readonly string[]): string => texts.filter((t, i) => texts.indexOf(t) === i).join(', ');
/** Dtypes with what becomes of them: `bool, i8, i16, i32 → i32; f32 → f32`. */
function dtypesText(answers: ReadonlyMap<DType, Answer>): string {
  const groups = new Map<string, DType[]>();
  const names = [...answers].map(
    ([d, { results }]) => [d, joined(results.map((r) => (isPtr(r.type) ? '' : dtypeOf(r.type).name)))] as const,
  );
  const one = new Set(names.map(([, to]) => to)).size === 1;
  for (const [d, name] of names) {
    const to = name === d.name && !(one && answers.size > 1) ? 'the same' : name;
    groups.set(to, [...(groups.get(to) ?? []), d]);
  }
  const list = (ds: readonly DType[]): string => {
    if (ds.length === Object.keys(DTYPES).length) return 'all';
    const lost = Object.values(DTYPES).filter((d) => !ds.includes(d));
    return lost.length < 4 ? `all but ${lost.join(', ')}` : ds.join(', ');
  };
  if (groups.size === 1) {
    const [[to, ds]] = groups;
    return `${list(ds)}${to === 'the same' ? '; the result has the same' : to ? `; the result is ${to}` : ''}`;
  }
  return [...groups].map(([to, ds]) => `${ds.join(', ')} → ${to}`).join('; ');
}

/** The lines of an entry about dtypes and shapes; empty for functions of compile time. */
export function factsOf(name: string): { readonly dtypes: string; readonly shapes: string } {
  const probe = probeOf(name);
  if (!probe) return { dtypes: '', shapes: '' };
  const answers = new Map(
    Object.values(DTYPES).flatMap((d) => {
      const a = ask(probe, d);
      return a ? [[d, a] as const] : [];
    }),
  );
  if (!answers.size) throw new Error(`the probe of tl.${name} is refused for every dtype: scripts/reference/probes.ts`);
  const [{ operands, results, fixed }] = answers.values();
  const to = joined(results.map((r) => shapeText(r.type)));
  const from = operands.map((v) => shapeText(v.type)).join(', ');
  return {
    dtypes: !fixed
      ? dtypesText(answers)
      : results.length
        ? `the result is ${joined(results.map((r) => dtypeOf(r.type).name))}`
        : 'bool',
    shapes: from && to ? `${from} → ${to}` : from || to,
  };
}
