// Workgroup memory of one program: regions of one array of u32 words, handed out in a ring so that consecutive uses tend not
// to overlap and need fewer barriers. Comes in: sizes. Goes out: regions, and the lane ops that touch them. Which barriers
// that takes is the barrier pass's business: it compares regions.

import { fail, type Loc } from '../../dsl/diagnostics.ts';
import type { Value } from '../../dsl/ir/ir.ts';
import { LOWER } from '../messages.ts';
import type { LaneBuilder } from './lane.ts';

export interface Region {
  readonly base: number;
  readonly size: number;
}
/** Bytes that uniform broadcasts (make_uniform) may take besides the array. */
const RESERVED = 64;
/** Words up to which the ring grows before it wraps: small, so that occupancy does not suffer. */
const RING = 1024;

export class WorkgroupMemory {
  words = 0;
  private cursor = 0;
  private phases = 0;
  readonly limitWords: number;
  constructor(limitBytes: number) {
    this.limitWords = Math.floor((limitBytes - RESERVED) / 4);
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
}
