// Sorting in workgroup memory: the network of `tl.sort` as loops, for tiles whose network would be long as text. One helper a kind
// of element; 64-bit integers have their high words after all the low ones.

import type { Helper } from './prelude.ts';

interface Kind {
  readonly read: (at: string) => string;
  readonly write: (at: string, value: string) => string;
  readonly greater: (x: string, y: string) => string;
  readonly deps?: readonly string[];
}
const word = (type: string): Kind => ({
  read: (at) => (type === 'u32' ? `smem[${at}]` : `bitcast<${type}>(smem[${at}])`),
  write: (at, value) => (type === 'u32' ? `smem[${at}] = ${value};` : `smem[${at}] = bitcast<u32>(${value});`),
  greater: (x, y) => `${x} > ${y}`,
});
const pair = (type: string): Kind => ({
  read: (at) => `vec2<u32>(smem[${at}], smem[${at} + a.y])`,
  write: (at, value) => `smem[${at}] = ${value}.x; smem[${at} + a.y] = ${value}.y;`,
  greater: (x, y) => `${type}_lt(${y}, ${x})`,
  deps: [`${type}_lt`],
});
const KINDS: { readonly [kind: string]: Kind } = {
  f32: word('f32'),
  i32: word('i32'),
  u32: word('u32'),
  i64: pair('i64'),
  u64: pair('u64'),
};

// a: first word, elements, bits of the index that are sorted, 1 to descend; b: invocation; c: invocations.
const text = (k: Kind): string => `for (var stage = 1; stage <= a.z; stage++) {
    for (var bit = stage - 1; bit >= 0; bit--) {
      if (stage > 1) { workgroupBarrier(); }
      for (var p = b; p < a.y / 2; p += c) {
        let i = ((p >> u32(bit)) << u32(bit + 1)) | (p & ((1 << u32(bit)) - 1));
        let flip = select(((i >> u32(stage)) & 1) == 1, a.w == 1, stage == a.z);
        let left = a.x + i;
        let right = left + (1 << u32(bit));
        let x = ${k.read('left')};
        let y = ${k.read('right')};
        if ((${k.greater('x', 'y')}) != flip) { ${k.write('left', 'y')} }
        if ((${k.greater('y', 'x')}) == flip) { ${k.write('right', 'x')} }
      }
    }
  }`;

export const SORT_HELPERS: { readonly [name: string]: Helper } = Object.fromEntries(
  Object.entries(KINDS).map(([name, kind]) => [
    `sort_${name}`,
    { params: ['vec4<i32>', 'i32', 'i32'], ret: '', body: text(kind), deps: kind.deps ?? [] },
  ]),
);
