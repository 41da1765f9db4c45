// One program on one device against the interpreter. The reference is the traced function as it is, without passes; against it
// stand the function after the tile passes, the function printed and parsed, and what the device left in memory.

import { CompileError } from '../../src/dsl/diagnostics.ts';
import type { Func } from '../../src/dsl/ir/ir.ts';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { printFunc } from '../../src/dsl/ir/print.ts';
import { kernel } from '../../src/dsl/kernel.ts';
import { traceKernel } from '../../src/dsl/trace/trace.ts';
import { pointee } from '../../src/dsl/types.ts';
import { compileInterp, type InterpBuffer } from '../../src/lower/interp/program.ts';
import { runPipeline, tilePasses } from '../../src/lower/pipeline.ts';
import type { Target } from '../../src/lower/program.ts';
import { compileWgsl } from '../../src/lower/wgsl/compile.ts';
import { arrayOver, bytesOf } from '../../src/runtime/convert.ts';
import type { Device } from '../../src/runtime/core.ts';
import { InterpBackend } from '../../src/runtime/interpDevice.ts';
import { openDevice } from '../../src/runtime/open.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { element, type Kernel, kernelOf, type Memory } from './kernel.ts';
import type { Program } from './program.ts';
import { type Slack, slackOf, ulpOf } from './tolerance.ts';

/**
 * ok: everything agrees. refused: the back end says that it cannot do this (TL3xxx). mismatch: memory differs. passes, print:
 * already on the interpreter, after the tile passes or after printing and parsing. wgsl: messages of the WGSL compiler.
 * error: anything thrown. crash, timeout: the process did not answer.
 */
export type Kind = 'ok' | 'refused' | 'mismatch' | 'passes' | 'print' | 'wgsl' | 'error' | 'crash' | 'timeout';
export interface Outcome {
  readonly kind: Kind;
  readonly text: string;
  /** Elements of outputs, and those among them that no one can decide (see tolerance.ts). */
  readonly elements: number;
  readonly undecided: number;
  readonly skipped: readonly string[];
  /** Names of the ops that the traced kernel holds. */
  readonly ops: readonly string[];
}

/** A device that shows what it traced. */
export interface Rig {
  readonly device: Device;
  traced: Func | null;
  /** What the next program is compiled for. */
  target: Partial<Target>;
}
export async function openRig(prefer: 'interp' | 'webgpu'): Promise<Rig> {
  const rig: { device: Device | null; traced: Func | null; target: Partial<Target> } = { device: null, traced: null, target: {} };
  rig.device = await openDevice(
    { prefer },
    {
      trace: (def, signature) => (rig.traced = traceKernel(def, signature, { onPrint: () => {} })),
      toWgsl: (func, target, { num_warps }) => compileWgsl(func, { ...target, ...rig.target }, { num_warps, verify: true }),
      interpreter: (sink) => new InterpBackend(sink),
    },
  );
  if (rig.device.kind !== prefer) throw new Error('no WebGPU adapter; see scripts/with-vulkan.mjs');
  return rig as Rig;
}

/** Trips of all loops of a program stay far below. */
const MAX_STEPS = 50_000;

type Contents = ReadonlyMap<string, Uint8Array>;
const copies = (k: Kernel): Map<string, Uint8Array> => new Map(k.memory.map((m) => [m.name, m.bytes.slice()]));

function buffersOf(k: Kernel, func: Func, contents: Contents): InterpBuffer[] {
  return k.memory.flatMap((m) =>
    Object.entries(m.views).flatMap(([param, view]) => {
      const p = func.params.find((x) => x.name === param);
      return p ? [{ param, bytes: contents.get(m.name)!, byteOffset: view * pointee(p.value.type).bytes }] : [];
    }),
  );
}
function interpret(k: Kernel, func: Func): Contents {
  const contents = copies(k);
  compileInterp(func).run({
    grid: k.program.grid,
    scalars: k.scalars,
    buffers: buffersOf(k, func, contents),
    maxSteps: MAX_STEPS,
    print: () => {},
  });
  return contents;
}

interface Difference {
  readonly memory: Memory;
  readonly i: number;
  readonly got: number | bigint;
  readonly want: number | bigint;
}
/** Elements that are not the same number; NaN is one number, and so is zero. */
function differences(k: Kernel, got: Contents, want: Contents): Difference[] {
  const out: Difference[] = [];
  for (const memory of k.memory) {
    const [a, b] = [got.get(memory.name)!, want.get(memory.name)!];
    if (Buffer.compare(a, b) === 0) continue;
    for (let i = 0; i < memory.bytes.length / memory.dtype.bytes; i++) {
      const [g, w] = [element(memory.dtype, a, i), element(memory.dtype, b, i)];
      if (g !== w && !(g !== g && w !== w)) out.push({ memory, i, got: g, want: w });
    }
  }
  return out;
}

/** Differences beyond what the precision of the ops explains; how many it does explain without a finite bound. */
function judge(k: Kernel, func: Func, got: Contents, want: Contents): { wrong: Difference[]; undecided: number } {
  let wrong = differences(k, got, want);
  let undecided = 0;
  for (const [times, factor] of [
    [6, 3],
    [30, 4],
  ]) {
    if (!wrong.length) break;
    const slack = measure(k, func, want, times);
    undecided = 0;
    wrong = wrong.filter(({ memory, i, got, want }) => {
      const by = slack.of(memory.name, i);
      if (by === Infinity || (by > 0 && !memory.dtype.is_floating())) undecided++;
      if (by === 0) return true;
      if (!memory.dtype.is_floating() || by === Infinity) return false;
      return !(Math.abs(Number(got) - Number(want)) <= factor * by + ulpOf(Number(want), memory.dtype));
    });
  }
  return { wrong, undecided };
}
function measure(k: Kernel, func: Func, want: Contents, times: number): Slack {
  const at = (contents: Contents) => (name: string, i: number) =>
    Number(element(k.memory.find((m) => m.name === name)!.dtype, contents.get(name)!, i));
  const setup = () => {
    const contents = copies(k);
    return { buffers: buffersOf(k, func, contents), read: at(contents) };
  };
  return slackOf(func, setup, { grid: k.program.grid, scalars: k.scalars, maxSteps: MAX_STEPS }, at(want), times);
}

const show = (list: readonly Difference[]): string =>
  `${list.length} elements differ: ` +
  list
    .slice(0, 4)
    .map(({ memory, i, got, want }) => `${memory.name}[${i}] is ${got}, should be ${want}`)
    .join('; ');

function upload(device: Device, k: Kernel): { tensors: Map<string, Tensor>; args: { [name: string]: unknown } } {
  const tensors = new Map<string, Tensor>();
  const args: { [name: string]: unknown } = { ...k.scalars };
  for (const m of k.memory) {
    const t = device.tensor(arrayOver(m.dtype, m.bytes), { dtype: m.dtype, name: m.name });
    tensors.set(m.name, t);
    for (const [param, view] of Object.entries(m.views)) args[param] = t.slice(0, view);
  }
  return { tensors, args };
}

/** Runs a program; never throws. */
export async function check(rig: Rig, program: Program): Promise<Outcome> {
  const { device } = rig;
  let ops: string[] = [];
  let k: Kernel | undefined;
  const end = (kind: Kind, text = '', undecided = 0): Outcome => ({
    kind,
    text,
    elements: k?.memory.reduce((n, m) => n + (m.name.startsWith('out') ? m.bytes.length / m.dtype.bytes : 0), 0) ?? 0,
    undecided,
    skipped: k?.skipped ?? [],
    ops,
  });
  const { wgslMessages } = device.stats;
  const messages = wgslMessages.length;
  const tensors: Tensor[] = [];
  try {
    k = kernelOf(program);
    const uploaded = upload(device, k);
    tensors.push(...uploaded.tensors.values());
    const made = kernel<any>(k.definition, { num_warps: program.num_warps });
    rig.traced = null;
    rig.target = program.plain ? { subgroups: false, shaderF16: false } : {};
    let refused: string | null = null;
    try {
      device.launch(made, program.grid, uploaded.args);
    } catch (e) {
      if (!(e instanceof CompileError) || !rig.traced || !e.diagnostics.every((d) => d.code.startsWith('TL3'))) throw e;
      refused = `${e.diagnostics[0].code} ${e.diagnostics[0].text}`;
    }
    const func = rig.traced! as Func;
    ops = namesOf(func);
    const want = interpret(k, func);
    const clean = runPipeline(func, tilePasses, { verify: true }).func;
    const passes = judge(k, func, interpret(k, clean), want);
    if (passes.wrong.length) return end('passes', show(passes.wrong));
    const again = parseFunc(printFunc(func));
    const printed = differences(k, interpret(k, again), want);
    if (printed.length) return end('print', show(printed));
    if (refused) return end('refused', refused);
    const got = new Map<string, Uint8Array>();
    for (const [name, t] of uploaded.tensors) got.set(name, bytesOf(await t.download()));
    if (wgslMessages.length > messages) return end('wgsl', wgslMessages.slice(messages).join('\n'));
    const { wrong, undecided } = judge(k, func, got, want);
    return wrong.length ? end('mismatch', show(wrong), undecided) : end('ok', '', undecided);
  } catch (e) {
    const text = e instanceof CompileError ? e.message : e instanceof Error ? (e.stack ?? e.message) : String(e);
    return end(wgslMessages.length > messages ? 'wgsl' : 'error', `${wgslMessages.slice(messages).join('\n')}${text}`);
  } finally {
    for (const t of tensors) t.free();
  }
}

function namesOf(func: Func): string[] {
  const names = new Set<string>();
  const visit = (b: Func['body']): void => {
    for (const op of b.ops) {
      names.add(op.name);
      op.regions.forEach(visit);
    }
  };
  visit(func.body);
  return [...names];
}
