// Values that are only copied stay as memory has them: a word that was taken apart, converted to registers and put together again
// unchanged is the word itself, constants are packed at compile time, a choice that the store's own mask makes is not made
// twice, and a result that is rounded to f16 or fp8 is rounded to its bits. Comes in: lane IR. Goes out: the same with simpler stores; what became unused is left to laneDce.

import { NO_LOC } from '../../dsl/diagnostics.ts';
import { type Block, type Op, Value } from '../../dsl/ir/ir.ts';
import { toBits } from '../../dsl/numerics.ts';
import { DTYPES, dtypeOf, scalar, type Type, tile } from '../../dsl/types.ts';
import { type PassContext, pass } from '../pass.ts';
import { type Known, Masks } from './masks.ts';

export const packedCopies = pass({
  name: 'packedCopies',
  doc: 'What is stored as it was loaded is not converted in between.',
  run: (func, cx) => ({ ...func, body: new Rewriter(func.body, cx).block(func.body) }),
});

/** Bits of a word on the way to memory: from a word, a constant, or one of two by a condition. */
type Bits =
  | { readonly kind: 'word'; readonly word: Value }
  | { readonly kind: 'part'; readonly word: Value; readonly at: number; readonly bits: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'pick'; readonly cond: Value; readonly yes: Bits; readonly no: Bits };

class Rewriter {
  private readonly masks: Masks;
  private readonly cx: PassContext;
  private made: Op[] = [];
  private loc: Op['loc'] = NO_LOC;

  constructor(body: Block, cx: PassContext) {
    this.masks = new Masks(body);
    this.cx = cx;
  }
  block(block: Block): Block {
    const ops: Op[] = [];
    for (const op of block.ops) {
      if (op.regions.length) ops.push({ ...op, regions: op.regions.map((r) => this.block(r)) });
      else if (op.name === 'encode') {
        this.made = [];
        this.loc = op.loc;
        const x = this.unrounded(op.operands[0]);
        ops.push(
          ...this.made,
          x ? { ...op, name: 'round_encode', operands: [x], attrs: { to: dtypeOf(op.operands[0].type).name } } : op,
        );
      } else if (op.name === 'store_global' && !op.attrs.native) {
        this.made = [];
        this.loc = op.loc;
        const [index, value, mask] = op.operands;
        const simple = this.value(value, this.masks.known(mask));
        if (simple !== value) this.cx.fired('packedCopies', op.loc);
        ops.push(...this.made, simple === value ? op : { ...op, operands: mask ? [index, simple, mask] : [index, simple] });
      } else ops.push(op);
    }
    return { args: block.args, ops };
  }
  private make(name: string, operands: readonly Value[], type: Type, attrs: Op['attrs'] = {}): Value {
    const r = new Value(type);
    this.made.push({ name, operands, attrs, results: [r], regions: [], loc: this.loc });
    return r;
  }

  /** The stored value, simpler if it can be. `known`: what holds wherever the result is used. */
  private value(v: Value, known: Known): Value {
    const op = this.masks.def(v);
    if (op && isPick(op)) {
      const [cond, yes, no] = op.operands;
      if (this.masks.implied(cond, known)) return this.value(yes, known);
      const y = this.value(yes, new Set([...known, ...this.masks.conjuncts(cond)]));
      const n = this.value(no, known);
      return y === yes && n === no ? v : this.make('pick', [cond, y, n], v.type);
    }
    if (dtypeOf(v.type) !== DTYPES.u32) return v;
    const words = this.words(v, known);
    return words ? this.emit(words, v) : v;
  }

  /** The f32 that was rounded to this f16 or fp8, if one was. */
  private unrounded(x: Value): Value | undefined {
    const op = this.masks.def(x);
    const d = dtypeOf(x.type);
    if (!op || (d !== DTYPES.f16 && !d.is_fp8())) return undefined;
    if (op.name === 'extract') {
      const whole = this.unrounded(op.operands[0]);
      return whole && this.make('extract', [whole], scalar(dtypeOf(whole.type)), op.attrs);
    }
    const from = op.operands[0];
    // Any float register is an f32; a cast that does not round leaves the same value to round.
    const rounds = op.name === 'round' || (op.name === 'cast' && dtypeOf(from.type).is_floating());
    return rounds ? from : undefined;
  }

  // ---- what the words are ---------------------------------------------------------------------------------------------
  private words(v: Value, known: Known): Bits[] | null {
    const op = this.masks.def(v);
    const [n = 1] = v.type.shape;
    const same = op?.name === 'splat' ? op.operands[0] : n === 1 ? v : undefined;
    const parts = op?.name === 'construct' ? op.operands : same ? Array.from({ length: n }, () => same) : [];
    if (!parts.length) return null;
    const words: Bits[] = [];
    for (const p of parts) {
      const w = this.word(p, known);
      if (!w) return null;
      words.push(w);
    }
    return words;
  }
  private word(v: Value, known: Known): Bits | null {
    const op = this.masks.def(v);
    if (op?.name === 'constant') return { kind: 'constant', value: Number(op.attrs.value) };
    if (op?.name !== 'pack_word') return null;
    const bits = 32 / op.operands.length;
    const parts: Bits[] = [];
    for (const o of op.operands) {
      const e = this.masks.def(o);
      const p = e?.name === 'encode' ? this.encoded(e.operands[0], known) : null;
      if (!p) return null;
      parts.push(p);
    }
    return join(parts, bits);
  }
  /** What encoding a register gives. */
  private encoded(x: Value, known: Known): Bits | null {
    const op = this.masks.def(x);
    const d = dtypeOf(x.type);
    if (!op || d.is_bool()) return null;
    if (op.name === 'constant') return { kind: 'constant', value: Number(toBits(d, op.attrs.value as number)) };
    if (op.name === 'splat') return this.encoded(op.operands[0], known);
    if (op.name === 'extract') {
      const whole = this.masks.def(op.operands[0]);
      if (whole?.name === 'splat') return this.encoded(whole.operands[0], known);
      if (whole?.name === 'construct') return this.encoded(whole.operands[Number(op.attrs.i)], known);
      if (whole?.name === 'decode_word') return { kind: 'part', word: whole.operands[0], at: 8 * Number(op.attrs.i), bits: 8 };
      return null;
    }
    if (isPick(op)) {
      const [cond, yes, no] = op.operands;
      const y = this.encoded(yes, new Set([...known, ...this.masks.conjuncts(cond)]));
      if (!y || this.masks.implied(cond, known)) return y;
      const n = this.encoded(no, known);
      return n && { kind: 'pick', cond, yes: y, no: n };
    }
    if (op.name !== 'decode' || dtypeOf(x.type) !== d) return null;
    const sub = this.masks.def(op.operands[0]);
    const shift = sub?.name === 'subword' ? this.masks.def(sub.operands[1]) : undefined;
    if (!sub || shift?.name !== 'constant') return null;
    return { kind: 'part', word: sub.operands[0], at: Number(shift.attrs.value), bits: Number(sub.attrs.bits) };
  }

  // ---- and as ops -----------------------------------------------------------------------------------------------------
  private emit(words: readonly Bits[], like: Value): Value {
    const [w] = words;
    const cond = w.kind === 'pick' ? w.cond : undefined;
    if (cond && words.every((x) => x.kind === 'pick' && x.cond === cond)) {
      const side = (s: 'yes' | 'no') =>
        this.emit(
          words.map((x) => (x as Bits & { kind: 'pick' })[s]),
          like,
        );
      return this.make('pick', [cond, side('yes'), side('no')], like.type);
    }
    const vals = words.map((x) => this.one(x));
    if (!like.type.shape.length) return vals[0];
    const first = this.masks.def(vals[0]);
    const whole = first?.name === 'extract' ? first.operands[0] : undefined;
    const inOrder = whole && whole.type.shape[0] === vals.length;
    if (inOrder && vals.every((x, i) => isExtract(this.masks.def(x), whole, i))) return whole;
    const type = tile(DTYPES.u32, [vals.length]);
    const same = words.every((x) => x.kind === 'constant' && x.value === (w as { value?: number }).value);
    return same ? this.make('splat', [vals[0]], type, { n: vals.length }) : this.make('construct', vals, type);
  }
  private one(b: Bits): Value {
    if (b.kind === 'word') return b.word;
    const u32 = scalar(DTYPES.u32);
    if (b.kind === 'pick') return this.make('pick', [b.cond, this.one(b.yes), this.one(b.no)], u32);
    if (b.kind === 'part') throw new Error('internal: part of a word is left over');
    return this.make('constant', [], u32, { value: b.value, dtype: 'u32' });
  }
}

const isPick = (op: Op): boolean => (op.name === 'pick' || op.name === 'where') && !op.operands[0].type.shape.length;
const isExtract = (op: Op | undefined, whole: Value, i: number): boolean =>
  op?.name === 'extract' && op.operands[0] === whole && op.attrs.i === i;

/** A word of parts of `bits` bits, the lowest first; null unless they come from one word, or are all known. */
function join(parts: readonly Bits[], bits: number): Bits | null {
  const [p] = parts;
  if (p.kind === 'pick') {
    const sides = parts.map((q) => (q.kind === 'pick' && q.cond === p.cond ? q : null));
    if (sides.includes(null)) return null;
    const yes = join(
      sides.map((s) => s!.yes),
      bits,
    );
    const no = join(
      sides.map((s) => s!.no),
      bits,
    );
    return yes && no && { kind: 'pick', cond: p.cond, yes, no };
  }
  if (p.kind === 'part') {
    const whole = parts.every((q, k) => q.kind === 'part' && q.word === p.word && q.bits === bits && q.at === k * bits);
    return whole ? { kind: 'word', word: p.word } : null;
  }
  if (!parts.every((q) => q.kind === 'constant')) return null;
  const value = parts.reduce((w, q, k) => w | ((q as { value: number }).value << (k * bits)), 0) >>> 0;
  return { kind: 'constant', value };
}
