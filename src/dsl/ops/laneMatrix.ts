// Rows of the lane table for matrix units: subgroup matrices, and the workgroup arrays that they are loaded from. Such an array
// (attr `array`) is `array<array<T, n>, strips>`: a subgroup addresses its strip by one index and everything inside it by
// constants, because a bounds check around every matrix load costs a third of the speed. At this level a result matrix is a
// value of type tile<MxNxf32>; left and right operands have tile<..xf16>.

import type { Attrs } from '../ir/ir.ts';
import { DTYPES, parseType, scalar, type Type } from '../types.ts';
import { op, type Row } from './row.ts';

const byAttr: Row['type'] = (_ts, attrs) => [parseType(String(attrs.type)) as Type];
const none: Row['type'] = () => [];
/** Where in the barrier pass's address space an access lies: `base`, `size`, and the logical write it belongs to, `phase`. */
const PLACE = ['array', 'strips', 'flat', 'base', 'size', 'phase'];
/** With `flat`, strips of that many elements lie in one strip of a shared array; then bounds are checked at run time. */
const strip = (attrs: Attrs, s: string): string => (Number(attrs.strips) > 1 ? `${attrs.array}[${s}]` : `${attrs.array}[0]`);
const inside = (attrs: Attrs, s: string, at: string, u: string): string => (attrs.flat ? `${s} * ${attrs.flat}${u} + ${at}` : at);
const matrixType = (kind: string, t: Type): string => {
  const [m, n] = t.shape;
  const elem = t.elem === DTYPES.f16 ? 'f16' : 'f32';
  // WGSL writes columns first.
  return `subgroup_matrix_${kind}<${elem}, ${n}, ${m}>`;
};
/** WGSL spelling of the type of a value that is a result matrix. */
export const resultMatrix = (t: Type): string => matrixType('result', t);

export const LANE_MATRIX = {
  /** Number of this invocation's subgroup, or a part of it. */
  subgroup_part: op({
    doc: 'The number of this subgroup in the workgroup, divided by `div`, modulo `mod` (u32).',
    args: [],
    attrs: ['div', 'mod'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.u32)],
    wgsl: (_v, cx) => {
      const whole = Number(cx.attrs.div) > 1 ? `(sg / ${cx.attrs.div}u)` : 'sg';
      return Number(cx.attrs.mod) > 1 ? `(${whole} % ${cx.attrs.mod}u)` : '0u';
    },
  }),
  /** A result matrix of zeros. */
  matrix_zero: op({
    doc: 'A result matrix of zeros.',
    args: [],
    attrs: ['type'],
    traits: ['effect'],
    type: byAttr,
    wgsl: (_v, cx) => `${resultMatrix(cx.type)}()`,
  }),
  /** Loads a matrix from a strip of a workgroup array. */
  matrix_load: op({
    doc: 'Loads a `kind` (left, right, result) matrix that starts at `at` of a strip; `col` for column-major.',
    args: ['strip'],
    attrs: [...PLACE, 'kind', 'at', 'stride', 'col', 'type'],
    traits: ['reads'],
    type: byAttr,
    wgsl: ([s], cx) => {
      const a = cx.attrs;
      const major = a.col ? 'col_major' : 'row_major';
      return `subgroupMatrixLoad<${matrixType(String(a.kind), cx.type)}, ${major}>(&${strip(a, s)}, ${inside(a, s, `${a.at}u`, 'u')}, ${a.stride}u)`;
    },
  }),
  /** left · right + acc. */
  matrix_mma: op({
    doc: 'Product of a left and a right matrix plus a result matrix.',
    args: ['left', 'right', 'acc'],
    traits: ['effect'],
    type: ([, , acc]) => [acc],
    wgsl: ([l, r, acc]) => `subgroupMatrixMultiplyAccumulate(${l}, ${r}, ${acc})`,
  }),
  /** Stores a result matrix to a strip of a workgroup array. */
  matrix_store: op({
    doc: 'Stores a result matrix, row-major, at `at` of a strip.',
    args: ['strip', 'matrix'],
    attrs: [...PLACE, 'at', 'stride'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([s, m], cx) => `subgroupMatrixStore<row_major>(&${strip(cx.attrs, s)}, ${cx.attrs.at}u, ${m}, ${cx.attrs.stride}u);`,
  }),
  /**
   * Writes f16 elements that come packed in words. NVIDIA's compiler writes four f16 at a time at most: with `turn` every other
   * eight invocations begin with the second four, so that sixteen of them fill all banks.
   */
  strip_store_words: op({
    doc: 'Writes the f16 elements packed in a vector of words to consecutive places of a strip, where the mask holds.',
    args: ['strip', 'index', 'words', 'mask?'],
    attrs: [...PLACE, 'turn'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([s, i, v, m], cx) => {
      const n = cx.operands[2].shape[0] ?? 1;
      const turn = cx.attrs.turn && n === 4;
      const put = (word: string, k: number, at: string): string =>
        `let h${k} = bitcast<vec2<f16>>(${word}); (*p)[${at}] = h${k}.x; (*p)[${at} + 1] = h${k}.y;`;
      const words = [...'xyzw'.slice(0, n)].map((c) => (n > 1 ? `${v}.${c}` : v));
      const parts = turn
        ? ['lo.x', 'lo.y', 'hi.x', 'hi.y'].map((w, k) => put(w, k, `${k < 2 ? 'f' : 'g'} + ${2 * (k % 2)}`))
        : words.map((w, k) => put(w, k, k ? `at + ${2 * k}` : 'at'));
      if (turn)
        parts.unshift(
          `let t = (tid >> 3u) % 2; let f = at + t * 4; let g = at + ((tid >> 3u) + 1) % 2 * 4;`,
          `let lo = select(${v}.xy, ${v}.zw, t != 0); let hi = select(${v}.zw, ${v}.xy, t != 0);`,
        );
      return `${m ? `if (${m}) ` : ''}{ let p = &${strip(cx.attrs, s)}; let at = ${inside(cx.attrs, s, i, '')}; ${parts.join(' ')} }`;
    },
  }),
  /** Writes one element of a strip. */
  strip_store: op({
    doc: 'Writes an f32 register to a strip, as f16 with `half`, where the mask holds.',
    args: ['strip', 'index', 'value', 'mask?'],
    attrs: [...PLACE, 'half'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([s, i, v, m], cx) => {
      const statement = `${strip(cx.attrs, s)}[${inside(cx.attrs, s, i, '')}] = ${cx.attrs.half ? `f16(${v})` : v};`;
      return m ? `if (${m}) { ${statement} }` : statement;
    },
  }),
  /** Reads one f32 element of a strip. */
  strip_load: op({
    doc: 'Reads an f32 element of a strip.',
    args: ['strip', 'index'],
    attrs: PLACE,
    traits: ['reads'],
    type: () => [scalar(DTYPES.f32)],
    wgsl: ([s, i], cx) => `${strip(cx.attrs, s)}[${inside(cx.attrs, s, i, '')}]`,
  }),
} satisfies Record<string, Row>;
