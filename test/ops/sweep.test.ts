// Every row of the op table with samples: what WGSL computes against the row's own meaning, for every dtype that the row takes,
// within the precision that the row states. And what every row must have.

import { describe, expect, it } from 'vitest';
import { CompileError, NO_LOC } from '../../src/dsl/diagnostics.ts';
import { inferTypes } from '../../src/dsl/ir/build.ts';
import { type Attrs, Value } from '../../src/dsl/ir/ir.ts';
import { round } from '../../src/dsl/numerics.ts';
import { OPS } from '../../src/dsl/ops/index.ts';
import type { Num, Row } from '../../src/dsl/ops/row.ts';
import { trace } from '../../src/dsl/trace/context.ts';
import { DTYPES, type DType, dtypeOf, tile } from '../../src/dsl/types.ts';
import { type Device, kernel, type Tensor, tl } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const N = 16;
const { bool, i32, u32, i64, u64, f16, f32 } = DTYPES;
const DTYPES_SWEPT: readonly DType[] = [f32, f16, i32, u32, i64, u64, bool];
const rows = Object.entries(OPS) as [string, Row][];
const swept = rows.filter(([, r]) => r.samples && r.eval);

type Apply = tl.constexpr<(...values: number[]) => number>;
const one = kernel(function one({ a, out, APPLY }: { a: tl.ptr; out: tl.ptr; APPLY: Apply }) {
  const offs = tl.arange(0, 16);
  tl.store(out + offs, APPLY(tl.load(a + offs)));
});
const two = kernel(function two({ a, b, out, APPLY }: { a: tl.ptr; b: tl.ptr; out: tl.ptr; APPLY: Apply }) {
  const offs = tl.arange(0, 16);
  tl.store(out + offs, APPLY(tl.load(a + offs), tl.load(b + offs)));
});
const three = kernel(function three({ a, b, c, out, APPLY }: { a: tl.ptr; b: tl.ptr; c: tl.ptr; out: tl.ptr; APPLY: Apply }) {
  const offs = tl.arange(0, 16);
  tl.store(out + offs, APPLY(tl.load(a + offs), tl.load(b + offs), tl.load(c + offs)));
});
const KERNELS = [one, two, three];

/** Result dtype of a row for operands of one dtype (where: its condition is bool), or null where the row refuses it. */
function resultOf(name: string, operands: readonly DType[], attrs: Attrs): DType | null {
  try {
    const values = operands.map((d) => new Value(tile(d, [N])));
    return dtypeOf(inferTypes(name, values, attrs, NO_LOC)[0]);
  } catch (e) {
    if (e instanceof CompileError) return null;
    throw e;
  }
}
/** Samples as exact values of the dtypes, repeated to N lanes; null if one is none of the dtype's values. */
function columns(row: Row, operands: readonly DType[]): Num[][] | null {
  const samples = row.samples as readonly (readonly number[])[];
  const usable = samples.filter((s) =>
    s.every((x, i) => operands[i].is_floating() || (Number.isInteger(x) && (x >= 0 || operands[i].is_int_signed()))),
  );
  if (!usable.length) return null;
  const value = (x: number, d: DType): Num => (d.is_bool() ? Number(x !== 0) : round(d, d.bits === 64 ? BigInt(x) : x));
  return operands.map((d, i) => Array.from({ length: N }, (_, k) => value(usable[k % usable.length][i], d)));
}
const ulpOf = (x: number, d: DType): number => {
  const e = Math.max(Math.floor(Math.log2(Math.abs(x) || 2 ** -200)), d === f16 ? -14 : -126);
  return 2 ** (e - d.mantissa);
};

async function run(
  dev: Device,
  name: string,
  operands: readonly DType[],
  to: DType,
  values: Num[][],
  attrs: Attrs,
): Promise<Num[]> {
  const inputs = values.map((v, i) =>
    dev.tensor(operands[i].bits === 64 ? (v as bigint[]) : (v as number[]), { dtype: operands[i] }),
  );
  const out = dev.empty([N], to);
  const args: { [name: string]: Tensor } = {};
  inputs.forEach((t, i) => {
    args['abc'[i]] = t;
  });
  const apply = (...vs: unknown[]) => trace(name).one(name, vs as Value[], attrs);
  KERNELS[values.length - 1].launch(dev, [1], { ...args, out, APPLY: apply } as never);
  const got = (await out.toNumbers()) as Num[];
  for (const t of [...inputs, out]) t.free();
  return got;
}

describe('every row', () => {
  it.each(rows)('%s says what it is and what it takes', (_name, row) => {
    expect(row.doc).toMatch(/^\S.*\.$/s);
    expect(row.traits.length).toBeGreaterThan(0);
    if (row.traits.includes('elementwise')) expect([row.eval, row.wgsl, row.samples].every(Boolean)).toBe(true);
  });
});

onEachDevice('rows', (dev) => {
  for (const [name, row] of swept) {
    const targets = row.attrs?.includes('to') ? DTYPES_SWEPT : [undefined];
    it(name, async () => {
      let dtypes = 0;
      for (const target of targets) {
        for (const d of DTYPES_SWEPT) {
          const attrs: Attrs = target ? { to: target.name } : {};
          const operands = row.args.map((a) => (a === 'condition' ? bool : d));
          const to = resultOf(name, operands, attrs);
          const values = to && columns(row, operands);
          if (!to || !values) continue;
          dtypes++;
          const got = await run(dev(), name, operands, to, values, attrs);
          const wrong = got.flatMap((g, k) => {
            const lane = values.map((v) => v[k]);
            const want = round(to, (row.eval as NonNullable<Row['eval']>)(lane, operands.at(-1) as DType, to, attrs));
            const allowed = typeof row.ulp === 'function' ? row.ulp(...lane.map(Number)) : (row.ulp ?? 0);
            const ok =
              Object.is(Number(g), Number(want)) ||
              Number(g) === Number(want) ||
              Math.abs(Number(g) - Number(want)) <= allowed * ulpOf(Number(want), to);
            return ok ? [] : [`${name}(${lane.join(', ')}) of ${d}: ${g}, the row says ${want}`];
          });
          expect([...new Set(wrong)]).toEqual([]);
        }
      }
      expect(dtypes).toBeGreaterThan(0);
    });
  }
});
