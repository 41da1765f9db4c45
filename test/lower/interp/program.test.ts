// Control flow, tiles and arithmetic of whole functions, against results worked out by hand or in double precision here.
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../../src/dsl/diagnostics.ts';
import { compileInterp } from '../../../src/lower/interp/program.ts';
import { buffers, compile, run } from './support.ts';

describe('control flow', () => {
  const counted = (lo: number, hi: number, step: number) => {
    const out = new Int32Array(64).fill(-99);
    run(
      `func @k(%out: ptr<i32>, %lo: i32, %hi: i32) {
        %step = constant {value=${step}} : i32
        %one = constant {value=1} : i32
        %end = for %lo, %hi, %step, %out (%i: i32, %p: ptr<i32>) {
          store %p, %i
          %q = addptr %p, %one
          yield %q
        } : ptr<i32>
        %marker = constant {value=-1} : i32
        store %end, %marker
      }`,
      { out },
      { scalars: { lo, hi } },
    );
    return [...out.slice(0, out.indexOf(-1))];
  };
  it('counts as Python’s range does', () => {
    expect(counted(0, 5, 1)).toEqual([0, 1, 2, 3, 4]);
    expect(counted(3, 20, 4)).toEqual([3, 7, 11, 15, 19]);
    expect(counted(20, 3, -3)).toEqual([20, 17, 14, 11, 8, 5]);
    expect(counted(5, 5, 1)).toEqual([]);
    expect(counted(5, 2, 1)).toEqual([]);
    expect(counted(0, 16, 16)).toEqual([0]);
  });

  it('does not wrap at the end of the i32 range', () => {
    expect(counted(2147483644, 2147483647, 2)).toEqual([2147483644, 2147483646]);
  });

  it('counts in i64', () => {
    const out = new BigInt64Array(1);
    run(
      `func @k(%out: ptr<i64>, %lo: i64, %hi: i64, %step: i64) {
        %zero = constant {value=0} : i64
        %sum = for %lo, %hi, %step, %zero (%i: i64, %s: i64) {
          %t = add %s, %i
          yield %t
        } : i64
        store %out, %sum
      }`,
      { out },
      { scalars: { lo: 2n ** 40n, hi: 2n ** 40n + 10n, step: 3n } },
    );
    expect(out[0]).toBe(4n * 2n ** 40n + 0n + 3n + 6n + 9n);
  });

  it('exchanges carried tiles in parallel, values from before the loop staying what they were', () => {
    const out = new Int32Array(12);
    run(
      `func @k(%out: ptr<i32>, %n: i32) {
        %lo = constant {value=0} : i32
        %one = constant {value=1} : i32
        %r = arange {start=0, end=4}
        %a0 = constant {value=0} : tile<4xi32>
        %b0 = add %r, %a0
        %fa, %fb, %fc = for %lo, %n, %one, %a0, %b0, %r (%i: i32, %a: tile<4xi32>, %b: tile<4xi32>, %c: tile<4xi32>) {
          %s = add %a, %b
          yield %b, %s, %a
        } : tile<4xi32>, tile<4xi32>, tile<4xi32>
        %o = broadcast_to %out {shape=[4]}
        %o0 = addptr %o, %r
        %four = constant {value=4} : tile<4xi32>
        %o1 = addptr %o0, %four
        %o2 = addptr %o1, %four
        store %o0, %fa
        store %o1, %b0
        store %o2, %fc
      }`,
      { out },
      { scalars: { n: 7 } },
    );
    // Fibonacci: after 7 steps a is F(7) = 13 times the start, c is a one step earlier.
    expect([...out]).toEqual([0, 13, 26, 39, 0, 1, 2, 3, 0, 8, 16, 24]);
  });

  it('yields one value twice, and an outer value', () => {
    const out = new Int32Array(3);
    run(
      `func @k(%out: ptr<i32>, %n: i32) {
        %z = constant {value=0} : i32
        %one = constant {value=1} : i32
        %two = constant {value=2} : i32
        %a, %b, %c = for %z, %n, %one, %one, %z, %z (%i: i32, %x: i32, %y: i32, %w: i32) {
          %s = add %x, %y
          %inner = constant {value=5} : i32
          yield %s, %s, %inner
        } : i32, i32, i32
        %p1 = addptr %out, %one
        %p2 = addptr %out, %two
        store %out, %a
        store %p1, %b
        store %p2, %c
      }`,
      { out },
      { scalars: { n: 5 } },
    );
    expect([...out]).toEqual([16, 16, 5]);
  });

  it('runs while loops with a branch inside: Collatz', () => {
    const out = new Int32Array(4);
    const text = `func @k(%x: ptr<i32>, %out: ptr<i32>) {
      %pid = program_id {axis=0} : i32
      %px = addptr %x, %pid
      %start = load %px
      %zero = constant {value=0} : i32
      %one = constant {value=1} : i32
      %two = constant {value=2} : i32
      %three = constant {value=3} : i32
      %n, %steps = while %start, %zero (%v: i32, %s: i32) {
        %go = gt %v, %one
        condition %go
      } (%v2: i32, %s2: i32) {
        %r = mod %v2, %two
        %even = eq %r, %zero
        %next = if %even () {
          %h = floordiv %v2, %two
          yield %h
        } () {
          %t = mul %v2, %three
          %u = add %t, %one
          yield %u
        } : i32
        %c = add %s2, %one
        yield %next, %c
      } : i32, i32
      %po = addptr %out, %pid
      store %po, %steps
    }`;
    const collatz = (n: number) => {
      let c = 0;
      for (; n > 1; c++) n = n % 2 ? 3 * n + 1 : n / 2;
      return c;
    };
    const x = new Int32Array([27, 1, 97, 6]);
    for (const order of ['forward', 'reverse', 'shuffle'] as const) {
      out.fill(0);
      run(text, { x, out }, { grid: [4], order });
      expect([...out]).toEqual([...x].map(collatz));
    }
  });

  it('runs only the programs asked for, x fastest', () => {
    const seen: string[] = [];
    const text =
      'func @k() { %a = program_id {axis=1} : i32\n %n = num_programs {axis=2} : i32 device_print %a, %n {prefix="p"} }';
    const program = compile(text);
    program.run({ grid: [2, 2, 3], buffers: [], print: (l) => void seen.push(l), programs: ([x, , z]) => x === 1 && z === 0 });
    program.run({ grid: [2, 2, 3], buffers: [], print: (l) => void seen.push(l), programs: [[0, 1, 2]] });
    expect(seen).toEqual([
      'pid (1, 0, 0) idx () p: (operand 0) 0',
      'pid (1, 0, 0) idx () p: (operand 1) 3',
      'pid (1, 1, 0) idx () p: (operand 0) 1',
      'pid (1, 1, 0) idx () p: (operand 1) 3',
      'pid (0, 1, 2) idx () p: (operand 0) 1',
      'pid (0, 1, 2) idx () p: (operand 1) 3',
    ]);
  });
});

describe('tiles', () => {
  const io = (n: number) => `%oi = arange {start=0, end=${n}}
    %ob = broadcast_to %out {shape=[${n}]}
    %op = addptr %ob, %oi`;

  it('moves elements: broadcast, trans, reshape, expand_dims in three dimensions', () => {
    const out = new Int32Array(64);
    run(
      `func @k(%out: ptr<i32>) {
        %r = arange {start=0, end=4}
        %c = expand_dims %r {axis=1}
        %c3 = expand_dims %c {axis=0}
        %b = broadcast_to %c3 {shape=[2, 4, 8]}
        %q = arange {start=0, end=64}
        %q3 = reshape %q {shape=[8, 4, 2]}
        %t = trans %q3 {perm=[2, 1, 0]}
        %k = constant {value=100} : tile<2x4x8xi32>
        %m = mul %b, %k
        %s = add %m, %t
        %f = reshape %s {shape=[64]}
        ${io(64)}
        store %op, %f
      }`,
      { out },
    );
    const want = [];
    for (let i = 0; i < 2; i++) for (let j = 0; j < 4; j++) for (let k = 0; k < 8; k++) want.push(100 * j + k * 8 + j * 2 + i);
    expect([...out]).toEqual(want);
  });

  it('reduces along each axis; NaN loses, all-NaN stays NaN, ties go to the first', () => {
    const x = new Float32Array([NaN, 1, -2, 3, NaN, NaN, NaN, NaN, 5, -7, NaN, 5, 0.5, 1.5, 2.5, -3.5]);
    const max = new Float32Array(4);
    const min = new Float32Array(4);
    const arg = new Int32Array(4);
    const text = (axis: number) =>
      `func @k(%x: ptr<f32>, %max: ptr<f32>, %min: ptr<f32>, %arg: ptr<i32>) {
      %i = arange {start=0, end=16}
      %xb = broadcast_to %x {shape=[16]}
      %xp = addptr %xb, %i
      %v1 = load %xp
      %v = reshape %v1 {shape=[4, 4]}
      %a = max %v {axis=${axis}}
      %b = min %v {axis=${axis}}
      %zero = constant {value=0.0} : tile<4x4xf32>
      %clean = where %isnum, %v, %zero
      %best, %c = argmax %clean {axis=${axis}}
      %j = arange {start=0, end=4}
      %p0 = broadcast_to %max {shape=[4]}
      %p1 = addptr %p0, %j
      store %p1, %a
      %p2 = broadcast_to %min {shape=[4]}
      %p3 = addptr %p2, %j
      store %p3, %b
      %p4 = broadcast_to %arg {shape=[4]}
      %p5 = addptr %p4, %j
      store %p5, %c
    }`.replace('%clean', '%isnum = eq %v, %v\n %clean');
    run(text(1), { x, max, min, arg });
    expect([...max]).toEqual([3, NaN, 5, 2.5]);
    expect([...min]).toEqual([-2, NaN, -7, -3.5]);
    expect([...arg]).toEqual([3, 0, 0, 2]);
    run(text(0), { x, max, min, arg });
    expect([...max]).toEqual([5, 1.5, 2.5, 5]);
    expect([...min]).toEqual([0.5, -7, -2, -3.5]);
    expect([...arg]).toEqual([2, 3, 3, 2]);
  });

  it('sums floats in double precision and rounds once', () => {
    // In f32 steps 2^24 + 1 + 1 loses both ones.
    const x = new Float32Array([2 ** 24, 1, 1, 0]);
    const out = new Float32Array(1);
    run(
      `func @k(%x: ptr<f32>, %out: ptr<f32>) {
        %i = arange {start=0, end=4}
        %xb = broadcast_to %x {shape=[4]}
        %xp = addptr %xb, %i
        %v = load %xp
        %s = sum %v {axis=0}
        store %out, %s
      }`,
      { x, out },
    );
    expect(out[0]).toBe(2 ** 24 + 2);
  });

  it.each([
    ['f32', 'f32'],
    ['f16', 'f32'],
    ['f16', 'f16'],
    ['i8', 'i32'],
  ])('multiplies matrices of %s into %s', (d, to) => {
    const [M, K, N] = [16, 32, 8];
    const at = (i: number) => ((i * 7) % 13) - 6 + (d === 'i8' ? 0 : 0.25);
    const out = new Float32Array(M * N);
    const value = (name: string, rows: number, cols: number, scale: number) => {
      const n = rows * cols;
      return `%${name}i = arange {start=0, end=${n}}
      %${name}s = constant {value=${scale}} : tile<${n}xi32>
      %${name}m0 = mul %${name}i, %${name}s
      %${name}c = constant {value=13} : tile<${n}xi32>
      %${name}m = mod %${name}m0, %${name}c
      %${name}g = cast %${name}m {to="f32"}
      %${name}h = constant {value=${d === 'i8' ? -6 : -5.75}} : tile<${n}xf32>
      %${name}v = add %${name}g, %${name}h
      %${name}d = cast %${name}v {to="${d}"}
      %${name} = reshape %${name}d {shape=[${rows}, ${cols}]}`;
    };
    run(
      `func @k(%out: ptr<f32>) {
        ${value('a', M, K, 7)}
        ${value('b', K, N, 7)}
        %acc = constant {value=3} : tile<${M}x${N}x${to}>
        %c = dot %a, %b, %acc {out_dtype="${to}"}
        %f = cast %c {to="f32"}
        %flat = reshape %f {shape=[${M * N}]}
        ${io(M * N)}
        store %op, %flat
      }`,
      { out },
    );
    for (let i = 0; i < M; i++) {
      for (let j = 0; j < N; j++) {
        let want = 3;
        for (let k = 0; k < K; k++) want += at(i * K + k) * at(k * N + j);
        // Every partial sum is a multiple of 1/16 below 2^10, so f32 and the double are exact; f16 keeps 11 bits.
        const tolerance = to === 'f16' ? Math.max(1, Math.abs(want)) * 2 ** -11 : 0;
        expect(Math.abs(out[i * N + j] - want)).toBeLessThanOrEqual(tolerance);
      }
    }
  });
});

describe('arithmetic', () => {
  /** `out = op(x, y)` on one dtype. */
  const binary = (op: string, d: string, result = d) => `func @k(%x: ptr<${d}>, %y: ptr<${d}>, %out: ptr<${result}>) {
    %i = arange {start=0, end=4}
    %xb = broadcast_to %x {shape=[4]}
    %xp = addptr %xb, %i
    %yb = broadcast_to %y {shape=[4]}
    %yp = addptr %yb, %i
    %ob = broadcast_to %out {shape=[4]}
    %op = addptr %ob, %i
    %a = load %xp
    %b = load %yp
    %r = ${op} %a, %b
    store %op, %r
  }`;
  const i32 = (...x: number[]) => new Int32Array(x);
  it('wraps integers and divides them as C does', () => {
    const out = new Int32Array(4);
    const go = (op: string, x: number[], y: number[]) => {
      run(binary(op, 'i32'), { x: i32(...x), y: i32(...y), out });
      return [...out];
    };
    expect(go('mul', [2147483647, -2147483648, 65537, -7], [2147483647, -1, 65537, 3])).toEqual([1, -2147483648, 131073, -21]);
    expect(go('add', [2147483647, -2147483648, 1, 2], [1, -1, 2, 3])).toEqual([-2147483648, 2147483647, 3, 5]);
    expect(go('floordiv', [-7, 7, -2147483648, -9], [2, -2, -9, 10])).toEqual([-3, -3, 238609294, 0]);
    expect(go('mod', [-7, 7, -2147483648, -9], [2, -2, -9, 10])).toEqual([-1, 1, -2, -9]);
  });
  it('keeps i64 exact', () => {
    const out = new BigInt64Array(4);
    const x = new BigInt64Array([2n ** 62n, -(2n ** 63n), 3037000500n, -7n]);
    const y = new BigInt64Array([2n ** 62n, 1n, 3037000500n, 2n]);
    run(binary('add', 'i64'), { x, y, out });
    expect([...out]).toEqual([-(2n ** 63n), -(2n ** 63n) + 1n, 6074001000n, -5n]);
    run(binary('mul', 'i64'), { x, y, out });
    expect([...out]).toEqual([0n, -(2n ** 63n), BigInt.asIntN(64, 3037000500n ** 2n), -14n]);
  });
  it('rounds f16 once, to nearest even', () => {
    // 1 + 2^-11 is halfway (to 1), 1 + 3·2^-11 halfway (to 1 + 2^-9), 65504 + 16 overflows, 2^-24 / 2 underflows to 0.
    const x = new Uint16Array([0x3c00, 0x3c01, 0x7bff, 0x0001]);
    const y = new Uint16Array([0x1000, 0x1000, 0x4c00, 0x8001]);
    const out = new Uint16Array(4);
    run(binary('add', 'f16'), { x, y, out });
    expect([...out]).toEqual([0x3c00, 0x3c02, 0x7c00, 0x0000]);
  });
  it('compares NaN as IEEE does', () => {
    const out = new Uint8Array(4);
    const x = new Float32Array([NaN, 1, NaN, 0]);
    const y = new Float32Array([NaN, NaN, 1, -0]);
    for (const [op, want] of [
      ['eq', [0, 0, 0, 1]],
      ['ne', [1, 1, 1, 0]],
      ['le', [0, 0, 0, 1]],
      ['gt', [0, 0, 0, 0]],
    ] as const) {
      run(binary(op, 'f32', 'bool'), { x, y, out });
      expect([...out]).toEqual(want);
    }
  });
});

it('refuses ops of the lane level', () => {
  const func = compile('func @k() { %a = constant {value=1} : i32 }').func;
  const op = { ...func.body.ops[0], name: 'barrier', results: [] };
  expect(() => compileInterp({ ...func, body: { args: [], ops: [op] } })).toThrow(CompileError);
});

it('runs the same program over new buffers', () => {
  const program = compile(`func @k(%x: ptr<f32>, %s: f32) {
    %v = load %x
    %w = mul %v, %s
    store %x, %w
  }`);
  for (const s of [2, 3]) {
    const x = new Float32Array([1.5]);
    program.run({ grid: [2], buffers: buffers({ x }), scalars: { s } });
    expect(x[0]).toBe(1.5 * s * s);
  }
});
