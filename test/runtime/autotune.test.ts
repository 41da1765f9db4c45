// Tuning: the fastest config is kept by device, source and key; what does not fit is left out; inputs are restored.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { autotune, Config, cdiv, heuristics, kernel, type TuneProgress, tl, tuning } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

// Does REPEAT times the work, so that which config is fastest is no accident.
const bump = kernel(function bump({
  x,
  n,
  BLOCK,
  REPEAT,
}: {
  x: tl.ptr<tl.f32>;
  n: tl.i32;
  BLOCK: tl.constexpr;
  REPEAT: tl.constexpr;
}) {
  const offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK);
  const mask = offs < n;
  let v = tl.load(x + offs, { mask });
  for (let i = 0; i < REPEAT; i++) v = tl.sin(v) * 0 + v;
  tl.store(x + offs, v + 1, { mask });
});
const slow = Config({ BLOCK: 64, REPEAT: 20_000 });
const fast = Config({ BLOCK: 64, REPEAT: 0 });
const grid = (meta: { [name: string]: number }) => [cdiv(meta.n, meta.BLOCK)];

afterEach(() => {
  tuning.store = new Map();
  tuning.force = false;
  tuning.onProgress = null;
});

onEachDevice('autotune', (dev) => {
  const vector = (n: number) => dev().tensor(Float32Array.from({ length: n }, (_, i) => i));

  it('keeps the fastest config for a key, and restores what it changes', async () => {
    const tuned = autotune(bump, { configs: [slow, fast], key: ['n'], restore_value: ['x'], rep: 3 });
    const x = vector(100);
    const seen: TuneProgress[] = [];
    tuning.onProgress = (p) => void seen.push(p);
    expect(tuned.best(dev(), { x, n: 100 })).toBe(slow); // the first, until tuned
    expect(await tuned.tune(dev(), grid, { x, n: 100 })).toBe(fast);
    expect(seen.map((p) => [p.done, p.total, p.config])).toEqual([
      [1, 2, slow],
      [2, 2, fast],
    ]);
    expect([...((await x.download()) as Float32Array)]).toEqual(Array.from({ length: 100 }, (_, i) => i));
    tuned.launch(dev(), grid, { x, n: 100 });
    expect(((await x.download()) as Float32Array)[99]).toBe(100);
    expect(tuned.best(dev(), { x, n: 100 })).toBe(fast);
    expect(tuned.best(dev(), { x, n: 99 })).toBe(slow);
    await tuned.tune(dev(), grid, { x, n: 100 });
    expect(seen.length).toBe(2); // known: not measured again
    x.free();
    expect(dev().stats.buffers).toBe(0);
  });
  it('leaves out what does not compile, and says why if nothing is left', async () => {
    const x = vector(8);
    const wrong = Config({ BLOCK: 100, REPEAT: 0 });
    expect(await autotune(bump, { configs: [wrong, fast], key: [], rep: 1 }).tune(dev(), grid, { x, n: 8 })).toBe(fast);
    await expect(autotune(bump, { configs: [wrong], key: ['n'], rep: 1 }).tune(dev(), grid, { x, n: 8 })).rejects.toThrow(
      /error TL1021/,
    );
    x.free();
  });
  it('asks prune first', async () => {
    const x = vector(8);
    const tuned = autotune(bump, {
      configs: [slow, fast],
      key: [],
      prune_configs_by: { early_config_prune: (cs, args) => (args.n === 8 ? cs.slice(0, 1) : cs) },
      rep: 1,
    });
    expect(await tuned.tune(dev(), grid, { x, n: 8 })).toBe(slow);
    x.free();
  });
  it('measures what the model leaves, on zeros, and tells hooks', async () => {
    const x = vector(8);
    const [half, none] = [Config({ BLOCK: 64, REPEAT: 1 }), Config({ BLOCK: 64, REPEAT: 2 })];
    const told: unknown[] = [];
    const launched: unknown[] = [];
    const tuned = autotune(bump, {
      configs: [none, half, Config({ BLOCK: 64, REPEAT: 0 }, { pre_hook: (a) => void launched.push(a.REPEAT) })],
      key: [],
      prune_configs_by: { perf_model: (a) => a.REPEAT as number, top_k: 2 },
      reset_to_zero: ['x'],
      post_hook: (a, e) => void told.push([a.REPEAT, e]),
      warmup: 2,
      // The last launch was on zeros; REPEAT = 1 is the fastest by this clock.
      do_bench: async (launch) => {
        launch();
        launch();
        expect([...((await x.download()) as Float32Array)]).toEqual(Array(8).fill(1));
        return launched.length ? 1 / told.length : 5;
      },
      cache_results: false,
    });
    expect(await tuned.tune(dev(), grid, { x, n: 8 })).toBe(half);
    expect(told).toEqual([
      [0, null],
      [1, null],
    ]);
    expect(launched).toEqual([0, 0]);
    expect([...(tuning.store as Map<string, string>)]).toEqual([]);
    expect(tuned.best(dev(), { x, n: 8 })).toBe(half);
    x.free();
  });
  it('one candidate that the model likes best, with the options that Triton would show it', async () => {
    const seen: unknown[] = [];
    const tuned = autotune(bump, {
      configs: [slow, Config({ BLOCK: 64, REPEAT: 0 }, { num_warps: 2, maxnreg: 64 }), fast],
      key: [],
      prune_configs_by: {
        perf_model: ({ n, REPEAT, num_warps, num_stages, num_ctas }) => {
          seen.push([REPEAT, num_warps, num_stages, num_ctas]);
          return n + REPEAT + num_warps;
        },
        top_k: 1,
      },
      cache_results: false,
    });
    const x = vector(8);
    expect((await tuned.tune(dev(), grid, { x, n: 8 })).num_warps).toBe(2);
    expect(seen).toEqual([
      [20_000, 4, 3, 1],
      [0, 2, 3, 1],
      [0, 4, 3, 1],
    ]);
    x.free();
  });
  it('refuses to choose what the launch gives', async () => {
    const x = vector(8);
    const tuned = autotune(bump, { configs: [fast], key: [] });
    const text = /error TL4304: REPEAT is given to bump twice: by the launch and by its config/;
    expect(() => tuned.launch(dev(), grid, { x, n: 8, REPEAT: 3 })).toThrow(text);
    await expect(tuned.tune(dev(), grid, { x, n: 8, REPEAT: 3 })).rejects.toThrow(text);
    tuned.kernel.launch(dev(), [1], { x, n: 8, BLOCK: 8, REPEAT: 0 });
    expect([...((await x.download()) as Float32Array)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    x.free();
  });
  it('computes arguments in front of an autotuned kernel, and tunes by them', async () => {
    const tuned = autotune(bump, {
      configs: [Config({ BLOCK: 64 }), Config({ BLOCK: 32 })],
      key: ['REPEAT'],
      restore_value: ['x'],
    });
    const filled = heuristics(tuned, { REPEAT: (a) => (a.n > 30 ? 1 : 0) });
    const x = vector(40);
    const best = await filled.tune(dev(), grid, { x, n: 40 });
    expect(filled.best(dev(), { x, n: 31 })).toBe(best);
    expect(filled.best(dev(), { x, n: 30 })).toBe(tuned.best(dev(), { x, n: 1, REPEAT: 0 }));
    expect([filled.name, filled.kernel]).toEqual(['bump', bump]);
    filled.launch(dev(), grid, { x, n: 40 });
    expect([...((await x.download()) as Float32Array)]).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    x.free();
  });
  it('says so when pruning leaves nothing', async () => {
    const tuned = autotune(bump, { configs: [slow, fast], key: [], prune_configs_by: { early_config_prune: () => [] } });
    const x = vector(8);
    await expect(tuned.tune(dev(), grid, { x, n: 8 })).rejects.toThrow(/error TL4302: .* leaves none of the 2 configs/);
    x.free();
  });
  it('computes constexprs from arguments, the config included', async () => {
    const filled = heuristics(bump, { REPEAT: (a) => (a.BLOCK > 32 ? 0 : 3), BLOCK: (a) => a.BLOCK });
    const x = vector(40);
    filled.launch(dev(), [1], { x, n: 40, BLOCK: 64 } as never);
    autotune(filled, { configs: [Config({ BLOCK: 16 })], key: [] }).launch(dev(), grid, { x, n: 40 });
    expect([...((await x.download()) as Float32Array)]).toEqual(Array.from({ length: 40 }, (_, i) => i + 2));
    x.free();
  });
});

it('refuses heuristics that do not fit the kernel', () => {
  // @ts-expect-error REPEATS is no parameter
  expect(() => heuristics(bump, { REPEATS: () => 1 })).toThrow(/error TL4303: heuristics of bump name 'REPEATS'/);
});

it('refuses configs that do not fit the kernel', () => {
  expect(() => autotune(bump, { configs: [], key: [] })).toThrow(/error TL4301: autotune of bump has no configs/);
  // @ts-expect-error BLOK is no parameter
  expect(() => autotune(bump, { configs: [Config({ BLOK: 3 })], key: [] })).toThrow(/names 'BLOK', which is no parameter/);
});

it('tessera tune measures and keeps, tessera run finds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-tune-'));
  const file = join(folder, 'k.ts');
  writeFileSync(
    file,
    `import { autotune, Config, device, kernel, tl } from 'tessera';
const k = kernel(function k({ x, BLOCK }: { x: tl.ptr<tl.f32>; BLOCK: tl.constexpr }) {
  tl.store(x + tl.arange(0, BLOCK), 1);
});
const tuned = autotune(k, { configs: [Config({ BLOCK: 64 }), Config({ BLOCK: 128 })], key: [] });
const dev = await device({ prefer: 'interp' });
const x = dev.empty([128], 'f32');
console.log('chose', JSON.stringify(await tuned.tune(dev, [1], { x })));
dev.destroy();
`,
  );
  const store = join(folder, 'tuning.json');
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['--import', './scripts/register.mjs', 'src/cli.ts', ...args], {
      cwd: resolve(import.meta.dirname, '../..'),
      env: { ...process.env, TESSERA_TUNE_CACHE: store, NO_COLOR: '1' },
    });
  const tuned = await run('tune', file);
  expect(tuned.stderr).toMatch(/k █+░* 1\/2 {2}BLOCK=64: \d+\.\d{4} ms/);
  expect(tuned.stdout).toMatch(/k: best \d+\.\d{4} ms of 2 configs\nkept in .*tuning\.json/);
  const [value] = Object.values(JSON.parse(readFileSync(store, 'utf8')) as object);
  expect((await run('run', file)).stdout).toContain(`chose ${value}`);
  rmSync(folder, { recursive: true });
});
