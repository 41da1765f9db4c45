// Judges one output tensor against the recorded one. In: two byte arrays, the dtype and a rule. Out: null, or the worst
// element and the bound that it breaks. Knows nothing of kernels, devices and manifests, so that any golden format can use it.

import { bytesOf, type GoldenDType, isFloat, isFp8, orderedCode, reader } from './numbers.ts';

/**
 * What "the same" means for a tensor.
 * - `exact`: the same bits (integers, copied or packed data).
 * - `codes`: fp8 results; the same code in 99 % of the elements (or all but one), a neighbouring code in the rest.
 * - `close`: floats; NaN and infinities in the same places, every finite element within
 *   3 × maxAbs + ε × max|want|, and the whole within 2 × rmsRel + a floor of the dtype, relative to ‖want‖.
 */
export type Rule =
  | { readonly kind: 'exact' }
  | { readonly kind: 'codes'; readonly dtype: 'fp8e4m3' | 'fp8e5m2' }
  | { readonly kind: 'close'; readonly maxAbs: number; readonly rmsRel: number };

/** A recorded tensor and how to judge against it. */
export interface Expected {
  readonly name: string;
  readonly dtype: GoldenDType;
  readonly shape: readonly number[];
  /** In elements; `bytes` then span the first to the last element, and the gaps must keep their bits. */
  readonly strides?: readonly number[];
  readonly bytes: Uint8Array;
  readonly rule: Rule;
  /** Bits of the value that the buffer held before the launch: where the recorded result still holds them, so must ours. */
  readonly fill?: Uint8Array;
}

export interface Mismatch {
  readonly tensor: string;
  /** Of the worst element; empty when the sizes differ. */
  readonly index: readonly number[];
  readonly got: string;
  readonly expected: string;
  /** The bound, in words. */
  readonly tolerance: string;
  /** Elements that break the bound, of all. */
  readonly count: number;
  readonly total: number;
}

export interface Verdict {
  /** null: the tensor passes. */
  readonly mismatch: Mismatch | null;
  /** Largest |got − want| over elements that are finite on both sides. */
  readonly maxAbs: number;
}

/** ε and the floor of the rms bound, by dtype of the output. */
const FLOAT_BOUNDS: { readonly [dtype: string]: { readonly eps: number; readonly rms: number } } = {
  f32: { eps: 2 ** -20, rms: 1e-5 },
  f16: { eps: 2 ** -9, rms: 1e-3 },
  bf16: { eps: 2 ** -7, rms: 8e-3 },
};

/** The rule for floating-point results of `dtype`; integers are always compared bit by bit. */
export function ruleFor(dtype: GoldenDType, distance: { max_abs: number; rms_rel: number } | undefined, copied: boolean): Rule {
  if (copied || !isFloat(dtype)) return { kind: 'exact' };
  if (isFp8(dtype)) return { kind: 'codes', dtype: dtype as 'fp8e4m3' | 'fp8e5m2' };
  if (!distance) throw new Error(`a float result of ${dtype} without ref_tolerance cannot be judged`);
  return { kind: 'close', maxAbs: distance.max_abs, rmsRel: distance.rms_rel };
}

/** Compares `got` (as many bytes as were recorded) with the recorded tensor. */
export function compareTensor(want: Expected, got: Uint8Array): Verdict {
  if (got.length !== want.bytes.length) {
    const size = (n: number) => `${n / bytesOf(want.dtype)} elements`;
    return wrongSize(want, size(got.length), size(want.bytes.length));
  }
  const e = new Elements(want, got);
  switch (want.rule.kind) {
    case 'exact':
      return e.verdict((i) => (e.sameBits(i) ? 0 : Infinity), 'the same bits');
    case 'codes':
      return compareCodes(e, want.rule.dtype);
    case 'close':
      return compareClose(e, want.rule.maxAbs, want.rule.rmsRel);
  }
}

const wrongSize = (want: Expected, got: string, expected: string): Verdict => ({
  maxAbs: Infinity,
  mismatch: { tensor: want.name, index: [], got, expected, tolerance: 'the same size', count: 1, total: 1 },
});

/** Both sides, element by element; positions count from the first byte, gaps of a strided tensor included. */
class Elements {
  readonly want: Expected;
  readonly total: number;
  private readonly size: number;
  private readonly got: Uint8Array;
  private readonly readGot: (i: number) => number | bigint;
  private readonly readWant: (i: number) => number | bigint;
  /** Position → row-major element number, or −1 in a gap; absent when the tensor is dense in row-major order. */
  private readonly logical: Int32Array | null;

  constructor(want: Expected, got: Uint8Array) {
    this.want = want;
    this.got = got;
    this.size = bytesOf(want.dtype);
    this.total = got.length / this.size;
    this.readGot = reader(want.dtype, got);
    this.readWant = reader(want.dtype, want.bytes);
    this.logical = want.strides ? logicalPositions(want.shape, want.strides, this.total) : null;
  }

  gotAt = (i: number): number => Number(this.readGot(i));
  wantAt = (i: number): number => Number(this.readWant(i));
  byteGot = (i: number): number => this.got[i];
  byteWant = (i: number): number => this.want.bytes[i];

  sameBits(i: number): boolean {
    for (let b = i * this.size; b < (i + 1) * this.size; b++) if (this.got[b] !== this.want.bytes[b]) return false;
    return true;
  }
  /** Not part of the tensor, or never written when the result was recorded: the bits must be the same whatever the rule. */
  untouched(i: number): boolean {
    if (this.logical && this.logical[i] < 0) return true;
    const { fill, bytes } = this.want;
    return fill?.every((b, k) => bytes[i * this.size + k] === b) ?? false;
  }

  /**
   * The verdict from a measure of each element: how far it is beyond its bound, 0 where it is within. An untouched element
   * must keep its bits. `whole` is a bound on the tensor as a whole that is broken, told with the worst element.
   */
  verdict(excess: (i: number) => number, tolerance: string, whole?: string): Verdict {
    let worst = -1;
    let worstBy = 0;
    let farthest = 0;
    let maxAbs = 0;
    let count = 0;
    let rule = tolerance;
    for (let i = 0; i < this.total; i++) {
      const untouched = this.untouched(i);
      const by = untouched ? (this.sameBits(i) ? 0 : Infinity) : excess(i);
      const d = Math.abs(this.gotAt(i) - this.wantAt(i));
      if (Number.isFinite(d) && d > maxAbs) {
        maxAbs = d;
        farthest = i;
      }
      if (by > 0) count++;
      if (by > worstBy) {
        worstBy = by;
        worst = i;
        rule = untouched ? 'untouched, the same bits' : tolerance;
      }
    }
    if (worst < 0 && !whole) return { mismatch: null, maxAbs };
    if (worst < 0) return { mismatch: this.describe(farthest, whole as string, 0), maxAbs };
    return { mismatch: this.describe(worst, rule, count), maxAbs };
  }

  private describe(i: number, tolerance: string, count: number): Mismatch {
    return {
      tensor: this.want.name,
      index: unravel(this.logical ? this.logical[i] : i, this.want.shape),
      got: this.show(this.readGot(i), this.got, i),
      expected: this.show(this.readWant(i), this.want.bytes, i),
      tolerance,
      count,
      total: this.total,
    };
  }
  /** The value, with its bits where two different encodings read alike. */
  private show(value: number | bigint, bytes: Uint8Array, i: number): string {
    const alike = Object.is(this.readGot(i), this.readWant(i)) && !this.sameBits(i);
    const bits = [...bytes.subarray(i * this.size, (i + 1) * this.size)].reverse().map((b) => b.toString(16).padStart(2, '0'));
    return `${Object.is(value, -0) ? '-0' : value}${alike ? ` (0x${bits.join('')})` : ''}`;
  }
}

function compareClose(e: Elements, maxAbs: number, rmsRel: number): Verdict {
  const bounds = FLOAT_BOUNDS[e.want.dtype];
  if (!bounds) throw new Error(`no bounds for ${e.want.dtype}`);
  let largest = 0;
  let diff2 = 0;
  let want2 = 0;
  for (let i = 0; i < e.total; i++) {
    const w = e.wantAt(i);
    const g = e.gotAt(i);
    if (Number.isFinite(w)) largest = Math.max(largest, Math.abs(w));
    if (!Number.isFinite(w) || !Number.isFinite(g)) continue;
    diff2 += (g - w) ** 2;
    want2 += w ** 2;
  }
  const bound = 3 * maxAbs + bounds.eps * largest;
  const rmsBound = 2 * rmsRel + bounds.rms;
  const rms = diff2 === 0 ? 0 : Math.sqrt(diff2 / want2);
  const excess = (i: number): number => {
    const w = e.wantAt(i);
    const g = e.gotAt(i);
    if (Number.isNaN(w) || Number.isNaN(g)) return Number.isNaN(w) && Number.isNaN(g) ? 0 : Infinity;
    if (w === g) return 0;
    const d = Math.abs(g - w);
    return d <= bound ? 0 : d;
  };
  const tolerance = `|got − expected| ≤ ${bound.toExponential(3)}`;
  const whole =
    rms <= rmsBound ? undefined : `‖got − expected‖ / ‖expected‖ = ${rms.toExponential(3)} ≤ ${rmsBound.toExponential(3)}`;
  return e.verdict(excess, tolerance, whole);
}

function compareCodes(e: Elements, dtype: 'fp8e4m3' | 'fp8e5m2'): Verdict {
  // `dtype` is apart from that of the tensor: fp8 codes may be kept in a u8 buffer.
  const isNaNCode = (code: number): boolean => (dtype === 'fp8e4m3' ? (code & 0x7f) === 0x7f : (code & 0x7f) > 0x7c);
  const isInfCode = (code: number): boolean => dtype === 'fp8e5m2' && (code & 0x7f) === 0x7c;
  const apart = (i: number): number => {
    const [g, w] = [e.byteGot(i), e.byteWant(i)];
    if (isNaNCode(g) || isNaNCode(w)) return isNaNCode(g) && isNaNCode(w) ? 0 : Infinity;
    if (g === w) return 0;
    if (isInfCode(g) || isInfCode(w)) return Infinity;
    return Math.max(1, Math.abs(orderedCode(g, 8) - orderedCode(w, 8)));
  };
  let differing = 0;
  for (let i = 0; i < e.total; i++) if (apart(i) > 0) differing++;
  const allowed = Math.max(1, Math.floor(0.01 * e.total));
  const tooMany = differing > allowed;
  const tolerance = tooMany
    ? `the same code in all but ${allowed} elements, found ${differing}`
    : 'the same or a neighbouring code';
  return e.verdict((i) => (apart(i) > (tooMany ? 0 : 1) ? apart(i) : 0), tolerance);
}

function logicalPositions(shape: readonly number[], strides: readonly number[], span: number): Int32Array {
  const at = new Int32Array(span).fill(-1);
  const count = shape.reduce((a, b) => a * b, 1);
  for (let n = 0; n < count; n++) {
    const index = unravel(n, shape);
    at[index.reduce((p, x, axis) => p + x * strides[axis], 0)] = n;
  }
  return at;
}

/** Index of row-major element `n`; a gap (−1) has none. */
function unravel(n: number, shape: readonly number[]): number[] {
  if (n < 0) return [];
  const index: number[] = [];
  for (let axis = shape.length - 1, left = n; axis >= 0; axis--) {
    index.unshift(left % shape[axis]);
    left = Math.floor(left / shape[axis]);
  }
  return index;
}

/** `out[3, 1, 5]: got 1, expected 2 (|got − expected| ≤ 1e-6; 4 of 99 elements)`. */
export function printMismatch(m: Mismatch): string {
  const at = m.index.length > 0 ? `[${m.index.join(', ')}]` : '';
  return `${m.tensor}${at}: got ${m.got}, expected ${m.expected} (${m.tolerance}; ${m.count} of ${m.total} elements)`;
}
