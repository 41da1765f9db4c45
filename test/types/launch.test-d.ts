// What the type checker makes of kernels, launches and tuning. Nothing here runs; types.test.ts has it checked.

import { expectTypeOf } from 'vitest';
import { autotune, Config, type Device, heuristics, type Kernel, kernel, type Tensor, tl } from '../../src/index.ts';

declare const dev: Device;
declare const x: Tensor;

const scale = kernel(function scale({
  x_ptr,
  mask_ptr,
  n,
  factor,
  flag,
  BLOCK,
  EVEN,
  MODE,
  OUT,
}: {
  x_ptr: tl.ptr<tl.f32>;
  mask_ptr: tl.ptr | null;
  n: tl.i32;
  factor: tl.f32;
  flag?: tl.bool;
  BLOCK: tl.constexpr;
  EVEN: tl.constexpr<boolean>;
  MODE: tl.constexpr<'sum' | 'max'>;
  OUT: tl.constexpr<tl.dtype>;
}) {
  // Inside, pointers and scalars are numbers and constexprs have their own types.
  expectTypeOf(x_ptr).toExtend<number>();
  expectTypeOf(mask_ptr).toExtend<number | null>();
  expectTypeOf(n).toExtend<number>();
  expectTypeOf(factor).toExtend<number>();
  expectTypeOf(flag).toExtend<number | undefined>();
  expectTypeOf(BLOCK).toExtend<number>();
  expectTypeOf(EVEN).toExtend<boolean>();
  expectTypeOf(MODE).toExtend<'sum' | 'max'>();
  expectTypeOf(OUT).toExtend<tl.dtype>();
  const offs = tl.arange(0, BLOCK);
  const mask = offs < n;
  tl.store(x_ptr + offs, tl.load(x_ptr + offs, { mask }) * factor, { mask });
});

const args = { x_ptr: x, mask_ptr: null, n: 8, factor: 2, BLOCK: 8, EVEN: true, MODE: 'sum', OUT: tl.f16 } as const;
scale.launch(dev, [1], args);
scale.launch(dev, [1, 2, 3], { ...args, mask_ptr: x, flag: true, n: 8n });
scale.launch(dev, (meta) => [tl.cdiv(meta.n, meta.BLOCK)], args, { num_warps: 8, num_stages: 3 });

// @ts-expect-error no arguments at all
scale.launch(dev, [1]);
// @ts-expect-error n is missing
scale.launch(dev, [1], { x_ptr: x, mask_ptr: null, factor: 2, BLOCK: 8, EVEN: true, MODE: 'sum', OUT: tl.f16 });
// @ts-expect-error a parameter that may be null must still be named
scale.launch(dev, [1], { x_ptr: x, n: 8, factor: 2, BLOCK: 8, EVEN: true, MODE: 'sum', OUT: tl.f16 });
// @ts-expect-error there is no such parameter
scale.launch(dev, [1], { ...args, block: 8 });
// @ts-expect-error a pointer takes a tensor
scale.launch(dev, [1], { ...args, x_ptr: 5 });
// @ts-expect-error only a pointer with `| null` may be absent
scale.launch(dev, [1], { ...args, x_ptr: null });
// @ts-expect-error a scalar takes a number
scale.launch(dev, [1], { ...args, n: x });
// @ts-expect-error a scalar takes a number, no text
scale.launch(dev, [1], { ...args, n: '8' });
// @ts-expect-error constexprs of numbers take no booleans
scale.launch(dev, [1], { ...args, BLOCK: true });
// @ts-expect-error constexprs of booleans take no numbers
scale.launch(dev, [1], { ...args, EVEN: 1 });
// @ts-expect-error none of the texts that MODE may be
scale.launch(dev, [1], { ...args, MODE: 'min' });
// @ts-expect-error a dtype is a value, not its name
scale.launch(dev, [1], { ...args, OUT: 'f16' });
// @ts-expect-error a grid is a list
scale.launch(dev, 4, args);
// @ts-expect-error launch options have Triton's names
scale.launch(dev, [1], args, { warps: 8 });
// @ts-expect-error num_warps is a number
scale.launch(dev, [1], args, { num_warps: '8' });

kernel(
  function options({ n }: { n: tl.i32 }) {
    tl.static_print(n);
  },
  { num_warps: 2, num_ctas: 1, enable_fp_fusion: false },
);
const oneParameter = ({ n }: { n: tl.i32 }): void => tl.static_print(n);
// @ts-expect-error there is no such option
kernel<{ n: tl.i32 }>(oneParameter, { maxregs: 2 });
const twoParameters = ({ n }: { n: tl.i32 }, m: number): void => tl.static_print(n + m);
// @ts-expect-error a kernel takes one object of parameters
kernel(twoParameters);
expectTypeOf(scale).toExtend<Kernel>();

// ---- device functions keep their signatures
const add = tl.fn(function add(a: number, b: number = 1): [number, boolean] {
  return [a + b, a < b];
});
expectTypeOf(add).parameters.toEqualTypeOf<[a: number, b?: number]>();
expectTypeOf(add(1)).toEqualTypeOf<[number, boolean]>();
// @ts-expect-error an argument is missing
add();
// @ts-expect-error a mask is no number
add(1 < 2);
// @ts-expect-error only functions
tl.fn(3);

// ---- autotune and heuristics
const tuned = autotune(scale, {
  configs: [
    Config({ BLOCK: 64 }, { num_warps: 4 }),
    Config({ BLOCK: 128, EVEN: false }),
    { args: { BLOCK: 256 }, num_stages: 2 },
  ],
  key: ['n'],
  reset_to_zero: ['x_ptr'],
  prune_configs_by: { early_config_prune: (configs) => configs.slice(1), top_k: 2 },
});
const rest = { x_ptr: x, mask_ptr: null, n: 8, factor: 2, EVEN: true, MODE: 'sum', OUT: tl.f16 } as const;
tuned.launch(dev, [1], rest);
expectTypeOf(tuned.best(dev, rest).args.BLOCK).toEqualTypeOf<number | undefined>();
expectTypeOf(tuned.tune(dev, [1], rest)).resolves.toHaveProperty('args');
// @ts-expect-error the parameters of the kernel only
tuned.launch(dev, [1], { ...rest, m: 8 });
// @ts-expect-error a pointer takes a tensor
tuned.launch(dev, [1], { ...rest, x_ptr: 5 });
// @ts-expect-error a config names parameters of the kernel
autotune(scale, { configs: [{ args: { BLOCKS: 64 } }], key: [] });
// @ts-expect-error a config gives each the kind it has
autotune(scale, { configs: [Config({ BLOCK: 'large' })], key: [] });
// @ts-expect-error a key names parameters of the kernel
autotune(scale, { configs: [Config({ BLOCK: 64 })], key: ['m'] });
// @ts-expect-error configs are needed
autotune(scale, { key: ['n'] });
// @ts-expect-error Triton's options only
Config({ BLOCK: 64 }, { warps: 4 });

const easy = heuristics(scale, { EVEN: ({ n, BLOCK }) => n % BLOCK === 0, BLOCK: (a) => (a.n > 64 ? 64 : 32) });
easy.launch(dev, [1], { x_ptr: x, mask_ptr: null, n: 8, factor: 2, MODE: 'sum', OUT: tl.f16 });
autotune(easy, { configs: [Config({ MODE: 'max' as const })], key: ['n'] });
heuristics(tuned, { EVEN: ({ n }) => n > 2 }).launch(dev, [1], {
  x_ptr: x,
  mask_ptr: null,
  n: 8,
  factor: 2,
  MODE: 'sum',
  OUT: tl.f16,
});
autotune(
  kernel(function inner({ n, BLOCK }: { n: tl.i32; BLOCK: tl.constexpr }) {
    tl.assume(n > BLOCK);
  }),
  {
    configs: [Config({ BLOCK: 64 }, { num_ctas: 1, maxnreg: 80 })],
    key: ['n'],
    prune_configs_by: { perf_model: ({ n, BLOCK, num_warps }) => n / BLOCK / num_warps },
    pre_hook: ({ BLOCK }) => void BLOCK.toFixed(),
  },
);
// @ts-expect-error MODE has no heuristic
easy.launch(dev, [1], { x_ptr: x, mask_ptr: null, n: 8, factor: 2, OUT: tl.f16 });
// @ts-expect-error a heuristic names a parameter of the kernel
heuristics(scale, { ODD: () => true });
// @ts-expect-error a heuristic gives what the parameter is
heuristics(scale, { EVEN: () => 'yes' });
// @ts-expect-error a heuristic asks for arguments that there are
heuristics(scale, { EVEN: ({ m }) => m > 2 });
