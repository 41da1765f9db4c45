// What a tile holds, for people: summaries, slices, and numbers printed as short as they can be read back. In: a register of the
// interpreter. Out: plain data and text. Used by the debugger; this file refuses to know sessions and terminals.

import { DTYPES, type DType, isPtr, numel, printType, type Type } from '../dsl/types.ts';
import { codec } from '../lower/interp/codecs.ts';
import { ptrOffset, ptrParam, type Store } from '../lower/interp/values.ts';

export interface Summary {
  readonly type: string;
  readonly elements: number;
  /** Over the numbers that are neither NaN nor infinite; absent if there are none, and for pointers. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  readonly mean?: number;
  readonly nan: number;
  readonly inf: number;
  /** A scalar's own value. */
  readonly value?: number | bigint;
  /** bool: lanes that are true. */
  readonly on?: number;
  /** Result of a masked load: lanes that the mask turned off. */
  readonly masked?: number;
  /** Pointers: the arguments that the tile points into, with the range of indices. */
  readonly targets?: readonly { readonly param: string; readonly low: number; readonly high: number }[];
}

/** Facts about all elements of a value. `params` are the names of the pointer parameters, `mask` that of the load it came from. */
export function summarize(type: Type, data: Store, params: readonly string[], mask?: Store): Summary {
  const base = { type: printType(type), elements: data.length, nan: 0, inf: 0, ...(type.shape.length ? {} : { value: data[0] }) };
  if (isPtr(type)) return { ...base, targets: targets(data, params) };
  let [nan, inf, on, count, sum] = [0, 0, 0, 0, 0];
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  for (const x of data) {
    if (x) on++;
    if (typeof x === 'number' && !Number.isFinite(x)) {
      if (Number.isNaN(x)) nan++;
      else inf++;
      continue;
    }
    if (min === undefined || x < min) min = x;
    if (max === undefined || x > max) max = x;
    sum += Number(x);
    count++;
  }
  let off = 0;
  if (mask) for (const m of mask) if (!m) off++;
  const bool = type.elem === DTYPES.bool;
  return {
    ...base,
    min,
    max,
    mean: count ? sum / count : undefined,
    nan,
    inf,
    ...(bool ? { on } : {}),
    ...(mask ? { masked: off } : {}),
  };
}

function targets(data: Store, params: readonly string[]): { param: string; low: number; high: number }[] {
  const found = new Map<number, { param: string; low: number; high: number }>();
  for (const p of data as Float64Array) {
    const k = ptrParam(p);
    const at = ptrOffset(p);
    const t = found.get(k) ?? { param: params[k] ?? '?', low: at, high: at };
    t.low = Math.min(t.low, at);
    t.high = Math.max(t.high, at);
    found.set(k, t);
  }
  return [...found.values()];
}

/** The shortest decimal that reads back as the same number of the dtype; whole numbers in full. */
export function formatNum(d: DType, x: number | bigint): string {
  if (typeof x === 'bigint') return String(x);
  if (d === DTYPES.bool) return x ? 'true' : 'false';
  if (Object.is(x, -0)) return '-0';
  if (d.kind !== 'float' || !Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : String(x).replace('Infinity', 'inf');
  if (d === DTYPES.f64) return String(x);
  if (Number.isInteger(x) && Math.abs(x) < 2 ** 24) return String(x);
  const round = codec(d).round ?? Math.fround;
  for (let p = 1; p < 10; p++) {
    const t = Number(x.toPrecision(p));
    if (round(t) === x) return String(t);
  }
  return String(x);
}

/** One line: `offs: tile<64xi32>  min 0  max 63  mean 31.5`, or `n: i32 = 98432`. */
export function formatSummary(name: string, s: Summary, d: DType | null): string {
  if (s.value !== undefined && d) return `${name}: ${s.type} = ${formatNum(d, s.value)}`;
  const out = [`${name}: ${s.type}`];
  for (const t of s.targets ?? []) out.push(t.low === t.high ? `${t.param}[${t.low}]` : `${t.param}[${t.low}..${t.high}]`);
  if (s.on !== undefined) out.push(`true ${s.on}  false ${s.elements - s.on}`);
  else if (d && s.min !== undefined && s.max !== undefined && s.mean !== undefined) {
    out.push(`min ${formatNum(d, s.min)}`, `max ${formatNum(d, s.max)}`, `mean ${Number(s.mean.toPrecision(6))}`);
  }
  if (s.nan) out.push(`NaN ${s.nan}`);
  if (s.inf) out.push(`inf ${s.inf}`);
  if (s.masked !== undefined) out.push(`masked ${s.masked}`);
  return out.join('  ');
}

/** Part of a tile: for each dimension the indices that are shown. */
export interface Slice {
  readonly shape: readonly number[];
  /** Dimensions that were given as a single index are gone from the text, not from here. */
  readonly picks: readonly (readonly number[])[];
  readonly single: readonly boolean[];
}

/** Parses `[0:4, 3]`, `[:, 1]`, `[5]`; missing dimensions are whole. Returns an error text if it does not fit the shape. */
export function parseSlice(text: string, shape: readonly number[]): Slice | string {
  const inner = text.trim().replace(/^\[/, '').replace(/\]$/, '').trim();
  const parts = inner === '' ? [] : inner.split(',').map((p) => p.trim());
  if (parts.length > shape.length) return `${parts.length} indices for ${shape.length} dimension${shape.length === 1 ? '' : 's'}`;
  const picks: number[][] = [];
  const single: boolean[] = [];
  for (const [k, n] of shape.entries()) {
    const m = /^(-?\d*)(?:(:)(-?\d*))?$/.exec(parts[k] ?? ':');
    if (!m || (m[1] === '' && m[2] === undefined)) return `'${parts[k]}' is not an index or a range`;
    const at = (s: string, otherwise: number) => (s === '' ? otherwise : Number(s) < 0 ? Number(s) + n : Number(s));
    const from = at(m[1], 0);
    const to = m[2] ? Math.min(at(m[3], n), n) : from + 1;
    if (from < 0 || from >= n) return `index ${m[1]} is outside 0..${n - 1} (dimension ${k})`;
    picks.push(Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i));
    single.push(m[2] === undefined);
  }
  return { shape, picks, single };
}

/** Rows and columns beyond this are left out in the middle. */
const EDGE = 4;

/** The values of a slice as nested brackets, long dimensions shortened in the middle as NumPy does. `whole` shows all. */
export function formatValues(type: Type, data: Store, slice: Slice, params: readonly string[], whole = false): string {
  const show = (i: number): string => {
    const x = data[i];
    if (isPtr(type)) return `${params[ptrParam(x as number)] ?? '?'}+${ptrOffset(x as number)}`;
    return formatNum(type.elem as DType, x);
  };
  const total = numel(slice.picks.map((p) => p.length));
  const cut = !whole && total > 64;
  const walk = (k: number, index: number): string => {
    if (k === slice.shape.length) return show(index);
    const picks = slice.picks[k];
    const item = (i: number) => walk(k + 1, index * slice.shape[k] + i);
    if (slice.single[k]) return item(picks[0]);
    const short = cut && picks.length > 2 * EDGE;
    const items = short ? [...picks.slice(0, EDGE).map(item), '…', ...picks.slice(-EDGE).map(item)] : picks.map(item);
    const last = slice.single.slice(k + 1).every((s) => s);
    return `[${items.join(last ? ', ' : `,\n${' '.repeat(k + 1)}`)}]`;
  };
  return walk(0, 0);
}
