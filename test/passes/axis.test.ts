// Axis analysis: facts by hand for index arithmetic as kernels write it, and a check of every claimed run, divisor and constant
// group against what the interpreter computes in random functions.

import { describe, expect, it } from 'vitest';
import { type Func, type Value, walk } from '../../src/dsl/ir/ir.ts';
import { DTYPES, dtypeOf, isPtr } from '../../src/dsl/types.ts';
import { compileInterp } from '../../src/lower/interp/program.ts';
import { type Axis, analyzeAxis, MAX_DIVISIBILITY } from '../../src/lower/passes/axis.ts';
import { random, randomArguments, randomFunc } from '../support/randomIr.ts';
import { named } from './analysis.ts';

/** `contiguity / divisibility / constancy` of a value; `max` for the divisibility of zero. */
function facts(text: string): (name: string) => string {
  const { func, value } = named(text);
  const axis = analyzeAxis(func);
  const show = (xs: readonly number[]) => xs.map((x) => (x === MAX_DIVISIBILITY ? 'max' : x)).join(',');
  return (name) => {
    const a = axis.get(value(name));
    return `${show(a.contiguity)} / ${show(a.divisibility)} / ${show(a.constancy)}`;
  };
}

describe('index arithmetic', () => {
  it('program_id * BLOCK + arange, a masked bound, and pointers in elements', () => {
    const f = facts(`func @f(%x: ptr<f32> {div=16, buf=0}, %n: i32 {div=16}, %k: i32) {
      %pid = program_id {axis=0} : i32
      %block = constant {value=1024} : i32
      %base = mul %pid, %block : i32
      %range = arange {start=0, end=64} : tile<64xi32>
      %bases = broadcast_to %base {shape=[64]} : tile<64xi32>
      %offs = add %bases, %range : tile<64xi32>
      %ns = broadcast_to %n {shape=[64]} : tile<64xi32>
      %ks = broadcast_to %k {shape=[64]} : tile<64xi32>
      %mask = lt %offs, %ns : tile<64xbool>
      %mask1 = le %offs, %ns : tile<64xbool>
      %maskk = lt %offs, %ks : tile<64xbool>
      %xs = broadcast_to %x {shape=[64]} : tile<64xptr<f32>>
      %p = addptr %xs, %offs : tile<64xptr<f32>>
      %down = sub %bases, %range : tile<64xi32>
      %odd = addptr %p, %ks : tile<64xptr<f32>>
    }`);
    expect(f('base')).toBe('1 / 1024 / 1');
    expect(f('range')).toBe('64 / max / 1');
    expect(f('bases')).toBe('1 / 1024 / 64');
    expect(f('offs')).toBe('64 / 1024 / 1');
    expect(f('mask')).toBe('1 / 1 / 16');
    expect(f('mask1')).toBe('1 / 1 / 1');
    expect(f('maskk')).toBe('1 / 1 / 1');
    expect(f('p')).toBe('64 / 16 / 1');
    expect(f('down')).toBe('1 / 1 / 1');
    expect(f('odd')).toBe('64 / 1 / 1');
  });

  it('a 2-D tile: rows times a stride plus columns', () => {
    const f = facts(`func @f(%x: ptr<f16> {div=8, buf=0}, %stride: i32 {div=16}) {
      %r = arange {start=0, end=16} : tile<16xi32>
      %c = arange {start=32, end=64} : tile<32xi32>
      %rc = expand_dims %r {axis=1} : tile<16x1xi32>
      %cr = expand_dims %c {axis=0} : tile<1x32xi32>
      %s = broadcast_to %stride {shape=[16, 1]} : tile<16x1xi32>
      %rows = mul %rc, %s : tile<16x1xi32>
      %rb = broadcast_to %rows {shape=[16, 32]} : tile<16x32xi32>
      %cb = broadcast_to %cr {shape=[16, 32]} : tile<16x32xi32>
      %offs = add %rb, %cb : tile<16x32xi32>
      %t = trans %offs {perm=[1, 0]} : tile<32x16xi32>
      %xs = broadcast_to %x {shape=[16, 32]} : tile<16x32xptr<f16>>
      %p = addptr %xs, %offs : tile<16x32xptr<f16>>
    }`);
    expect(f('rows')).toBe('1,1 / 16,16 / 1,1');
    expect(f('cb')).toBe('1,32 / 1,32 / 16,1');
    expect(f('offs')).toBe('1,32 / 1,16 / 1,1');
    expect(f('t')).toBe('32,1 / 16,1 / 1,1');
    expect(f('p')).toBe('1,32 / 1,8 / 1,1');
  });

  it('division and remainder inside runs, unless they may be negative', () => {
    const f = facts(`func @f(%n: i32 {div=16}) {
      %pid = program_id {axis=0} : i32
      %block = constant {value=64} : i32
      %base = mul %pid, %block : i32
      %r = arange {start=0, end=64} : tile<64xi32>
      %b = broadcast_to %base {shape=[64]} : tile<64xi32>
      %x = add %b, %r : tile<64xi32>
      %c16 = constant {value=16} : tile<64xi32>
      %c24 = constant {value=24} : tile<64xi32>
      %q = floordiv %x, %c16 : tile<64xi32>
      %m = mod %x, %c16 : tile<64xi32>
      %q24 = floordiv %x, %c24 : tile<64xi32>
      %m24 = mod %x, %c24 : tile<64xi32>
      %ns = broadcast_to %n {shape=[64]} : tile<64xi32>
      %neg = add %ns, %r : tile<64xi32>
      %qn = floordiv %neg, %c16 : tile<64xi32>
      %mn = mod %neg, %c16 : tile<64xi32>
      %mask = constant {value=7} : tile<64xi32>
      %low = and %x, %mask : tile<64xi32>
      %four = constant {value=4} : tile<64xi32>
      %sh = shr %x, %four : tile<64xi32>
    }`);
    expect(f('q')).toBe('1 / 1 / 16');
    expect(f('m')).toBe('16 / 16 / 1');
    expect(f('q24')).toBe('1 / 1 / 8');
    expect(f('m24')).toBe('8 / 8 / 1');
    expect(f('neg')).toBe('64 / 16 / 1');
    expect(f('qn')).toBe('1 / 1 / 1');
    expect(f('mn')).toBe('1 / 1 / 1');
    expect(f('low')).toBe('8 / 8 / 1');
    expect(f('sh')).toBe('1 / 1 / 16');
  });

  it('loops: a pointer and an offset that move by a multiple of 8', () => {
    const f = facts(`func @f(%x: ptr<f32> {div=16, buf=0}, %n: i32) {
      %zero = constant {value=0} : i32
      %step = constant {value=32} : i32
      %r = arange {start=0, end=32} : tile<32xi32>
      %move = constant {value=8} : tile<32xi32>
      %xs = broadcast_to %x {shape=[32]} : tile<32xptr<f32>>
      %p0 = addptr %xs, %r : tile<32xptr<f32>>
      %last = for %zero, %n, %step, %p0 (%i: i32, %p: tile<32xptr<f32>>) {
        %next = addptr %p, %move : tile<32xptr<f32>>
        yield %next
      } : tile<32xptr<f32>>
    }`);
    expect(f('i')).toBe('1 / 32 / 1');
    expect(f('p')).toBe('32 / 8 / 1');
    expect(f('last')).toBe('32 / 8 / 1');
  });

  it('hints, branches, loads and casts', () => {
    const f = facts(`func @f(%x: ptr<i32> {div=4, buf=0}, %n: i32, %c: bool) {
      %mp = broadcast_to %x {shape=[8]} : tile<8xptr<i32>>
      %at = arange {start=0, end=8} : tile<8xi32>
      %mq = addptr %mp, %at : tile<8xptr<i32>>
      %m = load %mq : tile<8xi32>
      %n8 = multiple_of %n {values=[8]} : i32
      %h = multiple_of %m {values=[8]} : tile<8xi32>
      %run = max_contiguous %h {values=[8]} : tile<8xi32>
      %same = max_constancy %m {values=[4]} : tile<8xi32>
      %r = arange {start=0, end=8} : tile<8xi32>
      %y = if %c () {
        yield %r
      } () {
        %four = constant {value=4} : tile<8xi32>
        %s = add %r, %four : tile<8xi32>
        yield %s
      } : tile<8xi32>
      %xs = broadcast_to %x {shape=[8]} : tile<8xptr<i32>>
      %v = load %xs : tile<8xi32>
      %wide = cast %r {to="i64"} : tile<8xi64>
      %byte = cast %r {to="u8"} : tile<8xu8>
      %real = cast %r {to="f32"} : tile<8xf32>
    }`);
    expect(f('n8')).toBe('1 / 8 / 1');
    expect(f('run')).toBe('8 / 8 / 1');
    expect(f('same')).toBe('1 / 1 / 4');
    expect(f('y')).toBe('8 / 4 / 1');
    expect(f('v')).toBe('1 / 1 / 8');
    expect(f('wide')).toBe('8 / max / 1');
    expect(f('byte')).toBe('1 / 1 / 1');
    expect(f('real')).toBe('1 / 1 / 1');
  });

  it('reshape keeps runs along the last dimension', () => {
    const f = facts(`func @f() {
      %r = arange {start=0, end=64} : tile<64xi32>
      %a = reshape %r {shape=[4, 16]} : tile<4x16xi32>
      %b = reshape %a {shape=[2, 32]} : tile<2x32xi32>
    }`);
    expect(f('a')).toBe('1,16 / 1,16 / 1,1');
    expect(f('b')).toBe('1,16 / 1,16 / 1,1');
  });
});

/** What is wrong with a claim about these elements (row-major); null if nothing is. */
function refute(a: Axis, shape: readonly number[], data: ArrayLike<number | bigint>): string | null {
  const at = (i: number): bigint => BigInt(data[i]);
  const n = data.length;
  if (a.constant !== undefined && at(0) !== BigInt.asIntN(64, a.constant)) return `constant ${a.constant}, found ${at(0)}`;
  for (let d = 0; d < Math.max(1, shape.length); d++) {
    const size = shape[d] ?? 1;
    const stride = shape.slice(d + 1).reduce((x, y) => x * y, 1);
    for (let i = 0; i < n; i++) {
      const pos = Math.floor(i / stride) % size;
      if (pos % a.contiguity[d] === 0) {
        if (at(i) % BigInt(a.divisibility[d]) !== 0n) return `dim ${d}: ${at(i)} is not divisible by ${a.divisibility[d]}`;
      } else if (at(i) !== at(i - stride) + 1n) return `dim ${d}: ${at(i)} follows ${at(i - stride)} in a run`;
      if (pos % a.constancy[d] !== 0 && at(i) !== at(i - stride)) return `dim ${d}: ${at(i)} beside ${at(i - stride)}`;
    }
  }
  return null;
}

it('holds for what the interpreter computes in random functions', () => {
  let claims = 0;
  let undefinedFrom = -1;
  for (let seed = 0; seed < 60; seed++) {
    const func: Func = randomFunc(seed);
    const axis = analyzeAxis(func);
    const { buffers, scalars } = randomArguments(func, random(seed));
    const integers = new Set<Value>();
    walk(func.body, (op) => {
      for (const v of op.results) if (!isPtr(v.type) && dtypeOf(v.type).is_int() && v.type.elem !== DTYPES.bool) integers.add(v);
    });
    compileInterp(func).run({
      grid: [2],
      buffers,
      scalars,
      hooks: {
        after: (point) => {
          // A region's op is done only when its region is; what it yields is seen at the ops that use it.
          if (point.op.regions.length) return;
          // A remainder by a zero that only shows at run time is undefined, and so is what is made of it.
          const divisor = point.op.name === 'mod' ? point.read(point.op.operands[1])?.data : undefined;
          if (divisor && Array.from(divisor as ArrayLike<number | bigint>).some((x) => Number(x) === 0)) undefinedFrom = seed;
          if (undefinedFrom === seed) return;
          for (const v of point.op.results) {
            const data = integers.has(v) ? point.read(v)?.data : undefined;
            if (!data) continue;
            claims++;
            const wrong = refute(axis.get(v), v.type.shape, data as ArrayLike<number | bigint>);
            if (wrong) expect.fail(`seed ${seed}, ${point.op.name}: ${wrong}`);
          }
        },
      },
    });
  }
  expect(claims).toBeGreaterThan(1000);
});
