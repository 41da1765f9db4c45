// Triton's functions as tables: the order of their Python parameters, which of them stand in our options object, and what
// kind of value they give. A function that is not here keeps its positional arguments and puts keywords into options.

import { CONVERSIONS } from './conversions.ts';

/** What is known of a value: enough to choose operators and declarations. `num` is int or float, `any` not even a number. */
export type Kind = 'any' | 'num' | 'int' | 'float' | 'bool' | 'ptr' | 'desc' | 'dtype' | 'string' | 'none' | 'tuple' | 'fn';

/** A kind; `first`: that of the first argument; `join`: what the last two have in common; `dtype`: as a dtype argument says. */
export type Result = Kind | 'first' | 'join' | 'castTo';
export interface FunctionRow {
  /** Python's parameters in order. */
  readonly params: readonly string[];
  /** How many of them are positional in TypeScript; the rest are options. */
  readonly positional: number;
  /** Those that Triton cannot do without, although we can. */
  readonly required: readonly string[];
  /** A function of libdevice, not of `tl`. */
  readonly libdevice?: boolean;
  /** Positional ones that may simply be absent in front of options. */
  readonly droppable: readonly string[];
  /** The parameters before this one are spread: `...values`. */
  readonly result: Result;
  /** Name in `tl`, where it differs. */
  readonly as?: string;
}

/** `row('x axis? | keep_dims', 'first')`: names before `|` are positional; `?` marks those that may be left out before options, `!` those
 * that Triton wants in any case, although we do not. */
const row = (text: string, result: Result, as?: string): FunctionRow => {
  const [before, after = ''] = text.split('|').map((s) => s.trim().split(/\s+/).filter(Boolean)) as [string[], string[]?];
  const bare = before.map((p) => p.replace(/[?!]$/, ''));
  const droppable = before.filter((p) => /[?!]$/.test(p)).map((p) => p.slice(0, -1));
  const required = before.filter((p) => p.endsWith('!')).map((p) => p.slice(0, -1));
  return { params: [...bare, ...after], positional: before.length, required, droppable, result, ...(as ? { as } : {}) };
};
const many = (names: string, text: string, result: Result): [string, FunctionRow][] =>
  names.split(' ').map((n) => [n, row(text, result)]);

const libdevice: typeof many = (...row) => many(...row).map(([name, r]) => [name, { ...r, libdevice: true }]);

/** libdevice's fast functions: the precise ones stand in. */
const FAST: readonly (readonly [string, string])[] = [
  ['fast_sinf', 'sin'],
  ['fast_cosf', 'cos'],
  ['fast_tanf', 'tan'],
  ['fast_tanhf', 'tanh'],
  ['fast_expf', 'exp'],
  ['fast_exp10f', 'exp10'],
  ['fast_logf', 'log'],
  ['fast_log2f', 'log2'],
  ['fast_log10f', 'log10'],
];

const COMBINING: { readonly [name: string]: string } = {
  _elementwise_max: 'maximum',
  _elementwise_min: 'minimum',
  _sum_combine: 'add',
  _prod_combine: 'mul',
};

export const FUNCTIONS: ReadonlyMap<string, FunctionRow> = new Map<string, FunctionRow>([
  ...many('program_id num_programs', 'axis!', 'int'),
  ['arange', row('start end', 'int')],
  ['full', row('shape value dtype', 'castTo')],
  ['to_tensor', row('x', 'first')],
  ['zeros', row('shape dtype', 'castTo')],
  ['zeros_like', row('input', 'first')],
  ['cast', row('input dtype | fp_downcast_rounding bitcast', 'castTo')],
  ['to', row('input dtype | fp_downcast_rounding bitcast', 'castTo', 'cast')],
  ['load', row('pointer | mask other boundary_check padding_option cache_modifier eviction_policy volatile', 'num')],
  ['store', row('pointer value | mask boundary_check cache_modifier eviction_policy', 'none')],
  ...many('atomic_add atomic_max atomic_min atomic_xchg atomic_and atomic_or atomic_xor', 'pointer val | mask sem scope', 'num'),
  ['atomic_cas', row('pointer cmp val | sem scope', 'num')],
  ['make_block_ptr', row('base | shape strides offsets block_shape order', 'desc')],
  ['advance', row('base offsets', 'first')],
  ['make_tensor_descriptor', row('base | shape strides block_shape padding_option', 'desc')],
  ['load_tensor_descriptor', row('desc offsets', 'num')],
  ['store_tensor_descriptor', row('desc offsets value', 'none')],
  ['where', row('condition x y', 'join')],
  ...many('minimum maximum', 'x y | propagate_nan', 'join'),
  ['clamp', row('x min max | propagate_nan', 'first')],
  ['cdiv', row('x div', 'int')],
  ...many('add sub mul', 'x y | sanitize_overflow', 'join'),
  ...many('exp exp2 log log2 sqrt rsqrt sin cos erf floor ceil sigmoid sqrt_rn', 'x', 'float'),
  ...libdevice(
    'tanh tan asin acos atan sinh cosh asinh acosh atanh exp10 expm1 log1p log10 cbrt trunc rint nearbyint round saturatef rcp_rn',
    'x',
    'float',
  ),
  ...libdevice('atan2 pow hypot fmod copysign fdim', 'x y', 'float'),
  ...libdevice('isnan isinf finitef', 'x', 'bool'),
  ...libdevice('signbit clz popc ffs llrint llround', 'x', 'int'),
  ['brev', row('x', 'first')],
  ...FAST.map(([name, as]): [string, FunctionRow] => [name, row('x', 'float', as)]),
  ...[...CONVERSIONS].map(([name, c]): [string, FunctionRow] => [name, row('x', c.result)]),
  ...many('add_rn sub_rn mul_rn', 'x y', 'float'),
  ['fast_powf', row('x y', 'float', 'pow')],
  ['fast_dividef', row('x y', 'float', 'fdiv')],
  ['fma_rn', row('x y z', 'float', 'fma')],
  ['abs', row('x', 'first')],
  ['fma', row('x y z', 'float')],
  ['fdiv', row('x y | ieee_rounding', 'float')],
  ['div_rn', row('x y', 'float')],
  ['umulhi', row('x y', 'int')],
  ['softmax', row('x dim? | keep_dims ieee_rounding', 'float')],
  ['sum', row('input axis? | keep_dims dtype', 'first')],
  ['max', row('input axis? | return_indices return_indices_tie_break_left keep_dims', 'first')],
  ['min', row('input axis? | return_indices return_indices_tie_break_left keep_dims', 'first')],
  ...many('argmax argmin', 'input axis! | tie_break_left keep_dims', 'int'),
  ['xor_sum', row('input axis? | keep_dims', 'first')],
  ['reduce_or', row('input axis? | keep_dims', 'first')],
  ['reduce', row('input axis combine_fn | keep_dims', 'first')],
  ['associative_scan', row('input axis combine_fn | reverse', 'first')],
  ['cumsum', row('input axis? | reverse dtype', 'first')],
  ['cumprod', row('input axis? | reverse', 'first')],
  ['sort', row('x dim? | descending', 'first')],
  ['topk', row('x k dim? ', 'first')],
  ['flip', row('x dim?', 'first')],
  ['histogram', row('input num_bins | mask', 'int')],
  ['gather', row('src index axis', 'first')],
  ['dot', row('input other acc? | input_precision allow_tf32 max_num_imprecise_acc out_dtype', 'num')],
  [
    'dot_scaled',
    row('lhs lhs_scale lhs_format rhs rhs_scale rhs_format acc? | fast_math lhs_k_pack rhs_k_pack out_dtype', 'float'),
  ],
  ['expand_dims', row('input axis', 'first')],
  ['broadcast', row('input other', 'tuple')],
  ['broadcast_to', row('input shape', 'first')],
  ['reshape', row('input shape | can_reorder', 'first')],
  ['view', row('input shape', 'first')],
  ['ravel', row('x | can_reorder', 'first')],
  ...many('trans permute', 'input dims', 'first'),
  ['join', row('a b', 'first')],
  ['split', row('a', 'tuple')],
  ['interleave', row('a b', 'first')],
  ['cat', row('input other | can_reorder', 'first')],
  ['swizzle2d', row('i j size_i size_j size_g', 'tuple')],
  ['rand', row('seed offset | n_rounds', 'float')],
  ['randn', row('seed offset | n_rounds', 'float')],
  ['randint', row('seed offset | n_rounds', 'int')],
  ['rand4x', row('seed offsets | n_rounds', 'tuple')],
  ...many('randn4x randint4x', 'seed offset | n_rounds', 'tuple'),
  ['philox_impl', row('c0 c1 c2 c3 k0 k1 | n_rounds', 'tuple')],
  ['uint_to_uniform_float', row('x', 'float')],
  ['pair_uniform_to_normal', row('u1 u2', 'tuple')],
  ['philox', row('seed c0 c1 c2 c3 | n_rounds', 'tuple')],
  ...many('multiple_of max_contiguous max_constancy', 'input values', 'first'),
  ['condition', row('arg1 | disable_licm', 'bool')],
  ['assume', row('cond', 'none')],
  ['debug_barrier', row('', 'none')],
  ['device_assert', row('cond msg mask', 'none')],
  ['static_assert', row('cond msg', 'none')],
  [
    'range',
    row('arg1 arg2 step | num_stages loop_unroll_factor disallow_acc_multi_buffer flatten warp_specialize disable_licm', 'int'),
  ],
  ['static_range', row('arg1 arg2 step', 'int')],
  ['next_power_of_2', row('n', 'int')],
  // The combining functions of Triton's own reductions, which `tl.reduce` may name.
  ...many('_elementwise_max _elementwise_min _sum_combine _prod_combine', 'a b', 'join').map(
    ([name, r]): [string, FunctionRow] => [name, { ...r, as: COMBINING[name] }],
  ),
]);

/** Methods that tensor descriptors have here too, with their arguments in order. */
export const DESCRIPTOR_METHODS: ReadonlyMap<string, readonly string[]> = new Map([
  ['gather', ['x_offsets', 'y_offset']],
  ['scatter', ['value', 'x_offsets', 'y_offset']],
  ...['add', 'min', 'max', 'and', 'or', 'xor'].map((f): [string, string[]] => [`atomic_${f}`, ['offsets', 'value']]),
]);

/** Functions that take `shape` as one list or as several numbers; we write a list. They keep the order whatever `can_reorder` allows. */
export const SHAPE_LISTS: ReadonlySet<string> = new Set(['reshape', 'view', 'ravel', 'broadcast_to', 'trans', 'permute']);

/** Attributes of tiles that become calls. */
export const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ['dtype', 'dtype_of'],
  ['type', 'dtype_of'],
  ['shape', 'shape_of'],
  ['T', 'trans'],
]);
/** Attributes of tensor descriptors that hold a number a dimension. */
export const DESCRIPTOR_LISTS: ReadonlySet<string> = new Set(['shape', 'strides', 'block_shape']);
/** Attributes of dtypes that have another name here. */
export const DTYPE_ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ['primitive_bitwidth', 'bits'],
  ['int_bitwidth', 'bits'],
  ['itemsize', 'bytes'],
  ['fp_mantissa_width', 'mantissa'],
]);
/** Attributes that add nothing in TypeScript. */
export const TRANSPARENT: ReadonlySet<string> = new Set(['value', 'element_ty', 'scalar']);

const FLOATS = [
  'float16',
  'bfloat16',
  'float32',
  'float64',
  'float8e4nv',
  'float8e5',
  'float8e4b8',
  'float8e5b16',
  'float8e4b15',
];
const INTS = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'];
/** Dtypes to the kind of their values. */
export const DTYPE_KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...FLOATS.map((d): [string, Kind] => [d, 'float']),
  ...INTS.map((d): [string, Kind] => [d, 'int']),
  ['int1', 'bool'],
]);
/** Short names for parameter types. */
export const shortDtype = (name: string): string =>
  name === 'int1'
    ? 'bool'
    : name
        .replace(/^bfloat/, 'bf')
        .replace(/^float8/, 'fp8')
        .replace(/^float/, 'f')
        .replace(/^uint/, 'u')
        .replace(/^int/, 'i');

/** Names that TypeScript keeps for itself, or that the ported file uses. */
const RESERVED = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for ' +
    'function if implements import in instanceof interface let new null package private protected public return static super switch ' +
    'this throw true try typeof undefined var void while with yield kernel tl Math Infinity NaN autotune heuristics cdiv next_power_of_2 Config Tensor'
  ).split(' '),
);
/** A Python name as a TypeScript name: reserved words get a trailing underscore. */
export const tsName = (name: string): string => (RESERVED.has(name) ? `${name}_` : name);
