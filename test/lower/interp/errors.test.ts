// What the interpreter says when a kernel goes wrong: exact texts, with the line of the kernel.
import { beforeAll, describe, expect, it } from 'vitest';
import { registerSource } from '../../../src/dsl/diagnostics.ts';
import { KernelError } from '../../../src/lower/interp/errors.ts';
import type { RunOptions } from '../../../src/lower/interp/program.ts';
import { type Arrays, buffers, compile, run } from './support.ts';

const SOURCE = `export const copy = kernel(function copy({ x, out, n }) {
  const offs = tl.program_id(0) * 16 + tl.arange(0, 16);
  const mask = offs < n;
  const v = tl.load(x + offs, { mask });
  tl.store(out + offs, v, { mask });
});`;
beforeAll(() => registerSource('copy.ts', 10, SOURCE));

const kernel = (masked: boolean, rows = 1) => {
  const m = masked ? ', %mask' : '';
  const shape = rows > 1 ? `[${rows}, ${16 / rows}]` : '[16]';
  const offs =
    rows > 1
      ? `%offs = reshape %flat {shape=${shape}} @11:9-11:13`
      : '%z = constant {value=0} : tile<16xi32>\n%offs = add %flat, %z';
  return `func @copy(%x: ptr<f32>, %out: ptr<f32>, %n: i32) loc "copy.ts" @10:1-10:5 {
    %pid = program_id {axis=0} @11:16-11:32
    %c = constant {value=16} : i32 @11:35-11:37
    %b = mul %pid, %c @11:16-11:37
    %r = arange {start=0, end=16} @11:40-11:56
    %bb = broadcast_to %b {shape=[16]} @11:16-11:56
    %flat = add %bb, %r @11:16-11:56
    ${offs}
    %nb = broadcast_to %n {shape=${shape}} @12:16-12:24
    %mask = lt %offs, %nb @12:16-12:24
    %xb = broadcast_to %x {shape=${shape}} @13:21-13:29
    %xp = addptr %xb, %offs @13:21-13:29
    %v = load %xp${m} @13:13-13:40
    %ob = broadcast_to %out {shape=${shape}} @14:12-14:22
    %op = addptr %ob, %offs @14:12-14:22
    store %op, %v${m} @14:3-14:36
  }`;
};

function failure(text: string, arrays: Arrays, options: Partial<RunOptions> = {}): KernelError {
  try {
    run(text, arrays, options);
  } catch (e) {
    if (e instanceof KernelError) return e;
    throw e;
  }
  throw new Error('the kernel ran to its end');
}
const f32 = (n: number) => new Float32Array(n);

describe('out of bounds', () => {
  it('names the argument, the index, the lane, the program and the missing mask', () => {
    const e = failure(kernel(false), { x: f32(40), out: f32(64) }, { grid: [4], scalars: { n: 40 } });
    expect(e.code).toBe('TL5001');
    expect(e.pid).toEqual([2, 0, 0]);
    expect(e.message).toBe(`error TL5001: load reads x[40], past the end of x (40 elements of f32)
  --> copy.ts:13:13 (in copy)
    |
 13 |   const v = tl.load(x + offs, { mask });
    |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = note: program id (2, 0, 0)
  = note: pointer argument 'x'; this load touches indices 32 to 47
  = note: first bad lane [8] of tile<16xptr<f32>>; 8 of 16 lanes out of bounds
  = note: the load has no mask
  = help: add a mask: { mask: offs < n }`);
  });

  it('says that the mask is wrong if there is one, and gives coordinates', () => {
    const e = failure(kernel(true, 4), { x: f32(64), out: f32(42) }, { grid: [4], scalars: { n: 46 } });
    expect(e.message).toBe(`error TL5001: store writes out[42], past the end of out (42 elements of f32)
  --> copy.ts:14:3 (in copy)
    |
 14 |   tl.store(out + offs, v, { mask });
    |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = note: program id (2, 0, 0)
  = note: pointer argument 'out'; this store touches indices 32 to 45
  = note: first bad lane [2, 2] of tile<4x4xptr<f32>>; 4 of 16 lanes out of bounds
  = note: the store has a mask; it is true in the bad lane (14 of 16 lanes on)
  = help: compare the mask with the size of this argument; it must be false where the index is out of bounds`);
  });

  it('touches nothing where the mask is off, and leaves 0 or other there', () => {
    const out = f32(64).fill(-1);
    run(kernel(true), { x: f32(20).fill(7), out }, { grid: [4], scalars: { n: 20 } });
    expect([...out]).toEqual([...Array(20).fill(7), ...Array(44).fill(-1)]);
    const y = f32(4);
    run(
      `func @k(%x: ptr<f32>, %y: ptr<f32>) {
        %i = arange {start=0, end=4}
        %far = constant {value=1000000} : tile<4xi32>
        %two = constant {value=2} : tile<4xi32>
        %m = lt %i, %two
        %j = where %m, %i, %far
        %o = constant {value=9} : tile<4xf32>
        %p = broadcast_to %x {shape=[4]}
        %q = addptr %p, %j
        %v = load %q, %m, %o
        %r = broadcast_to %y {shape=[4]}
        %s = addptr %r, %i
        store %s, %v
      }`,
      { x: f32(2).fill(5), y },
    );
    expect([...y]).toEqual([5, 5, 9, 9]);
  });

  it('checks scalars, indices below zero, and 64-bit offsets beyond any memory', () => {
    const scalar = (offset: string, type: string) => `func @k(%x: ptr<f32>) {
      %o = constant {value=${offset}} : ${type}
      %p = addptr %x, %o
      %q = addptr %p, %o
      %v = load %q
    }`;
    expect(
      failure(scalar('-1', 'i32'), { x: f32(4) }).message,
    ).toBe(`error TL5001: load reads x[-2], before the start of x (4 elements of f32)
  = note: program id (0, 0, 0)
  = note: pointer argument 'x'; this load touches indices -2 to -2
  = note: the pointer is a scalar
  = note: the load has no mask
  = help: check the index, or guard the load: { mask: i < n }`);
    for (const huge of ['9223372036854775807n', '-9223372036854775808n', '70368744177664n']) {
      expect(failure(scalar(huge, 'i64'), { x: f32(4) }).diagnostics[0].text).toMatch(
        /^load reads x\[-?\d+\], (past the end|before the start) of x/,
      );
    }
  });

  it('knows which argument each lane of a mixed tile belongs to', () => {
    const text = `func @k(%x: ptr<i32>, %y: ptr<i32>, %out: ptr<i32>) {
      %i = arange {start=0, end=4}
      %two = constant {value=2} : tile<4xi32>
      %m = lt %i, %two
      %a = broadcast_to %x {shape=[4]}
      %b = broadcast_to %y {shape=[4]}
      %p = where %m, %a, %b
      %q = addptr %p, %i
      %v = load %q
      %o = broadcast_to %out {shape=[4]}
      %r = addptr %o, %i
      store %r, %v
    }`;
    const out = new Int32Array(4);
    run(text, { x: new Int32Array([1, 2]), y: new Int32Array([0, 0, 30, 40]), out });
    expect([...out]).toEqual([1, 2, 30, 40]);
    expect(failure(text, { x: new Int32Array(2), y: new Int32Array(3), out }).diagnostics[0].text).toBe(
      'load reads y[3], past the end of y (3 elements of i32)',
    );
  });

  it('lets a view reach the whole buffer behind it, and no further', () => {
    const data = f32(8).map((_, i) => i);
    const bytes = new Uint8Array(data.buffer);
    const text = (at: number) => `func @k(%x: ptr<f32>, %out: ptr<f32>) {
      %o = constant {value=${at}} : i32
      %p = addptr %x, %o
      %v = load %p
      store %out, %v
    }`;
    const go = (at: number) => {
      const out = f32(1);
      compile(text(at)).run({ grid: [1], buffers: [{ param: 'x', bytes, byteOffset: 12 }, ...buffers({ out })] });
      return out[0];
    };
    expect([go(0), go(-3), go(4)]).toEqual([3, 0, 7]);
    expect(() => go(5)).toThrow('load reads x[5], past the end of x (5 elements of f32)');
    expect(() => go(-4)).toThrow('a view that starts 3 elements into its buffer');
  });

  it('sees one buffer through two arguments of different dtypes', () => {
    const bytes = new Uint8Array(8);
    compile(`func @k(%a: ptr<f32>, %b: ptr<i32>, %c: ptr<i32>) {
      %v = constant {value=1.5} : f32
      store %a, %v
      %w = load %b
      store %c, %w
    }`).run({
      grid: [1],
      buffers: [
        { param: 'a', bytes },
        { param: 'b', bytes },
        { param: 'c', bytes, byteOffset: 4 },
      ],
    });
    expect([...new Uint32Array(bytes.buffer)]).toEqual([0x3fc00000, 0x3fc00000]);
  });
});

describe('other failures', () => {
  it('stops a loop that does not end', () => {
    const text = `func @spin(%n: i32) loc "copy.ts" @10:1-10:5 {
      %one = constant {value=1} : i32
      %r = while %n (%a: i32) {
        %go = ge %a, %one
        condition %go
      } (%b: i32) {
        %c = add %b, %one
        %d = sub %c, %one
        yield %d
      } : i32 @12:3-13:9
    }`;
    const e = failure(text, {}, { scalars: { n: 5 }, maxSteps: 1000, grid: [1, 2], programs: [[0, 1, 0]] });
    expect(e.message).toBe(`error TL5004: the program has run 1005 steps and is still in this while loop
  --> copy.ts:12:3 (in spin)
    |
 12 |   const mask = offs < n;
    |   ^^^^^^^^^^^^^^^^^^^^^^
  = note: program id (0, 1, 0)
  = note: iteration 201
  = help: check that the condition becomes false; if the loop is meant to be that long, raise maxSteps`);
    expect(() => run(text, {}, { scalars: { n: 0 } })).not.toThrow();
  });

  it('stops an endless loop over tiles without being told to, by the work it does', () => {
    // 2^16 iterations of 2^20 elements reach the limit; a mask that is off makes the op cheap here but not in the count.
    const text = `func @k(%n: i32) {
      %z = constant {value=0} : i32
      %m = constant {value=1048576} : i32
      %one = constant {value=1} : i32
      for %z, %n, %one (%i: i32) {
        %no = constant {value=false} : bool
        if %no () {
          %t = constant {value=1} : tile<1048576xi32>
          %u = add %t, %t
          %v = add %u, %t
          yield
        } () { yield }
        yield
      }
    }`;
    expect(() => run(text, {}, { scalars: { n: 1000 } })).not.toThrow();
    const e = failure(text, {}, { scalars: { n: 2147483647 } });
    expect(e.code).toBe('TL5004');
    expect(e.diagnostics[0].text).toMatch(/^the program has run \d+ steps and is still in this for loop$/);
  });

  it('refuses a step of zero, and a falling one that is no constant', () => {
    const text = `func @k(%s: i32) {
      %z = constant {value=0} : i32
      for %z, %z, %s (%i: i32) { yield }
    }`;
    expect(failure(text, {}, { scalars: { s: 0 } }).diagnostics[0].text).toBe(
      'the step of the loop is 0 at run time; it must be positive',
    );
    expect(failure(text, {}, { scalars: { s: -1 } }).diagnostics[0].text).toBe(
      'the step of the loop is -1 at run time; it must be positive',
    );
  });

  it('reports device_assert with message, program and lane, where the mask is on', () => {
    const text = (mask: string) => `func @k(%x: ptr<i32>) {
      %i = arange {start=0, end=4}
      %p = broadcast_to %x {shape=[4]}
      %q = addptr %p, %i
      %v = load %q
      %z = constant {value=0} : tile<4xi32>
      %c = gt %v, %z
      %two = constant {value=2} : tile<4xi32>
      %m = ge %i, %two
      device_assert %c${mask} {msg="x must be positive"}
    }`;
    const x = new Int32Array([0, 1, 2, -3]);
    expect(failure(text(''), { x }).message).toBe(`error TL5003: device_assert failed: x must be positive
  = note: program id (0, 0, 0)
  = note: first failing lane [0]; 2 of 4 lanes fail
  = help: run \`tessera debug\` with a breakpoint on this line and print the tiles of the condition`);
    expect(failure(text(', %m'), { x }).diagnostics[0].notes?.[1]).toBe(
      'first failing lane [3]; 1 of 4 lanes fail (where the mask is on)',
    );
    x[3] = 3;
    expect(() => run(text(', %m'), { x })).not.toThrow();
  });

  it('checks assume, and integer division by zero on request', () => {
    const text = `func @k(%n: i32) {
      %z = constant {value=0} : i32
      %c = ge %n, %z
      assume %c
      %q = floordiv %z, %n
    }`;
    expect(failure(text, {}, { scalars: { n: -1 } }).code).toBe('TL5007');
    expect(() => run(text, {}, { scalars: { n: 0 } })).not.toThrow();
    expect(failure(text, {}, { scalars: { n: 0 }, checks: { divisionByZero: true } }).diagnostics[0].text).toBe(
      'integer division by zero',
    );
  });

  it('checks 32-bit arithmetic that makes an address, on request, and only that', () => {
    const text = (d: string) => `func @k(%x: ptr<f32>, %row: i32, %stride: i32) {
      %r = cast %row {to="${d}"}
      %s = cast %stride {to="${d}"}
      %start = mul %r, %s
      %i0 = arange {start=0, end=4}
      %i = cast %i0 {to="${d}"}
      %b = broadcast_to %start {shape=[4]}
      %offs = add %b, %i
      %other = mul %row, %row
      %p = broadcast_to %x {shape=[4]}
      %q = addptr %p, %offs
      %off = constant {value=false} : tile<4xbool>
      %v = load %q, %off
    }`;
    const x = f32(4);
    const far = { scalars: { row: 65536, stride: 40000 } };
    expect(() => run(text('i32'), { x }, far)).not.toThrow();
    expect(() => run(text('i64'), { x }, { ...far, checks: { addressOverflow: true } })).not.toThrow();
    expect(
      failure(text('i32'), { x }, { ...far, checks: { addressOverflow: true } }).message,
    ).toBe(`error TL5009: the product of 65536 and 40000 overflows i32 in the computation of an address
  = note: program id (0, 0, 0)
  = help: compute the offset in 64 bits, e.g. tl.cast(pid, tl.i64) * stride`);
    const edge = failure(text('i32'), { x }, { scalars: { row: 2147483645, stride: 1 }, checks: { addressOverflow: true } });
    expect(edge.diagnostics[0].text).toBe('the sum of 2147483645 and 3 overflows i32 in the computation of an address');
    expect(edge.diagnostics[0].notes?.[1]).toBe('first lane [3]; 1 lane in all');
  });

  it('follows an address through a loop', () => {
    const text = `func @k(%x: ptr<f32>, %step: i32) {
      %z = constant {value=0} : i32
      %n = constant {value=4} : i32
      %one = constant {value=1} : i32
      %count, %end = for %z, %n, %one, %one, %z (%i: i32, %c: i32, %o: i32) {
        %big = constant {value=1000000007} : i32
        %c2 = mul %c, %big
        %o2 = add %o, %step
        yield %c2, %o2
      } : i32, i32
      %p = addptr %x, %end
      %off = constant {value=false} : bool
      %v = load %p, %off
    }`;
    const checks = { addressOverflow: true };
    expect(() => run(text, { x: f32(4) }, { scalars: { step: 1 }, checks })).not.toThrow();
    const e = failure(text, { x: f32(4) }, { scalars: { step: 1000000000 }, checks });
    expect(e.diagnostics[0].text).toBe('the sum of 2000000000 and 1000000000 overflows i32 in the computation of an address');
  });

  it('names missing arguments', () => {
    const program = compile('func @k(%x: ptr<f32>, %n: i32) { }');
    expect(() => program.run({ grid: [1], buffers: [], scalars: { n: 1 } })).toThrow("argument 'x': no buffer was given");
    expect(() => program.run({ grid: [1], buffers: buffers({ x: f32(1) }) })).toThrow("argument 'n': no value was given");
    const odd = { param: 'x', bytes: new Uint8Array(16), byteOffset: 2 };
    expect(() => program.run({ grid: [1], buffers: [odd], scalars: { n: 1 } })).toThrow(
      'element 0 lies at byte 2, which is no multiple of 4',
    );
  });
});

it('prints as Triton does', () => {
  const lines: string[] = [];
  compile(`func @k() {
    %i = arange {start=0, end=4}
    %j = reshape %i {shape=[2, 2]}
    %f = cast %j {to="f32"}
    %z = constant {value=0} : tile<2x2xf32>
    %q = div %f, %z
    device_print %q {prefix="ratio: "}
    device_print {prefix="here"}
  }`).run({ grid: [1], buffers: [], print: (l) => void lines.push(l) });
  expect(lines).toEqual([
    'pid (0, 0, 0) idx (0, 0) ratio: nan',
    'pid (0, 0, 0) idx (0, 1) ratio: inf',
    'pid (0, 0, 0) idx (1, 0) ratio: inf',
    'pid (0, 0, 0) idx (1, 1) ratio: inf',
    'pid (0, 0, 0) idx () here: ',
  ]);
});
