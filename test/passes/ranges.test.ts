// Range analysis: intervals by hand, guards and assumptions, and every claimed interval against what the interpreter computes
// in random functions.

import { describe, expect, it } from 'vitest';
import { compileInterp } from '../../src/lower/interp/program.ts';
import { analyzeRanges } from '../../src/lower/passes/ranges.ts';
import { random, randomArguments, randomFunc } from '../support/randomIr.ts';
import { named } from './analysis.ts';

function ranges(text: string): (name: string) => string {
  const { func, value } = named(text);
  const r = analyzeRanges(func);
  return (name) => {
    const x = r.get(value(name));
    return x ? `${x.lo}..${x.hi}` : 'none';
  };
}

describe('intervals', () => {
  it('sources, arithmetic and wrapping', () => {
    const r = ranges(`func @f(%n: i32, %x: f32) {
      %pid = program_id {axis=0} : i32
      %a = arange {start=8, end=24} : tile<16xi32>
      %c = constant {value=-3} : tile<16xi32>
      %s = sub %a, %c : tile<16xi32>
      %p = mul %a, %c : tile<16xi32>
      %q = floordiv %p, %a : tile<16xi32>
      %m = mod %p, %a : tile<16xi32>
      %minus = neg %a : tile<16xi32>
      %size = abs %c : tile<16xi32>
      %or = or %a, %size : tile<16xi32>
      %most = maximum %a, %s : tile<16xi32>
      %left = shl %a, %size : tile<16xi32>
      %half = shr %p, %size : tile<16xi32>
      %w = cast %n {to="i64"} : i64
      %h = constant {value=7n} : i64
      %k = and %w, %h : i64
      %two = constant {value=2} : i32
      %big = mul %pid, %two : i32
      %t = sum %a {axis=0} : i32
      %v, %i = argmax %a {axis=0} : i32, i32
      %b = cast %a {to="bool"} : tile<16xbool>
    }`);
    expect(r('pid')).toBe('0..2147483646');
    expect(r('a')).toBe('8..23');
    expect(r('s')).toBe('11..26');
    expect(r('p')).toBe('-69..-24');
    expect(r('q')).toBe('-8..-1');
    expect(r('m')).toBe('-22..0');
    expect(r('minus')).toBe('-23..-8');
    expect(r('size')).toBe('3..3');
    expect(r('or')).toBe('8..31');
    expect(r('most')).toBe('11..26');
    expect(r('left')).toBe('64..184');
    expect(r('half')).toBe('-9..-3');
    expect(r('w')).toBe('-2147483648..2147483647');
    expect(r('k')).toBe('0..7');
    expect(r('big')).toBe('-2147483648..2147483647');
    expect(r('t')).toBe('128..368');
    expect(r('i')).toBe('0..15');
    expect(r('b')).toBe('1..1');
    expect(r('x')).toBe('none');
  });
  it('loops: induction variables by their bounds, counters without end widen', () => {
    const r = ranges(`func @f(%n: i32) {
      %lo = constant {value=4} : i32
      %hi = constant {value=40} : i32
      %st = constant {value=5} : i32
      %down = constant {value=-5} : i32
      %r = for %lo, %hi, %st, %lo (%i: i32, %x: i32) {
        %y = minimum %x, %i : i32
        yield %y
      } : i32
      for %hi, %lo, %down (%j: i32) {
        yield
      }
      %s = for %lo, %hi, %st, %lo (%k: i32, %z: i32) {
        %z1 = add %z, %st : i32
        yield %z1
      } : i32
    }`);
    expect(r('i')).toBe('4..39');
    expect(r('r')).toBe('4..4');
    expect(r('j')).toBe('5..40');
    expect(r('s')).toBe('-2147483648..2147483647');
  });
  it('guards and assumptions hold where they stand, not beside', () => {
    const r = ranges(`func @f(%n: i32, %m: i32) {
      %z = constant {value=0} : i32
      %t = constant {value=10} : i32
      %c = lt %n, %t : bool
      %y = if %c () {
        %a = add %n, %z : i32
        yield %a
      } () {
        %b = add %n, %z : i32
        yield %b
      } : i32
      %k = gt %m, %z : bool
      %before = add %m, %z : i32
      assume %k
      %after = add %m, %z : i32
    }`);
    expect(r('a')).toBe('-2147483648..9');
    expect(r('b')).toBe('10..2147483647');
    expect(r('y')).toBe('-2147483648..2147483647');
    expect(r('before')).toBe('-2147483648..2147483647');
    expect(r('after')).toBe('1..2147483647');
  });
  it('the condition of a while holds in its body', () => {
    const r = ranges(`func @f(%n: i32) {
      %z = constant {value=0} : i32
      %one = constant {value=1} : i32
      %lim = constant {value=100} : i32
      %last = while %z (%a: i32) {
        %c = lt %a, %lim : bool
        condition %c
      } (%b: i32) {
        %next = add %b, %one : i32
        yield %next
      } : i32
    }`);
    expect(r('next')).toMatch(/\.\.100$/);
  });
});

it('holds for what the interpreter computes in random functions', () => {
  let claims = 0;
  for (let seed = 100; seed < 160; seed++) {
    const func = randomFunc(seed);
    const r = analyzeRanges(func);
    const { buffers, scalars } = randomArguments(func, random(seed));
    compileInterp(func).run({
      grid: [2],
      buffers,
      scalars,
      hooks: {
        after: (point) => {
          if (point.op.regions.length) return;
          for (const v of point.op.results) {
            const range = r.get(v);
            const data = point.read(v)?.data as ArrayLike<number | bigint> | undefined;
            if (!range || !data) continue;
            for (const x of Array.from(data)) {
              claims++;
              if (BigInt(x) < range.lo || BigInt(x) > range.hi)
                expect.fail(`seed ${seed}, ${point.op.name}: ${x} is not in ${range.lo}..${range.hi}`);
            }
          }
        },
      },
    });
  }
  expect(claims).toBeGreaterThan(1000);
});
