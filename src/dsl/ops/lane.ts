// The second op table: what one invocation does. Same row shape as the tile ops; elementwise tile rows are used at this level
// too, on scalars and on vectors of 2 or 4 (a Type of shape [2] or [4]). `wgsl` of a pure row is an expression, of an effect
// row a statement. A result type that operands do not give stands in attr `type`. f16 and bf16 are held as f32 here, fp8 and
// all 8- and 16-bit integers as 32-bit words, 64-bit integers as two u32 words.

import type { Attrs } from '../ir/ir.ts';
import { DTYPES, dtypeOf, parseType, scalar, type Type, tile } from '../types.ts';
import { LANE_MATRIX } from './laneMatrix.ts';
import { op, type Row } from './row.ts';

const given = (attrs: Attrs): Type => {
  const t = parseType(String(attrs.type));
  if (!t) throw new Error(`internal: no type in attr type=${String(attrs.type)}`);
  return t;
};
const byAttr: Row['type'] = (_ts, attrs) => [given(attrs)];
const sameAsFirst: Row['type'] = ([x]) => [x];
const none: Row['type'] = () => [];
const guarded = (mask: string | undefined, statement: string): string => (mask ? `if (${mask}) { ${statement} }` : statement);

/** `((tid >> 3u) & 15) << 2u`: runs are [from, to, count] triples of bits. */
function bitField(tid: string, runs: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < runs.length; i += 3) {
    const [from, to, count] = runs.slice(i, i + 3);
    const down = from ? `(${tid} >> ${from}u)` : tid;
    // Remainder and product, not mask and shift: Tint's range analysis knows these, and then leaves the bounds checks out.
    const cut = `(${down} % ${2 ** count})`;
    parts.push(to ? `${cut} * ${2 ** to}` : cut);
  }
  return parts.length === 1 && !parts[0].includes('*') ? parts[0] : `(${parts.join(' + ')})`;
}

export const LANE_OPS = {
  ...LANE_MATRIX,
  /** Id of this invocation in the workgroup. */
  local_id: op({
    doc: 'Id of this invocation in its workgroup (i32).',
    args: [],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.i32)],
    wgsl: () => 'tid',
  }),
  /** Bits of the invocation id, moved to their places in an index. */
  lane_index: op({
    doc: 'Bits of the invocation id moved to their places in an index: `runs` holds triples [from, to, count].',
    args: ['tid'],
    attrs: ['runs'],
    traits: ['pure', 'cheap'],
    type: sameAsFirst,
    wgsl: ([tid], cx) => bitField(tid, cx.attrs.runs as number[]),
  }),
  /** True in the invocations whose id has none of these bits. */
  lane_is_zero: op({
    doc: 'True in the invocations whose id has none of the bits of `bits`: one representative of each replica set.',
    args: ['tid'],
    attrs: ['bits'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.bool)],
    wgsl: ([tid], cx) => `((${tid} & ${cx.attrs.bits}) == 0)`,
  }),
  /** A field of the uniform block. */
  uniform: op({
    doc: 'A field of the uniform block.',
    args: [],
    attrs: ['field', 'type'],
    traits: ['pure', 'cheap'],
    type: byAttr,
    wgsl: (_v, cx) => uniformField(cx.attrs, given(cx.attrs)),
  }),
  /** Program id along an axis. */
  pid: op({
    doc: 'Program id along an axis, decoded from the flat workgroup index.',
    args: [],
    attrs: ['axis'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.i32)],
    wgsl: (_v, cx) => `pid${cx.attrs.axis}`,
  }),
  /** Whether there is a program for this slice. */
  live_program: op({
    doc: 'False in the slices of the last workgroup that are past the last program.',
    args: [],
    traits: ['pure'],
    type: () => [scalar(DTYPES.bool)],
    wgsl: () => '(program < programs)',
  }),
  /** A value that the driver cannot see through. */
  opaque: op({
    doc: 'The operand, hidden from the driver’s constant folding (or-ed with a zero from the uniform block).',
    args: ['x'],
    traits: ['pure', 'elementwise', 'exact'],
    type: sameAsFirst,
    wgsl: ([x], cx) => {
      const d = dtypeOf(cx.type);
      const n = cx.type.shape[0];
      if (d.bits === 64) return `(${x} | vec2<u32>(u.zero))`;
      if (d.is_bool()) return `(${x} != ${n ? `vec${n}<bool>` : ''}(u.zero != 0u))`;
      if (!n && d === DTYPES.i32) return `(${x} | i32(u.zero))`;
      const u = n ? `vec${n}<u32>` : 'u32';
      return `bitcast<${cx.spell(cx.type)}>(bitcast<${u}>(${x}) | ${n ? `${u}(u.zero)` : 'u.zero'})`;
    },
  }),
  /** A product and a sum, as the device likes. */
  mul_add: op({
    doc: 'x * y + z in the device’s fastest way, rounded once or twice.',
    args: ['x', 'y', 'z'],
    traits: ['pure', 'elementwise'],
    type: sameAsFirst,
    wgsl: (v) => `fma(${v.join(', ')})`,
  }),
  /** Component i of a vector. */
  extract: op({
    doc: 'Component `i` of a vector.',
    args: ['x'],
    attrs: ['i'],
    traits: ['pure', 'cheap'],
    type: ([x]) => [scalar(x.elem)],
    wgsl: ([x], cx) => `${x}.${'xyzw'[Number(cx.attrs.i)]}`,
  }),
  /** A vector from its components. */
  construct: op({
    doc: 'A vector from its components.',
    args: ['...'],
    traits: ['pure', 'cheap'],
    type: (ts) => [tile(ts[0].elem, [ts.length])],
    wgsl: (v, cx) => `${cx.spell(cx.type)}(${v.join(', ')})`,
  }),
  /** A vector with one value in all components. */
  splat: op({
    doc: 'A vector with one value in every component.',
    args: ['x'],
    attrs: ['n'],
    traits: ['pure', 'cheap'],
    type: ([x], a) => [tile(x.elem, [Number(a.n)])],
    wgsl: ([x], cx) => `${cx.spell(cx.type)}(${x})`,
  }),
  /** One of two values by a scalar condition. */
  pick: op({
    doc: 'x where the scalar condition holds, else y; x and y may be vectors.',
    args: ['cond', 'x', 'y'],
    traits: ['pure', 'cheap', 'exact'],
    type: ([, x]) => [x],
    wgsl: ([c, x, y]) => `select(${y}, ${x}, ${c})`,
  }),
  /** The same bits as another type. */
  bitcast: op({
    doc: 'The same bits as another type of the same size.',
    args: ['x'],
    attrs: ['type'],
    traits: ['pure', 'cheap'],
    type: byAttr,
    wgsl: ([x], cx) => `bitcast<${cx.spell(cx.type)}>(${x})`,
  }),
  /** Low 32 bits of a 64-bit integer. */
  low_word: op({
    doc: 'Low 32 bits of a 64-bit integer, as i32.',
    args: ['x'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.i32)],
    wgsl: ([x]) => `bitcast<i32>(${x}.x)`,
  }),
  /** Word i of a 64-bit integer. */
  word: op({
    doc: 'Word `i` (0 low, 1 high) of a 64-bit integer, as u32.',
    args: ['x'],
    attrs: ['i'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.u32)],
    wgsl: ([x], cx) => `${x}.${'xy'[Number(cx.attrs.i)]}`,
  }),
  /** A 64-bit integer from its words. */
  join_words: op({
    doc: 'A 64-bit integer from its low and high words.',
    args: ['lo', 'hi'],
    attrs: ['type'],
    traits: ['pure', 'cheap'],
    type: byAttr,
    wgsl: ([a, b]) => `vec2<u32>(${a}, ${b})`,
  }),
  /** Bits `shift`… of a word. */
  subword: op({
    doc: 'The `bits` bits of a word that start at bit `shift` (operand), zero-extended.',
    args: ['word', 'shift'],
    attrs: ['bits'],
    traits: ['pure', 'cheap'],
    type: sameAsFirst,
    wgsl: ([w, s], cx) =>
      s === '0u' ? `(${w} & ${2 ** Number(cx.attrs.bits) - 1}u)` : `((${w} >> ${s}) & ${2 ** Number(cx.attrs.bits) - 1}u)`,
  }),
  /** Bit shift of the element of a sub-word array. */
  subword_shift: op({
    doc: 'Bit position in its word of element i of an array of `bits`-bit elements.',
    args: ['i'],
    attrs: ['bits'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.u32)],
    wgsl: ([i], cx) => `((u32(${i}) & ${32 / Number(cx.attrs.bits) - 1}u) * ${cx.attrs.bits}u)`,
  }),
  /** Memory bits, zero-extended in a word, as a register of the dtype. */
  decode: op({
    doc: 'Memory bits (zero-extended in a u32) as a register of dtype `type`.',
    args: ['bits'],
    attrs: ['type'],
    traits: ['pure', 'cheap'],
    type: byAttr,
    wgsl: ([x], cx) => decode(dtypeOf(cx.type).name, x, cx.helper),
  }),
  /** A word of memory as the registers of its four bytes. */
  decode_word: op({
    doc: 'The four bytes of a word, the lowest first, as a vector of registers of an fp8 dtype (`type`).',
    args: ['word'],
    attrs: ['type'],
    traits: ['pure', 'cheap'],
    type: byAttr,
    wgsl: ([x], cx) => `${cx.helper(`${dtypeOf(cx.type).name}_decode_word`)}(${x})`,
  }),
  /** A register as memory bits. */
  encode: op({
    doc: 'A register as memory bits, zero-extended in a u32.',
    args: ['x'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.u32)],
    wgsl: ([x], cx) => encode(dtypeOf(cx.operands[0]).name, x, cx.helper),
  }),
  /** An f32 as the bits of the nearest small float. */
  round_encode: op({
    doc: 'The bits of the f16 or fp8 (`to`) nearest to an f32 register, zero-extended in a u32: what `round` and `encode` give.',
    args: ['x'],
    attrs: ['to'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.u32)],
    wgsl: ([x], cx) => `${cx.helper(`${cx.attrs.to}_round_encode`)}(${x})`,
  }),
  /** Puts the parts of a word together. */
  pack_word: op({
    doc: 'A word from its 2 or 4 parts, the lowest first.',
    args: ['...'],
    traits: ['pure', 'cheap'],
    type: () => [scalar(DTYPES.u32)],
    wgsl: (v) => `(${v.map((x, i) => (i ? `(${x} << ${(32 / v.length) * i}u)` : x)).join(' | ')})`,
  }),
  /** Brings a register into its narrow dtype. */
  round: op({
    doc: 'Brings a register into its dtype: f16, bf16 and fp8 round to nearest even by integer arithmetic, 8- and 16-bit integers wrap.',
    args: ['x'],
    traits: ['pure', 'elementwise', 'exact'],
    type: sameAsFirst,
    wgsl: ([x], cx) => {
      const d = dtypeOf(cx.type);
      if (d.is_floating()) return `${cx.helper(`${d.name}_round`)}(${x})`;
      const word = (n: number): string => (cx.type.shape.length ? `vec${cx.type.shape[0]}<u32>(${n}u)` : `${n}u`);
      return d.is_int_signed() ? `((${x} << ${word(32 - d.bits)}) >> ${word(32 - d.bits)})` : `(${x} & ${word(2 ** d.bits - 1)})`;
    },
  }),
  /** Reads an element of a storage buffer. */
  load_global: op({
    doc: 'Reads an element (or vector) of a storage buffer. The index is in range.',
    args: ['index'],
    attrs: ['buffer', 'type', 'native', 'atomic', 'shared', 'address'],
    traits: ['reads'],
    type: byAttr,
    // f16 is f32 in registers.
    wgsl: ([i], cx) => (cx.attrs.native ? `f32(${wordRead(cx.attrs, i)})` : wordRead(cx.attrs, i)),
  }),
  /** Writes an element of a storage buffer. */
  store_global: op({
    doc: 'Writes an element (or vector) of a storage buffer where the mask holds.',
    args: ['index', 'value', 'mask?'],
    attrs: ['buffer', 'native', 'atomic', 'address'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([i, v, m], cx) =>
      guarded(
        m,
        cx.attrs.atomic
          ? `atomicStore(&${cx.attrs.buffer}[${i}], ${v});`
          : `${cx.attrs.buffer}[${i}] = ${cx.attrs.native ? `f16(${v})` : v};`,
      ),
  }),
  /** Writes part of a word. */
  merge_global: op({
    doc: 'Writes the `bits` bits at bit `shift` of an atomic word and leaves its other bits to whoever owns them.',
    args: ['index', 'shift', 'value', 'mask?'],
    attrs: ['buffer', 'bits', 'address'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([i, s, v, m], cx) => {
      const at = `&${cx.attrs.buffer}[${i}]`;
      return guarded(m, `atomicAnd(${at}, ~(${2 ** Number(cx.attrs.bits) - 1}u << ${s})); atomicOr(${at}, ${v} << ${s});`);
    },
  }),
  /** Changes an element of a storage buffer in one step. */
  rmw_global: op({
    doc: 'Changes an element of a buffer of atomic words where the mask holds, as the tile op `op` says; returns what it held before.',
    args: ['index', 'mask', '...values'],
    attrs: ['buffer', 'op', 'type', 'address', 'relaxed', 'commutes'],
    traits: ['reads', 'writes', 'effect', 'atomic'],
    type: byAttr,
    wgsl: ([i, m, ...v], cx) =>
      `${cx.helper(`tl_rmw_${cx.attrs.op}_${cx.attrs.type}__${cx.attrs.buffer}`)}(${[i, ...v, m].join(', ')})`,
  }),
  /** Reads a word of workgroup memory. */
  wg_load: op({
    doc: 'Reads a word of workgroup memory.',
    args: ['index'],
    attrs: ['base', 'size', 'phase'],
    traits: ['reads'],
    type: () => [scalar(DTYPES.u32)],
    wgsl: ([i], cx) => `smem[${at(cx.attrs, i)}]`,
  }),
  /** Writes a word of workgroup memory. */
  wg_store: op({
    doc: 'Writes a word of workgroup memory where the mask holds.',
    args: ['index', 'value', 'mask?'],
    attrs: ['base', 'size', 'phase'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([i, v, m], cx) => guarded(m, `smem[${at(cx.attrs, i)}] = ${v};`),
  }),
  /** Reads a vector of workgroup memory. */
  wg_load4: op({
    doc: 'Reads 16 bytes of workgroup memory, from the array of vectors.',
    args: ['index'],
    attrs: ['base', 'size', 'phase', 'array', 'type'],
    traits: ['reads'],
    type: byAttr,
    wgsl: ([i], cx) => `bitcast<${cx.spell(cx.type)}>(tiles[${at(cx.attrs, i)}])`,
  }),
  /** Writes a vector of workgroup memory. */
  wg_store4: op({
    doc: 'Writes 16 bytes of workgroup memory, in the array of vectors, where the mask holds.',
    args: ['index', 'value', 'mask?'],
    attrs: ['base', 'size', 'phase', 'array'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([i, v, m], cx) => guarded(m, `tiles[${at(cx.attrs, i)}] = bitcast<vec4<u32>>(${v});`),
  }),
  /** Sorts a region of workgroup memory. */
  wg_sort: op({
    doc: 'Sorts `size` words of workgroup memory in rows of 2^`bits` elements of the kind `type`, all invocations together.',
    args: ['tid'],
    attrs: ['base', 'size', 'phase', 'type', 'bits', 'descending', 'lanes'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([tid], { attrs, helper }) => {
      const elements = Number(attrs.size) / (String(attrs.type).endsWith('64') ? 2 : 1);
      return `${helper(`sort_${attrs.type}`)}(vec4<i32>(${attrs.base}, ${elements}, ${attrs.bits}, ${attrs.descending ? 1 : 0}), ${tid}, ${attrs.lanes});`;
    },
  }),
  /** Sets a counter to 0. */
  wg_count_clear: op({
    doc: 'Sets an atomic counter of workgroup memory to 0 where the mask holds.',
    args: ['index', 'mask?'],
    attrs: ['base', 'size', 'phase', 'array'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([i, m], cx) => guarded(m, `atomicStore(&counts[${at(cx.attrs, i)}], 0);`),
  }),
  /** Counts one more. */
  wg_count: op({
    doc: 'Adds 1 to an atomic counter of workgroup memory where the mask holds.',
    args: ['index', 'mask?'],
    attrs: ['base', 'size', 'phase', 'array'],
    traits: ['writes', 'effect'],
    type: none,
    wgsl: ([i, m], cx) => guarded(m, `atomicAdd(&counts[${at(cx.attrs, i)}], 1);`),
  }),
  /** Reads a counter. */
  wg_counted: op({
    doc: 'Reads an atomic counter of workgroup memory.',
    args: ['index'],
    attrs: ['base', 'size', 'phase', 'array'],
    traits: ['reads'],
    type: () => [scalar(DTYPES.i32)],
    wgsl: ([i], cx) => `atomicLoad(&counts[${at(cx.attrs, i)}])`,
  }),
  /** Waits for all invocations. */
  barrier: op({
    doc: 'Waits until all invocations of the workgroup are here; makes their writes to workgroup and/or storage memory visible.',
    args: [],
    attrs: ['workgroup', 'storage'],
    traits: ['effect'],
    type: none,
    wgsl: (_v, cx) =>
      [cx.attrs.workgroup ? 'workgroupBarrier();' : '', cx.attrs.storage ? 'storageBarrier();' : ''].filter(Boolean).join(' '),
  }),
  /** Another invocation's value. */
  shuffle_xor: op({
    doc: 'The operand’s value in the invocation whose id differs by `mask`, in the same subgroup.',
    args: ['x'],
    attrs: ['mask'],
    traits: ['effect'],
    type: sameAsFirst,
    wgsl: ([x], cx) => `subgroupShuffleXor(${x}, ${cx.attrs.mask}u)`,
  }),
  /** A value that is equal in all invocations, made provably so. */
  make_uniform: op({
    doc: 'A scalar that is equal in all invocations, passed through workgroup memory so that WGSL’s uniformity analysis knows it.',
    args: ['x'],
    traits: ['effect'],
    type: sameAsFirst,
    wgsl: ([x], cx) => `${cx.helper(`make_uniform_${dtypeOf(cx.type).name}`)}(${x}, tid)`,
  }),
  /** True if the operand is true anywhere in the workgroup. */
  any_uniform: op({
    doc: 'True in all invocations if the operand is true in any; WGSL’s uniformity analysis knows that all get the same.',
    args: ['x'],
    traits: ['effect'],
    type: sameAsFirst,
    wgsl: ([x], cx) => `${cx.helper('any_uniform')}(${x}, tid)`,
  }),
  /** A record in the log ring. */
  log_record: op({
    doc: 'Appends a record [site, pid0, pid1, pid2, element, values…] to the log buffer where the mask holds.',
    args: ['element', 'mask', '...'],
    attrs: ['site', 'words'],
    traits: ['effect'],
    type: none,
    wgsl: ([element, mask, ...words], cx) => {
      const rec = [`${cx.attrs.site}u`, 'u32(pid0)', 'u32(pid1)', 'u32(pid2)', `u32(${element})`, ...words];
      const n = rec.length;
      const writes = rec.map((w, k) => `tessera_log.data[at + ${k}u] = ${w};`).join(' ');
      return `if (${mask}) { let at = atomicAdd(&tessera_log.used, ${n}u); if (at + ${n}u <= arrayLength(&tessera_log.data)) { ${writes} } }`;
    },
  }),
} satisfies Record<string, Row>;

const at = (attrs: Attrs, i: string): string => (Number(attrs.base) ? `${attrs.base} + ${i}` : i);
const uniformField = (attrs: Attrs, t: Type): string => (dtypeOf(t).is_bool() ? `(u.${attrs.field} != 0u)` : `u.${attrs.field}`);
const wordRead = (attrs: Attrs, i: string): string =>
  attrs.atomic ? `atomicLoad(&${attrs.buffer}[${i}])` : `${attrs.buffer}[${i}]`;

function decode(dtype: string, x: string, helper: (n: string) => string): string {
  switch (dtype) {
    case 'fp8e4nv':
    case 'fp8e5':
      return `${helper(`${dtype}_decode`)}(${x})`;
    case 'f16':
      return `unpack2x16float(${x}).x`;
    case 'bf16':
      return `bitcast<f32>(${x} << 16u)`;
    case 'bool':
      return `(${x} != 0u)`;
    case 'i8':
      return `(bitcast<i32>(${x} << 24u) >> 24u)`;
    case 'i16':
      return `(bitcast<i32>(${x} << 16u) >> 16u)`;
    default:
      return x;
  }
}
function encode(dtype: string, x: string, helper: (n: string) => string): string {
  switch (dtype) {
    case 'f16':
    case 'fp8e4nv':
    case 'fp8e5':
      return `${helper(`${dtype}_encode`)}(${x})`;
    case 'bf16':
      return `(bitcast<u32>(${x}) >> 16u)`;
    case 'bool':
      return `select(0u, 1u, ${x})`;
    case 'i8':
      return `(bitcast<u32>(${x}) & 255u)`;
    case 'i16':
      return `(bitcast<u32>(${x}) & 65535u)`;
    default:
      return x;
  }
}
