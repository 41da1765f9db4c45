// Workgroup memory of one program: regions of an array of u32 words and of an array of 16-byte vectors, handed out in rings so
// that consecutive uses tend not to overlap and need fewer barriers. Comes in: sizes. Goes out: regions, and the lane ops that
// touch them. Which barriers that takes is the barrier pass's business: it compares regions.

import { fail, type Loc } from '../../dsl/diagnostics.ts';
import type { Value } from '../../dsl/ir/ir.ts';
import type { DType } from '../../dsl/types.ts';
import { LOWER } from '../messages.ts';
import type { LaneBuilder } from './lane.ts';

export interface Region {
  readonly base: number;
  readonly size: number;
}
/** Bytes that uniform broadcasts (make_uniform) may take besides the array. */
const RESERVED = 64;
/** Words up to which the ring grows before it wraps: small, so that occupancy does not suffer. Vectors leave as much to words. */
const RING = 1024;

export class WorkgroupMemory {
  words = 0;
  /** Vectors of four words, in an array of their own. */
  vectors = 0;
  private cursor = 0;
  private vectorCursor = 0;
  private readonly kept: Region[] = [];
  private phases = 0;
  private readonly allWords: number;
  /** Atomic counters, in an array of their own. */
  readonly counters: number;
  constructor(limitBytes: number, counters = 0) {
    this.counters = counters;
    this.allWords = Math.floor((limitBytes - RESERVED) / 4) - counters;
  }
  get limitWords(): number {
    return this.allWords - 4 * this.vectors;
  }
  get limitVectors(): number {
    return Math.floor((this.allWords - Math.max(this.words, Math.min(RING, this.allWords / 4))) / 4);
  }
  get limitBytes(): number {
    return 4 * this.allWords;
  }
  get keptVectors(): number {
    return this.kept.reduce((n, k) => n + k.size, 0);
  }
  /** Vectors that one allocation can get. */
  get freeVectors(): number {
    // Kept regions may lie anywhere: the longest stretch between them.
    const edges = [...this.kept, { base: this.limitVectors, size: 0 }].sort((a, b) => a.base - b.base);
    let from = 0;
    let most = 0;
    for (const k of edges) {
      most = Math.max(most, k.base - from);
      from = k.base + k.size;
    }
    return most;
  }
  /**
   * A region of vectors. The ring wraps once it is `ring` long, before that if memory ends. A kept region is never handed out
   * again: it may be written before a loop and read in it.
   */
  allocateVectors(size: number, ring: number, keep = false): Region {
    const end = Math.min(this.limitVectors, Math.max(ring, this.vectors));
    const after = (from: number): number => {
      let at = from;
      for (const k of this.kept) if (at < k.base + k.size && k.base < at + size) at = k.base + k.size;
      return at;
    };
    let base = keep ? this.vectors : after(this.vectorCursor);
    if (!keep && base + size > end) base = after(0);
    if (base + size > this.limitVectors) throw new Error('internal: workgroup memory was handed out twice');
    const region = { base, size };
    if (keep) this.kept.push(region);
    else this.vectorCursor = base + size;
    this.vectors = Math.max(this.vectors, base + size);
    return region;
  }
  allocate(size: number, loc: Loc, what: string): Region {
    if (size > this.limitWords) {
      const shrink = 2 ** Math.ceil(Math.log2(size / this.limitWords));
      fail(loc, LOWER.workgroupMemory, what, size * 4, this.limitWords * 4, `tiles of 1/${shrink} the elements would fit`);
    }
    if (this.cursor + size > Math.max(RING, this.words, size) || this.cursor + size > this.limitWords) this.cursor = 0;
    const region = { base: this.cursor, size };
    this.cursor += size;
    this.words = Math.max(this.words, this.cursor);
    return region;
  }
  /** Identifies one logical write of a region: its stores do not conflict with each other. */
  phase(): number {
    return ++this.phases;
  }
  store(b: LaneBuilder, region: Region, phase: number, at: Value, word: Value, mask?: Value): void {
    b.effect('wg_store', mask ? [at, word, mask] : [at, word], { ...region, phase });
  }
  load(b: LaneBuilder, region: Region, phase: number, at: Value): Value {
    return b.effect('wg_load', [at], { ...region, phase });
  }
  storeVector(b: LaneBuilder, region: Region, phase: number, at: Value, vector: Value, mask?: Value): void {
    b.effect('wg_store4', mask ? [at, vector, mask] : [at, vector], { ...region, phase, array: 'tiles' });
  }
  loadVector(b: LaneBuilder, region: Region, phase: number, at: Value, elem: DType): Value {
    return b.effect('wg_load4', [at], { ...region, phase, array: 'tiles', type: `tile<4x${elem.name}>` });
  }
}
