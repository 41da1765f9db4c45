// Uniformity and pointer analysis: which scalars WGSL takes for uniform, and which buffers a pointer may reach.

import { describe, expect, it } from 'vitest';
import { walk } from '../../src/dsl/ir/ir.ts';
import { analyzePointers } from '../../src/lower/passes/pointers.ts';
import { analyzeUniformity } from '../../src/lower/passes/uniformity.ts';
import { named } from './analysis.ts';

const TEXT = `func @f(%x: ptr<i32> {buf=0}, %y: ptr<i32> {buf=1}, %z: ptr<i32> {buf=1}, %n: i32) {
  %pid = program_id {axis=0} : i32
  %p = addptr %x, %pid : ptr<i32>
  %len = load %p : i32
  %mine = load %z : i32
  %zero = constant {value=0} : i32
  %one = constant {value=1} : i32
  %c = lt %mine, %n : bool
  %r = if %c () {
    %inside = add %n, %one : i32
    yield %inside
  } () {
    yield %zero
  } : i32
  %far = addptr %x, %mine : ptr<i32>
  %there = load %far : i32
  %s = for %zero, %len, %one, %zero (%i: i32, %a: i32) {
    %b = add %a, %i : i32
    yield %b
  } : i32
  %t = for %zero, %mine, %one, %zero (%j: i32, %d: i32) {
    yield %d
  } : i32
  %tile = arange {start=0, end=8} : tile<8xi32>
  %sum = sum %tile {axis=0} : i32
  store %y, %s
}`;

describe('uniformity', () => {
  const { func, value } = named(TEXT);
  const plain = analyzeUniformity(func);
  const made = analyzeUniformity(func, { conditionsMadeUniform: true });
  const uniform = (names: string, u = plain) => names.split(' ').map((n) => u.uniform(value(n)));

  it('arguments, program ids, and loads from what is only read, at uniform addresses', () => {
    expect(uniform('n pid p len i a s')).toEqual(Array(7).fill(true));
  });
  it('not: loads from what is written, even through another argument; reductions; tiles', () => {
    expect(uniform('mine c far there tile sum')).toEqual(Array(6).fill(false));
  });
  it('not: what is computed under, or chosen by, a varying condition', () => {
    expect(uniform('inside r j d t')).toEqual(Array(5).fill(false));
  });
  it('once conditions are broadcast, control flow is uniform and values depend on data alone', () => {
    expect(uniform('inside r j d t', made)).toEqual(Array(5).fill(true));
    expect(uniform('mine c there', made)).toEqual([false, false, false]);
  });
  it('control flow of ops', () => {
    const inside: boolean[] = [];
    walk(func.body, (op) => {
      if (op.results[0]?.name === 'inside' || op.results[0]?.name === 'b') inside.push(plain.uniformControl(op));
    });
    expect(inside).toEqual([false, true]);
  });
});

describe('pointers', () => {
  it('follows where, loops and branches', () => {
    const { func, value } = named(`func @f(%x: ptr<f32> {buf=0}, %y: ptr<f32> {buf=1}, %w: ptr<f32>, %c: bool, %n: i32, %v: f32) {
      %zero = constant {value=0} : i32
      %one = constant {value=1} : i32
      %p = where %c, %x, %y : ptr<f32>
      %last = for %zero, %n, %one, %w (%i: i32, %q: ptr<f32>) {
        %next = if %c () {
          yield %x
        } () {
          yield %q
        } : ptr<f32>
        yield %next
      } : ptr<f32>
      store %last, %v
      %l = load %p : f32
      store %w, %l
    }`);
    const pointers = analyzePointers(func);
    const set = (name: string) => [...pointers.buffers(value(name))].sort((a, b) => a - b);
    expect(set('p')).toEqual([0, 1]);
    const own = set('w');
    expect(own).toHaveLength(1);
    expect(set('last')).toEqual([...own, 0]);
    expect([...pointers.read].sort()).toEqual([0, 1]);
    expect(pointers.written).toEqual(new Set([...own, 0]));
  });
});
