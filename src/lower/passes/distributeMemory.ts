// Loads and stores, tile to lane: addresses and masks once a run of consecutive elements, words packed and unpacked, one
// representative of replicated invocations writes. An index that a mask turns off is never used: loads read element 0
// instead. Which array type a buffer has is the access plan's choice; this file follows it.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { DTYPES, type DType, isTile, pointee } from '../../dsl/types.ts';
import type { BufferPlan, Run } from './access.ts';
import type { Distributor } from './distribute.ts';
import type { Regs } from './lane.ts';
import { innerReg, isReg, type Layout, layoutKey, log2, regCount, SCALAR, zeroLow } from './layout.ts';

/** One run of an access: the registers of its elements, its first element's offset, its mask. */
interface Piece {
  readonly regs: readonly number[];
  readonly offset: Value;
  readonly mask: Value | undefined;
}

/** The runs of an access in a layout. */
export function pieces(d: Distributor, layout: Layout, run: Run, ptr: Value, mask: Value | undefined): Piece[] {
  const n = regCount(layout);
  if (run.bits === 0) {
    const offsets = d.get(ptr, layout);
    const masks = mask && d.get(mask, layout);
    return Array.from({ length: n }, (_, r) => ({ regs: [r], offset: d.b.at(offsets, r), mask: masks && d.b.at(masks, r) }));
  }
  const first = zeroLow(layout, run.dim, run.bits);
  const offsets = d.get(ptr, first.layout);
  const masks = mask && d.get(mask, first.layout);
  const runBits = layout.dims[run.dim].slice(0, run.bits);
  const runMask = runBits.reduce((m, b) => m | (1 << b), 0);
  const out: Piece[] = [];
  for (let r = 0; r < n; r++) {
    if (r & runMask) continue;
    const regs = Array.from({ length: 1 << run.bits }, (_, e) => runBits.reduce((acc, b, i) => acc | (((e >> i) & 1) << b), r));
    const inner = innerReg(first, r);
    out.push({ regs, offset: d.b.at(offsets, inner), mask: masks && d.b.at(masks, inner) });
  }
  return out;
}

const runOf = (d: Distributor, op: Op, layout: Layout, buffer: BufferPlan): Run => {
  const run = isTile(op.operands[0].type) ? d.access.run(op, layout) : { dim: 0, bits: 0 };
  return buffer.mode === 'half' ? { dim: 0, bits: 0 } : run;
};
/** Names the address instance: equal keys mean that no invocation touches what another one does under that name. */
export const addressKey = (d: Distributor, op: Op, layout: Layout): string =>
  d.access.apart(op) ?? `${d.b.id(op.operands[0])}@${layoutKey(layout)}`;
/** That of a load: where a layout has replicas all of them read, but only one of them writes. */
const loadKey = (d: Distributor, op: Op, layout: Layout): string =>
  d.access.apart(op) ?? `${addressKey(d, op, layout)}${d.replicates(layout) ? ' by replicas' : ''}`;
const down = (d: Distributor, x: Value, bits: number): Value => (bits ? d.b.scalarOp('shr', [x, d.b.i32(bits)]) : x);

/** The elements of a load, in a layout; elements that the mask turns off are `other`, or 0. */
export function emitLoad(d: Distributor, op: Op, layout: Layout): Regs {
  const [ptr, mask, other] = op.operands;
  const { b } = d;
  const buffer = d.access.of(ptr);
  const dtype = pointee(ptr.type);
  const run = runOf(d, op, layout, buffer);
  const n = regCount(layout);
  const others = other ? d.get(other, layout) : undefined;
  const zero = () => b.constant(dtype.bits === 64 ? 0n : 0, dtype);
  const out: Value[] = new Array(n);
  const wide = new Map<string, Value>();
  const address = loadKey(d, op, layout);
  const together = new Map<Value, Value>();
  const read = (index: Value, type: string, mine: Value | undefined): Value => {
    const m = mine && (together.get(index) ?? mine);
    const key = `${b.id(index)}/${m ? b.id(m) : ''}`;
    const known = wide.get(key);
    if (known) return known;
    const safe = m ? b.scalarOp('where', [m, index, b.i32(0)]) : index;
    const attrs = {
      buffer: buffer.name,
      type,
      ...(buffer.mode === 'half' ? { native: true } : {}),
      ...(buffer.mode === 'atomic' ? { atomic: true } : {}),
      ...(buffer.written ? { shared: true, address } : {}),
    };
    const v = b.effect('load_global', [safe], attrs);
    if (op.results[0].name && type === dtype.name) v.name = op.results[0].name;
    wide.set(key, v);
    return v;
  };
  const keep = (p: Piece, e: number, v: Value): Value => {
    if (!p.mask || op.attrs.unread) return v;
    return b.scalarOp('where', [p.mask, v, others ? b.at(others, p.regs[e]) : zero()]);
  };
  for (const p of shared(d, op, layout, pieces(d, layout, run, ptr, mask), buffer, together)) {
    if (buffer.mode === 'atomic' && dtype.bytes >= 4) loadAtomic(d, dtype, p, read, keep, out);
    else if (buffer.mode === 'element' || buffer.mode === 'half')
      loadElements(d, buffer, dtype, p, read, op.attrs.unread ? 'unread' : others, out);
    else loadWords(d, buffer, dtype, p, read, keep, out);
  }
  return b.pack(out);
}

/**
 * Elements that lie at one address (a block's entry in a block table, for each of its tokens) are read once, where any of them is
 * wanted. Only single elements of buffers that the kernel never writes.
 */
function shared(
  d: Distributor,
  op: Op,
  layout: Layout,
  all: readonly Piece[],
  buffer: BufferPlan,
  together: Map<Value, Value>,
): readonly Piece[] {
  if (buffer.written || buffer.mode !== 'element' || buffer.vec > 1 || all.some((p) => p.regs.length > 1) || all.length < 2)
    return all;
  const alike = isTile(op.operands[0].type) ? d.access.alike(op) : [];
  const low = layout.dims.reduce(
    (m, bits, dim) => bits.slice(0, log2(alike[dim] ?? 1)).reduce((n, bit) => (isReg(bit) ? n | (1 << bit) : n), m),
    0,
  );
  if (!low) return all;
  const first = new Map<number, Piece>();
  return all.map((p) => {
    const [r] = p.regs;
    const lead = first.get(r & ~low) ?? p;
    first.set(r & ~low, lead);
    if (p.mask) together.set(lead.offset, lead === p ? p.mask : d.b.scalarOp('or', [together.get(lead.offset)!, p.mask]));
    return { ...p, offset: lead.offset };
  });
}

type Read = (index: Value, type: string, m: Value | undefined) => Value;

function loadElements(
  d: Distributor,
  buffer: BufferPlan,
  dtype: DType,
  p: Piece,
  read: Read,
  others: Regs | 'unread' | undefined,
  out: Value[],
): void {
  const { b } = d;
  const v = buffer.vec;
  const type = v > 1 ? `tile<${v}x${dtype.name}>` : dtype.name;
  for (let e = 0; e < p.regs.length; e += v) {
    const index = down(d, d.shift(p.offset, e), log2(v));
    let x = read(index, type, p.mask);
    const regs = p.regs.slice(e, e + v);
    if (p.mask && others !== 'unread') {
      const zero = b.constant(dtype.bits === 64 ? 0n : 0, dtype);
      const parts = regs.map((r) => (others ? b.at(others, r) : zero));
      const fallback = v > 1 ? b.pure('construct', parts) : parts[0];
      x = b.pure('pick', [p.mask, x, fallback]);
    }
    regs.forEach((r, i) => {
      out[r] = v > 1 ? b.pure('extract', [x], { i }) : x;
    });
  }
}

/** WGSL type of the words of a buffer that is accessed atomically: signed where its own atomics compare signed numbers. */
const wordType = (dtype: DType): DType => (dtype === DTYPES.i32 ? DTYPES.i32 : DTYPES.u32);

function loadAtomic(
  d: Distributor,
  dtype: DType,
  p: Piece,
  read: Read,
  keep: (p: Piece, e: number, v: Value) => Value,
  out: Value[],
): void {
  const { b } = d;
  const word = wordType(dtype);
  p.regs.forEach((r, e) => {
    const at = d.shift(p.offset, e);
    let x: Value;
    if (dtype.bytes === 8) {
      const low = b.scalarOp('shl', [at, b.i32(1)]);
      x = b.pure('join_words', [read(low, 'u32', p.mask), read(d.shift(low, 1), 'u32', p.mask)], { type: dtype.name });
    } else {
      x = read(at, word.name, p.mask);
      if (word !== dtype) x = b.pure('bitcast', [x], { type: dtype.name });
    }
    out[r] = keep(p, e, x);
  });
}

function loadWords(
  d: Distributor,
  buffer: BufferPlan,
  dtype: DType,
  p: Piece,
  read: Read,
  keep: (p: Piece, e: number, v: Value) => Value,
  out: Value[],
): void {
  const { b } = d;
  const bits = dtype.bytes * 8;
  const perWord = 32 / bits;
  const part = (word: Value, shift: Value): Value =>
    b.pure('decode', [b.pure('subword', [word, shift], { bits })], { type: dtype.name });
  if (p.regs.length < perWord) {
    p.regs.forEach((r, e) => {
      const at = d.shift(p.offset, e);
      const word = wordOf(d, buffer, down(d, at, log2(perWord)), read, p.mask);
      out[r] = keep(p, e, part(word, b.pure('subword_shift', [at], { bits })));
    });
    return;
  }
  const words = p.regs.length / perWord;
  const first = down(d, p.offset, log2(perWord));
  for (let w = 0; w < words; w++) {
    const word = wordOf(d, buffer, first, read, p.mask, w);
    const four = dtype.is_fp8() ? b.pure('decode_word', [word], { type: `tile<4x${dtype.name}>` }) : undefined;
    for (let k = 0; k < perWord; k++) {
      const e = w * perWord + k;
      const x = four ? b.pure('extract', [four], { i: k }) : part(word, b.constant(k * bits, DTYPES.u32));
      out[p.regs[e]] = keep(p, e, x);
    }
  }
}
/** Word `first + w` of a buffer of words or of vectors of words. */
function wordOf(d: Distributor, buffer: BufferPlan, first: Value, read: Read, mask: Value | undefined, w = 0): Value {
  const { b } = d;
  if (buffer.vec === 1) return read(d.shift(first, w), 'u32', mask);
  const v = buffer.vec;
  const vector = read(d.shift(down(d, first, log2(v)), Math.floor(w / v)), `tile<${v}xu32>`, mask);
  return b.pure('extract', [vector], { i: w % v });
}

/** Writes a tile, or a scalar by one invocation. */
export function emitStore(d: Distributor, op: Op): void {
  const [ptr, value, mask] = op.operands;
  const { b } = d;
  const layout = isTile(ptr.type) ? d.plan.working(op) : SCALAR;
  const buffer = d.access.of(ptr);
  const dtype = pointee(ptr.type);
  const run = runOf(d, op, layout, buffer);
  const values = d.get(value, layout);
  const one = d.representative(layout);
  const address = addressKey(d, op, layout);
  const both = (m: Value | undefined): Value | undefined => (m && one ? b.scalarOp('and', [one, m]) : (m ?? one));
  for (const p of pieces(d, layout, run, ptr, mask)) {
    const m = both(p.mask);
    const put = (index: Value, x: Value): void => {
      const attrs = {
        buffer: buffer.name,
        address,
        ...(buffer.mode === 'half' ? { native: true } : {}),
        ...(buffer.mode === 'atomic' ? { atomic: true } : {}),
      };
      b.effect('store_global', m ? [index, x, m] : [index, x], attrs);
    };
    const elements = p.regs.map((r) => b.at(values, r));
    if (buffer.mode === 'atomic' && dtype.bytes >= 4) {
      elements.forEach((x, e) => {
        const at = d.shift(p.offset, e);
        if (dtype.bytes === 8) {
          const low = b.scalarOp('shl', [at, b.i32(1)]);
          for (const i of [0, 1]) put(d.shift(low, i), b.pure('word', [x], { i }));
        } else put(at, wordType(dtype) === dtype ? x : b.pure('bitcast', [x], { type: 'u32' }));
      });
      continue;
    }
    if (buffer.mode === 'element' || buffer.mode === 'half') {
      const v = buffer.vec;
      for (let e = 0; e < elements.length; e += v) {
        const x = v > 1 ? b.pure('construct', elements.slice(e, e + v)) : elements[e];
        put(down(d, d.shift(p.offset, e), log2(v)), x);
      }
      continue;
    }
    const bits = dtype.bytes * 8;
    const perWord = 32 / bits;
    const encoded = elements.map((x) => b.pure('encode', [x]));
    const first = down(d, p.offset, log2(perWord));
    if (elements.length < perWord) {
      encoded.forEach((x, e) => {
        const at = d.shift(p.offset, e);
        const shift = b.pure('subword_shift', [at], { bits });
        b.effect('merge_global', [down(d, at, log2(perWord)), shift, x, ...(m ? [m] : [])], {
          buffer: buffer.name,
          bits,
          address,
        });
      });
      continue;
    }
    const words: Value[] = [];
    for (let e = 0; e < encoded.length; e += perWord) words.push(b.pure('pack_word', encoded.slice(e, e + perWord)));
    const v = buffer.vec;
    for (let w = 0; w < words.length; w += v) {
      const x = v > 1 ? b.pure('construct', words.slice(w, w + v)) : words[w];
      put(v > 1 ? d.shift(down(d, first, log2(v)), w / v) : d.shift(first, w), x);
    }
  }
}
