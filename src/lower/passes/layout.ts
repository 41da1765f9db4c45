// Bit layouts: where each element of a tile lives. All dims are powers of two, so a layout says for every bit of every dim's
// index what holds it: a bit of the register number, a bit of the invocation id, or nothing (only elements with that bit 0
// are held). Invocation bits that no dim uses replicate the tile. Pure functions on plain data; no IR, no WGSL, no target.

/** Holder of one index bit: `0..63` register bit, `64+j` invocation bit j, `ZERO` fixed to 0. */
export type Bit = number;
export const ZERO: Bit = 1000;
export const lane = (j: number): Bit => 64 + j;
export const isReg = (b: Bit): boolean => b < 64;
export const isLane = (b: Bit): boolean => b >= 64 && b < ZERO;
export const laneBit = (b: Bit): number => b - 64;

/** `dims[d][i]` holds bit i (least significant first) of the index along dim d. */
export interface Layout {
  readonly dims: readonly (readonly Bit[])[];
}

/** Layout of a scalar: one register, the same in every invocation. */
export const SCALAR: Layout = { dims: [] };

export const log2 = (n: number): number => 31 - Math.clz32(n);
/** One spelling per layout; equal keys mean equal layouts. Also what dumps and headers print: `r0 r1 t0 | t1`. */
export const layoutKey = (l: Layout): string =>
  l.dims.map((d) => d.map((b) => (isReg(b) ? `r${b}` : b === ZERO ? '0' : `t${laneBit(b)}`)).join(' ') || '-').join(' | ');

export const regBits = (l: Layout): number => l.dims.flat().filter(isReg).length;
/** Number of registers an invocation holds. */
export const regCount = (l: Layout): number => 1 << regBits(l);
export const shapeOf = (l: Layout): number[] => l.dims.map((d) => 1 << d.length);
/** Invocation bits in use, as a mask over the invocation id. */
export const laneMask = (l: Layout): number =>
  l.dims
    .flat()
    .filter(isLane)
    .reduce((m, b) => m | (1 << laneBit(b)), 0);

/** A layout with register bits renumbered to 0..n-1 in their old order, and for each new register bit its old number. */
export interface Compacted {
  readonly layout: Layout;
  readonly from: readonly number[];
}
export function compact(dims: readonly (readonly Bit[])[]): Compacted {
  const from = dims
    .flat()
    .filter(isReg)
    .sort((a, b) => a - b);
  return { layout: { dims: dims.map((d) => d.map((b) => (isReg(b) ? from.indexOf(b) : b))) }, from };
}
/** The register of a compacted layout that goes with register `r` of the layout it came from. */
export const innerReg = (c: Compacted, r: number): number => c.from.reduce((acc, old, i) => acc | (((r >> old) & 1) << i), 0);

/** Constant part of the index along `dim` that register `r` contributes. */
export const regOffset = (l: Layout, dim: number, r: number): number =>
  l.dims[dim].reduce((acc, b, i) => acc | ((isReg(b) ? (r >> b) & 1 : 0) << i), 0);
/** Pairs [invocation bit, index bit] of the index along `dim`. */
export const laneParts = (l: Layout, dim: number): [number, number][] =>
  l.dims[dim].flatMap((b, i) => (isLane(b) ? [[laneBit(b), i] as [number, number]] : []));
/** The index along `dim` of the element in register `r` of invocation `t`: the definition that all code here must agree with. */
export const indexOf = (l: Layout, dim: number, r: number, t: number): number =>
  laneParts(l, dim).reduce((acc, [tb, ib]) => acc | (((t >> tb) & 1) << ib), regOffset(l, dim, r));

// ---- relabelings: the operand's layout from the result's (`demand…`), or the result's from the operand's --------------

/** Layout of the operand of `broadcast_to` when the result is wanted in `l`. */
export const demandBroadcast = (l: Layout, from: readonly number[]): Compacted => {
  const lead = l.dims.length - from.length;
  return compact(from.map((n, i) => (n === 1 ? [] : l.dims[lead + i])));
};
/** Layout of the result of a reduction along `axis`; also of the operand of `expand_dims`. */
export const dropDim = (l: Layout, axis: number): Compacted => compact(l.dims.filter((_, i) => i !== axis));
export const insertDim = (l: Layout, axis: number): Layout => ({ dims: [...l.dims.slice(0, axis), [], ...l.dims.slice(axis)] });
/** `result.dims[i] = operand.dims[perm[i]]`. */
export const transLayout = (l: Layout, perm: readonly number[]): Layout => ({ dims: perm.map((p) => l.dims[p]) });
export const demandTrans = (l: Layout, perm: readonly number[]): Layout => ({
  dims: perm.map((_, i) => l.dims[perm.indexOf(i)]),
});
/** Row-major reshape, in either direction: the flat index's bits are dealt out anew. */
export function reshapeLayout(l: Layout, shape: readonly number[]): Layout {
  const flat = [...l.dims].reverse().flat();
  const dims: Bit[][] = [];
  for (const n of [...shape].reverse()) dims.unshift(flat.splice(0, log2(n)));
  return { dims };
}
/** Fixes the `count` low bits along `dim` to 0: the first element of each run. */
export const zeroLow = (l: Layout, dim: number, count: number): Compacted =>
  compact(l.dims.map((d, i) => (i === dim ? d.map((b, k) => (k < count ? ZERO : b)) : d)));

/**
 * The register of `from` that holds, in the same invocation, what register r of `to` must hold; null if some element lives
 * in another invocation. Both layouts have one shape.
 */
export function registerMap(from: Layout, to: Layout): ((r: number) => number) | null {
  const moves: [number, number][] = [];
  for (let d = 0; d < to.dims.length; d++)
    for (let i = 0; i < to.dims[d].length; i++) {
      const a = from.dims[d][i];
      const b = to.dims[d][i];
      if (isReg(a)) {
        if (isReg(b)) moves.push([b, a]);
        else if (b !== ZERO) return null;
      } else if (a !== b) return null;
    }
  return (r) => moves.reduce((acc, [b, a]) => acc | (((r >> b) & 1) << a), 0);
}

// ---- layouts to begin with -------------------------------------------------------------------------------------------

/**
 * Deals a tile out for memory access: the `vec` low bits of the fastest dim to registers, then invocation bits over `order`
 * (fastest dim first), the rest to registers. Left-over invocation bits replicate.
 */
export function blockedLayout(shape: readonly number[], order: readonly number[], vecBits: number, lanes: number): Layout {
  const dims: Bit[][] = shape.map(() => []);
  let reg = 0;
  let tid = 0;
  order.forEach((d, k) => {
    for (let i = 0; i < log2(shape[d]); i++) {
      if ((k === 0 && i < vecBits) || tid >= lanes) dims[d].push(reg++);
      else dims[d].push(lane(tid++));
    }
  });
  return { dims };
}

/**
 * Result of a dot [M, N]: each invocation holds a block of 2^rowBits rows (adjacent, low bits) and the rest of its elements
 * along N, four adjacent columns first. Dots of one kernel with the same M should pass the same `rowBits`, so that row
 * vectors fit both.
 */
export function dotLayout(m: number, n: number, lanes: number, rowBits?: number): Layout {
  const mb = log2(m);
  const nb = log2(n);
  const held = Math.max(0, mb + nb - lanes);
  let rows = rowBits ?? Math.min(mb, 3, Math.floor(held / 2));
  rows = Math.max(Math.min(rows, mb, held), held - nb);
  const cols = held - rows;
  const low = Math.min(cols, 2);
  let reg = 0;
  let tid = 0;
  const N: Bit[] = [];
  const M: Bit[] = [];
  for (let i = 0; i < low; i++) N.push(reg++);
  for (let i = 0; i < rows; i++) M.push(reg++);
  while (N.length < nb - (cols - low)) N.push(lane(tid++));
  while (N.length < nb) N.push(reg++);
  while (M.length < mb) M.push(lane(tid++));
  return { dims: [M, N] };
}
/**
 * Result of a batch of dots [B, M, N]: invocations that one product leaves over share out the batch, the rest of it is in the
 * highest register bits.
 */
export function batchedDotLayout(batch: number, m: number, n: number, lanes: number, rowBits?: number): Layout {
  const one = dotLayout(m, n, lanes, rowBits);
  const used = log2(m) + log2(n);
  let reg = regBits(one);
  const bits = Array.from({ length: log2(batch) }, (_, i) => (used + i < lanes ? lane(used + i) : reg++));
  return { dims: [bits, ...one.dims] };
}
/** Row register bits of a dot layout, for `rowBits` of the next one. */
export const dotRowBits = (l: Layout): number => l.dims[l.dims.length - 2].filter(isReg).length;
