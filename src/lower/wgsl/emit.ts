// Lane IR to WGSL statements, one row's text an op. Comes in: lane-level blocks. Goes out: indented lines, each with the place
// in the kernel's source that it stems from. Pure single-use expressions are inlined; nothing is decided here that changes
// what is computed. Comments name the TS line whenever it changes.

import { type Loc, NO_LOC, sourceLine } from '../../dsl/diagnostics.ts';
import { type Block, type Op, type Value, walk } from '../../dsl/ir/ir.ts';
import { resultMatrix } from '../../dsl/ops/laneMatrix.ts';
import type { Row, WgslContext } from '../../dsl/ops/row.ts';
import { DTYPES, type DType, dtypeOf, type Type } from '../../dsl/types.ts';
import { laneRow } from '../passes/lane.ts';
import { registerType } from './casts.ts';
import type { Names } from './names.ts';

export interface Line {
  readonly text: string;
  readonly loc: Loc | null;
}
/** Longest expression that is put inside another. */
const INLINE_LENGTH = 72;

/** WGSL spelling of a lane-level type. */
export function spellType(t: Type): string {
  if (t.shape.length === 2) return resultMatrix(t);
  const scalar = registerType(dtypeOf(t));
  return t.shape.length ? `vec${t.shape[0]}<${scalar}>` : `${scalar}`;
}

/** A literal. Non-finite floats are fields of the uniform block: WGSL refuses them as constants. */
export function literal(value: unknown, d: DType): string {
  if (d.is_bool()) return value ? 'true' : 'false';
  if (d.bits === 64) {
    const b = BigInt.asUintN(64, BigInt(value as bigint));
    return `vec2<u32>(${b & 0xffffffffn}u, ${b >> 32n}u)`;
  }
  const x = Number(value);
  if (!d.is_floating()) {
    if (!d.is_int_signed()) return `${x >>> 0}u`;
    return x < 0 ? `i32(${x})` : `${x}`;
  }
  if (Number.isNaN(x)) return 'u.nan';
  if (x === Infinity) return 'u.inf';
  if (x === -Infinity) return 'u.neg_inf';
  if (Object.is(x, -0)) return 'bitcast<f32>(0x80000000u)';
  return floatLiteral(x);
}
/** The shortest decimal that reads back as the same f32. */
function floatLiteral(x: number): string {
  const f = Math.fround(x);
  let s = String(f);
  for (let p = 1; p <= 9; p++) {
    const t = Number(f.toPrecision(p));
    if (Math.fround(t) === f) {
      s = String(t);
      break;
    }
  }
  const text = /[.e]/.test(s) ? `${s}f` : `${s}.0f`;
  return x < 0 ? `(${text})` : text;
}

export class Emitter {
  readonly lines: Line[] = [];
  readonly helpers = new Set<string>();
  private readonly names: Names;
  private readonly losesNan: readonly string[];
  private readonly text = new Map<Value, string>();
  private readonly uses = new Map<Value, number>();
  /** Block that an op stands in, to keep single-use expressions where their operands mean the same. */
  private readonly home = new Map<Value, Block>();
  private readonly userBlock = new Map<Value, Block>();
  private indent = 1;
  private shown = '';

  /** `losesNan`: see `Target`. */
  constructor(names: Names, losesNan: readonly string[] = []) {
    this.names = names;
    this.losesNan = losesNan;
  }

  emit(body: Block): void {
    walk(body, (op, block) => {
      for (const o of op.operands) {
        this.uses.set(o, (this.uses.get(o) ?? 0) + 1);
        this.userBlock.set(o, block);
      }
      for (const r of op.results) this.home.set(r, block);
    });
    this.block(body);
  }

  private line(text: string, loc: Loc | null): void {
    this.lines.push({ text: '  '.repeat(this.indent) + text, loc });
  }
  /** A comment with the source line, where it changes. */
  private place(loc: Loc): void {
    if (loc === NO_LOC) return;
    const key = `${loc.file}:${loc.line}`;
    if (key === this.shown) return;
    this.shown = key;
    const source = sourceLine(loc.file, loc.line)?.trim();
    this.line(`// ${loc.file.replace(/^.*[\\/]/, '')}:${loc.line}${source ? `  ${source}` : ''}`, loc);
  }
  private block(b: Block): void {
    for (const op of b.ops) {
      if (op.name === 'yield' || op.name === 'condition') continue;
      if (op.regions.length) this.control(op);
      else this.leaf(op);
    }
  }
  private get(v: Value): string {
    const t = this.text.get(v);
    if (t === undefined) throw new Error('internal: a lane value has no text');
    return t;
  }
  private leaf(op: Op): void {
    const expr = this.expression(op);
    const [r] = op.results;
    if (!r) {
      this.place(op.loc);
      this.line(expr, op.loc);
      return;
    }
    if (this.inlined(op, r, expr)) {
      this.text.set(r, expr);
      return;
    }
    this.place(op.loc);
    const name = this.names.fresh(r.name);
    this.text.set(r, name);
    this.line(`let ${name} = ${expr};`, op.loc);
  }
  private inlined(op: Op, r: Value, expr: string): boolean {
    if (ATOMS.has(op.name)) return true;
    if (op.name === 'extract') return /^\w+\.\w$/.test(expr);
    if (op.name === 'splat' && expr.length <= 40 && /^\w+<\w+>\([\w.]+\)$/.test(expr)) return true;
    if (!laneRow(op.name)!.traits.includes('pure')) return false;
    if ((this.uses.get(r) ?? 0) > 1 || r.name !== undefined) return false;
    return this.userBlock.get(r) === this.home.get(r) && expr.length <= INLINE_LENGTH;
  }
  private expression(op: Op): string {
    const operands = op.operands.map((o) => this.get(o));
    if (op.name === 'constant') return literal(op.attrs.value, dtypeOf(op.results[0].type));
    const row = laneRow(op.name) as Row;
    if (!row.wgsl) throw new Error(`internal: ${op.name} has no WGSL text`);
    return row.wgsl(operands, this.context(op));
  }
  private context(op: Op): WgslContext {
    const types = op.operands.map((o) => o.type);
    const type = op.results[0]?.type ?? types[0];
    const lanes = types.find((t) => t.shape.length)?.shape[0];
    const helper = (name: string): string => {
      const full = lanes ? `${name}_v${lanes}` : name;
      this.helpers.add(full);
      return full;
    };
    return {
      type,
      operands: types,
      attrs: op.attrs,
      helper,
      builtin: (name) => (this.losesNan.includes(name) ? helper(`${name}_or_nan`) : name),
      spell: spellType,
      inf: 'u.inf',
      zero: 'bitcast<f32>(u.zero)',
      nan: 'u.nan',
    };
  }

  // ---- control flow -------------------------------------------------------------------------------------------------
  /** Declares variables for carried values, which their region arguments and results then name. */
  private variables(values: readonly Value[], inits: readonly string[] | null, loc: Loc): string[] {
    return values.map((v, i) => {
      const name = this.names.fresh(v.name);
      this.line(inits ? `var ${name} = ${inits[i]};` : `var ${name}: ${spellType(v.type)};`, loc);
      return name;
    });
  }
  /** `vars = values`, all at once: what reads a variable that was assigned before it is saved first. */
  private assign(vars: readonly string[], values: readonly Value[], loc: Loc): void {
    const texts = values.map((v) => this.get(v));
    const safe = texts.map((t, i) => {
      const reads = vars.some((v, k) => k < i && k !== i && vars[k] !== texts[k] && new RegExp(`\\b${v}\\b`).test(t));
      if (!reads) return t;
      const name = this.names.fresh('next');
      this.line(`let ${name} = ${t};`, loc);
      return name;
    });
    vars.forEach((v, i) => {
      if (safe[i] !== v) this.line(`${v} = ${safe[i]};`, loc);
    });
  }
  private control(op: Op): void {
    this.place(op.loc);
    if (op.name === 'if') this.branch(op);
    else if (op.name === 'for') this.counted(op);
    else this.loop(op);
  }
  private branch(op: Op): void {
    const vars = this.variables(op.results, null, op.loc);
    const part = (b: Block): void => {
      this.indent++;
      this.block(b);
      this.assign(vars, b.ops.at(-1)!.operands, op.loc);
      this.indent--;
    };
    this.line(`if (${this.get(op.operands[0])}) {`, op.loc);
    part(op.regions[0]);
    if (op.regions[1] && (vars.length || op.regions[1].ops.length > 1)) {
      this.line('} else {', op.loc);
      part(op.regions[1]);
    }
    this.line('}', op.loc);
    op.results.forEach((r, i) => void this.text.set(r, vars[i]));
  }
  private counted(op: Op): void {
    const [region] = op.regions;
    const [iv, ...carried] = region.args;
    const [lo, hi, step] = op.operands.slice(0, 3).map((o) => this.get(o));
    const vars = this.variables(
      carried,
      op.operands.slice(3).map((o) => this.get(o)),
      op.loc,
    );
    carried.forEach((c, i) => void this.text.set(c, vars[i]));
    const i = this.names.fresh(iv.name ?? 'i');
    this.text.set(iv, i);
    const d = dtypeOf(iv.type);
    const down = /^i32\(-|^\(-/.test(step) || (d.bits === 64 && d.is_int_signed() && /, (2147483648|[2-4]\d{9})u\)$/.test(step));
    const wide = `${d.is_int_signed() ? 'i64' : 'u64'}_`;
    const call = (name: string, a: string, b: string): string => {
      this.helpers.add(wide + name);
      return `${wide}${name}(${a}, ${b})`;
    };
    const go = (x: string): string => (d.bits === 64 ? call(down ? 'gt' : 'lt', x, hi) : `${x} ${down ? '>' : '<'} ${hi}`);
    const next = d.bits === 64 ? `${i} = ${call('add', i, step)}` : `${i} += ${step}`;
    const body = (): void => {
      this.indent++;
      this.block(region);
      this.assign(vars, region.ops.at(-1)!.operands, op.loc);
      this.indent--;
    };
    const many = d === DTYPES.i32 && /^\d+$/.test(step) ? iterationsAtATime(op) : 1;
    if (many > 1) {
      const ahead = Number(step) * (many - 1);
      this.line(`var ${i} = ${lo};`, op.loc);
      this.line(`for (; ${go(i)} && ${hi} - ${i} > ${ahead}; ${i} += ${Number(step) * many}) {`, op.loc);
      this.indent++;
      const n = this.names.fresh('n');
      this.line(`for (var ${n} = 0; ${n} < ${many}; ${n} += 1) {`, op.loc);
      const inner = this.names.fresh(iv.name ?? 'i');
      this.text.set(iv, inner);
      this.indent++;
      this.line(`let ${inner} = ${i} + ${n} * ${step};`, op.loc);
      this.indent--;
      body();
      this.line('}', op.loc);
      this.indent--;
      this.line('}', op.loc);
      this.text.set(iv, i);
      this.line(`for (; ${go(i)}; ${next}) {`, op.loc);
    } else this.line(`for (var ${i} = ${lo}; ${go(i)}; ${next}) {`, op.loc);
    body();
    this.line('}', op.loc);
    op.results.forEach((r, k) => void this.text.set(r, vars[k]));
  }
  private loop(op: Op): void {
    const [test, body] = op.regions;
    const vars = this.variables(
      test.args,
      op.operands.map((o) => this.get(o)),
      op.loc,
    );
    for (const r of op.regions) r.args.forEach((a, i) => void this.text.set(a, vars[i]));
    this.line('loop {', op.loc);
    this.indent++;
    this.block(test);
    this.line(`if (!(${this.get(test.ops.at(-1)!.operands[0])})) { break; }`, op.loc);
    this.block(body);
    this.assign(vars, body.ops.at(-1)!.operands, op.loc);
    this.indent--;
    this.line('}', op.loc);
    op.results.forEach((r, i) => void this.text.set(r, vars[i]));
  }
}

/**
 * Iterations that a loop over products on matrix units runs in an inner loop of constant length, the rest one by one after them.
 * NVIDIA's compiler repeats a short loop eight times with a way out after each copy, and moves nothing across those; a loop whose
 * length it knows becomes one block. Long bodies it leaves alone: with work besides products two short ones are enough.
 */
function iterationsAtATime(loop: Op): number {
  const { ops } = loop.regions[0];
  const products = ops.filter((op) => op.name === 'matrix_mma').length;
  if (!products) return 1;
  if (!ops.some((op) => op.name === 'any_uniform')) return 4;
  return products <= SHORT ? 2 : 1;
}
/** Products in a body that is short even with a softmax beside them. */
const SHORT = 16;

/** Ops whose text is a name or a literal: they are never bound to a name of their own. */
const ATOMS = new Set(['constant', 'local_id', 'uniform', 'pid']);
