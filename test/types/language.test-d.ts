// What the type checker makes of `tl.*`: numbers for tiles, booleans for masks, tuples, dtypes, options. Nothing here runs; types.test.ts
// has it checked.

import { expectTypeOf } from 'vitest';
import { tl } from '../../src/index.ts';

declare const x: number;
declare const m: boolean;
declare const p: tl.ptr<tl.f32>;

// ---- results: masks are boolean, everything else is number
expectTypeOf(tl.program_id(0)).toEqualTypeOf<number>();
expectTypeOf(tl.program_id).parameter(0).toEqualTypeOf<number | undefined>();
expectTypeOf(tl.arange(0, 8) < 4).toEqualTypeOf<boolean>();
expectTypeOf(tl.load(p + x, { mask: x < 3 && m, other: 0 })).toEqualTypeOf<number>();
expectTypeOf(tl.store(p, x)).toEqualTypeOf<void>();
expectTypeOf(tl.where(m, x, 1)).toEqualTypeOf<number>();
expectTypeOf(tl.where(m, x > 1, false)).toEqualTypeOf<boolean>();
expectTypeOf(tl.isnan(x)).toEqualTypeOf<boolean>();
expectTypeOf(tl.signbit(x)).toEqualTypeOf<number>();
expectTypeOf(tl.col(m)).toEqualTypeOf<boolean>();
expectTypeOf(tl.reshape(x, [4, 2])).toEqualTypeOf<number>();
expectTypeOf(tl.reshape(m, 4, 2, { can_reorder: true })).toEqualTypeOf<boolean>();
expectTypeOf(tl.join(m, m)).toEqualTypeOf<boolean>();
expectTypeOf(tl.split(x)).toEqualTypeOf<[number, number]>();
expectTypeOf(tl.split(m)).toEqualTypeOf<[boolean, boolean]>();
expectTypeOf(tl.gather(m, x, 0)).toEqualTypeOf<boolean>();
expectTypeOf(tl.max(x, 0)).toEqualTypeOf<number>();
expectTypeOf(tl.max(x, 0, { return_indices: true })).toEqualTypeOf<[number, number]>();
expectTypeOf(tl.min(x, { axis: 1, return_indices: true, keep_dims: true })).toEqualTypeOf<[number, number]>();
expectTypeOf(tl.sum(m, 0, { dtype: tl.i32 })).toEqualTypeOf<number>();
expectTypeOf(tl.rand(1, x)).toEqualTypeOf<number>();
expectTypeOf(tl.rand4x(1, x)).toEqualTypeOf<[number, number, number, number]>();
expectTypeOf(tl.philox(1, x, x, x, x, { n_rounds: 7 })).toEqualTypeOf<[number, number, number, number]>();
expectTypeOf(tl.pair_uniform_to_normal(x, x)).toEqualTypeOf<[number, number]>();
expectTypeOf(tl.swizzle2d(x, x, 8, 8, 2)).toEqualTypeOf<[number, number]>();
expectTypeOf(tl.broadcast(x, 1)).toEqualTypeOf<[number, number]>();
expectTypeOf(tl.dtype_of(m)).toEqualTypeOf<tl.dtype>();
expectTypeOf(tl.shape_of(x)).toEqualTypeOf<readonly number[]>();
expectTypeOf(tl.range(0, 8, 2, { num_stages: 3 })).toExtend<Iterable<number>>();
expectTypeOf(tl.range).parameter(2).toEqualTypeOf<number | undefined>();
expectTypeOf(tl.static_range(4)).toEqualTypeOf<number[]>();
expectTypeOf(tl.condition(m, { disable_licm: true })).toEqualTypeOf<boolean>();
expectTypeOf(tl.multiple_of(x, [16])).toEqualTypeOf<number>();

// ---- functions of elements
expectTypeOf(tl.reduce(x, 0, (a, b) => a + b)).toEqualTypeOf<number>();
expectTypeOf(tl.reduce(m, null, (a, b) => a && b)).toEqualTypeOf<boolean>();
expectTypeOf(tl.reduce([x, m], 0, (a, f, b, g) => [g ? b : a + b, f || g])).toEqualTypeOf<[number, boolean]>();
expectTypeOf(tl.associative_scan([x, x], 0, (a, b, c, d) => [a + c, b * d], { reverse: true })).toEqualTypeOf<[number, number]>();
expectTypeOf(tl.map_elementwise((a: number) => a > 0, x)).toEqualTypeOf<boolean>();
expectTypeOf(tl.map_elementwise((a: number, b: number) => [a, b > a] as const, x, x, { pack: 1 })).toEqualTypeOf<
  [number, boolean]
>();

// ---- structures
const block = tl.make_block_ptr(p, { shape: [8, x], strides: [x, 1], offsets: [0, 0], block_shape: [4, 4], order: [1, 0] });
expectTypeOf(tl.advance(block, [0, 4])).toEqualTypeOf(block);
expectTypeOf(tl.load(block, { boundary_check: [0, 1], padding_option: 'zero' })).toEqualTypeOf<number>();
const desc = tl.make_tensor_descriptor(p, { shape: [8, x], strides: [x, 1], block_shape: [4, 4], padding_option: 'nan' });
expectTypeOf(desc.load([0, x])).toEqualTypeOf<number>();
expectTypeOf(desc.block_shape).toEqualTypeOf<readonly number[]>();

// ---- masks and numbers
// @ts-expect-error a mask is no number
tl.exp(m);
// @ts-expect-error nor is a comparison
tl.dot(x, x < 1);
// @ts-expect-error device_assert asks a condition
tl.device_assert(x, 'x');
// @ts-expect-error so does assume
tl.assume(x);
// @ts-expect-error both sides are of one kind
tl.where(m, x, m);
// @ts-expect-error an index is a number
tl.gather(x, m, 0);
// @ts-expect-error both are of one kind
tl.join(x, m);
// @ts-expect-error the function combines masks
tl.reduce(m, 0, (a, b) => a + b);
// @ts-expect-error the function returns as many values as there are tiles
expectTypeOf(tl.reduce([x, x], 0, (a: number, b: number, c: number, d: number) => a + b + c + d));

// ---- argument count
// @ts-expect-error the value is missing
tl.store(p);
// @ts-expect-error an end is needed
tl.arange(8);
// @ts-expect-error one argument too many
tl.exp(x, x);
// @ts-expect-error no value to compare with
tl.atomic_cas(p, x);

// ---- dtypes are values
expectTypeOf(tl.f32).toEqualTypeOf<tl.dtype>();
expectTypeOf(tl.float32).toEqualTypeOf<tl.dtype>();
tl.cast(x, tl.bf16, { fp_downcast_rounding: 'rtz' });
// @ts-expect-error a dtype, not its name
tl.zeros([8], 'f32');
// @ts-expect-error a dtype is needed
tl.full([8], 1);
// @ts-expect-error a dtype, not its name
tl.cast(x, 'f16');
// @ts-expect-error a dtype, not its name
tl.sum(x, 0, { dtype: 'i64' });
// @ts-expect-error there is no such dtype
tl.zeros([8], tl.f128);

// ---- options
tl.dot(x, x, x, { input_precision: 'tf32x3', out_dtype: tl.f32, max_num_imprecise_acc: 0 });
tl.dot(x, x, { acc: x, allow_tf32: false });
tl.load(p, { mask: null, cache_modifier: '.cg', eviction_policy: 'evict_last', volatile: true });
tl.atomic_add(p, x, { mask: m, sem: 'relaxed', scope: 'gpu' });
tl.maximum(x, x, { propagate_nan: tl.PropagateNan.ALL });
tl.device_print('x', x, m, { hex: true });
expectTypeOf(tl.dot_scaled(x, x, 'e2m1', x, null, 'bf16', x, { lhs_k_pack: true })).toEqualTypeOf<number>();
// @ts-expect-error there is no such format
tl.dot_scaled(x, x, 'e3m2', x, x, 'e2m1');
// @ts-expect-error there is no such precision
tl.dot(x, x, { input_precision: 'fp32' });
// @ts-expect-error there is no such option
tl.dot(x, x, { precision: 'ieee' });
// @ts-expect-error there is no such padding
tl.load(block, { padding_option: 'inf' });
// @ts-expect-error there is no such order of memory
tl.atomic_add(p, x, { sem: 'seq_cst' });
// @ts-expect-error there is no such scope
tl.atomic_add(p, x, { scope: 'device' });
// @ts-expect-error compare-exchange has no mask, as in Triton
tl.atomic_cas(p, x, x, { mask: m });
// @ts-expect-error there is no such modifier for loads
tl.load(p, { cache_modifier: '.wb' });
// @ts-expect-error there is no such policy
tl.store(p, x, { eviction_policy: 'evict' });
// @ts-expect-error there is no such rounding
tl.cast(x, tl.f16, { fp_downcast_rounding: 'up' });
// @ts-expect-error a store has no value for what it leaves out
tl.store(p, x, { other: 0 });
// @ts-expect-error the option has Triton's name
tl.sum(x, 0, { keepdims: true });
// @ts-expect-error there is no such option
tl.softmax(x, 0, { axis: 1 });
// @ts-expect-error the option has Triton's name
tl.rand(1, x, { rounds: 7 });
// @ts-expect-error block_shape is missing
tl.make_tensor_descriptor(p, { shape: [8], strides: [1] });
// @ts-expect-error nothing but `tl.PropagateNan`'s own
tl.maximum(x, x, { propagate_nan: true });
// @ts-expect-error an expression needs a dtype
tl.inline_wgsl_elementwise('$0 + 1', [x], {});
// @ts-expect-error a step is a number
tl.range(0, 8, '2');
// @ts-expect-error blocks are moved by tl.advance
tl.advance(p, [4]);
// @ts-expect-error there is no such function
tl.permutate(x);

// ---- what is put in another's place
// @ts-expect-error a mask is an option, not the second operand
tl.load(p, m);
// @ts-expect-error a pointer is no text
tl.load('p');
// @ts-expect-error a pointer has no such methods: descriptors have
tl.store_tensor_descriptor(p, [0, 0], x);
// @ts-expect-error a descriptor is no value
tl.store(block, desc);
// @ts-expect-error block pointers are moved by tl.advance
block + 4;
// @ts-expect-error nor are descriptors added to
desc + 4;
// @ts-expect-error the tile is missing
desc.atomic_add([0, 0]);
// @ts-expect-error order is missing
tl.make_block_ptr(p, { shape: [8], strides: [1], offsets: [0], block_shape: [4] });
// @ts-expect-error tiles have no methods
x.to(tl.f16);
// @ts-expect-error tiles have no elements to ask for
x[0];
// @ts-expect-error functions stand in tl itself
tl.math.exp(x);
// @ts-expect-error one axis is a number
tl.sum(x, '0');
// @ts-expect-error options have names
tl.sum(x, 0, true);
// @ts-expect-error options have names
tl.cat(x, x, true);
// @ts-expect-error options have names
tl.cast(x, tl.f16, true);
// @ts-expect-error the mask is an option
tl.histogram(x, 8, m);
// @ts-expect-error an accumulator holds numbers
tl.dot(x, x, m);
// @ts-expect-error a dtype, not its name
tl.dot(x, x, { out_dtype: 'f32' });
// @ts-expect-error the sum of masks needs a cast
m + m;

// ---- results
// @ts-expect-error one value without return_indices
const [_best, _place] = tl.max(x, 0);
// @ts-expect-error two values with it
tl.max(x, 0, { return_indices: true }) + 1;
// @ts-expect-error there are two halves
const [_a, _b, _c] = tl.split(x);
// @ts-expect-error a combining function of one tile gives one value
tl.reduce(x, 0, (a: number) => [a, a]);
// @ts-expect-error a function combines, not its name
tl.associative_scan(x, 0, 'add');
// @ts-expect-error the function comes first
tl.map_elementwise(x, (a: number) => a);
// @ts-expect-error a device function has the types of its parameters
tl.fn((a: number) => a)(m);

// ---- what is missing
// @ts-expect-error the value where it is false
tl.where(m, x);
// @ts-expect-error k
tl.topk(x);
// @ts-expect-error the upper bound
tl.clamp(x, 0);
// @ts-expect-error offsets
tl.rand(x);
// @ts-expect-error the axis
tl.gather(x, x);
// @ts-expect-error the axis
tl.expand_dims(x);
// @ts-expect-error the size of a group
tl.swizzle2d(x, x, 8, 8);
// @ts-expect-error the prefix
tl.device_print(x);
// @ts-expect-error an option of another function
tl.argmax(x, 0, { return_indices: true });
// @ts-expect-error static loops have no options
tl.static_range(0, 4, 1, { num_stages: 1 });
