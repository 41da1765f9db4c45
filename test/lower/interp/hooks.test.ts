// Hooks see every op, with its place, its program and any value; loops tell when an iteration begins and ends.
import { expect, it } from 'vitest';
import { parseFunc } from '../../../src/dsl/ir/parse.ts';
import { compileInterp, type Hooks } from '../../../src/lower/interp/program.ts';
import { buffers } from './support.ts';

const FUNC = parseFunc(`func @k(%x: ptr<f32>, %n: i32) loc "k.ts" @1:1-1:2 {
  %zero = constant {value=0} : i32 @2:1-2:2
  %one = constant {value=1} : i32 @2:1-2:2
  %start = load %x @3:1-3:9
  %sum = for %zero, %n, %one, %start (%i: i32, %acc: f32) {
    %next = add %acc, %acc @5:3-5:9
    yield %next @4:1-6:2
  } : f32 @4:1-6:2
  %left = while %sum (%v: f32) {
    %limit = constant {value=2.0} : f32 @7:8-7:9
    %go = gt %v, %limit @7:8-7:15
    condition %go @7:8-7:15
  } (%w: f32) {
    %half = constant {value=0.5} : f32 @8:3-8:9
    %shrunk = mul %w, %half @8:3-8:9
    yield %shrunk @7:1-9:2
  } : f32 @7:1-9:2
  store %x, %left @10:1-10:9
}`);
const program = compileInterp(FUNC);
const go = (hooks: Hooks, x = new Float32Array([3])) => {
  program.run({ grid: [1], buffers: buffers({ x }), scalars: { n: 2 }, hooks });
  return x[0];
};

it('come before and after every op, in order', () => {
  const before: string[] = [];
  const after: string[] = [];
  const events: string[] = [];
  const x = go({
    before: (p) => void before.push(`${p.op.name}@${p.loc.line}`),
    after: (p) => void after.push(`${p.op.name}@${p.loc.line}`),
    start: (pid) => void events.push(`start ${pid}`),
    end: (pid) => void events.push(`end ${pid}`),
  });
  const body = ['add@5', 'yield@4'];
  const test = ['constant@7', 'gt@7', 'condition@7'];
  const turn = ['constant@8', 'mul@8', 'yield@7'];
  // 3 doubles twice to 12, then halves while above 2: 12, 6, 3, 1.5.
  expect(before).toEqual([
    'constant@2',
    'constant@2',
    'load@3',
    'for@4',
    ...body,
    ...body,
    'while@7',
    ...test,
    ...turn,
    ...test,
    ...turn,
    ...test,
    ...turn,
    ...test,
    'store@10',
  ]);
  expect(after).toEqual(before);
  expect(events).toEqual(['start 0,0,0', 'end 0,0,0']);
  expect(x).toBe(1.5);
});

it('tell when iterations begin and end', () => {
  const events: string[] = [];
  go({
    enter: (l) => void events.push(`${l.op.name} enter ${l.iteration}`),
    exit: (l) => void events.push(`${l.op.name} exit ${l.iteration}`),
  });
  expect(events).toEqual([
    ...[0, 1].flatMap((i) => [`for enter ${i}`, `for exit ${i}`]),
    ...[0, 1, 2].flatMap((i) => [`while enter ${i}`, `while exit ${i}`]),
  ]);
});

it('read values by name and by identity, as of the op', () => {
  const seen: number[] = [];
  const add = program.code.steps.find((s) => s.op.name === 'add')!.op;
  go({
    before: (p) => {
      if (p.op === add) seen.push(Number(p.read('acc')?.data[0]), Number(p.read('i')?.data[0]), Number(p.read('n')?.data[0]));
    },
    after: (p) => {
      if (p.op === add) seen.push(Number(p.read(add.results[0])?.data[0]));
      expect(p.read('nothing')).toBeUndefined();
    },
  });
  expect(seen).toEqual([3, 0, 2, 6, 6, 1, 2, 12]);
});

it('give the same memory as a run without them', () => {
  const plain = new Float32Array([7]);
  program.run({ grid: [3], buffers: buffers({ x: plain }), scalars: { n: 2 } });
  const hooked = new Float32Array([7]);
  program.run({ grid: [3], buffers: buffers({ x: hooked }), scalars: { n: 2 }, hooks: { before: () => {} } });
  expect(hooked[0]).toBe(plain[0]);
});
