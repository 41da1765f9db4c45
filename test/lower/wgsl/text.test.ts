// The text itself: lane IR prints and parses back, output is the same bytes every time, names and source lines show, limits
// are refused with numbers.
import { expect, it } from 'vitest';
import { CompileError } from '../../../src/dsl/diagnostics.ts';
import { parseFunc } from '../../../src/dsl/ir/parse.ts';
import { printFunc } from '../../../src/dsl/ir/print.ts';
import { kernel, tl } from '../../../src/index.ts';
import { rowsOf } from '../../../src/lower/pipeline.ts';
import type { Target } from '../../../src/lower/program.ts';
import { lowerToWgsl } from '../../../src/lower/wgsl/compile.ts';
import { f32, int, trace } from '../../support/bothBackEnds.ts';

const TARGET: Target = {
  subgroups: false,
  subgroupMinSize: 0,
  subgroupMaxSize: 0,
  shaderF16: false,
  matrices: [],
  maxWorkgroupStorage: 16384,
  profile: 'gpu',
  maxInvocations: 256,
  maxStorageBuffers: 8,
  maxWorkgroupsPerDimension: 65535,
};
type P = tl.ptr;
const rowMax = kernel(function rowMax({ x, out, n, M, N }: { x: P; out: P; n: tl.i32; M: tl.constexpr; N: tl.constexpr }) {
  const rows = tl.program_id(0) * M + tl.arange(0, M);
  const cols = tl.arange(0, N);
  let best = tl.zeros([M], tl.f32) - Infinity;
  for (let start = 0; start < n; start += N) {
    const tile = tl.load(x + tl.col(rows) * n + tl.row(start + cols), { mask: tl.row(start + cols) < n, other: -Infinity });
    best = tl.maximum(best, tl.max(tile, 1));
  }
  tl.store(out + rows, best);
});
const bigDot = kernel(function bigDot({ x, out, N }: { x: P; out: P; N: tl.constexpr }) {
  const i = tl.arange(0, N);
  const v = tl.load(x + tl.col(i) * N + tl.row(i));
  tl.store(out + tl.col(i) * N + tl.row(i), tl.dot(v, v));
});
const choose = kernel(function choose({ x, y, out, n }: { x: P; y: P; out: P; n: tl.i32 }) {
  let p = x;
  if (n > 3) {
    p = y;
  }
  tl.store(out, tl.atomic_cas(p, 0, 1));
});
const e = f32(new Float32Array(1));
const func = () => trace(rowMax, { x: e, out: e, n: int(64, 16), M: 8, N: 32 });

it('lane IR prints and parses back to the same text', () => {
  const { lane } = lowerToWgsl(func(), TARGET);
  const text = printFunc(lane);
  expect(printFunc(parseFunc(text, { lane: rowsOf({ level: 'lane' }) }))).toBe(text);
});
it('gives the same bytes for the same kernel', () => {
  expect(lowerToWgsl(func(), TARGET).program).toEqual(lowerToWgsl(func(), TARGET).program);
});
it('keeps names and shows source lines, and maps lines back', () => {
  const { program } = lowerToWgsl(func(), TARGET);
  const lines = program.code.split('\n');
  expect(program.code).toMatch(/var best = vec|var best = u\.neg_inf/);
  const at = lines.findIndex((l) => /\/\/ text\.test\.ts:\d+ {2}best = tl\.maximum/.test(l));
  expect(at).toBeGreaterThan(0);
  expect(program.lineMap[at]?.line).toBe(Number(/:(\d+)/.exec(lines[at])![1]));
  expect(program.lineMap.length).toBe(lines.length - 1);
});
const messageOf = (f: () => unknown): string => {
  try {
    f();
  } catch (x) {
    if (x instanceof CompileError) return x.message;
    throw x;
  }
  return 'no error';
};
it('says what is missing when workgroup memory is too small', () => {
  const text = messageOf(() => lowerToWgsl(trace(bigDot, { x: e, out: e, N: 64 }), { ...TARGET, maxWorkgroupStorage: 512 }));
  expect(text).toMatch(/TL3003.*tl\.dot of \[64, 64\] x \[64, 64\] needs 2416 bytes of workgroup memory, but the device has 448/);
  expect(text).toContain('a block of 8 x 8 would fit');
});
it('refuses what has no mask through a pointer that may be into either of two buffers', () => {
  const text = messageOf(() => lowerToWgsl(trace(choose, { x: e, y: e, out: e, n: int(5) }), TARGET));
  expect(text).toMatch(/TL3002.*different buffers \('y' and 'x'\)|TL3002.*different buffers \('x' and 'y'\)/);
});
