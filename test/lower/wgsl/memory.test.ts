// What makes memory-bound kernels fast, each rewrite where it must fire and where it must not, with the result checked against the
// interpreter: packed copies, merged stores, disjoint accesses, program order, programs that share a workgroup.
import { describe, expect, it } from 'vitest';
import { type Block, type Op, walk } from '../../../src/dsl/ir/ir.ts';
import { kernel, tl } from '../../../src/index.ts';
import { chooseInvocations } from '../../../src/lower/passes/assignLayouts.ts';
import { analyzeAxis } from '../../../src/lower/passes/axis.ts';
import { programOrder } from '../../../src/lower/passes/programOrder.ts';
import { runPipeline, tilePasses } from '../../../src/lower/pipeline.ts';
import type { ProfileName } from '../../../src/lower/profiles.ts';
import {
  type Arg,
  differences,
  f16,
  f32,
  floats,
  i32,
  int,
  ints,
  type Options,
  type PtrArg,
  runBoth,
  seed,
  trace,
} from '../../support/bothBackEnds.ts';

type P = tl.ptr;
type C = tl.constexpr;
const halves = (n: number): Uint16Array => Uint16Array.from({ length: n }, (_, i) => (i * 40503 + 17) & 0xffff);
const opsOf = (body: Block): Op[] => {
  const ops: Op[] = [];
  walk(body, (op) => void ops.push(op));
  return ops;
};
/** Runs on both back ends, wants equal values, and gives the lane ops by name with the program. */
async function run(k: unknown, args: { [name: string]: Arg }, options: Options = {}) {
  const { want, got, program, lane } = await runBoth(k, args, options);
  for (const name of Object.keys(got))
    expect(differences(got[name], want[name], 0, (args[name] as PtrArg).dtype), name).toEqual([]);
  const ops = opsOf(lane.body);
  return { program, lane, count: (name: string) => ops.filter((op) => op.name === name).length };
}
const clean = (k: unknown, args: { [name: string]: Arg }) => runPipeline(trace(k, args), tilePasses).func;

const copy = kernel(function copy({ x, out, n, B }: { x: P; out: P; n: tl.i32; B: C }) {
  const i = tl.program_id(0) * B + tl.arange(0, B);
  tl.store(out + i, tl.load(x + i, { mask: i < n }), { mask: i < n });
});
const fill = kernel(function fill({ x, out, n, B }: { x: P; out: P; n: tl.i32; B: C }) {
  const i = tl.arange(0, B);
  tl.store(out + i, tl.load(x + i, { mask: i < n, other: -2 }));
});
const shifted = kernel(function shifted({ x, out, B }: { x: P; out: P; B: C }) {
  const i = tl.arange(0, B);
  tl.store(out + i, tl.load(x + i + 1));
});
const doubled = kernel(function doubled({ x, out, B }: { x: P; out: P; B: C }) {
  const i = tl.arange(0, B);
  tl.store(out + i, tl.load(x + i) * 2);
});

describe('packed copies', () => {
  const dtypes = ['f16', 'bf16', 'i16', 'u8', 'i8'] as const;
  const data = (d: string, n: number) =>
    d === 'u8'
      ? Uint8Array.from(halves(n))
      : d === 'i8'
        ? Int8Array.from(halves(n))
        : d === 'i16'
          ? Int16Array.from(halves(n))
          : halves(n);
  it.each(dtypes)('%s words are copied as they are, NaN payloads too', async (dtype) => {
    const n = 1008;
    const got: PtrArg = { data: data(dtype, 1024), dtype, div: 16 };
    const x: PtrArg = { data: data(dtype, 1024).reverse(), dtype, div: 16 };
    const { program, count } = await run(copy, { x, out: got, n: int(n, 16), B: 512 }, { grid: [2] });
    expect([count('encode'), count('decode'), count('pack_word')]).toEqual([0, 0, 0]);
    expect(program.code).not.toContain('unpack2x16float');
    expect([...got.data].slice(0, n)).toEqual([...x.data].slice(0, n));
  });
  it('a mask without the store’s leaves a choice between whole words', async () => {
    const { count } = await run(fill, { x: f16(halves(256)), out: f16(halves(256)), n: int(48, 16), B: 256 });
    expect([count('encode'), count('decode')]).toEqual([0, 0]);
    expect(count('pick') + count('where')).toBeGreaterThan(0);
  });
  it('does not fire on halves of different words, nor on computed values', async () => {
    const bf16 = (n: number): PtrArg => ({ data: halves(n).map((h) => h & 0x3fff), dtype: 'bf16', div: 16 });
    const odd = await run(shifted, { x: bf16(300), out: bf16(256), B: 256 });
    expect(odd.count('encode')).toBeGreaterThan(0);
    const twice = await run(doubled, { x: f16(halves(256).map((h) => h & 0x3fff)), out: f16(halves(256)), B: 256 });
    expect(twice.count('round_encode')).toBe(256 / 32);
    expect(twice.count('round')).toBe(0);
  });
});

const padded = kernel(function padded({ x, out, n, m, B }: { x: P; out: P; n: tl.i32; m: tl.i32; B: C }) {
  const i = tl.arange(0, B);
  tl.store(out + i, tl.full([B], -Infinity, tl.float32), { mask: i < m });
  tl.store(out + i, tl.load(x + i, { mask: i < n && i < m }), { mask: i < n && i < m });
});
const unrelated = kernel(function unrelated({ x, out, n, m, B }: { x: P; out: P; n: tl.i32; m: tl.i32; B: C }) {
  const i = tl.arange(0, B);
  tl.store(out + i, tl.full([B], 5, tl.float32), { mask: i < m });
  tl.store(out + i, tl.load(x + i), { mask: i >= n });
});
const readBetween = kernel(function readBetween({ x, out, B }: { x: P; out: P; B: C }) {
  const i = tl.arange(0, B);
  tl.store(out + i, tl.load(x + i));
  const seen = tl.load(out + (B - 1) - i);
  tl.store(out + i, seen + 1);
});
const twice = kernel(function twice({ x, out, B }: { x: P; out: P; B: C }) {
  const i = tl.arange(0, B);
  tl.store(out + i, tl.full([B], 5, tl.float32));
  tl.store(out + i, tl.load(x + i));
});
describe('merged stores', () => {
  seed(1);
  const args = () => ({ x: f32(floats(128)), out: f32(floats(128)), n: int(40), m: int(96), B: 128 });
  it('padding and what replaces part of it are one store', async () => {
    expect((await run(padded, args())).count('store_global')).toBe(4);
    const f16s = await run(padded, { ...args(), x: f16(halves(128)), out: f16(halves(128)), n: int(32, 16), m: int(96, 16) });
    expect([f16s.count('encode'), f16s.count('store_global')]).toEqual([0, 1]);
  });
  it('a store that is overwritten whole is gone', async () => {
    const { x, out, B } = args();
    expect((await run(twice, { x, out, B })).count('store_global')).toBe(1);
  });
  it('does not fire where neither mask implies the other, nor across a read', async () => {
    expect((await run(unrelated, args())).count('store_global')).toBe(8);
    const { x, out, B } = args();
    const read = await run(readBetween, { x, out, B });
    expect([read.count('store_global'), read.count('barrier')]).toEqual([8, 2]);
  });
});

const beside = kernel(function beside({ x, out, s, N, B }: { x: P; out: P; s: tl.i32; N: C; B: C }) {
  const i = tl.arange(0, B);
  const at = tl.program_id(0) * s;
  tl.store(out + at + i, tl.load(x + i, { mask: i < N }), { mask: i < N });
  tl.store(out + at + N + i, tl.load(x + i, { mask: i < N }) + 1, { mask: i < N });
});
describe('disjoint accesses', () => {
  seed(2);
  const args = () => ({ x: f32(floats(64)), out: f32(floats(2048)), s: int(128, 16), B: 64 });
  it('two parts of a row need no barrier', async () => {
    expect((await run(beside, { ...args(), N: 48 }, { grid: [9] })).count('barrier')).toBe(0);
  });
  const stepping = kernel(function stepping({ x, out, n, S, B }: { x: P; out: P; n: tl.i32; S: C; B: C }) {
    const row = tl.program_id(0) * n;
    for (let k = 0; k < n; k += S) {
      const i = row + k + tl.arange(0, B);
      tl.store(out + i, tl.load(x + i) + 1);
    }
  });
  it('what a loop stores step by step needs none either; steps that overlap do', async () => {
    const data = () => ({ x: f32(floats(600)), out: f32(new Float32Array(600)), n: int(128, 16), B: 64 });
    expect((await run(stepping, { ...data(), S: 64 }, { grid: [3] })).count('barrier')).toBe(0);
    expect((await run(stepping, { ...data(), S: 32 })).count('barrier')).toBe(1);
  });
  it('overlapping parts do', async () => {
    const over = kernel(function over({ x, out, B }: { x: P; out: P; B: C }) {
      const i = tl.arange(0, B);
      tl.store(out + i, tl.load(x + i), { mask: i < 48 });
      tl.store(out + 47 + i, tl.load(x + i) + 1);
    });
    const { x, out, B } = args();
    expect((await run(over, { x, out, B })).count('barrier')).toBe(1);
  });
});

const rows = kernel(function rows({ x, out, skip, B }: { x: P; out: P; skip: P; B: C }) {
  const at = (tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)) * B;
  const i = tl.arange(0, B);
  if (tl.load(skip + tl.program_id(0)) > 0) {
    return;
  }
  const v = tl.load(x + at + i);
  tl.store(out + at + i, v - tl.max(v, 0));
});
const inPlace = kernel(function inPlace({ x, out, B }: { x: P; out: P; B: C }) {
  const at = tl.program_id(0) * B;
  const i = tl.arange(0, B);
  tl.store(out + at + (B - 1) - i, tl.load(x + at + i));
});
describe('programs that share a workgroup', () => {
  const small = { workgroupSize: 32 };
  const data = () => {
    seed(3);
    return { x: f32(floats(1024)), out: f32(floats(1024)), skip: i32(Int32Array.from(ints(16), (v) => v & 1)), B: 32 };
  };
  it.each([
    [1, 1],
    [3, 3],
    [5, 5],
    [16, 2],
  ])('grid %i × %i, some programs ending early', async (a, b) => {
    const { program } = await run(rows, data(), { ...small, grid: [a, b], target: { subgroups: false } });
    expect(program.programs).toBeUndefined(); // the reduction goes through workgroup memory
    const shuffled = await run(rows, { ...data() }, { ...small, grid: [a, b] });
    if (shuffled.count('wg_store') === 0) expect([shuffled.program.programs, shuffled.program.workgroupSize]).toEqual([4, 128]);
  });
  it.each([1, 3, 4, 7])('%i programs of one binding wait for each other at a barrier and write once', async (n) => {
    const { x } = data();
    const { program, count } = await run(
      inPlace,
      { x: { ...x, buffer: 'b' }, out: { ...x, buffer: 'b' }, B: 32 },
      { ...small, grid: [n] },
    );
    expect([program.programs, count('barrier'), count('live_program')]).toEqual([4, 1, 1]);
  });
  it('not where a barrier stands in a branch, nor where programs are large', async () => {
    const branch = kernel(function branch({ x, out, n, B }: { x: P; out: P; n: tl.i32; B: C }) {
      const i = tl.arange(0, B);
      if (tl.program_id(0) < n) {
        tl.store(out + (B - 1) - i, tl.load(x + i));
      }
    });
    const { x } = data();
    const alias = { x: { ...x, buffer: 'b' }, out: { ...x, buffer: 'b' }, n: int(1), B: 32 };
    expect((await run(branch, alias, { ...small, grid: [2] })).program.programs).toBeUndefined();
    const large = { x: f32(floats(1024)), out: f32(floats(1024)), n: int(1000), B: 512 };
    expect((await run(copy, large, { grid: [2] })).program.programs).toBeUndefined();
  });
});

describe('program order', () => {
  const tile = kernel(function tile({ x, out, s, D, B }: { x: P; out: P; s: tl.i32; D: C; B: C }) {
    const i = tl.program_id(1) * B + tl.arange(0, B);
    const j = tl.program_id(2) * B + tl.arange(0, B);
    const row = tl.program_id(0) * s + i;
    tl.store(out + tl.col(row) * D + tl.row(j), tl.load(x + tl.col(row) * D + tl.row(j)));
  });
  const flat = { x: f32(floats(4096)), out: f32(floats(4096)) };
  it('the axis whose programs lie nearest comes first, unknown distances last; each program still runs once', async () => {
    const args = { ...flat, s: int(16, 16), D: 64, B: 8 };
    expect(programOrder(clean(tile, args))).toEqual([2, 1, 0]);
    const { program } = await run(tile, args, { grid: [4, 2, 8] });
    expect(program.code).toContain('let pid0');
  });
  it('stays as given in one dimension, and with a dot', () => {
    expect(programOrder(clean(copy, { ...flat, n: int(4096), B: 64 }))).toEqual([0, 1, 2]);
    const dot = kernel(function dot({ x, out, B }: { x: P; out: P; B: C }) {
      const i = tl.arange(0, B);
      const v = tl.load(x + tl.col(i) * B + tl.row(i));
      tl.store(out + tl.program_id(1) * B + tl.program_id(0) * 4096 + tl.col(i) * B + tl.row(i), tl.dot(v, v));
    });
    expect(programOrder(clean(dot, { ...flat, B: 16 }))).toEqual([0, 1, 2]);
  });
});

describe('invocations', () => {
  const on =
    (profile: ProfileName) =>
    (dtype: 'f16' | 'f32', B: number, num_warps?: number, div = 16) => {
      const p: PtrArg = { data: new Float32Array(1), dtype, div };
      const func = clean(copy, { x: p, out: p, n: int(64, 16), B });
      return chooseInvocations(func, analyzeAxis(func), { profile, maxInvocations: 1024 }, num_warps);
    };
  const size = on('gpu');
  it('fewer of them, with more to do, on software drivers', () => {
    const few = on('software');
    expect([few('f32', 1024), few('f16', 1024), few('f32', 1024, 2), few('f32', 64)]).toEqual([128, 64, 64, 32]);
  });
  it('as many as 16 bytes each need; num_warps is the most', () => {
    expect([size('f32', 1024), size('f16', 1024), size('f16', 1024, 16), size('f32', 1024, 4), size('f32', 4096, 16)]).toEqual([
      256, 128, 128, 128, 512,
    ]);
  });
  it('4 elements each where a vector is not possible', () => {
    expect([size('f16', 1024, 16, 1), size('f16', 64)]).toEqual([256, 32]);
  });
});

it('f16 results of small, large and odd values are rounded as before', async () => {
  seed(4);
  const values = Float32Array.from({ length: 256 }, (_, i) => (((i * 7919) % 251) / 251 - 0.5) * 2 ** ((i % 48) - 28));
  const narrow = kernel(function narrow({ x, out, B }: { x: P; out: P; B: C }) {
    const i = tl.arange(0, B);
    tl.store(out + i, tl.load(x + i));
  });
  const { got, want } = await runBoth(narrow, { x: f32(values), out: f16(new Uint16Array(256)), B: 256 });
  expect(differences(got.out, want.out, 0, 'f16')).toEqual([]);
});
