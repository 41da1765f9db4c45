// Builds one function's IR while a kernel is traced: where ops go, constants, casts, promotion and broadcasting. Statements
// and operators of the source are tracer.ts's business; this file knows values.

import { fail, type Loc, type Message, NO_LOC } from '../diagnostics.ts';
import { makeOp } from '../ir/build.ts';
import { type Attrs, type Op, Value } from '../ir/ir.ts';
import { TL } from '../messages.ts';
import { convert, round } from '../numerics.ts';
import { MAX_TILE } from '../ops/create.ts';
import { describeJs } from '../ops/math.ts';
import { computationType, defaultDtype } from '../semantics.ts';
import { DTYPES, type DType, dtypeOf, isPtr, numel, printType, sameShape, type Type } from '../types.ts';
import { type FloatLit, isNumberLike, type Trace } from './context.ts';
import { emitElement, emitMap } from './elements.ts';

/** Stands for a variable that may have no value; using it is an error that says why. */
export class Poison {
  readonly name: string;
  readonly why: string;
  constructor(name: string, why: string) {
    this.name = name;
    this.why = why;
  }
}

// A tile that reaches ordinary JavaScript would silently become NaN; say what happened instead. Printing stays possible.
Object.defineProperty(Value.prototype, Symbol.toPrimitive, {
  value(this: Value, kind: string) {
    const text = `<${this.name ? `${this.name}: ` : ''}${printType(this.type)}>`;
    return kind === 'string' ? text : fail(NO_LOC, TL.tileAsJs, text);
  },
});

const isConst = (x: unknown): x is number | bigint | boolean | FloatLit => isNumberLike(x) || typeof x === 'boolean';
/** The plain value of a literal; -0.0 becomes 0.0, as in Triton's scalar constants. */
const raw = (x: number | bigint | boolean | FloatLit): number | bigint | boolean =>
  typeof x === 'object' || typeof x === 'number' ? Number(x) + 0 : x;

export class Emitter implements Trace {
  loc: Loc = NO_LOC;
  private ops: Op[] = [];
  private scope = { open: true };
  private readonly scopes = new WeakMap<Value, { readonly open: boolean }>();
  private readonly constants = new Map<Value, number | bigint | boolean>();
  private readonly onPrint: (text: string) => void;
  constructor(onPrint: (text: string) => void = (s) => console.log(s)) {
    this.onPrint = onPrint;
  }

  // ---- where ops go
  /** Runs `body` with a fresh op list and returns the list. */
  region(body: () => void): Op[] {
    const outer = this.ops;
    const scope = this.scope;
    const inner: Op[] = [];
    this.ops = inner;
    this.scope = { open: true };
    try {
      body();
    } finally {
      this.scope.open = false;
      this.ops = outer;
      this.scope = scope;
    }
    return inner;
  }
  append(...ops: readonly Op[]): void {
    this.ops.push(...ops);
    for (const op of ops) this.own(...op.results);
  }
  /** Values (results, region arguments) that live as long as the region that is being built. */
  own(...values: readonly Value[]): void {
    for (const v of values) this.scopes.set(v, this.scope);
  }
  /** Runs `body` so that its ops go to the end of `list`. */
  into<T>(list: Op[], body: () => T): T {
    const outer = this.ops;
    this.ops = list;
    try {
      return body();
    } finally {
      this.ops = outer;
    }
  }

  emit(name: string, operands: readonly Value[], attrs: Attrs = {}): readonly Value[] {
    for (const o of operands) {
      if (this.scopes.get(o)?.open === false)
        this.fail(TL.escaped, o.name ? `'${o.name}' (${printType(o.type)})` : printType(o.type));
    }
    const op = makeOp(name, operands, attrs, this.loc);
    for (const r of op.results) this.checkSize(r.type);
    this.append(op);
    return op.results;
  }
  one(name: string, operands: readonly Value[], attrs: Attrs = {}): Value {
    return this.emit(name, operands, attrs)[0];
  }
  private checkSize(t: Type): void {
    if (numel(t.shape) > MAX_TILE) this.fail(TL.tooLarge, numel(t.shape), MAX_TILE);
  }

  // ---- constants
  constant(value: number | bigint | boolean, dtype: DType, shape: readonly number[] = []): Value {
    const n = typeof value === 'boolean' ? Number(value) : value;
    const exact = dtype.is_bool() ? Boolean(n) : dtype.is_int() ? this.intConstant(n, dtype) : round(dtype, Number(n));
    const v = this.one('constant', [], { value: exact, dtype: dtype.name, ...(shape.length ? { shape } : {}) });
    this.constants.set(v, exact);
    return v;
  }
  private intConstant(n: number | bigint, d: DType): number | bigint {
    if (typeof n === 'number' && !Number.isInteger(n)) return convert(DTYPES.f64, d, n);
    const lo = d.is_int_signed() ? -(2n ** BigInt(d.bits - 1)) : 0n;
    const hi = 2n ** BigInt(d.is_int_signed() ? d.bits - 1 : d.bits) - 1n;
    if (BigInt(n) < lo || BigInt(n) > hi) this.fail(TL.scalarRange, 'a constant', n, d);
    return d.bits === 64 ? BigInt(n) : Number(n);
  }
  constantOf(v: Value): number | bigint | boolean | undefined {
    return this.constants.get(v);
  }

  // ---- values
  isValue(x: unknown): x is Value {
    return x instanceof Value;
  }
  value(x: unknown, what: string): Value {
    if (x instanceof Value) return x;
    if (x instanceof Poison) return this.fail(TL.poison, x.name, x.why);
    if (isConst(x)) {
      const d = defaultDtype(x);
      return d ? this.constant(raw(x), d) : this.fail(TL.scalarRange, what, raw(x) as bigint, DTYPES.u64);
    }
    return this.fail(TL.notValue, what, describeJs(x));
  }
  cast(v: Value, to: DType): Value {
    if (isPtr(v.type)) this.fail(TL.pointerElement, 'tl.cast', v.type);
    const from = dtypeOf(v.type);
    if (from === to) return v;
    const c = this.constants.get(v);
    if (c !== undefined) {
      const n = convert(from, to, typeof c === 'boolean' ? Number(c) : c);
      return this.constant(n, to, v.type.shape);
    }
    return this.one('cast', [v], { to: to.name });
  }

  // ---- shapes
  constInt(x: unknown, what: string): number {
    if (x instanceof Value) return this.fail(TL.shapeNotConstexpr, what, `a value of the device (${printType(x.type)})`);
    if (x === undefined) return this.fail(TL.argumentMissing, what);
    const n = isNumberLike(x) ? Number(x) : Number.NaN;
    return Number.isInteger(n) ? n : this.fail(TL.shapeNotConstexpr, what, describeJs(x));
  }
  constShape(x: unknown, what: string): number[] {
    const list = Array.isArray(x) ? x : [x];
    return list.map((n, i) => {
      const size = this.constInt(n, list.length > 1 ? `${what}, dimension ${i}` : what);
      if (size < 1 || (size & (size - 1)) !== 0)
        this.fail(TL.notPowerOfTwo, list.length > 1 ? `${what}, dimension ${i}` : what, size);
      return size;
    });
  }
  broadcastTo(v: Value, shape: readonly number[]): Value {
    if (sameShape(v.type.shape, shape)) return v;
    const c = this.constants.get(v);
    if (c !== undefined && v.type.shape.length === 0) return this.constant(c, dtypeOf(v.type), shape);
    return this.one('broadcast_to', [v], { shape });
  }
  broadcast(what: string, values: readonly Value[]): Value[] {
    const rank = Math.max(...values.map((v) => v.type.shape.length));
    if (rank === 0) return [...values];
    // Shorter shapes get leading ones, as in Triton and numpy.
    const shapes = values.map((v) => [
      ...Array(v.type.shape.length ? rank - v.type.shape.length : rank).fill(1),
      ...v.type.shape,
    ]);
    const common = shapes[0].map((_, d) => {
      const i = shapes.findIndex((s) => s[d] !== 1);
      return i < 0 ? 1 : shapes[i][d];
    });
    shapes.forEach((s, k) => {
      const d = s.findIndex((n, i) => n !== 1 && n !== common[i]);
      if (d >= 0) this.fail(TL.broadcast, what, values[shapes.findIndex((o) => o[d] === common[d])].type, values[k].type, d);
    });
    return values.map((v, k) => {
      let x = v;
      if (x.type.shape.length)
        for (let r = x.type.shape.length; r < shapes[k].length; r++) x = this.one('expand_dims', [x], { axis: 0 });
      return this.broadcastTo(x, common);
    });
  }

  // ---- promotion
  promote(what: string, a: unknown, b: unknown, divOrMod = false): [Value, Value] {
    const [x, y] = [a, b].map((v) => (isConst(v) ? null : this.value(v, what)));
    const types = [x, y].map((v, i) => {
      if (v) return v.type;
      const c = [a, b][i] as number;
      return { elem: defaultDtype(c) ?? this.fail(TL.scalarRange, what, raw(c) as bigint, DTYPES.u64), shape: [] };
    });
    if (types.some(isPtr)) {
      if (!types.every(isPtr) || (types[0].elem as { ptr: DType }).ptr !== (types[1].elem as { ptr: DType }).ptr) {
        this.fail(TL.types, what, types[0], types[1], 'a pointer can only meet a pointer to the same dtype here');
      }
      return this.broadcast(what, [x as Value, y as Value]) as [Value, Value];
    }
    const [da, db] = [dtypeOf(types[0]), dtypeOf(types[1])];
    const to = computationType(da, x === null, db, y === null, divOrMod);
    if (to === null) {
      return da.is_int() && db.is_int()
        ? this.fail(TL.signedness, what, da, db)
        : this.fail(TL.types, what, types[0], types[1], 'Triton has no common dtype for these');
    }
    const operands = [x, y].map((v, i) => {
      if (v) return this.cast(v, to);
      const n = raw([a, b][i] as number);
      if (to.is_int() && typeof n !== 'boolean') {
        if (n < 0 && to.is_int_unsigned()) this.fail(TL.negativeScalar, what, n, to);
        const hi = 2n ** BigInt(to.is_int_signed() ? to.bits - 1 : to.bits) - 1n;
        if (Number.isInteger(Number(n)) && (BigInt(n) > hi || BigInt(n) < (to.is_int_signed() ? -hi - 1n : 0n)))
          this.fail(TL.scalarRange, what, n, to);
      }
      return this.constant(n, to);
    });
    return this.broadcast(what, operands) as [Value, Value];
  }

  // ---- functions of the kernel
  /** How the frame at work calls a function. */
  caller: ((fn: unknown, args: readonly unknown[], what: string) => unknown) | null = null;
  call(fn: unknown, args: readonly unknown[], what: string): unknown {
    return this.caller ? this.caller(fn, args, what) : this.fail(TL.outsideKernel, what);
  }
  element(name: string, operands: readonly Value[], attrs: Attrs, fn: unknown): readonly Value[] {
    return emitElement(this, name, operands, attrs, fn);
  }
  map(operands: readonly Value[], pack: number, fn: unknown): { readonly results: readonly Value[]; readonly list: boolean } {
    return emitMap(this, operands, pack, fn);
  }

  print(text: string): void {
    this.onPrint(text);
  }
  fail<A extends unknown[]>(m: Message<A>, ...args: A): never {
    return fail(this.loc, m, ...args);
  }
}
