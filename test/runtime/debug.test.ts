// The debugger's session and its commands over a small kernel with a loop and an inlined device function. What the variables
// hold is worked out here.
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { runDebugger } from '../../src/cli/debug.ts';
import { registerSource } from '../../src/dsl/diagnostics.ts';
import { DebugSession } from '../../src/runtime/debug.ts';
import { buffers, compile } from '../lower/interp/support.ts';

const SOURCE = `const square = tl.fn(function square(t) {
  const half = t * 0.5;
  return half * t;
});
export const walk = kernel(function walk({ x, out, n }) {
  const offs = tl.program_id(0) * 4 + tl.arange(0, 4);
  const mask = offs < 6;
  const v = tl.load(x + offs, { mask, other: 1 });
  let acc = tl.zeros([4], tl.f32);
  for (let i = 0; i < n; i++) {
    acc = acc + square(v);
  }
  tl.store(out + offs, acc, { mask });
});`;
const TEXT = `func @walk(%x: ptr<f32> @5:44-5:45, %out: ptr<f32>, %n: i32) loc "walk.ts" @5:14-14:3 {
  %pid = program_id {axis=0} @6:16-6:32
  %four = constant {value=4} : i32 @6:35-6:36
  %1 = mul %pid, %four @6:16-6:36
  %2 = arange {start=0, end=4} @6:39-6:54
  %3 = broadcast_to %1 {shape=[4]} @6:16-6:54
  %offs = add %3, %2 @6:16-6:54
  %4 = constant {value=6} : tile<4xi32> @7:23-7:24
  %mask = lt %offs, %4 @7:16-7:24
  %5 = broadcast_to %x {shape=[4]} @8:21-8:29
  %ptrs = addptr %5, %offs @8:21-8:29
  %6 = constant {value=1} : tile<4xf32> @8:46-8:47
  %v = load %ptrs, %mask, %6 @8:13-8:50
  %acc = constant {value=0} : tile<4xf32> @9:13-9:34
  %7 = constant {value=0} : i32 @10:16-10:17
  %8 = constant {value=1} : i32 @10:27-10:28
  %acc_1 = for %7, %n, %8, %acc (%i: i32, %acc_2: tile<4xf32>) {
    %9 = constant {value=0.5} : tile<4xf32> @square/2:20-2:23<walk/11:17-11:26
    %half = mul %v, %9 @square/2:16-2:23<walk/11:17-11:26
    %10 = mul %half, %v @square/3:10-3:18<walk/11:17-11:26
    %acc_3 = add %acc_2, %10 @11:11-11:26
    yield %acc_3 @10:3-12:4
  } : tile<4xf32> @10:3-12:4
  %11 = broadcast_to %out {shape=[4]} @13:12-13:22
  %12 = addptr %11, %offs @13:12-13:22
  store %12, %acc_1, %mask @13:3-13:38
}`;

const x = new Float32Array([1, 2, 3, 4, 5, 6]);
let out: Float32Array;
const program = compile(TEXT);
// IR text cannot give two values one name; the tracer does, so the test does it by hand.
for (const s of program.code.steps)
  for (const v of [...s.op.results, ...s.op.regions.flatMap((r) => r.args)]) if (v.name?.startsWith('acc_')) v.name = 'acc';
const launch = () => ({ grid: [2], buffers: buffers({ x, out }), scalars: { n: 3 } });
const start = () => {
  const s = new DebugSession(program, launch());
  s.start();
  return s;
};
const numbers = (s: DebugSession, name: string) => Array.from(s.inspect(name)?.data ?? [], Number);
const line = (s: DebugSession) => s.loc?.line;

beforeEach(() => {
  registerSource('walk.ts', 1, SOURCE);
  out = new Float32Array(6);
});

describe('DebugSession', () => {
  it('stops at the first op of the first program, then op by op', () => {
    const s = new DebugSession(program, launch());
    expect(s.state).toBe('new');
    expect(s.start()).toEqual({ reason: 'start' });
    expect([s.pid, s.step?.op.name, line(s)]).toEqual([[0, 0, 0], 'program_id', 6]);
    expect(s.stepOp()).toEqual({ reason: 'step' });
    expect(s.step?.op.name).toBe('constant');
    expect(s.inspect('offs')).toBeUndefined();
    for (let i = 0; i < 5; i++) s.stepOp();
    expect(numbers(s, 'offs')).toEqual([0, 1, 2, 3]);
  });

  it('steps by lines, into device functions, over them, and out of them', () => {
    const s = start();
    const lines = [line(s)];
    for (let i = 0; i < 7; i++) {
      s.stepLine();
      lines.push(line(s));
    }
    expect(lines).toEqual([6, 7, 8, 9, 10, 2, 3, 11]);
    expect(s.backtrace().map((f) => [f.kind, f.name, f.loc.line, f.iteration])).toEqual([
      ['call', 'walk', 11, undefined],
      ['loop', 'for', 10, 0],
    ]);
    s.stepLine();
    expect(line(s)).toBe(2);
    expect(s.backtrace().map((f) => [f.kind, f.name, f.loc.line, f.iteration, f.at])).toEqual([
      ['call', 'square', 2, undefined, undefined],
      ['call', 'walk', 11, undefined, undefined],
      ['loop', 'for', 10, 1, 'i = 1'],
    ]);
    s.finish();
    expect(line(s)).toBe(11);
    s.stepOver();
    expect([line(s), numbers(s, 'i')]).toEqual([11, [2]]);
    s.stepOver();
    expect(line(s)).toBe(13);
  });

  it('sees variables as the current line does', () => {
    const s = start();
    s.addBreakpoint({ line: 11 });
    s.continue();
    // Breaking on the line of a call stops before its body.
    expect([line(s), s.inspect('half')]).toEqual([2, undefined]);
    s.stepLine();
    expect(numbers(s, 'half')).toEqual([0.5, 1, 1.5, 2]);
    expect(numbers(s, 'acc')).toEqual([0, 0, 0, 0]);
    s.continue();
    expect(numbers(s, 'acc')).toEqual([0.5, 2, 4.5, 8]);
    expect(s.variables().map((v) => v.name)).toEqual(['x', 'out', 'n', 'pid', 'four', 'offs', 'mask', 'ptrs', 'v', 'i', 'acc']);
    s.removeBreakpoint(1);
    s.addBreakpoint({ line: 13 });
    s.continue();
    expect(numbers(s, 'acc')).toEqual([1.5, 6, 13.5, 24]);
    expect(s.inspect('half')).toBeUndefined();
    expect(s.inspect('i')).toBeUndefined();
  });

  it('summarises tiles: masked lanes of a load, pointers by argument', () => {
    const s = start();
    s.addBreakpoint({ line: 9, pid: [1] });
    expect(s.continue().reason).toBe('breakpoint');
    expect(s.pid).toEqual([1, 0, 0]);
    expect(s.inspect('v')?.summary).toEqual({
      type: 'tile<4xf32>',
      elements: 4,
      min: 1,
      max: 6,
      mean: 3.25,
      nan: 0,
      inf: 0,
      masked: 2,
    });
    expect(s.inspect('mask')?.summary.on).toBe(2);
    expect(s.inspect('ptrs')?.summary.targets).toEqual([{ param: 'x', low: 4, high: 7 }]);
  });

  it('moves a breakpoint to the next line with code, and refuses a line after the last', () => {
    const s = start();
    expect(s.addBreakpoint({ line: 12 })?.resolved).toBe(13);
    expect(s.addBreakpoint({ line: 5, file: 'walk.ts' })?.resolved).toBe(6);
    expect(s.addBreakpoint({ line: 14 })).toBeNull();
    expect(s.addBreakpoint({ line: 5, file: 'other.ts' })).toBeNull();
  });

  it('takes a bare line as one of the kernel’s file, though a helper of another file has it too', () => {
    const text = `func @k(%x: ptr<f32>) loc "k.ts" @1:1-1:2 {
      %v = load %x @3:1-3:9
      %w = mul %v, %v @"helper.ts"helper/4:1-4:2<"k.ts"k/5:1-5:9
      store %x, %w @6:1-6:9
    }`;
    const s = new DebugSession(compile(text), { grid: [1], buffers: buffers({ x: new Float32Array(1) }) });
    expect(s.addBreakpoint({ line: 4 })?.resolved).toBe(5);
    expect(s.addBreakpoint({ line: 4, file: 'helper.ts' })?.resolved).toBe(4);
    s.removeBreakpoint(1);
    expect(s.continue().breakpoint?.id).toBe(2);
    expect(s.loc?.file).toBe('helper.ts');
  });

  it('stops once an iteration on a line of the loop, and once a program on a line outside', () => {
    const s = start();
    s.addBreakpoint({ line: 3 });
    const b = s.addBreakpoint({ line: 13 })!;
    const seen: string[] = [];
    while (s.continue().reason === 'breakpoint') seen.push(`${s.pid[0]}:${line(s)}`);
    expect(seen).toEqual(['0:3', '0:3', '0:3', '0:13', '1:3', '1:3', '1:3', '1:13']);
    expect(b.hits).toBe(2);
    expect(s.state).toBe('ended');
    expect(Array.from(out)).toEqual([1.5, 6, 13.5, 24, 37.5, 54]);
  });

  it('goes from program to program', () => {
    const s = start();
    expect(s.nextProgram()).toEqual({ reason: 'program' });
    expect([s.pid, line(s), out[0]]).toEqual([[1, 0, 0], 6, 1.5]);
    expect(s.nextProgram()).toEqual({ reason: 'end' });
    // Starting again starts from the memory of the first time.
    expect(Array.from(out)).toEqual([1.5, 6, 13.5, 24, 37.5, 54]);
    const again = s.start();
    expect([again.reason, s.pid]).toEqual(['start', [0, 0, 0]]);
    expect(Array.from(out)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('stops after the op that changes a watched element', () => {
    const s = start();
    expect(s.addWatch('y', 0)).toBe("there is no pointer argument 'y'; there are: x, out");
    expect(s.addWatch('out', 6)).toBe('out has 6 elements');
    expect(s.addWatch('out', 5)).toMatchObject({ param: 'out', index: 5 });
    const hit = s.continue();
    expect(hit).toMatchObject({ reason: 'watch', watch: { param: 'out', index: 5, before: '0', after: '54' } });
    expect([s.pid, hit.watch?.loc.line]).toEqual([[1, 0, 0], 13]);
    expect(s.continue()).toEqual({ reason: 'end' });
  });

  it('finds the op that makes the first NaN or infinity', () => {
    const text = `func @k(%x: ptr<f32>) loc "k.ts" @1:1-1:2 {
      %i = arange {start=0, end=4} @2:1-2:2
      %b = broadcast_to %x {shape=[4]} @2:1-2:2
      %p = addptr %b, %i @2:1-2:2
      %v = load %p @2:1-2:2
      %big = exp %v @3:1-3:2
      %m = max %big {axis=0} @4:1-4:2
      %mb = broadcast_to %m {shape=[4]} @5:1-5:2
      %d = sub %big, %mb @6:1-6:2
      %s = sum %d {axis=0} @7:1-7:2
      store %x, %s @8:1-8:2
    }`;
    // A NaN that was loaded is not made; exp(200) overflows f32; inf - inf is the first NaN made.
    const values = new Float32Array([NaN, 1, 200, 200]);
    const s = new DebugSession(compile(text), { grid: [1], buffers: buffers({ x: values }) });
    s.catches.add('nan');
    expect(s.continue()).toEqual({
      reason: 'birth',
      birth: { what: 'nan', op: 'sub', loc: expect.objectContaining({ line: 6 }), name: 'd', lane: [2], count: 2 },
    });
    expect(s.continue().reason).toBe('end');
    s.start();
    s.catches.add('inf');
    expect(s.continue().birth).toMatchObject({ what: 'inf', op: 'exp', lane: [2], count: 2 });
    // 1 - inf is infinite too, but its operand was.
    expect(s.continue().birth).toMatchObject({ what: 'nan', op: 'sub' });
    expect(s.continue().reason).toBe('end');
  });

  it('stops at an error with everything still to see', () => {
    out = new Float32Array(5);
    const s = new DebugSession(program, { ...launch(), buffers: buffers({ x, out }) });
    const stop = s.continue();
    expect(stop.reason).toBe('error');
    expect(stop.error?.message).toContain('store writes out[5], past the end of out (5 elements of f32)');
    expect([s.state, line(s), s.pid]).toEqual(['failed', 13, [1, 0, 0]]);
    expect(numbers(s, 'acc')).toEqual([37.5, 54, 1.5, 1.5]);
    expect(s.continue()).toEqual({ reason: 'end' });
  });
});

describe('commands', () => {
  const script = async (...commands: string[]) => {
    const lines: string[] = [];
    const code = await runDebugger({ program, launch: launch(), commands, print: (l) => void lines.push(l) });
    return { text: lines.join('\n'), code };
  };

  it('run a script', async () => {
    const { text, code } = await script(
      'break 11 if pid=1',
      'run',
      'p v',
      'p v[1]',
      'p mask',
      'p ptrs',
      'bt',
      'list',
      'watch out[4]',
      'delete 1',
      'c',
      'quit',
    );
    expect(code).toBe(0);
    expect(text).toBe(`> break 11 if pid=1
breakpoint 1 at line 11 if pid=1
> run
breakpoint 1
pid (1, 0, 0) walk.ts:2:20 in square  [constant]
-> 2 |   const half = t * 0.5;
> p v
v: tile<4xf32>  min 1  max 6  mean 3.25  masked 2
[5, 6, 1, 1]
> p v[1]
6
> p mask
mask: tile<4xbool>  true 2  false 2
[true, true, false, false]
> p ptrs
ptrs: tile<4xptr<f32>>  x[4..7]
[x+4, x+5, x+6, x+7]
> bt
#0 square at walk.ts:2:20
#1 walk at walk.ts:11:17
   in for loop at line 10, iteration 0 (i = 0)
> list
   1 | const square = tl.fn(function square(t) {
-> 2 |   const half = t * 0.5;
   3 |   return half * t;
   4 | });
   5 | export const walk = kernel(function walk({ x, out, n }) {
   6 |   const offs = tl.program_id(0) * 4 + tl.arange(0, 4);
   7 |   const mask = offs < 6;
> watch out[4]
watch 2 out[4] = 0
> delete 1
deleted 1
> c
out[4] changed from 0 to 37.5 at walk.ts:13:3
pid (1, 0, 0) at the end of the program
> quit`);
  });

  it('show constexpr arguments beside the variables', async () => {
    const lines: string[] = [];
    const func = { ...program.func, constants: { BLOCK: '4' } };
    const commands = ['run', 's', 's', 'info locals', 'p BLOCK', 'p n'];
    await runDebugger({ program: { ...program, func }, launch: launch(), commands, print: (l) => void lines.push(l) });
    expect(lines.slice(lines.indexOf('> info locals'))).toEqual([
      '> info locals',
      'BLOCK: constexpr = 4',
      'x: ptr<f32>  x[0]',
      'out: ptr<f32>  out[0]',
      'n: i32 = 3',
      'pid: i32 = 0',
      'four: i32 = 4',
      'offs: tile<4xi32>  min 0  max 3  mean 1.5',
      'mask: tile<4xbool>  true 4  false 0',
      '> p BLOCK',
      'BLOCK: constexpr = 4',
      '> p n',
      'n: i32 = 3',
    ]);
  });

  it('say what is wrong with a command', async () => {
    const { text } = await script(
      'frobnicate',
      'step',
      'break',
      'break 99',
      'run',
      'p nope',
      'p offs[9]',
      'p x y',
      'info',
      'delete 7',
      'watch out',
      'catch fire',
      'np',
      'np',
      'c',
    );
    const answers = text.split('\n').filter((l) => !l.startsWith('>') && !l.startsWith('->') && !l.startsWith('pid '));
    expect(answers).toEqual([
      "unknown command 'frobnicate'; type help for the list",
      'the launch has not started; type run',
      'usage: break LINE [if pid=x[,y[,z]]], break FILE:LINE, or break if pid=x',
      'there is no code at or after line 99',
      "no variable 'nope' here; info locals lists what there is",
      "no variable 'offs' here; info locals lists what there is",
      'usage: print NAME or print NAME[slice], e.g. print x[0:4, 3]',
      'usage: info locals | breakpoints | program',
      "there is no breakpoint or watch '7'",
      'usage: watch POINTER[INDEX], e.g. watch out[5]',
      'usage: catch nan | inf | off',
      'next program',
      'the launch has ended',
      'the launch has ended; type run to start again',
    ]);
  });

  it('list every command in help', async () => {
    const { text } = await script('help');
    for (const c of [
      'run',
      'break',
      'continue',
      'step',
      'stepi',
      'next',
      'next-program',
      'finish',
      'print',
      'info',
      'bt',
      'list',
      'watch',
      'delete',
      'quit',
      'help',
    ]) {
      expect(text).toMatch(new RegExp(`^  ${c}\\b`, 'm'));
    }
  });

  it('come from a stream, an empty line repeating the last; a failed kernel gives exit code 1', async () => {
    out = new Float32Array(5);
    const input = new PassThrough();
    input.end('run\nsi\n\ninfo program\nbreak 13\nc\nc\nc\n');
    const lines: string[] = [];
    const options = { ...launch(), buffers: buffers({ x, out }) };
    expect(await runDebugger({ program, launch: options, input, print: (l) => void lines.push(l) })).toBe(1);
    expect(lines.filter((l) => l.startsWith('pid '))).toEqual([
      'pid (0, 0, 0) walk.ts:6:16 in walk  [program_id]',
      'pid (0, 0, 0) walk.ts:6:35 in walk  [constant]',
      'pid (0, 0, 0) walk.ts:6:16 in walk  [mul]',
      'pid (0, 0, 0) walk.ts:6:16 in walk  [mul]',
      'pid (0, 0, 0) walk.ts:13:12 in walk  [broadcast_to]',
      'pid (1, 0, 0) walk.ts:13:12 in walk  [broadcast_to]',
      'pid (1, 0, 0) walk.ts:13:3 in walk  [store]',
    ]);
  });
});
