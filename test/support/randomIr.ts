// Small random tile-level functions, the same for the same seed: arithmetic over all dtypes with constants from the rows'
// samples, rearrangements, loops, branches, and stores of whatever was computed to out buffers at addresses in bounds. Also
// random contents for the arguments of any function, and a comparison of memory that counts all NaN as one.

import { NO_LOC } from '../../src/dsl/diagnostics.ts';
import { makeOp, makeRegionOp } from '../../src/dsl/ir/build.ts';
import { type Attrs, type Block, type Func, type Op, type Param, Value } from '../../src/dsl/ir/ir.ts';
import { fromBits, round, toBits } from '../../src/dsl/numerics.ts';
import { OPS, type OpName, rowOf } from '../../src/dsl/ops/index.ts';
import type { Num } from '../../src/dsl/ops/row.ts';
import { DTYPES, type DType, dtypeOf, isPtr, pointee, ptrTo, sameShape, scalar } from '../../src/dsl/types.ts';
import type { InterpBuffer } from '../../src/lower/interp/program.ts';

export type Random = () => number;
/** mulberry32: numbers in [0, 1), the same sequence for the same seed. */
export function random(seed: number): Random {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const pick = <T>(r: Random, list: readonly T[]): T => list[Math.floor(r() * list.length)];

const USED: readonly DType[] = [DTYPES.i32, DTYPES.i64, DTYPES.u32, DTYPES.f32, DTYPES.f16, DTYPES.bool];
const SHAPES: readonly (readonly number[])[] = [[8], [2, 4], [4, 2], [1, 8]];
const ELEMENTWISE = (Object.keys(OPS) as OpName[]).filter((n) => {
  const row = rowOf(n)!;
  return row.eval && row.traits.includes('pure') && row.traits.includes('elementwise');
});
const SPECIAL = [0, 1, -1, 2, 16, 255, 65536, 2147483647, -2147483648];
const SPECIAL_FLOAT = [0, -0, 1, -1, 0.5, Infinity, -Infinity, NaN, 3.4e38, 1e-40];

/** A value of a dtype: often small, sometimes at the edge. */
export function randomNum(r: Random, d: DType): Num {
  if (d.is_floating()) return round(d, r() < 0.3 ? pick(r, SPECIAL_FLOAT) : Math.round(r() * 64 - 32) / 4);
  if (d.is_bool()) return r() < 0.5 ? 0 : 1;
  return round(d, r() < 0.3 ? pick(r, SPECIAL) : Math.floor(r() * 20 - 6));
}

/** Buffers of 4096 elements of small values (pointers of one buffer share bytes), and scalars from 0 to 3. */
export function randomArguments(f: Func, r: Random) {
  const memory = new Map<number, Uint8Array>();
  const buffers: InterpBuffer[] = [];
  const scalars: { [name: string]: number | bigint | boolean } = {};
  f.params.forEach((p, i) => {
    if (!isPtr(p.value.type)) {
      const d = dtypeOf(p.value.type);
      const n = d.is_floating() ? (randomNum(r, d) as number) : Math.floor(r() * 4);
      scalars[p.name] = d.is_bool() ? n % 2 === 1 : d.bits === 64 && d.is_int() ? BigInt(n) : n;
      return;
    }
    const key = p.buffer ?? -1 - i;
    if (!memory.has(key)) {
      const d = pointee(p.value.type);
      const bytes = new Uint8Array(4096 * d.bytes);
      for (let k = 0; k < 4096; k++) {
        const v = d.is_floating() ? randomNum(r, d) : round(d, Math.floor(r() * 40));
        writeBits(new DataView(bytes.buffer), k * d.bytes, d.bytes, toBits(d, v));
      }
      memory.set(key, bytes);
    }
    buffers.push({ param: p.name, bytes: memory.get(key)! });
  });
  return { buffers, scalars };
}

const readBits = (v: DataView, at: number, bytes: number): Num =>
  bytes === 8
    ? v.getBigUint64(at, true)
    : bytes === 4
      ? v.getUint32(at, true)
      : bytes === 2
        ? v.getUint16(at, true)
        : v.getUint8(at);
function writeBits(v: DataView, at: number, bytes: number, bits: Num): void {
  if (bytes === 8) v.setBigUint64(at, BigInt(bits), true);
  else if (bytes === 4) v.setUint32(at, Number(bits), true);
  else if (bytes === 2) v.setUint16(at, Number(bits), true);
  else v.setUint8(at, Number(bits));
}

/** The first element in which two memories differ, as text; null if none does. */
export function difference(got: ReturnType<typeof contents>, want: ReturnType<typeof contents>): string | null {
  for (const [name, values] of Object.entries(want)) {
    const i = values.findIndex((x, k) => !Object.is(x, got[name][k]));
    if (i >= 0) return `${name}[${i}] is ${got[name][i]}, was ${values[i]}`;
  }
  return null;
}

/** The elements of every pointer argument's buffer. */
export function contents(f: Func, buffers: readonly InterpBuffer[]): { [param: string]: Num[] } {
  const out: { [param: string]: Num[] } = {};
  for (const p of f.params) {
    if (!isPtr(p.value.type)) continue;
    const d = pointee(p.value.type);
    const { bytes } = buffers.find((b) => b.param === p.name)!;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    out[p.name] = Array.from({ length: bytes.length / d.bytes }, (_, k) => fromBits(d, readBits(view, k * d.bytes, d.bytes)));
  }
  return out;
}
/** The same arguments over memory of their own. */
export function copyBuffers(buffers: readonly InterpBuffer[]): InterpBuffer[] {
  const copies = new Map<Uint8Array, Uint8Array>();
  return buffers.map((b) => {
    if (!copies.has(b.bytes)) copies.set(b.bytes, b.bytes.slice());
    return { ...b, bytes: copies.get(b.bytes)! };
  });
}

/** Makes one function; see the head of the file. */
export function randomFunc(seed: number): Func {
  const r = random(seed);
  const params: Param[] = USED.map((d, i) => param(`out_${d.name}`, scalar(ptrTo(d)), i));
  const input = USED.map((d, i) => param(`in_${d.name}`, scalar(ptrTo(d)), i + USED.length));
  const scalars = USED.map((d) => param(`s_${d.name}`, scalar(d)));
  let slot = 0;

  const emit = (ops: Op[], name: string, operands: readonly Value[], attrs: Attrs = {}): Value => {
    const op = makeOp(name, operands, attrs, NO_LOC);
    ops.push(op);
    return op.results[0];
  };
  const constant = (ops: Op[], d: DType, shape: readonly number[], value: Num): Value =>
    emit(ops, 'constant', [], { value: d.is_bool() ? value === 1 : value, dtype: d.name, ...(shape.length ? { shape } : {}) });
  const pointers = (ops: Op[], base: Value, shape: readonly number[], start: number): Value => {
    const range = emit(ops, 'arange', [], { start, end: start + 8 });
    const offsets = emit(ops, 'reshape', [range], { shape });
    return emit(ops, 'addptr', [emit(ops, 'broadcast_to', [base], { shape }), offsets]);
  };
  const save = (ops: Op[], v: Value): void => {
    const out = params.find((p) => pointee(p.value.type) === v.type.elem)?.value;
    if (!out || slot >= 500) return;
    if (!v.type.shape.length) {
      ops.push(makeOp('store', [emit(ops, 'addptr', [out, constant(ops, DTYPES.i32, [], slot++ * 8)]), v], {}, NO_LOC));
    } else ops.push(makeOp('store', [pointers(ops, out, v.type.shape, slot++ * 8), v], {}, NO_LOC));
  };
  /** A store at an address computed from a 64-bit value of any size. */
  const scatter = (ops: Op[], at: Value, v: Value): void => {
    const { shape } = at.type;
    const out = params.find((p) => pointee(p.value.type) === v.type.elem)?.value;
    if (!out || !sameShape(shape, v.type.shape)) return;
    const low = emit(ops, 'and', [at, constant(ops, DTYPES.i64, shape, 63n)]);
    const off = emit(ops, 'add', [low, constant(ops, DTYPES.i64, shape, 4024n)]);
    const base = shape.length ? emit(ops, 'broadcast_to', [out], { shape }) : out;
    ops.push(makeOp('store', [emit(ops, 'addptr', [base, off]), v], {}, NO_LOC));
  };

  function step(ops: Op[], pool: Value[], depth: number): void {
    const kind = r();
    if (kind < 0.12) {
      const d = pick(r, USED);
      const sample = pick(
        r,
        pick(
          r,
          ELEMENTWISE.map((n) => rowOf(n)!.samples ?? [[0]]).filter((s) => s.length),
        ),
      );
      pool.push(constant(ops, d, r() < 0.4 ? [] : pick(r, SHAPES), r() < 0.5 ? round(d, pick(r, sample)) : randomNum(r, d)));
    } else if (kind < 0.2) {
      const p = pick(r, input);
      pool.push(emit(ops, 'load', [pointers(ops, p.value, pick(r, SHAPES), Math.floor(r() * 64))]));
    } else if (kind < 0.32) {
      const v = pick(r, pool);
      const [a, b] = [...v.type.shape, 1];
      if (!v.type.shape.length) pool.push(emit(ops, 'broadcast_to', [v], { shape: pick(r, SHAPES) }));
      else if (v.type.shape.length === 2 && r() < 0.5) pool.push(emit(ops, 'trans', [v], { perm: [1, 0] }));
      else if (a * b === 8) pool.push(emit(ops, 'reshape', [v], { shape: pick(r, SHAPES) }));
    } else if (kind < 0.4) {
      pool.push(emit(ops, 'cast', [pick(r, pool)], { to: pick(r, USED).name }));
    } else if (kind < 0.44 && depth < 2) {
      region(ops, pool, depth);
    } else if (kind < 0.48) {
      const at = pool.filter((v) => v.type.elem === DTYPES.i64);
      if (at.length) scatter(ops, pick(r, at), pick(r, pool));
    } else if (kind < 0.54) {
      // Index arithmetic: a small number, perhaps widened, perhaps divided by a power of two.
      const small = pool.filter((v) => v.type.elem === DTYPES.i32 || v.type.elem === DTYPES.i64);
      const v = pick(r, small);
      const x = r() < 0.5 ? emit(ops, 'and', [v, constant(ops, dtypeOf(v.type), v.type.shape, round(dtypeOf(v.type), 1023))]) : v;
      const w = r() < 0.6 ? emit(ops, 'cast', [x], { to: 'i64' }) : x;
      const c = constant(ops, dtypeOf(w.type), w.type.shape, round(dtypeOf(w.type), pick(r, [2, 3, 16, 24])));
      pool.push(w, emit(ops, pick(r, ['floordiv', 'mod', 'mul', 'lt', 'minimum', 'shr', 'add']), [w, c]));
    } else {
      const name = pick(r, ELEMENTWISE);
      const first = pick(r, pool);
      const same = pool.filter((v) => sameShape(v.type.shape, first.type.shape));
      const typed = same.filter((v) => v.type.elem === first.type.elem);
      const bools = same.filter((v) => v.type.elem === DTYPES.bool);
      const n = rowOf(name)!.args.length;
      if (name === 'cast' || (name === 'where' && !bools.length)) return;
      const operands =
        name === 'where'
          ? [pick(r, bools), first, pick(r, typed)]
          : [first, ...Array.from({ length: n - 1 }, () => pick(r, typed))];
      try {
        pool.push(emit(ops, name, operands));
      } catch {
        // The row refuses these dtypes; another step will do.
      }
    }
  }
  function region(ops: Op[], pool: Value[], depth: number): void {
    const carried = [pick(r, pool), pick(r, pool)];
    const body = (args: Value[], outer: readonly Value[]): Block => {
      const inner: Op[] = [];
      const local = [...outer, ...args];
      for (let i = 0; i < 6; i++) step(inner, local, depth + 1);
      const next = carried.map((c, i) => {
        const fits = local.filter((v) => sameShape(v.type.shape, c.type.shape) && v.type.elem === c.type.elem);
        return fits.length ? pick(r, fits.slice(-4)) : outer.length ? c : args[i];
      });
      inner.push(makeOp('yield', next, {}, NO_LOC));
      return { args, ops: inner };
    };
    const results = carried.map((c) => new Value(c.type));
    if (r() < 0.6) {
      const d = r() < 0.3 ? DTYPES.i64 : DTYPES.i32;
      const bounds = [0, Math.floor(r() * 4), 1 + Math.floor(r() * 2)].map((x) => constant(ops, d, [], round(d, x)));
      const args = [new Value(scalar(d)), ...carried.map((c) => new Value(c.type))];
      ops.push(makeRegionOp('for', [...bounds, ...carried], [body(args, pool)], results, NO_LOC));
    } else {
      const bools = pool.filter((v) => v.type.elem === DTYPES.bool && !v.type.shape.length);
      const c = bools.length ? pick(r, bools) : constant(ops, DTYPES.bool, [], r() < 0.5 ? 1 : 0);
      ops.push(makeRegionOp('if', [c], [body([], pool), body([], pool)], results, NO_LOC));
    }
    pool.push(...results);
  }

  const ops: Op[] = [];
  const pool: Value[] = scalars.map((p) => p.value);
  pool.push(emit(ops, 'program_id', [], { axis: 0 }), emit(ops, 'arange', [], { start: 0, end: 8 }));
  for (let i = 0; i < 40; i++) step(ops, pool, 0);
  for (const v of pool) save(ops, v);
  return {
    name: `random_${seed}`,
    level: 'tile',
    params: [...params, ...input, ...scalars],
    body: { args: [], ops },
    loc: NO_LOC,
    constants: {},
    attrs: {},
  };
}
function param(name: string, type: Value['type'], buffer?: number): Param {
  return { name, value: new Value(type, name), divisibleBy: 1, ...(buffer === undefined ? {} : { buffer }), loc: NO_LOC };
}
