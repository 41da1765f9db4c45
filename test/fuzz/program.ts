// A random kernel as plain data: what fast-check generates and shrinks, and what a corpus file holds. Operands are numbers: each
// counts back from the newest value that fits, so that every program means something, also after steps were removed from it.
// This file refuses to know what steps do (replay.ts).

import type { DTypeName } from '../../src/dsl/types.ts';

/** Which value: 0 is the newest that fits, 1 the one before it, and so on (modulo their number). */
export type Pick = number;

/** Where the elements of a tile of n elements go among n: a permutation. */
export interface Order {
  /** First dimension fastest instead of last. */
  readonly columns: boolean;
  readonly reversed: boolean;
  /** The position is xored with this (cut to the size of the tile). */
  readonly xor: number;
}

export type Step =
  | { readonly do: 'const'; readonly dtype: DTypeName; readonly value: number; readonly shape: readonly number[] }
  | { readonly do: 'range'; readonly start: number; readonly size: number }
  | { readonly do: 'program'; readonly count: boolean; readonly axis: number }
  | { readonly do: 'argument'; readonly which: number }
  /** Reads an input at offset + program · apart + Σ index · stride, or at the elements that a tile of integers names. */
  | {
      readonly do: 'load';
      readonly dtype: DTypeName;
      readonly shape: readonly number[];
      readonly strides: readonly number[];
      readonly offset: number;
      readonly apart: number;
      readonly reversed: boolean;
      /** The stride of the last dimension is the argument `stride`. */
      readonly dynamic: boolean;
      /** A mask against the argument n, and what masked elements hold. */
      readonly guard: boolean;
      readonly other: number | null;
      /** A second mask: any bool tile. */
      readonly mask: Pick | null;
      readonly gather: Pick | null;
      readonly alias: boolean;
    }
  /** Any elementwise row of the op table. */
  | { readonly do: 'op'; readonly name: string; readonly operands: readonly Pick[] }
  | { readonly do: 'cast'; readonly a: Pick; readonly to: DTypeName }
  /** A function that moves elements; `n` is what it needs (an axis, a permutation, a shape) as a number. */
  | { readonly do: 'shape'; readonly name: string; readonly a: Pick; readonly b: Pick; readonly n: number }
  /** A reduction or scan along an axis. */
  | { readonly do: 'along'; readonly name: string; readonly a: Pick; readonly axis: number; readonly flag: boolean }
  /** A reduction or scan with a function; what it does is a number of COMBINE (fold.ts). */
  | {
      readonly do: 'fold';
      readonly scan: boolean;
      readonly how: number;
      readonly a: Pick;
      readonly axis: number;
      readonly reverse: boolean;
    }
  | { readonly do: 'histogram'; readonly a: Pick; readonly bins: number; readonly mask: Pick | null }
  | { readonly do: 'dot'; readonly dtype: DTypeName; readonly a: Pick; readonly b: Pick; readonly acc: Pick | null }
  /** Writes to a part of an output that only this program touches; `site` writes again where an earlier store did. */
  | {
      readonly do: 'store';
      readonly a: Pick;
      readonly order: Order;
      readonly place: 'block' | 'interleaved' | 'strided';
      readonly mask: Pick | null;
      readonly site: Pick | null;
      /** Among SLOTS places of the tile's size, the one that a scalar says: a loop's counter, often. */
      readonly slot: Pick | null;
    }
  /** Reads what the program wrote (or left) in the place of an earlier store. */
  | {
      readonly do: 'reload';
      readonly site: Pick;
      readonly order: Order;
      readonly shape: number;
      readonly alias: boolean;
      readonly slot: Pick;
    }
  /** Gives a variable of the enclosing statement a new value. */
  | { readonly do: 'set'; readonly variable: number; readonly a: Pick }
  /** Changes shared elements in an order that does not matter, or elements of its own (`site`) and takes what they held. */
  | {
      readonly do: 'atomic';
      readonly name: string;
      readonly a: Pick;
      readonly at: Pick;
      readonly mask: Pick | null;
      readonly site: Pick | null;
      readonly order: Order;
    }
  /** A function of scalars for each element; `how` counts MAPS (fold.ts). */
  | { readonly do: 'map'; readonly how: number; readonly a: Pick; readonly b: Pick }
  | {
      readonly do: 'if';
      readonly condition: Pick;
      readonly variables: readonly Pick[];
      readonly yes: readonly Step[];
      readonly no: readonly Step[];
    }
  | {
      readonly do: 'for';
      readonly from: number;
      readonly trips: number;
      readonly step: number;
      readonly down: boolean;
      /** The end is constant, or made of a scalar that is loaded, computed or an argument. */
      readonly bound: Pick | null;
      readonly wide: boolean;
      readonly variables: readonly Pick[];
      readonly body: readonly Step[];
    }
  /** Runs while a counter that starts at some scalar is positive, and perhaps a condition holds. */
  | {
      readonly do: 'while';
      readonly trips: Pick;
      readonly condition: Pick | null;
      readonly variables: readonly Pick[];
      readonly body: readonly Step[];
    };

export interface Program {
  /** Seed of the contents of the inputs. */
  readonly seed: number;
  /** Inputs hold NaN, infinities and numbers at the edge of their dtype, too. */
  readonly special: boolean;
  readonly grid: readonly number[];
  readonly num_warps: number;
  /** Compiled for a device without subgroups and f16, whatever the device has. */
  readonly plain: boolean;
  /** Elements before the first of every pointer argument's view, and between a view and its alias. */
  readonly view: number;
  readonly n: number;
  readonly stride: number;
  readonly wide: number;
  readonly x: number;
  readonly steps: readonly Step[];
}

/** Elements of an input that a kernel may read. */
export const LENGTH = 1024;

/** Tiles that a store with a slot has room for. */
export const SLOTS = 16;

/** A corpus file: a program, where it came from, and what was wrong. */
export interface CorpusFile {
  readonly comment: string;
  readonly seed: number;
  readonly program: Program;
}
